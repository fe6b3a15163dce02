"""The service, with a home, a systemd and a launchd of this test alone."""

from __future__ import annotations

import os
import platform
import plistlib
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cli_world import Cli

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no services of this kind")

PRETEND = """#!/bin/sh
echo "$(basename "$0") $*" >> "$CALLS"
[ -e "$CALLS.refuse" ] && { echo "Failed to connect to bus: No medium found" >&2; exit 1; }
case "$*" in
  *--property=Version*) echo Version=252 ;;
  *--property=Active*) printf 'ActiveState=active\\nSubState=running\\nNRestarts=0\\nMainPID=77\\n' ;;
  print*) [ -e "$CALLS.loaded" ] || exit 113; printf 'x = {\\n\\tstate = running\\n\\tpid = 77\\n' ;;
  bootstrap*) touch "$CALLS.loaded" ;;
  bootout*) rm "$CALLS.loaded" ;;
  *--unit=*) echo "a line of the journal" ;;
esac
"""


class Machine:
    """What was called, and whether it refuses."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.calls_file = home / "calls"

    @property
    def calls(self) -> list[str]:
        """Since the last look."""
        found = self.calls_file.read_text().splitlines() if self.calls_file.exists() else []
        self.calls_file.unlink(missing_ok=True)
        return found

    @property
    def unit(self) -> Path:
        return self.home / ".config" / "systemd" / "user" / "perstream.service"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    home, programs = tmp_path / "a home", tmp_path / "bin"
    home.mkdir()
    programs.mkdir()
    for name in ("systemctl", "loginctl", "journalctl", "launchctl"):
        (programs / name).write_text(PRETEND)
        (programs / name).chmod(0o755)
    machine = Machine(home)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("CALLS", str(machine.calls_file))
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    return machine


def test_install_is_idempotent_and_uninstall_leaves_nothing_but_memories(cli: Cli, machine: Machine) -> None:
    first = cli("service", "install", "webcam:0")
    assert first.code == 0, first.err
    assert "loginctl enable-linger" in first.out
    assert [call for call in machine.calls if "show" not in call] == [
        "systemctl --user daemon-reload",
        "systemctl --user enable perstream.service",
        "systemctl --user restart perstream.service",
    ]
    assert stat.S_IMODE(machine.unit.stat().st_mode) == 0o600
    assert cli.store.is_dir() and stat.S_IMODE(cli.store.stat().st_mode) == 0o700
    again = cli("service", "install", "webcam:0", "--json")
    assert again.json == [{"service": "perstream", "unit": str(machine.unit), "changed": False}]
    assert [call for call in machine.calls if "show" not in call] == [
        "systemctl --user enable perstream.service",
        "systemctl --user start perstream.service",
    ]
    assert cli("service", "install", "webcam:1", "--json").json[0]["changed"] is True
    assert cli("service", "uninstall", "--json").json == [{"service": "perstream", "removed": True}]
    assert not machine.unit.exists() and cli.store.is_dir()
    assert cli("service", "uninstall", "--json").json[0]["removed"] is False
    assert not [one for one in machine.unit.parent.iterdir() if one.name.startswith(".perstream")]


def test_status_and_logs(cli: Cli, machine: Machine) -> None:
    missing = cli("service", "status")
    assert (missing.code, missing.err.count("\n")) == (7, 1) and "perstream service install" in missing.err
    cli("service", "install")
    assert cli("service", "status", "--json").json[0]["running"] is True
    shown = cli("service", "logs", "-n", "5")
    assert (shown.code, shown.out) == (0, "a line of the journal\n")
    assert "journalctl --user --unit=perstream.service --lines=5 --no-pager" in machine.calls


def test_where_no_systemd_answers_it_says_what_to_do(cli: Cli, machine: Machine) -> None:
    (machine.home / "calls.refuse").touch()
    ran = cli("service", "install")
    assert ran.code == 1 and ran.err.startswith("perstream: no systemd of yours answers") and not machine.unit.exists()
    assert cli("service", "install", "--print").code == 0


def test_a_daemon_that_runs_already_is_told_about(cli: Cli, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two would be one too many: the service would only be restarted until systemd gives up."""
    cli.store.mkdir()
    (cli.store / "daemon.json").write_text("{}")
    monkeypatch.setattr("perstream.web.address.find_daemon", lambda store: store)
    ran = cli("service", "install")
    assert ran.code == 6 and "stop it first" in ran.err and not machine.unit.exists()
    machine.unit.parent.mkdir(parents=True)
    machine.unit.touch()  # it is the service itself that runs
    assert cli("service", "install").code == 0


def test_where_there_is_none_at_all(cli: Cli, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(machine.home))
    assert "neither systemd nor launchd" in cli("service", "install").err


def test_print_changes_nothing(cli: Cli, machine: Machine) -> None:
    ran = cli("service", "install", "--print")
    assert ran.out.splitlines()[1] == "[Unit]" and "WatchdogSec=120" in ran.out
    assert not machine.unit.exists() and machine.calls == [] and not cli.store.exists()


NASTY = 'a "b" %h $HOME \\ ü.mp4'


def test_odd_names_are_escaped_and_systemd_takes_them(cli: Cli, machine: Machine, tmp_path: Path) -> None:
    video = tmp_path / NASTY
    video.touch()
    store = tmp_path / "my %store"
    (tmp_path / "perstream.toml").write_text("[backup]\nevery_h = 0.0\n")
    shown = cli("service", "install", video.name, "--store", str(store), "--print").out
    words = f'"{tmp_path}/a \\"b\\" %%h $$HOME \\\\ ü.mp4"'
    assert words in shown and f'"--store" "{tmp_path}/my %%store"' in shown
    assert f'ReadWritePaths="{tmp_path}/my %%store"' in shown
    assert f'"--config" "{tmp_path}/perstream.toml"' in shown  # the service runs elsewhere
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here")
    unit = tmp_path / "perstream.service"
    unit.write_text(shown)
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "LC_ALL": "C.UTF-8"}
    found = subprocess.run(
        ["systemd-analyze", "verify", "--user", str(unit)], capture_output=True, text=True, env=environment, timeout=60
    )
    assert (found.returncode, found.stderr) == (0, "")


def test_what_cannot_stand_in_a_unit_is_refused(cli: Cli, machine: Machine) -> None:
    ran = cli("service", "install", "rtsp://cam/1\nExecStartPre=/bin/evil")
    assert ran.code == 2 and "control character" in ran.err and not machine.unit.exists()
    assert cli("service", "install", "--memory-max", "4G\nX=1").code == 2
    assert cli("service", "install", "--profile", "../x").code == 2


def test_settings_of_the_environment_come_along_but_secrets_do_not(
    cli: Cli, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERSTREAM_GATE_GAMMA_THRESHOLD", "0.4")
    monkeypatch.setenv("PERSTREAM_DELIVERY_WEBHOOK", "https://home.example/api/webhook/geheim")
    monkeypatch.setenv("PERSTREAM_TOKEN", "geheim")
    ran = cli("service", "install", "--profile", "anna")
    unit = machine.unit.with_name("perstream-anna.service").read_text()
    assert (
        'Environment="PERSTREAM_GATE_GAMMA_THRESHOLD=0.4"\n' in unit
        and 'Environment="PERSTREAM_PROFILE=anna"\n' in unit
    )
    assert "geheim" not in unit + ran.out and "PERSTREAM_DELIVERY_WEBHOOK is not written there" in ran.out
    assert f"EnvironmentFile=-{machine.home}/.config/perstream/environment\n" in unit
    assert cli("--profile", "anna", "service", "status", "--json").json[0]["service"] == "perstream-anna"
    assert cli("service", "status").code == 7


def test_launchd_is_given_a_property_list(cli: Cli, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert cli("service", "install", "webcam:0", "--json").json[0]["changed"] is True
    path = machine.home / "Library" / "LaunchAgents" / "org.perstream.perstream.plist"
    agent = plistlib.loads(path.read_bytes())
    assert agent["ProgramArguments"] == [sys.executable, "-m", "perstream", "serve", "webcam:0"]
    assert agent["KeepAlive"] == {"SuccessfulExit": False} and agent["Umask"] == 0o077
    target = f"gui/{os.getuid()}"
    assert [call for call in machine.calls if "print" not in call] == [f"launchctl bootstrap {target} {path}"]
    assert cli("service", "install", "webcam:0", "--json").json[0]["changed"] is False
    assert cli("service", "status", "--json").json[0]["running"] is True
    cli("service", "install", "webcam:1")
    assert [call.split()[1] for call in machine.calls if "print" not in call] == ["bootout", "bootstrap"]
    assert cli("service", "uninstall", "--json").json[0]["removed"] is True
    assert machine.calls[-1] == f"launchctl bootout {target}/org.perstream.perstream" and not path.exists()
