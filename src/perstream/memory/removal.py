"""Removing a whole store: its folder, its backups wherever they are, and the key that opened it."""

from __future__ import annotations

import shutil
from pathlib import Path

from perstream.errors import StoreError
from perstream.memory import keyfile
from perstream.memory.backup import noted
from perstream.memory.keyplaces import default_file
from perstream.memory.lock import WriterLock
from perstream.memory.vault import Vault, companion


def backups_elsewhere(folder: Path) -> list[Path]:
    """Backups that were made outside the store's folder and are still there."""
    return [path for path in dict.fromkeys(noted(folder)) if path.is_file()]


def remove_store(vault: Vault) -> int:
    """Remove the vault's store with everything; the bytes freed. StoreBusy while somebody writes to it, StoreError."""
    folder = vault.folder
    if folder.is_symlink() or not folder.is_dir():
        raise StoreError(f"{folder} is no folder of a store")
    lock = WriterLock(folder / "writer.lock")
    try:
        if vault.path.exists():
            found = keyfile.read(vault.path)
            if found.kept != "passphrase":
                vault.keep(found, ())
                own = default_file(found.store)
                if not own.exists():
                    own.with_name(own.name + ".lock").unlink(missing_ok=True)
        freed = 0
        for backup in backups_elsewhere(folder):
            freed += backup.stat().st_size
            backup.unlink()
            companion(backup).unlink(missing_ok=True)
        freed += sum(file.lstat().st_size for file in folder.rglob("*") if not file.is_dir())
        # Under another name first: a removal that is cut short leaves no half of a store under this one.
        going = folder.with_name(f".{folder.name}.going")
        if going.exists():
            shutil.rmtree(going)
        folder.rename(going)
        shutil.rmtree(going)
        return freed
    except OSError as error:
        raise StoreError(f"cannot remove {folder}: {error.strerror}") from error
    finally:
        lock.release()
