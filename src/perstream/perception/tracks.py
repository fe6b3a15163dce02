"""Lines of text over keyframes: which readings are of one line, and how many there were lately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from perstream.observations import believed, merge_observations
from perstream.spelling import same_line
from perstream.types import Observation

WINDOW_S = 6.0
"""Readings of one line further back than this do not vote with the present one."""
MAX_READINGS = 8
"""Readings kept per line."""


class LineTracks:
    """The lines in view, with their recent readings, so that each percept carries its own votes."""

    def __init__(self) -> None:
        self._tracks: list[list[Observation]] = []
        self._shown: tuple[Observation, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether every line of the last reading is believed, or there was none."""
        return all(believed(line) for line in self._shown)

    def add(self, readings: Sequence[Observation], now_s: float) -> tuple[Observation, ...]:
        """The readings of one keyframe, each with the votes, span and best spelling of its line so far."""
        self._tracks = [track for track in self._tracks if now_s - track[-1].end_s <= WINDOW_S]
        earlier = list(self._tracks)
        shown = []
        for reading in readings:
            home = next((track for track in earlier if same_line(reading.text, track[-1].text)), None)
            if home is None:
                home = []
                self._tracks.append(home)
            else:
                earlier = [track for track in earlier if track is not home]
            home.append(reading)
            home[:] = [one for one in home if now_s - one.end_s <= WINDOW_S][-MAX_READINGS:]
            shown.append(_line(home))
        self._shown = tuple(shown)
        return self._shown

    def still_there(self, now_s: float) -> tuple[Observation, ...]:
        """The lines of the last reading, in a view that did not change since: seen until now, no new vote."""
        return tuple(replace(line, end_s=now_s) for line in self._shown)

    def forget(self) -> None:
        """After a cut: nothing read before votes any more."""
        self._tracks.clear()
        self._shown = ()


def _line(readings: Sequence[Observation]) -> Observation:
    """The readings of one line as one observation."""
    merged = merge_observations(readings)
    return max(merged, key=lambda line: line.end_s)
