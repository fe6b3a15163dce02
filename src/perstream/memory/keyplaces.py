"""Where a sealing key is kept: the system's keyring, a file outside the store, or nowhere but in somebody's head.

A place holds the keys of a store newest first: two while one is being changed, so that a crash locks nobody out.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import platformdirs

from perstream.errors import StoreBusy, StoreError
from perstream.memory.engine import KEY_BYTES
from perstream.memory.keyfile import MOST_BYTES, put
from perstream.memory.lock import WriterLock

SERVICE = "perstream"
"""Name of the service in the keyring; the name within is the store's."""
SHORTEST = 8
"""Characters of a passphrase at least."""
_Keys = tuple[bytes, ...]


class Passphrases:
    """Asks for the passphrase where the settings say, and remembers the answer as long as this object lives."""

    def __init__(
        self,
        file: str = "",
        named: Callable[[], str | None] = lambda: None,
        ask: Callable[[bool], str | None] = lambda _: None,
    ) -> None:
        """``file`` has it in its first line; ``named`` is what the environment says; ``ask`` is told whether it is new.

        The first that has one is heard; None and an empty text are none.
        """
        self._file, self._named, self._ask = file, named, ask
        self._known: str | None = None

    def current(self, new: bool = False) -> str:
        """The passphrase; ``new`` when one is chosen now. Raises StoreError."""
        if self._known is None:
            found = from_first_line(Path(self._file).expanduser()) if self._file else self._named() or self._ask(new)
            if not found:
                raise StoreError(
                    "the store is sealed by a passphrase: set encryption.passphrase_file or PERSTREAM_PASSPHRASE, "
                    "or run this in a terminal"
                )
            self._known = checked(found) if new else found
        return self._known

    def wrong(self) -> None:
        """It was not this one."""
        self._known = None

    def change(self, file: Path | None) -> str:
        """Another one: of a file, else asked for. Raises StoreError."""
        found = from_first_line(file) if file else self._ask(True)
        if not found:
            raise StoreError("a new passphrase is asked for in a terminal, or read from --new-passphrase-file")
        self._known = checked(found)
        return self._known


def checked(passphrase: str) -> str:
    """StoreError for one that anybody would guess."""
    if len(passphrase) < SHORTEST:
        raise StoreError(f"a passphrase has {SHORTEST} characters or more: some words that you remember are best")
    return passphrase


def from_first_line(path: Path) -> str:
    """The first line of a file that is for the owner alone. Raises StoreError."""
    return _private_text(path, "passphrase").splitlines()[0].strip()


# --- the keyring -----------------------------------------------------------------------------


def of_keyring(store: str) -> _Keys:
    """Sealing keys of a store; none when the keyring has none. Raises StoreError."""
    with _ring() as ring:
        return _parsed(ring.get_password(SERVICE, store) or "")


def to_keyring(store: str, keys: _Keys) -> None:
    """Keep these, or none any more. Raises StoreError when they are not there afterwards."""
    with _ring() as ring:
        if not keys:
            ring.delete_password(SERVICE, store)
            return
        ring.set_password(SERVICE, store, _written(keys))
        kept = _parsed(ring.get_password(SERVICE, store) or "")
    if kept != keys:  # there are backends that keep nothing
        raise StoreError("the system's keyring did not keep the key: use encryption.key_from file or passphrase")


@contextmanager
def _ring() -> Iterator[Any]:
    try:
        import keyring
        from keyring.errors import KeyringError, NoKeyringError
    except ImportError as error:
        raise StoreError("the key is in the system's keyring: pip install 'perstream[crypt]'") from error
    try:
        yield keyring
    except NoKeyringError as error:
        raise StoreError(
            "this system has no keyring that can be used: set encryption.key_from to file or passphrase, "
            "or unlock the desktop's keyring"
        ) from error
    except KeyringError as error:
        raise StoreError(f"the system's keyring refused ({type(error).__name__}): unlock it and try again") from error


# --- a file ----------------------------------------------------------------------------------


def default_file(store: str) -> Path:
    """Beside the user's settings, in no folder that a store may be in: on some systems data and settings share one."""
    return Path(platformdirs.user_config_path("perstream-keys")) / f"{store}.key"


def of_file(path: Path, store: str) -> _Keys:
    """Sealing keys of a store in a file of lines ``store key``. Raises StoreError; none when it has none."""
    return _lines(path).get(store, ())


def to_file(path: Path, store: str, keys: _Keys, folder: Path) -> None:
    """Keep these, or none any more; keys of other stores stay. StoreError for a place in the store's own ``folder``."""
    path = path.resolve()  # a link may lead to a stick, which is where the key is wanted
    if path.is_relative_to(folder.resolve()):
        raise StoreError(f"a key in {folder} would lie beside what it opens: set encryption.key_file to another folder")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = WriterLock(path.with_name(path.name + ".lock"))
    except (OSError, StoreBusy) as error:
        raise StoreError(f"cannot write the key's file {path}: check the folder and try again") from error
    try:
        lines = _lines(path) if path.exists() else {}
        lines[store] = keys
        text = "".join(f"{name} {_written(held)}\n" for name, held in lines.items() if held)
        if text:
            put(path.with_name(path.name + ".partial"), path, text.encode())
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"cannot write the key's file {path} ({error.strerror}): check the disk") from error
    finally:
        lock.release()


def _lines(path: Path) -> dict[str, _Keys]:
    found: dict[str, _Keys] = {}
    for line in _private_text(path, "key").splitlines():
        name, _, held = line.strip().partition(" ")
        if keys := _parsed(held):
            found[name] = keys
    return found


def _private_text(path: Path, what: str) -> str:
    """StoreError when it is not there, is not text, or others may read it."""
    try:
        with path.open("rb") as opened:
            found = os.fstat(opened.fileno())
            if os.name == "posix" and stat.S_IMODE(found.st_mode) & 0o077:
                raise StoreError(f"others may read the {what}'s file {path}: chmod 600 it")
            text = opened.read(MOST_BYTES).decode("utf-8-sig")
    except FileNotFoundError as error:
        raise StoreError(f"the {what}'s file {path} is not there: put it back, or name it in the settings") from error
    except OSError as error:
        raise StoreError(f"cannot read the {what}'s file {path} ({error.strerror}): check its rights") from error
    except UnicodeDecodeError:
        # Without the cause: it quotes the bytes.
        raise StoreError(f"the {what}'s file {path} is no text: put the right one there") from None
    if not text.strip():
        raise StoreError(f"the {what}'s file {path} is empty: put the {what} there")
    return text


def _written(keys: _Keys) -> str:
    return " ".join(key.hex() for key in keys)


def _parsed(text: str) -> _Keys:
    """What is no key is passed over: a file may have been touched by hand."""
    found = []
    for word in text.split():
        try:
            key = bytes.fromhex(word)
        except ValueError:
            continue
        if len(key) == KEY_BYTES:
            found.append(key)
    return tuple(found)
