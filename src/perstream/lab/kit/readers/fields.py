"""Fields of a benchmark's rows, checked: every problem names its row and field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from perstream.errors import ConfigError

LETTERS = "ABCDEFGHIJ"
MAX_CHARS = 100_000
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)")
_LEAD = re.compile(r"^\s*\(?([A-J])[.):]\s*")
_DATES = ("%Y/%m/%d (%a) %H:%M", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y-%m-%d %H:%M", "%Y-%m-%d")


class Row:
    """One row of a file."""

    def __init__(self, values: Any, kind: str, number: int) -> None:
        self.where = f"{kind} row {number}"
        if not isinstance(values, Mapping):
            raise ConfigError(f"{self.where} is no object")
        self.values: Mapping[str, Any] = values

    def text(self, name: str, default: str | None = None) -> str:
        """A text, or a number as one. ConfigError when it is missing (without ``default``), empty or of another type."""
        value = self.values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise ConfigError(f"{self.where}: {name} must be a text")
        text = str(value).strip()[:MAX_CHARS]
        if not text and default is None:
            raise ConfigError(f"{self.where}: {name} is empty")
        return text

    def seconds(self, name: str) -> float:
        """Seconds as a number, or as ``HH:MM:SS`` or ``MM:SS``."""
        text = self.text(name)
        clock = _CLOCK.fullmatch(text)
        if clock:
            return int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + float(clock[3])
        try:
            value = float(text)
        except ValueError as error:
            raise ConfigError(f"{self.where}: {name} is no time: {text[:40]!r}") from error
        if not 0 <= value < 1e8:
            raise ConfigError(f"{self.where}: {name} is out of range: {text[:40]!r}")
        return value

    def list(self, name: str) -> Sequence[Any]:
        """A list."""
        value = self.values.get(name)
        if not isinstance(value, list):
            raise ConfigError(f"{self.where}: {name} must be a list")
        return value

    def options(self, values: Sequence[Any], name: str = "options") -> tuple[str, ...]:
        """The options of a multiple-choice question without their letters."""
        if not 2 <= len(values) <= len(LETTERS) or not all(
            isinstance(value, str) and value.strip() for value in values
        ):
            raise ConfigError(f"{self.where}: {name} must be 2 to {len(LETTERS)} texts")
        lettered = all((found := _LEAD.match(v)) and found[1] == LETTERS[i] for i, v in enumerate(values))
        return tuple((_LEAD.sub("", value) if lettered else value).strip() or value.strip() for value in values)

    def letter(self, name: str, options: Sequence[str]) -> str:
        """The option that a letter names."""
        text = self.text(name).strip("(). ").upper()
        if text not in LETTERS[: len(options)]:
            raise ConfigError(f"{self.where}: {name} names no option: {text[:20]!r}")
        return options[LETTERS.index(text)]

    def number(self, name: str, options: Sequence[str]) -> str:
        """The option of a number from 0."""
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < len(options):
            raise ConfigError(f"{self.where}: {name} must be a number from 0 to {len(options) - 1}")
        return options[value]

    def date(self, text: Any, name: str) -> datetime:
        """A date with or without the time of day, UTC."""
        for form in _DATES:
            try:
                return datetime.strptime(str(text).strip(), form).replace(tzinfo=timezone.utc)
            except ValueError:
                continue
        raise ConfigError(f"{self.where}: {name} is no date that can be read: {str(text)[:40]!r}")


def rows(data: Any, kind: str) -> list[Row]:
    """All rows of a list."""
    if not isinstance(data, list):
        raise ConfigError(f"{kind} is a list of rows")
    return [Row(values, kind, i) for i, values in enumerate(data)]


def has(data: Any, *names: str) -> bool:
    """Is this a list whose first row has these fields?"""
    return isinstance(data, list) and bool(data) and isinstance(data[0], Mapping) and set(names) <= data[0].keys()
