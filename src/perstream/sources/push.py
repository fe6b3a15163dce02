"""A source that code feeds: a browser's camera, another program, a test."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import numpy as np

from perstream.errors import SourceError
from perstream.sources.mailbox import Mailbox
from perstream.sources.pixels import PixelPicture
from perstream.types import AudioChunk, ByteArray, Frame, Gap, SampleArray, SourceItem

RATE_HZ = 16_000
REST_S = 5.0
"""While the sender rests, a Gap is told each time so much has gone by, so that nobody waits for its end."""


@dataclass(frozen=True, slots=True, eq=False)
class _Picture:
    pts_s: float
    at: datetime
    pixels: ByteArray


@dataclass(frozen=True, slots=True, eq=False)
class _Sound:
    pts_s: float
    samples: SampleArray


@dataclass(frozen=True, slots=True)
class _Rest:
    pts_s: float
    at: datetime
    reason: str


class _End:
    """Nothing comes after this."""


class PushSource:
    """Live: at most ``capacity`` pictures wait, and the newest wins.

    A silence of more than ``stall_s`` between two pictures becomes a Gap. Where nothing at all has come for
    ``end_after_s``, the stream ends. ``push``, ``hear``, ``rest`` and ``end`` may be called from any thread.
    """

    live = True
    duration_s: float | None = None

    def __init__(self, name: str, *, capacity: int = 2, stall_s: float = 5.0, end_after_s: float | None = None) -> None:
        self.name = name
        self.start_time = datetime.now(timezone.utc)
        self._stall_s = stall_s
        self._end_after_s = end_after_s
        self._zero: float | None = None
        self._last_s = 0.0
        self._lock = threading.Lock()
        self._started = False
        self._stopped = False
        self._mailbox: Mailbox[_Picture | _Sound | _Rest | _End] = Mailbox(
            lambda item: isinstance(item, _Picture), capacity
        )

    @property
    def dropped(self) -> Mapping[str, int]:
        return {"behind": self._mailbox.dropped} if self._mailbox.dropped else {}

    @property
    def over(self) -> bool:
        """True when nothing is taken any more."""
        return self._stopped

    @property
    def clock_s(self) -> float:
        """Seconds since the first picture; 0 before it."""
        return 0.0 if self._zero is None else time.monotonic() - self._zero

    def push(self, rgb: ByteArray, pts_s: float | None = None) -> None:
        """Give a picture, uint8 [h, w, 3]; never waits.

        ``pts_s`` is the sender's time in seconds since its first picture; without it the time of the
        call counts. Raises SourceError for what is no picture.
        """
        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or 0 in rgb.shape:
            raise SourceError(f"{self.name}: a picture is uint8 [height, width, 3], not {rgb.dtype} {list(rgb.shape)}")
        with self._lock:
            now = time.monotonic()
            if self._zero is None:
                self._zero = now - (pts_s or 0.0)
                self.start_time = datetime.now(timezone.utc) - timedelta(seconds=pts_s or 0.0)
            self._last_s = max(self._last_s, now - self._zero if pts_s is None else pts_s)
            self._mailbox.put(_Picture(self._last_s, datetime.now(timezone.utc), rgb))

    def hear(self, samples: SampleArray, pts_s: float | None = None) -> None:
        """Give sound, 16 kHz mono int16 [n], that ends now or begins at ``pts_s``.

        Sound before the first picture has no place on the timeline and is not kept.
        """
        if samples.ndim != 1 or samples.dtype != np.int16:
            raise SourceError(f"{self.name}: sound is int16 [samples] at {RATE_HZ} Hz, not {samples.dtype}")
        with self._lock:
            if self._zero is None:
                return
            began_s = time.monotonic() - self._zero - len(samples) / RATE_HZ
            self._mailbox.put(_Sound(max(0.0, began_s if pts_s is None else pts_s), samples))

    def rest(self, reason: str) -> None:
        """Nothing is sent for now, and why: it becomes a Gap. Say so again now and then, or the stream ends."""
        with self._lock:
            self._mailbox.put(_Rest(self.clock_s, datetime.now(timezone.utc), reason))

    def end(self) -> None:
        """No more will come: ``stream`` ends after what is waiting."""
        self._mailbox.put(_End())

    def stream(self) -> Iterator[SourceItem]:
        with self._lock:
            if self._started:
                raise SourceError(f"{self.name} was already read; make a new one")
            self._started = True
        index = 0
        resting: str | None = None
        last: _Picture | _Rest | None = None
        try:
            while not self._stopped:
                item = self._mailbox.take(self._end_after_s or 3600.0)
                if isinstance(item, _End) or (item is None and self._end_after_s is not None):
                    return
                if isinstance(item, _Sound):
                    yield AudioChunk(self.name, item.pts_s, item.samples)
                elif isinstance(item, _Rest):
                    resting = item.reason
                    if last is not None and item.pts_s - last.pts_s >= REST_S:
                        yield Gap(self.name, last.pts_s, item.pts_s, last.at, item.at, item.reason)
                        last = item
                elif isinstance(item, _Picture):
                    silence_s = 0.0 if last is None else item.pts_s - last.pts_s
                    if last is not None and silence_s > (0.0 if resting else self._stall_s):
                        yield Gap(self.name, last.pts_s, item.pts_s, last.at, item.at, resting or "stalled")
                    last, resting = item, None
                    yield Frame(self.name, index, item.pts_s, item.at, PixelPicture(item.pixels))
                    index += 1
        finally:
            self.close()

    def close(self) -> None:
        self._stopped = True
        self._mailbox.close()
