"""When a proactive word may be said, and why not: every silence has a reason that is counted and kept.

In this order: switched off, sure enough, dismissed, snoozed, cooldown; and, health and safety excepted, do-not-disturb,
everything snoozed, quiet hours, the hour's budget. What the owner asked for at this very time waits for neither quiet
hours nor budget. The owner's votes move the confidence by a formula (:func:`perstream.speech.weighed`); they never
silence health and safety.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta, timezone

from perstream.config import ProactiveConfig
from perstream.memory.feedback import Feedback
from perstream.protocols import Proposal
from perstream.speech import EVERYTHING, Considered, Topic, Verdict, kind_of, weighed

SAFETY = 3
"""Priority of health and safety: exempt from the hourly budget, quiet hours, do-not-disturb and votes."""
DO_NOT_DISTURB = "do_not_disturb"
HOUR = timedelta(hours=1)


def _wall() -> datetime:
    return datetime.now(timezone.utc)


class SpeechPolicy:
    """Decides on proposals one at a time. What it must remember is in ``feedback``, so that a restart changes nothing."""

    def __init__(
        self, config: ProactiveConfig, feedback: Feedback | None = None, wall: Callable[[], datetime] = _wall
    ) -> None:
        """Without ``feedback`` it remembers in RAM. ``wall`` is the clock of snoozes: they are wishes of a person who
        lives by it, whatever recording is watched."""
        self._config = config
        self.feedback = feedback or Feedback()
        self._wall = wall
        self._silences: Counter[str] = Counter()
        self._just: dict[str, datetime] = {}

    @property
    def silences(self) -> Mapping[str, int]:
        """How often a proposal was held back since the start, by reason."""
        return dict(self._silences)

    def refusal(
        self, proposal: Proposal, now: datetime, source: str | None = None, pts_s: float | None = None
    ) -> str | None:
        """Why this may not be said now, or None when it may. A refusal is counted and kept."""
        found = self._reason(proposal, now)
        if found is None:
            return None
        reason, detail = found
        self._silences[reason] += 1
        self.feedback.held_back(_considered(proposal, now, source, pts_s, reason, detail))
        return reason

    def said(self, proposal: Proposal, now: datetime, source: str | None = None, pts_s: float | None = None) -> int:
        """Record that it is said; its id."""
        self._just = {topic: at for topic, at in self._just.items() if at == now}
        self._just[proposal.topic] = now
        return self.feedback.said(_considered(proposal, now, source, pts_s, None, ""))

    def nothing(self, reason: str, now: datetime, source: str | None = None, pts_s: float | None = None) -> None:
        """A new view came to no proposal at all: ``no memory`` is connected with it, or nothing of it ``matters``."""
        self._silences[reason] += 1
        self.feedback.held_back(Considered(0, now, "", "", "", 0, 0.0, reason, "", (), source, pts_s))

    def vote(self, id: int, verdict: Verdict) -> Considered:
        """The owner's feedback on a word. What was dismissed rests, health and safety no longer than its cooldown."""
        word = self.feedback.word(id)
        rest = self._config.cooldown_s if word.priority >= SAFETY else self._config.dismissed_s
        until = max(word.at, self._wall()) if word.priority < SAFETY else word.at
        return self.feedback.vote(id, verdict, until + timedelta(seconds=rest) if verdict == "dismissed" else None)

    def snooze(self, topic: str, until: datetime | None) -> None:
        """Hold back a topic (or EVERYTHING) until a time on the wall clock; None wakes it."""
        self.feedback.snooze(topic, until)

    @property
    def do_not_disturb(self) -> bool:
        """Whether only health and safety is said."""
        return bool(self.feedback.mark(DO_NOT_DISTURB))

    @do_not_disturb.setter
    def do_not_disturb(self, on: bool) -> None:
        self.feedback.set_mark(DO_NOT_DISTURB, int(on))

    def is_hushed(self, now: datetime) -> bool:
        """Whether the owner wants to hear of nothing now but health and safety, whatever it is."""
        snoozed = self.feedback.topic(EVERYTHING).snoozed_until
        return self.do_not_disturb or self._is_quiet(now) or (snoozed is not None and self._wall() < snoozed)

    def _reason(self, proposal: Proposal, now: datetime) -> tuple[str, str] | None:
        config = self._config
        if not config.enabled:
            return "disabled", "proactive.enabled is off"
        safety = proposal.priority >= SAFETY
        topic, kind = (self.feedback.topic(name) for name in (proposal.topic, kind_of(proposal.topic)))
        confidence = proposal.confidence
        if confidence < config.min_confidence:
            return "unsure", f"confidence {confidence:.2f} is below {config.min_confidence:.2f}"
        if not safety and not proposal.asked_for:
            confidence = weighed(confidence, topic, kind)
            if confidence < config.min_confidence:
                votes = f"{topic.weight:+.2f} for the topic, {kind.weight:+.2f} for its kind"
                return "feedback", f"your votes ({votes}) leave {confidence:.2f}, below {config.min_confidence:.2f}"
        wall = self._wall()
        if topic.rests_until is not None and now < topic.rests_until:
            return "dismissed", f"you dismissed it; it rests until {_clock(topic.rests_until)}"
        if topic.snoozed_until is not None and wall < topic.snoozed_until:
            return "snoozed", f"snoozed until {_clock(topic.snoozed_until)}"
        again = self._again_at(topic, now)
        if again is not None and not proposal.asked_for:
            return "cooldown", f"said at {_clock(again[0])}, not again before {_clock(again[1])}"
        return None if safety else self._held(proposal, now, wall)

    def _held(self, proposal: Proposal, now: datetime, wall: datetime) -> tuple[str, str] | None:
        """What holds back all but health and safety."""
        if self.do_not_disturb:
            return "do not disturb", "perstream dnd off lifts it"
        snoozed = self.feedback.topic(EVERYTHING).snoozed_until
        if snoozed is not None and wall < snoozed:
            return "snoozed", f"everything is snoozed until {_clock(snoozed)}"
        if proposal.asked_for:
            return None
        if self._is_quiet(now):
            return "quiet hours", f"from {self._config.quiet_from} to {self._config.quiet_until}"
        spoken = self.feedback.spoken(now - HOUR, now, proposal.topic)
        if spoken >= self._config.per_hour:
            return "budget", f"{spoken} words were said in the last hour, {self._config.per_hour} may be"
        return None

    def _again_at(self, topic: Topic, now: datetime) -> tuple[datetime, datetime] | None:
        """When it was said and when it may be again; None when it may. A recording seen again starts anew."""
        last = topic.said_at
        if last is None or last > now or (last == now and self._just.get(topic.topic) != now):
            return None
        again = last + timedelta(seconds=self._config.cooldown_s)
        return (last, again) if now < again else None

    def _is_quiet(self, now: datetime) -> bool:
        if not self._config.quiet_from or not self._config.quiet_until:
            return False
        start, end = time.fromisoformat(self._config.quiet_from), time.fromisoformat(self._config.quiet_until)
        local = now.astimezone().time()
        return start <= local < end if start <= end else local >= start or local < end


def _considered(
    proposal: Proposal, now: datetime, source: str | None, pts_s: float | None, reason: str | None, detail: str
) -> Considered:
    about = (0, now, proposal.topic, proposal.text, proposal.why, proposal.priority, proposal.confidence)
    return Considered(*about, reason, detail, proposal.memory_ids, source, pts_s)


def _clock(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"
