"""The remember gate with the real embedder: what matters passes, what does not stays out."""

from __future__ import annotations

import pytest
from percepts import heard, percept

from perstream.assistant.gate import CategorySpace, RememberGate
from perstream.models.minilm import MiniLM


@pytest.fixture(scope="module")
def categories() -> CategorySpace:
    return CategorySpace(MiniLM())


@pytest.fixture
def gate(categories: CategorySpace) -> RememberGate:
    gate = RememberGate(categories, 0.3)
    gate.judge(percept(0.0))  # the first view is a new place; from here on scenery is known
    return gate


MATTERS = [
    ("PLATFORM 7", {"travel"}),
    ("IBUPROFEN 400 mg tablets", {"medical"}),
    ("Wifi password: sunflower42", {"apps"}),
    ("Dentist Tuesday 10:00", {"medical", "schedule"}),
    ("TOTAL 12.40 EUR", {"transactions", "financial"}),
    ("Happy birthday Tom", {"birthdays"}),
    ("LISINOPRIL 10 mg", {"medical"}),
    ("OLIVE OIL EXTRA VIRGIN", None),
    ("ROOM 214", {"location"}),
    ("Shopping list: milk, bread", {"notes"}),
]
NOISE = ["aexoi", "oO0 eee", "rtt xqz", "3", "|||", "Tne iz", "hjk lop", "iiii.iiii", "日", "~~~", "the"]


@pytest.mark.parametrize(("text", "expected"), MATTERS)
def test_what_matters_is_kept_in_a_fitting_category(gate: RememberGate, text: str, expected: set[str] | None) -> None:
    decision = gate.judge(percept(1.0, text))
    assert decision.remembered
    assert expected is None or decision.category in expected


@pytest.mark.parametrize("text", NOISE)
def test_misread_texture_is_dropped(gate: RememberGate, text: str) -> None:
    assert not gate.judge(percept(1.0, text)).remembered


def test_the_score_is_not_a_gate_that_is_always_open(gate: RememberGate) -> None:
    """Normalising a row over all categories would give even noise at least 1/sqrt(n)."""
    assert max(gate.judge(percept(1.0, text)).score for text in NOISE) < 0.3
    assert min(gate.judge(percept(1.0, text)).score for text, _ in MATTERS) > 0.3


def test_what_was_said_is_kept(gate: RememberGate) -> None:
    assert gate.judge(heard(1.0, "The rehearsal was moved to Wednesday.", "Anna")).remembered


def test_low_confidence_lowers_the_score(gate: RememberGate) -> None:
    sure, unsure = gate.judge(percept(1.0, "PLATFORM 7")), gate.judge(percept(1.5, "PLATFORM 7", score=0.4))
    assert unsure.score < sure.score / 2


def test_gamma_decides(categories: CategorySpace) -> None:
    assert RememberGate(categories, 0.0).judge(percept(0.0, "PLATFORM 7")).remembered
    assert not RememberGate(categories, 1.0).judge(percept(0.0, "PLATFORM 7")).remembered


def test_a_new_place_is_kept_once_and_at_most_once_a_minute(categories: CategorySpace) -> None:
    gate = RememberGate(categories, 0.3)
    assert gate.judge(percept(0.0, shade=0.1)).remembered
    assert not gate.judge(percept(10.0, shade=0.9)).remembered  # new, but too soon
    assert not gate.judge(percept(70.0, shade=0.1)).remembered  # known
    assert gate.judge(percept(80.0, shade=0.9)).remembered
    assert not gate.judge(percept(200.0, shade=0.3, reason="motion")).remembered  # passing by


def test_two_gates_share_nothing(categories: CategorySpace) -> None:
    one, two = RememberGate(categories, 0.3), RememberGate(categories, 0.3)
    assert one.judge(percept(0.0)).remembered
    assert two.judge(percept(0.0)).remembered
