"""Reading the settings.

Order of precedence: defaults < ``perstream.toml`` < ``PERSTREAM_<SECTION>_<NAME>`` environment <
flags. Unknown keys and values out of range are refused with the place that holds them.
"""

from __future__ import annotations

import dataclasses
import os
import re
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
    path = settings_file(file)
    tree = {} if path is None else read_file(path)
    named = {place for place in _places() if _in(tree, place)}
    above = _from_environment(os.environ if environ is None else environ)
    for key, value in (overrides or {}).items():
        if value is not None:
            _merge(above, _nest(key.split("."), value), "the command line")
    _merge(tree, above, "the environment")
    try:
        return _converted(tree)
    except msgspec.ValidationError as error:
        place = _place_of(error)
        if path is not None and place in named and not _in(above, place):
            raise _refused(path, place, _readable(error)) from error
        raise ConfigError(f"bad setting: {_readable(error)}") from error


def settings_file(file: Path | None = None) -> Path | None:
    """The file that is read: the one given, else ``perstream.toml`` of the current folder where there is one."""
    if file is not None:
        return file
    return Path("perstream.toml") if Path("perstream.toml").is_file() else None


def read_file(path: Path) -> dict[str, Any]:
    """What a settings file says; ConfigError for what is no TOML or names what is no setting."""
    try:
        tree: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        hint = "" if isinstance(error, OSError) else WAY_BACK
        raise ConfigError(f"cannot read settings from {path}: {error}{hint}") from error
    known: dict[str, Any] = {}
    _merge(known, tree, str(path), WAY_BACK)
    return known


WAY_BACK = "; perstream config rollback brings back the last settings that worked"


def _converted(tree: Mapping[str, Any]) -> Config:
    return msgspec.convert(tree, Config, strict=False)


def _refused(path: Path, place: tuple[str, ...], why: str) -> ConfigError:
    """A bad value, with the line that holds it."""
    line = _line_of(path.read_text(encoding="utf-8"), place)
    where = f"{path} line {line}" if line else str(path)
    return ConfigError(f"bad setting in {where}: {why}{WAY_BACK}")


def _line_of(text: str, place: tuple[str, ...]) -> int | None:
    """Where a setting stands, counted from 1; None when it is written in a way that this does not see."""
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        head = re.match(r"\s*\[\s*([\w-]+)\s*\]", line)
        if head:
            section = head[1]
        name = re.match(r"\s*([\w.-]+)\s*=", line)
        if name and ".".join(part for part in (section, name[1]) if part) == ".".join(place):
            return number
    return None


def _place_of(error: msgspec.ValidationError) -> tuple[str, ...]:
    """The setting that an error is about, for example ("gate", "gamma_threshold")."""
    found = re.search(r"\$\.([\w.]+)", str(error))
    return tuple(found[1].split(".")) if found else ()


def _in(tree: Mapping[str, Any], place: tuple[str, ...]) -> bool:
    value: Any = tree
    for name in place:
        if not isinstance(value, Mapping) or name not in value:
            return False
        value = value[name]
    return True


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


def _merge(tree: dict[str, Any], more: Mapping[str, Any], origin: str, hint: str = "") -> None:
    known = _places()
    for key, value in more.items():
        if isinstance(value, Mapping):
            for name, leaf in value.items():
                if (key, name) not in known:
                    raise ConfigError(f"unknown setting {key}.{name} in {origin}{hint}")
                tree.setdefault(key, {})[name] = leaf
        elif (key,) in known:
            tree[key] = value
        else:
            raise ConfigError(f"unknown setting {key} in {origin}{hint}")


def _nest(keys: list[str], value: object) -> dict[str, Any]:
    return {keys[0]: value if len(keys) == 1 else _nest(keys[1:], value)}


def _readable(error: msgspec.ValidationError) -> str:
    return str(error).replace("$.", "").replace(" - at ", " for ")
