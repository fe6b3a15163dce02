"""From what a user types to a source."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from perstream.config import SourceConfig
from perstream.errors import SourceError
from perstream.sources.device import Input, camera_inputs
from perstream.sources.file import FileSource
from perstream.sources.folder import list_folder
from perstream.sources.formats import BUT_LOCAL, formats
from perstream.sources.live import LiveSource
from perstream.sources.protocol import Source

SUPPORTED = "a video file, a folder of videos or images, webcam:N, rtsp://…, rtmp://… or http(s)://…"

ANALYZE_US = "2000000"
"""Microseconds of a stream that FFmpeg may look at before it shows the first picture."""
NETWORK_OPTIONS: dict[str, dict[str, str]] = {
    "rtsp": {"rtsp_flags": "prefer_tcp", "protocol_whitelist": "rtsp,rtsps,rtp,srtp,udp,tcp,tls,httpproxy"},
    "rtmp": {"protocol_whitelist": "rtmp,rtmps,rtmpt,rtmpts,ffrtmphttp,http,https,httpproxy,tcp,tls"},
    "http": {"protocol_whitelist": "http,https,httpproxy,tcp,tls,crypto,data"},
}
"""FFmpeg's options by scheme. The protocols are listed so that nothing a server sends can name a local file."""
OF_OWNER_ONLY = frozenset({"rtmp"})
"""FFmpeg connects by itself there and follows where it is sent: the owner may trust a server so far."""

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")
_WEBCAM = re.compile(r"^webcam(?::(\d{1,3}))?$", re.IGNORECASE)


def open_source(
    uri: str,
    config: SourceConfig,
    *,
    start_time: datetime | None = None,
    realtime: bool = False,
    name: str | None = None,
    trusted: bool = True,
) -> Source:
    """Open a source and make sure that there is something to see in it.

    ``start_time`` is when a recording began (default: what the file says, else its date on disk); live
    sources use the clock. ``realtime`` paces a recording by its timestamps. ``trusted``: its owner named
    it, so that its host may be this machine; where that host leads is checked in any case, see ``reach``.
    Raises SourceError, in one line that says what is wrong, for what is not there, cannot be read or is
    of no known kind.
    """
    uri = uri.strip()
    if not uri:
        raise SourceError(f"no source was named; give {SUPPORTED}")
    if any(not c.isprintable() for c in uri):
        raise SourceError(f"the source's name holds control characters; give {SUPPORTED}")
    if webcam := _WEBCAM.match(uri):
        number = int(webcam[1] or 0)
        return LiveSource(camera_inputs(number), config, name or f"webcam:{number}")
    scheme = _SCHEME.match(uri)
    if scheme is None:
        return _open_path(Path(uri).expanduser(), config, start_time, realtime, name)
    if scheme[1].lower() == "file":
        return _open_path(Path(unquote(uri[len(scheme[0]) :])), config, start_time, realtime, name)
    family = scheme[1].lower().removesuffix("s")
    if family not in NETWORK_OPTIONS or (family in OF_OWNER_ONLY and not trusted):
        raise SourceError(f"{scheme[1]}:// is no kind of source that can be opened; give {SUPPORTED}")
    options = {"analyzeduration": ANALYZE_US, **NETWORK_OPTIONS[family]}
    if family == "http":
        options["format_whitelist"] = formats(BUT_LOCAL)
    public = _public_name(uri)
    allow = (*config.allow_hosts, urlsplit(uri).hostname or "") if trusted else config.allow_hosts
    return LiveSource(
        [Input(uri, None, options, allow)],
        config,
        name or public,
        start_time=start_time,
        realtime=realtime,
        may_be_finite=family == "http",
    )


def _open_path(
    path: Path, config: SourceConfig, start_time: datetime | None, realtime: bool, name: str | None
) -> FileSource:
    try:
        is_folder, there = path.is_dir(), path.exists()
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {path}: {error}") from error
    if not there:
        raise SourceError(f"no such file or folder: {path}; give {SUPPORTED}")
    files = list_folder(path) if is_folder else [path]
    return FileSource(files, config, name or path.resolve().name, start_time=start_time, realtime=realtime)


def _public_name(uri: str) -> str:
    """The URL without what may be secret: user, password and query. Raises SourceError."""
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise SourceError("the stream's URL cannot be read; check its host and port") from error
    if not host:
        raise SourceError("the stream's URL names no host; give it like rtsp://192.168.1.20/stream")
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}"
