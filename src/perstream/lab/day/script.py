"""The plot of a day: rooms, things, talk, and the way through them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from perstream.lab.day import goods, places, talk, told
from perstream.lab.day.draw import Draw
from perstream.lab.day.film import Shot
from perstream.lab.day.path import EYE_M, Leg, Path, aim, leg_seconds, reading_pose
from perstream.lab.day.rooms import Place, Room, furnish
from perstream.lab.day.space import Pose
from perstream.lab.day.talk import Remark
from perstream.lab.day.thing import Thing
from perstream.lab.day.truth import Heard
from perstream.lab.day.words import FOODS

ONCE = frozenset(places.MAKERS) - {"food"}
"""Kinds that a day shows once, so that "the whiteboard" is one whiteboard."""


@dataclass(frozen=True, eq=False)
class Look:
    """A rest in front of a thing."""

    shot: int
    item: Thing
    place: Place
    middle_s: float


@dataclass(frozen=True, eq=False)
class Plot:
    """All of it, before it is filmed."""

    shots: tuple[Shot, ...]
    looks: tuple[Look, ...]
    heard: tuple[Heard, ...]
    remarks: tuple[Remark, ...]
    """Aligned with ``heard``."""
    facts: tuple[told.Told, ...]
    """Those that will matter; ``causes`` says by what."""
    causes: tuple[Look | Heard, ...]
    idle: tuple[told.Told, ...]


def plot(draw: Draw, rooms: int = 7) -> Plot:
    """A day of that many rooms, with a corridor between each two."""
    stays = _stays(draw, rooms)
    remarks = talk.remarks(draw, draw.any((3, 4)), draw.any((1, 2)))
    shots: list[Shot] = []
    looks: list[Look] = []
    heard: list[Heard] = []
    clock = 0.0
    for index, (kind, things) in enumerate(stays):
        room = furnish(kind.name, kind.style, things, draw)
        path, middles = _through(room, things, draw)
        looks += [
            Look(len(shots), item, place, clock + m)
            for item, place, m in zip(things, room.places, middles, strict=True)
        ]
        shots.append(_shot(room, path, clock, draw))
        clock = shots[-1].end_s
        if index == len(stays) - 1:
            break
        said = remarks[index] if index < len(remarks) else None
        seconds = max(draw.between(3.2, 4.6), 1.4 + 0.36 * len(said.text.split()) if said else 0.0)
        if said:
            heard.append(Heard(said.speaker, said.text, round(clock + 0.5, 2), round(clock + seconds - 0.5, 2)))
        corridor = furnish("corridor", places.CORRIDOR, (), draw)
        shots.append(_shot(corridor, _along(corridor, seconds, draw), clock, draw))
        clock = shots[-1].end_s
    facts, causes = _mattering(looks, heard, remarks, draw)
    kinds = frozenset(look.item.kind for look in looks)
    idle = told.idle(draw, kinds, draw.any((4, 5, 6)))
    return Plot(tuple(shots), tuple(looks), tuple(heard), tuple(remarks[: len(heard)]), facts, causes, tuple(idle))


def _stays(draw: Draw, rooms: int) -> list[tuple[places.Kind, tuple[Thing, ...]]]:
    """Rooms with their things: every day has food that somebody can be allergic to, and one more that can matter."""
    while True:
        kinds = draw.shuffled(places.KINDS)[:rooms]
        names: list[list[str]] = []
        used: set[str] = set()
        for kind in kinds:
            left = [name for name in kind.makers if name not in used]
            chosen = draw.shuffled(left)[: draw.any((1, 2, 2, 2, 3))]
            used |= ONCE.intersection(chosen)
            names.append(chosen)
        flat = [name for group in names for name in group]
        if (
            all(names)
            and round(1.7 * rooms) <= len(flat) <= 2 * rooms
            and len(told.MATTERING.intersection(flat)) >= min(3, rooms)
        ):
            break
    labels = dict(draw.shuffled(FOODS))
    allergens = draw.shuffled(sorted(labels))
    made: list[tuple[places.Kind, tuple[Thing, ...]]] = []
    for kind, group in zip(kinds, names, strict=True):
        things = []
        for name in group:
            if name == "food":
                allergen = allergens.pop()
                things.append(goods.food(draw, (allergen, labels[allergen]) if draw.chance(0.75) else None))
            else:
                things.append(places.MAKERS[name](draw))
        made.append((kind, tuple(things)))
    return made


def _mattering(
    looks: list[Look], heard: list[Heard], remarks: list[Remark], draw: Draw
) -> tuple[tuple[told.Told, ...], tuple[Look | Heard, ...]]:
    """Two to four facts, each made to matter by what is shown or by who talks."""
    wanted = draw.any((2, 3, 3, 4))
    facts: list[told.Told] = []
    causes: list[Look | Heard] = []
    for look in draw.shuffled(looks):
        fact = told.about(look.item, draw) if len(facts) < wanted else None
        if fact:
            facts.append(fact)
            causes.append(look)
    speakers = [cue.speaker for cue in heard]
    once = [
        (cue, remark)
        for cue, remark in zip(heard, remarks, strict=False)
        if speakers.count(cue.speaker) == 1 and remark.asks
    ]
    if once and draw.chance(0.3):
        cue, remark = draw.any(once)
        facts.append(told.promise(remark, draw))
        causes.append(cue)
    return tuple(facts), tuple(causes)


def _shot(room: Room, path: Path, start_s: float, draw: Draw) -> Shot:
    lamp_s = draw.between(0.5, path.seconds) if draw.chance(0.35) else -1.0
    return Shot(room, path, start_s, lamp_s, draw.any((0.7, 0.8, 1.15, 1.25)))


def _through(room: Room, things: tuple[Thing, ...], draw: Draw) -> tuple[Path, list[float]]:
    """Enter, go from thing to thing, rest before each, leave; and when each rest is half over."""
    start = Pose(room.width * draw.between(0.35, 0.65), -EYE_M, 0.6, draw.between(-0.5, 0.5), draw.between(-0.05, 0.1))
    here = start
    legs: list[Leg] = []
    middles: list[float] = []
    clock = 0.0
    for item, place in zip(things, room.places, strict=True):
        if draw.chance(0.55):
            legs.append(_glance(here, room, draw))
            if draw.chance(0.5):  # a rest with nothing in particular in view
                legs.append(Leg(legs[-1].to, draw.between(1.0, 2.4)))
            here, clock = legs[-1].to, sum(leg.seconds for leg in legs)
        target = reading_pose(item, place, draw)
        seconds = leg_seconds(here, target, draw)
        rest = draw.between(2.6, 3.9)
        closer = Pose(
            target.x, target.y, target.z, target.yaw, target.pitch, 0.0, target.zoom * draw.any((1.0, 1.0, 1.05))
        )
        legs += [Leg(target, seconds), Leg(closer, rest)]
        middles.append(clock + seconds + rest / 2)
        here, clock = closer, clock + seconds + rest
    legs.append(_glance(here, room, draw))
    return Path(start, tuple(legs), _phases(draw)), middles


def _glance(here: Pose, room: Room, draw: Draw) -> Leg:
    """A step back into the room and a look around."""
    x, z = room.width * draw.between(0.4, 0.6), room.depth * draw.between(0.3, 0.5)
    yaw = here.yaw + draw.any((-1, 1)) * draw.between(0.5, 1.2)
    there = Pose(x, -EYE_M, z, yaw, draw.between(0.0, 0.15), 0.0, draw.between(0.9, 1.0))
    return Leg(there, leg_seconds(here, there, draw))


def _along(room: Room, seconds: float, draw: Draw) -> Path:
    """Through a corridor."""
    x = room.width / 2
    start = Pose(x, -EYE_M, 0.5, draw.between(-0.3, 0.3), 0.05)
    yaw, pitch = aim(draw.between(-0.6, 0.6), 0.1, 2.0)
    end = Pose(x + draw.between(-0.5, 0.5), -EYE_M, min(room.depth - 1.2, 0.5 + 1.3 * seconds), yaw, pitch)
    return Path(start, (Leg(end, seconds),), _phases(draw))


def _phases(draw: Draw) -> tuple[float, float, float]:
    return draw.between(0, 2 * math.pi), draw.between(0, 2 * math.pi), draw.between(0, 2 * math.pi)
