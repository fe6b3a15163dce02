"""From kept keyframes to moments."""

from __future__ import annotations

import numpy as np
from percepts import heard, percept

from perstream.assistant.gate import GateDecision
from perstream.assistant.moments import MomentBuffer
from perstream.config import MomentConfig

KEEP, DROP = GateDecision("travel", 0.8, True), GateDecision("places", 0.1, False)


def buffer(size: int = 4, quiet_s: float = 4.0) -> MomentBuffer:
    return MomentBuffer(MomentConfig(buffer_size=size, quiet_s=quiet_s), lambda rgb: b"jpeg")


def test_nothing_opens_until_the_gate_does() -> None:
    moments = buffer()
    assert moments.add(percept(0.0), DROP) == ()
    assert not moments.is_open
    assert moments.close() == ()


def test_a_full_buffer_is_a_moment() -> None:
    moments = buffer(size=3)
    assert moments.add(percept(1.0), KEEP) == ()
    assert moments.add(percept(1.5), DROP) == ()
    (moment,) = moments.add(percept(2.0), KEEP)
    assert (moment.start_s, moment.end_s, len(moment.percepts)) == (1.0, 2.0, 3)
    assert (moment.category, moment.score, moment.thumbnail) == ("travel", 0.8, b"jpeg")
    assert (moment.ended_at - moment.started_at).total_seconds() == 1.0
    assert not moments.is_open


def test_trailing_percepts_that_were_not_wanted_are_left_out() -> None:
    moments = buffer(size=3)
    moments.add(percept(1.0), KEEP)
    moments.add(percept(1.5), DROP)
    (moment,) = moments.add(percept(2.0), DROP)
    assert moment.end_s == 1.0


def test_a_cut_ends_a_moment_and_may_open_the_next() -> None:
    moments = buffer()
    moments.add(percept(1.0, scene=0), KEEP)
    (moment,) = moments.add(percept(1.2, scene=1), KEEP)
    assert moment.end_s == 1.0
    (rest,) = moments.close()
    assert rest.start_s == 1.2


def test_quiet_ends_a_moment() -> None:
    moments = buffer(quiet_s=4.0)
    moments.add(percept(1.0), KEEP)
    assert moments.add(percept(4.0), DROP) == ()
    assert len(moments.add(percept(5.5), DROP)) == 1


def test_with_one_keyframe_per_moment_a_cut_gives_no_empty_one() -> None:
    moments = buffer(size=1)
    assert len(moments.add(percept(1.0), KEEP)) == 1
    assert len(moments.add(percept(2.0, scene=1), KEEP)) == 1


def test_speech_stretches_the_span() -> None:
    moments = buffer()
    moments.add(percept(10.0), KEEP)
    moments.add(heard(9.0, "hello"), KEEP)
    (moment,) = moments.close()
    assert (moment.start_s, moment.end_s) == (9.0, 11.0)


def test_mean_and_nearest_vectors() -> None:
    moments = buffer(size=3)
    percepts = [percept(1.0, shade=0.1), percept(1.5, shade=0.2), percept(2.0, shade=0.1)]
    moments.add(percepts[0], KEEP)
    moments.add(percepts[1], KEEP)
    (moment,) = moments.add(percepts[2], KEEP)
    mean = np.mean([p.patches.astype(np.float32) for p in percepts], axis=0)
    assert np.allclose(moment.mean_vector, mean, atol=2e-3)
    assert np.array_equal(moment.nearest_vector, percepts[0].patches)  # two of three look like this one
