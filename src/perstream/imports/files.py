"""Reading files of others: bounded in size, in whichever encoding, with invisible characters taken out."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import unicodedata
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from perstream.errors import ConfigError, NotFound, SourceError

MAX_BYTES = 32 * 1024 * 1024
"""Of one file. Ten thousand appointments have about 5 MB."""
MAX_JSON = 128 * 1024 * 1024
"""Of one file of JSON; some programs export all conversations as one."""
MAX_PROSE = 2 * 1024 * 1024
"""Of one file of words."""
MAX_NAME = 80
"""Characters of a file's name in an origin."""


def read_bytes(path: Path, most: int = MAX_BYTES) -> bytes:
    """A plain file's content. NotFound, ConfigError when it is too large or no plain file, SourceError."""
    data = _read(path, most + 1)
    if len(data) > most:
        raise ConfigError(f"{path} is larger than {most / 1e6:.0f} MB: split it")
    return data


def _read(path: Path, most: int) -> bytes:
    try:
        # Not waiting: a pipe in the place of a file would never end.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise ConfigError(f"{path} is no plain file")
            return file.read(most)
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {path}") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a file name"
        raise SourceError(f"cannot read {path}: {reason}") from error


def decoded(data: bytes, name: object) -> str:
    """Text in UTF-8, UTF-16 or, as older Windows programs write it, cp1252. ConfigError for what is no text."""
    if data.startswith(b"PK\x03\x04"):
        raise ConfigError(f"{name} is a ZIP archive: unpack it and import the file you want")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        ways: tuple[str, ...] = ("utf-16",)
    elif b"\x00" in data[:4096]:
        raise ConfigError(f"{name} is no text file")
    else:
        ways = ("utf-8-sig", "cp1252")
    for way in ways:
        try:
            return data.decode(way)
        except UnicodeDecodeError:
            continue
    raise ConfigError(f"{name} is no text in UTF-8, UTF-16 or Windows-1252")


def read_json(path: Path) -> Any:
    """A JSON file. ConfigError when it is none."""
    text = decoded(read_bytes(path, MAX_JSON), path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is no JSON ({str(error)[:100]})") from error


def starts_with_json(path: Path) -> bool:
    """Does it look like JSON? A list of dated lines, "[2025-03-01] - …", is none."""
    head = read_head(path).lstrip(b"\xef\xbb\xbf \r\n\t")
    return head.startswith(b"{") or (head.startswith(b"[") and not head[1:2].isdigit() and not head[1:2].isalpha())


def read_head(path: Path, most: int = 65_536) -> bytes:
    """The begin of a plain file. NotFound, ConfigError, SourceError as for :func:`read_bytes`."""
    return _read(path, most)


def tidy(text: str) -> str:
    """One line without control characters, text-direction marks and other characters that nobody sees."""
    plain = "".join(
        " " if letter in "\n\r\t\v\f\u2028\u2029\x85" else letter
        for letter in text
        if letter in "\n\r\t\v\f\u2028\u2029\x85\u200d" or unicodedata.category(letter) not in _INVISIBLE
    )
    return " ".join(plain.split())


_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def key_for(*parts: str) -> str:
    """A short name for a thing that has none but its words."""
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def short_name(path: Path | str) -> str:
    """A file's name, or its path within a folder, as it stands in an origin."""
    name = tidy(path.name if isinstance(path, Path) else path)
    return name if len(name) <= MAX_NAME else name[: MAX_NAME // 2 - 1] + "…" + name[-MAX_NAME // 2 :]


def utc(moment: datetime) -> datetime | None:
    """In UTC; a time without a zone is taken as UTC. None at the ends of the calendar."""
    try:
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone.utc)
        return aware.astimezone(timezone.utc)
    except (OverflowError, ValueError):
        return None


def parsed_time(value: object) -> datetime | None:
    """An ISO time, or seconds since 1970 as some exports have them; None for anything else."""
    try:
        if isinstance(value, bool):
            return None
        if isinstance(value, (int, float)):
            return datetime.fromtimestamp(value / 1000 if abs(value) > 1e11 else value, timezone.utc)
        if isinstance(value, str) and 8 <= len(value) <= 40:
            return utc(datetime.fromisoformat(value.strip().replace("Z", "+00:00")))
    except (ValueError, OverflowError, OSError):
        return None
    return None
