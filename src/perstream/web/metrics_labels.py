"""Label values that a scraper can keep for months: printable, short, few, and without a login."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from perstream.daemon.status import without_login

LONGEST = 80
MOST = 100
"""Values of one label; what comes after them is summed up as ``other``."""
_QUERY = re.compile(r"(?<=[?#]).*", re.DOTALL)
_NOT_SHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def label(text: str) -> str:
    """``rtsp://me:secret@camera/1?token=x`` as ``rtsp://camera/1?…``."""
    shown = without_login(text)
    if "://" in shown:
        shown = _QUERY.sub("…", shown)
    shown = _NOT_SHOWN.sub("?", shown)
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


def labelled(values: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """Each label value once, in a fixed order; those that look alike, or are too many, are summed up."""
    found: dict[str, float] = {}
    for key, value in values.items():
        name = label(key)
        if name not in found and len(found) >= MOST:
            name = "other"
        found[name] = found.get(name, 0) + value
    yield from sorted(found.items())
