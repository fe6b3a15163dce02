"""Figures of the page: ``python -m perstream.lab.bench_page``. Needs chromium and chromedriver.

First paint and bytes of a first visit, the live view's pictures a second and what they cost the daemon, how long a word
takes to its card, and a browser's camera until memory. Everything runs on this machine.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from perstream.app import App, build
from perstream.config import Config, ServerConfig
from perstream.events import ProactiveSaid
from perstream.lab.browser import Page, start
from perstream.lab.sight import SIGNS, sight
from perstream.web.server import Server
from perstream.web.token import read_token

VISITS = 10
LIVE_S = 8.0
WORDS = 60
CAMERA_S = 30.0


def p95(values: list[float]) -> float:
    """The 95th percentile."""
    return float(np.percentile(values, 95))


def first_visits(page: Page) -> dict[str, Any]:
    """Milliseconds until something is painted, and bytes, with nothing cached."""
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
    paints, sizes = [], []
    for _ in range(VISITS):
        page.open()
        paints.append(float(page.run("return performance.getEntriesByName('first-contentful-paint')[0].startTime")))
        files = "performance.getEntriesByType('resource').filter((e) => e.name.includes('/page/'))"
        size = f"return {files}.reduce((a, e) => a + e.transferSize, performance.getEntriesByType('navigation')[0].transferSize)"
        sizes.append(int(page.run(size)))
    page.driver.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": False})
    return {"first_paint_ms": {"p50": statistics.median(paints), "max": max(paints)}, "bytes": max(sizes)}


def live_view(page: Page, app: App) -> dict[str, Any]:
    """The same source without and with somebody who looks on: CPU of this process, which is the daemon."""
    source = app.feed("live")
    pictures = [sight(SIGNS[0], step) for step in range(40)]

    def cost() -> float:
        began, cpu, step = time.monotonic(), time.process_time(), 0
        while time.monotonic() - began < LIVE_S:
            source.push(pictures[step % len(pictures)])
            step += 1
            time.sleep(max(0.0, began + step / 15 - time.monotonic()))
        return (time.process_time() - cpu) / (time.monotonic() - began)

    page.open("health")
    cost()  # models are loaded, the first keyframe is perceived
    alone = cost()
    page.go("now")
    page.run("window.shown = 0; document.querySelector('.view img').addEventListener('load', () => window.shown += 1)")
    looked_at = cost()
    shown = int(page.run("return window.shown"))
    source.end()
    app.wait("live", 30)
    return {"pictures_a_second": shown / LIVE_S, "core_share": looked_at - alone, "core_share_without": alone}


def words(page: Page, app: App) -> dict[str, Any]:
    """Milliseconds from an event on the daemon's bus until its card is in the page; both read one clock."""
    page.open()
    page.run(
        """window.seen = {};
        new MutationObserver((changes) => {
          for (const change of changes) for (const card of change.addedNodes)
            if (card.dataset?.word) requestAnimationFrame(() => (window.seen[card.dataset.word] = Date.now()));
        }).observe(document.querySelector('main'), { childList: true, subtree: true });"""
    )
    sent = {}
    for number in range(1, WORDS + 1):
        sent[number] = time.time() * 1000
        app.bus.publish(
            ProactiveSaid(datetime.now(timezone.utc), "live", 1.0, f"Word {number}.", (), "measured", "bench", number)
        )
        time.sleep(0.1)
    page.until(lambda: len(page.run("return Object.keys(window.seen)")) >= WORDS, "all cards")
    seen = page.run("return window.seen")
    took = [float(seen[str(number)]) - at for number, at in sent.items()]
    return {"p50_ms": statistics.median(took), "p95_ms": p95(took)}


def camera(page: Page, app: App) -> dict[str, Any]:
    """A browser's camera that sees another sign every 2 s: from the picture's arrival until memory has it."""
    page.permit("granted")
    page.open("camera")
    page.one("main form button").click()
    time.sleep(CAMERA_S)
    delay = page.run("return import('/page/js/capture.js').then((capture) => capture.state)")
    (status,) = [one for one in app.sources() if one.name != "live"]
    page.one("main button.bad").click()
    latency = status.latency
    return {
        "frames": status.frames,
        "keyframes": status.keyframes,
        "memories": status.memories,
        "to_daemon_ms": delay["delayMs"],
        "dropped_in_browser": delay["dropped"],
        "to_memory_p50_ms": latency.p50_ms,
        "to_memory_p95_ms": latency.p95_ms,
        "of_it_choosing_p95_ms": latency.chosen_p95_ms,
    }


def measure() -> dict[str, Any]:
    """All of it."""
    with tempfile.TemporaryDirectory() as scratch_name:
        scratch = Path(scratch_name)
        film = scratch / "camera.mjpeg"
        with film.open("wb") as file:
            for step in range(240):
                shown = cv2.cvtColor(sight(SIGNS[step // 60], step), cv2.COLOR_RGB2BGR)
                file.write(bytes(cv2.imencode(".jpg", shown)[1]))
        flags = ("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}")
        store = scratch / "store"
        with build(Config(store=str(store))) as app, Server(app, ServerConfig(port=0), store) as server:
            driver = start(scratch / "profile", extra=flags)
            try:
                page = Page(driver, server.url, read_token(store), scratch)
                return {
                    "first_visit": first_visits(page),
                    "word_to_card": words(page, app),
                    "live_view": live_view(page, app),
                    "camera": camera(page, app),
                }
            finally:
                driver.quit()


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
