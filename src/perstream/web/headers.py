"""Headers that every answer carries unless its route sets its own."""

from __future__ import annotations

POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""Data is no page: should a browser show it as one, nothing in it runs and nothing is fetched."""
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing from elsewhere, no inline script: text read from the world can do nothing but stand there."""
PAGE_PERMISSIONS = "camera=(self), microphone=(self), geolocation=(), display-capture=(), usb=(), payment=()"
NO_PERMISSIONS = "camera=(), microphone=(), geolocation=(), display-capture=(), usb=(), payment=()"
STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=2592000")
"""Of the door that speaks TLS; for 30 days."""
ALWAYS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", POLICY.encode("ascii")),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", NO_PERMISSIONS.encode("ascii")),
    (b"cache-control", b"no-store"),
)


def completed(given: list[tuple[bytes, bytes]], *, tls: bool) -> list[tuple[bytes, bytes]]:
    """The headers of an answer with those that it lacks."""
    names = {name.lower() for name, _ in given}
    wanted = (*ALWAYS, STRICT_TRANSPORT) if tls else ALWAYS
    return [*given, *(pair for pair in wanted if pair[0] not in names)]
