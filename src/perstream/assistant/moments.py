"""From kept keyframes to moments: one buffer per source."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from perstream.assistant.gate import GateDecision
from perstream.config import MomentConfig
from perstream.types import ByteArray, Moment, Percept
from perstream.vectors import mean_and_nearest


class MomentBuffer:
    """Fills with percepts once the gate opens, and hands out a moment when it is over.

    A moment is over when the buffer is full, the scene was cut, or nothing worth remembering came
    for ``quiet_s``. Nothing outlives :meth:`close`.
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
        return keyframe.pts_s - self._last_kept_s > self._config.quiet_s

    def _finish(self) -> Moment:
        # Trailing percepts that the gate did not want say nothing of this moment.
        last = max(i for i, decision in enumerate(self._decisions) if decision.remembered)
        percepts = tuple(self._percepts[: last + 1])
        best = max(self._decisions, key=lambda decision: decision.score)
        mean, nearest = mean_and_nearest([percept.patches for percept in percepts])
        first = percepts[0].keyframe
        heard = [o for percept in percepts for o in percept.observations]
        start_s = min([first.pts_s, *(o.start_s for o in heard)])
        end_s = max([percepts[-1].keyframe.pts_s, *(o.end_s for o in heard)])
        moment = Moment(
            source=first.source,
            start_s=start_s,
            end_s=end_s,
            started_at=first.captured_at + timedelta(seconds=start_s - first.pts_s),
            ended_at=first.captured_at + timedelta(seconds=end_s - first.pts_s),
            category=best.category,
            score=best.score,
            percepts=percepts,
            mean_vector=mean,
            nearest_vector=percepts[nearest].patches,
            thumbnail=self._thumbnail(percepts[nearest].keyframe.rgb),
        )
        self._percepts, self._decisions = [], []
        return moment
