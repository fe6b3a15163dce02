"""The side of the house that speaks unasked: what was said and held back, and the owner's wishes about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

from perstream.assistant.assistant import Assistant
from perstream.daemon.desk import Desk
from perstream.daemon.unasked_state import SpeechState
from perstream.daemon.worker import Priority
from perstream.errors import ConfigError
from perstream.speech import Considered, Topic, Verdict
from perstream.types import MemoryRecord, Receipt, Selector

LONGEST_SNOOZE = timedelta(days=366)


class Unasked(Desk):
    """Every method may be called from any thread."""

    _assistant: Assistant

    def proactive(self, limit: int = 50, said: bool | None = None) -> SpeechState:
        """The latest words and silences with their reasons, and the wishes in force."""
        policy = self._assistant.policy
        return SpeechState(
            words=tuple(policy.feedback.recent(limit, said)),
            silences=policy.silences,
            do_not_disturb=policy.do_not_disturb,
            snoozed=tuple(policy.feedback.snoozed(datetime.now(timezone.utc))),
        )

    def rate_word(self, word_id: int, verdict: Verdict) -> Considered:
        """The owner found a word useful, or dismisses it: then it rests. NotFound."""
        return self._write(lambda: self._assistant.policy.vote(word_id, verdict))

    def snooze(self, topic: str, until: datetime | None) -> None:
        """Hold back a topic ("" is everything) until a time; None wakes it. ConfigError for a time that makes no sense."""
        now = datetime.now(timezone.utc)
        if until is not None and not now < until <= now + LONGEST_SNOOZE:
            raise ConfigError("snooze until a time to come, within a year")

        def snooze() -> None:
            self._assistant.policy.snooze(topic, until)
            if until is not None:
                self._assistant.reminding.snoozed(topic, until)

        self._write(snooze)

    def do_not_disturb(self, on: bool | None = None) -> bool:
        """Whether only health and safety is said; with ``on`` it is set first."""
        policy = self._assistant.policy
        if on is not None:
            self._write(lambda: setattr(policy, "do_not_disturb", on))
        return policy.do_not_disturb

    def speech_weights(self) -> list[Topic]:
        """The votes on topics and kinds and the weights that come of them."""
        return self._assistant.policy.feedback.weights()

    def reset_weights(self, topic: str | None = None) -> int:
        """Take back the votes on a topic or kind, or all; how many had any."""
        return self._write(lambda: self._assistant.policy.feedback.reset(topic))

    def forget(self, selector: Selector, dry_run: bool = False) -> Receipt:
        """Remove memories and everything derived from them, reminders and words about them included."""
        receipt = super().forget(selector, dry_run)
        if not dry_run:
            self._worker.submit(Priority.TOLD, self._assistant.reminding.forget).result()
        return receipt

    def correct(self, memory_id: int, text: str) -> MemoryRecord:
        """Put the owner's words in the place of a memory's text; a reminder in it follows. NotFound."""
        redacting = self._assistant.redacting
        cleared = redacting.owner(text)
        record = super().correct(memory_id, cleared.text)

        def settle() -> None:
            self._assistant.reminding.revise(memory_id, record.text, self._clock())
            redacting.note(cleared.found, self._clock(), "told")

        self._write(settle)
        return replace(record, redacted=cleared.found)
