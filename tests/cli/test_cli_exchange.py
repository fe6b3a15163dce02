"""Memories to a file and from one, at the command line."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from cli_world import Cli

RECORD = {
    "participant_id": 1,
    "video_id": "v.mp4",
    "timestamp": "3.0",
    "caption": "",
    "split": "train",
    "type_1_memories": ["I drink tea.", "I wear black jackets."],
    "type_2_memories": ["I bought  a red bike last week."],
    "type": "passive",
    "question": "What do I drink?",
    "answer": "Tea.",
    "reference": ["(M1.1)"],
}


def test_export_and_import(cli: Cli, tmp_path: Path) -> None:
    cli("remember", "Anna likes tea")
    cli("remember", "Ben likes coffee — „schwarz“")
    (done,) = cli("memory", "export", "all.jsonl", "--json").json
    file = tmp_path / "all.jsonl"
    assert done["memories"] == 2
    assert done["bytes"] == file.stat().st_size
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (back,) = cli("memory", "import", "all.jsonl", "--store", "other", "--json").json
    assert back == {"file": "all.jsonl", "memories": 2, "known": 0, "gaps": 0, "embedded": 0, "redacted": 0}
    assert cli("memory", "export", "again.jsonl", "--store", "other").code == 0
    assert (tmp_path / "again.jsonl").read_bytes() == file.read_bytes()
    ran = cli("memory", "import", "all.jsonl")
    assert (ran.code, ran.out.splitlines()[1]) == (0, "2 were there already")


def test_an_existing_file_is_left_alone(cli: Cli, tmp_path: Path) -> None:
    cli("remember", "Anna likes tea")
    file = tmp_path / "all.jsonl"
    file.write_text("mine", encoding="utf-8")
    ran = cli("memory", "export", "all.jsonl")
    assert (ran.code, file.read_text(encoding="utf-8")) == (2, "mine")
    assert "--force" in ran.err
    assert cli("memory", "export", "all.jsonl", "--force").code == 0
    assert file.read_bytes().startswith(b'{"kind":"header"')
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.jsonl", "store"]


def test_export_of_nothing_leaves_no_file(cli: Cli, tmp_path: Path) -> None:
    ran = cli("memory", "export", "all.jsonl")
    assert (ran.code, "no memory store" in ran.err) == (5, True)
    cli("remember", "Anna likes tea")
    assert cli("memory", "export", "nowhere/all.jsonl").code == 5
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


@pytest.mark.parametrize(
    ("command", "name", "code"),
    [
        ("export", "all.csv", 2),
        ("import", "all.txt", 2),
        ("import", "missing.jsonl", 7),
        ("import", "missing.json", 7),
        ("import", "work.ics", 2),
    ],
)
def test_names_are_checked(cli: Cli, command: str, name: str, code: int) -> None:
    cli("remember", "Anna likes tea")
    ran = cli("memory", command, name)
    assert (ran.code, ran.out, ran.err.count("\n")) == (code, "", 1)


def test_a_bad_file_is_told_in_one_line(cli: Cli, tmp_path: Path) -> None:
    cli("remember", "Anna likes tea")
    cli("memory", "export", "all.jsonl")
    whole = (tmp_path / "all.jsonl").read_bytes()
    (tmp_path / "cut.jsonl").write_bytes(whole[:-40])
    ran = cli("memory", "import", "cut.jsonl", "--store", "other")
    assert (ran.code, ran.out, ran.err.count("\n")) == (5, "", 1)
    assert "nothing was imported" in ran.err
    assert cli("memories", "--store", "other", "--json").json == []


def test_graphml(cli: Cli, tmp_path: Path) -> None:
    cli("remember", "Anna likes tea")
    (done,) = cli("memory", "export", "graph.graphml", "--json").json
    from perstream.memory import graphml

    with (tmp_path / "graph.graphml").open("rb") as file:
        graph = graphml.read(file)
    assert (graph.number_of_nodes(), graph.number_of_edges()) == (done["nodes"], done["edges"])
    assert graph.nodes[("memory", 1)]["label"] == "Anna likes tea"


def test_dataset_records_are_told(cli: Cli, tmp_path: Path) -> None:
    other = {**RECORD, "participant_id": 2, "type_1_memories": ["I drink coffee."], "type_2_memories": []}
    (tmp_path / "data.json").write_text(json.dumps([RECORD, other, RECORD]), encoding="utf-8")
    ran = cli("memory", "import", "data.json")
    assert (ran.code, "--participant 1, 2" in ran.err) == (2, True)
    assert cli("memory", "import", "data.json", "--participant", "3").code == 2
    at = "2026-05-04T09:00:00+00:00"
    (done,) = cli("memory", "import", "data.json", "--participant", "1", "--at", at, "--json").json
    assert (done["memories"], done["known"]) == (3, 0)
    memories = cli("memories", "--json").json
    assert {m["caption"] for m in memories} == {
        "I drink tea.",
        "I wear black jackets.",
        "I bought a red bike last week.",
    }
    assert {(m["provenance"], m["observed_at"][:19]) for m in memories} == {("told", "2026-05-04T09:00:00")}
    assert any(t["object"] == "tea" for m in memories for t in m["triplets"])
    (again,) = cli("memory", "import", "data.json", "--participant", "1", "--json").json
    assert (again["memories"], again["known"]) == (0, 3)


def test_what_is_no_dataset_is_refused(cli: Cli, tmp_path: Path) -> None:
    for content in ("{}", "[]", "[1]", "{", json.dumps([RECORD, {**RECORD, "type_1_memories": "I"}])):
        (tmp_path / "data.json").write_text(content, encoding="utf-8")
        ran = cli("memory", "import", "data.json")
        assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1), content
    assert cli("memory", "import", "data.jsonl", "--participant", "1").code == 2
    assert cli("memories", "--json").json == []


@pytest.mark.parametrize("target", ["all.zip", "all"])
def test_everything_and_back(cli: Cli, tmp_path: Path, target: str) -> None:
    cli.use("builtin")
    cli("remember", "My locker is number 9")
    cli("remember", "Remind me tomorrow at 9 to call Anna")
    (done,) = cli("memory", "export", "--everything", target, "--json").json
    assert (done["memories"], done["days"]) == (2, 1)
    assert stat.S_IMODE((tmp_path / target).stat().st_mode) == (0o600 if target == "all.zip" else 0o700)
    assert cli("memory", "import", target, "--store", "other", "--json").json[0]["memories"] == 2
    assert cli("memory", "import", target, "--json").json[0]["known"] == 2
    question = ("ask", "Which number is my locker?", "--now", "2030-01-01T12:00:00", "--json")
    (first,), (second,) = cli(*question).json, cli(*question, "--store", "other").json
    assert (first["answer"], first["evidence"]) == (second["answer"], second["evidence"])
    assert "9" in first["answer"]
    ran = cli("memory", "export", "--everything", target)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [target, "other", "store"]


def test_mistakes_with_archives(cli: Cli, tmp_path: Path) -> None:
    cli("remember", "Anna likes tea")
    (tmp_path / "bad.zip").write_bytes(b"PK nonsense")
    (tmp_path / "empty").mkdir()
    for args, code in (
        (("memory", "import", "bad.zip"), 5),
        (("memory", "import", "empty"), 2),
        (("memory", "import", "missing.zip"), 7),
        (("memory", "export", "all.jsonl", "--no-vectors"), 2),
        (("memory", "export", "nowhere/all", "--everything"), 5),
        (("memory", "export", "nowhere/all.zip"), 5),
    ):
        ran = cli(*args)
        assert (ran.code, ran.out, ran.err.count("\n")) == (code, "", 1), args
    assert cli("memory", "export", "bad.zip", "--force").code == 0
    assert cli("memory", "import", "bad.zip", "--store", "other").code == 0
