"""Access keys and tokens in a text: by the forms that their issuers gave them, or by chance-like letters after a key word."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterator

from perstream.privacy.spans import Found

_B = r"(?<![A-Za-z0-9_])"
_FORMS = tuple(
    (re.compile(pattern), label)
    for pattern, label in (
        (_B + r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])", "access key"),
        (_B + r"gh[pousr]_[A-Za-z0-9]{30,255}", "access key"),
        (_B + r"github_pat_[A-Za-z0-9_]{40,255}", "access key"),
        (_B + r"gl(?:pat|dt|rt|cbt|ptt|ft|soat)-[A-Za-z0-9_\-]{20,64}", "access key"),
        (_B + r"xox[abeoprs]-[A-Za-z0-9\-]{10,250}", "access key"),
        (_B + r"xapp-\d-[A-Za-z0-9\-]{10,250}", "access key"),
        (r"hooks\.slack\.com/services/[A-Za-z0-9/]{20,100}", "access key"),
        (_B + r"AIza[A-Za-z0-9_\-]{35}", "access key"),
        (_B + r"ya29\.[A-Za-z0-9_\-]{20,300}", "access key"),
        (_B + r"GOCSPX-[A-Za-z0-9_\-]{20,60}", "access key"),
        (_B + r"sk-(?:[a-z]{2,12}\d{0,2}-)?[A-Za-z0-9_\-]{20,250}", "access key"),
        (_B + r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,250}", "access key"),
        (_B + r"whsec_[A-Za-z0-9+/=]{16,100}", "access key"),
        (_B + r"eyJ[A-Za-z0-9_\-]{8,2000}\.eyJ[A-Za-z0-9_\-]{4,4000}(?:\.[A-Za-z0-9_\-]{0,2000})?", "token"),
        (_B + r"hf_[A-Za-z0-9]{30,64}", "access key"),
        (_B + r"npm_[A-Za-z0-9]{30,64}", "access key"),
        (_B + r"pypi-[A-Za-z0-9_\-]{40,300}", "access key"),
        (_B + r"do[oprt]_v1_[a-f0-9]{64}", "access key"),
        (_B + r"SG\.[A-Za-z0-9_\-]{16,32}\.[A-Za-z0-9_\-]{16,64}", "access key"),
        (_B + r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}", "access key"),
        (_B + r"key-[a-f0-9]{32}(?![A-Za-z0-9])", "access key"),
        (_B + r"\d{8,10}:AA[A-Za-z0-9_\-]{33}(?![A-Za-z0-9_\-])", "access key"),
        (_B + r"AGE-SECRET-KEY-1[A-Z0-9]{30,80}", "private key"),
        (_B + r"[xyz]prv[1-9A-HJ-NP-Za-km-z]{80,120}", "private key"),
        (_B + r"(?:\d{6}-){7}\d{6}(?!\d)", "recovery key"),
        (
            _B + r"(?=[A-Z0-9\-]{0,28}\d)(?=[A-Z0-9\-]{0,28}[A-Z])(?:[A-Z0-9]{5}-){4}[A-Z0-9]{5}(?![A-Za-z0-9\-])",
            "product key",
        ),
    )
)
_WALLET = re.compile(_B + r"[5KL][1-9A-HJ-NP-Za-km-z]{50,51}(?![A-Za-z0-9])")
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,40}-----")
_PEM_BODY = re.compile(r"[A-Za-z0-9+/=\s]*")
_PEM_CHARS = 20_000
_AUTH = re.compile(r"(?i)\b(?:bearer|basic|authorization:\s{0,2}token)[ ]{1,3}(?P<value>[A-Za-z0-9._~+/=\-]{16,4000})")
_NAMED = re.compile(
    r"(?i)(?<![a-z])(?:api[ _\-]?key|(?:secret|access|auth|private|encryption|recovery|license|licence|master|session|refresh)"
    r"[ _\-]?(?:access[ _\-]?)?(?:key|token)(?:[ _\-]id)?|client[ _\-]?secret|secret|token|api[ _\-]?token|apikey|schl(?:ü|ue)ssel|cl[eé] api"
    r"|clave api|webhook)[\"']?(?:[ ]{0,2}(?:(?:[:=]|=>|->)|(?:is|ist|lautet|est|es)[ ])[ ]{0,2}|[ ]?\n[ ]?|[ ]{1,2})[\"'`]?(?P<value>[A-Za-z0-9_+/=.~\-]{12,512})"
)
_QUERY = re.compile(
    r"(?i)[?&#;](?:access_token|refresh_token|id_token|auth|auth_token|token|api_?key|key|secret|client_secret|sig|signature)="
    r"(?P<value>[^\s&#;\"'<>\[\]]{8,2000})"
)
_SEED = re.compile(
    r"(?i)\b(?:seed(?:[ -]?(?:phrase|words))?|(?:recovery|secret|backup|mnemonic|wallet)[ -]?(?:recovery[ -]?)?(?:phrase|words)|mnemonic"
    r"|wiederherstellungs(?:phrase|wörter)|phrase (?:de r[eé]cup[eé]ration|secr[eè]te)|frase (?:semilla|de recuperaci[oó]n))\b[^\n]{0,24}?[:\s]"
)
_SEED_WORD = re.compile(r"[\s,;/|]{0,3}(?:\d{1,2}[.):]?[ ]{0,2})?([a-z]{3,8})(?![A-Za-z\-'’])", re.I)
_LEAST_SEED = 12
_MOST_SEED = 24
_SEED_FILL = re.compile(
    r"(?i)(?:[ ]?(?:is|are|was|the|words|phrase|following|these|ist|sind|lautet|est|sont|es|son)\b:?){0,3}"
)
_ENTROPY = 3.0


def keys(text: str) -> Iterator[Found]:
    """Keys of known forms, private keys, bearer tokens, chance-like values of key words, wallet seeds."""
    for pattern, label in _FORMS:
        for match in pattern.finditer(text):
            yield Found(*match.span(), "key", label)
    for match in _WALLET.finditer(text):
        if _base58_checked(match.group()):
            yield Found(*match.span(), "key", "private key")
    place = 0
    while (head := _PEM.search(text, place)) is not None:
        following = text.find("-----BEGIN", head.end(), head.end() + _PEM_CHARS)
        limit = following if following >= 0 else min(len(text), head.end() + _PEM_CHARS)
        body = _PEM_END.search(text, head.end(), limit) or _PEM_BODY.match(text, head.end(), limit)
        place = body.end() if body is not None else head.end()
        yield Found(head.start(), place, "key", "private key")
    for pattern, label in ((_AUTH, "token"), (_NAMED, "key"), (_QUERY, "token")):
        for match in pattern.finditer(text):
            start, end = match.span("value")
            end = start + len(match["value"].rstrip(".,;"))
            if looks_random(text[start:end]):
                yield Found(start, end, "key", label)
    yield from _seeds(text)


def looks_random(value: str) -> bool:
    """Letters and digits without pattern: at least ``_ENTROPY`` bits a character, digits among them."""
    digits = sum(c.isdecimal() for c in value)
    letters = sum(c.isalpha() for c in value)
    if digits == 0 and not (any(map(str.islower, value[1:])) and sum(map(str.isupper, value[1:])) >= 3):
        return False
    if letters == 0 or (len(value) < 20 and digits < 2):
        return False
    counts = Counter(value)
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values()) >= _ENTROPY


def _base58_checked(code: str) -> bool:
    number = 0
    for letter in code:
        number = number * 58 + _BASE58.index(letter)
    raw = number.to_bytes(39, "big").lstrip(b"\0")
    return len(raw) > 4 and hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]


def _seeds(text: str) -> Iterator[Found]:
    place = 0
    while (cue := _SEED.search(text, place)) is not None:
        place = cue.end()
        start, count, at = -1, 0, _SEED_FILL.match(text, cue.end()).end()  # type: ignore[union-attr]
        while count < _MOST_SEED and (word := _SEED_WORD.match(text, at)) is not None:
            at = word.end()
            start = word.start(1) if start < 0 else start
            count += 1
        if count >= _LEAST_SEED:
            place = at
            yield Found(start, at, "key", "seed phrase")
