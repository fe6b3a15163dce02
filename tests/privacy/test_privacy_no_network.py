"""No network by default: a whole sample day, and nobody tries to reach anything but this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("quiet_day.py")


def can_be_alone() -> bool:
    """Whether this system lets anybody make a network namespace."""
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode == 0


def run(folder: Path, *more: str) -> dict[str, Any]:
    alone = can_be_alone()
    command = [*(["unshare", "-rn"] if alone else []), sys.executable, str(SCRIPT), str(folder), *more]
    environment = {**os.environ, "QUIET_DAY_ALONE": "1" if alone else "0", "HOME": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, env=environment)
    assert done.returncode == 0, done.stderr[-4000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_a_whole_day_reaches_nothing_but_this_machine(tmp_path: Path) -> None:
    seen = run(tmp_path)
    assert seen["attempts"] == [], "\n\n".join(seen["attempts"])
    assert seen["without_route"] in (0, None), "a library went round Python's sockets"
    assert seen["answers"] >= 3 and seen["words"] >= 1 and seen["pages"] == 16, seen
    assert (seen["left_bytes"], seen["may_leave"]) == (0, 0)


def test_an_attempt_would_be_seen_with_its_stack(tmp_path: Path) -> None:
    seen = run(tmp_path, "--leak", "python")
    assert len(seen["attempts"]) == 1 and "192.0.2.1" in seen["attempts"][0] and "in leak" in seen["attempts"][0]


def test_an_attempt_of_a_library_would_be_seen_too(tmp_path: Path) -> None:
    if not can_be_alone():
        pytest.skip("this system lets nobody make a network namespace")
    seen = run(tmp_path, "--leak", "library")
    assert seen["attempts"] == [] and seen["without_route"] == 1
