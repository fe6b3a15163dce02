"""Percepts made by hand."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np

from perstream.types import Keyframe, Observation, ObservationKind, Percept

START = datetime(2026, 5, 12, 8, 0, tzinfo=timezone.utc)


def percept(
    at: float,
    *texts: str,
    scene: int = 0,
    votes: int = 2,
    score: float = 0.95,
    shade: float = 0.5,
    reason: str = "settled",
) -> Percept:
    """A keyframe at ``at`` seconds in which ``texts`` are read."""
    keyframe = Keyframe(
        source="cam",
        index=int(at * 10),
        pts_s=at,
        captured_at=START + timedelta(seconds=at),
        rgb=np.full((36, 64, 3), int(shade * 255), np.uint8),
        reason=reason,
        motion=0.0,
        sharpness=1.0,
        scene=scene,
    )
    observations = tuple(
        Observation(
            ObservationKind.TEXT, text, score, at, at, votes=votes, box=(0.2, 0.2 + 0.2 * i, 0.8, 0.3 + 0.2 * i)
        )
        for i, text in enumerate(texts)
    )
    rng = np.random.default_rng(int(shade * 1000))
    return Percept(keyframe, observations, rng.standard_normal((4, 8)).astype(np.float16))


def heard(at: float, text: str, speaker: str | None = None) -> Percept:
    """Something said at ``at`` seconds."""
    silent = percept(at)
    said = Observation(ObservationKind.TRANSCRIPT, text, 1.0, at, at + 2, speaker=speaker)
    return Percept(silent.keyframe, (said,), silent.patches, repeated=True)
