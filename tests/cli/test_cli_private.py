"""pause, resume, status --network, privacy retention and --mask on the command line."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cli_world import Cli, sign, write_video


def test_what_is_paused_stays_paused_and_is_not_watched(cli: Cli, tmp_path: Path) -> None:
    film = write_video(tmp_path / "day.mp4", [(sign("EXIT 12"), 2.0)])
    assert "everything is paused" in cli("pause").out
    assert cli("pause", "--json").json == [{"everything": True, "sources": {}}]
    refused = cli("watch", str(film), "--no-prompt")
    assert refused.code == 2 and "perstream resume" in refused.err and refused.err.count("\n") == 1
    assert "nothing is remembered" in cli("memories").out
    assert "goes on" in cli("resume").out
    assert cli("watch", str(film), "--no-prompt").code == 0
    assert "nothing is remembered" not in cli("memories").out
    unknown = cli("pause", "nobody")
    assert unknown.code == 7 and "nobody" in unknown.err


def test_nothing_leaves_this_machine_is_said_in_words_and_json(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("status", "--network").out.splitlines() == [
        "nothing leaves this machine",
        "left since the start: 0 bytes",
    ]
    (found,) = cli("status", "--network", "--json").json
    assert (found["ways"], found["leaves"], found["left_bytes"]) == ([], False, 0)
    monkeypatch.setenv("PERSTREAM_DELIVERY_WEBHOOK", "https://home.example/api/webhook/a-secret-" + "x" * 90)
    told = cli("status", "--network").out
    assert "may leave this machine" in told and "webhook  https://home.example  (delivery.webhook)" in told
    assert "a-secret" not in told and max(map(len, told.splitlines())) <= 80


def test_retention_shows_asks_and_forgets(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no rules" in cli("privacy", "retention").out
    old = (datetime.now(timezone.utc) - timedelta(hours=30)).isoformat()
    cli("remember", "The old shed is green", "--at", old)
    cli("remember", "The new shed is blue")
    monkeypatch.setenv("PERSTREAM_PRIVACY_RETENTION", "*=20h,category:browsing=1w")
    shown = cli("privacy", "retention", "--dry-run").out
    assert "*=20h" in shown and "1 memories older than 20 h" in shown and "would forget 1" in shown
    assert "green" in cli("memories").out
    (done,) = cli("privacy", "retention", "--yes", "--json").json
    assert done["removed"] == 1 and done["finished"] is True and done["dry_run"] is False
    left = cli("memories").out
    assert "blue" in left and "green" not in left
    monkeypatch.setenv("PERSTREAM_PRIVACY_RETENTION", "*=whenever")
    wrong = cli("memories")
    assert wrong.code == 2 and "'*=whenever'" in wrong.err and wrong.err.count("\n") == 1


def test_a_mask_of_the_command_line_covers_the_sign(cli: Cli, tmp_path: Path) -> None:
    film = write_video(tmp_path / "day.mp4", [(sign("EXIT 12"), 2.0)])
    assert cli("watch", str(film), "--no-prompt", "--mask", "0 0.2 1 0.5").code == 0
    assert "EXIT" not in cli("memories").out
    assert cli("watch", str(write_video(tmp_path / "b.mp4", [(sign("EXIT 12"), 2.0)])), "--no-prompt").code == 0
    assert "EXIT" in cli("memories").out, "it can be read without"
    wrong = cli("watch", str(film), "--no-prompt", "--mask", "10 20 30 40")
    assert wrong.code == 2 and "10 20 30 40" in wrong.err


def test_a_mask_of_the_settings_that_is_none_stops_the_start(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSTREAM_PRIVACY_MASKS", "webcam:0=left half")
    wrong = cli("status")
    assert wrong.code == 2 and "webcam:0=left half" in wrong.err and wrong.err.count("\n") == 1


def test_gaps_stand_between_the_memories(cli: Cli) -> None:
    from perstream.app import build
    from perstream.config import BackendConfig, Config
    from perstream.types import Gap

    now = datetime.now(timezone.utc)
    with build(Config(store=str(cli.store), backend=BackendConfig(name="scripted"))) as app:
        app.tell("Before the pause", at=now - timedelta(hours=3))
        app._memory.record_gap(Gap("porch", 0, 600, now - timedelta(hours=2), now - timedelta(hours=1), "paused"))
        app.tell("After the pause", at=now)
    lines = [line.strip() for line in cli("memories").out.splitlines()]
    order = [next(i for i, line in enumerate(lines) if word in line) for word in ("After", "porch: paused", "Before")]
    assert order == sorted(order)
    assert "porch" not in cli("memories", "--source", "desk").out
