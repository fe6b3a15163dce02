from __future__ import annotations

import threading
from datetime import timedelta

import numpy as np
from daemon_fakes import NOON, EverySampler, frame

from perstream.daemon.hopper import Hopper, Waiting
from perstream.types import AudioChunk, Cue, Gap, Keyframe


def keyframe(index: int) -> Waiting:
    (kept,) = EverySampler().offer(frame(index))
    return Waiting(kept)


def sound(pts_s: float) -> Waiting:
    return Waiting(AudioChunk("cam", pts_s, np.zeros(16, np.int16)))


GAP = Waiting(Gap("cam", 0.0, 1.0, NOON, NOON + timedelta(seconds=1), "lost"))
CUE = Waiting(Cue("cam", 0.0, 1.0, "hello"))


def drained(hopper: Hopper) -> list[Waiting]:
    hopper.close()
    return list(iter(hopper.take, None))


def test_what_goes_in_comes_out_in_order() -> None:
    hopper = Hopper(4, 4, newest_wins=False)
    items = [keyframe(0), sound(0.0), GAP, keyframe(1), CUE]
    assert all(hopper.put(item) == () for item in items)
    assert drained(hopper) == items
    assert hopper.put(keyframe(2)) != ()  # closed: handed back


def test_when_the_newest_wins_the_oldest_keyframe_makes_room_and_sound_stays() -> None:
    hopper = Hopper(2, 8, newest_wins=True)
    first, second, third, heard = keyframe(0), keyframe(1), keyframe(2), sound(0.0)
    for item in (first, heard, second):
        assert hopper.put(item) == ()
    assert hopper.put(third) == (first,)
    assert drained(hopper) == [heard, second, third]


def test_when_sound_must_go_gaps_and_words_stay() -> None:
    hopper = Hopper(2, 3, newest_wins=True)
    old, new = sound(0.0), sound(1.0)
    for item in (GAP, CUE, old):
        hopper.put(item)
    assert hopper.put(new) == (old,)
    assert drained(hopper) == [GAP, CUE, new]


def test_otherwise_putting_waits_for_room() -> None:
    hopper = Hopper(1, 8, newest_wins=False)
    hopper.put(keyframe(0))
    second = threading.Thread(target=lambda: hopper.put(keyframe(1)))
    second.start()
    second.join(0.05)
    assert second.is_alive()
    assert isinstance(hopper.take().item, Keyframe)  # type: ignore[union-attr]
    second.join(5)
    assert not second.is_alive() and len(drained(hopper)) == 1


def test_in_a_hurry_nobody_waits() -> None:
    hopper = Hopper(1, 8, newest_wins=False)
    hopper.put(keyframe(0))
    handed_back: list[Waiting] = []
    late = keyframe(1)
    waiting = threading.Thread(target=lambda: handed_back.extend(hopper.put(late)))
    waiting.start()
    hopper.hurry()
    waiting.join(5)
    assert handed_back == [late]
    assert hopper.put(GAP) == ()  # there is room for it


def test_clearing_keeps_gaps_and_makes_room() -> None:
    hopper = Hopper(1, 2, newest_wins=False)
    first = keyframe(0)
    for item in (first, GAP, CUE):
        hopper.put(item)
    assert hopper.clear() == (first, CUE)
    again = keyframe(1)
    assert hopper.put(again) == ()
    assert drained(hopper) == [GAP, again]


def test_keyframes_that_already_wait_are_taken_together_up_to_something_else() -> None:
    hopper = Hopper(8, 8, newest_wins=False)
    first, second, third, last = (keyframe(n) for n in range(4))
    for item in (first, second, third, GAP, last):
        hopper.put(item)
    assert hopper.take() == first
    assert hopper.take_more(1) == [second]
    assert hopper.take_more(8) == [third]
    assert hopper.take_more(8) == []
    assert drained(hopper) == [GAP, last]
