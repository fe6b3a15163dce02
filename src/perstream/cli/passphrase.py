"""Asking for the passphrase of an encrypted store, where somebody sits at a terminal."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING

import typer

from perstream.config import Config

if TYPE_CHECKING:
    from perstream.memory.vault import Vault

TRIES = 3


def ask(new: bool) -> str | None:
    """What was typed, unseen; a new one is typed twice. None when nobody is there, or it was not typed alike."""
    if not sys.stdin.isatty():
        return None
    if not new:
        return getpass.getpass("Passphrase of the store: ") or None
    for _ in range(TRIES):
        typed = getpass.getpass("New passphrase: ")
        if typed and typed == getpass.getpass("The same again: "):
            return typed
        typer.echo("perstream: the two were not alike", err=True)
    return None


def vault(config: Config) -> Vault:
    """The vault of the configured store."""
    from perstream.daemon.lodging import vault_of

    return vault_of(config, ask)
