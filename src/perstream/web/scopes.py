"""What a token may do. Each scope includes those before it."""

from __future__ import annotations

import re
from enum import IntEnum


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


RULES: tuple[tuple[str, str, Scope], ...] = (
    ("POST", r"/v1/(ask|recall|recall/picture)", Scope.ASK),
    ("*", r"/v1/(adapters|pair)(/.*)?", Scope.ADMIN),
    ("GET", r"/.*", Scope.READ),
)
"""(method, path, least scope), the first that fits; what fits none needs WRITE."""


def needed(method: str, path: str) -> Scope:
    """The least scope that may do this."""
    asked = "GET" if method == "HEAD" else method
    for rule, pattern, scope in RULES:
        if rule in ("*", asked) and re.fullmatch(pattern, path):
            return scope
    return Scope.WRITE
