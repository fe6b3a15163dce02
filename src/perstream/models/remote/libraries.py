"""The libraries that talking to a server needs, or one line that says how to get them."""

from __future__ import annotations

from perstream.errors import BackendUnavailable

try:
    import anyio  # comes with httpx
    import httpx
    import tenacity
except ModuleNotFoundError as missing:  # whoever chooses a model server comes by here first
    raise BackendUnavailable("a model server needs two packages more: pip install 'perstream[openai]'") from missing

__all__ = ["anyio", "httpx", "tenacity"]
