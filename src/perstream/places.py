"""Where things are on disk."""

from __future__ import annotations

import re
from pathlib import Path

import platformdirs

from perstream.config import Config
from perstream.errors import ConfigError

PROFILES = "profiles"
"""Folder of the other persons' stores, in the first person's."""
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


def base_folder(config: Config) -> Path:
    """The first person's store, which holds the profiles: the configured folder, else the user's data folder."""
    return Path(config.store).expanduser() if config.store else Path(platformdirs.user_data_path("perstream"))


def store_folder(config: Config) -> Path:
    """Where this person's memories live. ConfigError for a profile whose name could be a path."""
    if not config.profile:
        return base_folder(config)
    return base_folder(config) / PROFILES / profile_name(config.profile)


def profile_name(name: str) -> str:
    """The name when it is one. ConfigError."""
    if not NAME.fullmatch(name):
        raise ConfigError(f"{name[:40]!r} is no profile's name: small letters, digits, - and _, at most 32")
    return name


def profiles(config: Config) -> list[str]:
    """Names of the profiles that have a folder."""
    folder = base_folder(config) / PROFILES
    if not folder.is_dir():
        return []
    return sorted(one.name for one in folder.iterdir() if NAME.fullmatch(one.name) and one.is_dir())
