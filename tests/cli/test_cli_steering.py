"""Nothing that was read from the world steers a terminal, whichever way it is printed."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perstream.cli import main, output
from perstream.errors import ConfigError
from perstream.jsonlines import dump_line

ORDERS = (
    "\x1b]0;owned\x07\x1b[2J\x1b[31mred",
    "\x9b2Jwiped \x9d0;title\x9c",
    "\u202eevil\u2066 \u200f\u061c",
    "line\r\x08\x08over\x7f",
    "a\u2028b\u2029c",
)
STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


@pytest.mark.parametrize("order", ORDERS)
def test_lines_for_people(order: str, capsys: pytest.CaptureFixture[str]) -> None:
    output.say(order)
    output.paragraph(order)
    output.table([(order, order)])
    assert not STEERS.search(capsys.readouterr().out)


@pytest.mark.parametrize("order", ORDERS)
def test_lines_for_programs(order: str, capsys: pytest.CaptureFixture[str]) -> None:
    output.emit({"caption": order, order: [order]})
    line = capsys.readouterr().out.rstrip("\n")
    assert not STEERS.search(line)
    assert json.loads(line) == {"caption": order, order: [order]}


@given(st.text())
def test_json_comes_back_as_it_went(text: str) -> None:
    line = dump_line({"text": text})
    assert json.loads(line) == {"text": text}
    assert not any(unicodedata.category(letter) == "Cc" for letter in line)


def test_errors(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(**_: object) -> None:
        raise ConfigError(f"no source {ORDERS[0]}{ORDERS[1]}")

    monkeypatch.setattr(main, "app", fail)
    with pytest.raises(SystemExit):
        main.main()
    assert not STEERS.search(capsys.readouterr().err)
