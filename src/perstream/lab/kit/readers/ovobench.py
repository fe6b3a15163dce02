"""Reader of OVO-Bench (Li et al., CVPR 2025): ovo_bench_new.json, its backward and real-time tasks.

The forward tasks (REC, SSR, CRR) ask again and again while a video runs and are scored over that sequence; they are
left out and counted.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from perstream.errors import ConfigError
from perstream.lab.kit.cases import BEGINS_AT, Case, Suite
from perstream.lab.kit.readers.fields import has, rows

FORWARD = frozenset({"REC", "SSR", "CRR"})


def is_ovobench(data: Any) -> bool:
    """Does this JSON value look like it?"""
    return has(data, "id", "task", "video") and isinstance(data[0]["task"], str) and "question_id" not in data[0]


def suite_of_ovobench(data: Any) -> Suite:
    """Multiple-choice questions at a time of a video. ConfigError names the row."""
    cases = []
    for row in rows(data, "OVO-Bench"):
        task = row.text("task")
        if task in FORWARD:
            continue
        options = row.options(row.list("options"))
        time_s = row.seconds("realtime")
        cases.append(
            Case(
                id=row.text("id"),
                pool="",
                passive=True,
                question=row.text("question"),
                gold=row.number("gt", options),
                now=BEGINS_AT + timedelta(seconds=time_s),
                category=task,
                video=row.text("video"),
                time_s=time_s,
                options=options,
            )
        )
    if not cases:
        raise ConfigError("the file holds forward tasks (REC, SSR, CRR) alone: they are not evaluated")
    return Suite("ovo-bench", tuple(cases))
