"""What a source's pipeline counts: frames, keyframes, memories, drops by reason, errors, latency."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from perstream.daemon.buckets import Buckets, Spread
from perstream.privacy.redact import redact

LATENCIES_KEPT = 4096
REPORT_S = 1.0
"""Drops and repeated errors are told at most once in so many seconds."""


@dataclass(frozen=True, slots=True)
class Latency:
    """A frame's way from capture until the assistant has taken it in (and, when it completes a
    moment, the moment is on disk). Milliseconds, over the latest frames."""

    count: int = 0
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    chosen_p95_ms: float = 0.0
    """The part of it that the sampler took to decide for the frame."""


class Tally:
    """Counters that several threads write and read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._dropped: Counter[str] = Counter()
        self._untold: Counter[str] = Counter()
        self._told_at = float("-inf")
        self._ways: deque[tuple[float, float, float]] = deque(maxlen=LATENCIES_KEPT)
        self._took = Buckets()
        self._complained_at = float("-inf")
        self._started = time.monotonic()
        self._cpu_started = time.process_time()
        self.frames = 0
        self.keyframes = 0
        self.memories = 0
        self.errors = 0
        self.last_error: str | None = None

    def drop(self, reason: str, count: int = 1) -> None:
        """Count ``count`` dropped frames."""
        if count > 0:
            with self._lock:
                self._dropped[reason] += count
                self._untold[reason] += count

    def dropped(self) -> dict[str, int]:
        """All drops so far, by reason."""
        with self._lock:
            return dict(self._dropped)

    def untold(self, now: float, last: bool = False) -> Mapping[str, int]:
        """Drops since the last report; empty until a report is due again or it is the ``last``."""
        with self._lock:
            if not self._untold or (not last and now - self._told_at < REPORT_S):
                return {}
            report, self._untold, self._told_at = dict(self._untold), Counter(), now
            return report

    def fail(self, error: BaseException, now: float) -> bool:
        """Count an error; True when it should be told, False when one was told just now."""
        with self._lock:
            self.errors += 1
            self.last_error = redact(str(error)).text or type(error).__name__
            due = now - self._complained_at >= REPORT_S
            if due:
                self._complained_at = now
            return due

    def arrived(self, captured: float, chosen: float, now: float) -> None:
        """A frame reached the assistant; all three by ``time.monotonic``."""
        with self._lock:
            self._ways.append((now - captured, chosen - captured, now))
        self._took.add(now - captured)

    def latency(self, since: float = float("-inf")) -> Latency:
        """Percentiles over the latest frames, those that arrived before ``since`` (``time.monotonic``) left out."""
        with self._lock:
            ways = [way for way in self._ways if way[2] >= since]
        whole, choosing = sorted(way for way, _, _ in ways), sorted(part for _, part, _ in ways)
        return Latency(len(ways), _rank_ms(whole, 0.5), _rank_ms(whole, 0.95), _rank_ms(choosing, 0.95))

    @property
    def took(self) -> Spread:
        """The way of all frames that reached the assistant."""
        return self._took.spread

    @property
    def wall_s(self) -> float:
        """Seconds since the pipeline began."""
        return time.monotonic() - self._started

    @property
    def cpu_s(self) -> float:
        """CPU seconds of the whole process in that time."""
        return time.process_time() - self._cpu_started


def _rank_ms(ordered: list[float], share: float) -> float:
    """Nearest-rank percentile in milliseconds; 0 without values."""
    if not ordered:
        return 0.0
    return round(ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)] * 1000, 3)


def peak_rss_mb() -> float:
    """The most memory this process has held, in MiB.

    Linux tells it per program; elsewhere getrusage has to do (which also counts what ran before exec).
    """
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    if sys.platform == "win32":
        return 0.0
    import resource

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
