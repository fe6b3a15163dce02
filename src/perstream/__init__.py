"""PerStream: a personal memory assistant for what its owner sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perstream.version import __version__

if TYPE_CHECKING:
    from perstream.research import StreamResult, video_stream_with_memory

__all__ = ["StreamResult", "__version__", "video_stream_with_memory"]


def __getattr__(name: str) -> object:
    """Load the engine when it is first asked for: importing the package stays free."""
    if name in ("StreamResult", "video_stream_with_memory"):
        from perstream import research

        return getattr(research, name)
    raise AttributeError(f"module 'perstream' has no attribute {name!r}")
