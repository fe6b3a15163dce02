"""One life under one reduction strategy and budget: what comes, is reduced, is asked, and is met, by periods."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, cast

from perstream.config import Config, MemoryConfig
from perstream.errors import BackendUnavailable
from perstream.lab.answer_scores import token_f1
from perstream.lab.kit.cases import Case
from perstream.lab.kit.player import gone_since
from perstream.lab.kit.predictions import Json
from perstream.lab.kit.stage import Stage
from perstream.lab.lives import Life, LifeMoment, LifeQuestion
from perstream.lab.metrics import Ranking, ranks_of
from perstream.lab.reduction_scores import Held, Outcome
from perstream.memory.memory import Memory
from perstream.protocols import Backend
from perstream.types import Hit, Query, Selector

DEPTH = 50
"""Results looked at per question: MRR counts no gold beyond."""
EVERYTHING = 1 << 60


@dataclass(frozen=True, slots=True)
class Run:
    """What is to be done with one life."""

    life: int
    """Its place among the lives."""
    strategy: str
    share: float
    allowed: int | None = None
    """Bytes; None for no limit."""
    half: int | None = None
    """Which half of the questions is the owner's; None: none is."""

    @property
    def key(self) -> str:
        """In a journal; the bytes allowed follow from the rest."""
        return f"{self.strategy} {self.share!r} {self.half} {self.life}"


@dataclass(frozen=True, slots=True)
class Ended:
    """One life at the end of one period."""

    outcomes: list[Outcome]
    """Of the questions never asked before; at the end of the owner's own, too."""
    words: list[Json]
    """Of each scene met: ``answer`` (the word due or None), ``pred`` (the word said or None), ``video``, ``timestamp_s``."""
    held: Held

    @staticmethod
    def of_json(values: Json) -> Ended:
        """Back from :meth:`to_json`."""
        return Ended([Outcome(**one) for one in values["outcomes"]], list(values["words"]), Held(**values["held"]))

    def to_json(self) -> Json:
        """For a journal."""
        return {"outcomes": [asdict(one) for one in self.outcomes], "words": self.words, "held": asdict(self.held)}


class Study:
    """Plays lives. Thread-safe: each has a store of its own."""

    def __init__(
        self,
        lives: tuple[Life, ...],
        periods: int,
        backend: Backend,
        config: Config,
        modes: frozenset[str],
        seed: int,
    ) -> None:
        """``modes`` are what is scored: passive, proactive. The stored visual vectors are random: nothing looks at them."""
        self._lives = lives
        self._periods = periods
        self._backend = replace(backend, looks_back=False, project=None)
        self._stage = Stage(self._backend, replace(config, memory=MemoryConfig()), "perstream", 1)
        self._modes = modes
        self._seed = seed

    def play(self, run: Run) -> list[Json]:
        """One life from its first period to its last, as JSON of :class:`Ended`; the owner asks every second question.

        BackendUnavailable when a builtin part stood in for a model that was not there.
        """
        before = dict(self._backend.fell_back())
        ended = self._live(self._lives[run.life], run)
        gone = gone_since(before, self._backend.fell_back(), ("answer", "proactive"))
        if gone:
            raise BackendUnavailable(f"the model could not be asked ({gone}), and what stood in for it is not counted")
        return [one.to_json() for one in ended]

    def _live(self, life: Life, run: Run) -> list[Ended]:
        config, embed = MemoryConfig(), self._backend.embedder.embed
        out: list[Ended] = []
        with (
            tempfile.TemporaryDirectory(prefix="perstream-eval-") as folder,
            Memory.open(Path(folder), config, embed) as memory,
        ):
            places: dict[int, int] = {}
            begin = 0
            for end in life.ends(self._periods):
                records = memory.remember_all(life.news[begin:end])
                places.update({record.id: begin + i for i, record in enumerate(records)})
                begin = end
                asked = [(i % 2 == run.half, q) for i, q in enumerate(life.questions) if max(q.golds) < end]
                for warms, question in asked:
                    if warms:
                        self._recall(memory, question, life, end, config.top_k)
                full = held_by(memory)
                if run.allowed is not None:
                    self._reduce(memory, run.strategy, run.allowed)
                held = held_by(memory)
                # Measured through another door: reading alone leaves no visits behind.
                with Memory.open(Path(folder), config, embed, read_only=True) as readers:
                    due = [(warm, q) for warm, q in asked if not warm or end == len(life.news)]
                    outcomes = [self._ask(readers, q, life, end, places, warm) for warm, q in due]
                    words = [self._meet(readers, m, life, end) for m in self._met(life, run, end)]
                out.append(Ended(outcomes, words, replace(held, freed=full.nbytes - held.nbytes)))
        return out

    def _met(self, life: Life, run: Run, end: int) -> list[LifeMoment]:
        """The scenes whose memories have all come. They warm nothing, so the second half would say the same again."""
        if "proactive" not in self._modes or run.half == 1:
            return []
        return [moment for moment in life.moments if moment.after <= end]

    def _reduce(self, memory: Memory, strategy: str, allowed: int) -> None:
        """Bring a store within its budget."""
        plan = memory.reduce(EVERYTHING, "gsbn", dry_run=True)
        excess = plan.freed - allowed
        if excess <= 0:
            return
        if strategy in ("nsbg", "gsbn"):
            memory.reduce(excess, cast("Literal['nsbg', 'gsbn']", strategy))
            return
        sizes: dict[int, int] = {}
        for item in plan.items:
            sizes[item.memory_id] = sizes.get(item.memory_id, 0) + item.nbytes
        order = sorted(sizes)  # ids grow with time
        if strategy == "random":
            random.Random(self._seed + len(order)).shuffle(order)
        gone: list[int] = []
        for one in order:
            if excess <= 0:
                break
            gone.append(one)
            excess -= sizes[one]
        memory.forget(Selector(ids=tuple(gone)))

    def _recall(self, memory: Memory, question: LifeQuestion, life: Life, end: int, k: int) -> list[Hit]:
        vectors = self._backend.embedder.embed_tokens(memory.to_embed(question.text))
        return memory.recall(Query(text=question.text, vectors=vectors, now=life.now(end), k=k))

    def _ask(
        self, memory: Memory, question: LifeQuestion, life: Life, end: int, places: Mapping[int, int], before: bool
    ) -> Outcome:
        """Recall, and the daemon's answer, scored."""
        if "passive" not in self._modes:
            return Outcome(0.0, 0.0, 0.0, False, before)
        hits = self._recall(memory, question, life, end, DEPTH)
        ranking = Ranking(ranks_of([places[hit.memory.id] for hit in hits], question.golds), len(question.golds))
        case = Case("", life.name, True, question.text, question.answer, life.now(end))
        reply = self._stage.ask(case, question.text, memory, ())
        f1 = 0.0 if reply.abstained else token_f1(reply.answer, question.answer)
        return Outcome(ranking.recall(5), ranking.reciprocal_rank(), f1, not reply.abstained, before)

    def _meet(self, memory: Memory, moment: LifeMoment, life: Life, end: int) -> Json:
        """What the daemon says by itself over the scene in words."""
        case = replace(moment.case, now=life.now(end))
        words = self._stage.watch(case, memory, ())
        said = words[0].text if words else None
        return {"answer": case.gold, "pred": said, "video": case.video, "timestamp_s": case.time_s}


def held_by(memory: Memory) -> Held:
    """Bytes and parts that a store holds, as reduction counts them (pinned memories apart)."""
    plan = memory.reduce(EVERYTHING, "gsbn", dry_run=True)
    parts: dict[str, int] = {}
    for item in plan.items:
        parts[item.granularity.value] = parts.get(item.granularity.value, 0) + 1
    return Held(plan.freed, memory.count(), parts)
