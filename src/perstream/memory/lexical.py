"""BM25 over the words of memories and of their neighbours in time, built up one memory at a time.

Okapi BM25 (Robertson & Zaragoza, "The Probabilistic Relevance Framework", 2009, section 3) over Snowball stems.
A memory's term frequencies include its neighbours' at half weight, so that an answer is found by the
words of the question it followed. Neighbours are looked up when searching: adding a memory costs O(its words).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from sys import getsizeof

import numpy as np
from numpy.typing import NDArray

from perstream.memory.places import room_for
from perstream.memory.postings import Postings
from perstream.memory.postings import SlotArray as SlotArray
from perstream.types import FloatArray

Neighbours = NDArray[np.int32]

K1 = 0.9
B = 0.4
NEIGHBOUR = 0.5
"""Weight of the words of the memory before and after."""
MAX_TERMS = 400
"""Words looked at per text; what is longer is cut."""
STOP_WORDS = frozenset(
    (
        "a about above after again against all also am an and any are as at be because been before being below "
        "between both but by can could d did do does doing don down during each etc few for from further get gets "
        "getting give given go goes going got had has have having he her here hers herself him himself his how i if "
        "in into is it its itself just kind know let like ll long m many may me might more most much must my myself "
        "no nor not now of off often on once one only or other our ours ourselves out over own re s same say says "
        "shall she should so some such t tell than that the their theirs them themselves then there these they thing "
        "things this those through to too under until up upon us use ve very was we were what when where which while "
        "who whom whose why will with would yes you your yours yourself yourselves"
    ).split()
)

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_APOSTROPHE = re.compile(r"['’].*")


def words_of(text: str) -> list[str]:
    """Lower-case words; possessive and contracted endings are left out ("Anna's" is "anna")."""
    found: list[str] = _WORD.findall(text[: MAX_TERMS * 16].lower())[:MAX_TERMS]
    if "'" in text or "’" in text:
        return [_APOSTROPHE.sub("", word) for word in found]
    return found


class Stemmer:
    """Snowball English with a memory: a word is stemmed once. One thread at a time."""

    LIMIT = 100_000
    """Words remembered; then it starts anew."""

    def __init__(self) -> None:
        import snowballstemmer

        self._stem = snowballstemmer.stemmer("english").stemWord
        self._known: dict[str, str] = {}

    def stem(self, word: str) -> str:
        """The stem of a lower-case word."""
        known = self._known.get(word)
        if known is None:
            if word.isdigit():  # a number has no endings
                return word[:40]
            if len(self._known) >= self.LIMIT:
                self._known.clear()
            known = self._known[word] = self._stem(word) if len(word) < 40 else word[:40]
        return known

    def terms(self, text: str) -> list[str]:
        """Stems of the words that say something."""
        return stems_of(words_of(text), self)


def stems_of(words: Iterable[str], stemmer: Stemmer) -> list[str]:
    """Stems of the words that say something."""
    return [stemmer.stem(word) for word in words if word not in STOP_WORDS]


class LexicalIndex:
    """Postings per term. A slot is the row of a memory in the recall index. Not thread-safe by itself."""

    def __init__(self) -> None:
        self.postings = Postings()
        self._terms: list[bytes | None] = []
        """By slot: its terms with spaces between, for taking them out again."""
        self._said = 0
        """Bytes of all of these."""
        self._count = 0
        self.lengths = np.zeros(1024, np.uint16)
        """Terms by slot; there is room behind the last."""
        self._total = 0

    def __len__(self) -> int:
        return self._count

    @property
    def nbytes(self) -> int:
        """Bytes held, by the sizes of the containers."""
        return self.postings.nbytes + 8 * len(self._terms) + self._said + self.lengths.nbytes

    def add(self, slot: int, terms: Sequence[str]) -> None:
        """Index a memory's terms under a free slot: O(terms)."""
        counts: dict[str, int] = {}
        for term in terms:
            counts[term] = counts.get(term, 0) + 1
        self.postings.add(slot, counts)
        self._make_room(slot)
        self.lengths[slot] = length = min(len(terms), MAX_TERMS)
        self._total += length
        if slot >= len(self._terms):
            self._terms.extend([None] * (slot + 1 - len(self._terms)))
        said = self._terms[slot] = " ".join(terms).encode()
        self._said += getsizeof(said)
        self._count += 1

    def extend(self, first: int, texts: Sequence[str]) -> None:
        """Index many memories under the free slots from ``first`` on; each text is stems with spaces between."""
        count = len(texts)
        if not count:
            return
        self._make_room(first + count - 1)
        lengths = np.fromiter((text.count(" ") + 1 if text else 0 for text in texts), np.int64, count)
        self.lengths[first : first + count] = np.minimum(lengths, MAX_TERMS)
        self._total += int(self.lengths[first : first + count].sum())
        flat = " ".join(filter(None, texts)).split()
        numbers = {word: number for number, word in enumerate(dict.fromkeys(flat))}
        self.postings.extend(
            first,
            list(numbers),
            count,
            np.fromiter(map(numbers.__getitem__, flat), np.int64, len(flat)),
            np.repeat(np.arange(count), lengths),
        )
        self._terms.extend([None] * (first - len(self._terms)))
        said = [text.encode() for text in texts]
        self._terms.extend(said)
        self._said += sum(map(getsizeof, said))
        self._count += count

    def _make_room(self, slot: int) -> None:
        if slot >= len(self.lengths):
            grown = np.zeros(room_for(slot + 1), np.uint16)
            grown[: len(self.lengths)] = self.lengths
            self.lengths = grown

    def remove(self, slots: Iterable[int]) -> None:
        """Take memories out: O(their terms), each a shift of one list."""
        gone: dict[str, list[int]] = {}
        for slot in slots:
            terms = self._terms[slot] if slot < len(self._terms) else None
            if terms is None:
                continue
            for term in set(terms.decode().split()):
                gone.setdefault(term, []).append(slot)
            self._terms[slot] = None
            self._said -= getsizeof(terms)
            self._count -= 1
            self._total -= int(self.lengths[slot])
            self.lengths[slot] = 0
        self.postings.remove(gone)

    def frequency(self, term: str) -> int:
        """In how many memories a term occurs."""
        return self.postings.frequency(term)

    def idf(self, term: str) -> float:
        """Robertson-Sparck Jones weight, positive: ln(1 + (N - n + .5) / (n + .5))."""
        n = self.frequency(term)
        return math.log(1 + (len(self) - n + 0.5) / (n + 0.5))

    def norms(self, slots: SlotArray) -> FloatArray:
        """What BM25 adds to the frequency for the lengths of some memories."""
        return self.norms_by_length().take(self.lengths.take(slots))

    def norms_by_length(self) -> FloatArray:
        """The same by number of terms."""
        mean = self._total / max(1, len(self))
        return K1 * (1 - B + B * np.arange(MAX_TERMS + 1, dtype=np.float32) / max(mean, 1e-9))

    def scores(self, terms: Iterable[str], before: Neighbours, after: Neighbours) -> FloatArray:
        """BM25 of every slot by the formula, plainly; ``before`` and ``after`` give each slot's neighbours, -1 for none.

        O(slots) per term: recall asks :class:`perstream.memory.bm25.WordSearch`, which finds the same best ones.
        """
        size = len(before)
        total = np.zeros(size, np.float32)
        norm = self.norms(np.minimum(np.arange(size), len(self.lengths) - 1))
        for term in terms:
            slots, counts = self.postings.of(term)
            said = np.zeros(size + 1, np.float32)  # the last place, -1, is nobody's
            said[slots] = counts
            tf = said[:size] + NEIGHBOUR * (said[before] + said[after])
            total += self.idf(term) * tf * (K1 + 1) / (tf + norm)
        return total
