"""The evaluation of answers, on small data of either format made here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from perstream.errors import ConfigError, NotFound
from perstream.lab.answer_scores import Outcome, rouge_l, score_answers, score_refusals, token_f1, word_recall
from perstream.lab.eval_answers import evaluate_answers
from perstream.models.minilm import MiniLM


@pytest.fixture(scope="module")
def embedder() -> MiniLM:
    return MiniLM()


def conversation(name: str, one: str, two: str, pet: str, town: str) -> dict[str, Any]:
    def said(speaker: str, key: str, text: str) -> dict[str, str]:
        return {"speaker": speaker, "dia_id": key, "text": text}

    return {
        "sample_id": name,
        "conversation": {
            "speaker_a": one,
            "speaker_b": two,
            "session_1_date_time": "2:10 pm on 3 April, 2024",
            "session_1": [
                said(one, "D1:1", "Good morning!"),
                said(two, "D1:2", f"My {pet} is called Pepper."),
                said(one, "D1:3", f"I moved to {town} in the summer."),
            ],
        },
        "qa": [
            {"question": f"What is {two}'s {pet} called?", "answer": "Pepper", "evidence": ["D1:2"], "category": 4},
            {"question": f"Where did {one} move?", "answer": town, "evidence": ["D1:3"], "category": 1},
            {"question": f"What did {two} cook for the mayor?", "evidence": ["D1:1"], "category": 5},
        ],
    }


def record(participant: int, usual: list[str], question: str, answer: str, reference: str) -> dict[str, Any]:
    return {
        "participant_id": participant,
        "type": "passive",
        "type_1_memories": usual,
        "type_2_memories": [],
        "question": question,
        "answer": answer,
        "reference": [reference],
    }


RECORDS = [
    record(
        1, ["My umbrella is behind the door.", "I like tea."], "Where is my umbrella?", "Behind the door.", "(M1.1)"
    ),
    record(2, ["My sister Vera plays the cello."], "Who plays the cello?", "Your sister Vera.", "(M1.1)"),
    record(2, ["My sister Vera plays the cello."], "What is going on?", "</silence>", "(V)"),
]


def saved(folder: Path, data: Any) -> Path:
    path = folder / "data.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def test_locomo(tmp_path: Path, embedder: MiniLM) -> None:
    data = [conversation("a", "Ann", "Bob", "cat", "Oslo"), conversation("b", "Cleo", "Dan", "pony", "Turin")]
    result = evaluate_answers(saved(tmp_path, data), embedder=embedder, cache=tmp_path / "cache").to_json()
    assert (result["dataset"], result["n"], result["memories"]) == ("locomo", 4, 6)
    assert result["answered"] == 1.0 and result["evidence_on_gold"] == 1.0
    assert 0 < result["f1"] < 1 and 0 < result["rouge_l"] < 1 and result["f1"] == result["f1_answered"]
    assert result["gold_words"] == 1.0
    low, high = result["ci95"]["f1"]
    assert low <= result["f1"] <= high
    assert set(result["by_category"]) == {"single-hop", "multi-hop"}
    adversarial, never = result["abstention"]["adversarial"], result["abstention"]["never_seen"]
    assert (adversarial["n"], adversarial["recall"], adversarial["precision"]) == (2, 1.0, 1.0)
    assert never["n"] == 4 and 0 < never["recall"] <= 1
    assert result["baselines"]["top_sentence"]["answered"] == 1.0


@pytest.mark.parametrize(("pool", "memories"), [("sample", 3), ("participant", 3), ("all", 3)])
def test_records(tmp_path: Path, embedder: MiniLM, pool: str, memories: int) -> None:
    result = evaluate_answers(saved(tmp_path, RECORDS), pool, embedder, cache=tmp_path / "cache").to_json()
    assert (result["n"], result["memories"], result["answered"], result["pool"]) == (2, memories, 1.0, pool)
    if pool == "all":
        assert result["abstention"] == {}
    else:
        assert result["abstention"]["never_seen"] == {
            "precision": 1.0,
            "recall": 1.0,
            "n": 2,
            "ci95": {"recall": [1, 1]},
        }


def test_what_cannot_be_used(tmp_path: Path, embedder: MiniLM) -> None:
    with pytest.raises(NotFound):
        evaluate_answers(tmp_path / "none.json", embedder=embedder)
    with pytest.raises(ConfigError, match="pool"):
        evaluate_answers(saved(tmp_path, RECORDS), "mine", embedder)
    with pytest.raises(ConfigError, match="neither"):
        evaluate_answers(saved(tmp_path, [1]), embedder=embedder, cache=tmp_path)
    with pytest.raises(ConfigError, match="no question"):
        evaluate_answers(saved(tmp_path, RECORDS[2:]), embedder=embedder, cache=tmp_path)


def test_overlap_of_words() -> None:
    assert token_f1("The red kayak!", "a red kayak") == 1.0
    assert token_f1("red", "a red kayak") == pytest.approx(2 / 3)
    assert token_f1("", "kayak") == 0.0 and token_f1("blue", "red") == 0.0
    assert (
        word_recall("It was a red kayak, read at noon", "the red kayak") == 1.0 and word_recall("red", "red sun") == 0.5
    )
    assert rouge_l("one two three four", "two four one") == pytest.approx(4 / 7)
    assert token_f1("one two three four", "two four one") == pytest.approx(6 / 7)


def test_refusing_is_scored_both_ways() -> None:
    with_answer = [Outcome("red", "red"), Outcome("red", None), Outcome("red", "blue", on_gold=False)]
    without = [Outcome(None, None), Outcome(None, None), Outcome(None, "red")]
    refusals = score_refusals(with_answer, without)
    assert refusals is not None
    assert refusals.precision == pytest.approx(2 / 3) and refusals.recall == pytest.approx(2 / 3)
    scores = score_answers(with_answer)
    assert scores.f1 == pytest.approx(1 / 3) and scores.f1_answered == 0.5 and scores.on_gold == 0.0
    assert score_refusals(with_answer, []) is None
