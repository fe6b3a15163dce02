"""What is secret or points to secrets: read from the environment, else from a ``.env`` file. Nothing else is read from it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from perstream.errors import ConfigError

NAMES = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "PERSTREAM_PASSPHRASE")
MOST_BYTES = 65_536


def gathered(environ: Mapping[str, str], folder: Path | None = None) -> dict[str, str]:
    """The NAMES that are set, stripped; the environment goes before ``.env`` in ``folder`` (default: the current one).

    ConfigError for a ``.env`` that cannot be read; its contents are in no message.
    """
    found = _of_file((folder or Path.cwd()) / ".env")
    found.update({name: environ[name].strip() for name in NAMES if environ.get(name, "").strip()})
    return found


def _of_file(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: it must be a readable text file of NAME=VALUE lines") from error
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and name.strip() in NAMES and (clean := _unquoted(value.strip())):
            found[name.strip()] = clean
    return found


def _unquoted(value: str) -> str:
    if value[:1] in ("'", '"') and value.find(value[0], 1) > 0:
        return value[1 : value.find(value[0], 1)].strip()
    return value.partition(" #")[0].strip()
