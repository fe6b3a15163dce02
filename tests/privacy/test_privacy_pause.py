"""Nothing of a pause is kept, shown or heard, and the gap says that there was one; a restart does not end it."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import cv2
import numpy as np
import pytest

from perstream.app import App, build
from perstream.config import BackendConfig, Config, KeyframeConfig
from perstream.daemon.pauses import FILE, Pauses
from perstream.errors import NotFound
from perstream.sources.pixels import PixelPicture
from perstream.types import AudioChunk, ByteArray, Cue, Frame, SourceItem

FPS = 5


def sign(words: str) -> ByteArray:
    wall = np.full((240, 480, 3), 120, np.uint8)
    cv2.rectangle(wall, (10, 60), (470, 180), (250, 250, 250), -1)
    cv2.putText(wall, words, (25, 140), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (10, 10, 10), 4, cv2.LINE_AA)
    return wall


class Camera:
    """A live source that gives what it is handed, each frame at the wall's time."""

    live, start_time, duration_s, dropped = True, datetime.now(timezone.utc), None, {}

    def __init__(self, name: str) -> None:
        self.name = name
        self._items: queue.Queue[SourceItem | None] = queue.Queue()
        self._index = 0

    def show(self, picture: ByteArray, seconds: float, said: str = "") -> None:
        for _ in range(int(seconds * FPS)):
            at = datetime.now(timezone.utc)
            self._items.put(Frame(self.name, self._index, self._index / FPS, at, PixelPicture(picture)))
            loud = (np.sin(np.arange(16000 // FPS) / 9) * 20000).astype(np.int16)
            self._items.put(AudioChunk(self.name, self._index / FPS, loud))
            self._index += 1
        if said:
            self._items.put(Cue(self.name, self._index / FPS - 1, self._index / FPS, said))

    def stream(self) -> Iterator[SourceItem]:
        while (item := self._items.get()) is not None:
            yield item

    def close(self) -> None:
        self._items.put(None)

    @property
    def drained(self) -> bool:
        return self._items.empty()


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> Camera:
    made = Camera("porch")
    monkeypatch.setattr("perstream.app.open_source", lambda *_, **__: made)
    return made


@pytest.fixture
def config(tmp_path: Path) -> Config:
    keyframes = KeyframeConfig(dwell_s=0.6, settle_s=0.2)
    return Config(store=str(tmp_path / "store"), backend=BackendConfig(name="scripted"), keyframes=keyframes)


def settle(app: App, camera: Camera) -> None:
    """Until all that was shown has been taken in."""
    import time

    for _ in range(1000):
        status = next(one for one in app.sources() if one.name == "porch")
        if camera.drained and status.frames == camera._index:
            return
        time.sleep(0.01)
    raise AssertionError("the camera was not read")


def on_disk(store: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(store.rglob("*")) if path.is_file())


def test_nothing_of_a_pause_is_on_disk_or_on_show_and_the_gap_says_so(config: Config, camera: Camera) -> None:
    store = Path(config.store)
    with build(config) as app:
        name = app.watch("webcam:0", name="porch")
        camera.show(sign("BEFORE"), 4, said="good morning breakfast")
        settle(app, camera)
        app.live(name)
        app.pause(name)
        assert app.live(name, 0, 0.05) is None and app.view(name) is None
        began = datetime.now(timezone.utc)
        camera.show(sign("SECRET"), 6, said="my secret confession")
        settle(app, camera)
        assert app.live(name, 0, 0.05) is None and app.view(name) is None
        app.resume(name)
        ended = datetime.now(timezone.utc)
        camera.show(sign("AFTERWARDS"), 4, said="good evening dinner")
        settle(app, camera)
        app.remove(name)
        kept = app.memories(limit=100)
        (gap,) = app.gaps()
        texts = " ".join(one.text + " ".join(o.text for o in one.observations) for one in kept)
        pictures = [cv2.imdecode(np.frombuffer(app.thumbnail(one.id) or b"", np.uint8), 1) for one in kept]
        during = app.memories(since=began + timedelta(milliseconds=50), until=ended)
    assert "breakfast" in texts and "dinner" in texts, "before and after it was at work"
    assert (gap.source, gap.reason) == ("porch", "paused") and gap.end_s - gap.start_s >= 5
    assert gap.started_at <= began and gap.ended_at >= ended - timedelta(seconds=1)
    assert not during
    disk = on_disk(store).lower()
    assert b"secret" not in disk and b"confession" not in disk
    before, after, secret = (cv2.resize(sign(w), (120, 60)).astype(int) for w in ("BEFORE", "AFTERWARDS", "SECRET"))
    for picture in pictures:
        seen = cv2.resize(picture, (120, 60)).astype(int)
        nearest = min((before, after, secret), key=lambda one: np.abs(seen - one).mean())
        assert nearest is not secret


def test_a_pause_outlives_the_house_and_new_sources_keep_to_it(config: Config, camera: Camera) -> None:
    with build(config) as app:
        app.pause()
        assert app.paused
    with build(config) as app:
        assert app.paused
        name = app.watch("webcam:0", name="porch")
        assert [str(one.state) for one in app.sources()] == ["paused"]
        camera.show(sign("SECRET"), 4, said="my secret confession")
        settle(app, camera)
        assert app.live(name, 0, 0.05) is None and app.view(name) is None
        app.remove(name)
        assert app.memories(limit=10) == []
        app.resume()
        assert not app.paused
    assert not (Path(config.store) / FILE).exists()
    assert b"confession" not in on_disk(Path(config.store))


def test_the_gap_of_a_camera_goes_over_a_restart(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    cameras = [Camera("porch") for _ in range(4)]
    monkeypatch.setattr("perstream.app.open_source", lambda *_, **__: cameras.pop())
    early = datetime.now(timezone.utc) - timedelta(hours=3)
    with build(config) as app:
        app.pause()
    note = Path(config.store) / FILE
    note.write_text(json.dumps({**json.loads(note.read_text()), "all": early.isoformat()}))  # the house was off since
    with build(config) as app:
        app.watch("webcam:0", name="porch")
        (gap,) = app.gaps()
        assert gap.started_at == early and gap.ended_at > early + timedelta(hours=2.9) and gap.reason == "paused"
        app.remove("porch")
        app.watch("webcam:0", name="porch")
        app.remove("porch")
        assert sum((one.ended_at - one.started_at for one in app.gaps()), timedelta()) < timedelta(hours=3.1)
        app.resume()
        app.watch("webcam:0", name="porch")
        app.remove("porch")
        assert all(one.ended_at < datetime.now(timezone.utc) for one in app.gaps())


def test_an_unknown_source_is_not_paused(config: Config) -> None:
    with build(config) as app:
        for call in (app.pause, app.resume):
            with pytest.raises(NotFound):
                call("nobody")
        assert not app.paused and not (Path(config.store) / FILE).exists()


def test_one_and_all(tmp_path: Path) -> None:
    pauses = Pauses(tmp_path)
    pauses.pause("porch")
    assert pauses.holds("porch") and not pauses.holds("desk") and not pauses.everything
    pauses.pause(None)
    pauses.resume("desk")
    again = Pauses(tmp_path)
    assert again.everything and again.holds("porch") and again.holds("new one") and not again.holds("desk")
    again.removed("desk")
    assert again.holds("desk"), "an exception goes with its source"
    again.resume("porch")
    assert not again.holds("porch"), "the owner said so"
    again.pause("porch")
    assert again.holds("porch") and again.since("porch") is not None
    again.resume(None)
    assert not Pauses(tmp_path).holds("porch") and not (tmp_path / FILE).exists()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"all": 3, "sources": {}, "awake": []}', '{"all": null, "sources": {"a": "x"}}']
)
def test_a_note_that_cannot_be_read_means_that_all_is_paused(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    assert Pauses(tmp_path).everything


def test_the_note_is_private_and_says_since_when(tmp_path: Path) -> None:
    Pauses(tmp_path).pause(None)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    since = datetime.fromisoformat(json.loads((tmp_path / FILE).read_text())["all"])
    assert abs(datetime.now(timezone.utc) - since) < timedelta(minutes=1)
