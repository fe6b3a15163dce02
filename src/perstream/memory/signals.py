"""The signals beside the vectors: who, when, and how much each word of the question counts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from perstream.memory.lexical import STOP_WORDS, LexicalIndex, SlotArray, Stemmer
from perstream.memory.phrasing import Question
from perstream.memory.rows import Rows
from perstream.types import FloatArray
from perstream.when import When

DAY = 86400.0


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


def speaker_signal(question: Question, rows: Rows) -> FloatArray:
    """Per slot: 1 where who is asked about speaks, 0 where another does, .5 where it does not matter."""
    codes = rows.speaker[: rows.size]
    out = np.full(rows.size, 0.5, np.float32)
    if question.names:
        out[:] = 0.0
        for name in question.names:
            out[codes == rows.speakers[name]] = 1.0
    elif question.owner:
        out[:] = np.where(codes == 0, 1.0, 0.5)
    return out


def date_signal(times: tuple[When, ...], rows: Rows) -> FloatArray:
    """Per slot: 1 on the day asked for (made then, or telling of it), less the wider the match."""
    out = np.zeros(rows.size, np.float32)
    if not times:
        return out
    for when in times:
        since, until = when.since.timestamp(), when.until.timestamp()
        observed = rows.observed[: rows.size]
        np.maximum(out, _match(observed, observed + 1.0, since, until), out=out)
        slots, starts, ends = rows.times()
        if len(slots):
            np.maximum.at(out, slots, _match(starts, ends, since, until))
    return out


def _match(starts: np.ndarray, ends: np.ndarray, since: float, until: float) -> FloatArray:
    """How well [start, end) fits [since, until)."""
    length = until - since
    near = np.maximum(np.maximum(starts - until, since - ends), 0.0)
    if length <= 1.5 * DAY:
        inside = 1.0
    elif length <= 8 * DAY:
        inside = 0.9
    elif length <= 32 * DAY:
        inside = 0.8
    elif length <= 100 * DAY:
        inside = 0.5
    else:
        inside = 0.3
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
        value = np.maximum(value, np.where((near <= 4 * DAY) & (wide <= 1.5 * DAY), 0.5, 0.0))
    return np.asarray(value, np.float32)


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


def coverage(question: Question, slots: SlotArray, index: LexicalIndex, rows: Rows) -> FloatArray:
    """Share of the question's words, by idf, that a memory says; half for those its neighbours say."""
    idf = {term: index.idf(term) for term in question.terms}
    total = sum(idf.values())
    out = np.zeros(len(slots), np.float32)
    before, after = rows.before[slots], rows.after[slots]
    for term, weight in idf.items():
        says = index.present(term, rows.size + 1)  # the last place, -1, is nobody's
        out += np.where(says[slots], weight, np.where(says[before] | says[after], 0.5 * weight, 0.0))
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
