"""Where the memories of a house live: the store of the settings with its keys, or a store for this session alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

from perstream.config import Config
from perstream.errors import ConfigError
from perstream.memory.engine import Keys
from perstream.memory.incognito import Incognito
from perstream.memory.keyplaces import Passphrases
from perstream.memory.vault import Vault
from perstream.models.remote.secrets import gathered
from perstream.places import store_folder

Ask = Callable[[bool], str | None]
"""Asks a person for the passphrase, True for a new one; None when there is nobody."""


def nobody(_new: bool) -> str | None:
    """There is nobody to ask."""
    return None


def vault_of(config: Config, ask: Ask = nobody) -> Vault:
    """The vault of the configured store. ConfigError for an incognito session, which has no store to look after."""
    if config.privacy.incognito:
        raise ConfigError("privacy.incognito is set: there is no store to open; only watch and serve keep a session")
    passphrases = Passphrases(
        config.encryption.passphrase_file, lambda: gathered(os.environ).get("PERSTREAM_PASSPHRASE"), ask
    )
    return Vault(store_folder(config), config.encryption, passphrases)


def lodging(config: Config, ask: Ask = nobody) -> tuple[Config, Keys]:
    """The settings of a house with a place to live, and the keys of that place.

    An incognito session gets a store of its own, and makes no backups of it. Raises StoreError for a wrong key.
    """
    if not config.privacy.incognito:
        vault = vault_of(config, ask)
        vault.try_key()  # a wrong passphrase is said before a model is loaded
        return config, vault
    session = Incognito()
    backup = replace(config.backup, every_h=0.0)
    return replace(config, store=str(session.folder), profile="", backup=backup), session
