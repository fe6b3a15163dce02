"""Reader of StreamingBench (Lin et al., 2024): questions_*.json of its repository, or the .csv files of its data set."""

from __future__ import annotations

import ast
import csv
from datetime import timedelta
from pathlib import Path
from typing import Any

from perstream.errors import ConfigError, NotFound
from perstream.lab.kit.cases import BEGINS_AT, Case, Suite
from perstream.lab.kit.readers.fields import Row, has, rows

MAX_CSV_BYTES = 100_000_000


def is_streamingbench(data: Any) -> bool:
    """Does this value look like it, in either form?"""
    return has(data, "questions", "video_path") or has(data, "question_id", "task_type", "time_stamp")


def suite_of_streamingbench(data: Any) -> Suite:
    """Multiple-choice questions at a time of a video; rows without options (proactive output) are left out."""
    cases: list[Case] = []
    for row in rows(data, "StreamingBench"):
        if "questions" in row.values:
            video = row.text("video_path").removeprefix("./").removeprefix("videos/")
            for values in row.list("questions"):
                asked = Row(values, f"{row.where}, question", len(cases))
                if "options" in asked.values:
                    cases.append(_case(asked, f"{len(cases):05d}", video, asked.list("options")))
        elif row.text("options", ""):
            name = row.text("question_id")
            cases.append(_case(row, name, _video_of(name), _listed(row)))
    if not cases:
        raise ConfigError("the file holds no multiple-choice question")
    return Suite("streamingbench", tuple(cases))


def _case(row: Row, name: str, video: str, values: Any) -> Case:
    options = row.options(values)
    time_s = row.seconds("time_stamp")
    return Case(
        id=name,
        pool="",
        passive=True,
        question=row.text("question"),
        gold=row.letter("answer", options),
        now=BEGINS_AT + timedelta(seconds=time_s),
        category=row.text("task_type", ""),
        video=video,
        time_s=time_s,
        options=options,
    )


def _video_of(question: str) -> str:
    """``…_sample_12_3`` asks the third time about ``sample_12``, which lies in a folder of its own."""
    parts = question.split("_")
    if "sample" not in parts or parts.index("sample") + 1 >= len(parts):
        raise ConfigError(f"StreamingBench: question_id {question[:60]!r} names no sample_N")
    sample = "_".join(parts[parts.index("sample") : parts.index("sample") + 2])
    return f"{sample}/video.mp4"


def _listed(row: Row) -> Any:
    """The options of a .csv: a list as Python writes it."""
    try:
        return ast.literal_eval(row.text("options"))
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise ConfigError(f"{row.where}: options is no list") from error


def read_csv(path: Path) -> list[dict[str, Any]]:
    """Rows of a .csv file. NotFound, ConfigError."""
    if not path.is_file():
        raise NotFound(f"there is no dataset file {path}")
    if path.stat().st_size > MAX_CSV_BYTES:
        raise ConfigError(f"{path} is larger than {MAX_CSV_BYTES // 1_000_000} MB")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [dict(row) for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path} cannot be read as CSV: {error}") from error
