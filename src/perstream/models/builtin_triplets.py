"""The builtin triplet extractor: observations, labels and told sentences to edges, without a language model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from perstream.errors import Interrupted
from perstream.models.blocks import lines_of_blocks, one_line
from perstream.models.builtin_caption import code_name, texts_stated
from perstream.models.labels import label_triplets
from perstream.models.text import cleaned
from perstream.models.told import told_triplets
from perstream.types import Caption, Observation, ObservationKind, Triplet

MAX_TRIPLETS = 32
"""Per caption: a page full of text is remembered as text, not as a hundred edges."""


class GrammarTriplets:
    """TripletExtractor: transparent rules, no model."""

    def of_caption(self, caption: Caption, cancelled: Callable[[], bool] = lambda: False) -> tuple[Triplet, ...]:
        """What was read, contained and said, and the facts in it; doubtful readings give no edge."""
        if cancelled():
            raise Interrupted("something more urgent came")
        texts = [o for o in caption.observations if o.kind is ObservationKind.TEXT]
        found: list[Triplet] = []
        for block, sure in lines_of_blocks(texts, texts_stated(caption.text)):
            if not sure:
                continue
            lines = [cleaned(line.text, 120) for line in block]
            found.append(Triplet("I", "read", cleaned(one_line(lines), 200), min(line.score for line in block)))
            found += label_triplets(lines)
        for observation in caption.observations:
            found += self._of_observation(observation)
        return tuple(dict.fromkeys(found))[:MAX_TRIPLETS]

    def of_told(self, text: str) -> tuple[Triplet, ...]:
        """Triplets of what the owner said; a fragment such as "wifi password: x" is read like a label."""
        found = told_triplets(text) or label_triplets(text[:2000].splitlines())
        return tuple(found)[:MAX_TRIPLETS]

    @staticmethod
    def _of_observation(observation: Observation) -> Iterable[Triplet]:
        kind, text = observation.kind, cleaned(observation.text, 200)
        if kind is ObservationKind.CODE and text:
            yield Triplet(code_name(text), "contains", text, observation.score)
        elif kind is ObservationKind.TRANSCRIPT and text:
            speaker = cleaned(observation.speaker or "", 60) or "someone"
            yield Triplet(speaker, "said", text, observation.score)
            for triplet in told_triplets(text):
                yield Triplet(
                    _spoken_by(speaker, triplet.subject),
                    triplet.predicate,
                    _spoken_by(speaker, triplet.object),
                    observation.score * 0.8,
                )


def _spoken_by(speaker: str, label: str) -> str:
    """The first person in somebody else's words is that somebody."""
    label = re.sub(r"\bmy\b", f"{speaker}'s", label, flags=re.IGNORECASE)
    return re.sub(r"\b(?:I|me|myself)\b", speaker, label)
