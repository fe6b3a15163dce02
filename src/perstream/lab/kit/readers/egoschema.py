"""Reader of EgoSchema (Mangalam et al., NeurIPS 2023): questions.json, with subset_answers.json beside it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from perstream.errors import ConfigError
from perstream.lab.kit.cases import BEGINS_AT, Case, Suite
from perstream.lab.kit.readers.fields import Row, has, rows

OPTIONS = tuple(f"option {i}" for i in range(5))
CLIP_S = 180.0
"""Every clip is three minutes long; a question is about all of it."""


def is_egoschema(data: Any) -> bool:
    """Does this JSON value look like it?"""
    return has(data, "q_uid", "option 0")


def suite_of_egoschema(data: Any, answers: Any) -> Suite:
    """The questions whose answer is in ``answers`` (uid to the number of the option). ConfigError names the row."""
    if not isinstance(answers, Mapping):
        raise ConfigError("the answers of EgoSchema are an object of q_uid to the number of an option")
    cases = []
    for row in rows(data, "EgoSchema"):
        uid = row.text("q_uid")
        options = row.options([row.values.get(name) for name in OPTIONS], "option 0 to option 4")
        if uid not in answers:
            continue
        gold = Row({"answer": answers[uid]}, f"EgoSchema answer {uid[:40]}", 0).number("answer", options)
        cases.append(
            Case(
                id=uid,
                pool="",
                passive=True,
                question=row.text("question"),
                gold=gold,
                now=BEGINS_AT + timedelta(seconds=CLIP_S),
                video=uid,
                time_s=CLIP_S,
                options=options,
            )
        )
    if not cases:
        raise ConfigError("none of the questions has an answer: are these the answers of this file?")
    return Suite("egoschema", tuple(cases))
