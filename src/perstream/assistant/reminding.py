"""Reminders with a time become due by a clock, even when nothing new is seen. Each is said once.

Two kinds of clock count: the wall's, and that of each recording or camera watched. A reminder is due when one of them
passes its time: the wall clock from when the reminder was taken down, a source's from its first picture. So one told
for a recording of last spring does not come late today, and one missed while nothing ran comes at the next start.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from perstream.assistant.policy import SpeechPolicy
from perstream.errors import NotFound
from perstream.jsonlines import evidence_of
from perstream.memory.agenda import Agenda, Pending
from perstream.memory.memory import Memory
from perstream.protocols import Proposal
from perstream.reminders import following, reminder_in
from perstream.types import ProactiveReply

LATE = timedelta(minutes=2)
"""From here on a reminder says when it was due."""
LOOK_S = 15.0
"""How often somebody should look, at least."""
RETRY = timedelta(seconds=60)
"""What was held back is tried again after this long."""
DUE = "due"
"""Kind of the topic ``due:7``."""


class Reminding:
    """Called from the assistant's thread only."""

    def __init__(self, memory: Memory, policy: SpeechPolicy, wall: Callable[[], datetime]) -> None:
        self._memory = memory
        self._agenda: Agenda = memory.agenda
        self._policy = policy
        self._wall = wall
        self._waiting: list[Pending] | None = None
        self._began: dict[str, datetime] = {}
        self._retry: dict[int, datetime] = {}

    def examine(self) -> None:
        """Take down the reminders in facts told since the last look: also those that were imported."""
        since = self._wall()
        while told := self._agenda.unexamined():
            found = []
            for number, text, at in told:
                reminder = reminder_in(text, at.astimezone())
                if reminder is not None:
                    found.append(Pending(number, reminder, at, since))
            self._agenda.examined(told[-1][0], found)
        self._waiting = None

    def revise(self, memory_id: int, text: str, at: datetime) -> None:
        """A fact was corrected: its reminder follows."""
        reminder = reminder_in(text, at.astimezone())
        self._agenda.replace(memory_id, Pending(memory_id, reminder, at, self._wall()) if reminder else None)
        self._waiting = None

    def forget(self) -> None:
        """What was known of the agenda may be gone."""
        self._waiting = None

    def snoozed(self, topic: str, until: datetime) -> None:
        """A reminder that was said, and is snoozed, comes again then."""
        kind, _, number = topic.partition(":")
        if kind == DUE and number.isdecimal():
            self._agenda.move(int(number), until)
            self._waiting = None

    def tick(self, now: datetime, say: Callable[[ProactiveReply], None]) -> float:
        """The wall clock is at ``now`` (UTC): say what is due; seconds until the next look is worth while."""
        for one in self._due(now):
            if one.since < one.reminder.due:
                self._remind(one, now, None, None, say)
        waiting = [one.reminder.due for one in self._known() if one.reminder.due > now]
        return min(LOOK_S, max(0.05, (waiting[0] - now).total_seconds())) if waiting else LOOK_S

    def pass_by(self, source: str, now: datetime, pts_s: float, say: Callable[[ProactiveReply], None]) -> None:
        """A source's clock is at ``now``."""
        began = self._began.setdefault(source, now)
        for one in self._due(now):
            if began <= one.reminder.due and one.told_at <= one.reminder.due:
                self._remind(one, now, source, pts_s, say)

    def ended(self, source: str) -> None:
        """Its clock stands still."""
        self._began.pop(source, None)

    def _known(self) -> list[Pending]:
        if self._waiting is None:
            self._waiting = self._agenda.waiting()
        return self._waiting

    def _due(self, now: datetime) -> list[Pending]:
        return [one for one in self._known() if one.reminder.due <= now]

    def _remind(
        self,
        one: Pending,
        now: datetime,
        source: str | None,
        pts_s: float | None,
        say: Callable[[ProactiveReply], None],
    ) -> None:
        if self._retry.get(one.memory_id, now) > now:
            return
        try:
            record = self._memory.get(one.memory_id)
        except NotFound:  # forgotten since
            self._waiting = None
            return
        proposal = _proposal(one, now)
        if self._policy.refusal(proposal, now, source, pts_s) is not None:
            self._retry[one.memory_id] = now + RETRY
            return
        self._retry.pop(one.memory_id, None)
        when = one.reminder
        self._agenda.move(one.memory_id, following(when.due, when.weekdays, when.step_s, now.astimezone()))
        self._waiting = None
        number = self._policy.said(proposal, now, source, pts_s)
        evidence = (evidence_of(record, 1.0),)
        say(
            ProactiveReply(
                proposal.text, proposal.why, proposal.topic, evidence, source, pts_s, now, number, proposal.priority
            )
        )


def _proposal(one: Pending, now: datetime) -> Proposal:
    due, today = one.reminder.due.astimezone(), now.astimezone().date()
    clock = f"{due:%H:%M}" if due.date() == today else f"{due:%H:%M} on {due:%A, %d %B}"
    late = f" It was due at {clock}." if now - one.reminder.due > LATE else ""
    return Proposal(
        text=f"Reminder: {one.reminder.action}.{late}",
        why=f"You asked to be reminded at {clock}.",
        topic=f"{DUE}:{one.memory_id}",
        memory_ids=(one.memory_id,),
        priority=2,
        confidence=1.0,
        asked_for=True,
    )
