"""One source under the supervisor's care: its pipeline, the capture that feeds it, its restarts."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from perstream.config import SourceConfig
from perstream.daemon.capture import Capture
from perstream.daemon.doing import Step
from perstream.daemon.parts import Source
from perstream.daemon.pipeline import SourcePipeline
from perstream.daemon.restart import RestartPolicy
from perstream.daemon.status import SourceState, SourceStatus, without_login
from perstream.errors import PerStreamError, SourceError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """How patient the supervisor is. Seconds."""

    restarts: int = 5
    window_s: float = 60.0
    """At most ``restarts`` of a source in any such stretch."""
    stall_s: float = 120.0
    """A live source that has delivered nothing for so long is closed and opened again."""
    tick_s: float = 0.25
    ended_kept: int = 64
    """Sources that have ended are listed until there are more than this."""


class Watched:
    """Any thread may call it; the pipeline is told by one at a time."""

    def __init__(
        self,
        uri: str,
        reopen: Callable[[], Source],
        pipeline: SourcePipeline,
        *,
        live: bool,
        keep: bool,
        config: SourceConfig,
        limits: Limits,
    ) -> None:
        """``keep``: go on trying although it has never given a picture."""
        self.live = live
        self.pipeline = pipeline
        self.error: PerStreamError | None = None
        """Why it could not be read, until it could again."""
        self._uri = uri
        self._reopen = reopen
        self._keep = keep
        self._stall_s = limits.stall_s
        self._policy = RestartPolicy(config.backoff_min_s, config.backoff_max_s, limits.restarts, limits.window_s)
        self._lock = threading.RLock()
        self._capture: Capture | None = None
        self._began = 0.0
        self._due: float | None = None
        self._halted = False

    @property
    def over(self) -> bool:
        """True when everything perceived is remembered and nothing more will come."""
        return self.pipeline.done is not None

    @property
    def failure(self) -> PerStreamError | None:
        """Why it could not be read to its end."""
        return self.pipeline.failure or self.error

    def begin(self, source: Source) -> None:
        """Read a source that was just opened."""
        self.pipeline.start()
        with self._lock:
            self._read(lambda: source)

    def begin_later(self, error: SourceError) -> None:
        """It could not be opened yet: try again in a while."""
        self.pipeline.start()
        self.error = error
        self.pipeline.complain(error)
        with self._lock:
            self._due = self._policy.failed(time.monotonic(), 0.0)

    def tend(self) -> None:
        """Open it again when that is due; give up a capture that has delivered nothing for too long."""
        with self._lock:
            capture, now = self._capture, time.monotonic()
            if self._halted or self.over:
                return
            if self._due is not None:
                if now >= self._due:
                    self._read(self._reopen)
                return
            if not self.live or capture is None or capture.over or capture.idle_s < self._stall_s:
                return
            self._capture = None
        self.error = SourceError(f"{self.pipeline.name} sent nothing for {capture.idle_s:.0f} s; it is opened again")
        self.pipeline.complain(self.error)
        self._restart_later("stalled")
        capture.close()

    def unstick(self, step: Step) -> bool:
        """Perception hangs at this step: another thread goes on. A live source is opened again, with a gap.

        False when it does not hang any more.
        """
        renewed = self.pipeline.renew(step)
        if renewed is None:
            return False
        if not renewed:
            self.halt()
            return True
        error = PerStreamError(f"perception of {self.pipeline.name} hung at {step.name}; it goes on with a new thread")
        self.pipeline.complain(error)
        with self._lock:
            capture = self._capture if self.live and not self._halted else None
            if capture is None or capture.over:
                return True
            self._capture = None
        self._restart_later("stuck")
        capture.close()
        return True

    def halt(self) -> None:
        """Take nothing more in. Does not wait."""
        with self._lock:
            self._halted = True
            capture = self._capture
        self.pipeline.stop()
        if capture is None:
            self.pipeline.finish()
        else:
            capture.close()

    def settle(self, deadline: float) -> bool:
        """After ``halt``: wait until it is over; near the deadline what is not yet perceived is given up.

        ``deadline`` by ``time.monotonic``. False when it is not over by then.
        """
        with self._lock:
            capture = self._capture
        if capture is not None and not capture.join(max(0.0, (deadline - time.monotonic()) * 0.3)):
            log.warning("%s does not let go; it is left behind", self.pipeline.name)
            self.pipeline.abandon()
        if self.pipeline.wait(max(0.0, (deadline - time.monotonic()) * 0.7)) is None:
            self.pipeline.discard()
        if self.pipeline.wait(max(0.0, deadline - time.monotonic())) is not None:
            return True
        self.pipeline.flush()
        return False

    def status(self) -> SourceStatus:
        """How it is doing."""
        tally, last = self.pipeline.tally, self.pipeline.timeline.last
        return SourceStatus(
            name=self.pipeline.name,
            uri=without_login(self._uri),
            live=self.live,
            state=self._state(),
            frames=tally.frames,
            keyframes=tally.keyframes,
            memories=tally.memories,
            dropped=tally.dropped(),
            errors=tally.errors,
            restarts=self._policy.restarts,
            last_error=tally.last_error,
            last_frame_at=None if last is None else last.at,
            pts_s=None if last is None else last.pts_s,
            latency=tally.latency(),
            took=tally.took,
        )

    def _state(self) -> SourceState:
        if self.over:
            return SourceState.ENDED if self.failure is None else SourceState.FAILED
        if self._due is not None:
            return SourceState.RESTARTING
        return SourceState.PAUSED if self.pipeline.paused else SourceState.RUNNING

    def _read(self, open_source: Callable[[], Source]) -> None:
        self._due, self._began = None, time.monotonic()
        self._capture = self.pipeline.read(open_source, self._ended)
        self._capture.start()

    def _ended(self, capture: Capture) -> None:
        """On the capture's thread: its source came to an end or failed."""
        with self._lock:
            if self._capture is not capture:
                return  # given up before
        error = capture.error
        self.pipeline.ended(capture)
        if error is not None:
            self.error = error
            self.pipeline.complain(error)
        elif self.pipeline.tally.frames:
            self.error = None
        if error is not None and self._may_restart():
            self._restart_later("lost")
        else:
            self.pipeline.finish()

    def _may_restart(self) -> bool:
        if not self.live or self._halted or self.pipeline.failure is not None:
            return False
        return self._keep or self.pipeline.tally.frames > 0

    def _restart_later(self, reason: str) -> None:
        self.pipeline.interrupt(reason)
        with self._lock:
            now = time.monotonic()
            self._capture = None
            self._due = self._policy.failed(now, now - self._began)
            halted = self._halted
        if halted:
            self.pipeline.finish()
