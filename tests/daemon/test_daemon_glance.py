"""The live view of a source."""

from __future__ import annotations

from datetime import datetime, timezone

import numpy as np
import pytest

from perstream.daemon.glance import Glance
from perstream.types import ArrayPicture, Frame


class Counted(ArrayPicture):
    made = 0

    def rgb(self, max_side: int) -> np.ndarray:
        Counted.made += 1
        return super().rgb(max_side)


def frame(index: int) -> Frame:
    at = datetime(2026, 5, 4, tzinfo=timezone.utc)
    return Frame("cam", index, index / 30, at, Counted(np.full((480, 1280, 3), index, np.uint8)))


def test_nothing_is_made_while_nobody_looks_and_then_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("perstream.daemon.glance.time.monotonic", lambda: now)
    Counted.made, glance = 0, Glance()
    glance.offer(frame(1))
    assert Counted.made == 0
    assert glance.look() is None, "the first look wakes it"
    glance.offer(frame(2))
    seen = glance.look()
    assert seen is not None and seen.rgb.shape == (240, 640, 3) and seen.rgb[0, 0, 0] == 2
    assert glance.look(after=seen.number) is None
    now = 0.01
    glance.offer(frame(3))
    assert Counted.made == 1, "not more than a screen needs"
    now = 0.1
    glance.offer(frame(4))
    assert (later := glance.look(after=seen.number)) is not None and later.rgb[0, 0, 0] == 4
    now = 2.5
    assert glance.look() is None, "what is old is not live"
    now = 9.0
    glance.offer(frame(5))
    assert Counted.made == 2, "nobody has looked for long"
