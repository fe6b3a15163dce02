"""Passive responses: a question, what memory holds about it, an answer with evidence or none."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from perstream.config import MemoryConfig
from perstream.jsonlines import evidence_of
from perstream.memory import history
from perstream.memory.memory import Memory
from perstream.protocols import AnswerRequest, Backend
from perstream.types import Hit, MemoryRecord, Percept, Query, Reply

NO_MEMORY = "I have no memory of that."
MAX_QUESTION_CHARS = 4000
"""Longer questions are cut: the embedder reads about a thousand characters anyway."""
READ_PER_TOP, MAX_READ = 2, 20
"""The generator reads this many times ``top_k`` memories; an answer rests on ``top_k`` at most."""


class PassiveAnswerer:
    """Answers one question at a time. Cost: one embedding, one recall, one generation."""

    def __init__(self, memory: Memory, backend: Backend, config: MemoryConfig) -> None:
        self._memory = memory
        self._backend = backend
        self._config = config

    def ask(
        self,
        question: str,
        now: datetime,
        say: Callable[[str], None],
        cancelled: Callable[[], bool],
        view: tuple[Percept, ...] = (),
        keep_view: Callable[[], MemoryRecord | None] = lambda: None,
    ) -> Reply:
        """Recall, answer, and name the evidence; says that it has no memory of it otherwise.

        ``view`` is the short-term queue, for a backend that looks at it. When the answer rests on it,
        ``keep_view`` makes the memory that is the evidence. Raises Interrupted when cancelled.
        """
        text = question.strip()[:MAX_QUESTION_CHARS]
        started = time.perf_counter()
        embed = self._backend.embedder.embed_tokens
        vectors = embed(text)
        # What to search with: the question without its preamble and the names in it.
        sought = self._memory.to_embed(text)
        wanted = vectors if sought == text else embed(sought)
        embedded = time.perf_counter()
        k = min(MAX_READ, READ_PER_TOP * self._config.top_k)
        hits = self._recall(Query(text=text, vectors=wanted, now=now, k=k)) if text else []
        recalled = time.perf_counter()
        request = AnswerRequest(
            question=text,
            hits=tuple(hits),
            now=now,
            question_vectors=vectors,
            visuals=self._memory.visuals([hit.memory.id for hit in hits]) if self._backend.looks_back else {},
            view=view,
        )
        answer = self._backend.generator.answer(request, say, cancelled) if hits or (text and view) else None
        answered = time.perf_counter()
        timings = {
            "embed": (embedded - started) * 1e3,
            "recall": (recalled - embedded) * 1e3,
            "generate": (answered - recalled) * 1e3,
            "total": (answered - started) * 1e3,
        }
        seen = keep_view() if answer is not None and answer.text is not None and answer.rests_on_view else None
        if answer is None or answer.text is None or not (answer.memory_ids or seen):
            say(NO_MEMORY)
            return Reply(question, NO_MEMORY, abstained=True, evidence=(), timings_ms=timings)
        scores = {hit.memory.id: hit for hit in hits}
        named = [i for i in answer.memory_ids if i in scores]
        found = [evidence_of(seen, answer.confidence)] if seen is not None else []
        found += [evidence_of(scores[i].memory, scores[i].score) for i in named if seen is None or i != seen.id]
        evidence = tuple(found[: self._config.top_k])
        return Reply(question, answer.text, abstained=False, evidence=evidence, timings_ms=timings)

    def _recall(self, query: Query) -> list[Hit]:
        """What memory holds about it; what was replaced since only where the question looks back."""
        back = history.looks_back(query.text, query.now)
        hits = self._memory.recall(replace(query, include_superseded=back))
        return history.replaced(hits) if history.asks_before(query.text) else hits
