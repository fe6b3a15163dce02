"""What is left out before anything is stored, and the account of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timezone

from perstream.config_privacy import PrivacyConfig
from perstream.events import Event, Redacted
from perstream.memory.memory import Memory
from perstream.privacy.redact import Redaction, Redactor
from perstream.types import Caption, Observation, Percept, Triplet, Withheld


class Redacting:
    """The seam of all that is told, imported or written by a model; what is read and heard has gone through a screen."""

    def __init__(self, memory: Memory, config: PrivacyConfig, emit: Callable[[Event], None]) -> None:
        """``emit`` is told what kind was left out, never what."""
        self._memory = memory
        self._redactor = Redactor(config)
        self._emit = emit

    def perceived(self, percept: Percept) -> None:
        """Take down what was left out of a percept on its way here."""
        keyframe = percept.keyframe
        self._note(percept.withheld, keyframe.captured_at, keyframe.source, keyframe.pts_s)

    def owner(self, text: str) -> Redaction:
        """What the owner says without secrets; nothing is taken down."""
        return self._redactor.of_owner(text)

    def told(self, text: str, at: datetime, origin: str = "told") -> Redaction:
        """What the owner tells, corrects or imports without secrets, taken down."""
        result = self._redactor.of_owner(text)
        self.note(result.found, at, origin)
        return result

    def note(self, found: Mapping[str, int], at: datetime, origin: str, source: str | None = None) -> None:
        """Take down what was left out of something."""
        self._note(tuple(Withheld(kind, count, origin) for kind, count in found.items()), at, source, None)

    def caption(self, caption: Caption, at: datetime, source: str) -> Caption:
        """A caption without secrets that a model wrote itself."""
        result = self._redactor.of_world(caption.text)
        observations = tuple(self._observed(one) for one in caption.observations)
        self.note(result.found, at, "model", source)
        if not result.spans and observations == caption.observations:
            return caption
        return Caption(result.text, observations)

    def triplets(self, triplets: tuple[Triplet, ...]) -> tuple[Triplet, ...]:
        """Edges without secrets that a model wrote itself; one that says nothing else any more goes."""
        return tuple(self._edge(one) for one in triplets)

    def word(self, text: str) -> str:
        """A word that a model wants to say unasked."""
        return self._redactor.of_world(text).text

    def _observed(self, one: Observation) -> Observation:
        result = self._redactor.of_world(one.text)
        return replace(one, text=result.text) if result.spans else one

    def _edge(self, one: Triplet) -> Triplet:
        whole = f"{one.subject} {one.predicate}: {one.object}"
        parts = [self._redactor.of_world(part).text for part in (one.subject, one.predicate, one.object)]
        start = len(whole) - len(one.object)
        spans = [span for span in self._redactor.of_world(whole).spans if span.end > start]
        if spans:  # ("wifi password", "is", "hunter2"): a secret only beside its subject
            parts[2] = f"[{spans[0].label}]"
        return replace(one, subject=parts[0], predicate=parts[1], object=parts[2])

    def _note(self, withheld: tuple[Withheld, ...], at: datetime, source: str | None, pts_s: float | None) -> None:
        if not withheld:
            return
        now = at.astimezone(timezone.utc)
        for one in withheld:
            self._emit(Redacted(now, source, pts_s, one.kind, one.count))
        self._memory.redactions.note(withheld, now, source)


class Clearing:
    """For an import of an export: each text without secrets, and what they were; they are counted, and taken down later."""

    def __init__(self, redacting: Redacting) -> None:
        self._redacting = redacting
        self.found: Counter[str] = Counter()
        """How many of each kind so far."""

    def __call__(self, text: str) -> tuple[str, tuple[str, ...]]:
        result = self._redacting.owner(text)
        self.found.update(result.found)
        return result.text, tuple(text[one.start : one.end] for one in result.spans)
