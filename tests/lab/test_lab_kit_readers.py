"""Readers of public benchmarks, on hand-made files of the published formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from perstream.config import BackendConfig, Config
from perstream.errors import ConfigError, NotFound
from perstream.lab.kit.evaluate import evaluate
from perstream.lab.kit.plan import Plan
from perstream.lab.kit.predictions import Shard, read_predictions
from perstream.lab.kit.suites import read_suite
from perstream.models.registry import load_backend

LONGMEMEVAL = [
    {
        "question_id": "e47becba",
        "question_type": "single-session-user",
        "question": "What degree did I graduate with?",
        "answer": "Business Administration",
        "question_date": "2023/05/30 (Tue) 23:40",
        "haystack_session_ids": ["sharegpt_1", "answer_2"],
        "haystack_dates": ["2023/05/20 (Sat) 02:21", "2023/05/25 (Thu) 10:00"],
        "haystack_sessions": [
            [
                {"role": "user", "content": "Which wine goes with fish?"},
                {"role": "assistant", "content": "A white one."},
            ],
            [{"role": "user", "content": "I graduated with a degree in Business Administration.", "has_answer": True}],
        ],
        "answer_session_ids": ["answer_2"],
    },
    {
        "question_id": "gpt4_2655b836_abs",
        "question_type": "multi-session",
        "question": "What is my cat called?",
        "answer": "You did not mention a cat.",
        "question_date": "2023/06/01 (Thu) 08:00",
        "haystack_session_ids": ["s"],
        "haystack_dates": ["2023/05/20 (Sat) 02:21"],
        "haystack_sessions": [[{"role": "user", "content": "My dog is called Rex."}]],
        "answer_session_ids": [],
    },
]
EGOLIFEQA = [
    {
        "ID": "1",
        "query_time": {"date": "DAY2", "time": "11210250"},
        "type": "EntityLog",
        "type_chinese": "",
        "need_audio": False,
        "need_name": True,
        "last_time": False,
        "trigger": "",
        "question": "Who used the screwdriver first?",
        "choice_a": "Tasha",
        "choice_b": "Alice",
        "choice_c": "Shure",
        "choice_d": "Lucia",
        "answer": "B",
        "target_time": {"date": "DAY1", "time": "11152408"},
        "keywords": "screwdriver",
        "reason": "",
    }
]
EGOSCHEMA = [
    {
        "q_uid": "0074f737-11cb-497d-8d07-77c3a8127391",
        "google_drive_id": "x",
        "question": "What was C mostly doing?",
        **{f"option {i}": f"C was doing thing {i}." for i in range(5)},
    },
    {
        "q_uid": "not-in-the-subset",
        "google_drive_id": "y",
        "question": "What else?",
        **{f"option {i}": f"Other thing {i}." for i in range(5)},
    },
]
OVOBENCH = [
    {
        "id": 0,
        "task": "EPM",
        "video": "Ego4D/clips/ec4a3ba3.mp4",
        "realtime": 215,
        "question": "Who did I talk to?",
        "answer": "a person in blue",
        "options": ["a person in brown", "a person in green", "a person in blue"],
        "gt": 2,
    },
    {"id": 7, "task": "REC", "video": "x.mp4", "activity": "jump", "test_info": [{"realtime": 3, "count": 1}]},
]
STREAMINGBENCH = [
    {
        "time": "[0:00:00 - 0:01:00]",
        "questions": [
            {
                "task_type": "Object Perception",
                "question": "What is on the table now?",
                "time_stamp": "00:01:50",
                "answer": "B",
                "options": ["A. A card.", "B. Four cups.", "C.A cloth.", "D. Nothing."],
                "required_ability": "working memory",
            }
        ],
        "video_categories": "games",
        "video_path": "./videos/sample_2_real.mp4",
    }
]
STREAMINGBENCH_CSV = (
    "question_id,task_type,question,time_stamp,answer,options,frames_required,temporal_clue_type\n"
    "Real-Time Visual Understanding_sample_12_3,Clips Summarize,What happened?,08:01,D,\"['A. x', 'B. y', 'C. z', 'D. w']\",m,p\n"
)
ANSWERS = {"0074f737-11cb-497d-8d07-77c3a8127391": 3}


def write(tmp_path: Path, data: Any, name: str = "data.json") -> Path:
    path = tmp_path / name
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def test_longmemeval(tmp_path: Path) -> None:
    suite = read_suite(write(tmp_path, LONGMEMEVAL))
    first, second = suite.cases
    assert (first.id, first.gold, first.category) == ("e47becba", "Business Administration", "single-session-user")
    assert first.golds == {"I graduated with a degree in Business Administration."}
    assert f"{first.now:%Y-%m-%d %H:%M}" == "2023-05-30 23:40"
    assert (second.gold, second.category) == (None, "abstention"), "to be refused"
    told = suite.pools[first.pool]
    assert [one.speaker for one in told] == [None, "assistant", None]
    assert told[1].context == "Which wine goes with fish?"
    assert told[2].at > told[0].at


def test_egolifeqa(tmp_path: Path) -> None:
    (case,) = read_suite(write(tmp_path, EGOLIFEQA)).cases
    assert case.gold == "Alice"
    assert case.time_s == 86_400 + 11 * 3600 + 21 * 60 + 2
    assert (f"{case.now:%d %H:%M:%S}", case.category) == ("02 11:21:02", "EntityLog")


def test_egoschema(tmp_path: Path) -> None:
    path, answers = write(tmp_path, EGOSCHEMA), write(tmp_path, ANSWERS, "subset_answers.json")
    (case,) = read_suite(path, answers=answers).cases
    assert (case.gold, case.video, len(case.options)) == ("C was doing thing 3.", case.id, 5)
    with pytest.raises(ConfigError, match="--answers"):
        read_suite(path)
    with pytest.raises(ConfigError, match="none of the questions"):
        read_suite(path, answers=write(tmp_path, {}, "none.json"))


def test_ovobench(tmp_path: Path) -> None:
    (case,) = read_suite(write(tmp_path, OVOBENCH)).cases
    assert (case.gold, case.category, case.time_s) == ("a person in blue", "EPM", 215.0)
    assert case.video == "Ego4D/clips/ec4a3ba3.mp4"
    with pytest.raises(ConfigError, match="forward"):
        read_suite(write(tmp_path, OVOBENCH[1:]))


def test_streamingbench_in_both_forms(tmp_path: Path) -> None:
    (case,) = read_suite(write(tmp_path, STREAMINGBENCH)).cases
    assert (case.gold, case.time_s, case.video) == ("Four cups.", 110.0, "sample_2_real.mp4")
    assert case.options[2] == "A cloth."
    table = tmp_path / "real.csv"
    table.write_text(STREAMINGBENCH_CSV, encoding="utf-8")
    (row,) = read_suite(table).cases
    assert (row.gold, row.time_s, row.video) == ("w", 481.0, "sample_12/video.mp4")
    with pytest.raises(NotFound):
        read_suite(tmp_path / "nothing.csv")


@pytest.mark.parametrize(
    ("data", "change", "wanted"),
    [
        (LONGMEMEVAL, {"haystack_dates": ["yesterday", "2023/05/25"]}, "row 0: haystack_dates is no date"),
        (LONGMEMEVAL, {"haystack_dates": []}, "row 0: 2 haystack_sessions and 0"),
        (LONGMEMEVAL, {"answer": None}, "row 0: answer must be a text"),
        (LONGMEMEVAL, {"question_id": "gpt4_2655b836_abs"}, "occurs twice"),
        (EGOLIFEQA, {"answer": "E"}, "row 0: answer names no option"),
        (EGOLIFEQA, {"query_time": {"date": "MONDAY", "time": "1"}}, "row 0: query_time"),
        (EGOLIFEQA, {"choice_c": ""}, "choice_a to choice_d"),
        (OVOBENCH, {"gt": 3}, "row 0: gt must be a number from 0 to 2"),
        (OVOBENCH, {"gt": True}, "row 0: gt"),
        (OVOBENCH, {"realtime": "soon"}, "row 0: realtime is no time"),
        (OVOBENCH, {"options": "a, b"}, "row 0: options must be a list"),
        (STREAMINGBENCH, {"questions": [{"options": ["A. x", "B. y"], "question": "q", "answer": "B"}]}, "time_stamp"),
    ],
)
def test_what_is_wrong_is_named_with_its_row(tmp_path: Path, data: Any, change: dict[str, Any], wanted: str) -> None:
    with pytest.raises(ConfigError, match=wanted):
        read_suite(write(tmp_path, [data[0] | change, *data[1:]]))


@pytest.mark.parametrize("data", [LONGMEMEVAL, EGOLIFEQA, OVOBENCH[:1], STREAMINGBENCH])
def test_they_are_evaluated_by_limit_and_shard(tmp_path: Path, data: Any) -> None:
    backend = load_backend(BackendConfig(name="scripted"), Config().moment)
    suite = read_suite(write(tmp_path, data))
    plan = Plan(mode="passive", name="b", out=tmp_path, memory_only=True, limit=1, shard=Shard(1, 1))
    evaluate(suite, plan, backend, Config(), progress=lambda _: None)
    (record,) = read_predictions(plan.folder)
    assert record["id"] == suite.cases[0].id
    assert record.get("options", []) == list(suite.cases[0].options)
