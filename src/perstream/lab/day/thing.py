"""A readable thing: its look, its words, and what can be asked about it."""

from __future__ import annotations

from dataclasses import dataclass

from perstream.lab.day.sheet import Sheet
from perstream.types import ByteArray


@dataclass(frozen=True)
class Ask:
    """A question in several wordings. Every group of ``accepted`` must be in the answer with one of its strings."""

    wordings: tuple[str, ...]
    accepted: tuple[tuple[str, ...], ...]
    kind: str
    """``what``, ``when``, ``where``, ``who`` or ``how many``."""


@dataclass(frozen=True, eq=False)
class Thing:
    """What is shown in a rest."""

    kind: str
    what: str
    """As the truth file calls it, for example ``medicine box``."""
    lines: tuple[str, ...]
    """Its words, top to bottom."""
    texture: ByteArray
    """BGR."""
    cap_px: float
    """Height of its smallest capital letters in texture pixels."""
    big_cap_px: float
    """Height of its largest."""
    width_m: float
    depth_m: float = 0.0
    """0: hangs flat on a wall; more: stands on furniture."""
    asks: tuple[Ask, ...] = ()
    unasked: tuple[str, ...] = ()
    """Plausible questions that its words do not answer."""
    key: str = ""
    """What told facts about it refer to: the name of the medicine, the allergen, the city."""

    @property
    def height_m(self) -> float:
        """Follows from the texture."""
        return self.width_m * float(self.texture.shape[0] / self.texture.shape[1])


def thing(
    kind: str,
    what: str,
    sheet: Sheet,
    width_m: float,
    *,
    depth_m: float = 0.0,
    asks: tuple[Ask, ...] = (),
    unasked: tuple[str, ...] = (),
    key: str = "",
) -> Thing:
    """The thing whose words and looks are on ``sheet``."""
    return Thing(
        kind,
        what,
        tuple(sheet.lines),
        sheet.bgr(),
        sheet.least_cap_px,
        sheet.most_cap_px,
        width_m,
        depth_m,
        asks,
        unasked,
        key,
    )


def ask(kind: str, accepted: tuple[tuple[str, ...], ...], *wordings: str) -> Ask:
    """Shorthand."""
    return Ask(tuple(wordings), accepted, kind)
