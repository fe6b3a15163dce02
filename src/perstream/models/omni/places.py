"""Where pictures and sounds go in a prompt: a mark of the chat template becomes as many tokens as there are vectors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from perstream.errors import BackendError
from perstream.models.omni.faults import spoken
from perstream.models.omni.loaded import Loaded
from perstream.models.omni.patching import patching_of
from perstream.models.omni.pixels import Pixels
from perstream.models.omni.sound import Mel
from perstream.types import HalfArray


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A grid of stored patch vectors."""

    vectors: HalfArray
    side: int

    @property
    def grid(self) -> tuple[int, int, int]:
        """In tower patches, of which two by two make one vector."""
        return 1, 2 * self.side, 2 * self.side

    @property
    def tokens(self) -> int:
        """Places it takes."""
        return self.side**2


Medium = Pixels | Stored | Mel
Waiting = Iterator[tuple[Medium, Any]]
"""Media with the arrays that they were made of, in the order of the messages."""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where something that is not text goes."""

    start: int
    """First of its tokens."""
    medium: Medium
    content: Any
    """The array that it was made of."""


def expand(loaded: Loaded, text: str, waiting: Waiting) -> tuple[list[int], list[Place]]:
    """Tokens of a stretch of a laid-out conversation, and the places in it. Takes from ``waiting`` what it has room for.

    BackendError when pictures and sounds are not in the order of the messages.
    """
    marks = tuple(str(getattr(loaded.processor, f"{kind}_token", None) or "") for kind in ("image", "audio"))
    pattern = "|".join(re.escape(mark) for mark in marks if mark)
    pieces = [piece for piece in re.split(f"({pattern})", text) if piece] if pattern else [text]
    media: list[tuple[Medium, Any]] = []
    for piece in pieces:
        if piece in marks:
            taken = next(waiting, None)
            if taken is None or (piece == marks[1]) != isinstance(taken[0], Mel):
                raise BackendError(f"the chat template of {loaded.name} does not keep pictures and sounds in order")
            media.append(taken)
    if any(isinstance(medium, Pixels) and medium.grid is None for medium, _ in media) or (
        media and not _has_grids(loaded.processor.image_processor)
    ):
        return _by_processor(loaded, text, media)
    ids: list[int] = []
    places: list[Place] = []
    following = iter(media)
    for piece in pieces:
        if piece not in marks:
            ids += loaded.processor.tokenizer(piece, add_special_tokens=False)["input_ids"]
            continue
        medium, content = next(following)
        places.append(Place(len(ids), medium, content))
        ids += [_token_id(loaded, "audio" if isinstance(medium, Mel) else "image")] * medium.tokens
    return ids, places


def _by_processor(loaded: Loaded, text: str, media: Sequence[tuple[Medium, Any]]) -> tuple[list[int], list[Place]]:
    """For models whose processor alone knows how a picture is written: stored vectors take the place of a grey one."""
    from PIL import Image

    grey = Image.fromarray(np.full((64, 64, 3), 127, np.uint8))
    limits: dict[str, Any] = {}
    if hasattr(loaded.processor.image_processor, "do_image_splitting"):
        limits["do_image_splitting"] = False
    with spoken(loaded.name, "laying out a prompt with pictures"):
        written = loaded.processor(text=[text], images=[[grey] * len(media)], add_special_tokens=False, **limits)
    image = _token_id(loaded, "image")
    runs = [(token == image, list(run)) for token, run in groupby(list(written["input_ids"][0]))]
    if sum(of_picture for of_picture, _ in runs) != len(media):
        raise BackendError(f"the processor of {loaded.name} writes a picture in several pieces, which is not supported")
    ids: list[int] = []
    places: list[Place] = []
    following = iter(media)
    for of_picture, run in runs:
        if not of_picture:
            ids += run
            continue
        medium, content = next(following)
        if isinstance(medium, Pixels):
            medium = replace(medium, count=len(run))
        places.append(Place(len(ids), medium, content))
        ids += [image] * medium.tokens
    return ids, places


def _has_grids(image_processor: Any) -> bool:
    """Whether a picture is one mark in the text, and its size alone says how many tokens it takes."""
    return patching_of(image_processor) is not None or hasattr(image_processor, "merge_size")


def _token_id(loaded: Loaded, kind: str) -> int:
    return int(getattr(loaded.model.config, f"{kind}_token_id"))
