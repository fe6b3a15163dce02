"""A picture of the user's, to search by."""

from __future__ import annotations

from pathlib import Path

from perstream.config import SourceConfig
from perstream.errors import SourceError
from perstream.protocols import VisionEncoder
from perstream.sources import open_source
from perstream.types import Frame, HalfArray

SIDE_PX = 960
"""It is shrunk to this, as keyframes are."""


def encoded(image: Path, config: SourceConfig, vision: VisionEncoder) -> HalfArray:
    """Patch vectors of the first picture in a file. SourceError when there is none."""
    source = open_source(str(image), config)
    try:
        frame = next((item for item in source.stream() if isinstance(item, Frame)), None)
    finally:
        source.close()
    if frame is None:
        raise SourceError(f"{image} holds no picture")
    return vision.encode([frame.picture.rgb(SIDE_PX)])[0]
