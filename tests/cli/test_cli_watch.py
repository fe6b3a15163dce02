"""Watching a video from the command line: the whole house, with the scripted and the builtin brain."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cli_world import Cli, sign, write_video

START = "2026-05-12T08:00:00+00:00"


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A platform sign for four seconds, then a jar for four."""
    folder = tmp_path_factory.mktemp("videos")
    video = write_video(folder / "station.mp4", [(sign("PLATFORM 12"), 4.0), (sign("PEANUT BUTTER"), 4.0)])
    (folder / "station.vtt").write_text(
        "WEBVTT\n\n00:00:01.000 --> 00:00:03.000\n<v Anna>The meeting was moved to room 300.\n", encoding="utf-8"
    )
    return video


def test_the_builtin_brain_sees_remembers_speaks_and_answers(cli: Cli, station: Path) -> None:
    cli.use("builtin")
    ran = cli(
        "watch",
        str(station),
        "--start-time",
        START,
        "--remember",
        "I am allergic to peanuts.",
        "--ask",
        "Which platform did I see?",
        "--ask",
        "What did Anna say about the meeting?",
        "--ask",
        "What is my passport number?",
        "--no-prompt",
        "--json",
    )
    assert ran.code == 0, ran.err
    events = [line for line in ran.json if "event" in line]
    replies = [line for line in ran.json if "question" in line]
    assert {"keyframe", "gate", "memory", "proactive", "done"} <= {e["event"] for e in events}
    assert all({"at", "source", "pts_s"} <= set(e) for e in events)

    (word,) = [e for e in events if e["event"] == "proactive"]
    assert "peanut" in word["text"].lower()
    assert 4.0 <= word["pts_s"] <= 7.0
    assert word["why"]
    assert word["evidence"][0]["provenance"] == "told"

    platform, meeting, passport = replies
    assert "12" in platform["answer"]
    assert platform["evidence"][0]["start_s"] < 4.0
    assert "room 300" in meeting["answer"]
    assert meeting["evidence"][0]["provenance"] == "heard"
    assert passport["abstained"] is True

    done = events[-1]
    assert (done["event"], done["frames"]) == ("done", 80)
    assert done["dropped"] == {}
    # What was remembered is there for the next command.
    assert any("PLATFORM 12" in m["caption"] for m in cli("memories", "--json").json)


def test_no_proactive(cli: Cli, station: Path) -> None:
    cli.use("builtin")
    ran = cli(
        "watch", str(station), "--remember", "I am allergic to peanuts.", "--no-proactive", "--no-prompt", "--json"
    )
    assert not [e for e in ran.json if e.get("event") == "proactive"]


def test_the_human_output_fits_80_columns(cli: Cli, station: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.use("builtin")
    monkeypatch.setenv("COLUMNS", "80")
    ran = cli("watch", str(station), "--no-prompt", "--start-time", START)
    assert ran.code == 0, ran.err
    assert max(len(line) for line in ran.out.splitlines()) <= 80
    assert "keep" in ran.out
    assert "done: 80 frames" in ran.out


def test_profile_and_piped_questions(cli: Cli, tmp_path: Path, station: Path) -> None:
    (tmp_path / "profile.txt").write_text("# my facts\nMy locker is number 9\n\n", encoding="utf-8")
    ran = cli(
        "watch", str(station), "--facts", str(tmp_path / "profile.txt"), stdin=b"Which number is my locker?\n\xff\n"
    )
    assert ran.code == 0, ran.err
    assert "? Which number is my locker?\nMy locker is number 9" in ran.out


def test_still_pictures_of_a_folder(cli: Cli, tmp_path: Path) -> None:
    import cv2

    folder = tmp_path / "pictures"
    folder.mkdir()
    for i, text in enumerate(("ONE", "TWO")):
        cv2.imwrite(str(folder / f"{i}.png"), sign(text))
    done = cli("watch", str(folder), "--no-prompt", "--json").json[-1]
    assert done["event"] == "done"
    assert done["frames"] >= 2


def test_search_by_picture(cli: Cli, tmp_path: Path, station: Path) -> None:
    import cv2

    cli.use("builtin")
    cli("watch", str(station), "--no-prompt")
    cv2.imwrite(str(tmp_path / "jar.png"), cv2.cvtColor(sign("PEANUT BUTTER"), cv2.COLOR_RGB2BGR))
    hits = cli("recall", "--image", str(tmp_path / "jar.png"), "--json").json
    assert hits
    assert "PEANUT" in hits[0]["caption"]


@pytest.mark.parametrize("name", ["empty.mp4", "text.mp4"])
def test_what_is_no_video(cli: Cli, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"" if name == "empty.mp4" else b"hello, I am a text file\n" * 50)
    ran = cli("watch", str(tmp_path / name), "--no-prompt")
    assert ran.code == 3
    assert name in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def test_a_truncated_video_is_watched_as_far_as_it_goes(cli: Cli, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    video = write_video(tmp_path / "whole.mkv", [(rng.integers(0, 255, (120, 160, 3), dtype=np.uint8), 3.0)])
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    ran = cli("watch", str(cut), "--no-prompt", "--json")
    assert ran.code == 0, ran.err
    assert 0 < ran.json[-1]["frames"] < 30


def test_two_writers_on_one_store(cli: Cli, station: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "perstream",
        "watch",
        str(station),
        "--realtime",
        "--no-prompt",
        "--backend",
        "scripted",
    ]
    first = subprocess.Popen([*command, "--store", str(cli.store)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        lock = cli.store / "writer.lock"
        until = time.monotonic() + 20
        while time.monotonic() < until and not (lock.exists() and lock.stat().st_size):
            time.sleep(0.05)
        ran = cli("remember", "x y")
        assert ran.code == 6, ran.err
        assert str(first.pid) in ran.err
    finally:
        first.kill()
        first.communicate()
    assert cli("remember", "x y").code == 0  # a killed writer leaves nothing that blocks


def test_ctrl_c_keeps_what_was_remembered(cli: Cli, station: Path) -> None:
    command = [sys.executable, "-m", "perstream", "watch", str(station), "--realtime", "--no-prompt", "--json"]
    environment = os.environ | {"PERSTREAM_STORE": str(cli.store), "PERSTREAM_BACKEND_NAME": "builtin"}
    watching = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        # A shell's background job has Ctrl-C switched off, and hands that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert watching.stdout is not None
    for line in watching.stdout:
        if '"remembered": true' in line and "PLATFORM" not in line:
            break
    watching.send_signal(signal.SIGINT)
    _, err = watching.communicate(timeout=30)
    assert watching.returncode == 130, err
    assert "being remembered" in err
    assert cli("memories", "--json").json  # the moment in the making was remembered too
