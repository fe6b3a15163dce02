"""Proactive responses: what is in view now against what memory holds, said only when policy allows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from perstream.assistant.policy import SpeechPolicy
from perstream.config import ProactiveConfig
from perstream.jsonlines import evidence_of
from perstream.memory.memory import Memory
from perstream.observations import merge_observations
from perstream.protocols import Backend, ProactiveRequest, Proposal
from perstream.types import (
    HalfArray,
    Hit,
    Observation,
    ObservationKind,
    Percept,
    ProactiveReply,
    Provenance,
    Query,
    TextVectors,
)
from perstream.vectors import cosine, normalized

VIEW_S = 6.0
"""What was perceived in the last seconds of one scene is what is in view."""
RECALLED_PER_VIEW = 12
CONNECTED = frozenset({Provenance.TOLD, Provenance.HEARD})
"""What the owner told or others said can call for a word; what was merely read before does not."""
SAME_VIEW = 0.8
"""Cosine of patch vectors from which two views count as one."""
ECHO_S = 20.0
"""A sentence heard this recently is still being spoken about: no reminder of it is due."""
_WORDS = frozenset({ObservationKind.TEXT, ObservationKind.CODE, ObservationKind.TRANSCRIPT})


class ProactiveSpeaker:
    """Considers each percept of one source as it comes. Recalls only when new words came into view."""

    def __init__(
        self,
        memory: Memory,
        backend: Backend,
        config: ProactiveConfig,
        policy: SpeechPolicy,
        queue_size: int = 4,
        urgent: Callable[[], bool] = lambda: False,
        cleared: Callable[[str], str] = str,
    ) -> None:
        """``queue_size`` is how many of the latest percepts a backend that looks back is shown; ``urgent`` says that
        somebody waits for an answer; ``cleared`` takes secrets out of what a model wants to say."""
        self._urgent = urgent
        self._cleared = cleared
        self._queue_size = queue_size
        self._memory = memory
        self._backend = backend
        self._config = config
        self._policy = policy
        self._view: deque[Percept] = deque(maxlen=16)
        self._considered: Mapping[str, int] = {}
        self._looked: HalfArray | None = None

    def consider(self, percept: Percept, category: str, say: Callable[[ProactiveReply], None]) -> None:
        """Call ``say`` with every word that is due now; silence is the rule."""
        if not self._config.enabled:
            return
        observations = self._in_view(percept)
        seen = {o.text: o.votes for o in observations}
        looked = self._looked_at(percept)
        if looked is None and all(self._considered.get(text, 0) >= votes for text, votes in seen.items()):
            return
        self._considered = seen
        now = percept.keyframe.captured_at
        source, at_s = percept.keyframe.source, _reached(percept)
        hits = self._recall(observations, looked, now)
        if not hits:
            self._policy.nothing("no memory", now, source, at_s)
            return
        back = self._backend.looks_back
        request = ProactiveRequest(
            observations=observations,
            hits=hits,
            now=now,
            category=category,
            visuals=self._memory.visuals([hit.memory.id for hit in hits]) if back else {},
            view=tuple(self._view)[-self._queue_size :] if back else (),
        )
        proposals = self._backend.generator.propose(request, self._urgent)
        if not proposals:
            self._policy.nothing("nothing due", now, source, at_s)
        for made in proposals:
            proposal = replace(made, text=self._cleared(made.text), why=self._cleared(made.why))
            if self._policy.refusal(proposal, now, source, at_s) is None:
                number = self._policy.said(proposal, now, source, at_s)
                say(_reply(proposal, hits, percept, now, number))

    def _in_view(self, percept: Percept) -> tuple[Observation, ...]:
        keyframe = percept.keyframe
        self._view.append(percept)
        recent = [
            p for p in self._view if p.keyframe.scene == keyframe.scene and keyframe.pts_s - p.keyframe.pts_s <= VIEW_S
        ]
        return tuple(o for o in merge_observations([o for p in recent for o in p.observations]) if o.kind in _WORDS)

    def _looked_at(self, percept: Percept) -> TextVectors | None:
        """A view unlike the one considered last, in text space; None where vision has no way there."""
        project = self._backend.project
        if project is None or percept.repeated:
            return None
        if self._looked is not None and cosine(percept.patches, self._looked) >= SAME_VIEW:
            return None
        self._looked = percept.patches
        pooled = normalized(project(percept.patches).mean(axis=0))
        return TextVectors(pooled, np.zeros((0, len(pooled)), np.float32), ())

    def _recall(
        self, observations: Sequence[Observation], looked: TextVectors | None, now: datetime
    ) -> tuple[Hit, ...]:
        best: dict[int, Hit] = {}
        texts = [o.text for o in observations]
        distinct = list(dict.fromkeys([*texts, " ".join(texts)] if len(texts) > 1 else texts))
        wanted = [(text, self._backend.embedder.embed_tokens(text)) for text in distinct]
        for text, vectors in [*wanted, *([("", looked)] if looked is not None else [])]:
            query = Query(text=text, vectors=vectors, now=now, k=RECALLED_PER_VIEW, provenances=CONNECTED)
            for hit in self._memory.recall(query):
                known = best.get(hit.memory.id)
                if not self._is_echo(hit, now) and (known is None or hit.score > known.score):
                    best[hit.memory.id] = hit
        return tuple(sorted(best.values(), key=lambda hit: -hit.score))

    def _is_echo(self, hit: Hit, now: datetime) -> bool:
        heard = hit.memory.provenance is Provenance.HEARD
        return heard and now - hit.memory.ended_at < timedelta(seconds=ECHO_S)


def _reached(percept: Percept) -> float:
    """Where on the source's clock this is: words can be newer than the view they were heard over."""
    return max([percept.keyframe.pts_s, *(o.start_s for o in percept.observations if o.kind in _WORDS)])


def _reply(proposal: Proposal, hits: Sequence[Hit], percept: Percept, now: datetime, number: int) -> ProactiveReply:
    by_id = {hit.memory.id: hit for hit in hits}
    return ProactiveReply(
        text=proposal.text,
        why=proposal.why,
        topic=proposal.topic,
        evidence=tuple(evidence_of(by_id[i].memory, by_id[i].score) for i in proposal.memory_ids if i in by_id),
        source=percept.keyframe.source,
        pts_s=_reached(percept),
        at=now,
        id=number,
        priority=proposal.priority,
    )
