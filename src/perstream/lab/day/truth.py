"""What is true about a day: the ground-truth file, and when a thing can be read."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perstream.lab.day.film import Shot
from perstream.lab.day.path import REFERENCE
from perstream.lab.day.rooms import Place
from perstream.lab.day.space import Vector, project
from perstream.lab.day.thing import Thing

Groups = tuple[tuple[str, ...], ...]
Spans = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Shown:
    """A stretch in which a thing could be read."""

    what: str
    text: str
    start_s: float
    end_s: float
    cap_px: float
    """Least height of its smallest capitals in the stretch, in pixels at 960 wide."""
    glimpses: Spans
    """All stretches, of this room, in which a sharp eye may make out its largest words; they hold the one above."""


@dataclass(frozen=True)
class Heard:
    """A cue of the transcript."""

    speaker: str
    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Question:
    """A question and what a right answer holds: one string of each group. Without groups it is to be refused."""

    question: str
    kind: str
    answer_contains: Groups = ()
    start_s: float | None = None
    end_s: float | None = None
    """Where its evidence is; None for a told fact."""
    spans: Spans = ()
    """All stretches that show it: evidence must overlap one."""
    provenance: str = "seen"
    """``seen``, ``heard`` or ``told``."""


@dataclass(frozen=True)
class Due:
    """A word that must be said unasked: it mentions one string of each group."""

    topic: Groups
    from_s: float
    """Its cause may be made out from here on: not too early."""
    cue_s: float
    """Its cause is easily read, or said, from here on."""
    until_s: float
    """Later is late."""
    why: str


@dataclass(frozen=True)
class Truth:
    """Everything true about one day. Where no word is due, silence is."""

    seed: int
    start_time: str
    """ISO, UTC, of the first frame."""
    duration_s: float
    width: int
    height: int
    fps: int
    rooms: tuple[str, ...]
    shown: tuple[Shown, ...]
    said: tuple[Heard, ...]
    told: tuple[str, ...]
    questions: tuple[Question, ...]
    unanswerable: tuple[Question, ...]
    due: tuple[Due, ...]

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load_truth(path: Path) -> Truth:
    """Read a ground-truth file. Raises OSError, ValueError, KeyError or TypeError when it is none."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    return Truth(
        **{
            **raw,
            "rooms": tuple(raw["rooms"]),
            "told": tuple(raw["told"]),
            "shown": tuple(Shown(**{**item, "glimpses": _spans(item["glimpses"])}) for item in raw["shown"]),
            "said": tuple(Heard(**item) for item in raw["said"]),
            "questions": tuple(_question(item) for item in raw["questions"]),
            "unanswerable": tuple(_question(item) for item in raw["unanswerable"]),
            "due": tuple(Due(**{**item, "topic": _groups(item["topic"])}) for item in raw["due"]),
        }
    )


def _question(item: dict[str, object]) -> Question:
    tuples = {"answer_contains": _groups(item["answer_contains"]), "spans": _spans(item["spans"])}
    return Question(**{**item, **tuples})  # type: ignore[arg-type]


def _spans(raw: object) -> Spans:
    assert isinstance(raw, list)
    return tuple((float(start), float(end)) for start, end in raw)


def _groups(raw: object) -> Groups:
    assert isinstance(raw, list)
    return tuple(tuple(str(text) for text in group) for group in raw)


@dataclass(frozen=True)
class Legible:
    """When writing counts as legible, at 960 pixels wide: capitals this high, moving this little in 1/15 s."""

    cap_px: float
    smear_px: float

    def holds(self, cap_px: float, smear_px: float) -> bool:
        """Whether writing of this height and smear is legible."""
        return cap_px >= self.cap_px and smear_px <= self.smear_px


READABLE = Legible(14.0, 2.5)
"""A person reads it."""
GLIMPSED = Legible(7.0, 8.0)
"""A sharp eye may make out the largest words."""
TURNED_AWAY = 0.3
"""Seen so much from the side (width to height, relative to the front view) nothing can be read."""


LOOKS_PER_S = 15
"""How often legibility is judged; the same for every frame rate, so that the truth does not depend on it."""


@dataclass(frozen=True)
class Sight:
    """How a thing appears at one time."""

    tick: int
    """Of the day's clock, in units of 1 / LOOKS_PER_S."""
    scale: float
    """Picture pixels, at 960 wide, per texture pixel, upright."""
    smear_px: float
    """Infinite in the first picture of a shot."""
    whole: bool
    """All of it is in the picture; else more than half of it."""


def sights(shot: Shot, item: Thing, place: Place) -> list[Sight]:
    """When ``item`` is in the picture, more than half of it, and turned towards the camera; how it appears then."""
    half = np.stack([place.right * item.width_m / 2, np.array([0.0, item.height_m / 2, 0.0])])
    outline = place.centre + np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [0, 0]]) @ half
    found: list[Sight] = []
    before: Vector | None = None
    for tick in range(math.ceil(shot.start_s * LOOKS_PER_S), math.ceil(shot.end_s * LOOKS_PER_S)):
        pose = shot.path.pose(tick / LOOKS_PER_S - shot.start_s)
        eye = np.array([pose.x, pose.y, pose.z])
        if ((outline - eye) @ pose.axes()[2]).min() < 0.2 or (eye - place.centre) @ place.normal <= 0:
            before = None
            continue
        now = project(outline, pose, REFERENCE)
        smear = math.inf if before is None else float(np.abs(now[4] - before).max())
        before = now[4]
        tall = float(np.linalg.norm(now[3] - now[0]) + np.linalg.norm(now[2] - now[1])) / 2
        wide = float(np.linalg.norm(now[1] - now[0]) + np.linalg.norm(now[2] - now[3])) / 2
        inside = [_inside(point, 4.0) for point in now]
        # The centre is inside and one edge at least: its largest words may well be.
        partly = inside[4] and sum(inside[:4]) >= 2
        if partly and wide / tall > TURNED_AWAY * item.width_m / item.height_m:
            found.append(Sight(tick, tall / item.texture.shape[0], smear, all(inside)))
    return found


def _inside(point: NDArray[np.float64], margin: float) -> bool:
    x, y = float(point[0]), float(point[1])
    return -margin <= x <= REFERENCE.width + margin and -margin <= y <= REFERENCE.height + margin


def stretches(ticks: Iterable[int]) -> Spans:
    """Runs of ticks as seconds, gaps of up to 0.2 s closed."""
    runs: list[list[int]] = []
    for tick in sorted(ticks):
        if runs and tick - runs[-1][1] <= 0.2 * LOOKS_PER_S:
            runs[-1][1] = tick
        else:
            runs.append([tick, tick])
    return tuple((round(a / LOOKS_PER_S, 2), round(b / LOOKS_PER_S, 2)) for a, b in runs)


def shown_span(what: str, shot: Shot, item: Thing, place: Place, middle_s: float) -> Shown:
    """The rest around ``middle_s`` in which all of ``item`` can be read, and all glimpses of it."""
    seen = sights(shot, item, place)
    clear = {
        s.tick: s.scale * item.cap_px for s in seen if s.whole and READABLE.holds(s.scale * item.cap_px, s.smear_px)
    }
    # The first picture of a shot is filmed at rest: it has no smear.
    glimpsed = [
        s.tick for s in seen if GLIMPSED.holds(s.scale * item.big_cap_px, 0.0 if math.isinf(s.smear_px) else s.smear_px)
    ]
    start, end = next((a, b) for a, b in stretches(clear) if a <= middle_s <= b)
    cap = min(clear[tick] for tick in clear if start + 0.3 <= tick / LOOKS_PER_S <= end - 0.3)
    return Shown(what, " | ".join(item.lines), start, end, round(cap, 1), stretches([*clear, *glimpsed]))
