"""Takes secrets out of a text before it is stored, shown, logged or sent. Pure functions; time linear in the text.

Rules, not a model: each kind is found by its form and check digits, or by a word beside it, so that what is taken out can
be explained and tested, and a phone number, a price or the number of a locker stays.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from perstream.config_privacy import PrivacyConfig, Secret
from perstream.privacy.cards import cards
from perstream.privacy.identity import identities
from perstream.privacy.keys import keys
from perstream.privacy.passwords import passwords
from perstream.privacy.spans import Found, plain

KINDS: tuple[Secret, ...] = ("card", "password", "key", "identity")
WORDS: Mapping[str, tuple[str, str]] = {
    "card": ("card or account number", "card or account numbers"),
    "password": ("password", "passwords"),
    "key": ("key", "keys"),
    "identity": ("identity number", "identity numbers"),
}
"""Singular and plural of each kind, for a sentence."""
_DIGITS = re.compile(r"\d(?:\D*\d){2}")
_RUN = re.compile(r"[A-Za-z0-9_+/=.~\-]{12}")
_PASSWORD_SIGNS = tuple(
    "pass mdp contrase wachtwoord senha parola kennwort losung pwd pw wpa wifi wi-fi wlan network netzwerk security schl cl psk pin puk "
    "tan otp zahl code código secreto :// wifi: mt: x-hm mot".split()
)
"""Every password rule needs one of these; tests hold that none is missing."""
_SEED_SIGNS = ("seed", "phrase", "words", "mnemonic", "wörter", "frase")
_PIECE = 100_000
"""Characters looked at in one go; a longer text is cut at a line or space."""
_OVERLAP = 2_000


@dataclass(frozen=True, slots=True)
class Redaction:
    """A text without its secrets."""

    text: str
    found: Mapping[str, int] = field(default_factory=dict)
    """How many of each kind; empty when there was nothing."""
    spans: tuple[Found, ...] = ()
    """Where they stood in the original, in order, none overlapping."""


def redact(text: str, kinds: Collection[str] = KINDS, read: bool = False) -> Redaction:
    """``text`` with ``[card number]`` and the like in place of secrets. ``read`` is text that a camera read.

    What was redacted before stays as it is.
    """
    spans = secrets(text, kinds, read)
    if not spans:
        return Redaction(text)
    parts, place = [], 0
    for one in spans:
        parts += [text[place : one.start], f"[{one.label}]"]
        place = one.end
    return Redaction("".join([*parts, text[place:]]), Counter(one.kind for one in spans), spans)


def secrets(text: str, kinds: Collection[str] = KINDS, read: bool = False) -> tuple[Found, ...]:
    """The secrets in a text, in order, none overlapping: where two do, the longer one counts."""
    if not kinds or not text:
        return ()
    spelled = plain(text)
    found = [one for one in _in_pieces(spelled.text, read) if one.kind in kinds]
    chosen: list[Found] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if chosen and one.start < chosen[-1].end:
            if one.end > chosen[-1].end:  # they overlap: both go
                chosen[-1] = Found(chosen[-1].start, one.end, chosen[-1].kind, chosen[-1].label)
            continue
        chosen.append(one)
    return tuple(Found(*spelled.original(one.start, one.end), one.kind, one.label) for one in chosen)


def counted(found: Mapping[str, int]) -> str:
    """ "1 password and 2 keys"; empty for nothing."""
    parts = [f"{n} {WORDS[kind][n != 1]}" for kind, n in found.items() if n]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


class Redactor:
    """:func:`redact` with the kinds of the settings."""

    def __init__(self, config: PrivacyConfig) -> None:
        self.kinds = frozenset(config.redact)
        self.told = self.kinds if config.redact_told else frozenset()
        """Kinds taken out of what the owner says himself."""

    def of_world(self, text: str, read: bool = False) -> Redaction:
        """Of what was seen, heard or made by a model."""
        return redact(text, self.kinds, read)

    def of_owner(self, text: str) -> Redaction:
        """Of what the owner tells, corrects, asks or imports."""
        return redact(text, self.told)


def _in_pieces(text: str, read: bool) -> Iterator[Found]:
    start = 0
    while True:
        piece = text[start : start + _PIECE]
        for one in _all(piece, read):
            yield Found(one.start + start, one.end + start, one.kind, one.label)
        if start + _PIECE >= len(text):
            return
        start += _PIECE - _OVERLAP


def _all(text: str, read: bool) -> Iterator[Found]:
    """Everything found; finders that cannot find anything in this text are not asked, which most texts spare all of them."""
    numbers = _DIGITS.search(text) is not None
    if numbers:
        yield from cards(text, read)
    if numbers or "<" in text:
        yield from identities(text)
    low = text.casefold()
    if any(sign in low for sign in _PASSWORD_SIGNS):
        yield from passwords(text)
    if _RUN.search(text) is not None or any(sign in low for sign in _SEED_SIGNS):
        yield from keys(text)
