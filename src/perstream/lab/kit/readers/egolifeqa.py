"""Reader of EgoLifeQA (Yang et al., CVPR 2025): EgoLifeQA_A1_JAKE.json and its like, four options per question."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from perstream.errors import ConfigError
from perstream.lab.kit.cases import BEGINS_AT, Case, Suite
from perstream.lab.kit.readers.fields import Row, has, rows

CHOICES = ("choice_a", "choice_b", "choice_c", "choice_d")
DAY_S = 86_400.0


def is_egolifeqa(data: Any) -> bool:
    """Does this JSON value look like it?"""
    return has(data, "query_time", "choice_a", "question")


def suite_of_egolifeqa(data: Any) -> Suite:
    """Questions on the clock of the recorded week. The file names no video file and brings no memories.

    ConfigError names the row.
    """
    cases = []
    for row in rows(data, "EgoLifeQA"):
        options = row.options([row.values.get(name) for name in CHOICES], "choice_a to choice_d")
        time_s = _asked_at(row)
        cases.append(
            Case(
                id=row.text("ID"),
                pool="",
                passive=True,
                question=row.text("question"),
                gold=row.letter("answer", options),
                now=BEGINS_AT.replace(hour=0) + timedelta(seconds=time_s),
                category=row.text("type", ""),
                time_s=time_s,
                options=options,
            )
        )
    return Suite("egolifeqa", tuple(cases))


def _asked_at(row: Row) -> float:
    """Seconds since midnight of day 1: ``{"date": "DAY2", "time": "11210250"}`` is 11:21:02.50 of the second day."""
    when = row.values.get("query_time")
    if not isinstance(when, dict):
        raise ConfigError(f"{row.where}: query_time must hold a date and a time")
    day = re.fullmatch(r"DAY(\d+)", str(when.get("date", "")).strip())
    clock = re.fullmatch(r"(\d{2})(\d{2})(\d{2})(\d{2})?", str(when.get("time", "")).strip())
    if not day or not clock:
        raise ConfigError(f"{row.where}: query_time is no DAYn with HHMMSSFF: {str(when)[:60]}")
    return (int(day[1]) - 1) * DAY_S + int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3])
