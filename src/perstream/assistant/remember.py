"""From a finished moment or a told sentence to a stored memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from perstream.assistant.gate import CategorySpace
from perstream.memory.memory import Memory
from perstream.observations import believed
from perstream.protocols import Backend
from perstream.types import Caption, MemoryRecord, Moment, NewMemory, ObservationKind, Provenance

_PROVENANCE = (
    (ObservationKind.TEXT, Provenance.READ),
    (ObservationKind.CODE, Provenance.READ),
    (ObservationKind.TRANSCRIPT, Provenance.HEARD),
    (ObservationKind.SPEECH, Provenance.HEARD),
)


class Rememberer:
    """Captions, embeds, extracts triplets and stores. One model call per moment at most."""

    def __init__(self, memory: Memory, backend: Backend, categories: CategorySpace) -> None:
        self._memory = memory
        self._backend = backend
        self._categories = categories

    def moment(self, moment: Moment, cancelled: Callable[[], bool], context: str = "") -> MemoryRecord | None:
        """Store a moment; None when a closer look left nothing in it that can be believed.

        ``context`` is the question it answers, where it is one turn of a conversation.
        """
        caption = self._backend.captioner.caption(moment, cancelled)
        if not caption.text.strip():
            return None
        return self._memory.remember(
            NewMemory(
                text=caption.text,
                category=moment.category,
                provenance=provenance_of(caption),
                observed_at=moment.started_at,
                ended_at=moment.ended_at,
                vectors=self._backend.embedder.embed_tokens(caption.text),
                source=moment.source,
                start_s=moment.start_s,
                end_s=moment.end_s,
                speaker=_only_speaker(caption),
                context=context,
                score=moment.score,
                triplets=self._backend.triplets.of_caption(caption),
                observations=caption.observations,
                mean_vector=moment.mean_vector,
                nearest_vector=moment.nearest_vector,
                thumbnail=moment.thumbnail,
            )
        )

    def told(self, text: str, at: datetime) -> MemoryRecord:
        """Store a sentence the owner said."""
        vectors = self._backend.embedder.embed_tokens(text)
        return self._memory.remember(
            NewMemory(
                text=text,
                category=self._categories.nearest(vectors.pooled)[0],
                provenance=Provenance.TOLD,
                observed_at=at,
                ended_at=at,
                vectors=vectors,
                triplets=self._backend.triplets.of_told(text),
                valid_from=at,
            )
        )


def provenance_of(caption: Caption) -> Provenance:
    """How the most telling part of a caption came to be: read before heard before merely seen."""
    kinds = {o.kind for o in caption.observations if believed(o)}
    return next((provenance for kind, provenance in _PROVENANCE if kind in kinds), Provenance.SEEN)


def _only_speaker(caption: Caption) -> str | None:
    speakers = {o.speaker for o in caption.observations if o.speaker}
    return speakers.pop() if len(speakers) == 1 else None
