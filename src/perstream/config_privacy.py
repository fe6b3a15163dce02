"""Settings of what is never seen, never stored, and given up with age; the tree is in :mod:`perstream.config`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

Meta = msgspec.Meta
Secret = Literal["card", "password", "key", "identity"]
"""Kinds of text that are taken out before anything is stored."""


@dataclass(frozen=True)
class PrivacyConfig:
    """What is never stored."""

    redact: tuple[Secret, ...] = ("card", "password", "key", "identity")
    """Kinds of text taken out of what is seen, read and heard before it is stored: card and account numbers, passwords, \
access keys and tokens, identity numbers."""
    redact_told: bool = True
    """Take them out of what the owner tells and imports as well."""
    masks: tuple[str, ...] = ()
    """Regions made unrecognisable before anything looks at a picture, each SOURCE=X Y W H in shares of the picture \
(0 to 1, from the top left); SOURCE is a source's name or address, or * for every source."""
    blur_faces: bool = False
    """Make faces unrecognisable in every picture before it is kept, shown or given to a model."""
    retention: tuple[str, ...] = ()
    """How long memories are kept, each WHAT=TIME: *=365d, category:browsing=30d, source:webcam:0=12h, \
provenance:heard=7d. The shortest time that fits a memory counts; pinned ones stay."""
    incognito: bool = False
    """Keep everything in a store that ends with the process and leaves nothing."""


@dataclass(frozen=True)
class EncryptionConfig:
    """Encryption at rest of the store, its pictures and its backups."""

    enabled: bool = False
    """Make a new store encrypted; an existing one says itself whether it is."""
    key_from: Literal["keyring", "file", "passphrase"] = "keyring"
    """Where a new key is kept: the system's keyring, a file, or nowhere but sealed by a passphrase."""
    key_file: str = ""
    """The key's file, for key_from file; empty is beside the user's settings, not in the store."""
    passphrase_file: Annotated[str, Meta(max_length=4096)] = ""
    """File whose first line is the passphrase, for a daemon that starts by itself; else PERSTREAM_PASSPHRASE, else it is asked for."""
