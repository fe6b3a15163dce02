"""Whether the house can do its work, and the figures that only /metrics tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from perstream.daemon.asked import Questions
from perstream.daemon.chores import Chores
from perstream.daemon.counted import Counts
from perstream.daemon.worker import AssistantWorker

HOPELESS = 10.0
"""A job that takes so many times longer than what counts as stuck will not end: only a new process helps."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Can a question be answered now?"""

    ready: bool
    reason: str = ""
    """``stopping``, ``worker-dead``, ``worker-stuck``, ``chores-dead``; empty when it is ready."""
    warming: bool = False
    """The index is being loaded: a question is answered, but the first one waits for that."""
    hopeless: bool = False
    """Only a restart of the process can help."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """A snapshot."""

    readiness: Readiness = field(default_factory=lambda: Readiness(True))
    waiting: Mapping[str, int] = field(default_factory=dict)
    """Jobs in the assistant's queue, by priority."""
    busy_s: float = 0.0
    """For how long its job in hand has been running."""
    questions: Questions = field(default_factory=Questions)
    counts: Counts = field(default_factory=Counts)


def readiness_of(worker: AssistantWorker, chores: Chores | None, stuck_s: float, warming: bool) -> Readiness:
    """Look at the threads that must live. ``stuck_s``: a job that takes longer is stuck."""
    if worker.closing:
        return Readiness(False, "stopping")
    if not worker.alive:
        return Readiness(False, "worker-dead", hopeless=True)
    silent_s = worker.doing.silent_s  # a long answer that is being said is none
    if silent_s > stuck_s:
        return Readiness(False, "worker-stuck", warming, silent_s > HOPELESS * stuck_s)
    if chores is not None and not chores.alive:
        return Readiness(False, "chores-dead", warming)
    return Readiness(True, warming=warming)


def trouble_of(found: Readiness, answers: Callable[[], bool]) -> str:
    """Why only a restart would help; empty when it would not. ``answers``: does the HTTP server?"""
    if found.hopeless:
        return found.reason
    return "" if answers() else "no answer over HTTP"
