"""The one that is killed: works on a store as hard as it can and says what it is about to do and what is done."""

from __future__ import annotations

import json
import os
import random
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from perstream.config import MemoryConfig
from perstream.memory.engine import PLAIN, Keys
from perstream.memory.memory import Memory
from perstream.memory.reduce import Order
from perstream.types import (
    FloatArray,
    Gap,
    MemoryRecord,
    NewMemory,
    Provenance,
    Query,
    Selector,
    TextVectors,
    Triplet,
)
from perstream.vectors import normalized

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
FULL = 400
"""A writer that knows of more memories than this forgets half of those; it begins with the newest so many."""
BACKUPS = 2
"""A forgetting rewrites every backup, so a few are enough."""


def mark(number: int) -> str:
    """A word that only the text of this number holds."""
    return f"zq{number}x"


def seen(number: int) -> NewMemory:
    """A moment with a picture, visual vectors, and a thing whose label merges with another one's."""
    rng = np.random.default_rng(number)
    text = f"view of thing {number % 50} {mark(number)}"
    moment = START + timedelta(minutes=number)
    size = "big " if number % 3 == 0 else ""
    return NewMemory(
        text=text,
        category="places",
        provenance=Provenance.SEEN,
        observed_at=moment,
        ended_at=moment,
        vectors=vectors(text),
        source="kill",
        start_s=float(number),
        end_s=float(number),
        triplets=(
            Triplet("I", "has seen", f"{size}thing {number % 50}"),
            Triplet("I", "is near", f"place {number % 7}"),
        ),
        mean_vector=rng.standard_normal((4, 64)).astype(np.float16),
        nearest_vector=rng.standard_normal((4, 64)).astype(np.float16),
        thumbnail=rng.bytes(number % 20_000),
    )


def told(number: int) -> NewMemory:
    """A fact that supersedes the one told before it."""
    text = f"my desk is number {number} {mark(number)}"
    moment = START + timedelta(minutes=number)
    return replace(
        seen(number),
        text=text,
        provenance=Provenance.TOLD,
        observed_at=moment,
        ended_at=moment,
        vectors=vectors(text),
        source=None,
        start_s=None,
        end_s=None,
        triplets=(Triplet("I", "desk is", str(number), functional=True),),
        mean_vector=None,
        nearest_vector=None,
        thumbnail=None,
        valid_from=moment,
    )


def vectors(text: str) -> TextVectors:
    """Vectors without meaning, the same for the same text."""
    return TextVectors(embed([text])[0], embed(text.split()), tuple(text.split()))


def embed(texts: Sequence[str]) -> FloatArray:
    """Pooled vectors [n, 384] without meaning; "big x" is near "x" (cosine .95)."""
    rows = []
    for text in texts:
        plain = text.removeprefix("big ")
        row = np.random.default_rng(list(plain.encode())).standard_normal(384)
        if plain != text:
            row += 0.33 * np.random.default_rng(list(text.encode())).standard_normal(384)
        rows.append(row)
    return normalized(np.array(rows).reshape(len(texts), 384))


def work(store: Path, config: MemoryConfig, first: int, channel: int, keys: Keys = PLAIN) -> None:
    """Open the store and use it until killed; numbers of texts count up from ``first``. Never returns."""
    try:
        with Memory.open(store, config, embed, keys=keys) as memory:
            Writer(store, memory, random.Random(first), first, channel).run()
    finally:  # only an error leads here, and this process has nobody else to tell
        _send(channel, {"error": traceback.format_exc()})
        os._exit(1)


class Writer:
    """Does one thing after another at random, each announced and then acknowledged."""

    def __init__(self, folder: Path, memory: Memory, rng: random.Random, first: int, channel: int) -> None:
        self._folder = folder
        self._memory = memory
        self._rng = rng
        self._number = first
        self._channel = channel
        self._records = {record.id: record for record in memory.list(limit=FULL)}

    def run(self) -> None:
        """Until killed."""
        often: dict[Callable[[], None], int] = {
            self._remember: 30,
            self._remember_several: 8,
            self._tell: 12,
            self._tell_again: 3,
            self._pin: 6,
            self._correct: 6,
            self._forget: 6,
            self._forget_words: 2,
            self._forget_span: 2,
            self._reduce: 5,
            self._back_up: 2,
            self._recall: 6,
            self._gap: 2,
            self._mend: 1,
        }
        while True:
            full = len(self._records) > FULL
            (self._forget_half if full else self._rng.choices(list(often), list(often.values()))[0])()

    def _remember(self) -> None:
        self._store("remember", [seen(self._next())])

    def _remember_several(self) -> None:
        self._store("remember several", [seen(self._next()) for _ in range(self._rng.randint(2, 12))])

    def _tell(self) -> None:
        self._store("tell", [told(self._next())])

    def _tell_again(self) -> None:
        new = told(self._next())
        self._store("tell", [new])
        self._store("tell again", [new])

    def _store(self, what: str, news: list[NewMemory]) -> None:
        self._say(what, new=[new.text for new in news])
        self._done(put=self._memory.remember_all(news))

    def _pin(self) -> None:
        if record := self._any():
            self._say("pin", touched=[record.id])
            self._memory.pin(record.id, not record.pinned)
            self._done(put=[self._memory.get(record.id)])

    def _correct(self) -> None:
        if record := self._any():
            text = f"corrected view {mark(self._next())}"
            self._say("correct", touched=[record.id], new=[text])
            triplets = (Triplet("I", "has seen", f"big thing {self._rng.randrange(50)}"),)
            self._done(put=[self._memory.correct(record.id, text, vectors(text), triplets)])

    def _forget(self) -> None:
        if record := self._any():
            self._drop("forget", Selector(ids=(record.id,)))

    def _forget_words(self) -> None:
        self._drop("forget words", Selector(text=f"thing {self._rng.randrange(50)} "))

    def _forget_span(self) -> None:
        if record := self._any():
            until = record.observed_at + timedelta(minutes=self._rng.randrange(20))
            self._drop("forget span", Selector(source="kill", since=record.observed_at, until=until))

    def _forget_half(self) -> None:
        times = sorted(record.observed_at for record in self._records.values())
        self._drop("forget span", Selector(since=times[0], until=times[len(times) // 2]))

    def _drop(self, what: str, selector: Selector) -> None:
        ids = self._memory.forget(selector, dry_run=True).memory_ids
        self._say(what, gone=ids)
        self._done(gone=self._memory.forget(selector).memory_ids)

    def _reduce(self) -> None:
        order: Order = self._rng.choice(("nsbg", "gsbn"))
        nbytes = self._rng.randrange(200_000)
        self._say("reduce", gone=self._memory.reduce(nbytes, order, dry_run=True).forgotten)
        self._done(gone=self._memory.reduce(nbytes, order).forgotten)

    def _back_up(self) -> None:
        if len(list((self._folder / "backups").glob("*.db"))) < BACKUPS:
            self._say("back up")
            self._memory.backup()
            self._done()

    def _recall(self) -> None:
        if record := self._any():
            self._say("recall")
            self._memory.recall(Query(record.text, vectors(record.text), START + timedelta(days=999)))
            self._done()

    def _gap(self) -> None:
        at = START + timedelta(minutes=self._number)
        self._say("gap")
        self._memory.record_gap(Gap("kill", float(self._number), self._number + 1.0, at, at, "lost"))
        self._done()

    def _mend(self) -> None:
        self._say("mend")
        self._memory.audit(fix=True)
        self._done()

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _any(self) -> MemoryRecord | None:
        return self._rng.choice(list(self._records.values())) if self._records else None

    def _say(self, what: str, new: Iterable[str] = (), touched: Iterable[int] = (), gone: Iterable[int] = ()) -> None:
        _send(self._channel, {"do": what, "new": list(new), "touched": list(touched), "gone": list(gone)})

    def _done(self, put: Iterable[MemoryRecord] = (), gone: Iterable[int] = ()) -> None:
        put, gone = list(put), list(gone)
        self._records.update((record.id, record) for record in put)
        for memory in gone:
            self._records.pop(memory, None)
        _send(self._channel, {"put": [[r.id, r.text, r.pinned] for r in put], "gone": gone})


def _send(channel: int, value: dict[str, object]) -> None:
    data = json.dumps(value).encode() + b"\n"
    while data:
        data = data[os.write(channel, data) :]
