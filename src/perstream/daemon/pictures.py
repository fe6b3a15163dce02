"""A picture of the user's, to search by."""

from __future__ import annotations

from pathlib import Path

from perstream.config import SourceConfig
from perstream.daemon.veil import Veil
from perstream.errors import SourceError
from perstream.protocols import VisionEncoder
from perstream.sources import open_source
from perstream.sources.jpeg import decode_jpeg
from perstream.types import ArrayPicture, Frame, HalfArray

SIDE_PX = 960
"""It is shrunk to this, as keyframes are."""


def encoded(image: Path | bytes, config: SourceConfig, vision: VisionEncoder, veil: Veil) -> HalfArray:
    """Patch vectors of the first picture in a file, or of a JPEG, as the veil shows it. SourceError where none is."""
    if isinstance(image, bytes):
        return vision.encode([veil.alone(ArrayPicture(decode_jpeg(image))).rgb(SIDE_PX)])[0]
    source = open_source(str(image), config)
    try:
        frame = next((item for item in source.stream() if isinstance(item, Frame)), None)
    finally:
        source.close()
    if frame is None:
        raise SourceError(f"{image} holds no picture")
    return vision.encode([veil.alone(frame.picture).rgb(SIDE_PX)])[0]
