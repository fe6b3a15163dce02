"""The settings file: checked, compared with the last that worked, and brought back."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cli_world import Cli

from perstream.daemon import good_settings
from perstream.errors import ConfigError
from perstream.settings import load

NOON = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)
GOOD = '[gate]\ngamma_threshold = 0.4\n\n[delivery]\nwebhook = "https://hook.example/s3cret"\n'
BAD = "[gate]\n\ngamma_threshold = 4\n"


def test_good_ones_are_said_to_be_and_what_they_change(cli: Cli, tmp_path: Path) -> None:
    assert "defaults hold" in cli("config", "check").out
    (tmp_path / "perstream.toml").write_text(GOOD)
    ran = cli("config", "check")
    assert ran.code == 0 and "gate.gamma_threshold" in ran.out and "0.4" in ran.out
    (found,) = cli("config", "check", "--json").json
    assert found["ok"] and found["changed"]["gate.gamma_threshold"] == 0.4
    assert found["changed"]["delivery.webhook"] == "(set)" and "s3cret" not in ran.out


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (BAD, "perstream.toml line 3"),
        ("[gate]\ngamma = 1\n", "unknown setting gate.gamma in perstream.toml"),
        ("[gate\n", "line 1"),
        ("gate.gamma_threshold = 7\n", "perstream.toml line 1"),
        ("owner = 3\n[gate]\n", "perstream.toml line 1"),
        ("gate = 3\n", "unknown setting gate"),
        ('[privacy]\nretention = ["x"]\n', "privacy.retention"),
        ('[delivery]\nwebhook = "http://far.example/"\n', "delivery.webhook"),
        ('[backup]\nfolder = "/nowhere/at/all"\n', "plug in its disk"),
    ],
)
def test_bad_ones_are_refused_with_their_place(cli: Cli, tmp_path: Path, text: str, where: str) -> None:
    (tmp_path / "perstream.toml").write_text(text)
    ran = cli("config", "check")
    assert ran.code == 2 and where in ran.err and len(ran.err.splitlines()) == 1


def test_what_the_environment_says_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(GOOD)
    with pytest.raises(ConfigError) as refused:
        load(file, environ={"PERSTREAM_GATE_GAMMA_THRESHOLD": "9"})
    assert "mine.toml" not in str(refused.value) and "rollback" not in str(refused.value)


def test_going_back_and_forth(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "perstream.toml"
    assert cli("config", "rollback").code == 7
    file.write_text(GOOD)
    kept = good_settings.keep(file, cli.store, NOON)
    assert kept is not None and kept.stat().st_mode & 0o777 == 0o600
    assert good_settings.keep(file, cli.store, NOON + timedelta(hours=1)) is None  # the same again
    assert "no difference" in cli("config", "diff").out
    file.write_text(BAD)
    refused = cli("status")
    assert refused.code == 2 and "config rollback" in refused.err
    shown = cli("config", "diff")
    assert "-gamma_threshold = 0.4" in shown.out and "+gamma_threshold = 4" in shown.out
    assert cli("config", "rollback").code == 0
    assert file.read_text() == GOOD and cli("status").code == 0
    (aside,) = tmp_path.glob("perstream.toml.before-*")
    assert aside.read_text() == BAD
    assert cli("config", "rollback").code == 7  # nothing else has worked


def test_the_store_is_found_although_the_file_that_names_it_is_broken(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "perstream.toml"
    file.write_text(f'store = "{tmp_path / "mine"}"\n' + GOOD)
    good_settings.keep(file, tmp_path / "mine", NOON)
    good = file.read_text()
    file.write_text(f'store = "{tmp_path / "mine"}"\n[gate\n')
    set_store = monkeypatch.setenv
    monkeypatch.setattr(monkeypatch, "setenv", lambda name, value: name == "PERSTREAM_STORE" or set_store(name, value))
    monkeypatch.delenv("PERSTREAM_STORE", raising=False)
    assert cli("config", "rollback").code == 0
    assert file.read_text() == good


def test_so_many_are_kept_and_rubbish_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "perstream.toml"
    for number in range(good_settings.MOST + 3):
        file.write_text(f"[gate]\ngamma_threshold = 0.{number + 1}\n")
        good_settings.keep(file, tmp_path / "store", NOON + timedelta(minutes=number))
    (tmp_path / "store" / "settings" / "good-yesterday.toml").write_text("x")
    (tmp_path / "store" / "settings" / "good-20270101T000000000000Z.toml").write_bytes(b"x" * 1_000_001)
    found = good_settings.kept(tmp_path / "store")
    assert len(found) == good_settings.MOST and found[0].content == file.read_bytes()
    assert good_settings.keep(tmp_path / "nowhere.toml", tmp_path / "store") is None
