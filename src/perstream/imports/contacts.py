"""Address books (.vcf, vCard 2.1, 3.0 and 4.0): what is known about each person, one sentence each. Needs vobject."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from perstream.errors import BackendUnavailable, ConfigError
from perstream.imports.files import decoded, key_for, read_bytes, short_name, tidy
from perstream.imports.item import Found, Imported, Skipped
from perstream.imports.recurrence import day_text

MAX_CARD = 64 * 1024
"""Characters of one card, pictures left out."""
MAX_VALUES = 20
"""Numbers, addresses and so on of one person."""
_NAME = re.compile(r"^(?:[\w-]{1,40}\.)?([A-Za-z][\w-]{0,60})(?=[;:])")
_BINARY = frozenset({"PHOTO", "LOGO", "SOUND", "KEY", "X-ABCROP-RECTANGLE", "X-IMAGETYPE"})
_BROKEN = (ValueError, TypeError, KeyError, AttributeError, IndexError, LookupError, RecursionError)
_KINDS = {"cell": "mobile", "iphone": "mobile", "mobile": "mobile", "work": "work", "home": "home", "fax": "fax"}
_DATE = re.compile(r"^(\d{4})-?(\d\d)-?(\d\d)(?:T.*)?$")
_NO_YEAR = re.compile(r"^--(\d\d)-?(\d\d)$")
_LABEL = re.compile(r"^_\$!<(.{1,40})>!\$_$")


def read_contacts(path: Path) -> Iterator[Found]:
    """Numbers, addresses, birthdays and so on of each person. Pictures are left out."""
    try:
        import vobject
    except ImportError as error:
        raise BackendUnavailable("contacts need: pip install 'perstream[imports]' (vobject is missing)") from error
    text = decoded(read_bytes(path), path)
    if "BEGIN:VCARD" not in text[:100_000].upper():
        raise ConfigError(f"{path} is no address book: it does not say BEGIN:VCARD")
    origin = f"contacts:{short_name(path)}"
    seen: set[str] = set()
    for number, card in enumerate(_cards(text), start=1):
        where = f"contact {number}"
        if card is None:
            yield Skipped(where, f"it is longer than {MAX_CARD} characters")
            continue
        try:
            with _quiet():
                parsed = next(vobject.readComponents(card, allowQP=True, ignoreUnreadable=True), None)
            facts = list(_facts(parsed)) if parsed is not None else []
        except (*_BROKEN, vobject.base.VObjectError):
            yield Skipped(where, "it cannot be read")
            continue
        if not facts:
            yield Skipped(where, "it has no name, or says nothing about it")
        for key, sentence in facts:
            again = key if key not in seen else f"{key}/{number}"
            seen.add(again)
            yield Imported(origin, again, sentence, revises=False)


def _cards(text: str) -> Iterator[str | None]:
    """Each card as text without pictures and what is no property; None for one that is too long."""
    block: list[str] | None = None
    size, skipping, soft = 0, False, False
    for line in text.splitlines():
        mark = line.strip().upper()
        if mark == "BEGIN:VCARD":
            block, size, skipping, soft = [mark], 0, False, False
        elif block is None:
            continue
        elif mark == "END:VCARD":
            yield "\r\n".join([*block, mark, ""]) if size <= MAX_CARD else None
            block = None
        else:
            name = _NAME.match(line)
            if name is not None and not soft:
                skipping = name[1].upper() in _BINARY
            elif not soft and line[:1] not in (" ", "\t"):
                skipping = True
            if not skipping:
                size += len(line)
                soft = line.endswith("=") and (soft or "QUOTED-PRINTABLE" in line.upper())
                if size <= MAX_CARD:
                    block.append(line)


def _facts(card: Any) -> Iterator[tuple[str, str]]:
    """(key, sentence) of a card; nothing for one without a name."""
    children = [child for child in card.getChildren() if hasattr(child, "params")]
    labels = {c.group: _label(str(c.value)) for c in children if c.name == "X-ABLABEL" and c.group}
    name = _name_of(children)
    if not name:
        return
    uid = next((tidy(str(c.value))[:200] for c in children if c.name == "UID"), "") or name
    said: dict[str, list[str]] = {}
    for child in children:
        for what, value in _said(child, labels):
            held = said.setdefault(what, [])
            if value and value not in held and len(held) < MAX_VALUES:
                held.append(value)
    job = said.pop("job", [])
    where = said.pop("company", [])
    if where or job:
        role = f" as {job[0]}" if job else ""
        yield key_for(uid, "job"), f"{name} works at {where[0]}{role}." if where else f"{name} works{role}."
    for what, values in said.items():
        if not values:
            continue
        if what == "home":
            sentence = f"{name} lives at {' and at '.join(values)} (home address)."
        elif what == "note":
            sentence = f"About {name}: {values[0]}"
        elif what == "nickname":
            sentence = f"{name} is also called {' and '.join(values)}."
        elif what in ("birthday", "anniversary"):
            sentence = f"{name}'s {what} is on {values[0]}."
        elif len(values) == 1:
            sentence = f"{name}'s {what} is {values[0]}."
        else:
            sentence = f"{name}'s {what}{'es' if what.endswith('s') else 's'} are {' and '.join(values)}."
        yield key_for(uid, what), sentence


def _said(child: Any, labels: dict[str, str]) -> Iterator[tuple[str, str]]:
    """What a property is called in a sentence, and its value in words."""
    name, value = child.name.upper(), child.value
    kind = _kind(child, labels)
    if name == "TEL":
        number = tidy(str(value)).removeprefix("tel:")[:60]
        yield "fax number" if kind == "fax" else "phone number", _marked(number, "" if kind == "fax" else kind)
    elif name == "EMAIL":
        address = tidy(str(value)).removeprefix("mailto:")[:200]
        yield "email address", _marked(address, "" if kind in ("mobile", "fax") else kind)
    elif name == "ADR":
        city = f"{_flat(value.code)} {_flat(value.city)}"
        parts = (value.box, value.extended, value.street, city, value.region, value.country)
        home = kind in ("", "home")
        where = ", ".join(p for p in map(_flat, parts) if p)[:400]
        yield "home" if home else "address", where if home else _marked(where, kind)
    elif name in ("BDAY", "ANNIVERSARY", "X-ANNIVERSARY"):
        yield "birthday" if name == "BDAY" else "anniversary", _date(tidy(str(value)))
    elif name == "X-ABDATE" and labels.get(child.group, "").lower() == "anniversary":
        yield "anniversary", _date(tidy(str(value)))
    elif name == "ORG":
        yield "company", ", ".join(p for p in map(_flat, value if isinstance(value, list) else [value]) if p)[:200]
    elif name in ("TITLE", "ROLE"):
        yield "job", tidy(str(value))[:100]
    elif name == "NICKNAME":
        yield "nickname", _flat(value)[:100]
    elif name == "URL":
        yield "website", tidy(str(value))[:300]
    elif name == "NOTE":
        yield "note", tidy(str(value))[:1000]


def _name_of(children: list[Any]) -> str:
    for wanted in ("FN", "N", "NICKNAME", "ORG"):
        for child in children:
            if child.name.upper() != wanted:
                continue
            if wanted == "N":
                n = child.value
                name = " ".join(p for p in (_flat(n.given), _flat(n.additional), _flat(n.family)) if p)
            else:
                name = _flat(child.value)
            name = tidy(name)[:120].strip(" .,;")
            if any(letter.isalpha() for letter in name):
                return name
    return ""


def _marked(value: str, kind: str) -> str:
    return f"{value} ({kind})" if value and kind else value


def _kind(child: Any, labels: dict[str, str]) -> str:
    """ "work", "mobile", or nothing; of a telephone's types the one that says most."""
    types = [*child.params.get("TYPE", ()), *child.singletonparams]
    words = {word.strip(" \"'").lower() for one in types for word in str(one).split(",")}
    if child.group and child.group in labels:
        words.add(labels[child.group].lower())
    for word, said in _KINDS.items():
        if word in words:
            return "fax" if "fax" in words else said
    return ""


def _label(text: str) -> str:
    found = _LABEL.match(text)
    return tidy(found[1] if found else text)[:40]


def _date(text: str) -> str:
    whole, part = _DATE.match(text), _NO_YEAR.match(text)
    try:
        if whole is not None and int(whole[1]) > 1604:  # Apple's year for none
            return day_text(date(int(whole[1]), int(whole[2]), int(whole[3])))
        if whole is not None or part is not None:
            month, day = (int(whole[2]), int(whole[3])) if whole else (int(part[1]), int(part[2])) if part else (0, 0)
            return day_text(date(2000, month, day)).removesuffix(" 2000")
    except ValueError:
        return ""
    return ""


def _flat(value: Any) -> str:
    """A value that may be a list of parts, in one line."""
    return tidy(" ".join(str(part) for part in value) if isinstance(value, (list, tuple)) else str(value))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's own log, which quotes what it cannot read."""
    logger = logging.getLogger("vobject.base")

    def nothing(_: logging.LogRecord) -> bool:
        return False

    logger.addFilter(nothing)
    try:
        yield
    finally:
        logger.removeFilter(nothing)
