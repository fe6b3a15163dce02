"""``key.json``: says that a store is encrypted, where its key is kept, and holds the data keys sealed.

Data keys encrypt the files. They are sealed (AES-256-GCM, NIST SP 800-38D) under a sealing key, which is kept elsewhere
or made from a passphrase (scrypt, RFC 7914). So changing the passphrase writes one small file, and what is in the store
alone opens nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from perstream.errors import StoreError
from perstream.memory.engine import KEY_BYTES, Key
from perstream.memory.swap import sync

NAME = "key.json"
Where = Literal["keyring", "file", "passphrase"]
MOST_BYTES = 65_536
SCRYPT_N = 2**17
"""With r = 8 and p = 1, 128 MiB and some 0.3 s: what OWASP's password storage cheat sheet asks of scrypt."""
MOST_SCRYPT_BYTES = 2**30
_NONCE = 12
_Hex = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{2})+$", max_length=MOST_BYTES)]


@dataclass(frozen=True)
class Scrypt:
    """How a passphrase becomes a sealing key."""

    salt: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{2}){16,64}$")]
    n: Annotated[int, msgspec.Meta(ge=2, le=2**20)]
    r: Annotated[int, msgspec.Meta(ge=1, le=32)] = 8
    p: Annotated[int, msgspec.Meta(ge=1, le=16)] = 1

    @staticmethod
    def fresh() -> Scrypt:
        """Of today's cost, with a salt of its own."""
        return Scrypt(os.urandom(16).hex(), SCRYPT_N)

    def derive(self, passphrase: str) -> bytes:
        """The sealing key; takes as long as the costs say. StoreError for costs beyond reason."""
        if 128 * self.n * self.r > MOST_SCRYPT_BYTES:
            raise StoreError("key.json asks for more than 1 GiB to try a passphrase: it was altered; put a copy back")
        try:
            return hashlib.scrypt(
                unicodedata.normalize("NFC", passphrase).encode(),  # as another keyboard would type it
                salt=bytes.fromhex(self.salt),
                n=self.n,
                r=self.r,
                p=self.p,
                maxmem=2 * MOST_SCRYPT_BYTES - 1,
                dklen=KEY_BYTES,
            )
        except ValueError as error:
            raise StoreError("key.json asks for scrypt costs that there are not: put a copy back") from error


@dataclass(frozen=True)
class KeyFile:
    """What ``key.json`` holds; nothing of it is secret without the sealing key."""

    store: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")]
    """Name of the store, by which the sealing key is found."""
    kept: Where
    sealed: _Hex
    """Data keys, the one in use first; older ones open copies made before it was."""
    state: Literal["encrypted", "changing"]
    """``changing`` while files are rewritten: each may be plain or under any of the keys."""
    file: Annotated[str, msgspec.Meta(max_length=4096)] = ""
    """Where the sealing key's file is, when it is not in its usual place."""
    scrypt: Scrypt | None = None
    format: Literal[1] = 1
    cipher: Literal["sqlcipher-4"] = "sqlcipher-4"

    def keys(self, seals: tuple[bytes, ...]) -> tuple[Key, ...] | None:
        """The data keys, by the first of these sealing keys that fits; None when none does."""
        aead, invalid = _aead()
        data = bytes.fromhex(self.sealed)
        for seal in seals:
            try:
                raw = aead(seal).decrypt(data[:_NONCE], data[_NONCE:], _bound_to(self.store))
            except (invalid, ValueError):
                continue
            if raw and len(raw) % KEY_BYTES == 0:
                return tuple(Key(raw[start : start + KEY_BYTES]) for start in range(0, len(raw), KEY_BYTES))
        return None


def sealed(store: str, seal: bytes, keys: tuple[Key, ...]) -> str:
    """The data keys under a sealing key, as ``key.json`` holds them."""
    nonce = os.urandom(_NONCE)
    box: bytes = _aead()[0](seal).encrypt(nonce, b"".join(key.raw for key in keys), _bound_to(store))
    return (nonce + box).hex()


def read(path: Path) -> KeyFile:
    """Raises StoreError when it cannot be used; the message says what to do."""
    try:
        with path.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise StoreError(f"cannot read {path} ({error.strerror}): check its rights") from error
    try:
        if len(data) > MOST_BYTES:
            raise ValueError("too long")
        return msgspec.json.decode(data, type=KeyFile)
    except ValueError as error:  # msgspec's errors are ValueErrors
        spare = path.parent / "backups" / NAME
        cure = f"put the copy {spare} in its place" if spare.is_file() and spare != path else "put a copy in its place"
        raise StoreError(f"{path} is damaged or of a newer PerStream: {cure}") from error


def write(path: Path, content: KeyFile) -> None:
    """Put it there, whole or not at all, on disk, for the owner alone. Raises StoreError."""
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        put(
            partial,
            path,
            msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n",
        )
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise StoreError(f"cannot write {path} ({error.strerror}): check the disk and the folder's rights") from error


def put(partial: Path, path: Path, data: bytes) -> None:
    """Write bytes to ``partial`` (mode 0600), then let them appear as ``path``. Raises OSError."""
    partial.unlink(missing_ok=True)
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as opened:
        opened.write(data)
        opened.flush()
        os.fsync(opened.fileno())
    partial.replace(path)
    sync(path.parent)


def _bound_to(store: str) -> bytes:
    """Sealed keys cannot be carried to another store's name."""
    return f"perstream key.json 1 {store}".encode()


def _aead() -> tuple[Any, type[Exception]]:
    try:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError as error:
        raise StoreError("an encrypted store needs: pip install 'perstream[crypt]'") from error
    return AESGCM, InvalidTag
