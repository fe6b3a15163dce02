"""Figures of a training as they come: JSON lines always, TensorBoard where it is installed, and a picture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from perstream.lab.kit.curves import draw_curves

STEPS, CURVE, BOARD = "metrics.jsonl", "loss", "tensorboard"


class TrainLog:
    """Lines of ``metrics.jsonl``: one per optimizer step (``loss``, ``lr``), one per epoch (``val_loss``, …)."""

    def __init__(self, folder: Path, step: int) -> None:
        """Go on after ``step``: what an interrupted run wrote of later ones is dropped, it is done again."""
        self._folder = folder
        self._path = folder / STEPS
        self.lines: list[dict[str, Any]] = [line for line in _read(self._path) if line["step"] <= step]
        part = self._path.with_suffix(".part")
        part.write_text("".join(json.dumps(line) + "\n" for line in self.lines), encoding="utf-8")
        part.replace(self._path)
        self._board: Any = None
        if find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(folder / BOARD), purge_step=step + 1)

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """One line."""
        line = {"step": step, **values}
        self.lines.append(line)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        if self._board is not None:
            for name, value in values.items():
                if isinstance(value, (int, float)):
                    self._board.add_scalar(name, value, step)
            self._board.flush()

    def draw(self, title: str) -> tuple[Path, ...]:
        """``loss.svg`` and ``loss.png``: training and held-out loss, and proactive F1, against steps."""
        loss = [(line["step"], line["loss"]) for line in self.lines if "loss" in line]
        val = [(line["step"], line["val_loss"]) for line in self.lines if line.get("val_loss") is not None]
        f1 = [(line["step"], line["proactive_f1"]) for line in self.lines if line.get("proactive_f1") is not None]
        panels = {
            "loss of the reply's tokens": {"training": loss, "held out": val},
            "proactive F1, held out": {"F1": f1},
        }
        return draw_curves(self._folder / CURVE, title, panels, x_name="optimizer step")

    def close(self) -> None:
        """Nothing more comes."""
        if self._board is not None:
            self._board.close()


def _read(path: Path) -> list[dict[str, Any]]:
    """Whole lines of an earlier run; one cut by a kill ends them."""
    lines: list[dict[str, Any]] = []
    if path.is_file():
        for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                line = json.loads(text)
                line["step"] = int(line["step"])
            except (ValueError, KeyError, TypeError):
                break
            lines.append(line)
    return lines
