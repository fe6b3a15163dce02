"""Reading the settings.

Order of precedence: defaults < ``perstream.toml`` < ``PERSTREAM_<SECTION>_<NAME>`` environment <
flags. Unknown keys and values out of range are refused with the place that holds them.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from perstream.config import Config
from perstream.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def load(
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Config:
    """Build the configuration.

    ``file`` must exist when given; without it ``perstream.toml`` of the current folder is read if
    it is there. ``overrides`` are the flags, keyed ``section.name`` (or a top-level name); None
    values are skipped. Raises ConfigError.
    """
    tree: dict[str, Any] = {}
    path = file or Path("perstream.toml")
    if file is not None or path.is_file():
        _merge(tree, _read_toml(path), str(path))
    _merge(tree, _from_environment(os.environ if environ is None else environ), "the environment")
    for key, value in (overrides or {}).items():
        if value is not None:
            _merge(tree, _nest(key.split("."), value), "the command line")
    try:
        return msgspec.convert(tree, Config, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"bad setting: {_readable(error)}") from error


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        tree: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"cannot read settings from {path}: {error}") from error
    return tree


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """``PERSTREAM_GATE_GAMMA_THRESHOLD=0.4`` and so on. Other PERSTREAM_ names are refused."""
    places = {"PERSTREAM_" + "_".join(keys).upper(): keys for keys in _places()}
    tree: dict[str, Any] = {}
    for name, value in environ.items():
        if not name.startswith("PERSTREAM_") or name in NOT_SETTINGS:
            continue
        if name not in places:
            raise ConfigError(f"{name} is no setting; see docs/CONFIG.md for the names")
        listed = _is_list(places[name])
        _merge(tree, _nest(list(places[name]), [v for v in value.split(",") if v] if listed else value), name)
    return tree


NOT_SETTINGS = frozenset({"PERSTREAM_TOKEN", "PERSTREAM_PASSPHRASE", "PERSTREAM_PYTHON", "PERSTREAM_TEST_TORCH"})
"""PERSTREAM_ names of the environment that are no settings: secrets, and the scripts' own."""


def _is_list(place: tuple[str, ...]) -> bool:
    """A setting of several values; in the environment they stand with commas between."""
    value: object = Config()
    for name in place:
        value = getattr(value, name)
    return isinstance(value, tuple)


def _places() -> list[tuple[str, ...]]:
    """Paths of all settings, for example ("gate", "gamma_threshold")."""
    found: list[tuple[str, ...]] = []
    for top in dataclasses.fields(Config):
        section = top.default_factory
        if section is dataclasses.MISSING:
            found.append((top.name,))
        else:
            found += [(top.name, part.name) for part in dataclasses.fields(section())]
    return found


def _merge(tree: dict[str, Any], more: Mapping[str, Any], origin: str) -> None:
    known = _places()
    for key, value in more.items():
        if isinstance(value, Mapping):
            for name, leaf in value.items():
                if (key, name) not in known:
                    raise ConfigError(f"unknown setting {key}.{name} in {origin}")
                tree.setdefault(key, {})[name] = leaf
        elif (key,) in known:
            tree[key] = value
        else:
            raise ConfigError(f"unknown setting {key} in {origin}")


def _nest(keys: list[str], value: object) -> dict[str, Any]:
    return {keys[0]: value if len(keys) == 1 else _nest(keys[1:], value)}


def _readable(error: msgspec.ValidationError) -> str:
    return str(error).replace("$.", "").replace(" - at ", " for ")
