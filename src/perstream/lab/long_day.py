"""A day as percepts, made from a seed: what a camera and a transcript would have given, without the video.

The owner wakes at seven, goes from place to place (some again and again), passes signs and labels, takes part in
conversations, and sleeps from eleven. A keyframe is kept every 2 to 5 seconds while awake and every 5 minutes at
night. Pictures and patch vectors are scripted but of the true size and kind: JPEGs of them weigh what thumbnails
do, and a place looks like itself when it is seen again.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import numpy as np

from perstream.lab.day import words
from perstream.models.builtin_vision import BuiltinVision
from perstream.types import ByteArray, FloatArray, HalfArray, Keyframe, Observation, ObservationKind, Percept

WAKES = datetime(2026, 3, 2, 7, tzinfo=timezone.utc)
AWAKE_S = 16 * 3600.0
POOL_SIZE = 8
PLACES = 24
PICTURE = (180, 320)
SIGN_EVERY_S = 25.0
"""On average, between two signs that come into view."""
KNOWN_SIGN = 0.4
"""Share of the signs that hang at the place and are passed each time; the others are new."""
TALK = 0.3
"""Share of the stays at a place at which people talk."""
SENTENCE_EVERY_S = 6.0
SOURCE = "camera"


class LongDay:
    """The stream of one seed. Holds the places' pictures (4 MB) and nothing that grows."""

    def __init__(self, seed: int = 0) -> None:
        self._rng = random.Random(seed)
        noise = np.random.default_rng(seed)
        self._noise = noise
        self._looks = [_unit(noise.standard_normal((POOL_SIZE**2, BuiltinVision.dimension))) for _ in range(PLACES)]
        self._pictures = [_picture(noise) for _ in range(PLACES)]
        self._hanging = [[self._sign() for _ in range(4)] for _ in range(PLACES)]

    def percepts(self, hours: float, begin: float = 0.0) -> Iterator[Percept]:
        """Everything that is perceived from hour ``begin`` to ``hours``, in order; the day begins again after 24."""
        at, scene, index = begin * 3600, 0, 0
        while at < hours * 3600:
            place, stay = self._rng.randrange(PLACES), self._rng.uniform(120, 1200)
            talkers = self._rng.sample(words.PEOPLE, 2) if self._rng.random() < TALK else []
            leaves, left, says = at + stay, 0, at + SENTENCE_EVERY_S
            sign: tuple[str, ...] = ()
            reason = "cut"
            while at < min(leaves, hours * 3600):
                asleep = at % 86400 >= AWAKE_S
                observations: list[Observation] = []
                if asleep:
                    observations.append(_seen(ObservationKind.LIGHT, "dark", 0.9, at))
                else:
                    if left == 0 and self._rng.random() < 3.5 / SIGN_EVERY_S:
                        hangs = self._rng.random() < KNOWN_SIGN
                        sign = self._rng.choice(self._hanging[place]) if hangs else self._sign()
                        left = self._rng.randint(2, 4)
                    if left:
                        left -= 1
                        observations += [
                            _seen(ObservationKind.TEXT, line, self._rng.uniform(0.8, 0.99), at, 0.2 + 0.1 * i)
                            for i, line in enumerate(sign)
                        ]
                    while talkers and says <= at:
                        who = talkers[int(says / SENTENCE_EVERY_S) % 2]
                        said = Observation(
                            ObservationKind.TRANSCRIPT, self._sentence(), 1.0, max(0.0, says - 3), says, speaker=who
                        )
                        observations.append(said)
                        says += self._rng.uniform(0.5, 1.5) * SENTENCE_EVERY_S
                    if talkers:
                        observations.append(_seen(ObservationKind.PEOPLE, str(len(talkers)), 0.9, at))
                yield self._percept(at, index, scene, place, reason, tuple(observations))
                index += 1
                reason = self._rng.choice(("motion", "motion", "settled", "dwell"))
                at += 300.0 if asleep else self._rng.uniform(2, 5)
            scene += 1

    def question(self) -> str:
        """Something the owner may ask."""
        rng = self._rng
        return rng.choice(
            (
                f"What did {rng.choice(words.PEOPLE)} say about the {rng.choice(words.GROCERIES)}?",
                f"When does the train to {rng.choice(words.CITIES)} leave?",
                f"What dose is on the {rng.choice(words.MEDICINES).capitalize()} box?",
                f"When is the {rng.choice(words.CONCERTS).title()}?",
                "What did I see today?",
            )
        )

    def _percept(
        self, at: float, index: int, scene: int, place: int, reason: str, observations: tuple[Observation, ...]
    ) -> Percept:
        keyframe = Keyframe(
            source=SOURCE,
            index=index,
            pts_s=at,
            captured_at=WAKES + timedelta(seconds=at),
            rgb=self._pictures[place],
            reason=reason,
            motion=0.1,
            sharpness=100.0,
            scene=scene,
        )
        return Percept(keyframe, observations, self._patches(place))

    def _patches(self, place: int) -> HalfArray:
        """How the place looks from here: cosine about .9 to how it looked before."""
        drawn = self._noise.standard_normal((POOL_SIZE**2, BuiltinVision.dimension), np.float32)
        return _unit(self._looks[place] + 0.35 * _unit(drawn)).astype(np.float16)

    def _sign(self) -> tuple[str, ...]:
        """Lines of a sign, a label or a paper."""
        rng = self._rng
        clock = f"{rng.randrange(6, 23)}:{rng.randrange(60):02}"
        return rng.choice(
            (
                (f"PLATFORM {rng.randrange(2, 20)}", f"{clock} {rng.choice(words.CITIES)}"),
                (f"{rng.choice(words.MEDICINES)}", f"{rng.choice(words.DOSES)} mg", f"{rng.choice((10, 20, 50))} tablets"),
                (rng.choice(words.MAKERS), rng.choice(words.PLAIN_FOODS), f"{rng.randrange(100, 900, 10)} g"),
                (rng.choice(words.CONCERTS), f"{rng.choice(words.VENUES)}, {rng.choice(words.DAYS)} {clock}"),
                (rng.choice(words.BOOKS), f"{rng.choice(words.PEOPLE)} {rng.choice(words.SURNAMES)}"),
                (f"{rng.choice(words.STREETS)} {rng.randrange(1, 180)}", f"Bus {rng.randrange(20, 99)}"),
                (f"{rng.choice(words.DOCTORS)} {rng.choice(words.DAYS)}", f"Dr {rng.choice(words.SURNAMES)} {clock}"),
            )
        )  # fmt: skip

    def _sentence(self) -> str:
        rng = self._rng
        friend, thing = rng.choice(words.PEOPLE), rng.choice(words.GROCERIES)
        return rng.choice(
            (
                f"I bought {rng.randrange(2, 30)} {thing} for {friend} at the market on {rng.choice(words.STREETS)}.",
                f"{friend} moves to {rng.choice(words.CITIES)} on {rng.choice(words.DAYS)}.",
                f"Can you {rng.choice(words.TASKS)[0].lower()} before {rng.choice(words.DAYS)}?",
                f"My train leaves from platform {rng.randrange(2, 20)} at {rng.randrange(6, 23)}:{rng.randrange(60):02}.",
                f"We met {friend} {rng.choice(words.SURNAMES)} in {rng.choice(words.CITIES)} last {rng.choice(words.MONTHS)}.",
                f"The {rng.choice(words.CONCERTS).lower()} was in the {rng.choice(words.VENUES).lower()} this year.",
                "Yes, that sounds good to me.",
                "I am not sure about that, let me think.",
            )
        )


def _seen(kind: ObservationKind, text: str, score: float, at: float, top: float = 0.2) -> Observation:
    box = (0.2, top, 0.7, top + 0.08) if kind is ObservationKind.TEXT else None
    return Observation(kind, text, round(score, 3), at, at, box=box)


def _unit(values: np.ndarray) -> FloatArray:
    return np.asarray(values / np.linalg.norm(values), np.float32)


def _picture(noise: np.random.Generator) -> ByteArray:
    """RGB [180, 320, 3]: soft shapes with grain, about 10 kB as a JPEG."""
    rows, columns = PICTURE
    coarse = noise.integers(20, 235, (rows // 20, columns // 20, 3)).repeat(20, axis=0).repeat(20, axis=1)
    return np.clip(coarse + noise.normal(0, 6, coarse.shape), 0, 255).astype(np.uint8)
