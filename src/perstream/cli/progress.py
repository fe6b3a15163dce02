"""How far a long command is, on standard error."""

from __future__ import annotations

import time
from collections.abc import Callable

import typer

EVERY_S = 2.0
"""Between two lines."""


def progress(verb: str, things: str = "memories") -> Callable[[int], None]:
    """Says "imported 64 memories" when it takes long; to be called with the number so far."""
    told = time.monotonic()

    def tell(count: int) -> None:
        nonlocal told
        if count % 32 == 0 and time.monotonic() - told >= EVERY_S:
            told = time.monotonic()
            typer.echo(f"{verb} {count} {things}", err=True)

    return tell
