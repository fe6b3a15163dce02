"""A dataset file under the lens: every problem of every record with its line and field, and what holds between records."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perstream.errors import ConfigError, NotFound, SourceError
from perstream.lab.drivenact import Sample, read_samples
from perstream.lab.kit.frames import LATE_S, find_video, length_of
from perstream.lab.kit.record_file import read_records_text
from perstream.lab.kit.records import check_record


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem."""

    line: int
    """Of the file; where the record begins."""
    record: int | None
    """Place in the list, from 0; None when it is the file as a whole."""
    field: str
    message: str

    def words(self, path: Path) -> str:
        """One line, as compilers write it."""
        where = "" if self.record is None else f"record {self.record}: "
        return f"{path}:{self.line}: {where}{self.field}{' ' if self.field else ''}{self.message}"


@dataclass(frozen=True, slots=True)
class Validation:
    """What came of it."""

    path: Path
    records: int
    """Read, right or wrong."""
    findings: tuple[Finding, ...]
    """In the order of the file."""


def validate(path: Path, videos: Path | None = None) -> Validation:
    """Check all of a dataset file, with a folder of ``videos`` also that they are there and long enough.

    NotFound without a file or folder; ConfigError for one that cannot be read at all.
    """
    if videos is not None and not videos.is_dir():
        raise NotFound(f"there is no folder of videos {videos}")
    text = read_records_text(path)
    findings = [Finding(t.line, t.record, t.field, t.message) for t in text.troubles]
    for place, (line, item) in enumerate(text.records):
        findings += [Finding(line, place, field, message) for field, message in check_record(item)]
    rows = [(place, line, item) for place, (line, item) in enumerate(text.records) if isinstance(item, dict)]
    findings += _repeated(rows)
    findings += _crossing(rows)
    if videos is not None:
        findings += _beyond(rows, videos)
    findings.sort(key=lambda f: (f.line, -1 if f.record is None else f.record))
    return Validation(path, len(text.records), tuple(findings))


def read_strictly(path: Path) -> tuple[Sample, ...]:
    """The samples of a file in which nothing is wrong; ConfigError names the first problem and counts the others."""
    found = validate(path)
    if found.findings:
        more = f" (and {len(found.findings) - 1} more: perstream dataset validate)" if len(found.findings) > 1 else ""
        raise ConfigError(f"{found.findings[0].words(path)}{more}")
    return read_samples([item for _, item in read_records_text(path).records])


Rows = list[tuple[int, int, dict[str, Any]]]
"""(place, line, record)."""


def _repeated(rows: Rows) -> Iterator[Finding]:
    ids: dict[Hashable, tuple[int, int]] = {}
    moments: dict[Hashable, tuple[int, int]] = {}
    for place, line, item in rows:
        if "id" in item:
            known = ids.setdefault(repr(item["id"]), (place, line))
            if known[0] != place:
                yield Finding(line, place, "id", f"{item['id']!r:.60} is that of record {known[0]} (line {known[1]})")
        key = _moment(item)
        if key is None:
            continue
        known = moments.setdefault(key, (place, line))
        if known[0] != place:
            yield Finding(
                line, place, "", f"repeats record {known[0]} (line {known[1]}): the same moment, the same ask"
            )


def _moment(item: Mapping[str, Any]) -> Hashable | None:
    """What two records must not have in common; None where a part of it is missing."""
    names = ("participant_id", "video_id", "timestamp", "type")
    if any(not isinstance(item.get(name), (str, int)) for name in names):
        return None
    question = item.get("question")
    asked = " ".join(question.split()).lower() if isinstance(question, str) else ""
    try:
        seconds = float(item["timestamp"])
    except ValueError:
        return None
    return (item["participant_id"], item["video_id"], seconds, item["type"], asked)


def _crossing(rows: Rows) -> Iterator[Finding]:
    homes: dict[int, tuple[str, int, int]] = {}
    for place, line, item in rows:
        who, split = item.get("participant_id"), item.get("split")
        if not isinstance(who, int) or isinstance(who, bool) or not isinstance(split, str):
            continue
        home, first, at = homes.setdefault(who, (split, place, line))
        if split != home:
            message = f"participant {who} is in {split!r:.40} here and in {home!r:.40} in record {first} (line {at})"
            yield Finding(line, place, "split", message)


def _beyond(rows: Rows, folder: Path) -> Iterator[Finding]:
    lengths: dict[str, float | str] = {}
    for place, line, item in rows:
        video, time = item.get("video_id"), item.get("timestamp")
        if not isinstance(video, str) or not isinstance(time, str):
            continue
        if video not in lengths:
            lengths[video] = _length(folder, video)
        length = lengths[video]
        if isinstance(length, str):
            if length:
                yield Finding(line, place, "video_id", length)
            continue
        try:
            seconds = float(time)
        except ValueError:
            continue
        if seconds > length + LATE_S:
            yield Finding(line, place, "timestamp", f"{time!r:.40} is beyond the end of {video} ({length:.3f} s)")


def _length(folder: Path, video: str) -> float | str:
    """Seconds, or what is wrong; nothing for an id that was complained about already."""
    try:
        path = find_video(folder, video)
    except ConfigError:
        return ""
    if path is None:
        return f"there is no video {video!r:.100} in {folder}"
    try:
        return length_of(path)
    except SourceError as error:
        return f"cannot be read: {error}"
