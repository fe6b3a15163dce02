"""The scripted backend: deterministic, instant, for tests only. It understands nothing.

Texts become bags of hashed words, pictures their mean colours; captions quote the observations,
answers quote the best hit, and proposals are whatever a test puts in.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence

import numpy as np

from perstream.config import BackendConfig, MomentConfig
from perstream.protocols import Answer, AnswerRequest, Backend, ProactiveRequest, Proposal
from perstream.types import ByteArray, Caption, FloatArray, HalfArray, Moment, TextVectors, Triplet
from perstream.vectors import normalized

_WORD = re.compile(r"\w+")


class ScriptedEmbedder:
    """Each word is one random direction: texts are alike as far as they share words."""

    dimension = 384

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Sum of the word vectors, L2-normalised."""
        rows = [sum((self._word(w) for w in _words(t)), np.zeros(self.dimension, np.float32)) for t in texts]
        return normalized(np.array(rows, np.float32).reshape(len(texts), self.dimension))

    def embed_tokens(self, text: str) -> TextVectors:
        """One vector per word."""
        words = _words(text)
        tokens = np.array([self._word(w) for w in words], np.float32).reshape(len(words), self.dimension)
        return TextVectors(self.embed([text])[0], normalized(tokens), tuple(words))

    def _word(self, word: str) -> FloatArray:
        rng = np.random.default_rng(zlib.crc32(word.encode()))
        return rng.standard_normal(self.dimension).astype(np.float32)


class ScriptedVision:
    """Mean colour of each cell of the grid."""

    dimension = 3

    def __init__(self, pool_size: int) -> None:
        self._pool = pool_size

    def encode(self, pictures: Sequence[ByteArray]) -> list[HalfArray]:
        """[pool * pool, 3] per picture."""
        return [self._one(picture) for picture in pictures]

    def _one(self, picture: ByteArray) -> HalfArray:
        cells = [
            cell.mean(axis=(0, 1)) / 255 if cell.size else np.zeros(3)
            for row in np.array_split(picture, self._pool, axis=0)
            for cell in np.array_split(row, self._pool, axis=1)
        ]
        return np.array(cells, np.float16)


class ScriptedCaptioner:
    """Quotes the observations."""

    def caption(self, moment: Moment, cancelled: Callable[[], bool]) -> Caption:
        """All observations of the moment, each text once."""
        found = {o.text: o for percept in moment.percepts for o in percept.observations}
        return Caption("; ".join(found), tuple(found.values()))


class ScriptedTriplets:
    """First word, ``then``, last word."""

    def of_caption(self, caption: Caption, cancelled: Callable[[], bool] = lambda: False) -> tuple[Triplet, ...]:
        """One triplet per caption."""
        return self.of_told(caption.text)

    def of_told(self, text: str) -> tuple[Triplet, ...]:
        """One triplet per text of at least two words."""
        words = _words(text)
        return (Triplet(words[0], "then", words[-1]),) if len(words) > 1 else ()


class ScriptedGenerator:
    """Quotes the best hit; proposes what it was given."""

    def __init__(self, threshold: float, proposals: Sequence[Proposal] = ()) -> None:
        self.threshold = threshold
        self.proposals = tuple(proposals)

    def answer(self, request: AnswerRequest, say: Callable[[str], None], cancelled: Callable[[], bool]) -> Answer:
        """The best hit's text when it shares a word with the question."""
        asked = set(_words(request.question))
        for hit in request.hits:
            if asked & set(_words(hit.memory.text)):
                say(hit.memory.text)
                return Answer(hit.memory.text, (hit.memory.id,), hit.score)
        return Answer(None)

    def propose(self, request: ProactiveRequest, cancelled: Callable[[], bool] = lambda: False) -> tuple[Proposal, ...]:
        """The proposals given to the constructor."""
        return self.proposals


def load(config: BackendConfig, moment: MomentConfig) -> Backend:
    """All parts scripted."""
    return Backend(
        name="scripted",
        vision=ScriptedVision(moment.pool_size),
        captioner=ScriptedCaptioner(),
        triplets=ScriptedTriplets(),
        embedder=ScriptedEmbedder(),
        generator=ScriptedGenerator(config.answer_threshold),
    )


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
