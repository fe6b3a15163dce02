"""The README.md of an adapter: what it was trained on, how, and what it measured. Never what it was not."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

COLUMNS = ("epoch", "val_loss", "val_loss_passive", "val_loss_proactive", "proactive_precision", "proactive_recall", "proactive_f1")  # fmt: skip


def write_card(
    folder: Path,
    base: str,
    counts: Mapping[str, Any],
    settings: Mapping[str, Any],
    epochs: Sequence[Mapping[str, Any]],
    best: int,
    command: Sequence[str],
) -> Path:
    """Write it. ``epochs`` has the held-out figures of each finished epoch, ``best`` is the number of the one kept."""
    rows = [f"| {' | '.join(_cell(one.get(name)) for name in COLUMNS)} |" for one in epochs]
    tiny = "tiny" in base.lower()
    text = "\n".join(
        [
            "---",
            "library_name: peft",
            f"base_model: {json.dumps(base)}",
            "tags: [lora, perstream]",
            "---",
            "",
            "# PerStream adapter",
            "",
            f"A LoRA adapter for the text decoder of `{base}`: answers from personal memories, and silence or a word "
            "unasked. The vision and sound towers are the base model's.",
            *(["", "The base is a tiny model for tests: what it says tells about code, not about quality."] if tiny else []),
            "",
            "## Data",
            "",
            *[f"- {name}: {_cell(value)}" for name, value in counts.items()],
            "",
            "Loss is on the reply's tokens alone. Prompts are those of PerStream's inference; memories that a record's "
            "reference names are always shown, but in the passive records counted as left out above, whose reply is "
            "that there is no memory of it. Silent samples are drawn anew in each epoch.",
            "",
            "## Parameters",
            "",
            *[f"- {name}: {_cell(value)}" for name, value in settings.items()],
            "",
            "## Held-out figures",
            "",
            "Held-out records are taken as they come, with all their silence, so their loss is not that of training: compare "
            "epochs.",
            "",
            f"| {' | '.join(COLUMNS)} |",
            f"|{'---|' * len(COLUMNS)}",
            *rows,
            "",
            *_always(epochs),
            f"Kept is epoch {best}, of the least held-out loss: these records chose it, so they flatter it a little. "
            "Measure it on others with `perstream eval`." if best else "No epoch was finished yet.",
            "",
            "## Use",
            "",
            f"    perstream serve --backend qwen-omni --model {shlex.quote(base)} --adapter mine={shlex.quote(str(folder))}",
            "",
            "## Made by",
            "",
            f"    {' '.join(shlex.quote(word) for word in command)}",
            "",
        ]
    )  # fmt: skip
    path = folder / "README.md"
    half = path.with_name("README.md.part")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
    return path


def _always(epochs: Sequence[Mapping[str, Any]]) -> list[str]:
    """What F1 of speaking means on these records: that of always speaking."""
    moments, due = (int(epochs[-1].get(f"proactive_{name}") or 0) for name in ("moments", "due")) if epochs else (0, 0)
    if not due:
        return []
    return [f"{due} of {moments} moments call for a word: always speaking has F1 {2 * due / (due + moments):.3f}.", ""]


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)
