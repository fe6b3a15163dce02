"""The dataset scripts: environment variables become the command, bad ones are refused in one line."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def dry(script: str, **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        ["bash", str(ROOT / "scripts" / script), "--dry-run"],
        env={"PATH": os.environ["PATH"], **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, (done.stdout + done.stderr).strip()


def test_generation_by_environment(tmp_path: Path) -> None:
    code, said = dry(
        "generate_dataset.sh", DRIVENACT_PATH=str(tmp_path), MODEL_ID="m", VIDEO_START_BEFORE="2.5", LIMIT="3"
    )
    words = shlex.split(said)
    assert code == 0 and words[1:3] == ["dataset", "generate"]
    for pair in (["--before", "2.5"], ["--after", "1"], ["--workers", "8"], ["--model", "m"], ["--limit", "3"], ["--drivenact", str(tmp_path)]):  # fmt: skip
        assert pair[1] == words[words.index(pair[0]) + 1]


def test_caching_by_environment(tmp_path: Path) -> None:
    file = tmp_path / "d.json"
    file.write_text("[]")
    code, said = dry("cache_memories.sh", DATA_FILE=str(file), VIDEO_DIR=str(tmp_path), MODEL_PATH="q")
    words = shlex.split(said)
    assert code == 0 and words[1:4] == ["dataset", "cache", str(file)]
    assert words[words.index("--backend") + 1] == "qwen-omni" and words[words.index("--model") + 1] == "q"


@pytest.mark.parametrize(
    ("script", "environment", "words"),
    [
        ("generate_dataset.sh", {}, "set DRIVENACT_PATH or EGO4D_PATH"),
        ("generate_dataset.sh", {"EGO4D_PATH": "/nowhere/at/all"}, "no folder EGO4D_PATH"),
        ("generate_dataset.sh", {"EGO4D_PATH": "/", "NUM_WORKERS": "many"}, "NUM_WORKERS is a whole number"),
        ("generate_dataset.sh", {"EGO4D_PATH": "/", "VIDEO_END_AFTER": "-1"}, "number of seconds"),
        ("generate_dataset.sh", {"EGO4D_PATH": "/", "BACKEND": "x"}, "BACKEND is"),
        ("cache_memories.sh", {}, "set DATA_FILE"),
        ("cache_memories.sh", {"DATA_FILE": "/nowhere.json"}, "no dataset file"),
    ],
)
def test_bad_settings_are_refused_in_one_line(script: str, environment: dict[str, str], words: str) -> None:
    code, said = dry(script, **environment)
    assert code == 2 and words in said and len(said.splitlines()) == 1
