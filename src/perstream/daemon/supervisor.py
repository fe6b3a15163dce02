"""Keeps sources running: starts them, opens lost ones again, pauses them and ends them cleanly."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from perstream.config import SourceConfig
from perstream.daemon.bus import EventBus
from perstream.daemon.doing import Doing, Step
from perstream.daemon.glance import Glance
from perstream.daemon.parts import Parts, Source
from perstream.daemon.pipeline import SourcePipeline
from perstream.daemon.status import SourceRequest, SourceStatus, without_login
from perstream.daemon.watched import Limits, Watched
from perstream.daemon.worker import AssistantWorker
from perstream.errors import ConfigError, NotFound, PerStreamError, SourceError
from perstream.events import Done

OpenSource = Callable[[SourceRequest], Source]
"""Raises SourceError for what cannot be opened, ConfigError for what is no source."""


class Supervisor:
    """All methods may be called from any thread."""

    def __init__(
        self,
        parts: Parts,
        worker: AssistantWorker,
        bus: EventBus,
        open_source: OpenSource,
        config: SourceConfig,
        limits: Limits | None = None,
        held: Callable[[str], bool] | None = None,
    ) -> None:
        """``config`` tells how long to wait before a lost source is opened again; ``held`` which sources begin paused."""
        self._config = config
        self._held = held
        self._parts = parts
        self._worker = worker
        self._bus = bus
        self._open_source = open_source
        self._limits = limits or Limits()
        self._lock = threading.RLock()
        self._watched: dict[str, Watched] = {}
        self._stopping = threading.Event()
        self.doing = Doing()
        """What its own thread is at."""
        self._thread = threading.Thread(target=self._run, name="perstream-supervisor", daemon=True)

    def start(self) -> None:
        """Begin to look after the sources."""
        self._thread.start()

    def add(self, request: SourceRequest) -> str:
        """Open a source and watch it; returns its name.

        Raises SourceError when it cannot be opened (unless ``request.keep``), ConfigError when one of
        that name is being watched.
        """
        try:
            source: Source | None = self._open_source(request)
        except SourceError as error:
            if not request.keep:
                raise
            source, failure = None, error
        name = source.name if source is not None else request.name or without_login(request.uri)
        live = source is None or source.live
        again = replace(request, name=name)
        with self._lock:
            refusal = self._refusal(name)
            if refusal is not None:
                if source is not None:
                    source.close()
                raise refusal
            pipeline = SourcePipeline(name, self._parts, self._worker, self._bus, live=live, paced=request.realtime)
            watched = self._watched[name] = Watched(
                request.uri,
                lambda: self._open_source(again),
                pipeline,
                live=live,
                keep=request.keep,
                config=self._config,
                limits=self._limits,
            )
            self._prune()
        if self._held is not None and self._held(name):
            pipeline.pause()
        if source is not None:
            watched.begin(source)
        else:
            watched.begin_later(failure)
        return name

    def remove(self, name: str, timeout: float = 10.0) -> None:
        """Stop watching and forget the source (not its memories). Raises NotFound."""
        watched = self._find(name)
        watched.halt()
        watched.settle(time.monotonic() + timeout)
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
            watched.pipeline.pause(False)

    def is_live(self, name: str) -> bool:
        """Whether a source goes on whether or not somebody looks. Raises NotFound."""
        return self._find(name).live

    def over(self, name: str) -> bool:
        """Whether a source has ended, or is watched no longer."""
        with self._lock:
            return name not in self._watched or self._watched[name].over

    def paused(self, name: str) -> bool:
        """Whether a source is paused. Raises NotFound."""
        return self._find(name).pipeline.paused

    def wait(self, name: str, timeout: float | None = None) -> Done | None:
        """The Done of a source once everything perceived is remembered; None after ``timeout`` seconds."""
        return self._find(name).pipeline.wait(timeout)

    def failure(self, name: str) -> PerStreamError | None:
        """Why a source could not be read (to its end), or None. Raises NotFound."""
        return self._find(name).failure

    def glance(self, name: str) -> Glance:
        """The live view of a source. Raises NotFound."""
        return self._find(name).pipeline.glance

    def list(self) -> list[SourceStatus]:
        """All sources, in the order they were added."""
        with self._lock:
            everything = tuple(self._watched.values())
        return [watched.status() for watched in everything]

    def perceiving(self) -> Iterable[tuple[str, Doing]]:
        """What the perceiving thread of each source is at."""
        with self._lock:
            return [(name, watched.pipeline.doing) for name, watched in self._watched.items() if not watched.over]

    def unstick(self, name: str, step: Step) -> bool:
        """A source's perceiving thread hangs at this step: see :meth:`Watched.unstick`."""
        with self._lock:
            watched = self._watched.get(name)
        return watched is not None and not watched.over and watched.unstick(step)

    def live(self) -> dict[str, Watched]:
        """The live sources that have not ended, or that have failed."""
        with self._lock:
            return {name: one for name, one in self._watched.items() if one.live and (not one.over or one.failure)}

    def waiting_s(self) -> float:
        """How long the oldest work of a live source has been waiting, for perception or the assistant."""
        live = {name: one for name, one in self.live().items() if not one.over}
        waits = [one.pipeline.waiting_s() for one in live.values()]
        return max([self._worker.oldest_s(live.keys()), *waits])

    def thin(self, keep_one_in: int) -> None:
        """Of each live source perceive one keyframe in so many; files stay whole."""
        for watched in self.live().values():
            watched.pipeline.thin(keep_one_in)

    def file_clock(self) -> datetime | None:
        """The time (UTC) at the place where the file added last is being watched; None without one."""
        with self._lock:
            files = [watched for watched in self._watched.values() if not watched.live and not watched.over]
        places = [watched.pipeline.timeline.last for watched in reversed(files)]
        return next((place.at for place in places if place is not None), None)

    def stop(self, timeout: float = 10.0) -> bool:
        """End all sources; what was perceived is remembered. False when not all ended in time."""
        deadline = time.monotonic() + timeout
        self._stopping.set()
        with self._lock:
            everything = list(self._watched.values())
        for watched in everything:
            watched.halt()
        done = [watched.settle(deadline) for watched in everything]
        if self._thread.is_alive():
            self._thread.join(max(0.1, deadline - time.monotonic()))
        return all(done)

    def _refusal(self, name: str) -> PerStreamError | None:
        if self._stopping.is_set():
            return SourceError("PerStream is shutting down; no source can be added")
        if name in self._watched and not self._watched[name].over:
            return ConfigError(f"{name} is being watched already; give this one another name")
        self._watched.pop(name, None)  # it ended: the new one goes to the end of the list
        return None

    def _run(self) -> None:
        while not self._stopping.wait(self._limits.tick_s):
            for watched in self._chosen(None):
                with self.doing.at(f"tend {watched.pipeline.name}"):
                    watched.tend()

    def _find(self, name: str) -> Watched:
        with self._lock:
            if name not in self._watched:
                raise NotFound(f"no source is called {name}")
            return self._watched[name]

    def _chosen(self, name: str | None) -> Iterable[Watched]:
        with self._lock:
            return [self._find(name)] if name is not None else list(self._watched.values())

    def _prune(self) -> None:
        ended = [name for name, watched in self._watched.items() if watched.over]
        for name in ended[: max(0, len(ended) - self._limits.ended_kept)]:
            del self._watched[name]
