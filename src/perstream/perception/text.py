"""Text observer: when to look for text, how closely, and which readings are one line.

Looking is dear, so it follows the video: a coarse look (detection at 320 px) at most every
``text_interval_s``; a view at rest is looked at twice, because only two readings make a line
believed, and then left alone until it changes. A closer look (640 px, with lines that make no sense
tried upside down) is spent on calm views from a budget per second of video, for the small print
that a coarse look misses. 960 px would gain lines under 10 px high alone, for three times the cost.
"""

from __future__ import annotations

from perstream.config import PerceptionConfig
from perstream.perception.reader import Reader
from perstream.perception.tracks import LineTracks
from perstream.perception.view import View
from perstream.spelling import letters_in
from perstream.types import Observation, ObservationKind

COARSE_SIDE, CLOSER_SIDE = 320, 640
"""Longer side of the picture in detection, pixels."""
COARSE_SCORE = 0.55
"""A region below this in a coarse look is texture more often than text."""
CLOSER_SCORE = 0.5
MIN_LINE_SCORE = 0.7
"""Readings below this are dropped: real text was read at .89 and above, texture below .7."""
MOVING_LINE_SCORE = 0.9
"""The same while the camera moves: blurred words give readings up to .9 that are no words."""
UPSIDE_DOWN_SCORE = 0.9
"""Confidence a line must reach upside down, having failed upright."""
UPSIDE_DOWN_LINES = 2
"""Lines tried upside down per closer look."""
LINE_COST_S = 0.1
"""Seconds of video to wait per line recognised last time, so that a page of text cannot take over."""
CLOSER_EVERY_S = 2.5
"""One closer look per this many seconds of video; two may be saved up (a line needs two readings)."""
MAX_CHARS = 200
"""Longest text kept of one line."""


class TextObserver:
    """Reads text where it pays; one per source."""

    def __init__(self, config: PerceptionConfig, reader: Reader) -> None:
        self._config = config
        self._reader = reader
        self._lines = LineTracks()
        self._closer = _Budget(CLOSER_EVERY_S)
        self._read: View | None = None
        self._readings = 0
        """How often the present, unchanged view was read."""
        self._next_s = float("-inf")

    def see(self, view: View) -> tuple[Observation, ...]:
        """The lines read in this keyframe; those of an unchanged view that was read twice stay as they were."""
        unchanged = self._read is not None and not view.changed_since(self._read)
        if unchanged and self._readings >= 2 and (self._lines.settled or self._readings >= 3):
            return self._lines.still_there(view.pts_s)
        if not view.calm and view.pts_s < self._next_s:
            return ()
        if view.keyframe.reason == "cut":
            self._lines.forget()
        found = self._look(view)
        self._readings = self._readings + 1 if unchanged else 1
        self._read = view
        self._next_s = view.pts_s + max(self._config.text_interval_s, LINE_COST_S * len(found))
        return self._lines.add(found, view.pts_s)

    def _look(self, view: View) -> list[Observation]:
        closer = view.calm and view.side > COARSE_SIDE and self._closer.take(view.pts_s)
        side, score = (CLOSER_SIDE, CLOSER_SCORE) if closer else (COARSE_SIDE, COARSE_SCORE)
        regions = self._reader.regions(view.rgb, side, score)
        largest = sorted(regions, key=lambda region: region.height, reverse=True)[: self._config.text_max_lines]
        turns = UPSIDE_DOWN_LINES if closer else 0
        needed = min(MIN_LINE_SCORE, self._config.text_min_score) if view.calm else MOVING_LINE_SCORE
        found = []
        for region in (one for one in regions if any(one is kept for kept in largest)):
            text, score = self._reader.words(view.rgb, region)
            if score < self._config.text_min_score and turns > 0:
                turns -= 1
                turned, turned_score = self._reader.words(view.rgb, region, upside_down=True)
                if turned_score >= UPSIDE_DOWN_SCORE and letters_in(turned) >= 3:
                    text, score = turned, turned_score
            text = clean(text)
            if score >= needed and letters_in(text) > 0:
                found.append(view.saw(ObservationKind.TEXT, text, score, region.bounds))
        return found


def clean(text: str) -> str:
    """Untrusted text on one line: no control characters, single spaces, at most ``MAX_CHARS``."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:MAX_CHARS]


class _Budget:
    """One look per ``every_s`` seconds of video; two may be saved up."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._saved = 2.0
        self._last_s: float | None = None

    def take(self, now_s: float) -> bool:
        """Spend one look if there is one."""
        if self._last_s is not None:
            self._saved = min(2.0, self._saved + max(0.0, now_s - self._last_s) / self._every_s)
        self._last_s = now_s
        if self._saved < 1.0:
            return False
        self._saved -= 1.0
        return True
