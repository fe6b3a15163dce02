"""What tests of encryption share: keys, a keyring in RAM, and a second way to read SQLCipher's pages.

The second way is the published layout alone (SQLCipher 4: pages of 4096 bytes, AES-256-CBC, the last 80 bytes are the
initialisation vector and the HMAC, the first page begins with 16 bytes of salt), so that a residue in a page that SQL
no longer reaches is seen as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keyring
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

from perstream.config_privacy import EncryptionConfig
from perstream.memory.engine import HEADER, Engine, Key
from perstream.memory.keyplaces import Passphrases
from perstream.memory.vault import Vault

KEY = Key(bytes(range(32)))
ENGINE = Engine((KEY,))
PAGE, RESERVED, SALT = 4096, 80, 16
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF"
WORDS = "correct horse battery"


class RamRing(KeyringBackend):
    """A keyring that lasts as long as the test."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.held.pop((service, username), None) is None:
            raise PasswordDeleteError("not there")


class LostRing(RamRing):
    """One of those that keep nothing and say nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        pass


@contextmanager
def ring(backend: KeyringBackend) -> Iterator[KeyringBackend]:
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    try:
        yield backend
    finally:
        keyring.set_keyring(before)


def vault(folder: Path, words: str | None = WORDS, **settings: object) -> Vault:
    """A vault of a store that is encrypted when it is new, with its key in a file unless told otherwise."""
    config = EncryptionConfig(**{"enabled": True, "key_from": "file", **settings})  # type: ignore[arg-type]
    return Vault(folder, config, Passphrases(config.passphrase_file, lambda: words))


def cleartext(file: Path, key: Key = KEY) -> bytes:
    """The bytes of a file; of an encrypted database or log what is under the encryption, freed pages included."""
    data = file.read_bytes()
    if file.name.endswith(".db-wal") and len(data) > 32:
        frames = [data[at : at + 24 + PAGE] for at in range(32, len(data) - 24 - PAGE + 1, 24 + PAGE)]
        return b"".join(_page(f[24:], key, first=int.from_bytes(f[:4], "big") == 1) for f in frames)
    if file.suffix == ".db" and len(data) % PAGE == 0 and not data.startswith(HEADER):
        return b"".join(_page(data[at : at + PAGE], key, first=at == 0) for at in range(0, len(data), PAGE))
    return data


def _page(page: bytes, key: Key, first: bool) -> bytes:
    iv = page[PAGE - RESERVED : PAGE - RESERVED + 16]
    secret = page[SALT if first else 0 : PAGE - RESERVED]
    decryptor = Cipher(algorithms.AES(key.raw), modes.CBC(iv)).decryptor()
    return decryptor.update(secret) + decryptor.finalize()


def strings(folder: Path, *needles: str | bytes) -> list[str]:
    """Files under a folder that show a needle as it is, in any case, as UTF-8 or UTF-16."""
    wanted = [code for n in needles for code in ([n] if isinstance(n, bytes) else [n.encode(), n.encode("utf-16-le")])]
    found = []
    for file in sorted(folder.rglob("*")):
        data = file.read_bytes() if file.is_file() else b""
        if any(code in data or code.lower() in data.lower() for code in wanted):
            found.append(str(file.relative_to(folder)))
    return found
