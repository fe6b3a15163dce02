"""From kept keyframes to moments: one buffer per source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from perstream.assistant.gate import GateDecision
from perstream.config import MomentConfig
from perstream.observations import MIN_LETTERS
from perstream.spelling import cut_from, letters_in, same_line
from perstream.types import ByteArray, Moment, ObservationKind, Percept
from perstream.vectors import mean_and_nearest


class MomentBuffer:
    """Fills with percepts once the gate opens, and hands out a moment when it is over.

    A moment is over when the buffer is full, the scene was cut, something else is read, or nothing
    worth remembering came for ``quiet_s``. Nothing outlives :meth:`close`.
    """

    def __init__(self, config: MomentConfig, thumbnail: Callable[[ByteArray], bytes]) -> None:
        self._config = config
        self._thumbnail = thumbnail
        self._percepts: list[Percept] = []
        self._decisions: list[GateDecision] = []
        self._last_kept_s = 0.0

    def add(self, percept: Percept, decision: GateDecision) -> tuple[Moment, ...]:
        """Take one percept; returns the moments that it completes (none, one or two)."""
        done = []
        if self._percepts and self._is_over(percept):
            done.append(self._finish())
        if decision.remembered:
            self._last_kept_s = percept.keyframe.pts_s
        if decision.remembered or self._percepts:
            self._percepts.append(percept)
            self._decisions.append(decision)
            if len(self._percepts) >= self._config.buffer_size:
                done.append(self._finish())
        return tuple(done)

    def close(self) -> tuple[Moment, ...]:
        """The moment in the making, if there is one."""
        return (self._finish(),) if self._percepts else ()

    @property
    def is_open(self) -> bool:
        """Whether a moment is in the making."""
        return bool(self._percepts)

    def _is_over(self, percept: Percept) -> bool:
        keyframe = percept.keyframe
        if keyframe.scene != self._percepts[-1].keyframe.scene:
            return True
        return keyframe.pts_s - self._last_kept_s > self._config.quiet_s or self._reads_on(percept)

    def _reads_on(self, percept: Percept) -> bool:
        """Something else is being read now: another sign is another moment."""
        new, old = _lines(percept), [line for known in self._percepts for line in _lines(known)]
        return bool(new and old) and not any(same_line(a, b) or cut_from(a, b) for a in new for b in old)

    def _finish(self) -> Moment:
        # Trailing percepts that the gate did not want say nothing of this moment.
        last = max(i for i, decision in enumerate(self._decisions) if decision.remembered)
        best = max(self._decisions, key=lambda decision: decision.score)
        moment = moment_of(self._percepts[: last + 1], best, self._thumbnail)
        self._percepts, self._decisions = [], []
        return moment


def _lines(percept: Percept) -> list[str]:
    return [
        o.text for o in percept.observations if o.kind is ObservationKind.TEXT and letters_in(o.text) >= MIN_LETTERS
    ]


def moment_of(percepts: Sequence[Percept], decision: GateDecision, thumbnail: Callable[[ByteArray], bytes]) -> Moment:
    """The moment that these percepts are: span, v_mean, v_nearest, thumbnail of the nearest."""
    mean, nearest = mean_and_nearest([percept.patches for percept in percepts])
    first, last = percepts[0].keyframe, percepts[-1].keyframe
    # What only was heard has no picture of its own time: the words say when it was.
    times = [(p.keyframe.pts_s, p.keyframe.pts_s) for p in percepts if not p.repeated]
    times += [(o.start_s, o.end_s) for p in percepts for o in p.observations]
    start_s = min((start for start, _ in times), default=first.pts_s)
    end_s = max((end for _, end in times), default=last.pts_s)
    return Moment(
        source=first.source,
        start_s=start_s,
        end_s=end_s,
        started_at=first.captured_at + timedelta(seconds=start_s - first.pts_s),
        ended_at=first.captured_at + timedelta(seconds=end_s - first.pts_s),
        category=decision.category,
        score=decision.score,
        percepts=tuple(percepts),
        mean_vector=mean,
        nearest_vector=percepts[nearest].patches,
        thumbnail=thumbnail(percepts[nearest].keyframe.rgb),
    )
