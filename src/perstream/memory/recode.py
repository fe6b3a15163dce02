"""A database under other keys: encrypted, decrypted, or encrypted anew; verified before it takes the old one's place.

SQLCipher's ``sqlcipher_export`` writes all tables, indexes and triggers of one database into another of another key
(https://www.zetetic.net/sqlcipher/sqlcipher-api/#sqlcipher_export).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perstream.errors import StoreBusy, StoreError
from perstream.memory.engine import Connection, Engine, by_sqlcipher, errors, is_plain
from perstream.memory.swap import RECODED, REPLACED, SIDES, WAL, second_name, swap, wipe

KEPT = ("auto_vacuum", "application_id", "user_version")
"""What a database has beside its tables."""


def replace(path: Path, old: Engine, new: Engine) -> None:
    """Put a database in its own place under the first key of ``new``, or plain when it has none.

    Nobody else may have it open. On any error it is as before. What was plain is overwritten. Raises StoreError,
    StoreBusy, OSError and the errors of :func:`errors`.
    """
    keys = None if is_plain(path) else old
    fresh = path.with_name(path.name + RECODED)
    try:
        with _alone(path, keys):
            recode(path, fresh, keys, new)
            swap(fresh, path, wiped=keys is None)
        for side in SIDES:
            path.with_name(path.name + side).unlink(missing_ok=True)
    finally:
        fresh.unlink(missing_ok=True)
        wipe(path.with_name(path.name + WAL + REPLACED))


def recode(source: Path, target: Path, old: Engine | None, new: Engine) -> None:
    """Write a database (``old`` None: a plain one) to ``target`` under the first key of ``new``, or plain.

    ``target`` gets its name when it is whole, holds the same as the source, and is on disk. Raises StoreError and the
    errors of :func:`errors`.
    """
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with contextlib.closing(by_sqlcipher(source, old)) as reader:
            export(reader, partial, new)
            with contextlib.closing(new.connect(partial)) as written:
                verdict = written.execute("PRAGMA integrity_check(1)").fetchone()[0]
                if verdict != "ok" or _digest(written) != _digest(reader):
                    raise StoreError(f"the new {target} does not hold what {source} does ({verdict}): check the disk")
        handle = os.open(partial, os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def export(reader: Connection, target: Path, new: Engine) -> None:
    """Write all that ``reader`` has into an empty file, unverified."""
    reader.execute("ATTACH DATABASE ? AS made KEY ?", (str(target), new.keys[0].sql if new.keys else ""))
    try:
        # Half of a file is deleted, not mended: it needs no journal.
        reader.execute("PRAGMA made.journal_mode = OFF")
        reader.execute("PRAGMA made.synchronous = OFF")
        kept = {name: int(reader.execute(f"PRAGMA main.{name}").fetchone()[0]) for name in KEPT}
        reader.execute(f"PRAGMA made.auto_vacuum = {kept['auto_vacuum']}")
        reader.execute("SELECT sqlcipher_export('made')").fetchall()
        for name, value in kept.items():
            reader.execute(f"PRAGMA made.{name} = {value}")
    finally:
        with contextlib.suppress(*errors()):
            reader.execute("DETACH DATABASE made")


def _digest(connection: Connection) -> bytes:
    """Of the schema and of every row of every table in its order."""
    digest = hashlib.blake2b(digest_size=32)
    for name in KEPT:
        digest.update(repr(connection.execute(f"PRAGMA main.{name}").fetchone()).encode())
    schema = connection.execute(
        "SELECT type, name, tbl_name, sql FROM main.sqlite_master ORDER BY name, type"
    ).fetchall()
    digest.update(repr(schema).encode())
    for kind, table, *_ in schema:
        if kind == "table":
            quoted = '"' + str(table).replace('"', '""') + '"'
            for row in connection.execute(f"SELECT * FROM main.{quoted}"):
                digest.update(repr(row).encode())
    return digest.digest()


@contextmanager
def _alone(path: Path, keys: Engine | None) -> Iterator[None]:
    """Write the log back, end it, and keep others out until the block ends. StoreBusy when somebody else has it open."""
    with contextlib.closing(by_sqlcipher(path, keys)) as connection:
        if keys is None:
            second_name(path.with_name(path.name + WAL))
        if connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0] != "delete":
            raise StoreBusy(f"another program reads {path}: close it and try again")
        # Shared: the export reads beside it, nobody writes; who opens it now sees no log and does not begin one.
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master")
        yield
