"""PerStream: a personal memory assistant for what its owner sees."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from perstream.version import __version__

if TYPE_CHECKING:
    from perstream.research import StreamResult, video_stream_with_memory
    from perstream.web.client import Client, connect

__all__ = ["Client", "StreamResult", "__version__", "connect", "video_stream_with_memory"]


# Since 1.29 onnxruntime tells its maker which models it loads and how they run, unless this is set before it is
# imported; the hub's client counts downloads. Nothing of that kind leaves a machine that remembers a life.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"


def __getattr__(name: str) -> object:
    """Load the engine when it is first asked for: importing the package stays free."""
    if name in ("StreamResult", "video_stream_with_memory"):
        from perstream import research

        return getattr(research, name)
    if name in ("Client", "connect"):
        from perstream.web import client

        return getattr(client, name)
    raise AttributeError(f"module 'perstream' has no attribute {name!r}")
