"""From a finished moment or a told sentence to a stored memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from perstream.assistant.gate import CategorySpace
from perstream.assistant.redacting import Redacting
from perstream.config_privacy import PrivacyConfig
from perstream.errors import Interrupted
from perstream.events import Event
from perstream.memory.memory import Memory
from perstream.observations import believed
from perstream.protocols import Backend
from perstream.spelling import key_of
from perstream.types import Caption, MemoryRecord, Moment, NewMemory, ObservationKind, Provenance

_PROVENANCE = (
    (ObservationKind.TEXT, Provenance.READ),
    (ObservationKind.CODE, Provenance.READ),
    (ObservationKind.TRANSCRIPT, Provenance.HEARD),
    (ObservationKind.SPEECH, Provenance.HEARD),
)

_READ = frozenset({ObservationKind.TEXT, ObservationKind.CODE})
AGAIN_S = 10.0
"""The same words read again within this many seconds are the same sight."""


class Rememberer:
    """Captions, embeds, extracts triplets and stores. One model call per moment at most."""

    def __init__(
        self, memory: Memory, backend: Backend, categories: CategorySpace, redacting: Redacting | None = None
    ) -> None:
        """Without ``redacting`` it is done as the settings have it by themselves, and nobody is told."""
        self._memory = memory
        self._backend = backend
        self._categories = categories
        self._redacting = redacting or Redacting(memory, PrivacyConfig(), _unheard)
        self._made: tuple[Moment, Caption] | None = None
        self._last_read: dict[str, tuple[float, frozenset[str]]] = {}

    def moment(self, moment: Moment, cancelled: Callable[[], bool], context: str = "") -> MemoryRecord | None:
        """Store a moment; None when a closer look left nothing in it that can be believed.

        ``context`` is the question it answers, where it is one turn of a conversation.
        """
        caption = self._caption(moment, cancelled)
        if not caption.observations:
            return None
        known = self._is_known(moment, caption)
        record = None if known else self._memory.remember(self._captioned(moment, caption, cancelled, context))
        self._note_reading(moment, caption)
        return record

    def _caption(self, moment: Moment, cancelled: Callable[[], bool]) -> Caption:
        """The caption; one whose triplets were interrupted is not made again."""
        made, self._made = self._made, None
        if made is not None and made[0] is moment:
            return made[1]
        caption = self._backend.captioner.caption(moment, cancelled)
        return self._redacting.caption(caption, moment.ended_at, moment.source)

    def _captioned(self, moment: Moment, caption: Caption, cancelled: Callable[[], bool], context: str) -> NewMemory:
        try:
            triplets = self._redacting.triplets(self._backend.triplets.of_caption(caption, cancelled))
        except Interrupted:
            self._made = (moment, caption)
            raise
        return NewMemory(
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
            triplets=triplets,
            observations=caption.observations,
            mean_vector=moment.mean_vector,
            nearest_vector=moment.nearest_vector,
            thumbnail=moment.thumbnail,
        )

    def _is_known(self, moment: Moment, caption: Caption) -> bool:
        """The same words are still in view and nothing else is new: the memory just made says it all."""
        ended_s, known = self._last_read.get(moment.source, (-AGAIN_S, frozenset()))
        texts = _read_in(caption)
        return bool(texts) and texts <= known and 0 <= moment.end_s - ended_s <= AGAIN_S and not _heard_in(caption)

    def _note_reading(self, moment: Moment, caption: Caption) -> None:
        texts = _read_in(caption)
        if texts and not _heard_in(caption):
            known = self._last_read[moment.source][1] if self._is_known(moment, caption) else texts
            self._last_read[moment.source] = (moment.end_s, known)

    def told(self, text: str, at: datetime) -> MemoryRecord:
        """Store a sentence the owner said, without its secrets."""
        cleared = self._redacting.told(text, at)
        return replace(self._memory.remember(self._statement(cleared.text, at)), redacted=cleared.found)

    def told_all(self, texts: Iterable[str], at: datetime) -> list[MemoryRecord]:
        """Store sentences a file told, in one transaction: all of them or, on an error, none."""
        found: Counter[str] = Counter()

        def statements() -> Iterator[NewMemory]:
            for text in texts:
                cleared = self._redacting.owner(text)
                found.update(cleared.found)
                yield self._statement(cleared.text, at)

        records = self._memory.remember_all(statements())
        self._redacting.note(found, at, "imported")
        return records

    def _statement(self, text: str, at: datetime) -> NewMemory:
        vectors = self._backend.embedder.embed_tokens(text)
        return NewMemory(
            text=text,
            category=self._categories.nearest(vectors.pooled)[0],
            provenance=Provenance.TOLD,
            observed_at=at,
            ended_at=at,
            vectors=vectors,
            triplets=self._redacting.triplets(self._backend.triplets.of_told(text)),
            valid_from=at,
        )


def provenance_of(caption: Caption) -> Provenance:
    """How the most telling part of a caption came to be: read before heard before merely seen."""
    kinds = {o.kind for o in caption.observations if believed(o)}
    return next((provenance for kind, provenance in _PROVENANCE if kind in kinds), Provenance.SEEN)


def _read_in(caption: Caption) -> frozenset[str]:
    return frozenset(key_of(o.text) for o in caption.observations if o.kind in _READ and believed(o))


def _heard_in(caption: Caption) -> bool:
    return any(o.kind is ObservationKind.TRANSCRIPT for o in caption.observations)


def _only_speaker(caption: Caption) -> str | None:
    speakers = {o.speaker for o in caption.observations if o.speaker}
    return speakers.pop() if len(speakers) == 1 else None


def _unheard(_: Event) -> None:
    """Nobody listens."""
