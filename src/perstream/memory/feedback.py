"""What was said unasked, what was held back and why, and what the owner thought of it. Durable, beside the memories.

A word goes with each memory it rests on or quotes: triggers and foreign keys of the tables see to that.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from perstream.errors import NotFound
from perstream.memory.columns import marks, to_datetime, to_datetime_or_none, to_micros, to_micros_or_none
from perstream.memory.engine import Connection, in_ram
from perstream.memory.migrations import SPEECH
from perstream.speech import EVERYTHING, Considered, Topic, Verdict, kind_of, memory_of

KEPT = 1000
"""Words and silences kept; older ones go."""
PENDING = 64
"""Silences that may wait to be written."""
SAME_SILENCE = timedelta(hours=1)
"""A silence of the same topic and reason within this time is the same one once more."""
_DROP_TOPICS = (
    "DELETE FROM topics WHERE useful + dismissed = 0 AND snoozed_until IS NULL AND rests_until IS NULL "
    "AND topic NOT IN (SELECT topic FROM words WHERE reason IS NULL)"
)
"""Of which nothing is known any more."""
_COLUMNS = "id, at, topic, text, why, priority, confidence, reason, detail, source, pts_s, times, feedback"


class Tables(Protocol):
    """Where the tables are: a store, or RAM."""

    def writing(self) -> AbstractContextManager[Connection]:
        """One transaction."""

    def reading(self) -> AbstractContextManager[Connection]:
        """For reading."""


class InRam:
    """The tables alone, for an assistant without a store of its own."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._connection = in_ram()
        for statement in SPEECH.split(";"):
            self._connection.execute(statement)
        self._close = weakref.finalize(self, self._connection.close)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Nothing is undone: what is lost with the process needs no transactions."""
        with self._lock:
            yield self._connection

    reading = writing


class Feedback:
    """All methods may be called from any thread. Raises StoreError."""

    def __init__(self, tables: Tables | None = None, read_only: bool = False) -> None:
        """Without ``tables`` it is kept in RAM and lost with this object."""
        self._stored = tables is not None
        self._tables = tables or InRam()
        self._read_only = read_only
        self._lock = threading.Lock()
        self._pending: dict[tuple[str, str | None], Considered] = {}

    # --- words and silences -----------------------------------------------------------------

    def said(self, word: Considered) -> int:
        """Keep a word as it is said; its id. The topic's last time is now."""
        with self._tables.writing() as connection:
            self._write_pending(connection)
            number = self._insert(connection, word)
            self._touch(connection, word.topic)
            connection.execute("UPDATE topics SET said_at = ? WHERE topic = ?", (to_micros(word.at), word.topic))
            return number

    def held_back(self, word: Considered) -> None:
        """Count a silence. It is written with the next word, or by :meth:`flush`."""
        key = (word.topic, word.reason)
        with self._lock:
            before = self._pending.get(key)
            self._pending[key] = word if before is None else replace(word, times=before.times + word.times)
            full = len(self._pending) > PENDING
        if full:
            self.flush()

    def flush(self) -> None:
        """Write the silences that wait."""
        if self._pending and not self._read_only:
            with self._tables.writing() as connection:
                self._write_pending(connection)

    def recent(self, limit: int = 50, said: bool | None = None) -> list[Considered]:
        """What was decided last comes first: words, silences, or both."""
        self.flush()
        which = {None: "", True: "WHERE reason IS NULL", False: "WHERE reason IS NOT NULL"}[said]
        with self._tables.reading() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM words {which} ORDER BY id DESC LIMIT ?", (limit,))
            return _words(connection, rows.fetchall())

    def word(self, id: int) -> Considered:
        """One of them. NotFound."""
        with self._tables.reading() as connection:
            found = _words(
                connection, connection.execute(f"SELECT {_COLUMNS} FROM words WHERE id = ?", (id,)).fetchall()
            )
        if not found:
            raise NotFound(f"there is no word {id}: perstream why lists the latest")
        return found[0]

    def spoken(self, after: datetime, before: datetime, topic: str) -> int:
        """Words of the budget said in (after, before], that of ``topic`` at ``before`` itself apart.

        One said again by a recording seen again counts once.
        """
        with self._tables.reading() as connection:
            found = connection.execute(
                "SELECT count(DISTINCT topic || '@' || at) FROM words WHERE reason IS NULL AND priority < 3 "
                "AND at > ? AND at <= ? AND NOT (topic = ? AND at = ?)",
                (to_micros(after), to_micros(before), topic, to_micros(before)),
            )
            return int(found.fetchone()[0])

    # --- the owner's wishes -----------------------------------------------------------------

    def vote(self, id: int, verdict: Verdict, rests_until: datetime | None) -> Considered:
        """Feedback on a word that was said: counted for its topic and its kind; a second vote replaces the first. NotFound."""
        word = self.word(id)
        if not word.said:
            raise NotFound(f"word {id} was not said, so there is nothing to rate")
        with self._tables.writing() as connection:
            for topic in (word.topic, kind_of(word.topic)):
                self._touch(connection, topic)
                for column, sign in ((word.feedback, -1), (verdict, 1)):
                    if column in ("useful", "dismissed"):
                        connection.execute(
                            f"UPDATE topics SET {column} = max(0, {column} + ?) WHERE topic = ?", (sign, topic)
                        )
            connection.execute(
                "UPDATE topics SET rests_until = ? WHERE topic = ?", (to_micros_or_none(rests_until), word.topic)
            )
            connection.execute("UPDATE words SET feedback = ? WHERE id = ?", (verdict, id))
        return replace(word, feedback=verdict)

    def snooze(self, topic: str, until: datetime | None) -> None:
        """Hold back a topic (EVERYTHING: all) until a time; None wakes it."""
        with self._tables.writing() as connection:
            self._touch(connection, topic)
            connection.execute("UPDATE topics SET snoozed_until = ? WHERE topic = ?", (to_micros_or_none(until), topic))

    def snoozed(self, now: datetime) -> list[Topic]:
        """What is snoozed at ``now``, the soonest to wake first."""
        return self._topics("snoozed_until > ? ORDER BY snoozed_until", (to_micros(now),))

    def weights(self) -> list[Topic]:
        """Topics and kinds with votes, by name."""
        return self._topics("useful + dismissed > 0 ORDER BY topic", ())

    def reset(self, topic: str | None = None) -> int:
        """Take back the votes on a topic or kind, or all; and let what was dismissed speak again. How many had votes."""
        with self._tables.writing() as connection:
            where = "(?1 IS NULL OR topic = ?1)"
            count = connection.execute(
                f"UPDATE topics SET useful = 0, dismissed = 0 WHERE {where} AND useful + dismissed > 0", (topic,)
            ).rowcount
            connection.execute(f"UPDATE topics SET rests_until = NULL WHERE {where}", (topic,))
            return count

    def topic(self, name: str) -> Topic:
        """What is known about a topic; blank for a new one."""
        return next(iter(self._topics("topic = ?", (name,))), Topic(name))

    def mark(self, name: str) -> int | None:
        """A number kept under a name."""
        with self._tables.reading() as connection:
            row = connection.execute("SELECT value FROM speech WHERE name = ?", (name,)).fetchone()
            return None if row is None else int(row[0])

    def set_mark(self, name: str, value: int) -> None:
        """Keep a number under a name."""
        with self._tables.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO speech VALUES (?, ?)", (name, value))

    # --- inside -----------------------------------------------------------------------------

    def _topics(self, where: str, values: tuple[object, ...]) -> list[Topic]:
        with self._tables.reading() as connection:
            rows = connection.execute(
                "SELECT topic, said_at, snoozed_until, rests_until, useful, dismissed FROM topics WHERE " + where,
                values,
            ).fetchall()
        when = to_datetime_or_none
        return [
            Topic(name, when(said), when(snoozed), when(rests), *votes) for name, said, snoozed, rests, *votes in rows
        ]

    def _write_pending(self, connection: Connection) -> None:
        with self._lock:
            pending, self._pending = list(self._pending.values()), {}
        for word in pending:
            row = connection.execute(
                "SELECT id, times FROM words WHERE topic = ? AND reason = ? AND at > ? AND at <= ? ORDER BY at DESC LIMIT 1",
                (word.topic, word.reason, to_micros(word.at - SAME_SILENCE), to_micros(word.at)),
            ).fetchone()
            if row is not None:  # the number says in which order things were decided
                connection.execute("DELETE FROM words WHERE id = ?", (row[0],))
                word = replace(word, times=row[1] + word.times)
            self._insert(connection, word)

    def _insert(self, connection: Connection, word: Considered) -> int:
        """A word about a memory that was forgotten meanwhile is not written."""
        if self._stored and word.memory_ids:
            held = f"SELECT count(*) FROM memories WHERE id IN ({marks(word.memory_ids)})"
            if connection.execute(held, word.memory_ids).fetchone()[0] < len(set(word.memory_ids)):
                return 0
        about = (word.topic, word.text, word.why, word.priority, word.confidence, word.reason, word.detail)
        values = (to_micros(word.at), *about, word.source, word.pts_s, word.times, word.feedback)
        insert = f"INSERT INTO words ({_COLUMNS[4:]}) VALUES ({','.join('?' * len(values))})"
        number = int(connection.execute(insert, values).lastrowid or 0)
        links = [(number, memory) for memory in dict.fromkeys(word.memory_ids)]
        connection.executemany("INSERT INTO words_about VALUES (?, ?)", links)
        if number % 50 == 0:
            connection.execute("DELETE FROM words WHERE id <= ?", (number - KEPT,))
            connection.execute(_DROP_TOPICS)
        return number

    def _touch(self, connection: Connection, topic: str) -> None:
        """Make sure that there is a row; it goes with the memory it is about, and there is none without that."""
        about = memory_of(topic) if self._stored else None
        if about is None:
            connection.execute("INSERT OR IGNORE INTO topics (topic) VALUES (?)", (topic,))
            return
        connection.execute(
            "INSERT OR IGNORE INTO topics (topic, memory_id) SELECT ?, id FROM memories WHERE id = ?", (topic, about)
        )


def _words(connection: Connection, rows: list[Any]) -> list[Considered]:
    about: dict[int, list[int]] = {}
    for word, memory in connection.execute(
        f"SELECT word_id, memory_id FROM words_about WHERE word_id IN ({marks(rows)})", [row[0] for row in rows]
    ):
        about.setdefault(word, []).append(memory)
    return [
        Considered(row[0], to_datetime(row[1]), *row[2:9], tuple(about.get(row[0], ())), *row[9:])  # type: ignore[call-arg]
        for row in rows
    ]


__all__ = ["EVERYTHING", "Feedback", "InRam"]
