"""``perstream import`` as a person uses it: with answers that say where they come from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_world import Cli

from perstream.app import build
from perstream.config import ServerConfig
from perstream.settings import load
from perstream.web.server import Server

CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
UID:dentist
DTSTART;VALUE=DATE:20991203
SUMMARY:Dentist
LOCATION:Main St 5
END:VEVENT
BEGIN:VEVENT
UID:bad
DTSTART:nonsense
SUMMARY:Bad
END:VEVENT
END:VCALENDAR
"""
CONTACTS = "BEGIN:VCARD\nVERSION:3.0\nFN:Anna Smith\nTEL;TYPE=CELL:+49 170 1234567\nBDAY:1990-03-14\nEND:VCARD\n"


def test_calendar_and_contacts_answer(cli: Cli, tmp_path: Path) -> None:
    cli.use("builtin")
    (tmp_path / "work.ics").write_text(CALENDAR, encoding="utf-8")
    (tmp_path / "me.vcf").write_text(CONTACTS, encoding="utf-8")
    ran = cli("import", "work.ics")
    assert ran.out.splitlines() == [
        "imported 1 new thing from work.ics (calendar)",
        "1 thing skipped:",
        "  entry 2: it cannot be read",
    ]
    assert cli("import", "contacts", "me.vcf").code == 0
    for question, part, source in (
        (
            "When is my dentist appointment?",
            "3 December 2099 (from your calendar work.ics)",
            "import:calendar:work.ics",
        ),
        (
            "What is Anna's phone number?",
            "+49 170 1234567 (mobile) (from your contacts me.vcf)",
            "import:contacts:me.vcf",
        ),
        ("When is Anna's birthday?", "14 March 1990 (from your contacts me.vcf)", "import:contacts:me.vcf"),
    ):
        (reply,) = cli("ask", question, "--json").json
        assert part in reply["answer"]
        assert [one["source"] for one in reply["evidence"]] == [source]
    (reply,) = cli("ask", "What is Ben's phone number?", "--json").json
    assert reply["abstained"]


def test_again_doubles_nothing_and_forget_takes_it_back(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "work.ics"
    file.write_text(CALENDAR, encoding="utf-8")
    cli("remember", "I like tea")
    counts = ("new", "changed", "known", "gone", "skipped")
    for wanted in ([1, 0, 0, 0, 1], [0, 0, 1, 0, 1]):
        (done,) = cli("import", "work.ics", "--json").json
        assert [done[name] for name in counts] == wanted
    file.write_text(CALENDAR.replace("Main St 5", "Long Rd 1"), encoding="utf-8")
    (done,) = cli("import", "work.ics", "--json").json
    assert [done[name] for name in counts] == [0, 1, 0, 0, 1]
    assert "Long Rd 1" in cli("memories").out
    cli("forget", "--source", "import:calendar:work.ics", "--yes")
    assert [one["caption"] for one in cli("memories", "--json").json] == ["I like tea"]


def test_prune(cli: Cli, tmp_path: Path) -> None:
    note = tmp_path / "note.md"
    note.write_text("- My locker is number 9\n- My bike is red\n", encoding="utf-8")
    cli("import", "note.md")
    note.write_text("- My bike is red\n", encoding="utf-8")
    assert "1 from an earlier import are not in it any more: --prune forgets them" in cli("import", "note.md").out
    (done,) = cli("import", "note.md", "--prune", "--json").json
    assert (done["gone"], done["forgotten"]) == (1, 1)
    assert len(cli("memories", "--json").json) == 1


def test_a_note_that_is_gone_from_a_folder(cli: Cli, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "vault").mkdir(exist_ok=True)
        (tmp_path / f"vault/{name}.md").write_text(f"My key {name} is in the shed\n", encoding="utf-8")
    cli("import", "vault")
    assert len(cli("memories", "--source", "import:markdown:vault", "--json").json) == 2
    (tmp_path / "vault/b.md").unlink()
    (done,) = cli("import", "vault", "--prune", "--json").json
    assert (done["known"], done["gone"], done["forgotten"]) == (1, 1, 1)
    (left,) = cli("memories", "--json").json
    assert left["source"] == "import:markdown:vault/a.md"


def test_dry_run_remembers_nothing(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(json.dumps([{"id": 1, "memory": "User likes tea"}]), encoding="utf-8")
    assert cli("import", "mem0", "m.json", "--dry-run").out.splitlines() == ["I like tea", "1 thing would be told"]
    (item,) = cli("import", "mem0", "m.json", "--dry-run", "--json").json
    assert (item["text"], item["origin"], item["key"]) == ("I like tea", "mem0", "1")
    assert not cli.store.exists()


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("import", "missing.ics"), 7),
        (("import", "nonsense", "a.txt"), 2),
        (("import", "mem0", "a.txt"), 2),
        (("import", "calendar", "a.txt"), 2),
        (("import", "a", "b", "c"), 2),
        (("import", "text", "a.txt", "--user", "x"), 2),
    ],
)
def test_mistakes_are_told_in_one_line(cli: Cli, tmp_path: Path, args: tuple[str, ...], code: int) -> None:
    (tmp_path / "a.txt").write_text("I like tea", encoding="utf-8")
    ran = cli(*args)
    assert (ran.code, ran.out, ran.err.count("\n")) == (code, "", 1)


def test_a_running_daemon_is_told(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "work.ics").write_text(CALENDAR, encoding="utf-8")
    config = load(environ={}, overrides={"store": str(cli.store), "backend.name": "scripted"})
    with build(config) as app, Server(app, ServerConfig(port=0, max_body_kb=64), app.store):
        for wanted in ([1, 0], [0, 1]):
            (done,) = cli("import", "work.ics", "--json").json
            assert [done["new"], done["known"]] == wanted
        lines = "".join(f"- {number} {'word ' * 100}\n" for number in range(200))
        (tmp_path / "long.md").write_text(lines, encoding="utf-8")
        (done,) = cli("import", "long.md", "--json").json
        assert done["new"] == 200
        assert len(app.memories(limit=500)) == 201
