"""A small day in memory for the answerer's tests: moments and told facts as recall would hand them over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from perstream.models.builtin_caption import caption_text
from perstream.models.builtin_triplets import GrammarTriplets
from perstream.protocols import Answer, AnswerRequest, TextEmbedder
from perstream.types import Caption, Hit, MemoryRecord, Observation, ObservationKind, Provenance

DAY = datetime(2026, 3, 9, 8, 0, tzinfo=timezone.utc)  # a Monday
NOW = DAY + timedelta(hours=11)
KINDS = {
    "code": ObservationKind.CODE,
    "faces": ObservationKind.PEOPLE,
    "color": ObservationKind.COLOR,
    "place": ObservationKind.PLACE,
    "light": ObservationKind.LIGHT,
    "motion": ObservationKind.MOTION,
    "speech": ObservationKind.SPEECH,
}


@dataclass(frozen=True)
class Item:
    """One memory: ``minute`` of the day; ``parts`` like ``text:A|B`` (one block), ``Anna: words``, ``code:…``; or a told sentence."""

    key: str
    minute: float
    parts: tuple[str, ...] = ()
    told: str = ""
    source: str = "day.mp4"


def record(item: Item, number: int) -> MemoryRecord:
    at = DAY + timedelta(minutes=item.minute)
    if item.told:
        return MemoryRecord(
            number, item.told, "notes", Provenance.TOLD, at, at, None, None, None, None, 1.0,
            GrammarTriplets().of_told(item.told), (), False, (),
        )  # fmt: skip
    start = item.minute * 60
    seen: list[Observation] = []
    for part in item.parts:
        name, _, text = part.partition(":")
        if name in ("text", "maybe"):
            for row, line in enumerate(text.split("|")):
                box = (0.2, 0.1 + 0.1 * row, 0.7, 0.18 + 0.1 * row)
                votes = 3 if name == "text" else 1
                seen.append(Observation(ObservationKind.TEXT, line, 0.95, start, start + 6, votes, box))
        elif name in KINDS:
            seen.append(Observation(KINDS[name], text, 0.9, start, start + 6, 2))
        else:
            speaker = name if name != "someone" else None
            seen.append(Observation(ObservationKind.TRANSCRIPT, text.strip(), 1.0, start, start + 4, speaker=speaker))
    heard = any(o.kind is ObservationKind.TRANSCRIPT for o in seen)
    read = any(o.kind in (ObservationKind.TEXT, ObservationKind.CODE) for o in seen)
    provenance = Provenance.HEARD if heard else Provenance.READ if read else Provenance.SEEN
    text = caption_text(seen, at)
    triplets = GrammarTriplets().of_caption(Caption(text, tuple(seen)))
    return MemoryRecord(
        number, text, "notes", provenance, at, at + timedelta(seconds=6), item.source, start, start + 6, None, 0.6,
        triplets, tuple(seen), False, (),
    )  # fmt: skip


class World:
    """Memories that can be searched by plain cosine: a stand-in for recall."""

    def __init__(self, items: Sequence[Item], embedder: TextEmbedder) -> None:
        self.items = tuple(items)
        self.embedder = embedder
        self.records = [record(item, number) for number, item in enumerate(items, start=1)]
        self.vectors = embedder.embed([r.text for r in self.records])

    def hits(self, question: str, k: int = 8) -> tuple[Hit, ...]:
        scores = self.vectors @ self.embedder.embed([question])[0]
        order = sorted(range(len(self.records)), key=lambda i: -float(scores[i]))[:k]
        return tuple(Hit(self.records[i], max(0.0, min(1.0, float(scores[i])))) for i in order)

    def request(self, question: str, k: int = 8, now: datetime = NOW) -> AnswerRequest:
        return AnswerRequest(question, self.hits(question, k), now, self.embedder.embed_tokens(question))

    def key(self, memory_id: int) -> str:
        return self.items[memory_id - 1].key


def verdict(world: World, answer: Answer, expected: str | None, keys: str) -> str:
    """Empty when right, else what is wrong. ``expected``: alternatives by "|", each of "&"-joined parts; None: refuse."""
    if expected is None:
        return "" if answer.text is None else f"answered {answer.text!r}"
    if answer.text is None:
        return "refused"
    low = answer.text.lower()
    if not any(all(part.lower() in low for part in option.split("&")) for option in expected.split("|")):
        return f"says {answer.text!r}"
    first = world.key(answer.memory_ids[0])
    return "" if not keys or first in keys.split("|") else f"rests on {first}: {answer.text!r}"
