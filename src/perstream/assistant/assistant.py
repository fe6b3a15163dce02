"""The assistant: one percept, one question, one told sentence at a time. No threads, no clocks of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone

from perstream.assistant.gate import CategorySpace, RememberGate
from perstream.assistant.hearing import Hearing, Utterance
from perstream.assistant.importing import Importing
from perstream.assistant.moments import MomentBuffer, moment_of
from perstream.assistant.passive import PassiveAnswerer
from perstream.assistant.policy import SpeechPolicy
from perstream.assistant.proactive import ProactiveSpeaker
from perstream.assistant.redacting import Redacting
from perstream.assistant.remember import Rememberer
from perstream.assistant.reminding import LOOK_S, Reminding
from perstream.config import Config
from perstream.errors import Interrupted
from perstream.events import Event, GateDecided, MemoryStored, ProactiveSaid
from perstream.imports.item import Imported, Taken
from perstream.memory.memory import Memory
from perstream.protocols import Backend
from perstream.types import ByteArray, Gap, MemoryRecord, Moment, Percept, ProactiveReply, Reply

EARLIEST = datetime.min.replace(tzinfo=timezone.utc)
MOST_POSTPONED = 8
"""Moments that may wait for questions to be answered; with more, questions wait for them."""


class _Stream:
    """What the assistant keeps per source: gate, moment and sentence in the making, short-term queue."""

    def __init__(self, gate: RememberGate, buffer: MomentBuffer, speaker: ProactiveSpeaker, queue_size: int) -> None:
        self.gate = gate
        self.buffer = buffer
        self.speaker = speaker
        self.hearing = Hearing()
        self.queue: deque[Percept] = deque(maxlen=queue_size)
        self.seen_at = EARLIEST
        """When its latest percept was captured."""


class Assistant:
    """Owns the flow from percept to memory and from question to reply; called from one thread."""

    def __init__(
        self,
        memory: Memory,
        backend: Backend,
        config: Config,
        emit: Callable[[Event], None],
        clock: Callable[[], datetime],
        thumbnail: Callable[[ByteArray], bytes],
        urgent: Callable[[], bool] = lambda: False,
        later: Callable[[Callable[[], None]], None] = lambda _: None,
        wall: Callable[[], datetime] | None = None,
    ) -> None:
        """``urgent`` says that somebody waits for an answer: a slow caption is then put off, and made by the
        job handed to ``later``, or at the latest before the next percept. ``clock`` may be a recording's, ``wall`` is not.
        """
        self._memory = memory
        self._backend = backend
        self._config = config
        self._emit = emit
        self._clock = clock
        self._thumbnail = thumbnail
        self._urgent = urgent if backend.slow else _never
        self._later = later
        self._postponed: deque[tuple[Moment, str]] = deque()
        self._policy = SpeechPolicy(config.proactive, memory.feedback, wall or clock)
        self._reminding = Reminding(memory, self._policy, wall or clock)
        self._reminding.examine()
        self._categories = CategorySpace(backend.embedder)
        self.redacting = Redacting(memory, config.privacy, emit)
        """Takes secrets out of what is told."""
        self._rememberer = Rememberer(memory, backend, self._categories, self.redacting)
        self._importing = Importing(memory, backend, self._categories, self._reminding, wall or clock, self._cleared)
        self._passive = PassiveAnswerer(memory, backend, config.memory)
        self._streams: dict[str, _Stream] = {}

    @property
    def reminding(self) -> Reminding:
        """Reminders with a time."""
        return self._reminding

    @property
    def policy(self) -> SpeechPolicy:
        """Counts of silences, for status."""
        return self._policy

    def see(self, percept: Percept) -> None:
        """Steps 4 to 9 of a frame's way: gate, buffer, caption, remember, consider."""
        self.catch_up()
        stream = self._stream(percept.keyframe.source)
        keyframe = percept.keyframe
        stream.queue.append(percept)
        stream.seen_at = keyframe.captured_at
        decision = stream.gate.judge(percept)
        self._emit(
            GateDecided(
                at=keyframe.captured_at,
                source=keyframe.source,
                pts_s=keyframe.pts_s,
                category=decision.category,
                score=decision.score,
                remembered=decision.remembered,
            )
        )
        # Speaking comes before storing: a word that is due must not wait for the disk.
        stream.speaker.consider(percept, decision.category, self._speak)
        if self._config.proactive.enabled:
            self._reminding.pass_by(keyframe.source, keyframe.captured_at, keyframe.pts_s, self._speak)
        seen, said = stream.hearing.take(percept)
        for utterance in said:
            self._remember_said(stream, utterance)
        if seen is not None:
            for moment in stream.buffer.add(seen, decision if seen is percept else stream.gate.judge(seen)):
                self._remember(moment)
        self.redacting.perceived(percept)

    def finish(self, source: str) -> None:
        """The source ended: what is in its buffer becomes a memory, and its state is let go."""
        self._reminding.ended(source)
        stream = self._streams.pop(source, None)
        if stream is not None:
            self._flush(stream)
        self.catch_up(_never)

    def gap(self, gap: Gap) -> None:
        """Pictures are missing: close the moment in the making and record the gap."""
        stream = self._streams.get(gap.source)
        if stream is not None:
            self._flush(stream)
        self._memory.record_gap(gap)

    def ask(
        self,
        question: str,
        *,
        now: datetime | None = None,
        say: Callable[[str], None] = lambda _: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Reply:
        """Answer from memory, or say that there is none. Raises Interrupted when cancelled.

        What is still in a buffer is stored first, unless that takes long: then the answer may rest on the view itself.
        """
        at = now or self._clock()
        asked = self.redacting.owner(question).text  # it may go to a server
        if self._backend.slow:
            latest = max(self._streams.values(), key=lambda stream: stream.seen_at, default=None)
            view = tuple(latest.queue) if latest is not None else ()
            reply = self._passive.ask(asked, at, say, cancelled, view, lambda: self._keep(latest))
            return replace(reply, question=question)
        for stream in self._streams.values():
            self._flush(stream)
        return replace(self._passive.ask(asked, at, say, cancelled), question=question)

    def tell(self, text: str, *, at: datetime | None = None) -> MemoryRecord:
        """Remember a sentence the owner said."""
        record = self._rememberer.told(" ".join(text.split()), at or self._clock())
        self._reminding.examine()
        self._announce(record, at=record.observed_at)
        return record

    def import_all(self, items: Sequence[Imported]) -> list[Taken]:
        """Remember what a file told; what became of each thing, in the order of ``items``."""
        return self._importing.take(items, lambda record: self._announce(record, at=record.observed_at))

    def tick(self, now: datetime) -> float:
        """The wall clock is at ``now``: say what is due by it. Seconds after which it should be called again."""
        self._policy.feedback.flush()
        if not self._config.proactive.enabled:
            return LOOK_S
        return self._reminding.tick(now, self._speak)

    def catch_up(self, urgent: Callable[[], bool] | None = None) -> None:
        """Make memories of the moments that a question put off; stops again when the next one comes."""
        while self._postponed:
            moment, context = self._postponed.popleft()
            try:
                self._store(moment, urgent or self._urgent, context)
            except Interrupted:
                self._postponed.appendleft((moment, context))
                self._later(self.catch_up)
                return

    def _keep(self, stream: _Stream | None) -> MemoryRecord | None:
        """What is in view now becomes a memory: an answer rests on it."""
        if stream is None or not stream.queue:
            return None
        self.catch_up(_never)
        moments = stream.buffer.close() or self._view_as_moment(stream)
        return [self._store(moment, _never) for moment in moments][-1]

    def _view_as_moment(self, stream: _Stream) -> tuple[Moment, ...]:
        percepts = tuple(stream.queue)
        decisions = [stream.gate.judge(percept) for percept in percepts]
        return (moment_of(percepts, max(decisions, key=lambda decision: decision.score), self._thumbnail),)

    def _stream(self, source: str) -> _Stream:
        if source not in self._streams:
            self._streams[source] = _Stream(
                gate=RememberGate(self._categories, self._config.gate.gamma_threshold, self._backend.project),
                buffer=MomentBuffer(self._config.moment, self._thumbnail),
                speaker=ProactiveSpeaker(
                    self._memory,
                    self._backend,
                    self._config.proactive,
                    self._policy,
                    self._config.moment.queue_size,
                    self._urgent,
                    self.redacting.word,
                ),
                queue_size=self._config.moment.queue_size,
            )
        return self._streams[source]

    def _flush(self, stream: _Stream) -> None:
        """What is in the making becomes memories."""
        for utterance in stream.hearing.finish():
            self._remember_said(stream, utterance)
        for moment in stream.buffer.close():
            self._remember(moment)

    def _remember_said(self, stream: _Stream, utterance: Utterance) -> None:
        decision = stream.gate.judge(utterance.percept)
        if decision.remembered:
            self._remember(moment_of((utterance.percept,), decision, self._thumbnail), utterance.context)

    def _remember(self, moment: Moment, context: str = "") -> None:
        if len(self._postponed) >= MOST_POSTPONED:
            self.catch_up(_never)
        # Behind those that wait: memories are made in the order of time.
        self._postponed.append((moment, context))
        self.catch_up()

    def _store(self, moment: Moment, urgent: Callable[[], bool], context: str = "") -> MemoryRecord | None:
        record = self._rememberer.moment(moment, urgent, context)
        if record is not None:
            self._announce(record, at=moment.ended_at)
        return record

    def _cleared(self, text: str) -> str:
        """What an import says, without secrets."""
        return self.redacting.told(text, self._clock(), "imported").text

    def _announce(self, record: MemoryRecord, at: datetime) -> None:
        self._emit(
            MemoryStored(
                at=at.astimezone(timezone.utc),
                source=record.source,
                pts_s=record.end_s,
                id=record.id,
                caption=record.text,
                category=record.category,
                triplets=record.triplets,
                start_s=record.start_s,
                end_s=record.end_s,
            )
        )

    def _speak(self, reply: ProactiveReply) -> None:
        self._emit(
            ProactiveSaid(
                at=reply.at,
                source=reply.source,
                pts_s=reply.pts_s,
                text=reply.text,
                evidence=reply.evidence,
                why=reply.why,
                topic=reply.topic,
                id=reply.id,
                priority=reply.priority,
            )
        )


def _never() -> bool:
    """Nothing is more urgent."""
    return False
