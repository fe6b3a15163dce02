"""Plays cases into records. While a model is busy with one, the stores and views of the next are made ready."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from perstream.errors import BackendUnavailable
from perstream.lab.kit.cases import Case, Suite
from perstream.lab.kit.plan import Plan
from perstream.lab.kit.predictions import Json
from perstream.lab.kit.stage import Held, Stage
from perstream.lab.kit.views import Views
from perstream.types import Evidence, Percept

LETTERS = "ABCDEFGHIJ"
_THERE = ("BadOutput", "interrupted", "repaired once", "names that are not in the text")
PREPARERS = 2
"""Threads that make ready: the work is the CPU's, and more of them would only take turns."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """All that one case needs."""

    held: Held
    percepts: Sequence[Percept]
    latency: Json
    stack: ExitStack
    """Closes the case's own store."""


def gone_since(before: Mapping[str, int], after: Mapping[str, int], parts: Sequence[str]) -> str:
    """Why a builtin part stood in for a model that was not there; empty when none did.

    A model that was there and answered badly is the product as it is. Among samples at work together it is not known
    whose call failed, and all of them are tried again.
    """
    new = [key for key, count in after.items() if count > before.get(key, 0)]
    gone = [key for key in new if key.startswith(tuple(f"{part}: " for part in parts)) and not key.endswith(_THERE)]
    return ", ".join(sorted(gone))


class Player:
    """Plays each of the ``cases`` once, in about their order. Thread-safe. Use as a context manager."""

    def __init__(self, suite: Suite, plan: Plan, stage: Stage, views: Views | None, cases: Sequence[Case]) -> None:
        self._suite, self._plan, self._stage, self._views = suite, plan, stage, views
        self._coming: Iterator[Case] = iter(cases)
        self._ahead: dict[str, Future[_Ready]] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(min(PREPARERS, plan.workers), thread_name_prefix="perstream-ready")
        self._closers = ThreadPoolExecutor(1, thread_name_prefix="perstream-close")
        self._stack = ExitStack()
        self._shared: dict[str, Held] = {}
        self._making = threading.Lock()
        keys = [case.pool for case in cases]
        self._shares = views is None and len(keys) > len(set(keys))

    def __enter__(self) -> Player:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        for future in self._ahead.values():
            if not future.cancelled() and future.exception() is None:
                future.result().stack.close()
        self._closers.shutdown()
        self._stack.close()

    def play(self, case: Case) -> Json:
        """One sample's record."""
        if self._plan.baseline == "always-silent":
            return _record(case, None, (), {"total": 0.0}, {"strategy": "always-silent", "count": 0, "bytes": 0})
        ready = self._taken(case)
        before = dict(self._stage.backend.fell_back())
        try:
            record = self._played(case, ready)
        finally:
            self._closers.submit(ready.stack.close)
        gone = gone_since(before, self._stage.backend.fell_back(), ("answer", "proactive"))
        if gone:
            raise BackendUnavailable(
                f"the model could not be asked ({gone}), and what stood in for it is not evaluated"
            )
        return record

    def _played(self, case: Case, ready: _Ready) -> Json:
        held, percepts, latency = ready.held, ready.percepts, ready.latency
        memory = {"strategy": self._plan.strategy, "count": held.count, "bytes": held.nbytes}
        if self._plan.baseline == "always-speak":
            return _record(case, self._stage.best(case, held.memory), (), latency, memory)
        if case.passive:
            reply = self._stage.ask(case, asked(case), held.memory, percepts)
            latency = {**latency, **reply.timings_ms}
            return _record(case, reply.answer, reply.evidence, latency, memory) | {"abstained": reply.abstained}
        started = time.perf_counter()
        words = self._stage.watch(case, held.memory, percepts)
        latency = {**latency, "total": (time.perf_counter() - started) * 1e3}
        first = words[0] if words else None
        more: Json = {"spoken_at_s": round(first.at_s, 3) if first and percepts else None, "words": len(words)}
        return _record(case, first.text if first else None, first.evidence if first else (), latency, memory) | more

    def _taken(self, case: Case) -> _Ready:
        """What was made ready for it; and the next ones are begun."""
        with self._lock:
            mine = self._ahead.pop(case.id, None)
            while mine is None or len(self._ahead) < self._plan.workers:
                coming = next(self._coming, None)
                if coming is None:
                    break
                future = self._pool.submit(self._prepare, coming)
                if coming.id == case.id:
                    mine = future
                else:
                    self._ahead[coming.id] = future
        return mine.result() if mine is not None else self._prepare(case)

    def _prepare(self, case: Case) -> _Ready:
        started = time.perf_counter()
        looks = self._views.of(case) if self._views is not None and case.video else ()
        seen = time.perf_counter()
        percepts = self._stage.perceive(case, looks) if looks else []
        perceived = time.perf_counter()
        with ExitStack() as stack:
            held = self._store(case, stack)
            self._stage.embed(asked(case), held.memory)
            latency = {"store": held.took_ms, "view": (seen - started) * 1e3, "perceive": (perceived - seen) * 1e3}
            return _Ready(held, percepts, latency, stack.pop_all())

    def _store(self, case: Case, stack: ExitStack) -> Held:
        pool = self._suite.pools.get(case.pool, ())
        if not self._shares:
            return stack.enter_context(self._stage.store(pool))
        with self._making:
            if case.pool not in self._shared:  # closed at the end of the run
                self._shared[case.pool] = self._stack.enter_context(self._stage.store(pool))
            return self._shared[case.pool]


def asked(case: Case) -> str:
    """The question with its options, where it has any."""
    if not case.options:
        return case.question
    options = [f"{LETTERS[i]}. {text}" for i, text in enumerate(case.options)]
    return "\n".join([case.question, *options, "Answer with the letter of the right option, then its words."])


def _record(case: Case, pred: str | None, evidence: Sequence[Evidence], latency: Json, memory: Json) -> Json:
    known = [{"memory_id": e.memory_id, "text": e.caption, "score": round(e.score, 4)} for e in evidence]
    if case.golds:
        known = [{**one, "gold": one["text"] in case.golds} for one in known]
    out: Json = {
        "id": case.id,
        "type": "passive" if case.passive else "proactive",
        "question": case.question,
        "answer": case.gold,
        "pred": pred,
        "evidence": known,
        "latency": {name: round(float(ms), 3) for name, ms in latency.items()},
        "memory": memory,
        "participant": case.participant,
        "category": case.category,
        "split": case.split,
        "video": case.video,
        "timestamp_s": case.time_s,
        "caption": case.caption,
    }
    return out | ({"options": list(case.options)} if case.options else {})
