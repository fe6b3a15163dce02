"""Trust in one certificate: the self-signed one of a daemon on the network, known by its fingerprint."""

from __future__ import annotations

import hashlib
import hmac
import socket
import ssl
from urllib.parse import urlsplit

from perstream.errors import BackendUnavailable, ConfigError

CONNECT_S = 5.0


def pinned(url: str, fingerprint: str) -> ssl.SSLContext:
    """A context that accepts the certificate with this SHA-256 and no other, whatever names are in it.

    ``fingerprint`` is hexadecimal, colons or not, as ``perstream serve --lan`` prints it. The certificate is fetched
    once and compared before anything is sent. ConfigError when it is another; BackendUnavailable when nobody answers.
    """
    wanted = fingerprint.replace(":", "").replace(" ", "").lower()
    if len(wanted) != 64 or any(digit not in "0123456789abcdef" for digit in wanted):
        raise ConfigError("a fingerprint has 64 hexadecimal digits: the SHA-256 that perstream serve --lan prints")
    parts = urlsplit(url)
    try:
        shown = _shown(parts.hostname or "", parts.port or 443)
    except (OSError, ValueError) as error:
        raise BackendUnavailable(f"the daemon at {url} shows no certificate ({type(error).__name__})") from error
    if not hmac.compare_digest(hashlib.sha256(shown).hexdigest(), wanted):
        raise ConfigError(f"{url} shows another certificate than the one with that fingerprint: is it that machine?")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # The certificate itself is what is trusted: names say nothing beyond it.
    context.check_hostname = False
    context.load_verify_locations(cadata=shown)
    return context


def _shown(host: str, port: int) -> bytes:
    """The certificate, DER."""
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((host, port), CONNECT_S) as plain,
        unverified.wrap_socket(plain, server_hostname=host) as wrapped,
    ):
        return wrapped.getpeercert(binary_form=True) or b""
