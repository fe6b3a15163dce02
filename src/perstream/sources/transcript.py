"""Transcripts beside a video: WebVTT and SubRip files.

Reads what WebVTT (W3C) and SubRip files found in the wild contain; whatever is not a cue is skipped,
so a broken file gives fewer cues and never an error.
"""

from __future__ import annotations

import codecs
import logging
import re
from collections.abc import Iterator
from pathlib import Path

from perstream.sources.cue_text import said
from perstream.types import Cue

log = logging.getLogger(__name__)

MAX_BYTES = 4_000_000
"""Read of a transcript file at most; a day of talk is below 2 MB."""
MAX_CUES = 20_000
SUFFIXES = (".vtt", ".srt")

_STAMP = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{2})(?:[.,](\d{1,3}))?"
_TIMING = re.compile(rf"^\s*{_STAMP}\s*-->\s*{_STAMP}")
_WORD_TIME = re.compile(r"<\d{1,2}:\d{2}(?::\d{2})?\.\d{3}>")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8}){0,2}")
_MIN_S = 0.5
"""A cue that claims to end before it starts is shown for this long."""


def read_sidecar(video: Path, source: str) -> list[Cue]:
    """Cues of the transcript beside a video (``stem.vtt``, ``stem.srt``, ``stem.en.vtt``, …), by start.

    Times are as the file says. Empty when there is none that holds a cue.
    """
    for path in _candidates(video):
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES)
        except OSError as error:
            log.warning("cannot read the transcript %s: %s", path.name, error.strerror)
            continue
        cues = parse_transcript(decode_text(data), source)
        if cues:
            return cues
        log.warning("the transcript %s holds no cue; it is not used", path.name)
    return []


def parse_transcript(text: str, source: str) -> list[Cue]:
    """Cues of a WebVTT or SubRip text, by start, at most MAX_CUES."""
    rolling = _WORD_TIME.search(text) is not None
    cues: list[Cue] = []
    before: list[str] = []
    for start_s, end_s, lines in _blocks(text):
        fresh = lines
        if rolling:  # automatic captions repeat the line before in every cue
            fresh = [line for line in lines if line.strip() and line not in before]
            before = [_WORD_TIME.sub("", re.sub(r"</?c>", "", line)) for line in lines] + lines
        cues.extend(cues_of("\n".join(fresh), start_s, end_s, source))
        if len(cues) >= MAX_CUES:
            log.warning("the transcript of %s has more than %d cues; the rest is not used", source, MAX_CUES)
            break
    return sorted(cues[:MAX_CUES], key=lambda cue: cue.start_s)


def cues_of(payload: str, start_s: float, end_s: float, source: str) -> list[Cue]:
    """One cue per speaker of a subtitle's payload."""
    end_s = end_s if end_s > start_s else start_s + _MIN_S
    return [Cue(source, start_s, end_s, text, speaker) for speaker, text in said(payload)]


def decode_text(data: bytes) -> str:
    """UTF-8, UTF-16 by its byte order mark, else Windows-1252 with what it lacks replaced."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start >= len(data) - 3:  # cut inside a character at MAX_BYTES
            return data[: error.start].decode("utf-8-sig")
        return data.decode("cp1252", errors="replace")


def _candidates(video: Path) -> list[Path]:
    """Transcripts of this video, the plainest name first, English before other languages."""
    stem = video.stem.casefold()

    def rank(path: Path) -> tuple[int, int, str]:
        language = path.stem.casefold()[len(stem) :].strip(".")
        distance = 0 if not language else 1 if language.startswith("en") else 2
        return distance, SUFFIXES.index(path.suffix.lower()), path.name

    try:
        beside = [
            path
            for path in video.parent.iterdir()
            if path.suffix.lower() in SUFFIXES
            and (path.stem.casefold() == stem or _is_language(path.stem.casefold(), stem))
            and path.is_file()
        ]
    except OSError:
        return []
    return sorted(beside, key=rank)


def _is_language(name: str, stem: str) -> bool:
    return name.startswith(f"{stem}.") and _LANGUAGE.fullmatch(name[len(stem) + 1 :]) is not None


def _blocks(text: str) -> Iterator[tuple[float, float, list[str]]]:
    """(start, end, payload lines) of every timing line."""
    timing: tuple[float, float] | None = None
    lines: list[str] = []
    for line in text.splitlines():
        match = _TIMING.match(line)
        if match or not line.strip():
            if timing is not None and lines:
                # Without a blank line between two cues the next one's number was taken as text.
                yield (*timing, lines[:-1] if match and len(lines) > 1 and lines[-1].strip().isdigit() else lines)
                timing, lines = None, []
            if match:
                timing, lines = (_seconds(match.groups()[:4]), _seconds(match.groups()[4:])), []
        elif timing is not None:
            lines.append(line)
    if timing is not None and lines:
        yield (*timing, lines)


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = parts
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0) + float(f"0.{fraction or 0}")
