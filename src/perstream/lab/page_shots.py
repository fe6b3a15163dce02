"""The README's pictures of the page: ``python -m perstream.lab.page_shots``. Needs chromium and chromedriver.

The sample day is watched by the builtin backend; what the pictures show is what it made of it.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
import time
from pathlib import Path

import av
import cv2

from perstream.app import build
from perstream.config import Config, ServerConfig
from perstream.lab.browser import Page, start
from perstream.web.server import Server
from perstream.web.token import read_token

DAY = Path("sample_videos/day.mp4")
QUESTION = "Where does bus 95 stop?"


def camera_of(video: Path, target: Path, since_s: float, frames: int = 30) -> Path:
    """A stretch of a video as the MJPEG file that Chromium takes for a camera."""
    with av.open(str(video)) as container, target.open("wb") as file:
        container.seek(int(since_s * 1_000_000))
        wanted = (frame for frame in container.decode(video=0) if frame.time >= since_s)
        for frame in itertools.islice(wanted, frames):
            file.write(bytes(cv2.imencode(".jpg", frame.to_ndarray(format="bgr24"))[1]))
    return target


def take(folder: Path, day: Path = DAY, question: str = QUESTION) -> list[Path]:
    """Write page.png and phone.png into ``folder``."""
    with tempfile.TemporaryDirectory() as scratch_name:
        scratch = Path(scratch_name)
        camera = camera_of(day, scratch / "camera.mjpeg", 27.0)
        flags = ("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={camera}")
        store = scratch / "store"
        with build(Config(store=str(store))) as app, Server(app, ServerConfig(port=0), store) as server:
            driver = start(scratch / "profile", extra=flags)
            try:
                page = Page(driver, server.url, read_token(store), folder)
                page.open(width=1280, height=800)
                for fact in day.with_name("profile.txt").read_text(encoding="utf-8").splitlines():
                    if fact.strip() and not fact.startswith("#"):
                        app.tell(fact)
                name = app.watch(str(day))
                if app.wait(name, 300) is None:
                    raise SystemExit("the sample day was not watched within five minutes")
                page.ask(question)
                page.one(".reply .evidence button")
                time.sleep(1.5)  # thumbnails
                page.run("document.activeElement.blur(); scrollTo(0, 0)")
                page.shot("page")
                page.permit("granted")
                page.open("camera", width=390, height=780, dark=True)
                page.one("main form button").click()
                page.until(lambda: any(one.name != name and one.frames > 10 for one in app.sources()), "the camera")
                page.shot("phone")
                page.one("main button.bad").click()
            finally:
                driver.quit()
    return [smaller(folder / f"{name}.png") for name in ("page", "phone")]


def smaller(path: Path) -> Path:
    """The same picture with 256 colours: a fifth of the bytes."""
    from PIL import Image

    with Image.open(path) as picture:
        picture.convert("RGB").quantize(256, Image.Quantize.MEDIANCUT, kmeans=4, dither=Image.Dither.NONE).save(
            path, optimize=True
        )
    return path


if __name__ == "__main__":
    for made in take(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("docs")):
        print(f"{made}: {made.stat().st_size // 1000} kB")
