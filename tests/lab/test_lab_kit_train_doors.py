"""The doors to training: scripts print what they would run and refuse bad input; the commands reach the kit."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]


def script(name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(ROOT / "scripts" / name), *arguments],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def run_by(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stderr
    return shlex.split(done.stdout)


def test_proj_align_prints_its_command_and_refuses_bad_input() -> None:
    words = run_by(script("proj_align.sh", "--dry-run", QUESTIONS_FILE="my records.json", VIDEO_DIR="v"))
    assert words[1:5] == ["train", "projection", "--dataset", "my records.json"]
    for option, value in (("--mode", "both"), ("--epochs", "50"), ("--learning-rate", "1e-3"), ("--batch", "32"),
                          ("--pool-size", "4x4"), ("--backend", "builtin"), ("--video-dir", "v")):  # fmt: skip
        assert words[words.index(option) + 1] == value
    words = run_by(script("proj_align.sh", "train", "--dry-run", QUESTIONS_FILE="r", MODEL_PATH="m", NUM_EPOCHS="3"))
    assert words[words.index("--backend") + 1] == "qwen-omni" and words[words.index("--model") + 1] == "m"
    assert words[words.index("--mode") + 1] == "train" and words[words.index("--epochs") + 1] == "3"
    for wrong, said in (
        ({}, "QUESTIONS_FILE"),
        ({"QUESTIONS_FILE": "r"}, "VIDEO_DIR"),
        ({"QUESTIONS_FILE": "r", "VIDEO_DIR": "v", "MODE": "all"}, "MODE"),
        ({"QUESTIONS_FILE": "r", "VIDEO_DIR": "v", "BACKEND": "openai"}, "BACKEND"),
        ({"QUESTIONS_FILE": "r", "VIDEO_DIR": "v", "BACKEND": "qwen-omni"}, "MODEL_PATH"),
    ):
        done = script("proj_align.sh", **wrong)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1) and said in done.stderr


def test_train_prints_its_command_and_refuses_bad_input() -> None:
    given = {"MODEL_PATH": "m", "DATA_FILE": "d.json"}
    words = run_by(script("train.sh", "--dry-run", "--fresh", CACHE_FILE="c", **given))
    assert words[1:3] == ["train", "lora"] and words[-1] == "--fresh"
    for option, value in (("--epochs", "3"), ("--learning-rate", "2e-4"), ("--rank", "8"), ("--alpha", "16"),
                          ("--dropout", "0.05"), ("--accumulation", "8"), ("--cache", "c"), ("--model", "m")):  # fmt: skip
        assert words[words.index(option) + 1] == value
    more = {"BATCH_SIZE": "2", "NUM_GPUS": "4", "LOAD_IN": "4bit", "MEMORY_ONLY": "true", **given}
    words = run_by(script("train.sh", "--dry-run", **more))
    assert words[1] == "launch" and words[words.index("--num_processes") + 1] == "4"
    assert words[words.index("--accumulation") + 1] == "16" and words[words.index("--load-in") + 1] == "4bit"
    for wrong, said in (
        ({}, "MODEL_PATH"),
        ({"MODEL_PATH": "m"}, "DATA_FILE"),
        (given, "CACHE_FILE or VIDEO_DIR"),
        ({**given, "MEMORY_ONLY": "maybe"}, "MEMORY_ONLY"),
        ({**given, "VIDEO_DIR": "v", "LOAD_IN": "2bit"}, "LOAD_IN"),
        ({**given, "VIDEO_DIR": "v", "NUM_GPUS": "0"}, "NUM_GPUS"),
    ):
        done = script("train.sh", **wrong)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1) and said in done.stderr


def test_the_commands_say_in_one_line_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from perstream.cli.main import app
    from perstream.errors import PerStreamError

    def refused(*words: str) -> str:
        result = CliRunner().invoke(app, ["train", *words])
        assert isinstance(result.exception, PerStreamError), result.output
        return str(result.exception)

    monkeypatch.delenv("MODEL_PATH", raising=False)
    (tmp_path / "r.json").write_text(json.dumps([{"type": "passive", "type_1_memories": []}]))
    data = ("--dataset", str(tmp_path / "r.json"))
    assert ".safetensors" in refused("projection", *data, "--output", "p.bin")
    assert "POOL_SIZE" in refused("projection", *data, "--output", "p.safetensors", "--pool-size", "4x5")
    assert "nothing to align" in refused("projection", *data, "--output", str(tmp_path / "p.safetensors"))
    assert "MODEL_PATH" in refused("lora", *data, "--output", str(tmp_path / "a"))
    said = refused("lora", *data, "--output", str(tmp_path / "a"), "--model", "m", "--memory-only")
    assert "record 0: participant_id is missing" in said and "perstream dataset validate" in said
    assert not (tmp_path / "a").exists(), "nothing is made before the data is read"
