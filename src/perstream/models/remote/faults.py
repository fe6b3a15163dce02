"""What a server's refusal means, in one line that says what to do. What the server said is cut, cleaned and keyless."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from perstream.errors import BackendError, BackendUnavailable
from perstream.models.remote.address import Address

SHOWN = 200
LONGEST_WAIT_S = 30.0
"""A server that asks to wait longer is left alone until then instead."""
_TOO_LONG = re.compile(
    r"context[ _](length|size|window)|maximum context|too (long|large|many tokens)|prompt is longer", re.IGNORECASE
)
_THING = r"(?:image|vision|multi-?modal|mmproj)"
_LACK = r"(?:\bnot\b|n't|\bno\b|at most 0)"
_NO_PICTURES = re.compile(f"{_THING}.{{0,80}}{_LACK}|{_LACK}.{{0,80}}{_THING}", re.IGNORECASE | re.DOTALL)


class ServerTrouble(BackendUnavailable):
    """A fault that may be gone in a moment: worth another try as long as nothing of the answer was said."""

    def __init__(self, message: str, after_s: float | None = None) -> None:
        super().__init__(message)
        self.after_s = after_s


class RateLimited(BackendUnavailable):
    """The server wants to be left alone for a long while."""

    def __init__(self, message: str, after_s: float) -> None:
        super().__init__(message)
        self.after_s = after_s


class UnknownModel(BackendUnavailable):
    """404: a wrong model name, or no such API at this address."""

    def __init__(self, message: str, said: str) -> None:
        super().__init__(message)
        self.said = said


class RequestRefused(BackendError):
    """The request itself was refused; another form of it may be taken."""

    def __init__(self, message: str, param: str, said: str) -> None:
        super().__init__(message)
        self.param = param
        self.said = said

    @property
    def about_pictures(self) -> bool:
        """Whether it was refused for the pictures in it."""
        return _NO_PICTURES.search(self.said) is not None


class RequestTooLong(BackendError):
    """The request does not fit into the model's context."""


def of_status(address: Address, model: str, status: int, headers: Mapping[str, str], body: bytes) -> BackendError:
    """The error for an answer with a status other than 200."""
    said, param, code = read(body)
    clean = cleaned(said, address.key)
    at = address.origin
    if 300 <= status < 400:
        return BackendUnavailable(
            f"{at} redirects elsewhere, and the key goes to no other address: set backend.base_url to the final one"
        )
    if status in (401, 403):
        what = (
            "refuses the key in OPENAI_API_KEY"
            if address.key
            else "wants a key: set OPENAI_API_KEY or put it into .env"
        )
        return BackendUnavailable(f"{at} {what} (status {status})")
    if status == 402 or code in ("insufficient_quota", "billing_hard_limit_reached"):
        return BackendUnavailable(f"the account at {at} has no credit left (status {status})")
    if status == 404:
        return UnknownModel(f"{at} has no model {model!r} or no such API (404); base_url usually ends in /v1", clean)
    if status == 413 or code == "context_length_exceeded" or (status in (400, 422, 500) and _TOO_LONG.search(said)):
        return RequestTooLong(
            f"the request is too long for {model!r} at {at}: give the server a longer context "
            f"or lower memory.top_k; it said: {clean}"
        )
    if status in (400, 415, 422, 501) or (status == 500 and _NO_PICTURES.search(said)):
        return RequestRefused(f"{at} refused the request (status {status}): {clean}", param, said[:2000])
    if status == 429:
        return _waiting(f"{at} is asked too often (429): {clean}", headers)
    if status in (408, 409) or status >= 500:
        return _waiting(f"{at} failed (status {status}): {clean}", headers)
    return BackendUnavailable(f"{at} answered with status {status}: {clean}")


def of_stream(address: Address, error: Any) -> BackendError:
    """The error for one that a server put into a stream it had begun well."""
    said, _, code = read(msgspec.json.encode({"error": error}))
    if code == "context_length_exceeded" or _TOO_LONG.search(said):
        return RequestTooLong(
            f"the request is too long for the model at {address.origin}: {cleaned(said, address.key)}"
        )
    return ServerTrouble(f"{address.origin} failed while answering: {cleaned(said, address.key)}")


def read(body: bytes) -> tuple[str, str, str]:
    """(message, parameter, code) of an error body in any of the forms that servers use."""
    try:
        tree = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        html = body.lstrip()[:1] == b"<"
        return ("(a web page)" if html else body[:2000].decode("utf-8", "replace")), "", ""
    error = tree.get("error", tree) if isinstance(tree, dict) else tree
    if not isinstance(error, dict):
        return str(error)[:2000], "", ""
    said = error.get("message") or error.get("detail") or error.get("error") or ""
    return (
        str(said)[:2000],
        str(error.get("param") or "")[:100],
        str(error.get("code") or error.get("type") or "")[:100],
    )


def cleaned(said: str, key: str) -> str:
    """One printable line of at most SHOWN characters without the key."""
    if key:
        said = said.replace(key, "***")
    line = " ".join("".join(c if c.isprintable() else " " for c in said).split())
    return (line[: SHOWN - 1] + "…" if len(line) > SHOWN else line) or "(nothing)"


def _waiting(message: str, headers: Mapping[str, str]) -> BackendError:
    seconds = _seconds(headers.get("retry-after", ""))
    if seconds is not None and seconds > LONGEST_WAIT_S:
        return RateLimited(f"{message}; it asks to be left alone for {seconds:.0f} s", seconds)
    return ServerTrouble(message, seconds)


def _seconds(after: str) -> float | None:
    """Retry-After (RFC 9110, 10.2.3): seconds or a date; at most an hour. None when it says nothing."""
    try:
        seconds = float(after) if after[:1].isdigit() else parsedate_to_datetime(after).timestamp() - time.time()
    except ValueError:
        return None
    return min(max(seconds, 0.0), 3600.0) if math.isfinite(seconds) else None
