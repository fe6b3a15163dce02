"""Runs a program of the system with untrusted text: by arguments or standard input, never through a shell."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from perstream.daemon.delivery import DeliveryFailed

MAX_CHARS = 400


def first_of(names: Sequence[str]) -> str | None:
    """The first program of these that there is, with its path."""
    return next((path for name in names if (path := shutil.which(name))), None)


def plain(text: str) -> str:
    """On one line, without control characters, of bounded length: text from the world must not steer a program."""
    kept = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(kept.split())[:MAX_CHARS]


def run(arguments: Sequence[str], timeout_s: float, *, text: str = "", more: Mapping[str, str] | None = None) -> None:
    """Run it to its end; ``text`` is its standard input, ``more`` its further environment. Raises DeliveryFailed."""
    try:
        subprocess.run(
            list(arguments),
            input=text.encode("utf-8"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **(more or {})},
            timeout=timeout_s,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise DeliveryFailed(f"{PurePath(arguments[0]).name} took longer than {timeout_s:.0f} s") from error
    except (OSError, subprocess.CalledProcessError) as error:
        raise DeliveryFailed(f"{PurePath(arguments[0]).name} failed: {type(error).__name__}") from error
