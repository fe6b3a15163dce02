"""Payment cards, accounts and card codes in a text.

A card number is 14 to 19 digits of an issuer's range with a right check digit (ISO/IEC 7812-1), together or in the
groups that cards have. Text read by a camera may have a digit wrong: there the groups of a card are enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from perstream.privacy.checks import iban, luhn
from perstream.privacy.spans import Found, beside

_DIGITS = re.compile(r"\d+")
_JOIN = re.compile(r"[ .\-]{1,3}|[ ]?\n[ ]?")
_MAX_GROUPS = 8
_CARD_WORDS = re.compile(
    r"(?i)\b(?:credit|debit|card|visa|master ?card|maestro|amex|american express|diners|discover|kreditkarte|girokarte"
    r"|debitkarte|karten?(?:nummer|nr)|valid thru|good thru|expires end|g(?:ü|ue)ltig bis|carte|tarjeta|carta di credito|pan)\b"
)
_OTHER_NUMBER = re.compile(
    r"(?i)\b(?:order|tracking|parcel|shipment|invoice|isbn|ean|gtin|imei|serial|ticket|booking|reference|ref|case|meter"
    r"|bestell\w*|sendung\w*|rechnung\w*|auftrag\w*|serien\w*|commande|facture|pedido|factura)\b[^\d\n]{0,16}$"
)
_LOOKALIKE = re.compile(
    r"(?<![\w])([0-9OoQDIlBSZ]{4})(?:[ \-.]{1,2}|\n)(?:[0-9OoQDIlBSZ]{4}(?:[ \-.]{1,2}|\n)){2}[0-9OoQDIlBSZ]{4}(?!\w)"
)
_MISREAD = str.maketrans("OoQDIlBSZ", "000011852")
_CODE = re.compile(
    r"(?i)\b(?:(?:cvv|cvc|cvv2|cvc2|cv2|kartenpr(?:ü|ue)fnummer|pr(?:ü|ue)fziffer der karte|cryptogramme)|(csc|cid|security code"
    r"|sicherheitscode|c[oó]digo de seguridad|code de s[eé]curit[eé]))\b(?:[ -]?(?:code|number|nr|no))?\.?(?:[ ](?:of|for|on|von|der|de)(?:[ ]\w{1,20}){1,4})?"
    r"[\s:=#]{0,4}(?:(?:is|ist|est|es)[ :]{1,2})?(\d{3,4})(?!\d)"
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ \-]?[A-Za-z0-9]){11,36}")
_IBAN_WORD = re.compile(r"(?i)\biban\b[\s:.]{0,4}$")
_LENGTHS = dict(
    part.split(":")
    for part in (
        "AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 DE:22 DK:18 DO:28 "
        "EE:20 EG:29 ES:24 FI:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 GT:28 HR:21 HU:28 IE:22 IL:23 IQ:23 IS:26 "
        "IT:27 JO:30 KW:30 KZ:20 LB:28 LC:32 LI:21 LT:20 LU:20 LV:21 MC:27 MD:24 ME:22 MK:19 MR:27 MT:31 MU:30 NL:18 "
        "NO:15 PK:24 PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 SA:24 SC:31 SE:24 SI:19 SK:24 SM:27 ST:25 SV:28 TL:23 TN:24 "
        "TR:26 UA:29 VA:22 VG:24 XK:20"
    ).split()
)
_ACCOUNT = re.compile(
    r"(?i)\b(?:(?:bank )?account (?:number|no|nr)|acct|konto(?:nummer|-?nr)|num[eé]ro de compte|n[uú]mero de cuenta"
    r"|routing (?:number|no)|sort code|bankleitzahl|blz)\b\.?[\s:=#]{0,4}(?:(?:is|ist|est|es)[ :]{1,2})?"
    r"(\d(?:[ \-]?\d){5,16})(?!\d)"
)


def cards(text: str, read: bool) -> Iterator[Found]:
    """Card numbers, card codes, IBANs and account numbers; ``read`` is text a camera read, with misread digits."""
    numbers = list(_numbers(text))
    yield from numbers
    if read:  # a right check digit says more than groups: a number beside the card is not drawn in
        sure = [(one.start, one.end) for one in numbers]
        yield from (one for one in _misread(text) if not any(a < one.end and one.start < b for a, b in sure))
    yield from _codes(text, bool(numbers))
    yield from _ibans(text)
    for match in _ACCOUNT.finditer(text):
        yield Found(*match.span(1), "card", "account number")


def _numbers(text: str) -> Iterator[Found]:
    run: list[tuple[int, int]] = []
    for match in _DIGITS.finditer(text):
        if run and (match.start() - run[-1][1] > 3 or not _JOIN.fullmatch(text, run[-1][1], match.start())):
            yield from _in_run(text, run)
            run = []
        run.append(match.span())
    yield from _in_run(text, run)


def _in_run(text: str, run: Sequence[tuple[int, int]]) -> Iterator[Found]:
    """Card numbers among groups of digits that follow each other."""
    first = 0
    while first < len(run):
        last = _card_from(text, run, first)
        if last is None:
            first += 1
            continue
        yield Found(run[first][0], run[last][1], "card", "card number")
        first = last + 1


def _card_from(text: str, run: Sequence[tuple[int, int]], first: int) -> int | None:
    if text[run[first][0]] not in "23456":
        return None
    digits = ""
    for last in range(first, min(len(run), first + _MAX_GROUPS)):
        digits += text[slice(*run[last])] if run[last][1] - run[last][0] <= 19 else "0" * 20
        if len(digits) > 19:
            return None
        if len(digits) >= 14 and _is_card(text, digits, run[first : last + 1]):
            return last
    return None


def _is_card(text: str, digits: str, groups: Sequence[tuple[int, int]]) -> bool:
    start, end = groups[0][0], groups[-1][1]
    if _wordy(text, start - 1) or _wordy(text, end) or text[max(0, start - 1) : start] == "+":
        return False
    sizes = [b - a for a, b in groups]
    if not _issued(digits, named=True):
        return False
    named = beside(text, start, end, _CARD_WORDS, 40)
    if not named and not _issued(digits, named=False):
        return False
    usual = _usual(sizes)
    if not luhn(digits):
        return named and usual and len(digits) == 16 and len(set(digits)) > 2
    if len(set(digits)) == 1:
        return False
    if len(sizes) == 1 and not named:
        return len(digits) in (15, 16) and not _OTHER_NUMBER.search(text[max(0, start - 40) : start])
    return named or usual


def _issued(digits: str, named: bool) -> bool:
    """Whether an issuer's range has numbers of this beginning and length."""
    size, two, three, four = len(digits), int(digits[:2]), int(digits[:3]), int(digits[:4])
    if digits[0] == "4":
        return size in (16, 19)
    if 51 <= two <= 55 or 2221 <= four <= 2720:
        return size == 16
    if two in (34, 37):
        return size == 15
    if two in (36, 38, 39) or 300 <= three <= 305:
        return size == 14
    if two in (62, 65) or four == 6011 or 644 <= three <= 649 or 3528 <= four <= 3589:
        return 16 <= size <= 19
    return named and two in (50, 56, 57, 58, 63, 67)


def _usual(sizes: Sequence[int]) -> bool:
    """Groups as on a card: fours (a reader may join two), 4-6-5, 4-6-4."""
    if sum(sizes) in (16, 19):
        return all(size % 4 == 0 for size in sizes[:-1]) and sizes[-1] % 4 in (0, 3)
    return list(sizes) in ([4, 6, 5], [4, 6, 4], [15], [10, 5], [4, 11], [10, 4], [4, 10])


def _misread(text: str) -> Iterator[Found]:
    for match in _LOOKALIKE.finditer(text):
        digits = match.group().translate(_MISREAD).replace(" ", "").replace("-", "").replace(".", "").replace("\n", "")
        real = sum(c.isdecimal() for c in match.group())
        if "\n" in match.group() and not _whole_lines(text, *match.span()):
            continue
        if real >= 12 and len(set(digits)) > 1 and _issued(digits, named=False):
            yield Found(*match.span(), "card", "card number")


def _codes(text: str, has_card: bool) -> Iterator[Found]:
    for match in _CODE.finditer(text):
        vague = match.group(1) is not None
        if not vague or has_card or _CARD_WORDS.search(text, max(0, match.start() - 60), match.end() + 30):
            yield Found(*match.span(2), "card", "card code")


def _ibans(text: str) -> Iterator[Found]:
    place = 0
    while (match := _IBAN.search(text, place)) is not None:
        place = match.start() + 4
        wanted = int(_LENGTHS.get(text[match.start() : match.start() + 2].upper(), 0))
        kept = [i for i in range(*match.span()) if text[i].isalnum()][:wanted]
        if not wanted or len(kept) < wanted or _wordy(text, kept[-1] + 1):
            continue
        named = beside(text, match.start(), match.end(), _IBAN_WORD, 12)
        if named or iban("".join(text[i] for i in kept).upper()):  # named, a digit may be wrong
            place = kept[-1] + 1
            yield Found(match.start(), place, "card", "account number")


def _whole_lines(text: str, start: int, end: int) -> bool:
    return text[start - 1 : start] in ("", "\n") and text[end : end + 1] in ("", "\n")


def _wordy(text: str, place: int) -> bool:
    return 0 <= place < len(text) and (text[place].isalnum() or text[place] == "_")
