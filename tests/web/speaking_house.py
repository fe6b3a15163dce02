"""The side of the scripted house that speaks unasked: the real policy in RAM, and alerts from a list."""

from __future__ import annotations

from datetime import datetime, timezone

from perstream.assistant.policy import SpeechPolicy
from perstream.config import ProactiveConfig
from perstream.daemon.unasked_state import SpeechState
from perstream.daemon.upkeep_state import Alert
from perstream.protocols import Proposal
from perstream.speech import Considered, Topic, Verdict


class SpeakingHouse:
    def begin_speech(self) -> None:
        self.policy = SpeechPolicy(ProactiveConfig())
        self.raised: list[Alert] = []

    def alerts(self) -> list[Alert]:
        return list(self.raised)

    def say(self, topic: str, at: datetime) -> int:
        """A word, when the policy lets it through; else 0."""
        word = Proposal(f"About {topic}.", "it is in view", topic, (), 1, 0.9)
        return 0 if self.policy.refusal(word, at, "cam", 2.0) else self.policy.said(word, at, "cam", 2.0)

    def proactive(self, limit: int = 50, said: bool | None = None) -> SpeechState:
        feedback = self.policy.feedback
        return SpeechState(
            tuple(feedback.recent(limit, said)),
            self.policy.silences,
            self.policy.do_not_disturb,
            tuple(feedback.snoozed(datetime.now(timezone.utc))),
        )

    def rate_word(self, word_id: int, verdict: Verdict) -> Considered:
        return self.policy.vote(word_id, verdict)

    def snooze(self, topic: str, until: datetime | None) -> None:
        self.policy.snooze(topic, until)

    def do_not_disturb(self, on: bool | None = None) -> bool:
        if on is not None:
            self.policy.do_not_disturb = on
        return self.policy.do_not_disturb

    def speech_weights(self) -> list[Topic]:
        return self.policy.feedback.weights()

    def reset_weights(self, topic: str | None = None) -> int:
        return self.policy.feedback.reset(topic)
