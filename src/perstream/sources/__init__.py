"""Room of the sources: everything that yields frames, sound and transcripts on one timeline.

Nothing heavy is imported here; the public names load their module when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perstream.sources.opener import open_source
    from perstream.sources.protocol import Source
    from perstream.sources.push import PushSource

__all__ = ["PushSource", "Source", "open_source"]

_HOMES = {"PushSource": "push", "Source": "protocol", "open_source": "opener"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
