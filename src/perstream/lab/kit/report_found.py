"""The results files of a folder, and what each is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from perstream.errors import ConfigError
from perstream.lab.kit.judging import RESULTS
from perstream.lab.kit.predictions import Json, read_json


@dataclass(frozen=True, slots=True)
class Found:
    """A results file and where it lies."""

    place: str
    """Relative to the folder."""
    values: Json

    @property
    def made_by(self) -> list[str]:
        """Commands, the one that evaluated first."""
        run = self.values.get("evaluated_by")
        first = run.get("command") if isinstance(run, Mapping) else None
        return [str(c) for c in (first, self.values.get("command")) if c]

    @property
    def title(self) -> str:
        """Dataset and strategy."""
        return " / ".join(Path(self.place).parts[:-1]) or self.place


def kind_of(values: Json) -> str:
    """What a results file is about; empty for one that is none of ours."""
    if "aggregate" in values and values.get("type") in ("passive", "proactive"):
        return str(values["type"])
    if "points" in values and "full_bytes" in values:
        return "reduction"
    if "gold_words" in values and "abstention" in values:
        return "answers"
    return "recall" if "mrr" in values and "baselines" in values else ""


def results_in(folder: Path) -> list[Found]:
    """All of them, in order. ConfigError for a results.json that cannot be read; other files are passed over."""
    out = []
    for path in sorted(folder.rglob("*.json")):
        if ".cache" in path.parts or path.name.startswith("pred.") or path.name == "run.json":
            continue
        try:
            values = read_json(path)
        except ConfigError:
            if path.name == RESULTS:
                raise
            continue  # somebody else's file
        if isinstance(values, dict):
            out.append(Found(str(path.relative_to(folder)), values))
    return sorted(out, key=lambda one: (Path(one.place).parts[:1], "perstream" not in Path(one.place).parts, one.place))
