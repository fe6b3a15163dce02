"""perstream privacy: what would be left out, and what was."""

from __future__ import annotations

from cli_world import Cli

CARD = "4111 1111 1111 1111"


def test_check_shows_what_would_be_left_out_and_stores_nothing(cli: Cli) -> None:
    checked = cli("privacy", "check", f"Locker 4417, card {CARD}, PIN 9081")
    assert checked.code == 0
    assert checked.out.splitlines() == [
        "Locker 4417, card [card number], PIN [PIN]",
        "would be left out: 1 card or account number and 1 password",
    ]
    assert cli("privacy", "check", "-", "--json", stdin=b"my locker is 4417").json == [
        {"text": "my locker is 4417", "found": {}}
    ]
    assert cli("privacy", "check", "4lll 1111 1111 1111", "--json").json[0]["found"] == {}
    assert cli("privacy", "check", "4lll 1111 1111 1111", "--read", "--json").json[0]["found"] == {"card": 1}
    assert cli("privacy", "check", " ").code == 2
    assert "nothing was left out yet" in cli("privacy", "log").out


def test_what_was_left_out_is_said_and_taken_down(cli: Cli) -> None:
    told = cli("remember", f"My card is {CARD}")
    assert "left out: 1 card or account number" in told.out
    assert CARD not in told.out
    assert cli("remember", "the wifi password is sunny-otter-42", "--json").json[0]["redacted"] == {"password": 1}
    assert "redacted" not in cli("remember", "I like tea", "--json").json[0]
    entries = cli("privacy", "log", "--json").json
    assert [(one["kind"], one["count"], one["origin"], one["source"]) for one in entries] == [
        ("password", 1, "told", None),
        ("card", 1, "told", None),
    ]
    assert set(entries[0]) == {"at", "kind", "count", "origin", "source"}
    assert "1 password told" in cli("privacy", "log", "-n", "1").out
    assert cli("status", "--json").json[0]["redacted"] == {"card": 1, "password": 1}
