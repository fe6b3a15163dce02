"""Cameras of this machine, as FFmpeg calls them on each platform."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from perstream.errors import SourceError


@dataclass(frozen=True, slots=True)
class Input:
    """One way to open something with FFmpeg."""

    url: str
    format: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    allow: tuple[str, ...] | None = None
    """Hosts that may be connected to whatever their address, see reach.py; None where nothing is connected to."""


def camera_inputs(number: int, platform: str = sys.platform) -> list[Input]:
    """Ways to open camera ``number``, the best first: 720p with compressed transfer where it is offered.

    Raises SourceError when it is known already that the camera is not there.
    """
    wish = {"video_size": "1280x720", "framerate": "30"}
    if platform == "darwin":
        url = f"{number}:none"
        return [Input(url, "avfoundation", wish), Input(url, "avfoundation", {"framerate": "30"})]
    if platform == "win32":
        url = f"video={_directshow_name(number)}"
        return [Input(url, "dshow", wish), Input(url, "dshow")]
    device = Path(f"/dev/video{number}")
    if not device.exists():
        others = sorted(path.name.removeprefix("video") for path in Path("/dev").glob("video[0-9]*"))
        there = f"there is webcam:{', webcam:'.join(others)}" if others else "this machine shows no camera"
        raise SourceError(f"webcam:{number} is not there ({device}); {there}. Plug it in, or give another source")
    options = [{"input_format": "mjpeg", **wish}, {"video_size": wish["video_size"]}, {}]
    return [Input(str(device), "v4l2", wished) for wished in options]


def _directshow_name(number: int) -> str:
    try:
        from av.device import enumerate_input_devices
    except ImportError as error:
        raise SourceError("cameras on Windows need a newer PyAV: pip install --upgrade av") from error
    names = [d.name for d in enumerate_input_devices("dshow") if "video" in d.media_types]
    if number >= len(names):
        raise SourceError(f"webcam:{number} is not there; this machine shows {len(names)} camera(s)")
    return names[number]
