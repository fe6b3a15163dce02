"""When a proactive word may be said."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from perstream.assistant.policy import SpeechPolicy
from perstream.config import ProactiveConfig
from perstream.protocols import Proposal

NOON = datetime(2026, 5, 12, 12, 0, tzinfo=timezone.utc)


def word(topic: str = "milk", priority: int = 1, confidence: float = 0.9) -> Proposal:
    return Proposal("text", "why", topic, (1,), priority, confidence)


def say(policy: SpeechPolicy, proposal: Proposal, at: datetime) -> str | None:
    reason = policy.refusal(proposal, at)
    if reason is None:
        policy.said(proposal, at)
    return reason


def test_the_same_topic_rests() -> None:
    policy = SpeechPolicy(ProactiveConfig(cooldown_s=600))
    assert say(policy, word(), NOON) is None
    assert say(policy, word(), NOON + timedelta(seconds=599)) == "cooldown"
    assert say(policy, word("keys"), NOON) is None
    assert say(policy, word(), NOON + timedelta(seconds=600)) is None


def test_the_budget_is_per_sliding_hour_and_spares_safety() -> None:
    policy = SpeechPolicy(ProactiveConfig(per_hour=2))
    assert say(policy, word("a"), NOON) is None
    assert say(policy, word("b"), NOON) is None
    assert say(policy, word("c"), NOON) == "budget"
    assert say(policy, word("peanuts", priority=3), NOON) is None
    assert say(policy, word("d"), NOON + timedelta(minutes=61)) is None


def test_quiet_hours_over_midnight() -> None:
    policy = SpeechPolicy(ProactiveConfig(quiet_from="22:00", quiet_until="07:00"))
    local = NOON.astimezone()
    night = local.replace(hour=23, minute=30)
    assert say(policy, word("a"), night) == "quiet hours"
    assert say(policy, word("b"), local.replace(hour=6, minute=59)) == "quiet hours"
    assert say(policy, word("c"), local.replace(hour=7, minute=0)) is None
    assert say(policy, word("peanuts", priority=3), night) is None


def test_unsure_and_disabled() -> None:
    assert say(SpeechPolicy(ProactiveConfig(min_confidence=0.6)), word(confidence=0.5), NOON) == "unsure"
    assert say(SpeechPolicy(ProactiveConfig(enabled=False)), word(priority=3), NOON) == "disabled"


def test_silences_are_counted_by_reason() -> None:
    policy = SpeechPolicy(ProactiveConfig())
    for _ in range(3):
        say(policy, word(), NOON)
    assert policy.silences == {"cooldown": 2}


@pytest.mark.parametrize("count", [5000])
def test_topics_do_not_pile_up(count: int) -> None:
    policy = SpeechPolicy(ProactiveConfig(per_hour=3600))
    for i in range(count):
        policy.said(word(str(i)), NOON + timedelta(hours=i))
    assert len(policy._last_said) <= 4096
