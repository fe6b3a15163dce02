"""The folder of a training: whose it is, and whether it is done."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from perstream.errors import ConfigError
from perstream.lab.kit.train_log import BOARD, CURVE, STEPS
from perstream.lab.kit.train_loop import STATE
from perstream.models.omni.adapter_file import CONFIG, WEIGHTS

RUN, REPORT = "run.json", "report.json"
OURS = (RUN, REPORT, CONFIG, WEIGHTS, STEPS, f"{CURVE}.svg", f"{CURVE}.png", "README.md")


def claim(folder: Path, run: str, *, fresh: bool) -> None:
    """Make the folder that of this run, or find that it is. ConfigError when it holds anything else.

    ``fresh`` removes what an earlier training left there; encoded frames stay.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file: OUTPUT_DIR must be a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        known = json.loads((folder / RUN).read_text(encoding="utf-8"))["run"] if (folder / RUN).is_file() else None
        if known is None and any(folder.iterdir()):
            raise ConfigError(f"{folder} is not empty and holds no training of PerStream: choose another OUTPUT_DIR")
        if known not in (None, run) and not fresh:
            raise ConfigError(
                f"{folder} holds a training with other data or settings: choose another OUTPUT_DIR, or --fresh"
            )
        if fresh:
            for path in (*(folder / name for name in OURS), *folder.glob(f"{STATE}-*.safetensors*")):
                path.unlink(missing_ok=True)
            shutil.rmtree(folder / BOARD, ignore_errors=True)
        for path in folder.glob(".part*"):  # an adapter in the writing when the process was killed
            shutil.rmtree(path, ignore_errors=True)
        part = folder / f"{RUN}.part"
        part.write_text(json.dumps({"run": run}), encoding="utf-8")
        part.replace(folder / RUN)
    except OSError as error:
        raise ConfigError(f"cannot write to {folder} ({error.strerror}): choose another OUTPUT_DIR") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{folder / RUN} is damaged: delete it, or choose another OUTPUT_DIR") from error


def finished(folder: Path) -> dict[str, Any] | None:
    """The report of a training that came to its end."""
    try:
        report: dict[str, Any] = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ConfigError(f"{folder / REPORT} is damaged: delete it") from error
    return report


def write_report(folder: Path, report: dict[str, Any]) -> None:
    """The end of a training; its checkpoints are no longer needed."""
    part = folder / f"{REPORT}.part"
    part.write_text(json.dumps(report, indent=2, ensure_ascii=False), encoding="utf-8")
    part.replace(folder / REPORT)
    for path in folder.glob(f"{STATE}-*.safetensors"):
        path.unlink(missing_ok=True)
