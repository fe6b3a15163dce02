"""Ego4D (Grauman et al., CVPR 2022): narrations of what the camera wearer does, from ``narration.json`` of v1 or v2.

``{video_uid: {"narration_pass_1": {"narrations": [{"timestamp_sec", "narration_text", …}], "summaries": …}, …}}``; the
second annotator's pass counts where the first is missing. ``all_narrations_redacted.json`` has
``{"videos": {video_uid: {"narrations": [{"time", "text", …}]}}}``. Videos are ``<version>/full_scale/<video_uid>.mp4``;
``ego4d.json`` beside them says who wore the camera (``fb_participant_id``). A narration speaks of ``#C`` (the camera
wearer) or ``#O`` (somebody else); ``#unsure`` stands for a thing that could not be made out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from perstream.errors import ConfigError, NotFound
from perstream.lab.kit.frames import check_video_id, find_video
from perstream.lab.kit.generate.footage import Footage, Found, Segment, one_line, read_json, require_none

NAME = "ego4d"
ANNOTATIONS = ("annotations", "v2/annotations", "v1/annotations", ".")
FILES = ("narration.json", "all_narrations_redacted.json")
VIDEOS = ("full_scale", "video_540ss", "v2/full_scale", "v2/video_540ss", "v1/full_scale", "v1/video_540ss", ".")
METADATA = ("ego4d.json", "v2/ego4d.json", "v1/ego4d.json")
LASTS_S = 4.0
"""A narration marks a point of time: it holds until the next one, at most so long."""
UNKNOWN_FROM = 1_000_000
"""Participants of whom the metadata says nothing are numbered from here, one per video."""
MAX_S = 1e6
_WEARER = re.compile(r"^\s*#\s*c\b\s*(?:c\b)?", re.IGNORECASE)
_OTHER = re.compile(r"^\s*#\s*o\b", re.IGNORECASE)
_UNSURE = re.compile(r"#\s*unsure\b", re.IGNORECASE)
_TAG = re.compile(r"#\s*\w+")


def read_ego4d(root: Path) -> Found:
    """All narrated videos under ``root``. NotFound when something is not there; ConfigError names bad entries."""
    if not root.is_dir():
        raise NotFound(f"there is no folder {root}: set EGO4D_PATH to that of Ego4D")
    file = next((path for folder in ANNOTATIONS for name in FILES if (path := root / folder / name).is_file()), None)
    if file is None:
        raise NotFound(f"there is no v1/annotations/{FILES[0]} or v2/annotations/{FILES[0]} in {root}")
    data = read_json(file)
    if isinstance(data, dict) and isinstance(data.get("videos"), dict):
        data = data["videos"]
    if not isinstance(data, dict) or not data:
        raise ConfigError(f"{file}:1: is no object of narrations by video_uid")
    problems: list[str] = []
    uids = [uid for uid in sorted(data) if _is_name(file, uid, problems)]
    owners = _owners(root, problems)
    folders = [folder for name in VIDEOS if (folder := root / name).is_dir()]
    videos = max(folders, key=lambda folder: sum(find_video(folder, uid) is not None for uid in uids))
    footage: list[Footage] = []
    absent: list[str] = []
    for number, uid in enumerate(uids):
        video = find_video(videos, uid)
        if video is None:
            absent.append(uid)  # what is wrong with its narrations harms nobody
        elif segments := _segments(file, uid, data[uid], problems):
            footage.append(Footage(owners.get(uid, UNKNOWN_FROM + number), uid, video, segments))
    require_none(problems)
    if not footage and not absent:
        raise ConfigError(f"{file} narrates nothing: no video has a narration")
    if not footage:
        raise NotFound(f"none of the {len(absent)} narrated videos is in {videos}, for example {absent[0]}")
    footage.sort(key=lambda one: (one.participant, one.video))
    return Found(NAME, tuple(footage), videos, tuple(absent))


def plain_narration(text: str) -> str:
    """``#C C opens the drawer`` as ``opens the drawer``; somebody else keeps the name that the annotator gave them."""
    words = _UNSURE.sub("something", text)
    words = _OTHER.sub("", _WEARER.sub("", words))
    return one_line(_TAG.sub("", words)).strip(" .,;")


def _is_name(file: Path, uid: str, problems: list[str]) -> bool:
    try:
        check_video_id(uid)
    except ConfigError:
        problems.append(f"{file}: {uid[:80]!r} is no video_uid")
        return False
    return True


def _segments(file: Path, uid: str, entry: Any, problems: list[str]) -> tuple[Segment, ...]:
    if not isinstance(entry, Mapping):
        problems.append(f"{file}: {uid} is no object")
        return ()
    times: dict[float, str] = {}
    for where, time, text in _narrations(file, uid, entry, problems):
        if isinstance(time, bool) or not isinstance(time, (int, float)) or not 0 <= time <= MAX_S or math.isnan(time):
            problems.append(f"{where}: its time {time!r:.40} is no number of seconds")
        elif not isinstance(text, str):
            problems.append(f"{where}: its text is no text")
        elif plain_narration(text):
            times.setdefault(float(time), plain_narration(text))
    order = sorted(times)
    return tuple(
        Segment(start, min(end, start + LASTS_S), times[start])
        for start, end in zip(order, [*order[1:], math.inf], strict=False)
    )


def _narrations(
    file: Path, uid: str, entry: Mapping[str, Any], problems: list[str]
) -> Iterator[tuple[str, object, object]]:
    """(place, time, text) of the first annotator who wrote any."""
    parts = (("narration_pass_1", "timestamp_sec"), ("narration_pass_2", "timestamp_sec"), ("", "time"))
    for part, clock in parts:
        held = entry.get(part) if part else entry
        rows = held.get("narrations") if isinstance(held, Mapping) else None
        if rows is None:
            continue
        name = f"{file}: {uid}{'.' if part else ''}{part}.narrations"
        if not isinstance(rows, list):
            problems.append(f"{name} is no list")
            return
        for number, row in enumerate(rows):
            if isinstance(row, Mapping):
                yield f"{name}[{number}]", row.get(clock), row.get("narration_text" if part else "text")
            else:
                problems.append(f"{name}[{number}] is no object")
        if rows:
            return


def _owners(root: Path, problems: list[str]) -> dict[str, int]:
    """Who wore the camera, as far as the metadata is there and says so."""
    file = next((root / name for name in METADATA if (root / name).is_file()), None)
    if file is None:
        return {}
    data = read_json(file)
    rows = data.get("videos") if isinstance(data, dict) else None
    if not isinstance(rows, list):
        problems.append(f"{file}: videos is no list")
        return {}
    found: dict[str, int] = {}
    for row in rows:
        who = row.get("fb_participant_id") if isinstance(row, Mapping) else None
        uid = row.get("video_uid") if isinstance(row, Mapping) else None
        if isinstance(uid, str) and isinstance(who, int) and not isinstance(who, bool):
            found[uid] = who
    return found
