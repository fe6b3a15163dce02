"""Files of an evaluation: pred.json (one record per sample) and run.json (how it came about), by shards and whole."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perstream.errors import ConfigError, NotFound

PRED, RUN = "pred.json", "run.json"
SILENCE = "</silence>"
"""Silence as the records of a dataset write it; None everywhere else."""
_SHARD = re.compile(r"pred\.(\d+)of(\d+)\.json")
MAX_BYTES = 1 << 30

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shard:
    """Every ``count``-th case, from ``number`` (1 to count)."""

    number: int = 1
    count: int = 1

    @staticmethod
    def parse(text: str) -> Shard:
        """``2/8``. ConfigError for anything else."""
        found = re.fullmatch(r"\s*(\d{1,5})\s*/\s*(\d{1,5})\s*", text)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise ConfigError(f"--shard wants i/n with i from 1 to n, for example 1/4, not {text[:40]!r}")
        return Shard(int(found[1]), int(found[2]))

    @property
    def suffix(self) -> str:
        """Of file names."""
        return "" if self.count == 1 else f".{self.number}of{self.count}"

    def of(self, items: Sequence[Any]) -> list[Any]:
        """This shard's part."""
        return list(items[self.number - 1 :: self.count])


def write_json(path: Path, value: object) -> None:
    """All of it or nothing; ConfigError when it cannot be written."""
    half = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        half.replace(path)
    except OSError as error:
        raise ConfigError(f"cannot write {path} ({error.strerror}): choose another folder") from error


def write_predictions(folder: Path, shard: Shard, records: Sequence[Json], run: Mapping[str, Any]) -> Path:
    """Write a shard's records; when all shards are there, pred.json too. Returns what was written last."""
    path = folder / f"pred{shard.suffix}.json"
    write_json(path, [_at_boundary(record) for record in records])
    write_json(folder / RUN, dict(run))
    if shard.count == 1:
        return path
    parts = [folder / f"pred.{i}of{shard.count}.json" for i in range(1, shard.count + 1)]
    if not all(part.is_file() for part in parts):
        return path
    together = [record for part in parts for record in read_json(part)]
    write_json(folder / PRED, sorted(together, key=lambda record: str(record.get("id"))))
    return folder / PRED


def _at_boundary(record: Json) -> Json:
    """Silence as the dataset's records write it, in ``pred`` and in ``answer``."""
    if record.get("type") != "proactive":
        return record
    return {**record, **{key: SILENCE if record[key] is None else record[key] for key in ("pred", "answer")}}


def read_predictions(folder: Path) -> list[Json]:
    """The records of a folder, silence as None. NotFound without them, ConfigError for a file that is none of ours."""
    path = folder / PRED
    if not path.is_file():
        shards = [p.name for p in sorted(folder.glob("pred.*of*.json")) if _SHARD.fullmatch(p.name)]
        hint = f" (only {', '.join(shards[:4])}: evaluate the other shards first)" if shards else ""
        raise NotFound(f"there is no {path}{hint}: make it with scripts/eval.sh")
    records = read_json(path)
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise ConfigError(f"{path} is no list of predictions")
    seen: set[str] = set()
    for i, record in enumerate(records):
        problem = _problem(record)
        if problem is None and record["id"] in seen:
            problem = f"id {record['id'][:60]!r} occurs twice"
        if problem is not None:
            raise ConfigError(f"{path}: record {i} cannot be used: {problem}")
        seen.add(record["id"])
    return [_inside(record) for record in records]


def _problem(record: Json) -> str | None:
    for key in ("id", "type", "question", "answer", "pred"):
        if key not in record:
            return f"it has no {key}"
        if not isinstance(record[key], str) and (key not in ("answer", "pred") or record[key] is not None):
            return f"{key} must be a text"
    return None if record["type"] in ("passive", "proactive") else "type is passive or proactive"


def _inside(record: Json) -> Json:
    if record["type"] != "proactive":
        return record
    silent = {key: None for key in ("pred", "answer") if SILENCE in (record[key] or SILENCE)}
    return {**record, **silent}


def read_json(path: Path) -> Any:
    """ConfigError for what cannot be read, is too large or is no JSON."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path} is larger than a gigabyte")
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path} cannot be read as JSON: {error}") from error


def prediction_folders(base: Path) -> list[Path]:
    """Folders under ``base`` that hold predictions, in order."""
    if not base.is_dir():
        raise NotFound(f"there is no folder {base}: set OUTPUT_BASE_DIR (or run scripts/eval.sh first)")
    found = {path.parent for path in base.glob(f"**/{PRED}")} | {path.parent for path in base.glob("**/pred.1of*.json")}
    return sorted(path for path in found if ".cache" not in path.parts)
