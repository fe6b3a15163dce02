"""The page in a real browser: what a person sees and does. PERSTREAM_SHOTS=FOLDER keeps the screenshots."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

pytest.importorskip("selenium", reason="selenium is not installed")

from browser_kit import HOSTILE, KEPT_SHOTS, fake_camera, furnished, make_film, needs_chromium, picture
from selenium.webdriver.common.keys import Keys

from perstream.app import App
from perstream.config import ServerConfig
from perstream.daemon.alert_rules import Finding
from perstream.daemon.status import SourceState, SourceStatus
from perstream.events import ProactiveSaid
from perstream.jsonlines import evidence_of
from perstream.lab.browser import Page, start
from perstream.types import Selector
from perstream.web.server import Server
from perstream.web.token import read_token, rotate_token

pytestmark = needs_chromium()
CROWD = 10_000


class World:
    """The house, its server that comes and goes, and the page."""

    def __init__(self, app: App, store: Path) -> None:
        self.app = app
        self._store = store
        self._port = 0
        self.serve()

    def status(self, name: str) -> SourceStatus:
        """Of one source; as if at rest before it is there."""
        found = [source for source in self.app.sources() if source.name == name]
        return found[0] if found else SourceStatus(name, name, True, SourceState.ENDED)

    def serve(self) -> None:
        """At the same port as before."""
        self.server = Server(self.app, ServerConfig(port=self._port), self._store)
        self.server.start()
        self._port = self.server.port


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    store = tmp_path_factory.mktemp("crowd")
    with furnished(store, CROWD) as app:
        world = World(app, store)
        yield world
        world.server.stop()


@pytest.fixture(scope="module")
def page(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    shots = Path(KEPT_SHOTS) if KEPT_SHOTS else tmp_path_factory.mktemp("shots")
    camera = fake_camera(tmp_path_factory.mktemp("camera") / "signs.mjpeg")
    driver = start(tmp_path_factory.mktemp("profile"), extra=camera)
    yield Page(driver, world.server.url, read_token(world.server.token_file.parent), shots)
    driver.quit()


@pytest.fixture(autouse=True)
def _no_complaints(page: Page) -> Iterator[None]:
    """Nothing goes wrong in the browser's own eyes: no refused script, no error that nobody caught."""
    page.complaints()
    yield
    assert page.complaints() == []


def test_only_the_token_opens_the_page(page: Page) -> None:
    page.driver.get(page.url)
    page.run("sessionStorage.clear(); location.hash = ''; location.reload()")
    page.one("input[name=token]").send_keys("a-wrong-token-0123456789\n")
    assert "refused" in page.one("[role=alert]").text
    page.shot("signin")
    assert not page.one("#main").text.count("shop")
    page.one("input[name=token]").send_keys(page.token + "\n")
    page.until(lambda: page.text("#link") == "live", "the right token opens")
    page.open()
    assert page.token not in page.driver.current_url


def test_an_answer_streams_and_its_evidence_opens_the_moment(page: Page) -> None:
    page.open()
    page.ask("When is the zebra concert?")
    evidence = page.one(".reply .evidence button")
    page.until(lambda: page.run("return document.querySelector('.evidence img').naturalWidth") == 320, "its picture")
    assert "zebra concert on Friday" in page.text(".reply")
    page.shot("asked")
    evidence.click()
    page.until(lambda: "12:34 to 12:39" in page.text("#moment"), "where in the recording")
    assert page.run("return document.querySelector('#moment img').naturalWidth") == 320
    page.shot("moment")


def test_one_jumps_to_the_place_in_the_recording(page: Page, world: World, tmp_path: Path) -> None:
    film = make_film(tmp_path / "walk.webm", ("GARAGE 12", "LIBRARY"))
    name = world.app.watch(str(film))
    page.until(lambda: world.app.wait(name, 0.2), "it was watched")
    page.open()
    page.ask("What about the library?")
    page.one(".reply .evidence button").click()
    page.until(lambda: page.all("dialog dl"), "the moment")
    page.run("[...document.querySelectorAll('dialog button')].find((b) => b.textContent.startsWith('Play')).click()")
    page.until(lambda: page.run("return document.querySelector('dialog video')?.currentTime ?? 0") >= 2.5, "its place")
    page.shot("played")


def test_everything_is_paused_by_one_button(page: Page, world: World, tmp_path: Path) -> None:
    film = make_film(tmp_path / "yard.webm", ("YARD",), each_s=1)
    name = world.app.watch(str(film), masks=["0 0 0.1 1"])
    page.open("sources")
    button = "#main button"
    page.until(lambda: page.text(button) == "Pause everything", "one button")
    page.until(lambda: "Nobody sees: region 0 0 0.1 1" in page.text("#main"), "its mask")
    page.one(button).click()
    page.until(lambda: page.text(button) == "Resume everything" and world.app.paused, "paused")
    assert "also after a restart" in page.text("#main") and page.too_wide() == []
    page.shot("all_paused")
    page.go("now")
    page.until(lambda: "paused" in page.text(".log"), "it says so")
    time.sleep(0.6)  # two looks
    assert page.run("return document.querySelector('.view img').getAttribute('src')") is None, "and shows nothing"
    shown = "return getComputedStyle(document.querySelector('.view img')).visibility"
    assert page.run(shown) == "hidden", "not even a picture that is broken"
    page.go("sources")
    page.until(lambda: page.text(button) == "Resume everything", "still paused")
    page.one(button).click()
    page.until(lambda: page.text(button) == "Pause everything" and not world.app.paused, "it goes on")
    page.until(lambda: world.app.wait(name, 0.2), "and ends")


def test_hands_on_the_keyboard_only(page: Page) -> None:
    page.open()
    keys = page.driver.switch_to
    page.one("body").send_keys("/")
    assert keys.active_element.get_attribute("id") == "question"
    keys.active_element.send_keys("Which concert has a zebra?\n")
    page.one(".reply .evidence button")
    page.run("document.activeElement.blur()")
    for _ in range(25):
        keys.active_element.send_keys(Keys.TAB)
        if keys.active_element.get_attribute("data-memory"):
            break
    outline = page.run("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "one sees where one is"
    keys.active_element.send_keys(Keys.ENTER)
    page.until(lambda: page.all("dialog[open] dl"), "the moment opens")
    keys.active_element.send_keys(Keys.ESCAPE)
    page.until(lambda: not page.all("dialog[open]"), "escape closes it")
    assert keys.active_element.get_attribute("data-memory"), "one is where one was"


def test_what_is_forgotten_is_gone_from_every_view(page: Page, world: World) -> None:
    doomed = world.app.tell("The quokka nickname is hunter2")
    page.open()
    page.ask("What is the quokka nickname?")
    page.one(f".reply [data-memory='{doomed.id}']").click()
    page.until(lambda: page.all("dialog[open] button.bad"), "the moment")
    page.one("dialog button.bad").click()
    page.until(lambda: "1 memory" in page.text("#moment"), "a preview of what goes")
    page.shot("forget")
    page.one("dialog button.bad").click()
    page.until(lambda: not page.all("dialog[open]"), "done")
    page.until(lambda: "hunter2" not in page.text("main"), "the answer no longer says it")
    page.go("timeline")
    page.one(".memory")
    assert "hunter2" not in page.text("main")
    page.go("search")
    page.one("main input[type=search]").send_keys("quokka nickname\n")
    page.until(lambda: page.text("main [aria-live]").strip(), "results")
    assert "hunter2" not in page.text("main")
    page.go("now")
    assert "hunter2" not in page.text("main"), "the log of what happened forgot it too"


def test_what_another_tab_forgets_vanishes_here_too(page: Page, world: World) -> None:
    doomed = world.app.tell("The axolotl safe opens with 4711")
    page.open()
    page.ask("How does the axolotl safe open?")
    page.one(f".reply [data-memory='{doomed.id}']")
    page.driver.switch_to.new_window("tab")
    page.open("timeline")
    page.until(lambda: "4711" in page.text("main"), "both tabs show it")
    world.app.forget(Selector(ids=(doomed.id,)))
    page.until(lambda: "4711" not in page.text("main"), "gone here")
    page.driver.close()
    page.driver.switch_to.window(page.driver.window_handles[0])
    page.until(lambda: "4711" not in page.text("main"), "and there")
    assert "forgotten" in page.text(".reply")


def test_words_from_the_world_are_words(page: Page) -> None:
    page.open("timeline")
    page.until(lambda: "<script>document.title='taken'</script>" in page.text("main"), "shown as it was read")
    assert not page.all("main img[src=x]") and not page.all("main script")
    page.ask("sign: what does it say?")
    page.until(lambda: "onerror" in page.text(".reply"), "answered")
    assert "taken" not in page.driver.title
    page.size(390, 844)
    assert page.too_wide() == []
    page.go("timeline")
    page.one(".memory")
    page.shot("hostile")
    assert page.too_wide() == []


def test_ten_thousand_memories_come_a_page_at_a_time(page: Page) -> None:
    page.open("timeline")
    page.until(lambda: len(page.all(".memory")) >= 30, "the latest")
    shown = len(page.all(".memory"))
    assert shown <= 120
    for _ in range(2):
        before = len(page.all(".memory"))
        page.run("scrollTo(0, document.body.scrollHeight)")
        page.run("[...document.querySelectorAll('main button')].find((b) => b.textContent === 'Earlier').click()")
        page.until(lambda least=before: len(page.all(".memory")) > least, "more")
    assert page.text("main").count("shop number") >= 100
    page.run("scrollTo(0, 0)")
    page.shot("timeline")


def test_the_graph_is_walked_and_never_drawn_whole(page: Page) -> None:
    page.open("graph")
    page.until(lambda: len(page.all(".around .category")) >= 3, "the categories")
    assert "3,333" in page.text(".around") or "3,334" in page.text(".around")
    page.shot("graph")
    page.driver.find_element("partial link text", "dining").click()
    page.until(lambda: len(page.all(".around .memory")) == 24, "a page of its memories")
    assert len(page.all(".walk path")) == 24
    page.one(".around .memory").click()
    page.until(lambda: page.all(".around .entity"), "what the memory mentions")
    page.shot("graph_memory")
    page.one(".around .entity").click()
    page.until(lambda: page.text(".here .soft") == "Thing" and len(page.all(".around .node")) > 10, "what mentions it")
    page.shot("graph_entity")
    assert len(page.all("main *")) < 600
    page.driver.back()
    page.until(lambda: page.text(".here .soft") == "Memory", "back is where one was")
    until = page.one("main input[aria-label=Until]")
    page.driver.get(f"{page.url}/#/graph")
    page.until(lambda: len(page.all(".around .category")) >= 3, "the root")
    until = page.one("main input[aria-label=Until]")
    page.run("arguments[0].value = '2026-05-04'; arguments[0].dispatchEvent(new Event('change'))", until)
    page.until(lambda: page.all(".around .tag") and "3,333" not in page.text(".around"), "only that day's")
    page.run("arguments[0].value = ''; arguments[0].dispatchEvent(new Event('change'))", until)


def test_a_picture_finds_what_looks_like_it(page: Page, tmp_path: Path) -> None:
    page.open("search")
    (tmp_path / "sign.jpg").write_bytes(picture("SHOP 9999"))
    page.all("#by-picture")[0].send_keys(str(tmp_path / "sign.jpg"))
    page.until(lambda: page.text("main [aria-live]").strip(), "an answer")
    assert page.all("main [aria-live] .memory") and not page.all("main [role=alert]")
    assert "undefined" not in page.text("main")
    (tmp_path / "no.jpg").write_bytes(b"not a picture")
    page.all("#by-picture")[0].send_keys(str(tmp_path / "no.jpg"))
    page.until(lambda: "no picture" in page.text("main [role=alert]"), "said in plain words")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("view", ["now", "timeline", "search", "graph", "sources", "camera", "health"])
def test_a_phone_never_scrolls_sideways(page: Page, view: str, dark: bool) -> None:
    page.open(view, width=390, height=844, dark=dark)
    page.until(lambda: page.text("main").strip(), "something to see")
    assert page.too_wide() == []
    ground = page.run("return getComputedStyle(document.documentElement).backgroundColor")
    assert (sum(map(int, ground[4:-1].split(","))) < 200) is dark
    page.shot(f"phone_{view}_{'dark' if dark else 'light'}")


def test_the_daemon_goes_and_comes_back_under_an_open_page(page: Page, world: World) -> None:
    page.open()
    world.server.stop()
    page.until(lambda: "gone" in page.text("#link"), "the page says that the daemon is gone")
    page.ask("Is anybody there?")
    page.until(lambda: "perstream serve" in page.text(".reply"), "and what to do")
    page.shot("gone")
    world.serve()
    page.until(lambda: page.text("#link") == "live", "live again without a reload")
    page.ask("zebra concert?")
    page.until(lambda: "zebra concert on Friday" in page.text(".reply"), "and answers")


def test_a_word_said_unasked_is_dismissed_and_stays_away(page: Page, world: World) -> None:
    page.open()
    poster = evidence_of(world.app.memories(limit=3)[-1], 0.9)
    for number, text in ((901, "The zebra concert is tonight."), (902, "There are nuts in this.")):
        why = "a poster you read on Monday says so"
        said = ProactiveSaid(datetime.now(timezone.utc), "cam", 1.0, text, (poster,), why, f"topic {number}", number)
        world.app.bus.publish(said)
    page.until(lambda: len(page.all(".say")) == 2, "two cards")
    assert "Why now: a poster you read" in page.text(".say")
    page.shot("said")
    button = "[...document.querySelectorAll('.say button')].find((b) => b.textContent === 'Dismiss')"
    page.run(f"{button}.click()")
    page.until(lambda: len(page.all(".say")) == 1 and "zebra" in page.text(".say"), "the newer one is gone")
    page.go("timeline")
    page.go("now")
    page.until(lambda: len(page.all(".say")) == 1 and "zebra" in page.text(".say"), "and stays away")


def test_the_browsers_camera_becomes_memories_that_answer(page: Page, world: World, tmp_path: Path) -> None:
    page.permit("granted")
    page.open("camera", width=390, height=844)
    name = page.one("main input[maxlength]")
    name.clear()
    name.send_keys("test phone")
    page.one("#with-sound").click()
    page.one("main form button").click()
    page.until(lambda: "sending picture and sound" in page.text(".sending"), "it says what it sends")
    page.until(lambda: world.status("test phone").frames >= 5, "pictures arrive")
    page.shot("camera")
    assert page.text("#capturing") == "camera on"

    page.one("button.big").click()
    page.until(lambda: page.text(".sending") == "paused: nothing is sent", "paused")
    page.until(lambda: page.text("#capturing") == "camera paused", "on every view")
    counts = [-1]

    def still() -> bool:
        """What was on its way has arrived, and for a second nothing more comes."""
        time.sleep(1.0)
        counts.append(world.status("test phone").frames)
        return counts[-1] == counts[-2]

    page.until(still, "nothing leaves while it is paused")
    frames = counts[-1]
    page.shot("camera_paused")
    page.one("button.big").click()
    page.until(lambda: world.status("test phone").frames > frames, "it goes on")

    page.size(1280, 860)
    page.go("now")
    page.until(
        lambda: page.run("return document.querySelector('.view img').naturalWidth") == 640, "the live view moves"
    )
    first = page.run("return document.querySelector('.view img').src")
    page.until(lambda: page.run("return document.querySelector('.view img').src") != first, "picture after picture")
    page.until(lambda: 1 <= len(page.all(".queue li canvas")) <= 4, "the short-term queue, never more than four")
    page.shot("now_live")
    page.go("health")
    page.until(lambda: "Frames dropped" in page.text("main") or "picture to memory" in page.text("main"), "its figures")
    assert "[object" not in page.text("main")
    page.shot("health")
    page.go("camera")
    page.one("main button.bad").click()
    page.until(lambda: world.app.wait("test phone", 0.1), "the source ends when it is stopped here")
    page.ask("What about the bakery?")
    page.one(".reply .evidence button").click()
    page.until(lambda: "test phone" in page.text("#moment dl"), "the moment of this camera")
    assert page.run("return document.querySelector('#moment img').naturalWidth") > 0
    page.shot("camera_moment")
    page.one("dialog button.first").click()

    (tmp_path / "sign.jpg").write_bytes(picture("BAKERY OPEN"))
    page.go("search")
    page.all("#by-picture")[0].send_keys(str(tmp_path / "sign.jpg"))
    page.until(lambda: "test phone" in page.text("main [aria-live]"), "what looks like it is found by a picture")
    page.shot("by_picture")


def test_a_cut_is_a_gap_and_the_camera_comes_back(page: Page, world: World) -> None:
    page.permit("granted")
    page.open("camera")
    name = page.one("main input[maxlength]")
    name.clear()
    name.send_keys("second phone\n")
    page.until(lambda: world.status("second phone").frames >= 3, "it sends")
    world.server.stop()
    page.until(lambda: page.text("#capturing") == "camera cut off", "cut off")
    page.shot("camera_cut")
    world.serve()
    page.until(lambda: page.text("#capturing") == "camera on", "on again by itself")
    page.until(lambda: any(gap.reason in ("lost", "stalled") for gap in world.app.gaps()), "the gap is recorded")
    page.run("document.querySelector('video').srcObject.getVideoTracks()[0].dispatchEvent(new Event('ended'))")
    page.until(lambda: "went away" in page.text("main [role=alert]"), "unplugged, and it says so")
    assert not page.one("main form").get_attribute("hidden")


def test_a_refused_camera_is_explained(page: Page) -> None:
    page.permit("denied")
    page.open("camera")
    page.one("main form button").click()
    page.until(lambda: "refused" in page.text("main [role=alert]"), "what to do")
    page.shot("camera_refused")


def test_alerts_stand_in_a_quiet_bar_as_long_as_they_last(world: World, page: Page, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    alerts = world.app._upkeep.alerts
    update = alerts.update
    monkeypatch.setattr(alerts, "update", lambda found, now: None)  # what the house itself finds
    page.open()
    page.until(lambda: page.text("#link") == "live", "connected")
    assert page.run("return document.getElementById('alerts').hidden")
    now = datetime.now(timezone.utc)
    update([Finding("disk_low", "/store", f"only 3 MB are free: {HOSTILE}")], now)
    page.until(lambda: "only 3 MB are free" in page.text("#alerts"), "the alert is there")
    assert not page.all("#alerts img") and page.all("#alerts .urgent")
    page.shot("alert")
    update([], now)
    page.until(lambda: page.run("return document.getElementById('alerts').hidden"), "it is over")


def test_a_rotated_token_is_asked_for_again(page: Page, world: World) -> None:
    page.open()
    page.until(lambda: page.text("#link") == "live", "the page listens")
    page.token = rotate_token(world.server.token_file.parent)
    asking = page.one("input[name=token]")  # by itself: its stream ended, and the old token is refused
    asking.send_keys(page.token + "\n")
    page.until(lambda: page.text("#link") == "live", "the new token opens")
