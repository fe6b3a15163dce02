"""Settings files that a start has worked with, kept beside the store: what there is to go back to.

Secrets are no settings, and the copies are the owner's alone all the same.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from perstream.errors import ConfigError, NotFound

log = logging.getLogger(__name__)
FOLDER = "settings"
"""In the store's folder."""
MOST = 5
"""So many different ones are kept."""
MAX_BYTES = 1_000_000
_NAME = "good-%Y%m%dT%H%M%S%fZ.toml"


@dataclass(frozen=True, slots=True)
class Kept:
    """A settings file that worked."""

    path: Path
    at: datetime
    """UTC, when a start with it worked first."""
    content: bytes


def keep(file: Path, store: Path, now: datetime | None = None) -> Path | None:
    """A start with ``file`` has worked: keep a copy, unless the latest is the same. A disk that is full is only logged."""
    try:
        content = file.read_bytes()
        latest = kept(store)[:1]
        if len(content) > MAX_BYTES or (latest and latest[0].content == content):
            return None
        folder = store / FOLDER
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = folder / (now or datetime.now(timezone.utc)).strftime(_NAME)
        _write(target, content)
        for old in kept(store)[MOST:]:
            old.path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("the settings %s are not kept to go back to: %s", file, error.strerror)
        return None
    return target


def kept(store: Path) -> list[Kept]:
    """Those there are, the latest first; what is not one is passed over."""
    found = []
    for path in (store / FOLDER).glob("good-*.toml"):
        try:
            at = datetime.strptime(path.name, _NAME).replace(tzinfo=timezone.utc)
            if path.stat().st_size <= MAX_BYTES:
                found.append(Kept(path, at, path.read_bytes()))
        except (ValueError, OSError):
            continue
    return sorted(found, key=lambda one: one.at, reverse=True)


def other_than(content: bytes | None, store: Path) -> Kept:
    """The latest that is not ``content``: what to go back to. NotFound."""
    for one in kept(store):
        if one.content != content:
            return one
    raise NotFound(f"{store / FOLDER} holds no other settings that a start has worked with")


def put_back(one: Kept, file: Path, now: datetime | None = None) -> Path | None:
    """Put it in the place of ``file``; where what was there is kept, None when nothing was. Raises ConfigError."""
    aside: Path | None = None
    try:
        if file.exists():
            aside = file.with_name((now or datetime.now(timezone.utc)).strftime(f"{file.name}.before-%Y%m%dT%H%M%SZ"))
            _write(aside, file.read_bytes()[:MAX_BYTES])
        _write(file, one.content)
    except OSError as error:
        raise ConfigError(f"cannot write {file} ({error.strerror}): check its rights") from error
    return aside


def _write(target: Path, content: bytes) -> None:
    """All of it or nothing, and the owner's alone."""
    fresh = target.with_name(target.name + ".partial")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(target)
