"""The measurement of what is left out: it finds what goes wrong, and little goes wrong."""

from __future__ import annotations

import pytest

from perstream.lab import bench_redact
from perstream.lab.redact_samples import negatives, positives
from perstream.privacy.redact import Redaction


def test_made_up_sentences() -> None:
    found = bench_redact.measure(7, 60)
    assert found["alarms"] == []
    assert all(len(missed) <= 2 for missed in found["missed"].values()), found["missed"]


def test_the_same_seed_makes_the_same_sentences() -> None:
    assert list(positives(3, 5)) == list(positives(3, 5)) != list(positives(4, 5))
    assert list(negatives(3, 5)) == list(negatives(3, 5))


def test_a_finder_that_finds_nothing_scores_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_redact, "redact", lambda text: Redaction(text))
    found = bench_redact.measure(7, 5)
    assert all(len(missed) == 5 for missed in found["missed"].values())


def test_generated_days_hold_no_secret_but_notes_with_passwords() -> None:
    count, touched = bench_redact.of_days(range(1, 4))
    assert count > 50
    assert all("Password" in text for text in touched)
