"""Address books of three versions, and broken ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from perstream.errors import ConfigError
from perstream.imports.contacts import read_contacts
from perstream.imports.item import Imported, Skipped

THREE = """BEGIN:VCARD
VERSION:3.0
UID:1
FN:Anna Smith
N:Smith;Anna;;;
NICKNAME:Annie
TEL;TYPE=CELL,VOICE:+49 170 1234567
TEL;TYPE=WORK:+49 30 998877
TEL;TYPE=WORK,FAX:+49 30 998878
EMAIL;TYPE=INTERNET,WORK:anna@acme.example
ADR;TYPE=HOME:;;Main St 5;Berlin;;10115;Germany
ADR;TYPE=WORK:;;Long Rd 1;Berlin;;10117;
BDAY:1990-03-14
ORG:ACME;Research
TITLE:Engineer
NOTE:Allergic to cats\\, likes tulips.
PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD
 /9j/4AAQSkZJRgABAQAAAQABAAD
END:VCARD
"""
TWO = """BEGIN:VCARD
VERSION:2.1
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=B6rg;;;
FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=B6rg M=C3=BCller
TEL;CELL:+49 170 1
ADR;HOME;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:;;Hauptstra=C3=9Fe 5=
 b;Berlin;;10115;Germany
PHOTO;JPEG;ENCODING=BASE64:
 /9j/4AAQSkZJRgABAQAAAQABAAD

BDAY:19800214
END:VCARD
"""
FOUR = """BEGIN:VCARD
VERSION:4.0
FN:Ben
TEL;VALUE=uri;TYPE="voice,cell":tel:+1-555-555
item1.EMAIL:ben@x.example
item1.X-ABLabel:_$!<Work>!$_
BDAY:--0314
END:VCARD
"""


def found(tmp_path: Path, text: str | bytes) -> list[Imported | Skipped]:
    file = tmp_path / "me.vcf"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read_contacts(file))


def texts(things: list[Imported | Skipped]) -> list[str]:
    return [thing.text if isinstance(thing, Imported) else f"! {thing.why}" for thing in things]


def test_three(tmp_path: Path) -> None:
    things = found(tmp_path, THREE)
    assert texts(things) == [
        "Anna Smith works at ACME, Research as Engineer.",
        "Anna Smith is also called Annie.",
        "Anna Smith's phone numbers are +49 170 1234567 (mobile) and +49 30 998877 (work).",
        "Anna Smith's fax number is +49 30 998878.",
        "Anna Smith's email address is anna@acme.example (work).",
        "Anna Smith lives at Main St 5, 10115 Berlin, Germany (home address).",
        "Anna Smith's address is Long Rd 1, 10117 Berlin (work).",
        "Anna Smith's birthday is on 14 March 1990.",
        "About Anna Smith: Allergic to cats, likes tulips.",
    ]
    assert {thing.origin for thing in things if isinstance(thing, Imported)} == {"contacts:me.vcf"}


def test_two_and_four(tmp_path: Path) -> None:
    assert texts(found(tmp_path, TWO + FOUR)) == [
        "Jörg Müller's phone number is +49 170 1 (mobile).",
        "Jörg Müller lives at Hauptstraße 5 b, 10115 Berlin, Germany (home address).",
        "Jörg Müller's birthday is on 14 February 1980.",
        "Ben's phone number is +1-555-555 (mobile).",
        "Ben's email address is ben@x.example (work).",
        "Ben's birthday is on 14 March.",
    ]


def test_keys_stay_when_values_change(tmp_path: Path) -> None:
    before = {t.key: t.text for t in found(tmp_path, THREE) if isinstance(t, Imported)}
    after = {t.key: t.text for t in found(tmp_path, THREE.replace("1234567", "7654321")) if isinstance(t, Imported)}
    assert before.keys() == after.keys()
    assert sum(before[key] != after[key] for key in before) == 1


@pytest.mark.parametrize(
    "card",
    [
        "BEGIN:VCARD\nVERSION:3.0\nTEL:1\nEND:VCARD\n",
        "BEGIN:VCARD\nVERSION:3.0\nEND:VCARD\n",
        "BEGIN:VCARD\nVERSION:2.1\nFN;ENCODING=QUOTED-PRINTABLE:=ZZ=\n=\nTEL;ENCODING=BASE64:!!!\nEND:VCARD\n",
        "BEGIN:VCARD\nVERSION:3.0\nFN:Big\nNOTE:" + "y" * 70_000 + "\nEND:VCARD\n",
    ],
)
def test_a_broken_one_costs_itself_only(tmp_path: Path, card: str, capfd: pytest.CaptureFixture[str]) -> None:
    things = found(tmp_path, card + FOUR)
    assert "Ben's birthday is on 14 March." in texts(things)
    assert capfd.readouterr() == ("", "")


def test_bad_lines_and_values_are_passed_over(tmp_path: Path) -> None:
    card = "BEGIN:VCARD\nVERSION:3.0\nFN:Cleo\u202e\u0007\ngarbage\n:::\nBDAY:1990-13-99\nTEL:\nTEL:5\nEND:VCARD\n"
    assert texts(found(tmp_path, card)) == ["Cleo's phone number is 5."]


def test_what_is_no_address_book(tmp_path: Path) -> None:
    for raw in (b"", b"hello", b"\x00\x01"):
        with pytest.raises(ConfigError):
            found(tmp_path, raw)
