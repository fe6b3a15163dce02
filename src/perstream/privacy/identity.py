"""Numbers of persons and their papers in a text: by form and check digit, and where that says too little by a word beside."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from perstream.privacy import checks
from perstream.privacy.spans import Found, beside

_SEP = re.compile(r"[ .\-/]")


@dataclass(frozen=True)
class _Form:
    """One kind of number."""

    pattern: re.Pattern[str]
    check: Callable[[str], bool] = bool
    """Of the compact upper-case number."""
    words: re.Pattern[str] | None = None
    """One of them must stand beside."""


def _words(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?i)(?<![a-z])(?:{text})(?![a-z])")


def _number(pattern: str, flags: int = 0) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w])(?<![\w][\-+/])(?<!\+){pattern}(?![\w])(?!-\d)", flags)


_SSN_WORDS = _words(r"ssn|itin|social[ -]security(?:[ -](?:number|no))?|soc sec")
_TAX_DE = _words(
    r"steuer-?id(?:entifikationsnummer)?(?:-?nr)?|identifikationsnummer|idnr|tin|tax[ -](?:id|number|identification)|steuernummer|steuerliche"
)
_CARD_DE = _words(
    r"(?:personal)?ausweis(?:nummer|-?nr)?|identity card|id[ -]?card|carte d'identit[eé]|id[ -](?:number|no)"
)
_FORMS = (
    _Form(_number(r"(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}")),
    _Form(_number(r"(?!000|666)\d{3}[ .]?\d{2}[ .]?(?!0000)\d{4}|9\d{2}-\d{2}-\d{4}"), words=_SSN_WORDS),
    _Form(_number(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ ]\d{2}[ ]\d{2}[ ]\d{2}[ ][A-D]")),
    _Form(
        _number(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?(?:\d ?){6}[A-D]", re.I),
        words=_words(r"national insurance|nino?|ni (?:number|no)"),
    ),
    _Form(_number(r"\d{2}[ .]?\d{3}[ .]?\d{3}[ .]?\d{3}"), checks.tax_id_de, _TAX_DE),
    _Form(_number(r"[CFGHJKLMNPRTVWXYZ][0-9CFGHJKLMNPRTVWXYZ]{8}\d"), checks.weighted731, _CARD_DE),
    _Form(
        _number(r"[LMNPRTVWXYCFGHJK][0-9CFGHJKLMNPRTVWXYZ]{8}"), lambda n: sum(c.isdecimal() for c in n) >= 2, _CARD_DE
    ),
    _Form(
        _number(
            r"[12][ .]?\d{2}[ .]?(?:0[1-9]|1[0-2]|[2-9]\d)[ .]?(?:\d{2}|2[AB])[ .]?\d{3}[ .]?\d{3}[ .\-/]{0,3}\d{2}"
        ),
        checks.nir_fr,
    ),
    _Form(_number(r"(?:\d{8}|\d{2}\.\d{3}\.\d{3}|[XYZ][- ]?\d{7})[- ]?[A-HJ-NP-TV-Z]"), checks.dni_es),
    _Form(
        _number(r"[A-Z]{6}[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z]", re.I),
        checks.codice_fiscale,
    ),
    _Form(
        _number(r"\d{4}[ .]?\d{2}[ .]?\d{3}"),
        checks.bsn_nl,
        _words(r"bsn|burgerservicenummer|sofi-?nummer|citizen service number"),
    ),
    _Form(_number(r"\d{3}[ .]\d{3}[ .]\d{3}"), checks.bsn_nl, _words(r"bsn|burgerservicenummer|sofi-?nummer")),
    _Form(_number(r"756\.\d{4}\.\d{4}\.\d{2}"), checks.ean13),
    _Form(
        _number(r"\d{3}[ \-]?\d{3}[ \-]?\d{3}"), checks.luhn, _words(r"social insurance(?: (?:number|no))?|(?-i:SIN)")
    ),
    _Form(_number(r"[2-9]\d{3}[ \-]?\d{4}[ \-]?\d{4}"), words=_words(r"aadhaar|aadhar|uidai")),
    _Form(_number(r"[A-Z9]{5}\d[0156]\d[0-3]\d{2}[A-Z9]{2}[A-Z0-9]{3}")),
)
_FILL = r"[ \-]?(?:(?:no|nr|num|number|nummer|num[eé]ro|n[uú]mero|id|document|n°|nº)\b\.?)?[\s:#=]{0,4}(?:(?:is|ist|lautet|est|es|è)[ :]{1,2})?"
_PAPER = re.compile(
    r"(?i)\b(?:passport|(?:reise)?pass(?:nummer|nr)|reisepass|passeport|pasaporte|passaporto|paspoort|passport card"
    r"|driver'?s?[ ]licen[cs]e|driving licen[cs]e|f(?:ü|ue)hrerschein(?:nummer|nr)?|permis de conduire|(?:carnet|permiso) de conducir|patente di guida"
    r"|rijbewijs|personalausweis(?:nummer|nr)?|ausweisnummer|identity card|residence permit|aufenthaltstitel|health insurance|versichertennummer"
    r"|krankenversichertennummer)\b" + _FILL + r"(?P<value>(?-i:[A-Z0-9](?:[ \-]?[A-Z0-9]){5,17}))(?![A-Za-z0-9])"
)
_MRZ = re.compile(r"[A-Z0-9<«‹]{2}[A-Z0-9<«‹ ]{22,58}")
_DATE = re.compile(r"(?:19|20)\d{6}|\d{1,2}[ \-]\d{1,2}[ \-]\d{2,4}|\d{4}-\d{2}-\d{2}")


def identities(text: str) -> Iterator[Found]:
    """Social security, tax, citizen and insurance numbers, those of passports and licences, machine-readable lines."""
    for form in _FORMS:
        for match in form.pattern.finditer(text):
            if form.words is not None and not beside(text, *match.span(), form.words, 48, 20):
                continue
            if form.check(_SEP.sub("", match.group()).upper()):
                yield Found(*match.span(), "identity", "identity number")
    for match in _PAPER.finditer(text):
        value = _without_words(match["value"])
        digits = sum(c.isdecimal() for c in value)
        if digits >= 4 and len(_SEP.sub("", value)) >= 6 and not _DATE.fullmatch(value):
            yield Found(match.start("value"), match.start("value") + len(value), "identity", "document number")
    for match in _MRZ.finditer(text):
        line = match.group().rstrip(" ")
        if _machine_readable(line):
            yield Found(match.start(), match.start() + len(line), "identity", "document lines")


def _without_words(value: str) -> str:
    """The number alone: what follows it without any digit is another word."""
    parts = value.split(" ")
    while len(parts) > 1 and not any(map(str.isdecimal, parts[-1])):
        parts.pop()
    return " ".join(parts)


def _machine_readable(line: str) -> bool:
    """ICAO 9303: names and fillers, or a number with its check digits and a filler."""
    compact = line.replace(" ", "")
    fillers = sum(c in "<«‹" for c in compact)
    if not 24 <= len(compact) <= 48 or len(compact) - fillers < 8:
        return False
    return fillers >= 2 and (
        any(pair in compact for pair in ("<<", "««", "‹‹")) or sum(map(str.isdecimal, compact)) >= 12
    )
