"""The small parts of time and order: timeline, live clock, back-off, mailbox, pacer, sound chunks, wire."""

import io
import threading
import time
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perstream.sources.backoff import Backoff
from perstream.sources.live_clock import MAX_LAG_S, LiveClock
from perstream.sources.mailbox import Mailbox
from perstream.sources.pacer import Pacer
from perstream.sources.sound import SoundChunker
from perstream.sources.timeline import Timeline
from perstream.sources.wire import WireError, pack_frame, receive, send, unpack_frame


@pytest.mark.parametrize(
    ("claimed", "placed"),
    [
        ([5.0, 5.5, 6.0], [0, 0.5, 1.0]),
        ([-0.2, 0.0, 0.1], [0, 0.2, 0.3]),
        ([None, None, None], [0, 0.1, 0.2]),
        ([1.0, None, 1.2], [0, 0.1, 0.2]),
        ([0.0, 0.5, 0.4, 0.6], [0, 0.5, 0.5, 0.6]),
        ([0.0, 100.0, 100.1], [0, 100, 100.1]),
        ([50.0, 60.0, 0.0, 0.5], [0, 10, 10.1, 10.6]),  # two recordings joined
        ([0.0, 1.0, 9e9, 1.2, 1.3], [0, 1.0, 1.1, 1.2, 1.3]),  # one damaged timestamp
    ],
)
def test_timeline(claimed: list[float | None], placed: list[float]) -> None:
    timeline = Timeline(step_s=0.1)
    assert [timeline.place(value) for value in claimed] == pytest.approx(placed)


@given(st.lists(st.none() | st.floats(-1e5, 1e5)))
def test_timeline_never_decreases(claimed: list[float | None]) -> None:
    timeline = Timeline(step_s=0.1)
    placed = [timeline.place(value) for value in claimed]
    assert placed == sorted(placed)
    assert not placed or placed[0] == 0.0


def test_live_clock_takes_distances_from_the_sender() -> None:
    clock = LiveClock()
    jittery = [(10.0, 100.0), (10.1, 100.3), (10.2, 100.25), (10.3, 100.5)]
    assert [clock.picture(*pair) for pair in jittery] == pytest.approx([0, 0.1, 0.2, 0.3])


def test_live_clock_is_never_ahead_of_arrival() -> None:
    clock = LiveClock()
    burst = [clock.picture(index / 30, 50.0) for index in range(30)]  # a server's buffer, all at once
    assert burst == [0.0] * 30
    assert clock.picture(30 / 30, 50.0 + 1 / 30) == pytest.approx(1 / 30)


def test_live_clock_goes_on_over_a_reconnection() -> None:
    clock = LiveClock()
    clock.picture(7.0, 100.0)
    clock.reconnected()
    assert clock.picture(99_999.0, 130.0) == pytest.approx(30.0)
    assert clock.picture(99_999.5, 130.5) == pytest.approx(30.5)


def test_live_clock_follows_a_sender_that_drifts() -> None:
    clock = LiveClock()
    for second in range(0, 600):
        placed = clock.picture(second * 0.98, float(second))
    assert placed == pytest.approx(599, abs=0.3)


def test_live_clock_does_not_take_a_burst_after_a_hole_for_drift() -> None:
    clock = LiveClock()
    taken = [index / 10 for index in range(200)]
    placed = [clock.picture(time_s, 9.0 if 6.0 < time_s < 9.0 else time_s) for time_s in taken]
    assert placed == pytest.approx(taken, abs=0.01)


def test_live_clock_survives_a_senders_jump() -> None:
    clock = LiveClock()
    clock.picture(1000.0, 0.0)
    assert clock.picture(3.0, 1.0) == pytest.approx(1.0)
    assert clock.picture(None, 2.0) == pytest.approx(2.0)
    assert clock.picture(5.0, 3.0) == pytest.approx(3.0)


@given(st.lists(st.tuples(st.none() | st.floats(-1e6, 1e6), st.floats(0, 10))))
def test_live_clock_stays_near_arrival(pairs: list[tuple[float | None, float]]) -> None:
    clock, at, last = LiveClock(), 0.0, 0.0
    for claimed, later in pairs:
        at += later if last or at else 0.0
        placed = clock.picture(claimed, at)
        assert placed >= last
        assert at - MAX_LAG_S - 1e-6 <= placed <= at + 1e-6
        last = placed


def test_live_sound_is_placed_with_the_pictures() -> None:
    clock = LiveClock()
    assert clock.sound(5.0, 0.5, 99.0) is None
    clock.picture(5.0, 100.0)
    assert clock.sound(5.2, 0.5, 100.7) == pytest.approx(0.2)
    assert clock.sound(900.0, 0.5, 101.0) == pytest.approx(0.5)  # nonsense: by arrival


def test_backoff_doubles_up_to_the_maximum_with_jitter() -> None:
    most = Backoff(0.5, 30.0, lambda: 1.0)
    assert [most.wait_s() for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    most.reset()
    assert most.wait_s() == 0.5
    least = Backoff(0.5, 30.0, lambda: 0.0)
    assert [least.wait_s() for _ in range(3)] == [0.25, 0.5, 1.0]
    assert Backoff(9.0, 2.0, lambda: 1.0).wait_s() == 2.0


def test_mailbox_keeps_the_newest() -> None:
    mailbox: Mailbox[object] = Mailbox(lambda item: isinstance(item, int), capacity=2)
    for item in (1, 2, "sound", 3, 4):
        mailbox.put(item)
    assert [mailbox.take(0.0) for _ in range(4)] == ["sound", 3, 4, None]
    assert mailbox.dropped == 2


def test_mailbox_is_bounded_for_everything() -> None:
    mailbox: Mailbox[str] = Mailbox(lambda item: False)
    for number in range(1000):
        mailbox.put(str(number))
    assert mailbox.take(0.0) == str(1000 - Mailbox.MAX_OTHERS)
    assert mailbox.dropped == 0  # only pictures are counted


def test_lossless_mailbox_makes_the_producer_wait() -> None:
    mailbox: Mailbox[int] = Mailbox(lambda item: True, capacity=3, lossless=True)
    thread = threading.Thread(target=lambda: [mailbox.put(number) for number in range(20)])
    thread.start()
    assert [mailbox.take(5.0) for _ in range(20)] == list(range(20))
    thread.join()
    assert mailbox.dropped == 0


@pytest.mark.parametrize("lossless", [False, True])
def test_closing_a_mailbox_wakes_both_sides(lossless: bool) -> None:
    mailbox: Mailbox[int] = Mailbox(lambda item: True, capacity=1, lossless=lossless)
    mailbox.put(1)
    threading.Timer(0.05, mailbox.close).start()
    mailbox.put(2)
    while mailbox.take(10.0) is not None:
        pass
    mailbox.put(3)
    assert mailbox.take(0.0) is None


def test_pacer_stops_at_once_and_does_not_rush_after_a_pause() -> None:
    stop = threading.Event()
    pacer = Pacer(stop)
    assert pacer.wait(0.0)
    pacer._zero = time.monotonic() - 100  # the consumer slept
    assert pacer.wait(1.0)
    began = time.monotonic()
    assert pacer.wait(1.05)
    assert time.monotonic() - began >= 0.04
    stop.set()
    assert not pacer.wait(1000.0)


def sound_frame(samples: int, pts: int, rate: int = 48_000, layout: str = "stereo") -> av.AudioFrame:
    channels = 2 if layout == "stereo" else 1
    data = np.tile((8000 * np.sin(np.arange(samples) / 20)).astype(np.int16), (channels, 1))
    frame = av.AudioFrame.from_ndarray(data, format="s16p", layout=layout)
    frame.sample_rate, frame.pts = rate, pts
    frame.time_base = Fraction(1, rate)
    return frame


def test_sound_is_resampled_and_cut() -> None:
    chunker = SoundChunker()
    chunks = [chunk for k in range(10) for chunk in chunker.offer(sound_frame(9600, 480_000 + k * 9600))]
    chunks += chunker.finish()
    assert [len(samples) for _, samples in chunks[:3]] == [8000, 8000, 8000]
    assert sum(len(samples) for _, samples in chunks) == pytest.approx(32_000, abs=40)
    assert [start for start, _ in chunks[:3]] == pytest.approx([10.0, 10.5, 11.0])


def test_a_hole_in_the_sound_begins_anew_at_its_time() -> None:
    chunker = SoundChunker()
    chunks = list(chunker.offer(sound_frame(9600, 0))) + list(chunker.offer(sound_frame(48_000, 480_000)))
    starts = [start for start, _ in chunks + list(chunker.finish())]
    assert starts[0] == 0.0
    assert starts[1] == pytest.approx(10.0)


def test_sound_may_change_its_format() -> None:
    chunker = SoundChunker()
    chunks = list(chunker.offer(sound_frame(48_000, 0))) + list(
        chunker.offer(sound_frame(44_100, 44_100, 44_100, "mono"))
    )
    chunks += chunker.finish()
    assert sum(len(samples) for _, samples in chunks) == pytest.approx(32_000, abs=100)


@pytest.mark.parametrize("pixel_format", ["yuv420p", "nv12", "gray", "yuv444p", "rgb24", "yuyv422"])
def test_pictures_survive_the_pipe(pixel_format: str) -> None:
    pixels = np.random.default_rng(3).integers(0, 255, (28, 36, 3), np.uint8).repeat(2, 0).repeat(2, 1)
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=pixel_format)
    pipe = io.BytesIO()
    head, planes = pack_frame(frame)
    send(pipe, head, planes)
    pipe.seek(0)
    message = receive(pipe)
    assert message is not None
    back = unpack_frame(*message).to_ndarray(format="rgb24")
    expected = frame.reformat(format=head["format"]).to_ndarray(format="rgb24")
    assert np.array_equal(back, expected)
    assert receive(pipe) is None


@pytest.mark.parametrize("data", [b"\xff" * 8, b"\0\0\0\2\0\0\0\0[]", b"\0\0\0\2\0\0\0\0{x"])
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        receive(io.BytesIO(data))


def test_a_picture_that_does_not_fit_its_description_is_refused() -> None:
    head, planes = pack_frame(av.VideoFrame(64, 48, "yuv420p"))
    body = bytearray(b"".join(bytes(plane) for plane in planes))
    for bad in ({"size": [6400, 4800]}, {"lines": [1]}, {"lines": [-64, 32, 32]}, {"format": "rgb24"}, {"size": "x"}):
        with pytest.raises(WireError):
            unpack_frame({**head, **bad}, body)
