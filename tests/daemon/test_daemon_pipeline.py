from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from daemon_fakes import NOON, EchoPerceiver, House, PushedSource, ScriptedSource, frame, until

from perstream.daemon.pipeline import SourcePipeline
from perstream.errors import BackendUnavailable
from perstream.events import Done, ErrorRaised, FrameDropped, GapRecorded, KeyframeKept, MemoryStored, Paused
from perstream.types import Gap, Keyframe, Percept


def watch(house: House, source: ScriptedSource | PushedSource, **how: bool) -> SourcePipeline:
    paced = how.pop("paced", False)
    pipeline = SourcePipeline(source.name, house.parts, house.worker, house.bus, live=source.live, paced=paced)
    pipeline.start()
    pipeline.read(lambda: source, lambda capture: pipeline.finish()).start()
    return pipeline


def test_a_file_loses_nothing_however_slow_perception_is() -> None:
    gate = threading.Event()
    house = House(lambda: EchoPerceiver(gate))
    pipeline = watch(house, ScriptedSource([frame(n, "film") for n in range(200)]))
    until(lambda: pipeline.tally.frames >= 8)
    assert not pipeline.wait(0.05)  # it waits for perception instead of running ahead
    assert pipeline.tally.frames < 20
    gate.set()
    done = pipeline.wait(10)
    assert done is not None
    assert house.sink.seen == list(range(200))
    assert (done.frames, done.keyframes, done.dropped, done.memories) == (200, 200, {}, 1)
    assert done.video_s == pytest.approx(19.9)
    assert done.peak_rss_mb > 1 and done.wall_s > 0
    assert house.events[-1] is done
    assert house.sink.order[-1] == "finish film"


def test_of_a_live_source_the_newest_wins_and_every_drop_is_counted() -> None:
    gate = threading.Event()
    house = House(lambda: EchoPerceiver(gate))
    source = PushedSource()
    pipeline = watch(house, source)
    source.push(frame(0))
    until(lambda: pipeline.tally.keyframes == 1)
    source.push(*(frame(n) for n in range(1, 50)))
    until(lambda: pipeline.tally.frames == 50)  # it never waits for perception
    gate.set()
    source.push(None)
    done = pipeline.wait(5)
    assert done is not None
    assert house.sink.seen[-2:] == [48, 49]
    assert done.dropped == {"behind": 50 - len(house.sink.seen)}
    told = [event for event in house.of(FrameDropped) if isinstance(event, FrameDropped)]
    assert sum(event.count for event in told) == done.dropped["behind"]
    assert len(told) <= 3  # aggregated


def test_what_the_source_dropped_itself_is_counted_too() -> None:
    house = House()
    source = ScriptedSource([frame(n, "film") for n in range(3)])
    source.dropped = {"undecodable": 4}
    done = watch(house, source).wait(5)
    assert done is not None and done.dropped == {"undecodable": 4}


def test_nothing_of_a_pause_is_perceived_and_a_gap_says_so() -> None:
    house = House()
    source = PushedSource()
    pipeline = watch(house, source)
    source.push(*(frame(n) for n in range(3)))
    until(lambda: house.sink.seen == [0, 1, 2])
    pipeline.pause()
    source.push(*(frame(n) for n in range(3, 20)))
    until(lambda: pipeline.tally.frames == 20)
    until(lambda: "finish cam" in house.sink.order)  # what was seen is remembered at once
    pipeline.pause(False)
    source.push(frame(20), None)
    done = pipeline.wait(5)
    assert done is not None and done.dropped == {"paused": 17}
    assert house.sink.seen == [0, 1, 2, 20]
    (gap,) = house.sink.gaps
    assert (gap.reason, gap.start_s, gap.end_s) == ("paused", 0.2, 2.0)
    assert gap.ended_at == NOON + timedelta(seconds=2)
    assert house.sink.order.index("gap paused") < house.sink.order.index("see 20")
    assert [event.paused for event in house.of(Paused) if isinstance(event, Paused)] == [True, False]
    assert len(house.of(GapRecorded)) == 1


def test_a_source_that_ends_while_paused_still_leaves_its_gap() -> None:
    house = House()
    source = PushedSource()
    pipeline = watch(house, source)
    source.push(frame(0))
    until(lambda: house.sink.seen == [0])
    pipeline.pause()
    source.push(frame(1), frame(2), None)
    assert pipeline.wait(5) is not None
    assert [(gap.start_s, gap.end_s) for gap in house.sink.gaps] == [(0.0, 0.2)]


def test_a_pause_of_a_file_read_at_full_speed_holds_it_and_loses_nothing() -> None:
    house = House()
    gate = threading.Event()
    pipeline = watch(house, ScriptedSource([frame(n, "film") for n in range(30)], gate=gate, hold_at=10))
    until(lambda: len(house.sink.seen) == 10)
    pipeline.pause()
    gate.set()
    assert pipeline.wait(0.05) is None and len(house.sink.seen) == 10
    pipeline.pause(False)
    done = pipeline.wait(5)
    assert done is not None and done.dropped == {} and house.sink.gaps == []
    assert house.sink.seen == list(range(30))


def test_a_file_played_in_real_time_goes_on_during_a_pause() -> None:
    house = House()
    gate = threading.Event()
    source = ScriptedSource([frame(n, "film") for n in range(30)], gate=gate, hold_at=10)
    pipeline = watch(house, source, paced=True)
    until(lambda: len(house.sink.seen) == 10)
    pipeline.pause()
    gate.set()
    done = pipeline.wait(5)
    assert done is not None and done.dropped == {"paused": 20}


def test_a_gap_of_the_source_is_recorded_between_what_was_seen_before_and_after() -> None:
    house = House()
    lost = Gap("cam", 0.1, 5.0, NOON, NOON + timedelta(seconds=5), "lost")
    pipeline = watch(house, ScriptedSource([frame(0), frame(1), lost, frame(50)], name="cam", live=False))
    assert pipeline.wait(5) is not None
    assert house.sink.order == ["see 0", "see 1", "gap lost", "see 50", "finish cam"]
    scenes = [event.scene for event in house.of(KeyframeKept) if isinstance(event, KeyframeKept)]
    assert scenes == [0, 0, 1]


def test_a_keyframe_that_cannot_be_perceived_is_counted_and_the_rest_goes_on() -> None:
    house = House(lambda: EchoPerceiver(fail_on=frozenset({2, 3, 4})))
    pipeline = watch(house, ScriptedSource([frame(n, "film") for n in range(8)]))
    assert pipeline.wait(5) is not None
    assert house.sink.seen == [0, 1, 5, 6, 7]
    assert pipeline.tally.errors == 3 and pipeline.tally.last_error == "frame 4 is odd"
    assert [e.kind for e in house.of(ErrorRaised) if isinstance(e, ErrorRaised)] == ["ValueError"]  # not three


def test_without_a_perceiver_the_source_ends_with_the_reason() -> None:
    def make() -> EchoPerceiver:
        raise BackendUnavailable("text reading needs rapidocr; install perstream[ocr]")

    house = House(make)
    pipeline = watch(house, ScriptedSource([frame(n, "film") for n in range(100)]))
    done = pipeline.wait(5)
    assert done is not None and house.sink.seen == []
    assert isinstance(pipeline.failure, BackendUnavailable)


def test_events_of_keyframes_say_in_words_what_was_seen() -> None:
    house = House()
    assert watch(house, ScriptedSource([frame(0, "film")])).wait(5) is not None
    (kept,) = house.of(KeyframeKept)
    assert isinstance(kept, KeyframeKept)
    assert (kept.seen, kept.source, kept.pts_s, kept.at) == (("text: LINE 0",), "film", 0.0, NOON)
    assert isinstance(house.events[-1], Done)


def test_memories_are_counted_for_the_source_they_come_from() -> None:
    house = House()
    gate = threading.Event()
    slow = watch(house, ScriptedSource([frame(n, "slow") for n in range(4)], "slow", gate=gate, hold_at=2))
    fast = watch(house, ScriptedSource([frame(n, "fast") for n in range(4)], "fast"))
    assert fast.wait(5) is not None
    gate.set()
    assert slow.wait(5) is not None
    assert fast.tally.memories == 1
    assert fast.tally.memories + slow.tally.memories == len(house.of(MemoryStored))


def test_the_way_from_capture_to_memory_is_measured() -> None:
    house = House()
    pipeline = watch(house, ScriptedSource([frame(n, "film") for n in range(20)]))
    assert pipeline.wait(5) is not None
    latency = pipeline.tally.latency()
    assert latency.count == 20
    assert 0 < latency.p50_ms <= latency.p95_ms < 5000
    assert latency.chosen_p95_ms <= latency.p95_ms


def test_keyframes_that_wait_are_perceived_together() -> None:
    gate, sizes = threading.Event(), []

    class Together(EchoPerceiver):
        def see_all(self, keyframes: Sequence[Keyframe]) -> list[Percept]:
            gate.wait(10)
            sizes.append(len(keyframes))
            return super().see_all(keyframes)

    house = House(Together)
    house.parts = replace(house.parts, batch=4)
    pipeline = watch(house, ScriptedSource([frame(n, "film") for n in range(9)]))
    until(lambda: pipeline.tally.keyframes >= 8)
    gate.set()
    assert pipeline.wait(10) is not None
    assert sum(sizes) == 9 and max(sizes) == 4
    assert house.sink.seen == list(range(9))
