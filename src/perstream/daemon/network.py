"""What may leave this machine as it is set up, and what did: for ``perstream status --network``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from perstream.config import Config
from perstream.daemon.fed import SCHEME
from perstream.daemon.privacy_status import Network, Posted, Way
from perstream.daemon.status import SourceStatus
from perstream.errors import PerStreamError
from perstream.models.remote.address import resolve
from perstream.protocols import Sent

REMOTE = "openai"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def network_of(
    config: Config,
    backend: str,
    sources: Iterable[SourceStatus],
    sent: tuple[Sent, ...],
    delivered: Mapping[str, Mapping[str, int]],
    posted_bytes: int,
) -> Network:
    """``backend`` is the name of the brain in use; ``delivered`` and ``posted_bytes`` are the delivery's counts."""
    ways = (*_servers(config, backend), *_webhook(config), *_doors(config), *_cameras(sources))
    words = delivered.get("webhook", {})
    posted = Posted(words.get("sent", 0), words.get("failed", 0), posted_bytes)
    left = sum(one.bytes_sent for one in sent if not _is_here(one.server))
    left += 0 if _is_here(config.delivery.webhook) else posted.bytes_sent
    return Network(ways, sent, posted, any(way.leaves for way in ways), left)


def _servers(config: Config, backend: str) -> Iterable[Way]:
    chosen = config.backend
    base = backend.split(" ")[0]
    parts = ((chosen.captions or base, "backend.captions"), (chosen.answers or base, "backend.answers"))
    used = [setting if name in (chosen.captions, chosen.answers) else "backend.name" for name, setting in parts]
    if REMOTE not in (name for name, _ in parts):
        return
    try:
        address = resolve(chosen, os.environ)
    except PerStreamError:
        return  # it could not be spoken to either
    senses = [name for name, how in (("pictures", chosen.pictures), ("sound", chosen.sound)) if how != "never"]
    seen = " and ".join(["words", *senses] if len(senses) < 2 else ["words, pictures", "sound"])
    what = (f"captions: {seen} of each moment", "answers: questions, the memories they rest on, latest pictures")
    for (name, _), setting, told in zip(parts, used, what, strict=True):
        if name == REMOTE:
            yield Way("model server", address.origin, told, setting, not address.loopback)


def _webhook(config: Config) -> Iterable[Way]:
    if config.delivery.webhook:
        where = _origin(config.delivery.webhook)
        leaves = not _is_here(config.delivery.webhook)
        yield Way("webhook", where, "words said unasked, and alerts", "delivery.webhook", leaves)


def _doors(config: Config) -> Iterable[Way]:
    server = config.server
    what = "whatever they ask for, each with a token of its own"
    if server.lan:
        yield Way("paired devices", f"https://0.0.0.0:{server.lan_port}", what, "server.lan", leaves=True)
    if server.host not in LOOPBACK:
        yield Way("other machines", f"http://{server.host}:{server.port}", what, "server.host", leaves=True)


def _cameras(sources: Iterable[SourceStatus]) -> Iterable[Way]:
    for source in sources:
        if "://" in source.uri:
            what = f"{source.name}: pictures and sound come from there, nothing goes there"
            yield Way("camera", _origin(source.uri), what, "a source", leaves=False)
        elif source.uri.startswith(SCHEME):
            what = f"{source.name}: pictures and sound come from a device that has a token"
            yield Way("browser", "this daemon", what, "a source", leaves=False)


def _origin(url: str) -> str:
    """Scheme, host and port."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "unreadable address"
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}"


def _is_here(url: str) -> bool:
    try:
        return not url or (urlsplit(url).hostname or "") in LOOPBACK
    except ValueError:
        return False
