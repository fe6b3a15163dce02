"""Drive&Act (Martin et al., ICCV 2019): activities of drivers, one CSV row per chunk of at most three seconds.

``activities_3s/<view>/midlevel.chunks_90*.csv`` has participant_id, file_id, annotation_id, frame_start, frame_end,
activity and chunk_id; the video of ``vp1/run1_….kinect_color`` is ``<view>/vp1/run1_….kinect_color.mp4``. The three
``split_0`` … ``split_2`` part the same rows in three ways: a row counts once.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.error import FFmpegError

from perstream.errors import ConfigError, NotFound, SourceError
from perstream.lab.kit.frames import check_video_id, find_video
from perstream.lab.kit.generate.footage import Footage, Found, Segment, one_line, require_none

NAME = "drivenact"
VIEW = "kinect_color"
COLUMNS = ("participant_id", "file_id", "annotation_id", "frame_start", "frame_end", "activity", "chunk_id")
FOLDERS = ("activities_3s", "iccv_activities_3s/activities_3s", "iccv_activities_3s")
PATTERN = "midlevel.chunks_90*.csv"
MAX_FRAME = 10_000_000

Chunk = tuple[int, int, int, str]
"""annotation_id, first frame, frame after the last, activity."""


def read_drive_and_act(root: Path, view: str = VIEW) -> Found:
    """All annotated videos under ``root``. NotFound when something is not where it should be; ConfigError names bad rows."""
    files = _annotations(root, view)
    chunks: dict[tuple[int, str], set[Chunk]] = defaultdict(set)
    problems: list[str] = []
    for file in files:
        for participant, video, chunk in _rows(file, problems):
            chunks[participant, video].add(chunk)
    owners: dict[str, int] = {}
    for participant, video in chunks:
        if owners.setdefault(video, participant) != participant:
            problems.append(f"{video} belongs to participants {owners[video]} and {participant}")
    require_none(problems)
    if not chunks:
        raise ConfigError(f"{files[0]} holds no rows")
    videos = _videos(root, view, [video for _, video in chunks])
    footage, absent = [], []
    for (participant, video), rows in sorted(chunks.items()):
        path = find_video(videos, video)
        if path is None:
            absent.append(video)
            continue
        try:
            footage.append(Footage(participant, video, path, _segments(rows, rate_of(path))))
        except SourceError as error:
            absent.append(f"{video} ({error})")
    if not footage:
        raise NotFound(f"none of the {len(absent)} annotated videos can be read in {videos}, for example {absent[0]}")
    return Found(NAME, tuple(footage), videos, tuple(absent))


def rate_of(path: Path) -> Fraction:
    """Frames per second. SourceError for a file that is no video."""
    try:
        with av.open(f"file:{path}", metadata_errors="replace") as container:
            rate = container.streams.video[0].average_rate if container.streams.video else None
    except FFmpegError as error:
        raise SourceError(f"{path} is no video that can be read: {error.strerror}") from error
    if not rate:
        raise SourceError(f"{path} does not say how many frames a second has: its annotations count frames")
    return Fraction(rate)


def _annotations(root: Path, view: str) -> list[Path]:
    if not root.is_dir():
        raise NotFound(f"there is no folder {root}: set DRIVENACT_PATH to that of Drive&Act")
    homes = [root / name for name in FOLDERS if (root / name).is_dir()]
    found = [home / view for home in homes if (home / view).is_dir()]
    if homes and not found:
        there = sorted(path.name for home in homes for path in home.iterdir() if path.is_dir())
        raise NotFound(f"{homes[0]} has no view {view!r}; it has: {', '.join(there) or 'none'}")
    files = [file for folder in (*found, root) for file in sorted(folder.glob(PATTERN))]
    if not files:
        raise NotFound(f"there is no {FOLDERS[0]}/{view}/{PATTERN} in {root}: it is in the annotations of Drive&Act")
    whole = [file for file in files if ".split_" not in file.name]
    return whole or files


def _rows(file: Path, problems: list[str]) -> Iterator[tuple[int, str, Chunk]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            lacking = [name for name in COLUMNS[:-1] if name not in (rows.fieldnames or ())]
            if lacking:
                problems.append(f"{file}:1: there is no column {', '.join(lacking)}")
                return
            for row in rows:
                try:
                    yield _row(row)
                except ValueError as error:
                    problems.append(f"{file}:{rows.line_num}: {error}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        problems.append(f"{file} cannot be read: {error}")


def _row(row: dict[str, str | None]) -> tuple[int, str, Chunk]:
    """ValueError says what is wrong."""
    numbers = []
    for name in ("participant_id", "annotation_id", "frame_start", "frame_end"):
        text = (row[name] or "").strip()
        if not text.isdecimal() or int(text) > MAX_FRAME:
            raise ValueError(f"{name} {text[:40]!r} is no whole number")
        numbers.append(int(text))
    participant, annotation, start, end = numbers
    video, activity = (row["file_id"] or "").strip(), one_line((row["activity"] or "").replace("_", " "))
    try:
        check_video_id(video)
    except ConfigError as error:
        raise ValueError(f"file_id {video[:80]!r} is no path of a video") from error
    if end < start:
        raise ValueError(f"frame_end {end} is before frame_start {start}")
    if not activity:
        raise ValueError("activity is empty")
    return participant, video, (annotation, start, end, activity)


def _videos(root: Path, view: str, names: list[str]) -> Path:
    """The folder that holds most of them."""
    folders = [folder for folder in (root / view, root) if folder.is_dir()]
    return max(folders, key=lambda folder: sum(find_video(folder, name) is not None for name in names))


def _segments(chunks: set[Chunk], rate: Fraction) -> tuple[Segment, ...]:
    """Chunks of one annotation that follow each other are one activity."""
    spans: list[list[int]] = []
    labels: list[tuple[int, str]] = []
    for annotation, start, end, activity in sorted(chunks, key=lambda chunk: (chunk[1], chunk[2], chunk[0], chunk[3])):
        if labels and labels[-1] == (annotation, activity) and start <= spans[-1][1] + 1:
            spans[-1][1] = max(spans[-1][1], end)
        else:
            spans.append([start, end])
            labels.append((annotation, activity))
    return tuple(
        Segment(float(start / rate), float(end / rate), activity)
        for (start, end), (_, activity) in zip(spans, labels, strict=True)
    )
