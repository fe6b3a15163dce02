"""The vault of a store: finds the key of its files, or makes one for a store that is new.

It says nothing about what is in the store and reads nothing of it. Work on an existing store is the locksmith's.
"""

from __future__ import annotations

import logging
import os
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

from perstream.config_privacy import EncryptionConfig
from perstream.errors import StoreError
from perstream.memory import keyfile, keyplaces
from perstream.memory.backup import noted
from perstream.memory.engine import PLAIN, Engine, Key, has_sqlcipher, is_plain, is_written, sqlcipher
from perstream.memory.keyfile import KeyFile, Scrypt, Where
from perstream.memory.keyplaces import Passphrases
from perstream.memory.store import BACKUPS, DATABASE

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VaultStatus:
    """What can be seen without the key."""

    encrypted: bool
    """Is the store on disk encrypted? False when there is none."""
    kept: Where | None
    """Where the sealing key is; None without a key."""
    place: str
    """The same in words, with the file's path."""
    key_there: bool | None
    """Is the sealing key where it is said to be? None for a passphrase, and without a key."""
    unfinished: bool
    """Was rewriting files broken off? Doing it once more finishes it."""
    backups: int
    plain_backups: int
    """Backups that anybody can read; of a plain store all of them."""
    unreachable_backups: int
    """Made elsewhere, and not there now."""
    sqlcipher: bool
    """Is it installed?"""


class Vault:
    """The keys of one store folder, found when they are first needed and kept as long as this object lives."""

    lasting = True

    def __init__(self, folder: Path, config: EncryptionConfig, passphrases: Passphrases | None = None) -> None:
        """Nothing is read or asked yet. Without ``passphrases`` one is taken from the configured file alone."""
        self.folder = folder
        self.path = folder / keyfile.NAME
        self.spare = folder / BACKUPS / keyfile.NAME
        self.config = config
        self.passphrases = passphrases or Passphrases(config.passphrase_file)
        self._unlocked: dict[str, tuple[Key, ...]] = {}

    # --- what a store asks ----------------------------------------------------------------

    def engine(self, fresh: bool, like: Path | None = None, /) -> Engine:
        """Opens the store: plain, or with its keys. See :class:`perstream.memory.engine.Keys`. Raises StoreError."""
        database = self.folder / DATABASE
        if self.path.exists():
            found = keyfile.read(self.path)
            if found.state != "encrypted" and is_plain(database):
                return PLAIN  # encrypting has not come to it, or decrypting has
            return Engine(self.unlock(found))
        if self.spare.exists() and is_written(database) and not is_plain(database):
            raise StoreError(f"{self.path} is missing: put the copy {self.spare} in its place")
        if not fresh:
            if self.config.enabled:
                log.warning("encryption.enabled is set, but %s is not encrypted: perstream vault encrypt", self.folder)
            return PLAIN
        beside = None if like is None or is_plain(like) else companion(like)
        if beside is not None and beside.is_file():
            found = keyfile.read(beside)
            keys = self.unlock(found)
            self.write(replace(found, state="encrypted"))
            return Engine(keys)
        return Engine(self.create("encrypted")) if self.config.enabled else PLAIN

    def of_backup(self, backup: Path, /) -> Engine:
        """Opens a backup: with the store's keys, or those that were put beside it. Raises StoreError."""
        if is_plain(backup):
            return PLAIN
        failed: StoreError | None = None
        engine = PLAIN
        for path in (self.path, companion(backup), self.spare):
            if not path.is_file():
                continue
            try:
                engine = Engine(self.unlock(keyfile.read(path)))
            except StoreError as error:
                failed = failed or error
                continue
            if engine.opens(backup):
                return engine
        if failed is not None:
            raise failed
        return engine

    def beside(self, backup: Path, /) -> None:
        """A copy of ``key.json`` goes with every backup that is made elsewhere."""
        if self.path.exists() and not is_plain(backup) and backup.resolve().parent != self.spare.parent.resolve():
            keyfile.write(companion(backup), keyfile.read(self.path))

    def ended(self) -> None:
        """The keys stay for the next opening."""

    # --- keys -----------------------------------------------------------------------------

    def unlock(self, found: KeyFile) -> tuple[Key, ...]:
        """The data keys in ``found``. Raises StoreError when the sealing key is not there or is another."""
        known = self._unlocked.get(found.sealed)
        if known is None:
            known = found.keys(self._seals(found))
            if known is None:
                if found.kept == "passphrase":
                    self.passphrases.wrong()
                    raise StoreError(f"wrong passphrase for {self.folder}; nothing was changed")
                raise StoreError(
                    f"the key {self.place(found)} does not open {self.folder}: it is another store's, or key.json was "
                    "altered; nothing was changed"
                )
            self._unlocked[found.sealed] = known
        return known

    def try_key(self) -> None:
        """Find the key of a store that is encrypted, now. Raises StoreError when it is not there or is a wrong one."""
        if self.path.exists():
            self.unlock(keyfile.read(self.path))

    def create(self, state: str) -> tuple[Key, ...]:
        """A new data key for a store that has none, kept where the settings say. The caller is the store's writer."""
        sqlcipher()  # before anything is done
        keys = (Key.random(),)
        file = str(Path(self.config.key_file).expanduser().absolute()) if self.config.key_file else ""
        self.seal(uuid.uuid4().hex, keys, state, self.config.key_from, file)
        return keys

    def seal(self, store: str, keys: tuple[Key, ...], state: str, where: Where, file: str, new: bool = True) -> None:
        """Seal the data keys under a new sealing key and keep it; a crash in between leaves the old one or the new one.

        ``new`` asks for a passphrase as one that is chosen now.
        """
        draft = KeyFile(store, where, "", "encrypted" if state == "encrypted" else "changing", file)
        if where == "passphrase":
            scrypt = Scrypt.fresh()
            seal = scrypt.derive(self.passphrases.current(new))
            draft = replace(draft, file="", scrypt=scrypt)
        else:
            seal = os.urandom(32)
            self.keep(draft, (seal, *self._held(draft)))  # both, until key.json says which
        sealed = keyfile.sealed(store, seal, keys)
        self.write(replace(draft, sealed=sealed))
        self._unlocked[sealed] = keys
        if where != "passphrase":
            self.keep(draft, (seal,))

    def keep(self, found: KeyFile, seals: tuple[bytes, ...]) -> None:
        """Put sealing keys in the place that ``found`` names; none takes them away."""
        if found.kept == "keyring":
            keyplaces.to_keyring(found.store, seals)
        elif found.kept == "file":
            keyplaces.to_file(_file(found), found.store, seals, self.folder)

    def write(self, content: KeyFile) -> None:
        """Put ``key.json`` and its copies there. Only a copy that cannot be written is passed over, with a warning."""
        keyfile.write(self.path, content)
        for copy in (self.spare, *(companion(path) for path in noted(self.folder) if path.is_file())):
            try:
                keyfile.write(copy, content)
            except StoreError as error:
                log.warning("%s", error)

    def forget(self) -> None:
        """Take ``key.json`` and its copies away."""
        for path in (self.path, self.spare, *(companion(path) for path in noted(self.folder))):
            path.unlink(missing_ok=True)

    # --- what is said about it --------------------------------------------------------------

    def status(self) -> VaultStatus:
        """Look without the key. Raises StoreError when ``key.json`` cannot be read.

        Not for a process that has the store open; :func:`perstream.memory.engine.is_plain` says why.
        """
        found = keyfile.read(self.path) if self.path.exists() else None
        database = self.folder / DATABASE
        inside = sorted(self.spare.parent.glob("*.db")) if self.spare.parent.is_dir() else []
        elsewhere = list(dict.fromkeys(noted(self.folder)))
        backups = [path for path in dict.fromkeys([*inside, *elsewhere]) if path.is_file()]
        return VaultStatus(
            encrypted=is_written(database) and not is_plain(database),
            kept=found.kept if found else None,
            place=self.place(found) if found else "nowhere: there is none",
            key_there=None if found is None or found.kept == "passphrase" else self._is_there(found),
            unfinished=found is not None and found.state != "encrypted",
            backups=len(backups),
            plain_backups=sum(is_plain(path) for path in backups),
            unreachable_backups=sum(not path.is_file() for path in elsewhere),
            sqlcipher=has_sqlcipher(),
        )

    def place(self, found: KeyFile) -> str:
        """Where the sealing key is, in words."""
        if found.kept == "keyring":
            return f"in the system's keyring (service {keyplaces.SERVICE}, name {found.store})"
        return f"in {self._there(found)}" if found.kept == "file" else "in the passphrase"

    def _is_there(self, found: KeyFile) -> bool:
        try:
            return found.keys(self._seals(found)) is not None
        except StoreError:
            return False

    def _seals(self, found: KeyFile) -> tuple[bytes, ...]:
        if found.kept == "passphrase":
            if found.scrypt is None:
                raise StoreError(f"{self.path} does not say how its passphrase is used: put a copy in its place")
            return (found.scrypt.derive(self.passphrases.current()),)
        if found.kept == "keyring":
            seals = keyplaces.of_keyring(found.store)
        else:
            seals = keyplaces.of_file(self._there(found), found.store)
        if not seals:
            raise StoreError(f"the key of {self.folder} is not {self.place(found)}: put it back there")
        return seals

    def _held(self, found: KeyFile) -> tuple[bytes, ...]:
        """What a place has of this store already, where a new key is to be put."""
        if found.kept == "keyring":
            return keyplaces.of_keyring(found.store)
        path = _file(found)
        return keyplaces.of_file(path, found.store) if is_written(path) else ()

    def _there(self, found: KeyFile) -> Path:
        """The key's file, which may have been moved to where the settings say."""
        path = _file(found)
        moved = Path(self.config.key_file).expanduser() if self.config.key_file else path
        return moved if moved.is_file() and not path.is_file() else path


def companion(backup: Path) -> Path:
    """What lies beside a backup that was made elsewhere: what it takes, besides the sealing key, to open it."""
    return backup.with_name(f"{backup.name}.{keyfile.NAME}")


def _file(found: KeyFile) -> Path:
    return Path(found.file) if found.file else keyplaces.default_file(found.store)
