"""What recall needs of a memory's words, derived once when it is written and kept beside it.

Stemming and reading time expressions cost fifty times as much as loading their results. What is kept goes with its
memory (a row that cascades); a memory without it, or with an older VERSION's, is derived again.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterable
from datetime import datetime, timezone
from functools import lru_cache

from perstream.memory.engine import Connection
from perstream.memory.entry import Derived
from perstream.memory.lexical import Stemmer, stems_of, words_of
from perstream.when import spans

VERSION = 1
"""Raised whenever the same words give something else (stems, times): stores are then derived anew when opened to write."""
_MARK = "derived"
_BATCH = 1000
_TIMES = struct.Struct("<dd")
ASKS, COUNTS = 1, 2
"""Bits of the flags."""
_NUMBERS = frozenset(
    "one two three four five six seven eight nine ten eleven twelve dozen hundred thousand once twice couple several".split()
)


def derive(text: str, observed_at: float, stemmer: Stemmer) -> Derived:
    """Stems, times named relative to when the memory was made (unix seconds), and what kind of sentence it is."""
    words = words_of(text)
    made = datetime.fromtimestamp(observed_at, timezone.utc)
    return Derived(
        terms=stems_of(words, stemmer),
        times=[(when.since.timestamp(), when.until.timestamp()) for when in spans(text, made)],
        asks=text.rstrip().endswith("?"),
        counts=any(word in _NUMBERS or word[0].isdigit() for word in words),
    )


def write_derived(connection: Connection, rows: Iterable[tuple[int, str, int]]) -> None:
    """Derive and keep for memories (id, text, observed at in microseconds), inside the caller's transaction."""
    stemmer, lock = _shared()
    with lock:
        connection.executemany(
            "INSERT OR REPLACE INTO derived VALUES (?,?,?,?)",
            [(memory, *packed(derive(text, micros / 1e6, stemmer))) for memory, text, micros in rows],
        )


def refresh(connection: Connection) -> None:
    """Derive anew what another version derived, in one transaction; nothing to do is one small read."""
    row = connection.execute("SELECT value FROM marks WHERE name = ?", (_MARK,)).fetchone()
    if row is not None and row[0] == str(VERSION):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("DELETE FROM derived")
        last = 0
        while True:
            rows = connection.execute(
                "SELECT id, text, observed_at FROM memories WHERE id > ? ORDER BY id LIMIT ?", (last, _BATCH)
            ).fetchall()
            if not rows:
                break
            write_derived(connection, rows)
            last = rows[-1][0]
        connection.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (_MARK, str(VERSION)))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def is_current(connection: Connection) -> bool:
    """Is what the store keeps of this version?"""
    row = connection.execute("SELECT value FROM marks WHERE name = ?", (_MARK,)).fetchone()
    return row is not None and bool(row[0] == str(VERSION))


def unpacked(terms: str | None, times: bytes, flags: int) -> Derived | None:
    """From the columns; None where nothing is kept."""
    if terms is None:
        return None
    said = [(since, until) for since, until in _TIMES.iter_unpack(times)]
    return Derived(terms.split(" ") if terms else [], said, bool(flags & ASKS), bool(flags & COUNTS))


def packed(derived: Derived) -> tuple[str, bytes, int]:
    """As columns: stems, times, flags."""
    times = b"".join(_TIMES.pack(since, until) for since, until in derived.times)
    return " ".join(derived.terms), times, ASKS * derived.asks | COUNTS * derived.counts


@lru_cache(maxsize=1)
def _shared() -> tuple[Stemmer, threading.Lock]:
    """One stemmer for all writers of the process: it remembers words, and is for one thread at a time."""
    return Stemmer(), threading.Lock()
