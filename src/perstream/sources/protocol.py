"""What every source can do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Protocol

from perstream.types import SourceItem


class Source(Protocol):
    """A stream of frames, sound, transcript lines and gaps on one timeline.

    One consumer reads ``stream()`` once; ``close()`` and ``dropped`` may be used from any thread.
    """

    @property
    def name(self) -> str:
        """What the timeline calls it, for example a file name or ``webcam:0``. Holds no password."""

    @property
    def live(self) -> bool:
        """True when it cannot wait: frames that come while nobody takes them are dropped, newest kept."""

    @property
    def start_time(self) -> datetime:
        """UTC time of the first frame."""

    @property
    def duration_s(self) -> float | None:
        """Length in seconds where it is known; None for a live source."""

    @property
    def dropped(self) -> Mapping[str, int]:
        """Frames that nobody will see, by reason: ``undecodable``, ``behind``."""

    def stream(self) -> Iterator[SourceItem]:
        """Yield what the source has, in time order, and release everything at the end.

        Frames' ``pts_s`` never decrease. Raises SourceError when nothing can be read at all; a source
        that ends early ends the stream instead, and ``dropped`` tells.
        """

    def close(self) -> None:
        """Stop: a running ``stream()`` ends promptly. May be called from any thread, and again."""
