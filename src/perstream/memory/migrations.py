"""The shape of the store: an append-only list of steps, one per ``user_version``.

A step that has been released is never changed; the next change is a new step at the end.
Times are integers, microseconds since 1970 UTC, so that a datetime comes back as it went in.
"""

from __future__ import annotations

from collections.abc import Callable

from perstream.memory.engine import Connection

APPLICATION_ID = 0x50535452
"""``PSTR`` in the file's header: this database is a PerStream store."""

_M001 = """
CREATE TABLE memories (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    text TEXT NOT NULL,
    category TEXT NOT NULL,
    provenance TEXT NOT NULL,
    observed_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    source TEXT,
    start_s REAL,
    end_s REAL,
    speaker TEXT,
    context TEXT NOT NULL,
    score REAL NOT NULL,
    observations TEXT NOT NULL,
    pinned INTEGER NOT NULL,
    valid_from INTEGER,
    valid_to INTEGER,
    superseded_by INTEGER REFERENCES memories(id) ON DELETE SET NULL,
    visits INTEGER NOT NULL DEFAULT 0,
    heat REAL NOT NULL,
    held INTEGER NOT NULL
);
CREATE INDEX memories_time ON memories(observed_at, id);
CREATE INDEX memories_source ON memories(source, observed_at) WHERE source IS NOT NULL;
CREATE INDEX memories_replaced ON memories(superseded_by) WHERE superseded_by IS NOT NULL;
CREATE INDEX coldest_nearest ON memories(heat) WHERE held & 8 AND pinned = 0;
CREATE INDEX coldest_mean ON memories(heat) WHERE held & 4 AND pinned = 0;
CREATE INDEX coldest_vector ON memories(heat) WHERE held & 2 AND pinned = 0;
CREATE INDEX coldest ON memories(heat) WHERE pinned = 0;
CREATE INDEX memories_heat ON memories(heat);
CREATE TABLE vectors (
    memory_id INTEGER PRIMARY KEY REFERENCES memories(id) ON DELETE CASCADE,
    pooled BLOB NOT NULL,
    tokens BLOB,
    token_rows INTEGER NOT NULL DEFAULT 0,
    token_scale REAL NOT NULL DEFAULT 0
);
CREATE TABLE visuals (
    memory_id INTEGER PRIMARY KEY REFERENCES memories(id) ON DELETE CASCADE,
    patches INTEGER NOT NULL,
    mean BLOB,
    nearest BLOB
);
CREATE TABLE thumbnails (
    memory_id INTEGER PRIMARY KEY REFERENCES memories(id) ON DELETE CASCADE,
    jpeg BLOB NOT NULL
);
CREATE TABLE entities (
    id INTEGER PRIMARY KEY,
    label TEXT NOT NULL,
    normalized TEXT NOT NULL,
    category TEXT NOT NULL,
    embedding BLOB
);
CREATE UNIQUE INDEX entities_label ON entities(normalized, category);
CREATE TABLE edges (
    memory_id INTEGER NOT NULL REFERENCES memories(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    subject INTEGER NOT NULL REFERENCES entities(id),
    predicate TEXT NOT NULL,
    object INTEGER NOT NULL REFERENCES entities(id),
    subject_text TEXT,
    object_text TEXT,
    score REAL NOT NULL,
    fact TEXT,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER,
    superseded_by INTEGER,
    PRIMARY KEY (memory_id, position)
) WITHOUT ROWID;
CREATE INDEX edges_subject ON edges(subject);
CREATE INDEX edges_object ON edges(object);
CREATE INDEX edges_fact ON edges(fact, valid_to) WHERE fact IS NOT NULL;
CREATE INDEX edges_current ON edges(fact) WHERE fact IS NOT NULL AND superseded_by IS NULL;
CREATE INDEX edges_replaced ON edges(superseded_by) WHERE superseded_by IS NOT NULL;
CREATE TABLE gaps (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    start_s REAL NOT NULL,
    end_s REAL NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX gaps_time ON gaps(started_at);
CREATE TABLE backups (path TEXT PRIMARY KEY, made_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE marks (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


def _m001(connection: Connection) -> None:
    """Memories, their vectors and pictures, entities, edges, gaps."""
    for statement in _M001.split(";"):
        if statement.strip():
            connection.execute(statement)


def _m002(connection: Connection) -> None:
    """What recall derives from the words of memories; :mod:`perstream.memory.derived` fills it."""
    connection.execute(
        "CREATE TABLE derived (memory_id INTEGER PRIMARY KEY REFERENCES memories(id) ON DELETE CASCADE, "
        "terms TEXT NOT NULL, times BLOB NOT NULL, flags INTEGER NOT NULL)"
    )


SPEECH = """
CREATE TABLE words (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    topic TEXT NOT NULL,
    text TEXT NOT NULL,
    why TEXT NOT NULL,
    priority INTEGER NOT NULL,
    confidence REAL NOT NULL,
    reason TEXT,
    detail TEXT NOT NULL,
    source TEXT,
    pts_s REAL,
    times INTEGER NOT NULL,
    feedback TEXT
);
CREATE INDEX words_time ON words(at);
CREATE INDEX words_topic ON words(topic, at);
CREATE TABLE words_about (
    word_id INTEGER NOT NULL REFERENCES words(id) ON DELETE CASCADE,
    memory_id INTEGER NOT NULL REFERENCES memories(id) ON DELETE CASCADE,
    PRIMARY KEY (word_id, memory_id)
) WITHOUT ROWID;
CREATE INDEX words_about_memory ON words_about(memory_id);
CREATE TABLE topics (
    topic TEXT PRIMARY KEY,
    memory_id INTEGER REFERENCES memories(id) ON DELETE CASCADE,
    said_at INTEGER,
    snoozed_until INTEGER,
    rests_until INTEGER,
    useful INTEGER NOT NULL DEFAULT 0,
    dismissed INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX topics_memory ON topics(memory_id) WHERE memory_id IS NOT NULL;
CREATE TABLE reminders (
    memory_id INTEGER PRIMARY KEY REFERENCES memories(id) ON DELETE CASCADE,
    action TEXT NOT NULL,
    due INTEGER,
    weekdays INTEGER NOT NULL,
    step_s INTEGER NOT NULL,
    told_at INTEGER NOT NULL,
    since INTEGER NOT NULL
);
CREATE INDEX reminders_due ON reminders(due) WHERE due IS NOT NULL;
CREATE TABLE speech (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID
"""
_FORGET_WORDS = """
CREATE TRIGGER forget_words BEFORE DELETE ON memories BEGIN
    DELETE FROM words WHERE id IN (SELECT word_id FROM words_about WHERE memory_id = OLD.id);
    DELETE FROM words WHERE source = OLD.source AND at BETWEEN OLD.observed_at - 10000000 AND OLD.ended_at + 10000000;
END
"""
"""A word quotes what was in view: with the memory of that view it goes, too."""


def _m003(connection: Connection) -> None:
    """Words said unasked or held back, feedback, snoozes, and reminders with a time."""
    for statement in SPEECH.split(";"):
        connection.execute(statement)
    connection.execute(_FORGET_WORDS)


_M004 = (
    "CREATE TABLE redactions (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind TEXT NOT NULL, "
    "count INTEGER NOT NULL, origin TEXT NOT NULL, source TEXT)",
    "CREATE INDEX redactions_source ON redactions(source) WHERE source IS NOT NULL",
    "CREATE TRIGGER forget_source AFTER DELETE ON memories WHEN OLD.source IS NOT NULL BEGIN "
    "UPDATE redactions SET source = NULL WHERE source = OLD.source "
    "AND NOT EXISTS (SELECT 1 FROM memories WHERE source = OLD.source); END",
)


def _m004(connection: Connection) -> None:
    """What was left out before storing: kind and count, nothing of it. A source's name goes with its last memory."""
    for statement in _M004:
        connection.execute(statement)


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_m001, _m002, _m003, _m004)


def version_of(connection: Connection) -> int:
    """The store's schema version; 0 is an empty file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: Connection) -> None:
    """Apply the steps that are missing, each in a transaction of its own with its version number."""
    for number, step in enumerate(MIGRATIONS[version_of(connection) :], start=version_of(connection) + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            step(connection)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # SQLite has already rolled back after a full disk
                connection.execute("ROLLBACK")
            raise
