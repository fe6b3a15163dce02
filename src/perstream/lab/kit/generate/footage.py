"""An annotated video, whatever the dataset: what goes on from when to when."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perstream.errors import ConfigError, NotFound
from perstream.lab.eval_recall import MAX_BYTES

NAMED = 8
"""So many bad places are named in an error; the others are counted."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One activity or narrated action."""

    start_s: float
    end_s: float
    label: str
    """In plain words, one line."""


@dataclass(frozen=True, slots=True)
class Footage:
    """One video of one person."""

    participant: int
    video: str
    """``video_id`` of its records: the path in the folder of videos, without its ending."""
    path: Path
    segments: tuple[Segment, ...]
    """In order of time."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a dataset's folder holds."""

    dataset: str
    """``drivenact`` or ``ego4d``."""
    footage: tuple[Footage, ...]
    """With their videos, by participant and name."""
    videos: Path
    """The folder that the ``video_id`` are relative to."""
    absent: tuple[str, ...]
    """Annotated videos that are not there or cannot be read."""

    def notes(self) -> list[str]:
        """For people, before anything starts."""
        lines = [f"{self.dataset}: {len(self.footage)} annotated videos in {self.videos}"]
        if self.absent:
            more = ", …" if len(self.absent) > NAMED else ""
            named = ", ".join(self.absent[:NAMED])
            lines.append(
                f"{self.dataset}: {len(self.absent)} annotated videos are left out, not there or broken: {named}{more}"
            )
        return lines


def require_none(problems: Sequence[str]) -> None:
    """ConfigError that names what is wrong in the annotations."""
    if problems:
        more = f"; and {len(problems) - NAMED} more" if len(problems) > NAMED else ""
        raise ConfigError(f"the annotations cannot be used: {'; '.join(problems[:NAMED])}{more}")


def read_json(path: Path) -> Any:
    """ConfigError with file and line for what is no JSON; NotFound without a file."""
    if not path.is_file():
        raise NotFound(f"there is no {path}")
    try:
        if path.stat().st_size > 2 * MAX_BYTES:
            raise ConfigError(f"{path} is larger than two gigabytes")
        return json.loads(path.read_bytes().decode("utf-8"))
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}:{error.lineno}: the JSON is broken: {error.msg}") from error
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error


def one_line(text: str, most: int = 200) -> str:
    """A label without line breaks and control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:most]
