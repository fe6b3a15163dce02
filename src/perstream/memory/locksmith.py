"""The locksmith: encrypts a store that exists, decrypts it, gives it new keys, and moves its sealing key.

Each step leaves files that open, whatever happens in between: ``key.json`` knows the keys from before the first file is
rewritten until after the last, every file takes its place whole, and a file says itself whether it is plain.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from perstream.errors import StoreError
from perstream.memory import keyfile, recode, swap
from perstream.memory.backup import check, noted, own_backups, remove_fragments
from perstream.memory.engine import PLAIN, Engine, Key, errors, is_plain, is_written, sqlcipher
from perstream.memory.keyfile import KeyFile, Where
from perstream.memory.lock import WriterLock
from perstream.memory.store import DATABASE, explain
from perstream.memory.vault import Vault, companion

MOST_KEYS = 100
"""Data keys that are remembered, so that copies made before a rekey still open."""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What was done."""

    store: bool
    backups: int
    left: tuple[tuple[str, str], ...] = ()
    """Backups that are as they were, and why."""
    unreachable: int = 0
    """Backups that were made elsewhere and are not there now."""


class Locksmith:
    """Works on the store of one vault, which nobody else may have open."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._database = vault.folder / DATABASE

    def encrypt(self) -> Rewritten:
        """Encrypt a plain store and its backups; of an encrypted one what is plain still. Raises StoreError, StoreBusy.

        When the store cannot be rewritten, it is as before.
        """
        sqlcipher()
        with self._locked():
            fresh = not self._vault.path.exists()
            keys = self._vault.create("changing") if fresh else self._vault.unlock(self._found())
            try:
                store = self._main(Engine(keys), Engine(keys))
            except BaseException:
                if fresh and is_plain(self._database):
                    self._gone()
                raise
            return self._finished(store, Engine(keys))

    def rekey(self) -> Rewritten:
        """Give the store and its backups a new data key, and that a new sealing key in the same place.

        Raises StoreError, StoreBusy; when the store cannot be rewritten, its old key stays.
        """
        with self._locked():
            before = self._found()
            old = self._vault.unlock(before)
            keys = (Key.random(), *old)[:MOST_KEYS]
            self._vault.seal(before.store, keys, "changing", before.kept, before.file, new=False)
            try:
                store = self._main(Engine(keys), Engine(keys))
            except BaseException:
                if not Engine(keys).made(self._database):
                    self._vault.seal(before.store, old, before.state, before.kept, before.file, new=False)
                raise
            return self._finished(store, Engine(keys))

    def decrypt(self) -> Rewritten:
        """Make the store and its backups plain, and forget the keys. Raises StoreError, StoreBusy.

        The keys stay where a backup could not be reached or rewritten.
        """
        with self._locked():
            before = self._found()
            keys = self._vault.unlock(before)
            self._vault.write(replace(before, state="changing"))
            try:
                store = self._main(Engine(keys), PLAIN)
            except BaseException:
                if not is_plain(self._database):
                    self._vault.write(before)
                raise
            backups, left = self._backups(Engine(keys), PLAIN)
            unreachable = self._unreachable()
            if not left and not unreachable:
                self._gone()
            elif not left:
                self._vault.path.unlink()  # its copies in the folder of backups and beside them stay
            return Rewritten(store, backups, left, unreachable)

    def move(self, where: Where, file: Path | None, passphrase_file: Path | None = None) -> KeyFile:
        """Keep the sealing key elsewhere, or seal with another passphrase. No file of memories is touched.

        The old sealing key is deleted. Raises StoreError, StoreBusy.
        """
        with self._locked():
            before = self._found()
            keys = self._vault.unlock(before)
            if where == "passphrase":
                self._vault.passphrases.change(passphrase_file)
            path = str(file.expanduser().absolute()) if file and where == "file" else ""
            self._vault.seal(before.store, keys, before.state, where, path, new=where == "passphrase")
            after = self._found()
            if (before.kept, before.file) != (after.kept, after.file):
                self._vault.keep(before, ())
            return after

    # --- inside -----------------------------------------------------------------------------

    @contextmanager
    def _locked(self) -> Iterator[None]:
        folder = self._vault.folder
        if not is_written(self._database):
            raise StoreError(f"there is no memory store in {folder}: a new one is encrypted by encryption.enabled")
        lock = WriterLock(folder / "writer.lock")
        try:
            swap.tidy(folder)
            remove_fragments(folder)
            for path in noted(folder):
                swap.tidy_beside(path)
            yield
        finally:
            lock.release()

    def _found(self) -> KeyFile:
        if not self._vault.path.exists():
            raise StoreError(f"the store {self._vault.folder} is not encrypted: `perstream vault encrypt` does that")
        return keyfile.read(self._vault.path)

    def _main(self, keys: Engine, new: Engine) -> bool:
        """Rewrite the store itself, when it is not yet as ``new`` makes it."""
        with _explained(self._database):
            if new.made(self._database):
                return False
            check(self._database, PLAIN if is_plain(self._database) else keys)
            recode.replace(self._database, keys, new)
            return True

    def _backups(self, keys: Engine, new: Engine) -> tuple[int, tuple[tuple[str, str], ...]]:
        """Rewrite the backups that are not yet as ``new`` makes them: how many, and what could not be."""
        with _explained(self._database), closing(new.connect(self._database, uri="mode=ro")) as connection:
            paths = own_backups(connection, self._vault.folder)
        done, left = 0, []
        for path in paths:
            try:
                with _explained(path):
                    if not new.made(path):
                        recode.replace(path, keys if is_plain(path) else self._vault.of_backup(path), new)
                        done += 1
                if not new.keys:
                    companion(path).unlink(missing_ok=True)
            except StoreError as error:
                left.append((str(path), str(error)))
        return done, tuple(left)

    def _finished(self, store: bool, keys: Engine) -> Rewritten:
        backups, left = self._backups(keys, keys)
        self._vault.write(replace(self._found(), state="encrypted"))
        return Rewritten(store, backups, left, self._unreachable())

    def _gone(self) -> None:
        """No key any more, and nothing that needs one."""
        found = self._found()
        self._vault.forget()
        self._vault.keep(found, ())

    def _unreachable(self) -> int:
        return sum(not path.is_file() for path in set(noted(self._vault.folder)))


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except errors() as error:
        raise explain(error, path) from error
    except OSError as error:
        raise StoreError(f"cannot rewrite {path} ({error.strerror}): check the disk and the folder's rights") from error
