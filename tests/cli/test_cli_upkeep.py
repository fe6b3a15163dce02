"""Looking after a store from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_world import Cli

from perstream.errors import StoreBusy
from perstream.memory.lock import WriterLock


def test_audit_of_a_clean_store(cli: Cli) -> None:
    cli("remember", "Anna likes tea")
    (report,) = cli("memory", "audit", "--json").json
    assert report["clean"] is True
    assert report["memories"] == 1


def test_backup_and_restore(cli: Cli, tmp_path: Path) -> None:
    cli("remember", "Anna likes tea")
    cli("remember", "Ben likes coffee")
    assert cli("memory", "backup", str(tmp_path / "copy.db")).code == 0
    cli("remember", "Clara likes water")
    (restored,) = cli("memory", "restore", str(tmp_path / "copy.db"), "--json").json
    assert restored["memories"] == 2
    assert [m["caption"] for m in cli("memories", "--json").json] == ["Ben likes coffee", "Anna likes tea"]


def test_restoring_what_is_no_backup_changes_nothing(cli: Cli, tmp_path: Path) -> None:
    cli("remember", "Anna likes tea")
    (tmp_path / "not.db").write_bytes(b"garbage" * 1000)
    ran = cli("memory", "restore", str(tmp_path / "not.db"))
    assert (ran.code, ran.out) == (5, "")
    assert len(cli("memories", "--json").json) == 1


def test_reduce_shows_its_plan_first(cli: Cli) -> None:
    for number in range(5):
        cli("remember", f"Fact number {number} is about thing {number * 7}")
    (plan,) = cli("memory", "reduce", "--target-mb", "0", "--dry-run", "--json").json
    assert plan["freed_bytes"] > 0
    assert len(cli("memories", "--json").json) == 5
    assert cli("memory", "reduce", "--target-mb", "0").code == 0
    assert cli("memories", "--json").json == []


def test_what_only_looks_works_while_another_program_writes(cli: Cli, tmp_path: Path) -> None:
    cli("remember", "Anna likes tea")
    lock = WriterLock(cli.store / "writer.lock")
    try:
        assert cli("memory", "backup", str(tmp_path / "copy.db")).code == 0
        (report,) = cli("memory", "audit", "--json").json
        assert report["clean"] is True
        (plan,) = cli("memory", "reduce", "--target-mb", "0", "--dry-run", "--json").json
        assert plan["freed_bytes"] > 0
        for command in (["audit", "--fix"], ["reduce", "--target-mb", "0"], ["restore", str(tmp_path / "copy.db")]):
            refused = cli("memory", *command)
            assert refused.code == StoreBusy.exit_code
            assert "writing the store" in refused.err
    finally:
        lock.release()
    assert cli("memory", "restore", str(tmp_path / "copy.db")).code == 0


def test_vectors_that_were_given_up_are_made_anew(cli: Cli) -> None:
    for number in range(3):
        cli("remember", f"Fact number {number} is about thing {number * 7}")
    (plan,) = cli("memory", "reduce", "--target-mb", "0", "--strategy", "gsbn", "--dry-run", "--json").json
    assert plan["parts"]["v_M"] == 3
    (nothing,) = cli("memory", "rebuild", "--json").json
    assert nothing == {"rebuilt": 0, "left": 0, "full": False}
    (held,) = cli("status", "--json").json
    target = (plan["held_bytes"] - 1) / 2**20
    assert held["memory"]["disk_mb"] >= round(target, 4)
    assert cli("memory", "reduce", "--target-mb", str(target), "--strategy", "gsbn").code == 0
    assert "1 memories have their vectors again, 0 are still without" in cli("memory", "rebuild").out


def test_status_names_the_budgets(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("remember", "Anna likes tea")
    monkeypatch.setenv("PERSTREAM_MEMORY_DISK_BUDGET_MB", "0.01")
    shown = cli("status").out
    assert "of 0.01 MB allowed" in shown
    assert "MB over it: given up with the next writes" in shown
    assert "index in memory" in shown
