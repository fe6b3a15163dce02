"""What a token may do. Each scope includes those before it."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from enum import IntEnum
from typing import Any

from perstream.errors import ConfigError

KEY = "perstream.scope"
"""Where the doorkeeper puts the caller's scope in the ASGI scope of a request; see :func:`granted`."""


class Scope(IntEnum):
    """From looking to everything."""

    READ = 1
    """Memories, pictures, events, status, metrics."""
    ASK = 2
    """Questions and searches that run a model."""
    WRITE = 3
    """Remember, correct, pin, forget; sources; feedback."""
    ADMIN = 4
    """Tokens, adapters, pairing, backups: the owner's."""


OPEN = frozenset({"/healthz", "/readyz", "/"})
"""Paths that need no token: whether it lives, and the page, which holds no data."""
OPEN_FILES = ("/page/", "/clip/")
"""The page's own files. Clips: the ticket in the address is the key; see clip_routes.py."""
PAIR = "/v1/pair"
"""Open too, for POST, where devices may be paired."""

RULES: tuple[tuple[str, str, Scope], ...] = (
    ("POST", r"/v1/(ask|recall|recall/picture|chat/completions)", Scope.ASK),
    ("POST", r"/v1/memories/[^/]+/clip", Scope.READ),
    ("GET", r"/v1/adapters", Scope.READ),
    ("*", r"/v1/(adapters|pair)(/.*)?", Scope.ADMIN),
    ("*", r"/mcp", Scope.READ),  # each tool asks for its own
    ("GET", r"/.*", Scope.READ),
)
"""(method, path, least scope), the first that fits; what fits none needs WRITE."""


def needed(method: str, path: str) -> Scope:
    """The least scope that may do this."""
    asked = "GET" if method == "HEAD" else method
    for rule, pattern, scope in RULES:
        if rule in ("*", asked) and re.fullmatch(pattern, path, re.DOTALL):
            return scope
    return Scope.WRITE


def open_to_all(method: str, path: str, *, pairing: bool = False) -> bool:
    """Whether this needs no token."""
    if pairing and path == PAIR and method == "POST":
        return True
    return path in OPEN or path.startswith(OPEN_FILES)


def granted(request: MutableMapping[str, Any]) -> Scope:
    """What the caller of a request (its ASGI scope) may do; the least where no doorkeeper let it in."""
    scope = request.get(KEY)
    return scope if isinstance(scope, Scope) else Scope.READ


def scope_named(name: str) -> Scope:
    """``read``, ``ask``, ``write`` or ``admin``. ConfigError for anything else."""
    try:
        return Scope[name.upper()]
    except KeyError as error:
        raise ConfigError(f"a scope is read, ask, write or admin, not {name[:40]!r}") from error
