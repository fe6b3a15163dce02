"""The one assistant thread: it owns the memory, everybody else hands it jobs and gets Futures.

A question overtakes what was told, and that overtakes percepts; but between two questions something that has waited
long gets its turn, so that many who ask without a pause cannot keep the assistant from seeing. Percepts are bounded: handing one
in waits while the queue is full, which is what slows a file down to the speed of its perception.
Questions and told facts are not bounded here: each has a caller that waits for its Future.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import Future
from datetime import datetime, timezone
from enum import IntEnum
from typing import Any, TypeVar

from perstream.daemon.doing import Doing, Step
from perstream.daemon.trouble import Trouble
from perstream.errors import PerStreamError
from perstream.events import ErrorRaised, Event

T = TypeVar("T")
log = logging.getLogger(__name__)
TICK_S = 15.0
"""A tick that failed is tried again after this long."""
PATIENCE_S = 0.05
"""What has waited longer goes before the second of two questions."""


class Priority(IntEnum):
    """Which job goes first; equal ones in the order they came."""

    QUESTION = 0
    TOLD = 1
    PERCEPT = 2


class Closing(PerStreamError):
    """A job came too late: the assistant is shutting down."""


class _Job:
    __slots__ = ("call", "future", "priority", "since", "source")

    def __init__(self, priority: Priority, call: Callable[[], Any], source: str | None) -> None:
        self.priority = priority
        self.call = call
        self.source = source
        self.since = time.monotonic()
        self.future: Future[Any] = Future()


class AssistantWorker:
    """Runs jobs one after another on its own thread."""

    def __init__(
        self, emit: Callable[[Event], None], *, percepts: int = 8, tick: Callable[[], float] | None = None
    ) -> None:
        """``percepts`` is how many percept jobs may wait; ``emit`` receives their errors.

        ``tick`` is called on the thread now and then, idle or not: it returns the seconds until it wants to be called
        again, and is called after each told fact, which may have changed that.
        """
        self._tick = tick
        self._next_tick = 0.0
        self._emit = emit
        self._capacity = percepts
        self._queues: dict[Priority, deque[_Job]] = {priority: deque() for priority in Priority}
        self._changed = threading.Condition()
        self._accepting = True
        self._errors = 0
        self.doing = Doing()
        """The job in hand: ``question``, ``told`` or ``percept``."""
        self.trouble = Trouble()
        """Whether jobs could write."""
        self._given_up: Step | None = None
        self._asked = False
        """The job before was a question."""
        self._thread = threading.Thread(target=self._run, name="perstream-assistant", daemon=True)

    def start(self) -> None:
        """Begin to work; jobs handed in before wait until then."""
        self._thread.start()

    def submit(
        self, priority: Priority, call: Callable[[], T], *, source: str | None = None, wait: bool = True
    ) -> Future[T]:
        """Queue ``call``; its Future gets what it returns or raises.

        A percept waits here while the queue is full, unless ``wait`` is False (and never on the
        assistant thread itself). What a percept job raises is published as ErrorRaised for
        ``source`` as well. Raises Closing after ``close``.
        """
        job = _Job(priority, call, source)
        with self._changed:
            while (
                wait
                and self._accepting
                and priority is Priority.PERCEPT
                and len(self._queues[priority]) >= self._capacity
                and threading.current_thread() is not self._thread
            ):
                self._changed.wait()
            if not self._accepting:
                raise Closing("PerStream is shutting down; try again when it has started")
            self._queues[priority].append(job)
            self._changed.notify_all()
        return job.future

    def urgent(self) -> bool:
        """True while somebody waits for an answer or tells something: background work should step aside."""
        return bool(self._queues[Priority.QUESTION] or self._queues[Priority.TOLD])

    @property
    def errors(self) -> int:
        """How many percept jobs have failed."""
        return self._errors

    @property
    def waiting(self) -> int:
        """Jobs in the queue."""
        return sum(len(queue) for queue in self._queues.values())

    @property
    def waiting_by(self) -> dict[str, int]:
        """Jobs in the queue: ``question``, ``told``, ``percept``."""
        return {priority.name.lower(): len(queue) for priority, queue in self._queues.items()}

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    @property
    def closing(self) -> bool:
        """Whether nothing more is accepted."""
        return not self._accepting

    @property
    def busy_s(self) -> float:
        """For how long the job in hand has been running; 0 when idle."""
        return self.doing.busy_s

    def oldest_s(self, sources: Collection[str]) -> float:
        """How long the oldest percept job of these sources has been waiting; 0 when none waits."""
        with self._changed:
            since = (job.since for job in self._queues[Priority.PERCEPT] if job.source in sources)
            oldest = min(since, default=None)
        return 0.0 if oldest is None else time.monotonic() - oldest

    def give_up(self, step: Step) -> None:
        """This job hangs: whatever of it looks at :meth:`given_up` should come to its end."""
        self._given_up = step

    def given_up(self) -> bool:
        """Whether the job in hand has been given up."""
        return self._given_up is not None and self._given_up is self.doing.step

    def close(self, drain: bool = True, timeout: float | None = None) -> bool:
        """Accept nothing more and end the thread; True when it ended within ``timeout`` seconds.

        With ``drain`` what was accepted is finished first, otherwise the Futures that wait are
        cancelled. Whoever waits to hand in a percept gets Closing.
        """
        with self._changed:
            self._accepting = False
            if not drain or not self._thread.is_alive():
                for queue in self._queues.values():
                    while queue:
                        queue.popleft().future.cancel()
            self._changed.notify_all()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (job := self._next()) is not None:
            if not job.future.set_running_or_notify_cancel():
                continue  # the one who asked has gone
            with self.doing.at(Priority(job.priority).name.lower()):
                self._do(job)
            if job.priority is Priority.TOLD:
                self._next_tick = 0.0

    def _do(self, job: _Job) -> None:
        try:
            result = job.call()
        except Exception as error:  # noqa: BLE001 - the daemon loop: log, count, go on
            self.trouble.met(error)
            job.future.set_exception(error)
            if job.priority is Priority.PERCEPT:
                self._report(job, error)
        else:
            job.future.set_result(result)

    def _next(self) -> _Job | None:
        with self._changed:
            while True:
                for priority in self._order():
                    queue = self._queues[priority]
                    if priority is Priority.PERCEPT and self._is_time():
                        self._asked = False
                        return _Job(Priority.PERCEPT, self._run_tick, None)
                    if queue:
                        job = queue.popleft()
                        self._asked = priority is Priority.QUESTION
                        self._changed.notify_all()
                        return job
                if not self._accepting:
                    return None
                left = self._next_tick - time.monotonic()
                self._changed.wait(None if self._tick is None else max(0.0, left))

    def _order(self) -> list[Priority]:
        """Which queue is looked into first."""
        order = list(Priority)
        if self._asked and self._queues[Priority.QUESTION]:
            waiting = [p for p in order[1:] if self._queues[p] or (p is Priority.PERCEPT and self._is_time())]
            since = {p: self._queues[p][0].since if self._queues[p] else self._next_tick for p in waiting}
            longest = min(waiting, key=lambda p: since[p], default=None)
            if longest is not None and time.monotonic() - since[longest] > PATIENCE_S:
                order.remove(longest)
                order.insert(0, longest)
        return order

    def _is_time(self) -> bool:
        return self._tick is not None and self._accepting and time.monotonic() >= self._next_tick

    def _run_tick(self) -> None:
        assert self._tick is not None
        self._next_tick = time.monotonic() + TICK_S  # also when it fails
        self._next_tick = time.monotonic() + self._tick()

    def _report(self, job: _Job, error: Exception) -> None:
        self._errors += 1
        kind = type(error).__name__
        log.warning("a percept job failed: %s", kind, exc_info=not isinstance(error, PerStreamError))
        self._emit(ErrorRaised(datetime.now(timezone.utc), job.source, None, kind, str(error)))
