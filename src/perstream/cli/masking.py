"""Secrets taken out of what is logged: whatever a library puts into a message, no token, login or ticket stays in it."""

from __future__ import annotations

import re

from perstream.privacy.redact import redact

HIDDEN = "***"
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # rtsp://user:secret@camera
    (re.compile(r"(?<=://)[^/@\s\"']+@"), f"{HIDDEN}@"),
    # Authorization: Bearer …; {"authorization": "Bearer …"}
    (re.compile(r"\b(Bearer|Basic)\s+[^\s\"',;]+", re.IGNORECASE), rf"\1 {HIDDEN}"),
    # /clip/TICKET and /api/webhook/ID: the address is the key
    (re.compile(r"(/clip/|/webhooks?/)[^\s\"'?#/]+", re.IGNORECASE), rf"\1{HIDDEN}"),
    # ?token=…, "password": "…", api_key=…
    (
        re.compile(
            r"((?:token|ticket|password|passwd|passphrase|pwd|secret|api[_-]?key|access[_-]?key|credential|code)s?"
            r"[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;}\])]+",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"\bsk-[A-Za-z0-9_-]{8,}"), HIDDEN),
)
_LONG_WORD = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{32,}(?![A-Za-z0-9_-])")


def masked(text: str) -> str:
    """``text`` with ``***`` in the place of what looks like a secret, and without those that memory leaves out, too."""
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return redact(_LONG_WORD.sub(_unless_plain, text)).text


def _unless_plain(found: re.Match[str]) -> str:
    """A long word of mixed letters and digits is a token; names and hexadecimal digests are not."""
    word = found[0]
    kinds = (str.isupper, str.islower, str.isdigit)
    return HIDDEN if all(any(kind(letter) for letter in word) for kind in kinds) else word
