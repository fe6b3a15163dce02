"""The study of memory reduction, on tiny data of either format made here, and with words that depend on a memory."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perstream.config import BackendConfig, Config
from perstream.errors import BackendUnavailable, ConfigError
from perstream.lab.eval_reduction import evaluate_reduction
from perstream.lab.eval_reduction_plot import plot_reduction
from perstream.lab.kit.report_found import Found
from perstream.lab.kit.report_studies import of_reduction
from perstream.lab.lives import Life, read_lives
from perstream.lab.reduction_scores import Point, ReductionEvaluation
from perstream.models.builtin import BuiltinGenerator
from perstream.models.chat.messages import Message, Sampling
from perstream.models.chat.parts import chat_parts
from perstream.models.chat.scripted import ScriptedChat
from perstream.models.registry import load_backend
from perstream.protocols import Backend

sys.path.insert(0, str(Path(__file__).parents[1] / "memory"))
from recall_world import WordEmbedder

CONFIG = Config()
ROOT = Path(__file__).parents[2]
THINGS = "kayak violin lantern saddle teapot compass ladder mirror carpet whistle anchor basket".split()
PLACES = "harbour attic garden cellar museum tunnel bakery chapel library stable tower meadow".split()
COLORS = "green blue red yellow white black brown silver golden purple orange grey".split()


def words_alone() -> Backend:
    """Answers are the builtin ones; words are alike when they are the same."""
    scripted = load_backend(BackendConfig(name="scripted"), CONFIG.moment)
    return replace(scripted, embedder=WordEmbedder(), generator=BuiltinGenerator(WordEmbedder(), 0.35))


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
    return evaluate_reduction(
        records(folder / "d.json"), (1.0, 0.3), strategies, 2, words_alone(), CONFIG, cache=folder, progress=unheard
    )


def unheard(_: str) -> None:
    """Progress that nobody reads."""


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
    assert full.last.scores and gsbn.last.scores and oldest.last.scores and oldest.periods[0].scores
    assert full.last.scores.recall5 == 1.0
    assert full.last.scores.n == 12
    assert gsbn.last.scores.recall5 == 1.0, "words find it when vectors are gone"
    assert oldest.last.scores.recall5 == pytest.approx(oldest.last.held.memories // 2 / 12, abs=0.09)
    assert oldest.periods[0].scores.n == 6, "only what has come by then is asked about"
    assert full.last.scores.f1 > oldest.last.scores.f1


def test_each_question_is_scored_once_before_the_owner_asked_it(result: ReductionEvaluation) -> None:
    point = at(result, "nsbg", 0.3)
    assert point.last.scores is not None
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
    [
        ({"strategies": ("best",)}, "best"),
        ({"budgets": (0.0,)}, "shares"),
        ({"periods": 0}, "period"),
        ({"mode": "loud"}, "loud"),
        ({"mode": "proactive"}, "no proactive sample"),
    ],
)
def test_settings_out_of_range_are_refused(tmp_path: Path, values: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        usual: dict[str, Any] = {"budgets": (0.5,), "strategies": ("gsbn",), "periods": 2}
        evaluate_reduction(
            records(tmp_path / "d.json"), backend=words_alone(), config=CONFIG, cache=tmp_path, **usual | values
        )


def scenes(path: Path) -> Path:
    """One person: six things that must not be forgotten where they are seen, and six scenes that mean nothing."""
    data: list[dict[str, Any]] = []
    for i, (thing, place, color) in enumerate(zip(THINGS, PLACES, COLORS, strict=True)):
        due = i % 2 == 0
        data.append(
            {
                "participant_id": 1,
                "video_id": "run1",
                "timestamp": f"{100.0 * i}",
                "caption": f"standing in the {place}",
                "type_1_memories": [f"The {thing} stands in the {place}."] if due else [f"I like {color} shirts."],
                "type": "proactive",
                "answer": f"</response> Your {thing} is here." if due else "</silence>",
            }
        )
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def reads(messages: Sequence[Message], _: Sampling) -> str:
    """Speaks when a memory that it is shown stands in the place in view."""
    text = "\n".join(part for message in messages for part in message.parts if isinstance(part, str))
    (place,) = re.findall(r"standing in the (\w+)", text)[:1]
    found = re.search(rf"\[(\d+)\][^\n]*The (\w+) stands in the {place}", text)
    return f"</response> [{found[1]}] Your {found[2]} is here." if found else "</silence>"


def speaker(*replies: Any) -> tuple[Backend, ScriptedChat]:
    chat = ScriptedChat(replies or [reads])
    parts = chat_parts(chat, WordEmbedder(), CONFIG.backend)
    return replace(words_alone(), generator=parts.generator, fell_back=lambda: parts.fallbacks.counts), chat


def met(folder: Path, backend: Backend, **more: Any) -> ReductionEvaluation:
    values: dict[str, Any] = {"strategies": ("gsbn", "oldest"), "periods": 2, "cache": folder, "out": folder} | more
    return evaluate_reduction(
        scenes(folder / "d.json"), (1.0, 0.4), backend=backend, config=CONFIG, progress=unheard, **values
    )


def test_a_word_that_rests_on_a_memory_goes_when_the_memory_does(tmp_path: Path) -> None:
    result = met(tmp_path, speaker()[0])
    full, gsbn, oldest = at(result, "gsbn", 1.0), at(result, "gsbn", 0.4), at(result, "oldest", 0.4)
    assert (result.modes, full.last.scores) == (("proactive",), None)
    assert full.last.spoken and gsbn.last.spoken and oldest.last.spoken and oldest.periods[0].spoken
    assert (full.last.spoken["f1"], full.last.spoken["n"]) == (1.0, 12)
    assert gsbn.last.spoken["f1"] == 1.0, "the words of the memories are all still there"
    kept = oldest.last.held.memories
    assert oldest.last.spoken["hits"] in (kept // 2, kept - kept // 2), "one word for every second memory"
    assert oldest.last.spoken["f1"] < 0.7
    assert oldest.last.spoken["precision"] == 1.0
    assert oldest.periods[0].spoken["n"] == 6, "only scenes whose memories have come"
    assert full.last.spoken["beside"]["always-speak"]["f1"] == pytest.approx(2 / 3, abs=1e-4)
    assert full.last.spoken["beside"]["always-silent"]["f1"] == 0.0


def test_every_period_says_what_is_held_and_what_was_freed(tmp_path: Path) -> None:
    data = json.loads(json.dumps(met(tmp_path, speaker()[0]).to_json()))
    full, point = data["points"][0], data["points"][1]
    assert full["bytes_freed"] == 0
    assert [set(p) for p in point["by_period"]] == [{"bytes_held", "bytes_freed", "memories", "proactive"}] * 2
    freed = [p["bytes_freed"] for p in point["by_period"]]
    assert point["bytes_freed"] == sum(freed) == full["bytes_held"] - point["bytes_held"]
    assert freed[1] > freed[0]
    text = of_reduction([Found("r.json", data)])
    assert "F1 of speaking" in text
    assert "recall@5" not in text


def test_an_interrupted_study_goes_on_and_a_model_that_is_gone_is_not_counted(tmp_path: Path) -> None:
    gone, _ = speaker(reads, BackendUnavailable("the server is gone"))
    with pytest.raises(BackendUnavailable, match="goes on from there"):
        met(tmp_path, gone)
    first, chat = speaker()
    result = met(tmp_path, first)
    assert chat.calls > 0
    second, silent = speaker("</silence>")
    assert met(tmp_path, second).to_json() == result.to_json()
    assert silent.calls == 0, "all of it was known"


def test_both_modes_are_told_of_and_drawn(tmp_path: Path) -> None:
    both = [*json.loads(records(tmp_path / "a.json").read_text()), *json.loads(scenes(tmp_path / "b.json").read_text())]
    path = tmp_path / "both.json"
    path.write_text(json.dumps(both), encoding="utf-8")
    values: dict[str, Any] = {"backend": words_alone(), "config": CONFIG, "cache": tmp_path, "progress": unheard}
    result = evaluate_reduction(path, (1.0, 0.2), ("nsbg",), 1, **values)
    assert result.modes == ("passive", "proactive")
    spoken, scores = result.points[1].last.spoken, result.points[1].last.scores
    assert spoken and scores
    assert (spoken["n"], scores.n) == (12, 12), "scenes are met once, whichever half of the questions was asked"
    assert any(line.startswith("words unasked, 12 scenes, 6 words due") for line in result.lines())
    alone = evaluate_reduction(path, (0.2,), ("nsbg",), 1, mode="proactive", **values)
    assert alone.points[0].last.held == result.points[1].last.held, "the owner asks the same in every mode"
    pytest.importorskip("matplotlib")
    drawn = plot_reduction(result, tmp_path / "p.svg").read_text(encoding="utf-8")
    assert "F1 of speaking unasked" in drawn
    assert "always speaking" in drawn
    assert "F1 of speaking" in plot_reduction(alone, tmp_path / "q.svg").read_text(encoding="utf-8")


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
    assert "--mode both" in said.stdout
    assert "--backend" not in said.stdout


def test_the_script_honours_a_model_and_says_what_means_nothing() -> None:
    said = script(
        "--dry-run", GT_FILE="d.json", MODEL_PATH="my model", ADAPTER="a=b", MODE="proactive", VIDEO_START_BEFORE="4"
    )
    assert r"--backend qwen-omni --model my\ model --adapter a=b" in said.stdout
    assert "--mode proactive" in said.stdout
    assert "VIDEO_START_BEFORE and VIDEO_END_AFTER change nothing" in said.stderr
    other = script("--dry-run", GT_FILE="d.json", MODEL_PATH="m", BACKEND="openai")
    assert "--backend openai --model m" in other.stdout


@pytest.mark.parametrize(
    "environment",
    [
        {"GT_FILE": ""},
        {"GT_FILE": "d", "R_PRIME_GB": "9"},
        {"GT_FILE": "d", "DEVICE_RAM_GB": "x"},
        {"GT_FILE": "d", "MODE": "loud"},
        {"GT_FILE": "d", "NUM_WORKERS": "0"},
    ],
)
def test_the_script_refuses_what_makes_no_sense(environment: dict[str, str]) -> None:
    said = script("--dry-run", **environment)
    assert said.returncode == 2
    assert said.stderr.startswith("reduction_eval.sh:")
