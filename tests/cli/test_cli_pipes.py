"""Standard output that nobody reads on, and sockets that are none of its business."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_world import Cli, sign, write_video

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGPIPE"), reason="needs pipes as Unix has them")


def test_a_client_that_goes_away_cannot_end_the_program(cli: Cli) -> None:
    # With the default action of SIGPIPE one write to a closed socket would: the daemon's, a model server's.
    assert cli("--version").code == 0
    assert signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN


@pytest.mark.parametrize("lines", [0, 2])
def test_a_reader_that_has_enough_ends_a_watch_quietly(tmp_path: Path, lines: int) -> None:
    video = write_video(tmp_path / "film.mp4", [(sign(f"ROOM {n}"), 1.5) for n in range(8)])
    command = [sys.executable, "-m", "perstream", "watch", str(video), "--no-prompt", "--json", "--all"]
    command += ["--backend", "scripted", "--store", str(tmp_path / "store")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None and running.stderr is not None
        read = [running.stdout.readline() for _ in range(lines)]
        running.stdout.close()
        errors = running.stderr.read().decode()
        running.wait(60)
    assert all(line.startswith(b"{") for line in read)
    assert "Traceback" not in errors and "Exception" not in errors, errors
