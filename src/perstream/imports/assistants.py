"""Memories of other assistants: mem0's JSON, ChatGPT's and Claude's as text or from their data exports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from perstream.errors import ConfigError
from perstream.imports.files import (
    MAX_PROSE,
    decoded,
    key_for,
    parsed_time,
    read_bytes,
    read_json,
    short_name,
    starts_with_json,
    tidy,
)
from perstream.imports.item import MAX_TEXT, Found, Imported, Skipped
from perstream.imports.person import first_person
from perstream.imports.prose import pieces

_DATED = re.compile(r"^[\[(]?\s*(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?Z?)?)\s*[\])]?\s*[-–—:]\s+(?=\S)")
_UNDATED = re.compile(r"^\[(?:unknown|no date|date unknown|n/?a|none)[^\]]{0,20}\]\s*[-–—:]\s+", re.IGNORECASE)
_LISTS = ("results", "memories", "data")
_TITLES = frozenset({"saved memories", "manage memories", "memory"})
"""What stands above the list of memories that is copied from ChatGPT's settings."""


def read_mem0(path: Path, user: str | None = None) -> Iterator[Found]:
    """mem0's ``get_all()`` as JSON: a list, or an object that holds it; memories have ``memory`` and perhaps ``id``,
    ``created_at``, ``updated_at`` and ``user_id``. ConfigError when it is about several people and ``user`` is not said."""
    entries = _entries(read_json(path), path)
    users = sorted({str(e["user_id"]) for e in entries if isinstance(e, dict) and e.get("user_id")})
    if user is None and len(users) > 1:
        names = tidy(", ".join(users[:10]))[:200]
        raise ConfigError(f"{path} holds the memories of {len(users)} users: choose one of --user {names}")
    if user is not None and user not in users:
        raise ConfigError(f"{path} has no user {user[:60]!r}: it has {tidy(', '.join(users[:10]))[:200] or 'none'}")
    for number, entry in enumerate(entries, start=1):
        if user is None or (isinstance(entry, dict) and str(entry.get("user_id")) == user):
            yield _one(entry, f"memory {number}", "mem0", ("memory", "text", "data", "content"))


def read_chatgpt(path: Path) -> Iterator[Found]:
    """ChatGPT's ``memory.json`` or ``conversations.json`` of a data export, or its list of memories copied as text."""
    if not starts_with_json(path):
        yield from read_pasted(path, "chatgpt")
        return
    for number, entry in enumerate(_entries(read_json(path), path), start=1):
        where = f"entry {number}"
        if isinstance(entry, dict) and isinstance(entry.get("mapping"), dict):
            yield from _saved_in(entry["mapping"])
        elif isinstance(entry, dict) and entry.get("enabled") is False:
            yield Skipped(where, "it was turned off")
        else:
            yield _one(entry, where, "chatgpt", ("content", "memory", "text", "value"))


def read_claude(path: Path) -> Iterator[Found]:
    """Claude's memory as text, or ``memories.json`` of its data export."""
    if not starts_with_json(path):
        yield from read_pasted(path, "claude")
        return
    for number, entry in enumerate(_entries(read_json(path), path), start=1):
        long = entry.get("conversations_memory") if isinstance(entry, dict) else None
        if isinstance(long, str):
            yield from _pasted(long, "claude")
            per_project = entry.get("project_memories")
            for text in per_project.values() if isinstance(per_project, dict) else ():
                yield from _pasted(text, "claude") if isinstance(text, str) else ()
        else:
            yield _one(entry, f"entry {number}", "claude", ("content", "memory", "text"))


def read_pasted(path: Path, origin: str | None = None) -> Iterator[Found]:
    """Memories as a person copies them: one a line, a list, or paragraphs under headings; "[2025-03-01] - …" is dated."""
    yield from _pasted(decoded(read_bytes(path, MAX_PROSE), path), origin or f"text:{short_name(path)}")


def _pasted(text: str, origin: str) -> Iterator[Found]:
    for piece in pieces(text, code=True, lines=True):
        dated = _DATED.match(piece.text)
        said = piece.text[dated.end() :] if dated else _UNDATED.sub("", piece.text)
        if len(said) > MAX_TEXT:
            yield Skipped(f"line {piece.line}", f"it is longer than {MAX_TEXT} characters")
        elif any(letter.isalnum() for letter in said) and said.lower() not in _TITLES:
            at = parsed_time(dated.group(1)) if dated else None
            yield Imported(origin, key_for(said), first_person(said), at=at)


def _entries(data: Any, path: Path) -> list[Any]:
    if isinstance(data, dict):
        lists = [data[name] for name in _LISTS if isinstance(data.get(name), list)]
        data = lists[0] if lists else [data]
    if not isinstance(data, list):
        raise ConfigError(f"{path} is no list of memories")
    return data


def _one(entry: Any, where: str, origin: str, names: tuple[str, ...]) -> Found:
    fields = {names[0]: entry} if isinstance(entry, str) else entry
    if not isinstance(fields, dict):
        return Skipped(where, "it is no memory")
    text = next((fields[name] for name in names if isinstance(fields.get(name), str)), None)
    if text is None:
        return Skipped(where, "it has no text")
    text = tidy(text)
    if not any(letter.isalnum() for letter in text):
        return Skipped(where, "it says nothing")
    if len(text) > MAX_TEXT:
        return Skipped(where, f"it is longer than {MAX_TEXT} characters")
    key = fields.get("id") or fields.get("uuid")
    times = ("updated_at", "created_at", "update_time", "create_time", "timestamp", "created_timestamp")
    at = next((found for name in times if (found := parsed_time(fields.get(name))) is not None), None)
    return Imported(
        origin,
        tidy(str(key))[:200] if isinstance(key, (str, int)) else key_for(text),
        first_person(text),
        at=at,
        valid_to=parsed_time(fields.get("expiration_date")),
    )


def _saved_in(mapping: dict[Any, Any]) -> Iterator[Found]:
    """What ChatGPT noted down in a conversation: its messages to the recipient ``bio``."""
    for name, node in mapping.items():
        message = node.get("message") if isinstance(node, dict) else None
        if not isinstance(message, dict) or message.get("recipient") != "bio":
            continue
        content = message.get("content")
        parts = content.get("parts") if isinstance(content, dict) else None
        for place, part in enumerate(parts if isinstance(parts, list) else ()):
            entry = {"id": f"{message.get('id') or name}:{place}", "content": part}
            yield _one({**entry, "create_time": message.get("create_time")}, "a saved memory", "chatgpt", ("content",))
