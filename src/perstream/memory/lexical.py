"""BM25 over the words of memories and of their neighbours in time, built up one memory at a time.

Okapi BM25 (Robertson & Zaragoza, "The Probabilistic Relevance Framework", 2009, section 3) over Snowball stems.
A memory's term frequencies include its neighbours' at half weight, so that an answer is found by the
words of the question it followed. Neighbours are looked up when searching: adding a memory costs O(its words).
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from sys import getsizeof

import numpy as np
from numpy.typing import NDArray

from perstream.types import FloatArray

SlotArray = NDArray[np.int64]
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


@dataclass(slots=True)
class _Postings:
    """Where a term occurs: slots and, aligned, how often (at most 255)."""

    slots: array[int]
    counts: array[int]


class LexicalIndex:
    """Postings per term. A slot is the row of a memory in the recall index. Not thread-safe by itself."""

    def __init__(self) -> None:
        self._postings: dict[str, _Postings] = {}
        self._terms: list[str | None] = []
        """By slot: its terms with spaces between, for taking them out again."""
        self._said = 0
        """Bytes of all of these."""
        self._count = 0
        self._entries = 0
        """Of all postings together: pairs of a memory and a term."""
        self._lengths = np.zeros(1024, np.float32)
        self._total = 0.0

    def __len__(self) -> int:
        return self._count

    @property
    def nbytes(self) -> int:
        """Bytes held, by the sizes of the containers."""
        slot = array("I").itemsize
        postings = 180 * len(self._postings) + (slot + 1) * self._entries
        forward = 8 * len(self._terms) + self._said
        return postings + forward + self._lengths.nbytes

    def add(self, slot: int, terms: Sequence[str]) -> None:
        """Index a memory's terms under a free slot: O(terms)."""
        counts: dict[str, int] = {}
        for term in terms:
            counts[term] = counts.get(term, 0) + 1
        for term, count in counts.items():
            postings = self._postings.get(term)
            if postings is None:
                postings = self._postings[term] = _Postings(array("I"), array("B"))
            postings.slots.append(slot)
            postings.counts.append(min(count, 255))
        self._entries += len(counts)
        self._make_room(slot)
        self._lengths[slot] = len(terms)
        self._total += len(terms)
        self._terms.extend([None] * (slot + 1 - len(self._terms)))
        said = self._terms[slot] = " ".join(terms)
        self._said += getsizeof(said)
        self._count += 1

    def extend(self, first: int, texts: Sequence[str]) -> None:
        """Index many memories under the free slots from ``first`` on; each text is stems with spaces between."""
        count = len(texts)
        if not count:
            return
        self._make_room(first + count - 1)
        lengths = np.fromiter((text.count(" ") + 1 if text else 0 for text in texts), np.int64, count)
        self._lengths[first : first + count] = lengths
        self._total += float(lengths.sum())
        flat = " ".join(filter(None, texts)).split()
        numbers = {word: number for number, word in enumerate(dict.fromkeys(flat))}
        # A pair of term and memory as one number: sorted, the postings lie one behind the other.
        pairs = np.fromiter(map(numbers.__getitem__, flat), np.int64, len(flat)) * count
        pairs, counts = np.unique(pairs + np.repeat(np.arange(count), lengths), return_counts=True)
        terms, places = np.divmod(pairs, count)
        slots = (places + first).astype(np.uint32).tobytes()
        often = np.minimum(counts, 255).astype(np.uint8).tobytes()
        ends = np.searchsorted(terms, np.arange(1, len(numbers) + 1)).tolist()
        start, wide = 0, array("I").itemsize
        for word, end in zip(numbers, ends, strict=True):
            postings = self._postings.get(word)
            if postings is None:
                postings = self._postings[word] = _Postings(array("I"), array("B"))
            postings.slots.frombytes(slots[wide * start : wide * end])
            postings.counts.frombytes(often[start:end])
            start = end
        self._terms.extend([None] * (first - len(self._terms)))
        self._terms.extend(texts)
        self._said += sum(map(getsizeof, texts))
        self._count += count
        self._entries += len(pairs)

    def _make_room(self, slot: int) -> None:
        while slot >= len(self._lengths):
            self._lengths = np.concatenate([self._lengths, np.zeros(len(self._lengths), np.float32)])

    def remove(self, slots: Iterable[int]) -> None:
        """Take memories out: O(length of the postings they stand in), once for all of them."""
        gone: list[int] = []
        touched: set[str] = set()
        for slot in slots:
            terms = self._terms[slot] if slot < len(self._terms) else None
            if terms is None:
                continue
            said = set(terms.split())
            gone.append(slot)
            touched |= said
            self._terms[slot] = None
            self._said -= getsizeof(terms)
            self._count -= 1
            self._entries -= len(said)
            self._total -= float(self._lengths[slot])
            self._lengths[slot] = 0.0
        dead = np.array(gone, np.uint32)
        for term in touched:
            postings = self._postings[term]
            keep = ~np.isin(np.array(postings.slots, np.uint32), dead)
            if not keep.any():
                del self._postings[term]
                continue
            self._postings[term] = _Postings(
                array("I", np.array(postings.slots, np.uint32)[keep].tobytes()),
                array("B", np.array(postings.counts, np.uint8)[keep].tobytes()),
            )

    def frequency(self, term: str) -> int:
        """In how many memories a term occurs."""
        postings = self._postings.get(term)
        return len(postings.slots) if postings else 0

    def present(self, term: str, size: int) -> NDArray[np.bool_]:
        """For each slot up to ``size``, whether its memory says the term."""
        out = np.zeros(size, np.bool_)
        postings = self._postings.get(term)
        if postings is not None:
            out[np.array(postings.slots, np.int64)] = True
        return out

    def idf(self, term: str) -> float:
        """Robertson-Sparck Jones weight, positive: ln(1 + (N - n + .5) / (n + .5))."""
        n = self.frequency(term)
        return math.log(1 + (len(self) - n + 0.5) / (n + 0.5))

    def scores(self, terms: Iterable[str], before: Neighbours, after: Neighbours) -> FloatArray:
        """BM25 of every slot; ``before`` and ``after`` give each slot's neighbours, -1 for none.

        Cost: O(sum of the postings' lengths + slots) per term.
        """
        size = len(before)
        total = np.zeros(size, np.float32)
        mean = self._total / max(1, len(self))
        lengths = (
            self._lengths[:size]
            if size <= len(self._lengths)
            else np.pad(self._lengths, (0, size - len(self._lengths)))
        )
        norm = K1 * (1 - B + B * lengths / max(mean, 1e-9))
        for term in terms:
            postings = self._postings.get(term)
            if postings is None:
                continue
            slots = np.array(postings.slots, np.int64)
            counts = np.array(postings.counts, np.float32)
            # A neighbour hears half of it: the memory before has this one after itself.
            back, ahead = before[slots], after[slots]
            where = np.concatenate([slots, back[back >= 0], ahead[ahead >= 0]])
            what = np.concatenate([counts, NEIGHBOUR * counts[back >= 0], NEIGHBOUR * counts[ahead >= 0]])
            if len(where) * 8 < size:
                where, place = np.unique(where, return_inverse=True)
                tf = np.bincount(place, what).astype(np.float32)
                total[where] += self.idf(term) * tf * (K1 + 1) / (tf + norm[where])
            else:
                tf = np.bincount(where, what, size).astype(np.float32)
                total += self.idf(term) * tf * (K1 + 1) / (tf + norm)
        return total
