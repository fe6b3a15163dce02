"""The signals beside the vectors: who, when, and how much each word of the question counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perstream.memory.lexical import STOP_WORDS, LexicalIndex, SlotArray, Stemmer
from perstream.memory.phrasing import Question
from perstream.memory.rows import Rows
from perstream.types import FloatArray
from perstream.when import When

DAY = 86400.0
NEAR = 4 * DAY
"""So far from the day asked for a memory still counts a little."""
Moments = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each signal counts; found on development conversations, held out by conversation."""

    candidates: int = 50
    speaker_dense: float = 0.05
    speaker_words: float = 0.1
    date_first: float = 0.1
    date_candidates: float = 0.8
    """A memory that fits the time asked for this well is a candidate."""
    speaker: float = 0.20
    words: float = 0.10
    date: float = 0.25
    asks: float = 0.05
    kind: float = 0.08
    """Somebody says when, or how many, and that is what is asked."""
    group_late: float = 0.20
    """Best of the memories around it (one conversation, one stretch of a day)."""
    group_words: float = 0.05
    idf_power: float = 0.5
    late_of_pooled: tuple[float, float] = (0.25, 0.5)
    """MaxSim guessed from the pooled cosine where a memory's tokens were reduced away: offset and slope."""
    late_of_words: float = 0.6
    """And from the share of the question's words that it says, where it has no vectors at all."""


WEIGHTS = Weights()


class Who:
    """1 where who is asked about speaks, 0 where another does, .5 where it does not matter."""

    def __init__(self, question: Question, rows: Rows) -> None:
        self._speaker = rows.speaker[: rows.size]
        favoured = [rows.speakers[name] for name in question.names] or ([0] if question.owner else [])
        self._others = 0.0 if question.names else 0.5
        self._favoured = np.zeros(len(rows.speakers), np.bool_)
        """By a speaker's code."""
        self._favoured[favoured] = True
        self.matters = bool(favoured) and len(rows.speakers) > 1
        """May it differ from one memory to another?"""

    def at(self, slots: SlotArray) -> FloatArray:
        """The signal of some memories."""
        return np.asarray(np.where(self._favoured[self._speaker[slots]], 1.0, self._others), np.float32)

    def favoured(self) -> NDArray[np.bool_]:
        """[slots] Where it is 1."""
        return self._favoured.take(self._speaker)


class Days:
    """1 on the day asked for (made then, or telling of it), less the wider the match, 0 elsewhere and without a day."""

    def __init__(self, times: tuple[When, ...], rows: Rows) -> None:
        self._spans = [(when.since.timestamp(), when.until.timestamp()) for when in times]
        self._observed = rows.observed[: rows.size]
        self._told: SlotArray = np.zeros(0, np.int64)
        """Slots that name a time near one asked for, ascending, and how well it fits."""
        self._told_fit: FloatArray = np.zeros(0, np.float32)
        if times:
            self._read(*rows.times())

    def __bool__(self) -> bool:
        return bool(self._spans)

    def at(self, slots: SlotArray) -> FloatArray:
        """The signal of some memories."""
        out = np.zeros(len(slots), np.float32)
        observed = self._observed[slots]
        for since, until in self._spans:
            np.maximum(out, _made(observed, since, until), out=out)
        if len(self._told):
            place = np.minimum(np.searchsorted(self._told, slots), len(self._told) - 1)
            np.maximum(out, np.where(self._told[place] == slots, self._told_fit[place], 0.0), out=out)
        return out

    def near(self) -> SlotArray:
        """The memories where it may be more than 0, ascending."""
        return self._between(
            self._told, [(since, until, NEAR if until - since <= 1.5 * DAY else 0.0) for since, until in self._spans]
        )

    def fitting(self, least: float) -> SlotArray:
        """The memories where it is at least so much (more than what comes near the day gets), ascending."""
        told = self._told[self._told_fit >= least]
        return self._between(
            told, [(since, until, 0.0) for since, until in self._spans if _inside(until - since) >= least]
        )

    def _between(self, told: SlotArray, spans: Sequence[tuple[float, float, float]]) -> SlotArray:
        """Slots that tell of it, or made within spans and a margin around them."""
        there = np.zeros(len(self._observed), np.bool_)
        there[told] = True
        for since, until, margin in spans:
            there |= (self._observed + 1.0 >= since - margin) & (self._observed <= until + margin)
        return np.flatnonzero(there)

    def _read(self, slots: SlotArray, starts: Moments, ends: Moments) -> None:
        """Take in the times that memories name."""
        fits = []
        for since, until in self._spans:
            near = np.flatnonzero((starts <= until + NEAR) & (ends >= since - NEAR))
            fits.append((slots[near], _match(starts[near], ends[near], since, until)))
        told = np.concatenate([slots for slots, _ in fits])
        self._told, place = np.unique(told, return_inverse=True)
        self._told_fit = np.zeros(len(self._told), np.float32)
        np.maximum.at(self._told_fit, place, np.concatenate([fit for _, fit in fits]))


def _match(starts: np.ndarray, ends: np.ndarray, since: float, until: float) -> FloatArray:
    """How well [start, end) fits [since, until)."""
    length = until - since
    near = np.maximum(np.maximum(starts - until, since - ends), 0.0)
    inside = _inside(length)
    wide = np.maximum(ends - starts, 1.0)
    # A memory that names a wider time than the question asks for matches less: "in May" for 7 May.
    if length <= 8 * DAY:
        inside_of = np.where(
            wide <= 1.5 * DAY, inside, np.where(wide <= 8 * DAY, 0.5, np.where(wide <= 32 * DAY, 0.4, 0.1))
        )
    elif length <= 32 * DAY:
        inside_of = np.where(wide <= 32 * DAY, inside, 0.2)
    else:
        inside_of = np.full(len(wide), inside)
    value = np.where(near <= 0, inside_of, 0.0)
    if length <= 1.5 * DAY:
        value = np.maximum(value, np.where((near <= DAY) & (wide <= 1.5 * DAY), 0.7, 0.0))
        value = np.maximum(value, np.where((near <= NEAR) & (wide <= 1.5 * DAY), 0.5, 0.0))
    return np.asarray(value, np.float32)


def _made(observed: Moments, since: float, until: float) -> FloatArray:
    """The same for the second in which each memory was made: a few passes where many are asked."""
    away = np.maximum(observed - until, since - (observed + 1.0))
    near: float | Moments = 0.0
    if until - since <= 1.5 * DAY:
        near = np.where(away <= DAY, 0.7, np.where(away <= NEAR, 0.5, 0.0))
    return np.asarray(np.where(away <= 0, _inside(until - since), near), np.float32)


def _inside(length: float) -> float:
    """How well what happened within a stretch of this length fits the question for it."""
    if length <= 1.5 * DAY:
        return 1.0
    if length <= 8 * DAY:
        return 0.9
    if length <= 32 * DAY:
        return 0.8
    return 0.5 if length <= 100 * DAY else 0.3


def token_weights(words: tuple[str, ...], question: Question, index: LexicalIndex, stemmer: Stemmer) -> FloatArray:
    """idf ** .5 for each token of the question; the pieces of a word weigh as the word, names of speakers nothing."""
    names = {part for name in question.names for part in name.split()}
    whole: list[list[int]] = []
    for i, word in enumerate(words):
        if word.startswith("##") and whole:
            whole[-1].append(i)
        else:
            whole.append([i])
    out = np.zeros(len(words), np.float32)
    for pieces in whole:
        word = words[pieces[0]] + "".join(words[i][2:] for i in pieces[1:])
        if word in names or word == "s":
            continue
        out[pieces] = _rarity(word, index, stemmer) ** WEIGHTS.idf_power
    if not out.any():
        out[:] = 1.0
    return out


def _rarity(word: str, index: LexicalIndex, stemmer: Stemmer) -> float:
    """idf with a few imagined memories, so that it means something in a small store."""
    count, imagined = len(index), 50
    share = 0.3 if word in STOP_WORDS else 0.002
    n = 0.3 * count if word in STOP_WORDS else index.frequency(stemmer.stem(word))
    return math.log((count + imagined) / (n + share * imagined + 0.5))


def coverage(own: FloatArray, near: FloatArray, idf: Sequence[float]) -> FloatArray:
    """Share of the question's words, by idf, that each memory says; half for those its neighbours say.

    ``own`` and ``near`` [terms, slots] count how often; ``idf`` is the terms'.
    """
    total = sum(idf)
    out = np.zeros(own.shape[1], np.float32)
    for weight, says, heard in zip(idf, own > 0, near > 0, strict=True):
        out += np.where(says, weight, np.where(heard, 0.5 * weight, 0.0))
    return out / np.float32(total) if total > 0 else out


def person_margin(question: Question, slots: SlotArray, fit: FloatArray, rows: Rows) -> float:
    """How much better the memories of somebody else fit than those of the one named; 0 without a name.

    A question about the wrong person finds its answer with the other. Compared are the means of the best two.
    """
    if not question.names:
        return 0.0
    named = np.isin(rows.speaker[slots], [rows.speakers[name] for name in question.names])
    if named.all() or not named.any():
        return 0.0
    return _best_two(fit[~named]) - _best_two(fit[named])


def _best_two(values: FloatArray) -> float:
    return float(np.sort(values)[-2:].mean())
