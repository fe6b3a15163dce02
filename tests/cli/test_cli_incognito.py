"""Incognito from the command line: a whole session of which nothing is found afterwards, not even after kill -9."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_world import Cli, sign, write_video

SECRET = "zanzibarquartz"
SHM = Path("/dev/shm")
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF"


def found_in(*folders: Path) -> list[Path]:
    """Files that show the secret or a picture."""
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    return [
        f for f in files if any(word in f.read_bytes() for word in (SECRET.encode(), SECRET.encode("utf-16-le"), JPEG))
    ]


def sessions() -> set[Path]:
    return set(SHM.glob("perstream-incognito-*"))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything that a session may write to lies below."""
    for name, folder in (("TMPDIR", "scratch"), ("SQLITE_TMPDIR", "scratch"), ("PERSTREAM_STORE", "store")):
        (tmp_path / folder).mkdir(exist_ok=True)
        monkeypatch.setenv(name, str(tmp_path / folder))
    monkeypatch.setenv("PERSTREAM_BACKEND_NAME", "scripted")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*args: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "perstream", *args, "--incognito", "--json"]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=dict(os.environ))


def test_a_session_of_watching_leaves_nothing_at_its_end(world: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    video = write_video(tmp_path_factory.mktemp("films") / "a.mp4", [(sign("PLATFORM 12"), 2.0)])
    before = sessions()
    with run(
        "watch", str(video), "--remember", f"my {SECRET} sleeps", "--ask", f"Where is my {SECRET}?", "--no-prompt"
    ) as one:
        out, _ = one.communicate(timeout=120)
    assert one.returncode == 0
    replies = [reply for line in out.splitlines() if "question" in (reply := json.loads(line))]
    assert replies[0]["evidence"]  # it was remembered as long as it lasted
    assert sessions() <= before
    assert [file for name in ("store", "scratch") for file in (world / name).rglob("*")] == []
    assert found_in(world) == []


def test_a_killed_session_of_watching_leaves_noise(world: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    scenes = [(sign("PLATFORM 12"), 2.0), (sign("PEANUT BUTTER"), 20.0)]
    video = write_video(tmp_path_factory.mktemp("films") / "a.mp4", scenes)
    before = sessions()
    with run("watch", str(video), "--remember", f"my {SECRET} sleeps", "--no-prompt", "--realtime") as one:
        assert one.stdout is not None
        for line in one.stdout:
            if json.loads(line)["event"] == "memory" and SECRET not in line.decode():
                break
        (left,) = sessions() - before
        one.send_signal(signal.SIGKILL)
        one.wait()
    assert (left / "memory.db-wal").stat().st_size > 10_000
    assert found_in(world, left) == []
    with run("watch", str(video.with_name("none.mp4")), "--no-prompt") as other:
        assert other.wait() != 0
    assert not left.exists()
    assert sessions() <= before


def test_a_daemon_of_a_session_serves_and_leaves_nothing(world: Path) -> None:
    pytest.importorskip("uvicorn")
    with run("serve", "--port", "0") as one:
        assert one.stdout is not None
        told = json.loads(one.stdout.readline())
        store = Path(told["store"])
        assert store in sessions()
        assert Path(told["token_file"]).parent == store
        asked = [sys.executable, "-m", "perstream", "remember", f"my {SECRET} sleeps", "--store", str(store)]
        subprocess.run(asked, check=True, capture_output=True, env=dict(os.environ))  # who knows its folder may ask it
        assert found_in(world, store) == []
        one.send_signal(signal.SIGTERM)
        one.wait()
    assert not store.exists()
    assert [file for name in ("store", "scratch") for file in (world / name).rglob("*")] == []
    assert found_in(world) == []


def test_commands_that_keep_no_session_say_so(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSTREAM_PRIVACY_INCOGNITO", "true")
    for args in (["remember", "tea"], ["memories"], ["memory", "backup"], ["vault", "status"]):
        ran = cli(*args)
        assert ran.code == 2
        assert "watch and serve" in ran.err
    assert not cli.store.exists()


def test_a_session_that_cannot_begin_leaves_nothing(cli: Cli) -> None:
    before = sessions()
    cli.use("no-such-brain")
    assert cli("watch", "film.mp4", "--incognito").code != 0
    assert sessions() <= before
