"""The research entry point: same names, this engine."""

from __future__ import annotations

import inspect
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

import perstream
from perstream import video_stream_with_memory
from perstream.errors import SourceError


@pytest.fixture(scope="module")
def two_signs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PLATFORM 12 for four seconds, then GATE B7 for four."""
    path = tmp_path_factory.mktemp("research") / "signs.mp4"
    rng = np.random.default_rng(5)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"preset": "ultrafast", "crf": "18"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for number in range(80):
            wall = np.full((360, 640, 3), 110 if number < 40 else 150, np.uint8)
            cv2.rectangle(wall, (120, 110), (520, 230), (250, 250, 250), -1)
            text = "PLATFORM 12" if number < 40 else "GATE B7"
            cv2.putText(wall, text, (150, 190), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (10, 10, 10), 4, cv2.LINE_AA)
            noisy = np.clip(wall.astype(np.int16) + rng.integers(-2, 3, wall.shape), 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(noisy, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_the_signature_of_the_research_project() -> None:
    parameters = inspect.signature(video_stream_with_memory).parameters
    assert list(parameters)[:5] == ["video_path", "buffer_size", "gamma_threshold", "enable_proactive", "queries"]
    defaults = {name: p.default for name, p in parameters.items()}
    assert (defaults["buffer_size"], defaults["gamma_threshold"], defaults["enable_proactive"]) == (4, 0.3, True)


def test_a_query_knows_only_what_came_before_it(two_signs: Path) -> None:
    result = video_stream_with_memory(
        two_signs, queries=["Which gate did I see?", (3.0, "Which gate did I see?"), (3.0, "Which platform did I see?")]
    )
    at_the_end, early, platform = result.replies
    assert "B7" in at_the_end.answer
    assert at_the_end.evidence[0].start_s is not None and at_the_end.evidence[0].start_s >= 3.5
    assert early.abstained
    assert "12" in platform.answer
    assert result.done.frames == 80
    assert [m.start_s for m in result.memories] == sorted(m.start_s or 0.0 for m in result.memories)


def test_proactive_words_and_their_switch(two_signs: Path) -> None:
    facts = ["My flight leaves from gate C3."]
    said = video_stream_with_memory(two_signs, memories=facts).proactive
    assert ["B7" in word.text for word in said] == [True]
    assert video_stream_with_memory(two_signs, memories=facts, enable_proactive=False).proactive == ()


def test_a_closed_gate_remembers_nothing(two_signs: Path) -> None:
    assert video_stream_with_memory(two_signs, gamma_threshold=1.0).memories == ()


def test_runs_share_nothing(two_signs: Path) -> None:
    """No frame, score or memory of one video reaches the next."""
    first = video_stream_with_memory(two_signs)
    second = video_stream_with_memory(two_signs)
    assert [m.text for m in first.memories] == [m.text for m in second.memories]


def test_a_store_that_is_kept(two_signs: Path, tmp_path: Path) -> None:
    video_stream_with_memory(two_signs, store=tmp_path / "store")
    assert (tmp_path / "store" / "memory.db").exists()


def test_a_missing_video(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"missing\.mp4"):
        video_stream_with_memory(tmp_path / "missing.mp4")


def test_unknown_names_are_no_attributes() -> None:
    assert not hasattr(perstream, "nothing_of_that_name")
