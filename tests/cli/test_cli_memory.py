"""Telling, asking, searching, listing, drawing and forgetting from the command line."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from cli_world import Cli


def test_a_told_fact_is_answered_with_evidence(cli: Cli) -> None:
    told = cli("remember", "The spare key is under the blue pot", "--json")
    assert told.code == 0
    (reply,) = cli("ask", "Where is the spare key?", "--json").json
    assert reply["answer"] == "The spare key is under the blue pot"
    assert reply["abstained"] is False
    assert set(reply) == {"question", "answer", "abstained", "evidence", "timings_ms"}
    (evidence,) = reply["evidence"]
    assert evidence["memory_id"] == told.json[0]["memory_id"]
    assert evidence["provenance"] == "told"
    assert set(evidence) == {"memory_id", "caption", "provenance", "source", "start_s", "end_s", "observed_at", "score"}


def test_no_memory_of_that(cli: Cli) -> None:
    asked = cli("ask", "Where is my passport?")
    assert (asked.code, asked.out.strip()) == (0, "I have no memory of that.")
    assert cli("ask", "Where is my passport?", "--json").json[0]["abstained"] is True


def test_facts_from_standard_input(cli: Cli) -> None:
    assert len(cli("remember", "-", "--json", stdin="Eins\nZwei ä\n\n".encode()).json) == 2


def test_recall_lists_and_explains(cli: Cli) -> None:
    cli("remember", "Anna likes green tea")
    (hit,) = cli("recall", "green tea", "--json").json
    assert hit["caption"] == "Anna likes green tea"
    assert isinstance(hit["score_parts"], dict)
    assert isinstance(hit["path"], list)
    assert "via" in cli("recall", "tea", "--explain").out
    assert cli("recall", "tea", "--until", "2020-01-01").out.strip() == "nothing found"


def test_memories_and_graph(cli: Cli, tmp_path: Path) -> None:
    assert "nothing is remembered yet" in cli("memories").out
    cli("remember", "Anna likes <b>tea</b>")
    (record,) = cli("memories", "--json").json
    assert {"category", "entities", "pinned", "granularities"} <= set(record)
    assert "anna · then · b" in cli("graph").out
    assert cli("graph", "-o", str(tmp_path / "g.html")).code == 0
    page = (tmp_path / "g.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;tea" in page
    assert "<b>tea" not in page
    assert cli("graph", "-o", str(tmp_path / "g.gif")).code == 2
    assert any(line.get("kind") == "memory" for line in cli("graph", "--json").json)


def test_forget_asks_shows_and_forgets(cli: Cli) -> None:
    cli("remember", "The code is 4711")
    cli("remember", "Anna likes tea")
    assert cli("forget", "--text", "4711", "--dry-run").out.startswith("would forget 1 memories")
    assert len(cli("memories", "--json").json) == 2
    (receipt,) = cli("forget", "--text", "4711", "--json").json
    assert len(receipt["memory_ids"]) == 1
    assert [m["caption"] for m in cli("memories", "--json").json] == ["Anna likes tea"]
    assert all(b"4711" not in file.read_bytes() for file in cli.store.iterdir())


def test_forget_without_a_condition_forgets_nothing(cli: Cli) -> None:
    cli("remember", "Anna likes tea")
    assert cli("forget").code == 2
    assert len(cli("memories", "--json").json) == 1


def test_status_and_doctor(cli: Cli) -> None:
    cli("remember", "Anna likes tea")
    (status,) = cli("status", "--json").json
    assert status["memory"]["memories"] == 1
    checks = {line["check"]: line for line in cli("doctor", "--json").json}
    assert checks["backend"]["auto"] == "builtin"
    assert checks["text embedder"]["ok"] is True


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["ask", "  "], 2, "the question is empty"),
        (["ask", "x" * 200_000], 2, "too long"),
        (["ask", "why\udcff"], 2, "not UTF-8"),
        (["recall"], 2, "words to search for"),
        (["recall", "x", "--since", "yesterday-ish"], 2, "--since wants an ISO time"),
        (["ask", "x", "--backend", "gpt"], 4, "no backend 'gpt'"),
        (["ask", "x", "--config", "nowhere.toml"], 2, "nowhere.toml"),
        (["watch", "x.mp4", "--gamma-threshold", "3"], 2, "gamma_threshold"),
        (["watch", "missing.mp4"], 3, "missing.mp4"),
        (["watch", ""], 2, "no source"),
        (["watch", "ftp://host/x"], 3, "ftp"),
        (["watch", "webcam:77", "--no-prompt"], 3, "webcam"),
        (["watch", "x.mp4", "--facts", "nowhere.txt"], 2, "nowhere.txt"),
    ],
)
def test_bad_input_is_one_clear_line(cli: Cli, args: list[str], code: int, says: str) -> None:
    ran = cli(*args)
    assert ran.code == code, ran.err
    assert says in ran.err
    assert ran.err.startswith("perstream: ")
    assert len(ran.err.strip().splitlines()) == 1
    assert ran.out == ""


def test_a_question_of_ten_megabytes_from_standard_input(cli: Cli) -> None:
    assert cli("ask", "-", stdin=b"a" * 10_000_000).code == 2
    assert cli("ask", "-", stdin=b"\xff\xfe\x00").code == 2


def test_settings_from_file_and_environment(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "perstream.toml").write_text("[gate]\ngamma = 1\n", encoding="utf-8")
    assert "unknown setting gate.gamma" in cli("status").err
    (tmp_path / "perstream.toml").write_text("[gate]\ngamma_threshold = 7\n", encoding="utf-8")
    assert cli("status").code == 2
    (tmp_path / "perstream.toml").unlink()
    monkeypatch.setenv("PERSTREAM_GATE_GAMMA_TRESHOLD", "0.5")
    assert "PERSTREAM_GATE_GAMMA_TRESHOLD" in cli("status").err


def test_a_garbage_store_is_refused_and_left_alone(cli: Cli) -> None:
    cli.store.mkdir()
    (cli.store / "memory.db").write_bytes(b"this is no database" * 100)
    ran = cli("status")
    assert (ran.code, ran.out) == (5, "")
    assert (cli.store / "memory.db").read_bytes().startswith(b"this is no database")


def test_text_from_the_world_cannot_steer_the_terminal(cli: Cli) -> None:
    cli("remember", "red \x1b[31m alert \u202e gnp.exe")
    out = cli("memories").out
    assert "\x1b[31m" not in out
    assert "\u202e" not in out


def test_history_and_what_held_at_a_time(cli: Cli) -> None:
    cli.use("builtin")
    cli("remember", "My dentist appointment is on Friday at 9:30.", "--at", "2026-05-04T09:00:00")
    cli("remember", "My dentist appointment is on Monday at 8:00.", "--at", "2026-05-10T09:00:00")
    sought = ("recall", "dentist appointment", "--now", "2026-06-10T09:00:00")
    assert sorted(hit["memory_id"] for hit in cli(*sought, "--history", "--json").json) == [1, 2]
    assert [hit["memory_id"] for hit in cli(*sought, "--as-of", "2026-05-06", "--json").json] == [1]
    before = cli("ask", "What was my dentist appointment before?", "--now", "2026-06-10T09:00:00")
    assert "Friday" in before.out
    assert "Monday" not in before.out
    assert cli(*sought, "--as-of", "last week").code == 2


def test_a_daemon_loads_what_recall_needs_before_it_is_asked(cli: Cli) -> None:
    from perstream.app import build
    from perstream.config import BackendConfig, Config

    assert cli("remember", "I parked on level 2").code == 0
    config = Config(store=str(cli.store), backend=BackendConfig(name="scripted"))
    with build(config) as app:
        app.warm()
        for _ in range(500):
            if app.status().memory.index_bytes:
                break
            time.sleep(0.01)
        assert app.status().memory.index_bytes
    with build(config) as app:
        app.warm()  # closing while it loads is no error
