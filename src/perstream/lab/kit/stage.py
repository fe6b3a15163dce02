"""Where one case is played: a store with its memories, the view of its video, and the assistant that ships."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from pathlib import Path

import numpy as np

from perstream.assistant.assistant import Assistant
from perstream.assistant.gate import CategorySpace, GateDecision, RememberGate
from perstream.assistant.moments import moment_of
from perstream.assistant.passive import PassiveAnswerer
from perstream.assistant.policy import SpeechPolicy
from perstream.assistant.proactive import ProactiveSpeaker
from perstream.assistant.remember import Rememberer
from perstream.config import Config
from perstream.keyframes.thumbnail import thumbnail
from perstream.lab.kit.cases import BEGINS_AT, Case, Told, shuffled
from perstream.lab.kit.strategies import STRATEGIES
from perstream.lab.kit.views import Look
from perstream.memory.memory import Memory
from perstream.memory.phrasing import embedding_text
from perstream.memory.status import MB
from perstream.perception.perceiver import Perceiver
from perstream.protocols import Backend
from perstream.types import (
    Evidence,
    Keyframe,
    MemoryRecord,
    NewMemory,
    Observation,
    ObservationKind,
    Percept,
    ProactiveReply,
    Provenance,
    Query,
    Reply,
)

_IN_MEMORY = "/dev/shm"


@dataclass(frozen=True, slots=True)
class Word:
    """What was said unasked, when, and what it rests on."""

    text: str
    at_s: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """A store as it is asked."""

    memory: Memory
    count: int
    nbytes: int
    took_ms: float
    """To tell it everything."""


class Stage:
    """What the cases of one run share. Thread-safe; the stores are not shared between cases that look at videos."""

    def __init__(self, backend: Backend, config: Config, strategy: str, max_frames: int) -> None:
        self.backend = backend
        queue = replace(config.moment, queue_size=max_frames)
        self._config = replace(config, moment=queue)
        self._kind = STRATEGIES[strategy]
        self._categories = CategorySpace(backend.embedder)
        self._perceiving = threading.local()

    @contextmanager
    def store(self, pool: Sequence[Told]) -> Iterator[Held]:
        """A store in a folder of its own that was told the pool."""
        started = time.perf_counter()
        with (
            tempfile.TemporaryDirectory(prefix="perstream-eval-", dir=_scratch()) as folder,
            self._kind.open(Path(folder), self._config.memory, self.backend.embedder.embed) as memory,
        ):
            rememberer = Rememberer(memory, self.backend, self._categories)
            for (at, heard), some in groupby(shuffled(pool), key=lambda one: (one.at, one.speaker is not None)):
                if heard:
                    memory.remember_all([self._heard(one) for one in some])
                else:
                    rememberer.told_all([one.text for one in some], at)
            order = getattr(memory, "told_order", None)
            if order is not None:
                order.update({one.text: place for place, one in enumerate(pool)})
            memory.warm()
            status = memory.status()
            took = (time.perf_counter() - started) * 1e3
            yield Held(memory, status.memories, round(status.disk_mb * MB), took)

    def _heard(self, one: Told) -> NewMemory:
        return NewMemory(
            text=one.text,
            category="chat",
            provenance=Provenance.HEARD,
            observed_at=one.at,
            ended_at=one.at,
            vectors=self.backend.embedder.embed_tokens(embedding_text(one.text, one.speaker or "", one.context)),
            source=one.source,
            speaker=one.speaker,
            context=one.context,
        )

    def embed(self, question: str, memory: Memory) -> None:
        """Have the vectors of a question ready; those of later questions are made while a model answers this one."""
        if question.strip():
            self.backend.embedder.embed_tokens(question.strip())
            self.backend.embedder.embed_tokens(memory.to_embed(question.strip()))

    def ask(self, case: Case, question: str, memory: Memory, percepts: Sequence[Percept]) -> Reply:
        """The question as the daemon answers it: what is in view is remembered first, or shown to a backend that is slow."""
        now = percepts[-1].keyframe.captured_at if percepts else case.now
        if self.backend.slow or not percepts:
            passive = PassiveAnswerer(memory, self.backend, self._config.memory)
            return passive.ask(question, now, _unheard, _never, tuple(percepts), lambda: self._keep(memory, percepts))
        config = replace(self._config, proactive=replace(self._config.proactive, enabled=False))
        assistant = Assistant(memory, self.backend, config, lambda _: None, lambda: now, thumbnail)
        for percept in percepts:
            assistant.see(percept)
        return assistant.ask(question, now=now)

    def _keep(self, memory: Memory, percepts: Sequence[Percept]) -> MemoryRecord | None:
        """An answer rests on the view: it becomes a memory."""
        if not percepts:
            return None
        best = max(self._judged(percepts), key=lambda decision: decision.score)
        moment = moment_of(percepts, best, thumbnail)
        return Rememberer(memory, self.backend, self._categories).moment(moment, _never)

    def _judged(self, percepts: Sequence[Percept]) -> list[GateDecision]:
        gate = RememberGate(self._categories, self._config.gate.gamma_threshold, self.backend.project)
        return [gate.judge(percept) for percept in percepts]

    def watch(self, case: Case, memory: Memory, percepts: Sequence[Percept]) -> list[Word]:
        """What the daemon says by itself over the percepts; without any, over the scene in words."""
        config = replace(self._config.proactive, enabled=True)
        kind = ProactiveSpeaker if percepts else _SceneSpeaker
        speaker = kind(memory, self.backend, config, SpeechPolicy(config), self._config.moment.queue_size)
        said: list[ProactiveReply] = []
        if percepts:
            categories = [decision.category for decision in self._judged(percepts)]
        else:
            percepts = [_scene(case, self.backend.vision.dimension)]
            categories = [self._categories.nearest(self.backend.embedder.embed_tokens(case.caption).pooled)[0]]
        for percept, category in zip(percepts, categories, strict=True):
            speaker.consider(percept, category, said.append)
        return [Word(reply.text, reply.pts_s or 0.0, reply.evidence) for reply in said]

    def best(self, case: Case, memory: Memory) -> str:
        """The memory closest to the scene, for the baseline that always speaks."""
        vectors = self.backend.embedder.embed_tokens(case.caption or case.question)
        hits = memory.recall(Query(text=case.caption or case.question, vectors=vectors, now=case.now, k=1))
        return hits[0].memory.text if hits else (case.caption or "Careful.")

    def perceive(self, case: Case, looks: Sequence[Look]) -> list[Percept]:
        """Keyframes and what is perceived in them, by the perception and the vision that the daemon uses."""
        keyframes = [
            Keyframe(
                source=case.video,
                index=i,
                pts_s=pts_s,
                captured_at=BEGINS_AT + timedelta(seconds=pts_s),
                rgb=rgb,
                reason="settled",
                motion=0.0,
                sharpness=0.0,
                scene=0,
            )
            for i, (pts_s, rgb) in enumerate(looks)
        ]
        perception = replace(self._config.perception, speech=False)
        reader = getattr(self._perceiving, "reader", None)
        if perception.text and reader is None:
            from perstream.perception.reader import OnnxReader

            reader = self._perceiving.reader = OnnxReader()
        return Perceiver(perception, self.backend.vision.encode, reader=reader).see_all(keyframes)


def _scratch() -> str | None:
    """Where stores that nobody keeps lie: in memory where the machine has such a folder, since no kill matters to them."""
    return _IN_MEMORY if os.access(_IN_MEMORY, os.W_OK) else None


class _SceneSpeaker(ProactiveSpeaker):
    """Takes a scene described in words for what is in view; all else is the daemon's."""

    def _in_view(self, percept: Percept) -> tuple[Observation, ...]:
        self._view.append(percept)
        return percept.observations


def _scene(case: Case, dimension: int) -> Percept:
    """The caption as the one thing perceived, without a picture."""
    at = case.time_s
    keyframe = Keyframe(
        source=case.video or case.id,
        index=0,
        pts_s=at,
        captured_at=case.now,
        rgb=np.zeros((0, 0, 3), np.uint8),
        reason="settled",
        motion=0.0,
        sharpness=0.0,
        scene=0,
    )
    words = " ".join(case.caption.split())
    seen = (Observation(ObservationKind.SCENE, words, 1.0, at, at, votes=2),) if words else ()
    return Percept(keyframe, seen, np.zeros((0, dimension), np.float16), repeated=True)


def _never() -> bool:
    return False


def _unheard(_: str) -> None:
    """Nobody listens while it is made."""
