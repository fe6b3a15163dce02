"""The README's walk-through for own data, as printed: on the sample video, with the tiny model and the offline judge."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

for needed in ("torch", "transformers", "peft", "accelerate"):
    pytest.importorskip(needed, reason=f"needs {needed}")

from typer.testing import CliRunner  # noqa: E402

from perstream.cli.main import app  # noqa: E402
from perstream.lab.tiny_omni import build_tiny  # noqa: E402

ROOT = Path(__file__).parent.parent.parent


def block(page: str, section: str, language: str) -> str:
    text = (ROOT / page).read_text(encoding="utf-8").partition(f"\n## {section}\n")[2]
    found = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert found, f"{page} has no {language} block in {section!r}"
    return found[1]


def commands(script: str) -> Iterator[list[str]]:
    """The words of each command: continued lines joined, the loop run, variables filled in."""
    loop = re.compile(r"for (\w+) in ([^;]+); do\n(.*?)done\n", re.DOTALL)
    script = loop.sub(lambda m: "".join(m[3].replace(f"${m[1]}", value) for value in m[2].split()), script)
    for line in script.replace("\\\n", " ").splitlines():
        words = shlex.split(os.path.expandvars(line), comments=True)
        if words and words[0] == "perstream":
            yield words[1:]
        else:
            assert not words or words[0].startswith("MODEL="), line


def test_the_walk_through_works_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MODEL", str(build_tiny(tmp_path / "tiny")))
    (tmp_path / "my" / "videos").mkdir(parents=True)
    shutil.copy(ROOT / "sample_videos" / "day.mp4", tmp_path / "my" / "videos" / "day.mp4")
    example = json.loads(block("docs/DATASET.md", "Records", "json"))
    people = {1: "train", 2: "val", 3: "test"}
    rows = [row | {"participant_id": who, "split": split} for who, split in people.items() for row in example]
    (tmp_path / "my" / "records.json").write_text(json.dumps(rows), encoding="utf-8")

    ran = list(commands(block("README.md", "Your own data", "bash")))
    assert [words[:2] for words in ran[:3]] == [["dataset", "validate"], ["dataset", "cache"], ["train", "lora"]]
    assert [words[1] for words in ran[3:5]] == ["passive", "proactive"] and ran[5][0] == "judge"
    for words in ran:
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, f"{shlex.join(words)}: {done.output} {done.exception!r}"

    assert (tmp_path / "my" / "adapter" / "adapter_model.safetensors").is_file()
    for mode in ("passive", "proactive"):
        folder = tmp_path / "my" / "evaluation" / f"records_{mode}" / "perstream"
        (pred,) = json.loads((folder / "pred.json").read_text(encoding="utf-8"))
        assert pred["type"] == mode
        assert json.loads((folder / "results.json").read_text(encoding="utf-8"))["offline"] is True
    assert "<html" in (tmp_path / "my" / "evaluation" / "report.html").read_text(encoding="utf-8")
