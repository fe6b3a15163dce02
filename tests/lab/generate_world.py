"""Small data in the true layout of Drive&Act and of Ego4D."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "sources"))
from video_maker import make_video

HEAD = "participant_id,file_id,annotation_id,frame_start,frame_end,activity,chunk_id"
RATE = 15
DAY = (("entering_car", 30), ("drinking", 60), ("reading_newspaper", 120), ("drinking", 60), ("writing", 30))
"""Activity and its frames."""


def colour(rgb: tuple[int, int, int]) -> Any:
    return lambda index: np.full((48, 64, 3), rgb, np.uint8)


def drive_and_act(root: Path, people: Sequence[int] = (1, 2, 3), day: Sequence[tuple[str, int]] = DAY) -> Path:
    """``activities_3s/kinect_color/midlevel.chunks_90.split_0.*.csv`` and ``kinect_color/vpN/runNb_….mp4``."""
    folder = root / "activities_3s" / "kinect_color"
    folder.mkdir(parents=True)
    rows: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for place, who in enumerate(people):
        video = f"vp{who}/run1b_2018-05-29-14-02-47.kinect_color"
        path = root / "kinect_color" / f"{video}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        make_video(path, frames=sum(count for _, count in day), rate=RATE, paint=colour((40 * who % 256, 90, 30)))
        part = rows[("train", "val", "test")[place % 3]]
        start = 0
        for number, (activity, count) in enumerate(day):
            for chunk, first in enumerate(range(start, start + count, 45)):
                last = min(first + 45, start + count)
                part.append(f"{who},{video},{number},{first},{last},{activity},{chunk}")
            start += count
    for split, part in rows.items():
        for number in range(2):  # the splits part the same rows
            text = "\n".join([HEAD, *part]) + "\n"
            (folder / f"midlevel.chunks_90.split_{number}.{split}.csv").write_text(text, encoding="utf-8")
    return root


SAID = ((0.4, "#C C picks up the knife"), (2.0, "#C C cuts #unsure"), (4.5, "#O A man X opens the door"), (6.0, "#C"))


def narrated(said: Sequence[tuple[float, str]] = SAID) -> dict[str, Any]:
    rows = [
        {"timestamp_sec": t, "timestamp_frame": round(t * 30), "narration_text": text, "annotation_uid": f"u{t}"}
        for t, text in said
    ]
    return {"narrations": rows, "summaries": [{"start_sec": 0.0, "end_sec": 9.0, "summary_text": "#Summary C cooked"}]}


def ego4d(root: Path, uids: Sequence[str] = ("aaaa-1", "bbbb-2", "cccc-3"), videos: int = 3) -> Path:
    """``v2/annotations/narration.json``, ``v2/full_scale/UID.mp4`` and ``ego4d.json``."""
    (root / "v2" / "annotations").mkdir(parents=True)
    (root / "v2" / "full_scale").mkdir()
    data: dict[str, Any] = {uid: {"status": "complete", "narration_pass_1": narrated()} for uid in uids}
    data[uids[-1]] = {"narration_pass_2": narrated(), "status": "complete"}
    (root / "v2" / "annotations" / "narration.json").write_text(json.dumps(data), encoding="utf-8")
    people = [{"video_uid": uid, "fb_participant_id": n, "duration_sec": 8} for n, uid in enumerate(uids[:2], start=7)]
    people.append({"video_uid": uids[-1], "fb_participant_id": None})
    (root / "ego4d.json").write_text(json.dumps({"version": "2", "videos": people}), encoding="utf-8")
    for number, uid in enumerate(uids[:videos]):
        paint = colour((90, 60 * number % 256, 30))
        make_video(root / "v2" / "full_scale" / f"{uid}.mp4", frames=120, rate=15, paint=paint)
    return root
