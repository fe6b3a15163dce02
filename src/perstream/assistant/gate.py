"""The remember gate: is what a keyframe shows worth a place in memory, and in which category?

The paper compares a keyframe's vectors in text space with the category vectors and keeps it when the
best category's score passes gamma. Here the vectors are those of what was perceived in words; the
score is calibrated so that it means the same whatever the number of categories. Where a projection from
vision to text space is trained, the keyframe's own patch vectors count as well. A reading that is
no language (a misread texture) scores near zero although it is near *some* category by accident.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from perstream.categories import CATEGORIES, Category
from perstream.observations import MIN_LETTERS
from perstream.protocols import TextEmbedder
from perstream.spelling import letters_in
from perstream.types import FloatArray, HalfArray, Observation, ObservationKind, Percept, TextVectors
from perstream.vectors import cosine, normalized

UNRELATED, TYPICAL = 0.2, 0.6
"""Cosine to the nearest category phrase: of texts that belong nowhere, and of texts that belong."""
SCENERY_COOLDOWN_S = 60.0
"""A view without anything to read or hear is kept as a place at most this often per source."""
SCENERY_NEW_BELOW = 0.8
"""Cosine of patch vectors under which a view at rest is unlike every scene kept before."""
SCENERY_SCORE = 0.35
MAX_JOINED = 200
"""Characters of a page that decide on its category."""
_REST = frozenset({"settled", "dwell", "first"})
_WORD = re.compile(r"[^\W\d_]{3,}")
_MEASURE = re.compile(
    r"\d\s?(?:mg|µg|ml|cl|g|kg|l|cm|mm|km|m|%|°c|€|\$|£|eur|usd|gbp|chf)\b|[€$£]\s?\d|\b\d{1,2}[:.]\d{2}\b", re.I
)
"""An amount with its unit, or a time: sense that no vocabulary holds."""
_FILLER = frozenset("the and for you are with this that from not was has have its our your all".split())


@dataclass(frozen=True, slots=True)
class GateDecision:
    """What the gate makes of one keyframe."""

    category: str
    score: float
    """In [0, 1]."""
    remembered: bool


class CategorySpace:
    """The categories' phrases as vectors; embedded once and shared by all gates."""

    def __init__(self, embedder: TextEmbedder, categories: Sequence[Category] = CATEGORIES) -> None:
        self.embedder = embedder
        self._keys = [category.key for category in categories for _ in category.phrases]
        self._phrases: FloatArray = embedder.embed([p for category in categories for p in category.phrases])

    def nearest(self, vector: FloatArray) -> tuple[str, float]:
        """Key of the category with the nearest phrase, and the cosine to that phrase."""
        nearness = self._phrases @ vector
        best = int(np.argmax(nearness))
        return self._keys[best], float(nearness[best])


class RememberGate:
    """Judges percepts of one source in time order. Cost per percept: one short embedding per new text."""

    def __init__(
        self,
        categories: CategorySpace,
        gamma_threshold: float,
        project: Callable[[HalfArray], FloatArray] | None = None,
    ) -> None:
        """``project`` takes patch vectors [n, d] to the categories' space [n, dimension], where one is trained."""
        self._categories = categories
        self._project = project
        self._gamma = gamma_threshold
        self._scenes: list[HalfArray] = []
        self._last_scenery_s = -np.inf
        self._known: dict[str, tuple[str, float]] = {}

    def judge(self, percept: Percept) -> GateDecision:
        """Best category over everything nameable in the percept; scenery only when it is new."""
        words = [o for o in percept.observations if o.kind in _NAMEABLE]
        scored = [(score * _confidence(o), key) for o in words for key, score in [self._of_text(o)]]
        scored += [
            (0.5 * _confidence(o), "relationships") for o in percept.observations if o.kind is ObservationKind.PEOPLE
        ]
        if self._project is not None and not percept.repeated:
            scored.append(self._of_view(percept, self._project))
        score, key = max(scored, default=(0.0, "places"))
        if len(words) > 1 and score > self._gamma:
            # What several lines are about, they say together.
            joined = " ".join(o.text for o in words)[:MAX_JOINED]
            key, _ = self._categories.nearest(self._categories.embedder.embed([joined])[0])
        if score <= self._gamma and self._is_new_scenery(percept):
            score, key = max(score, SCENERY_SCORE), "places"
            if score > self._gamma:
                self._last_scenery_s = percept.keyframe.pts_s
                self._scenes = [*self._scenes[-63:], percept.patches]
        return GateDecision(category=key, score=round(score, 4), remembered=score > self._gamma)

    def _of_text(self, observation: Observation) -> tuple[str, float]:
        text = observation.text
        if letters_in(text) < MIN_LETTERS:
            return "places", 0.0
        if text not in self._known:
            if len(self._known) >= 512:
                self._known.clear()
            vectors = self._categories.embedder.embed_tokens(text)
            key, nearness = self._categories.nearest(vectors.pooled)
            self._known[text] = (key, 0.55 * legibility(text, vectors) + 0.45 * _calibrated(nearness))
        key, score = self._known[text]
        # A code's content is machine-checked: worth keeping even where it is no language.
        return key, max(score, 0.6) if observation.kind is ObservationKind.CODE else score

    def _of_view(self, percept: Percept, project: Callable[[HalfArray], FloatArray]) -> tuple[float, str]:
        """The gate of the paper: what the projected patches are about, on the whole."""
        about = normalized(project(percept.patches).mean(axis=0))
        key, nearness = self._categories.nearest(about)
        return _calibrated(nearness), key

    def _is_new_scenery(self, percept: Percept) -> bool:
        keyframe = percept.keyframe
        if percept.repeated or keyframe.reason not in _REST:
            return False
        if keyframe.pts_s - self._last_scenery_s < SCENERY_COOLDOWN_S:
            return False
        return all(cosine(percept.patches, scene) < SCENERY_NEW_BELOW for scene in self._scenes)


_NAMEABLE = frozenset({ObservationKind.TEXT, ObservationKind.CODE, ObservationKind.TRANSCRIPT})


def _calibrated(nearness: float) -> float:
    """Cosine to the nearest category phrase as a relevance in [0, 1]."""
    return float(np.clip((nearness - UNRELATED) / (TYPICAL - UNRELATED), 0.0, 1.0))


def _confidence(observation: Observation) -> float:
    return min(1.0, max(0.0, observation.score))


def legibility(text: str, vectors: TextVectors) -> float:
    """Share of the text's letters that are in whole words of the embedder's vocabulary, in [0, 1].

    Misread texture comes out as word pieces; filler words alone say nothing. Amounts and times have sense.
    """
    letters = sum(len(word) for word in _WORD.findall(text)) or 1
    whole = 0
    for index, word in enumerate(vectors.words):
        continued = index + 1 < len(vectors.words) and vectors.words[index + 1].startswith("##")
        if not continued and _WORD.fullmatch(word) and word not in _FILLER:
            whole += len(word)
    return max(min(1.0, whole / letters), 0.4 if _MEASURE.search(text) else 0.0)
