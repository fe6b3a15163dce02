"""Looks after the threads of the house: finds a step that hangs, frees what can be freed, sheds load.

It waits for nobody: what it asks is in RAM, and what it does to others returns at once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from perstream.config_upkeep import WatchdogConfig
from perstream.daemon.doing import Awake, Doing, Step, stack_of
from perstream.daemon.shedding import Shedding
from perstream.daemon.upkeep_state import Stuck, WatchdogStatus

log = logging.getLogger(__name__)
LOOK_S = 1.0
"""How often it looks."""
GIVE_UP = 3.0
"""A job of the assistant that has made no progress for so many times ``stuck_s`` is cancelled."""
CHORES_TAKE = 10.0
"""A chore may take so many times longer than a step."""
RECENT_S = 300.0
"""An alert of a step that hung lasts so long."""
EXIT_STUCK = 75
"""Exit code for the service manager: start me again (EX_TEMPFAIL)."""


@dataclass(frozen=True, slots=True)
class Ward:
    """One thread to look after."""

    kind: str
    """As in :class:`perstream.daemon.upkeep_state.Stuck`."""
    subject: str
    doing: Doing
    patience: float = 1.0
    """So many times ``stuck_s``."""


class Assistant(Protocol):
    """The worker, as far as it can be helped."""

    @property
    def doing(self) -> Doing:
        """Its job in hand."""

    def give_up(self, step: Step) -> None:
        """Let what can be cancelled of this job come to its end."""


class Sources(Protocol):
    """The supervisor, as far as it is asked and told here."""

    def perceiving(self) -> Iterable[tuple[str, Doing]]:
        """What the perceiving thread of each source is at."""

    def unstick(self, name: str, step: Step) -> bool:
        """Leave a perceiving thread that hangs at this step behind and put another in its place."""

    def waiting_s(self) -> float:
        """How long the oldest work of a live source has been waiting."""

    def thin(self, keep_one_in: int) -> None:
        """Of each live source look at one keyframe in so many."""


class Watchdog:
    """One thread; ``look`` is what it does each time."""

    def __init__(
        self,
        config: WatchdogConfig,
        assistant: Assistant,
        sources: Sources,
        others: Callable[[], Iterable[Ward]] = tuple,
        leave: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``others`` are further threads that are only reported; ``leave`` ends a process that cannot be freed,
        after ``exit_after_s`` where that is set. ``clock`` is that of every Doing."""
        self._config = config
        self._assistant = assistant
        self._sources = sources
        self._others = others
        self._leave = leave
        self._clock = clock
        self._awake = Awake(LOOK_S)
        self._shedding = Shedding(config.shed_after_s)
        self._known: dict[Step, bool] = {}
        """Steps that were reported, and whether they were given up."""
        self._stuck: tuple[Stuck, ...] = ()
        self._late: dict[tuple[str, str, str], tuple[Stuck, float]] = {}
        self._found: Counter[str] = Counter()
        self._given_up = self._replaced = 0
        self._waiting_s = 0.0

    @property
    def status(self) -> WatchdogStatus:
        """What was found so far."""
        shed = self._shedding
        return WatchdogStatus(
            self._stuck,
            dict(self._found),
            self._given_up,
            self._replaced,
            shed.keep_one_in,
            round(shed.shed_s, 1),
            round(self._waiting_s, 2),
        )

    def recently(self) -> tuple[Stuck, ...]:
        """What hangs or hung in the latest minutes: much is over as soon as it is found."""
        return tuple(one for one, _ in self._late.values())

    def look(self) -> None:
        """Find what hangs and do about it what can be done; adjust how much load is shed."""
        now = self._clock()
        awake_s = self._awake.look(now)
        wards = [Ward("perceive", name, doing) for name, doing in self._sources.perceiving()]
        wards = [Ward("assistant", "", self._assistant.doing), *wards, *self._others()]
        stuck: list[Stuck] = []
        seen: set[Step] = set()
        for ward in wards:
            step, silent_s = ward.doing.step, min(awake_s, ward.doing.silent_s)
            if step is None or silent_s <= self._config.stuck_s * ward.patience:
                continue
            seen.add(step)
            stuck.append(Stuck(ward.kind, ward.subject, step.name, round(now - step.began, 1)))
            if step not in self._known:
                self._report(ward, step, silent_s)
            self._help(ward, step, silent_s)
        self._known = {step: done for step, done in self._known.items() if step in seen}
        self._stuck = tuple(stuck)
        late = {key: told for key, told in self._late.items() if now - told[1] < RECENT_S}
        self._late = late | {(one.kind, one.subject, one.step): (one, now) for one in stuck}
        self._waiting_s = min(awake_s, self._sources.waiting_s())
        before = self._shedding.keep_one_in
        keep = self._shedding.look(self._waiting_s, now)
        self._sources.thin(keep)
        if keep > before:
            log.warning("work waits for %.1f s: one keyframe in %d of live sources is kept", self._waiting_s, keep)
        elif keep < before:
            log.info("work waits no longer: one keyframe in %d of live sources is kept", keep)

    def _report(self, ward: Ward, step: Step, silent_s: float) -> None:
        self._known[step] = False
        self._found[ward.kind] += 1
        name = " ".join(word for word in (ward.kind, ward.subject, step.name) if word)
        log.error("stuck for %.0f s: %s\n%s", silent_s, name, stack_of(step.thread))

    def _help(self, ward: Ward, step: Step, silent_s: float) -> None:
        if ward.kind == "perceive":
            self._replaced += self._sources.unstick(ward.subject, step)
        elif ward.kind == "assistant":
            if silent_s > GIVE_UP * self._config.stuck_s and not self._known[step]:
                self._known[step] = True
                self._given_up += 1
                self._assistant.give_up(step)
            patience = self._config.exit_after_s
            if self._leave is not None and patience and silent_s > max(patience, self._config.stuck_s):
                log.critical("the assistant has been stuck for %.0f s: ending, to be started again", silent_s)
                self._leave()


class Patrol:
    """Calls something again and again on a thread of its own, until it is closed. What fails is logged."""

    def __init__(self, look: Callable[[], None], every_s: float, name: str) -> None:
        self._look = look
        self._every_s = every_s
        self.name = name
        self.doing = Doing()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"perstream-{name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self, timeout: float) -> None:
        """Look no more. Safe to call twice."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s):
            try:
                with self.doing.at("look"):
                    self._look()
            except Exception:
                log.exception("looking after the house failed")
