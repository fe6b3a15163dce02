"""A memory's line of an export without what must not be stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Cleared = Callable[[str], tuple[str, tuple[str, ...]]]
"""A text without what must not be stored, and what was taken out of it."""
_TEXTS = ("text", "context", "speaker")


def unchanged(text: str) -> tuple[str, tuple[str, ...]]:
    """Nothing is taken out."""
    return text, ()


def without_secrets(values: dict[str, Any], cleared: Cleared) -> dict[str, Any]:
    """The line as it may be kept: a secret takes its vectors, its edges, its observations and its picture along."""
    secrets: list[str] = []
    kept = dict(values)
    for name in _TEXTS:
        if isinstance(values.get(name), str):
            kept[name], found = cleared(values[name])
            secrets += found
    for row in _rows(values, "observations"):
        secrets += cleared(_said(row, "speaker", "text"))[1]
    for row in _rows(values, "triplets"):  # "wifi password" and "hunter2" are a secret only beside each other
        secrets += cleared(_said(row, "subject", "predicate", "object"))[1]
        secrets += cleared(_said(row, "subject", "object"))[1]
    if not secrets:
        return values
    for name in ("observations", "triplets"):
        if isinstance(values.get(name), list):
            kept[name] = [row for row in values[name] if not _mentions(row, secrets)]
    given_up = "pooled" in values and values["pooled"] is None
    gone = ("tokens", "thumbnail", *(() if given_up else ("pooled",)))
    return {name: value for name, value in kept.items() if name not in gone}


def _rows(values: dict[str, Any], name: str) -> list[dict[str, Any]]:
    rows = values.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _said(row: dict[str, Any], *names: str) -> str:
    parts = [part for name in names if isinstance(part := row.get(name), str)]
    return f"{' '.join(parts[:-1])}: {parts[-1]}" if len(parts) > 1 else "".join(parts)


def _mentions(row: object, secrets: list[str]) -> bool:
    """Whether a secret stands in an observation or a triplet, or a good part of one."""
    parts = [part for part in row.values() if isinstance(part, str)] if isinstance(row, dict) else []
    return any(secret in part or (len(part) >= 4 and part in secret) for part in parts for secret in secrets)
