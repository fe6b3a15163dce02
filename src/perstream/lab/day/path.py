"""How the wearer moves: legs from pose to pose, rests, and the sway of a walking body."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate

import numpy as np

from perstream.lab.day.draw import Draw
from perstream.lab.day.rooms import Place
from perstream.lab.day.space import Lens, Pose, vector
from perstream.lab.day.thing import Thing

EYE_M = 1.58
REFERENCE = Lens(960, 540)


@dataclass(frozen=True)
class Leg:
    """From the pose before to ``to`` in ``seconds``."""

    to: Pose
    seconds: float


@dataclass(frozen=True)
class Path:
    """A start and legs. ``phases`` are the body's own rhythm."""

    start: Pose
    legs: tuple[Leg, ...]
    phases: tuple[float, float, float]

    @property
    def seconds(self) -> float:
        """From start to end."""
        return sum(leg.seconds for leg in self.legs)

    @cached_property
    def ends(self) -> list[float]:
        """When each leg ends."""
        return list(accumulate(leg.seconds for leg in self.legs))

    def pose(self, t: float) -> Pose:
        """Where the camera is at ``t`` seconds, sway included."""
        ends = self.ends
        i = min(bisect_right(ends, t), len(self.legs) - 1)
        leg = self.legs[i]
        before = self.legs[i - 1].to if i else self.start
        share = min(1.0, max(0.0, 1 - (ends[i] - t) / leg.seconds))
        walked = math.hypot(leg.to.x - before.x, leg.to.z - before.z) / leg.seconds
        return self._sway(blend(before, leg.to, share), t, min(1.0, walked) * math.sin(math.pi * share))

    def _sway(self, pose: Pose, t: float, walking: float) -> Pose:
        a, b, c = self.phases
        calm = 0.0011 / max(1.0, pose.zoom)
        step = 2 * math.pi * 1.85 * t
        return replace(
            pose,
            y=pose.y + walking * 0.022 * math.sin(step + a),
            x=pose.x + walking * 0.012 * math.sin(step / 2 + b),
            yaw=pose.yaw
            + calm * (math.sin(2.3 * t + a) + math.sin(4.1 * t + c))
            + walking * 0.008 * math.sin(step / 2 + c),
            pitch=pose.pitch
            + calm * (math.sin(2.9 * t + b) + math.sin(5.3 * t + a))
            + walking * 0.006 * math.sin(step + b),
            roll=0.006 * math.sin(0.9 * t + c) + walking * 0.012 * math.sin(step / 2 + a),
        )


def blend(a: Pose, b: Pose, share: float) -> Pose:
    """Between two poses, with the smooth start and stop of a limb (minimum jerk: Flash and Hogan 1985)."""
    s = share**3 * (10 - 15 * share + 6 * share**2)
    turn = (b.yaw - a.yaw + math.pi) % (2 * math.pi) - math.pi
    return Pose(
        a.x + s * (b.x - a.x),
        a.y + s * (b.y - a.y),
        a.z + s * (b.z - a.z),
        a.yaw + s * turn,
        a.pitch + s * (b.pitch - a.pitch),
        0.0,
        a.zoom * (b.zoom / a.zoom) ** s,
    )


def reading_pose(item: Thing, place: Place, draw: Draw) -> Pose:
    """In front of a thing, so near that its smallest capitals are 20 to 27 pixels high at 960 wide."""
    height, width = item.texture.shape[:2]
    scale = draw.between(20.5, 27.0) / item.cap_px
    scale = max(min(scale, 0.8 * REFERENCE.width / width, 0.84 * REFERENCE.height / height), 19.0 / item.cap_px)
    px_per_m = scale * width / item.width_m
    away = min(2.3, max(0.5, REFERENCE.focal_px * draw.between(1.0, 1.7) / px_per_m))
    zoom = px_per_m * away / REFERENCE.focal_px
    eye = place.centre + place.normal * away + place.right * away * draw.between(-0.2, 0.2)
    lift = np.clip(-EYE_M - place.centre[1], -0.3 * away, 0.3 * away)
    eye = vector(eye[0], place.centre[1] + lift * draw.between(0.5, 1.0), eye[2])
    ahead = place.centre - eye
    yaw, pitch = aim(ahead[0], ahead[1], ahead[2])
    slack = 0.03 / zoom
    return Pose(
        eye[0], eye[1], eye[2], yaw + draw.between(-slack, slack), pitch + draw.between(-slack, slack) / 2, 0, zoom
    )


def aim(x: float, y: float, z: float) -> tuple[float, float]:
    """Yaw and pitch that look along a direction."""
    return math.atan2(x, z), math.atan2(y, math.hypot(x, z))


def leg_seconds(a: Pose, b: Pose, draw: Draw) -> float:
    """A move takes as long as a person needs to walk and turn."""
    turn = abs((b.yaw - a.yaw + math.pi) % (2 * math.pi) - math.pi)
    walk = math.hypot(b.x - a.x, b.z - a.z)
    return max(0.9, turn / 1.9, walk / 1.9) * draw.between(1.0, 1.25)
