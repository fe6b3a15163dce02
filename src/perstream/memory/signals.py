"""The signals beside the vectors: who, when, and how much each word of the question counts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from perstream.memory.lexical import STOP_WORDS, LexicalIndex, Stemmer
from perstream.memory.phrasing import Question
from perstream.memory.rows import Rows
from perstream.types import FloatArray
from perstream.when import When

DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each signal counts; found on development conversations, held out by conversation."""

    candidates: int = 50
    speaker_dense: float = 0.15
    speaker_words: float = 0.2
    date_first: float = 0.1
    speaker: float = 0.15
    words: float = 0.10
    date: float = 0.20
    asks: float = 0.05
    pooled: float = 0.0
    idf_power: float = 0.5
    late_of_pooled: tuple[float, float] = (0.25, 0.5)
    """MaxSim guessed from the pooled cosine where a memory's tokens were reduced away: offset and slope."""


WEIGHTS = Weights()


def speaker_signal(question: Question, rows: Rows) -> FloatArray:
    """Per slot: 1 where who is asked about speaks, 0 where another does, .5 where it does not matter."""
    codes = rows.speaker[: rows.size]
    out = np.full(rows.size, 0.5, np.float32)
    if question.names:
        wanted = [rows.speakers[name] for name in question.names]
        out[:] = np.where(np.isin(codes, wanted), 1.0, 0.0)
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
