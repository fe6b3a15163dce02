"""Keeps sources running: starts them, opens lost ones again, pauses them and ends them cleanly."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from perstream.config import SourceConfig
from perstream.daemon.bus import EventBus
from perstream.daemon.capture import Capture
from perstream.daemon.parts import Parts, Source
from perstream.daemon.pipeline import SourcePipeline
from perstream.daemon.restart import RestartPolicy
from perstream.daemon.status import SourceRequest, SourceState, SourceStatus, without_login
from perstream.daemon.worker import AssistantWorker
from perstream.errors import ConfigError, NotFound, PerStreamError, SourceError
from perstream.events import Done

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


@dataclass(eq=False)
class _Watched:
    request: SourceRequest
    live: bool
    pipeline: SourcePipeline
    policy: RestartPolicy
    capture: Capture | None = None
    began: float = 0.0
    due: float | None = None
    """When to open it again; None unless it is restarting."""
    halted: bool = False
    error: PerStreamError | None = None
    added: float = field(default_factory=time.monotonic)


class Supervisor:
    """All methods may be called from any thread."""

    def __init__(
        self,
        parts: Parts,
        worker: AssistantWorker,
        bus: EventBus,
        open_source: Callable[[SourceRequest], Source],
        config: SourceConfig,
        limits: Limits | None = None,
    ) -> None:
        """``open_source`` raises SourceError or ConfigError for what cannot be watched."""
        self._parts = parts
        self._worker = worker
        self._bus = bus
        self._open_source = open_source
        self._config = config
        self._limits = limits or Limits()
        self._lock = threading.RLock()
        self._watched: dict[str, _Watched] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch_over, name="perstream-supervisor", daemon=True)

    def start(self) -> None:
        """Begin to look after the sources."""
        self._thread.start()

    def add(self, request: SourceRequest) -> str:
        """Open a source and watch it; returns its name.

        Raises SourceError when it cannot be opened (unless ``request.keep``), ConfigError when one
        of that name is being watched.
        """
        try:
            source: Source | None = self._open_source(request)
        except SourceError as error:
            if not request.keep:
                raise
            source, failure = None, error
        name = source.name if source is not None else request.name or without_login(request.uri)
        live = source is None or source.live
        with self._lock:
            other = self._watched.get(name)
            refusal: PerStreamError | None = None
            if self._stopping.is_set():
                refusal = SourceError("PerStream is shutting down; no source can be added")
            elif other is not None and other.pipeline.done is None:
                refusal = ConfigError(f"{name} is being watched already; give this one another name")
            if refusal is not None:
                if source is not None:
                    source.close()
                raise refusal
            watched = self._watched[name] = self._new(replace(request, name=name), name, live)
            self._prune()
            watched.pipeline.start()
            if source is not None:
                opened = source
                self._read(watched, lambda: opened)
            else:
                watched.error = failure
                watched.due = watched.policy.failed(time.monotonic(), 0.0)
        if source is None:
            watched.pipeline.complain(failure)
        return name

    def remove(self, name: str, timeout: float = 10.0) -> None:
        """Stop watching and forget the source (not its memories). Raises NotFound."""
        watched = self._find(name)
        self._halt(watched)
        self._settle(watched, time.monotonic() + timeout)
        with self._lock:
            if self._watched.get(name) is watched:
                del self._watched[name]

    def pause(self, name: str | None = None) -> None:
        """Perceive nothing of this source (or of any) until it is resumed. Raises NotFound."""
        for watched in self._chosen(name):
            watched.pipeline.pause()

    def resume(self, name: str | None = None) -> None:
        """Go on with this source (or with all). Raises NotFound."""
        for watched in self._chosen(name):
            watched.pipeline.resume()

    def wait(self, name: str, timeout: float | None = None) -> Done | None:
        """The Done of a source once everything perceived is remembered; None after ``timeout`` seconds."""
        return self._find(name).pipeline.wait(timeout)

    def failure(self, name: str) -> PerStreamError | None:
        """Why a source could not be read to its end, or None. Raises NotFound."""
        watched = self._find(name)
        return watched.pipeline.failure or watched.error

    def list(self) -> list[SourceStatus]:
        """All sources, in the order they were added."""
        with self._lock:
            return [self._status(name, watched) for name, watched in self._watched.items()]

    def file_clock(self) -> datetime | None:
        """The time (UTC) at the place where the file added last is being watched; None without one."""
        with self._lock:
            files = [w for w in self._watched.values() if not w.live and w.pipeline.done is None]
            places = [w.pipeline.timeline.last for w in sorted(files, key=lambda w: w.added)]
        return next((place.at for place in reversed(places) if place is not None), None)

    def stop(self, timeout: float = 10.0) -> bool:
        """End all sources; what was perceived is remembered. False when not all ended in time."""
        deadline = time.monotonic() + timeout
        self._stopping.set()
        with self._lock:
            everything = list(self._watched.values())
        for watched in everything:
            self._halt(watched)
        done = [self._settle(watched, deadline) for watched in everything]
        if self._thread.is_alive():
            self._thread.join(max(0.1, deadline - time.monotonic()))
        return all(done)

    # --- one source -------------------------------------------------------------------------

    def _new(self, request: SourceRequest, name: str, live: bool) -> _Watched:
        config, limits = self._config, self._limits
        pipeline = SourcePipeline(name, self._parts, self._worker, self._bus, live=live, paced=request.realtime)
        policy = RestartPolicy(config.backoff_min_s, config.backoff_max_s, limits.restarts, limits.window_s)
        return _Watched(request, live, pipeline, policy)

    def _read(self, watched: _Watched, open_source: Callable[[], Source]) -> None:
        watched.due, watched.began = None, time.monotonic()
        watched.capture = watched.pipeline.read(open_source, lambda capture: self._ended(watched, capture))
        watched.capture.start()

    def _ended(self, watched: _Watched, capture: Capture) -> None:
        """On the capture's thread: its source came to an end or failed."""
        with self._lock:
            if watched.capture is not capture:
                return  # given up before
        pipeline, error = watched.pipeline, capture.error
        pipeline.notice_drops(capture.dropped)
        if error is not None:
            pipeline.complain(error)
            watched.error = error
        elif pipeline.tally.frames:
            watched.error = None
        if error is not None and self._may_restart(watched):
            self._restart_later(watched, "lost")
        else:
            pipeline.finish()

    def _may_restart(self, watched: _Watched) -> bool:
        if not watched.live or watched.halted or watched.pipeline.failure is not None:
            return False
        return watched.request.keep or watched.pipeline.tally.frames > 0

    def _restart_later(self, watched: _Watched, reason: str) -> None:
        watched.pipeline.interrupt(reason)
        now = time.monotonic()
        with self._lock:
            watched.capture = None
            watched.due = watched.policy.failed(now, now - watched.began)
            halted = watched.halted
        if halted:
            watched.pipeline.finish()

    def _halt(self, watched: _Watched) -> None:
        with self._lock:
            watched.halted = True
            capture = watched.capture
        watched.pipeline.stop()
        if capture is None:
            watched.pipeline.finish()
        else:
            capture.close()

    def _settle(self, watched: _Watched, deadline: float) -> bool:
        """Wait until it is done; near the deadline what is not yet perceived is given up."""
        left = deadline - time.monotonic()
        if watched.capture is not None and not watched.capture.join(max(0.0, left * 0.3)):
            log.warning("%s does not let go; it is left behind", watched.pipeline.name)
            watched.pipeline.abandon()
        if watched.pipeline.wait(max(0.0, (deadline - time.monotonic()) * 0.7)) is not None:
            return True
        watched.pipeline.discard()
        return watched.pipeline.wait(max(0.0, deadline - time.monotonic())) is not None

    # --- the supervisor's own thread --------------------------------------------------------

    def _watch_over(self) -> None:
        while not self._stopping.wait(self._limits.tick_s):
            with self._lock:
                everything = list(self._watched.values())
            for watched in everything:
                self._tend(watched)

    def _tend(self, watched: _Watched) -> None:
        with self._lock:
            if watched.halted or watched.pipeline.done is not None:
                return
            if watched.due is not None:
                if time.monotonic() >= watched.due:
                    request = watched.request
                    self._read(watched, lambda: self._open_source(request))
                return
            capture = watched.capture
            if not watched.live or capture is None or capture.over or capture.idle_s < self._limits.stall_s:
                return
            watched.capture = None
        error = SourceError(f"{watched.pipeline.name} sent nothing for {capture.idle_s:.0f} s; it is opened again")
        watched.error = error
        watched.pipeline.complain(error)
        self._restart_later(watched, "stalled")
        capture.close()

    # --- looking up -------------------------------------------------------------------------

    def _find(self, name: str) -> _Watched:
        with self._lock:
            if name not in self._watched:
                raise NotFound(f"no source is called {name}")
            return self._watched[name]

    def _chosen(self, name: str | None) -> Iterable[_Watched]:
        with self._lock:
            return [self._find(name)] if name is not None else list(self._watched.values())

    def _prune(self) -> None:
        ended = [name for name, watched in self._watched.items() if watched.pipeline.done is not None]
        for name in ended[: max(0, len(ended) - self._limits.ended_kept)]:
            del self._watched[name]

    def _status(self, name: str, watched: _Watched) -> SourceStatus:
        pipeline = watched.pipeline
        tally, last = pipeline.tally, pipeline.timeline.last
        return SourceStatus(
            name,
            without_login(watched.request.uri),
            watched.live,
            _state(watched),
            tally.frames,
            tally.keyframes,
            tally.memories,
            tally.dropped(),
            tally.errors,
            watched.policy.restarts,
            tally.last_error,
            None if last is None else last.at,
            None if last is None else last.pts_s,
            tally.latency(),
        )


def _state(watched: _Watched) -> SourceState:
    pipeline = watched.pipeline
    if pipeline.done is not None:
        failed = pipeline.failure is not None or watched.error is not None
        return SourceState.FAILED if failed else SourceState.ENDED
    if watched.due is not None:
        return SourceState.RESTARTING
    return SourceState.PAUSED if pipeline.paused else SourceState.RUNNING
