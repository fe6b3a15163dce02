"""When a proactive word may be said."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from perstream.assistant.policy import SpeechPolicy
from perstream.config import ProactiveConfig
from perstream.errors import NotFound
from perstream.memory.feedback import Feedback
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


def test_words_and_topics_do_not_pile_up() -> None:
    feedback = Feedback()
    policy = SpeechPolicy(ProactiveConfig(per_hour=3600), feedback)
    for i in range(1200):
        policy.said(word(str(i)), NOON + timedelta(hours=i))
    assert 1000 <= len(feedback.recent(5000)) <= 1050
    assert feedback.topic("3").said_at is None
    assert feedback.topic("1199").said_at == NOON + timedelta(hours=1199)


def said(policy: SpeechPolicy, proposal: Proposal, at: datetime = NOON) -> int:
    assert policy.refusal(proposal, at) is None
    return policy.said(proposal, at)


def reason(policy: SpeechPolicy, proposal: Proposal, at: datetime) -> str | None:
    return policy.refusal(proposal, at)


def test_what_was_dismissed_rests_a_day_and_safety_no_longer_than_its_cooldown() -> None:
    policy = SpeechPolicy(ProactiveConfig(cooldown_s=600), wall=lambda: NOON)
    policy.vote(said(policy, word("reminder:1")), "dismissed")
    policy.vote(said(policy, word("hazard:2:nuts", priority=3)), "dismissed")
    soon = NOON + timedelta(minutes=11)
    assert reason(policy, word("reminder:1"), soon) == "dismissed"
    assert reason(policy, word("hazard:2:nuts", priority=3), soon) is None
    assert reason(policy, word("reminder:1"), NOON + timedelta(hours=25)) is None


def test_votes_move_the_confidence_within_bounds_and_can_be_taken_back() -> None:
    policy = SpeechPolicy(ProactiveConfig(cooldown_s=0, dismissed_s=0), wall=lambda: NOON)
    for i in range(8):
        at = NOON + timedelta(minutes=i)
        policy.vote(policy.said(word("lost:1"), at), "dismissed")
        policy.vote(policy.said(word("hazard:2:nuts", priority=3), at), "dismissed")
    later = NOON + timedelta(hours=1)
    assert reason(policy, word("lost:1"), later) == "feedback"
    assert reason(policy, word("hazard:2:nuts", priority=3), later) is None  # votes never silence safety
    weights = {one.topic: round(one.weight, 3) for one in policy.feedback.weights()}
    assert weights["lost:1"] == weights["kind:lost"] == round(-8 / 12, 3)
    assert policy.feedback.reset("lost:1") == 1
    assert reason(policy, word("lost:1"), later) is None  # the kind's votes alone move it by .17
    policy.vote(policy.said(word("lost:9"), later), "useful")
    assert policy.feedback.topic("lost:9").weight == pytest.approx(1 / 5)


def test_a_second_vote_replaces_the_first() -> None:
    policy = SpeechPolicy(ProactiveConfig(), wall=lambda: NOON)
    number = said(policy, word("lost:1"))
    policy.vote(number, "dismissed")
    assert policy.vote(number, "useful").feedback == "useful"
    topic = policy.feedback.topic("lost:1")
    assert (topic.useful, topic.dismissed, topic.rests_until) == (1, 0, None)


def test_snoozing_counts_by_the_wall_clock_and_spares_safety() -> None:
    now = [NOON]
    policy = SpeechPolicy(ProactiveConfig(), wall=lambda: now[0])
    last_year = NOON - timedelta(days=365)
    policy.snooze("", NOON + timedelta(hours=1))
    policy.snooze("hazard:1:nuts", NOON + timedelta(hours=1))
    assert reason(policy, word("a"), last_year) == "snoozed"
    assert reason(policy, word("hazard:2:milk", priority=3), last_year) is None
    assert reason(policy, word("hazard:1:nuts", priority=3), last_year) == "snoozed"
    now[0] += timedelta(hours=1)
    assert reason(policy, word("a"), last_year) is None
    policy.snooze("", NOON + timedelta(hours=9))
    policy.snooze("", None)
    assert reason(policy, word("a"), last_year) is None


def test_do_not_disturb_lets_safety_through_only() -> None:
    policy = SpeechPolicy(ProactiveConfig())
    policy.do_not_disturb = True
    assert reason(policy, word(), NOON) == "do not disturb"
    assert reason(policy, word("hazard:1:nuts", priority=3), NOON) is None
    policy.do_not_disturb = False
    assert reason(policy, word(), NOON) is None


def test_what_was_asked_for_waits_for_neither_quiet_hours_nor_budget() -> None:
    policy = SpeechPolicy(ProactiveConfig(per_hour=0, quiet_from="00:00", quiet_until="23:59"))
    asked = Proposal("text", "why", "due:1", (), 2, 1.0, asked_for=True)
    assert reason(policy, word(), NOON) == "quiet hours"
    assert reason(policy, asked, NOON) is None
    policy.do_not_disturb = True
    assert reason(policy, asked, NOON) == "do not disturb"


def test_a_recording_seen_again_starts_anew() -> None:
    feedback = Feedback()
    first = SpeechPolicy(ProactiveConfig(cooldown_s=600, per_hour=2), feedback)
    assert say(first, word("a"), NOON) is None
    assert say(first, word("b"), NOON + timedelta(minutes=1)) is None
    again = SpeechPolicy(ProactiveConfig(cooldown_s=600, per_hour=2), feedback)
    assert say(again, word("a"), NOON) is None
    assert say(again, word("a"), NOON) == "cooldown"
    assert say(again, word("b"), NOON + timedelta(minutes=1)) is None
    assert say(again, word("c"), NOON + timedelta(minutes=2)) == "budget"


def test_every_silence_can_be_looked_up() -> None:
    policy = SpeechPolicy(ProactiveConfig(cooldown_s=600))
    said(policy, word("a"))
    for seconds in (10, 20, 30):
        policy.refusal(word("a"), NOON + timedelta(seconds=seconds), "cam", float(seconds))
    policy.nothing("no memory", NOON + timedelta(seconds=40), "cam", 40.0)
    silence, held, spoken = policy.feedback.recent()
    assert (silence.reason, silence.topic) == ("no memory", "")
    assert (held.reason, held.times, held.pts_s) == ("cooldown", 3, 30.0)
    assert "not again before" in held.detail
    assert spoken.said and spoken.text == "text"
    assert policy.feedback.recent(said=True) == [spoken]
    with pytest.raises(NotFound):
        policy.vote(held.id, "useful")
    with pytest.raises(NotFound):
        policy.vote(99, "useful")


def test_what_is_no_word_can_ask_whether_the_owner_wants_quiet() -> None:
    policy = SpeechPolicy(ProactiveConfig(quiet_from="22:00", quiet_until="07:00"), wall=lambda: NOON)
    local = NOON.astimezone()
    assert not policy.is_hushed(local.replace(hour=12)) and policy.is_hushed(local.replace(hour=23))
    policy.do_not_disturb = True
    assert policy.is_hushed(local.replace(hour=12))
    policy.do_not_disturb = False
    policy.snooze("", NOON + timedelta(hours=1))
    assert policy.is_hushed(local.replace(hour=12))
    policy.snooze("", None)
    assert not policy.is_hushed(local.replace(hour=12))
