"""Facts from files told to the memory: each once, changed where the file changed, with its reminder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from perstream.assistant.gate import CategorySpace
from perstream.assistant.reminding import Reminding
from perstream.errors import NotFound
from perstream.imports.files import key_for
from perstream.imports.item import MAX_TEXT, Imported, Outcome, Taken
from perstream.memory.agenda import Pending
from perstream.memory.memory import Memory
from perstream.origins import source_of
from perstream.protocols import Backend
from perstream.reminders import Reminder
from perstream.types import MemoryRecord, NewMemory, Provenance, Triplet


class Importing:
    """Called from the assistant's thread only."""

    def __init__(
        self,
        memory: Memory,
        backend: Backend,
        categories: CategorySpace,
        reminding: Reminding,
        wall: Callable[[], datetime],
        cleared: Callable[[str], str] = str,
    ) -> None:
        """``cleared`` takes out of a text what must not be stored."""
        self._memory = memory
        self._backend = backend
        self._categories = categories
        self._reminding = reminding
        self._cleared = cleared
        self._wall = wall

    def take(self, items: Sequence[Imported], announce: Callable[[MemoryRecord], None]) -> list[Taken]:
        """Remember them, aligned with ``items``; what is new is on disk when this returns, all of it or none.

        A thing that was imported before is not told again; where it says something else now, its memory is changed.
        """
        now = self._wall()
        taken = [Taken(Outcome.UNUSED, None)] * len(items)
        for source in dict.fromkeys(source_of(item.origin) for item in items):
            places = [place for place, item in enumerate(items) if source_of(item.origin) == source]
            found = self._of(source, [items[place] for place in places], now, announce)
            for place, one in zip(places, found, strict=True):
                taken[place] = one
        self._reminding.examine()
        for item, one in zip(items, taken, strict=True):
            if one.memory_id is not None and one.outcome is not Outcome.KNOWN:
                self._remind(one.memory_id, item, now)
        return taken

    def _of(
        self, source: str, items: Sequence[Imported], now: datetime, announce: Callable[[MemoryRecord], None]
    ) -> list[Taken]:
        said = [" ".join(item.text[:MAX_TEXT].split()) for item in items]
        texts = [self._cleared(text) for text in said]
        # A key can be a digest of the words: four digits would be guessed from it.
        items = [
            item if text == before else replace(item, key=key_for(text))
            for item, text, before in zip(items, texts, said, strict=True)
        ]
        register = self._memory.exchange.register
        known = register.known(source, [(item.key, text) for item, text in zip(items, texts, strict=True)])
        taken: list[Taken] = []
        fresh: list[tuple[int, NewMemory]] = []
        for item, text, before in zip(items, texts, known, strict=True):
            if before is not None:
                outcome = Outcome.KNOWN if before.same else self._change(before.memory_id, item, text)
                taken.append(Taken(outcome, before.memory_id))
            else:
                if not item.ended:
                    fresh.append((len(taken), self._statement(source, item, text, now)))
                taken.append(Taken(Outcome.UNUSED, None))
        records = self._memory.remember_all(new for _, new in fresh) if fresh else []
        for (place, _), record in zip(fresh, records, strict=True):
            taken[place] = Taken(Outcome.NEW, record.id)
        register.note(
            source,
            [
                (item.key, text, one.memory_id)
                for item, text, one in zip(items, texts, taken, strict=True)
                if one.memory_id is not None
            ],
        )
        for record in records:
            announce(record)
        return taken

    def _change(self, memory_id: int, item: Imported, text: str) -> Outcome:
        vectors = self._backend.embedder.embed_tokens(text)
        try:
            record = self._memory.correct(memory_id, text, vectors, self._triplets(item, text))
        except NotFound:  # forgotten a moment ago
            return Outcome.UNUSED
        self._memory.exchange.register.hold(memory_id, item.valid_from or record.observed_at, item.valid_to)
        self._reminding.revise(memory_id, text, record.observed_at)
        return Outcome.CHANGED

    def _statement(self, source: str, item: Imported, text: str, now: datetime) -> NewMemory:
        vectors = self._backend.embedder.embed_tokens(text)
        # Nothing was written down in the future, whatever a file says.
        at = min(item.at, now) if item.at is not None else now
        return NewMemory(
            text=text,
            category=self._categories.nearest(vectors.pooled)[0],
            provenance=Provenance.TOLD,
            observed_at=at,
            ended_at=at,
            vectors=vectors,
            source=source,
            triplets=self._triplets(item, text),
            valid_from=item.valid_from or at,
            valid_to=item.valid_to,
        )

    def _triplets(self, item: Imported, text: str) -> tuple[Triplet, ...]:
        found = self._backend.triplets.of_told(text)
        return found if item.revises else tuple(replace(triplet, functional=False) for triplet in found)

    def _remind(self, memory_id: int, item: Imported, now: datetime) -> None:
        """The file's own alarm; what others wrote into an appointment or a card asks for nothing."""
        pending = None
        if item.remind_at is not None and item.remind_at > now and not item.ended:
            action = self._memory.get(memory_id).text.partition(". ")[0].rstrip(".")
            pending = Pending(memory_id, Reminder(action, item.remind_at), now, now)
        if pending is not None or not item.revises:
            self._memory.agenda.replace(memory_id, pending)
            self._reminding.forget()
