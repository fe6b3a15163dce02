"""Backups, restoring and going back from the command line."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timezone
from pathlib import Path

import pytest
from cli_world import Cli

from perstream.cli import condition
from perstream.cli.live import LiveView
from perstream.daemon.appstatus import AppStatus
from perstream.daemon.chores import ChoreStatus
from perstream.daemon.upkeep_state import Alert, BackupStatus, Stuck, WatchdogStatus
from perstream.events import AlertRaised
from perstream.memory import backup, migrations, store
from perstream.memory.status import MemoryStatus


def test_backups_are_listed(cli: Cli, tmp_path: Path) -> None:
    cli("remember", "Anna likes tea")
    assert "no backups" in cli("memory", "backups").out
    cli("memory", "backup")
    cli("memory", "backup", str(tmp_path / "mine.db"))
    (tmp_path / "elsewhere").mkdir()
    found = cli("memory", "backups", "--json").json
    assert [(one["memories"], one["kind"]) for one in found] == [(1, "by hand")] * 2
    assert all(one["verified_at"] for one in found)
    (cli.store / "backups" / "verified.json").unlink()
    shown = cli("memory", "backups").out
    assert "1 memories, version" in shown and "not verified" in shown and "mine.db" in shown


@pytest.fixture
def upgraded(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A store that a newer PerStream has brought up and told one more memory."""
    cli("remember", "Anna likes tea")
    cli("remember", "Ben likes coffee")

    def step(connection: sqlite3.Connection) -> None:
        connection.execute("ALTER TABLE memories ADD COLUMN mood TEXT")

    steps = (*migrations.MIGRATIONS, step)
    for module in (migrations, store, backup):
        monkeypatch.setattr(module, "MIGRATIONS", steps)
    return cli


def version(folder: Path) -> int:
    connection = sqlite3.connect(folder / "memory.db")
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    connection.close()
    return found


def test_going_back_wants_a_word_when_memories_are_newer_and_exports_them(upgraded: Cli, tmp_path: Path) -> None:
    upgraded("remember", "Clara likes water")
    newest = version(upgraded.store)
    refused = upgraded("memory", "rollback")
    assert refused.code == 5 and "1 memories are newer" in refused.err and "--yes" in refused.err
    assert version(upgraded.store) == newest
    went = upgraded("memory", "rollback", "--yes")
    assert went.code == 0 and "2 memories" in went.out and "install the older PerStream" in went.out
    assert version(upgraded.store) == newest - 1
    (exported,) = tmp_path.glob("perstream-before-rollback-*.jsonl")
    assert "Clara likes water" in exported.read_text()
    upgraded("memory", "import", str(exported))  # and forward again
    assert {m["caption"] for m in upgraded("memories", "--json").json} == {
        "Anna likes tea", "Ben likes coffee", "Clara likes water",
    }  # fmt: skip


def test_going_back_without_newer_memories_asks_nothing(upgraded: Cli, tmp_path: Path) -> None:
    assert upgraded("memory", "rollback").code == 7  # it was not brought up yet: there is nothing to go back to
    upgraded("memories")
    (went,) = upgraded("memory", "rollback", "--json").json
    assert went["newer"] == 0 and went["exported"] is None and went["memories"] == 2 and Path(went["kept"]).is_file()
    assert not list(tmp_path.glob("*.jsonl"))


def test_the_terminal_and_status_tell_alerts(cli: Cli, capfd: pytest.CaptureFixture[str]) -> None:
    at = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)
    LiveView((), as_json=False).show(AlertRaised(at, None, None, "disk_low", "/store", "free\x1b[31m some", True))
    assert "disk_low: free[31m some" in capfd.readouterr().out
    memory = MemoryStatus(1, 0, 0, 0.1, 0.1, at, at, 4)
    found = AppStatus(
        "builtin", "/store", memory,
        chores=(ChoreStatus("retention", failed=2, last_error="no"),),
        alerts=(Alert("latency", "cam", "cam is slow", at),),
        backups=BackupStatus(24, "/b", at, 2, 1, 1, "the disk is full"),
        watchdog=WatchdogStatus((Stuck("perceive", "cam", "see", 70),), {"perceive": 1}, keep_one_in=4, waiting_s=12.0),
    )  # fmt: skip
    condition.show_alerts(found)
    assert "! latency: cam is slow (since" in capfd.readouterr().out
    rows = dict(condition.rows(found))
    assert "1 failed, the last: the disk is full" in rows["backups"] and "one keyframe in 4" in rows["shedding"]
    assert rows["stuck"] == "perceive cam: see for 70 s" and rows["chore retention"].endswith("the last: no")
