"""How the reader process talks to its parent: a JSON head and raw bytes, over a pipe.

Both ends are this program, but the reader chews on whatever a network sends, so sizes are bounded.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any, BinaryIO

from av.video.frame import VideoFrame

_SIZES = struct.Struct(">II")
MAX_HEAD = 65_536
MAX_BODY = 300_000_000
"""Bytes: a picture of 8192 x 8192 in YUV 4:4:4 fits."""

COPIED_FORMATS = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "nv12", "gray"})
"""Pixel formats that travel as they are; the reader converts every other to yuv420p."""


class WireError(Exception):
    """The other side sent something that is no message."""


def send(pipe: BinaryIO, head: dict[str, Any], body: Sequence[Any] = ()) -> None:
    """Write one message; ``body`` are buffers. Raises OSError when nobody reads any more."""
    text = json.dumps(head).encode()
    views = [memoryview(part).cast("B") for part in body]
    pipe.write(_SIZES.pack(len(text), sum(len(view) for view in views)))
    pipe.write(text)
    for view in views:
        pipe.write(view)
    pipe.flush()


def receive(pipe: BinaryIO) -> tuple[dict[str, Any], bytearray] | None:
    """Read one message, or None at the end. Raises WireError for what is no message."""
    sizes = _exactly(pipe, _SIZES.size)
    if sizes is None:
        return None
    head_size, body_size = _SIZES.unpack(sizes)
    if head_size > MAX_HEAD or body_size > MAX_BODY:
        raise WireError(f"a message of {head_size} + {body_size} bytes is too large")
    text, body = _exactly(pipe, head_size), _exactly(pipe, body_size)
    if text is None or body is None:
        return None
    try:
        head = json.loads(text)
    except ValueError as error:
        raise WireError("a message has no readable head") from error
    if not isinstance(head, dict):
        raise WireError("a message has no readable head")
    return head, body


def pack_frame(frame: VideoFrame) -> tuple[dict[str, Any], list[Any]]:
    """Head and buffers of a decoded picture."""
    if frame.format.name not in COPIED_FORMATS:
        frame = frame.reformat(format="yuv420p")
    head = {
        "size": [frame.width, frame.height],
        "format": frame.format.name,
        "rotation": frame.rotation,
        "colors": [int(frame.colorspace), int(frame.color_range)],
        "lines": [plane.line_size for plane in frame.planes],
    }
    return head, list(frame.planes)


def unpack_frame(head: dict[str, Any], body: bytearray) -> VideoFrame:
    """The picture again, in a buffer of this process. Raises WireError."""
    try:
        width, height = head["size"]
        if head["format"] not in COPIED_FORMATS or not 0 < width * height <= MAX_BODY:
            raise WireError("a picture of an unknown format")
        frame = VideoFrame(width, height, head["format"])
        frame.colorspace, frame.color_range = head["colors"]
        start = 0
        for plane, line in zip(frame.planes, head["lines"], strict=True):
            rows = plane.buffer_size // plane.line_size
            _copy_rows(memoryview(body)[start : start + rows * line], line, memoryview(plane), plane.line_size, rows)
            start += rows * line
    except (KeyError, TypeError, ValueError) as error:
        raise WireError("a picture that does not fit its description") from error
    return frame


def _copy_rows(source: memoryview, source_line: int, target: memoryview, target_line: int, rows: int) -> None:
    """Copy a plane between buffers whose rows are padded differently."""
    if source_line == target_line:
        target[: rows * target_line] = source
        return
    used = min(source_line, target_line)
    for row in range(rows):
        target[row * target_line : row * target_line + used] = source[row * source_line : row * source_line + used]


def _exactly(pipe: BinaryIO, size: int) -> bytearray | None:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        count = pipe.readinto(view)  # type: ignore[attr-defined]
        if not count:
            return None
        view = view[count:]
    return data
