"""Where the model server is and with which key, checked before anything is sent."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from perstream.config import BackendConfig
from perstream.errors import BackendUnavailable, ConfigError
from perstream.models.remote.secrets import gathered

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """A checked address."""

    url: str
    """Base of the API without a slash at its end, for example ``http://127.0.0.1:8000/v1``."""
    origin: str
    """Scheme, host and port: what may be shown."""
    loopback: bool
    """On this machine."""
    model: str
    """The wanted model, empty when nobody said."""
    key: str = field(default="", repr=False)

    @property
    def root(self) -> str:
        """The server's own root, where its native API lives: the base without ``/v1``."""
        return self.url.removesuffix("/v1")


def resolve(config: BackendConfig, environ: Mapping[str, str]) -> Address:
    """The address that the settings, the environment and ``.env`` name, in this order; the key never from settings.

    BackendUnavailable when none is named; ConfigError when it is no plain http(s) address, or when it would carry
    memories or the key in the clear to another machine.
    """
    found = gathered(environ)
    url = (config.base_url or found.get("OPENAI_BASE_URL", "")).strip().rstrip("/")
    if not url:
        raise BackendUnavailable(
            "no model server is set: set backend.base_url or OPENAI_BASE_URL, for example http://127.0.0.1:11434/v1"
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ConfigError("backend.base_url is no address; for example http://127.0.0.1:8000/v1") from error
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigError("backend.base_url must begin with http:// or https:// and name a host")
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigError("backend.base_url must hold no user, key, ? or #; the key goes into OPENAI_API_KEY")
    key = found.get("OPENAI_API_KEY", "")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigError("OPENAI_API_KEY holds characters that no key has; copy it again")
    shown = f"[{host}]" if ":" in host else host
    origin = f"{parts.scheme}://{shown}" + (f":{port}" if port else "")
    loopback = _is_loopback(host)
    if parts.scheme == "http" and not loopback:
        _check_plain(config, origin)
    return Address(url, origin, loopback, config.served_model or found.get("OPENAI_MODEL", ""), key)


def _check_plain(config: BackendConfig, origin: str) -> None:
    if not config.allow_http:
        raise ConfigError(
            f"{origin} is another machine and http:// is not encrypted: memories and the key could be read on the way; "
            "use https://, a tunnel (ssh -L 8000:127.0.0.1:8000 HOST), or set backend.allow_http = true"
        )
    _LOG.warning("%s is not encrypted: what is sent there can be read on the way", origin)


def _is_loopback(host: str) -> bool:
    if host.rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
