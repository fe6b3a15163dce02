"""Which kinds of files FFmpeg may take something for.

Playlists and descriptions of sessions name other files and hosts. One that lies on the disk as ``holiday.mp4`` is
content from the world like any other: it must not make FFmpeg read or connect to anything else.
"""

from __future__ import annotations

from functools import lru_cache

import av

LEADS_ELSEWHERE = frozenset(
    {"concat", "sdp", "rtsp", "rtp", "sap", "imf", "lavfi", "image2", "webm_dash_manifest", "vapoursynth", "avisynth"}
)
"""Demuxers that open what a file names, or what its own name stands for."""
PLAYLISTS = frozenset({"hls", "dash"})
BUT_LOCAL = LEADS_ELSEWHERE
"""Of a web server playlists are fine: where they lead is checked, see relay.py."""


@lru_cache(maxsize=2)
def formats(without: frozenset[str]) -> str:
    """FFmpeg's ``format_whitelist``: everything it knows but those."""
    return ",".join(sorted(name for name in av.formats_available if not without & set(name.split(","))))


def of_files() -> dict[str, str]:
    """FFmpeg's options for a file on disk."""
    return {"protocol_whitelist": "file", "format_whitelist": formats(LEADS_ELSEWHERE | PLAYLISTS)}
