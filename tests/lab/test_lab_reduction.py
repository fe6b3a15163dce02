"""The study of memory reduction, on tiny data of either format made here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from perstream.errors import ConfigError
from perstream.lab.eval_reduction import evaluate_reduction
from perstream.lab.eval_reduction_plot import plot_reduction
from perstream.lab.lives import Life, read_lives
from perstream.lab.reduction_scores import Point, ReductionEvaluation

sys.path.insert(0, str(Path(__file__).parents[1] / "memory"))
from recall_world import WordEmbedder

ROOT = Path(__file__).parents[2]
THINGS = "kayak violin lantern saddle teapot compass ladder mirror carpet whistle anchor basket".split()
PLACES = "harbour attic garden cellar museum tunnel bakery chapel library stable tower meadow".split()
COLORS = "green blue red yellow white black brown silver golden purple orange grey".split()


def records(path: Path) -> Path:
    """One person, twelve samples with two memories each, and a question about each sample's own."""
    data: list[dict[str, Any]] = []
    for i, (thing, place, color) in enumerate(zip(THINGS, PLACES, COLORS, strict=True)):
        data.append(
            {
                "participant_id": 1,
                "video_id": "run1",
                "timestamp": str(100.0 * i),
                "type_1_memories": [f"I keep my {color} {thing} in the {place}."],
                "type_2_memories": [f"Nothing much happened on day number {i}."],
                "type": "passive",
                "question": f"Where is my {thing}?",
                "answer": f"In the {place}.",
                "reference": ["(M1.1)"],
            }
        )
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def locomo() -> list[dict[str, Any]]:
    return [
        {
            "sample_id": "one",
            "conversation": {
                "session_2_date_time": "9:00 am on 20 June, 2023",
                "session_2": [{"speaker": "Ann", "dia_id": "D2:1", "text": "My violin teacher moved away."}],
                "session_1_date_time": "1:56 pm on 8 May, 2023",
                "session_1": [{"speaker": "Bob", "dia_id": "D1:1", "text": "I adopted a parrot."}],
            },
            "qa": [
                {"question": "Which pet did Bob adopt?", "answer": "parrot", "evidence": ["D1:1"], "category": 4},
                {"question": "Which pet did Ann adopt?", "evidence": ["D1:1"], "category": 5},
                {"question": "What is nowhere?", "answer": "x", "evidence": [], "category": 1},
            ],
        }
    ]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> ReductionEvaluation:
    folder = tmp_path_factory.mktemp("study")
    strategies = ("nsbg", "gsbn", "oldest", "random")
    return evaluate_reduction(records(folder / "d.json"), (1.0, 0.3), strategies, 2, WordEmbedder(), cache=folder)


def at(result: ReductionEvaluation, strategy: str, budget: float) -> Point:
    return next(p for p in result.points if (p.strategy, p.budget) == (strategy, budget))


def test_every_strategy_stays_within_its_budget_in_every_period(result: ReductionEvaluation) -> None:
    assert [(p.strategy, p.budget) for p in result.points] == [
        (s, b) for s in ("nsbg", "gsbn", "oldest", "random") for b in (1.0, 0.3)
    ]
    for point in result.points:
        assert len(point.periods) == 2
        assert all(p.held.nbytes <= point.budget * result.full_bytes for p in point.periods)
        assert point.last.held.nbytes > 0.8 * point.budget * result.full_bytes, "more was given up than had to be"


def test_strategies_give_up_what_their_names_say(result: ReductionEvaluation) -> None:
    gsbn, nsbg, oldest = (at(result, name, 0.3).last.held for name in ("gsbn", "nsbg", "oldest"))
    assert gsbn.memories == 24, "GSBN keeps the text of all"
    assert gsbn.parts.get("v_nearest", 0) == 0
    assert nsbg.memories < 12
    assert set(oldest.parts.values()) == {oldest.memories}, "whole memories only"


def test_what_was_kept_is_found_and_what_was_forgotten_is_not(result: ReductionEvaluation) -> None:
    full, gsbn, oldest = at(result, "gsbn", 1.0), at(result, "gsbn", 0.3), at(result, "oldest", 0.3)
    assert full.last.scores.recall5 == 1.0
    assert full.last.scores.n == 12
    assert gsbn.last.scores.recall5 == 1.0, "words find it when vectors are gone"
    assert oldest.last.scores.recall5 == pytest.approx(oldest.last.held.memories // 2 / 12, abs=0.09)
    assert oldest.periods[0].scores.n == 6, "only what has come by then is asked about"
    assert full.last.scores.f1 > oldest.last.scores.f1


def test_each_question_is_scored_once_before_the_owner_asked_it(result: ReductionEvaluation) -> None:
    point = at(result, "nsbg", 0.3)
    assert point.last.scores.n == 12
    assert point.asked_before is not None
    assert point.asked_before.n == 12
    assert point.asked_before.recall5 > point.last.scores.recall5, "asking warms what was asked about"


def test_json_and_table_say_the_same(result: ReductionEvaluation) -> None:
    data = json.loads(json.dumps(result.to_json()))
    assert set(data["points"][0]) >= {"strategy", "budget", "recall@5", "mrr", "f1", "n", "ci95", "bytes_held"}
    assert "random vectors" in data["note"]
    assert len(result.lines()) == 2 + len(data["points"]) + 1


def test_locomo_comes_in_order_of_time_without_what_has_no_answer() -> None:
    name, lives = read_lives(locomo(), WordEmbedder())
    (life,) = lives
    assert (name, [q.answer for q in life.questions]) == ("locomo", ["parrot"])
    assert [new.text for new in life.news] == ["I adopted a parrot.", "My violin teacher moved away."]
    assert life.questions[0].golds == {0}
    assert all(new.mean_vector is not None and new.mean_vector.shape == (64, 17) for new in life.news)


def test_periods_hold_equally_many() -> None:
    _, (life,) = read_lives(locomo(), WordEmbedder())
    assert Life("x", life.news * 5, ()).ends(4) == [2, 5, 8, 10]


@pytest.mark.parametrize(
    ("values", "named"),
    [({"strategies": ("best",)}, "best"), ({"budgets": (0.0,)}, "shares"), ({"periods": 0}, "period")],
)
def test_settings_out_of_range_are_refused(tmp_path: Path, values: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        evaluate_reduction(records(tmp_path / "d.json"), embedder=WordEmbedder(), **values)


def test_the_plot_names_axes_and_strategies(result: ReductionEvaluation, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    drawn = plot_reduction(result, tmp_path / "p.svg").read_text(encoding="utf-8")
    for label in ("recall@5", "answer F1", "NSBG", "oldest memories", "30%"):
        assert label in drawn
    with pytest.raises(ConfigError, match="gif"):
        plot_reduction(result, tmp_path / "p.gif")


def script(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(ROOT / "scripts" / "reduction_eval.sh"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)


def test_the_script_maps_its_environment_to_flags() -> None:
    said = script("--dry-run", GT_FILE="my data.json", NUM_PERIODS="3", DEVICE_RAM_GB="8", R_PRIME_GB="1")
    assert said.returncode == 0
    assert r"--dataset my\ data.json --periods 3" in said.stdout
    assert "0.05\\,0.125" in said.stdout


@pytest.mark.parametrize(
    "environment", [{"GT_FILE": ""}, {"GT_FILE": "d", "R_PRIME_GB": "9"}, {"GT_FILE": "d", "DEVICE_RAM_GB": "x"}]
)
def test_the_script_refuses_what_makes_no_sense(environment: dict[str, str]) -> None:
    said = script("--dry-run", **environment)
    assert said.returncode == 2
    assert said.stderr.startswith("reduction_eval.sh:")
