"""Between perception and everything else: what was read and heard without its secrets, and pictures in which none can be read.

A line or a code that holds a secret is covered in its picture before anything encodes, shows or keeps it. Text is not
read in every keyframe, and not alike; so what was found counts for its neighbours, too: in a view at rest the same
place stays covered, and where the camera moves pictures around the finding are made too coarse to read.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from perstream.privacy.cover import cover
from perstream.privacy.lines import Line, screened
from perstream.privacy.redact import redact, secrets
from perstream.spelling import key_of, same_line
from perstream.types import ArrayPicture, ByteArray, FloatArray, Keyframe, Observation, ObservationKind, Withheld

REMEMBERED_S = 10.0
"""So long on the source's clock a secret is known again, and its place in a view at rest stays covered."""
NEAR_S = 3.0
"""Pictures of the same scene within this time that look different are made coarse."""
AGAIN_S = 60.0
"""The same secret within this time is the same sight: counted once."""
COARSE_PX = 24
"""Longer side of what a coarse picture still shows: a line over its whole width keeps two pixels a letter at most."""
LOOK_PX = 32
"""Pixels on the longer side by which two views are compared."""
SAME_LEVEL = 12.0
"""Grey levels by which no part of a view at rest differs."""
PAD = 0.25
"""Of a line's height, covered around it."""
EARLIER = 8
"""Keyframes that are still covered when a secret is read after them."""
LINE_CHARS = 500
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class _Secret:
    """One place where something secret was read."""

    text: str
    """The whole line as it was read; it stays in RAM for ``REMEMBERED_S``."""
    kind: str
    label: str
    box: Box | None
    pts_s: float


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    keyframe: Keyframe
    small: FloatArray


class Screen:
    """One per source, on the thread that perceives."""

    def __init__(self, kinds: Collection[str]) -> None:
        """``kinds`` of secrets that are taken out; without any nothing is done."""
        self._kinds = frozenset(kinds)
        self._scene = -1
        self._secrets: list[_Secret] = []
        self._place: FloatArray | None = None
        """The view in which one was read last."""
        self._earlier: deque[_Look] = deque(maxlen=EARLIER)
        self._counted: dict[tuple[str, int], float] = {}
        self._said = ""
        self._asked: list[tuple[str, Box | None]] = []
        self._lines: list[Line] = []
        """What became of the lines asked about last."""

    def see(
        self, keyframe: Keyframe, observations: Sequence[Observation]
    ) -> tuple[Keyframe, tuple[Observation, ...], tuple[Withheld, ...]]:
        """The keyframe and what was perceived in it, without secrets; and how many were new, by kind."""
        if not self._kinds:
            return keyframe, tuple(observations), ()
        small = _small(keyframe.rgb)
        if keyframe.scene != self._scene:
            self._scene, self._place = keyframe.scene, None
            self._earlier.clear()
        now_s = keyframe.pts_s
        self._secrets = [one for one in self._secrets if 0 <= now_s - one.pts_s <= REMEMBERED_S]
        at_rest = self._place is not None and _alike(self._place, small)
        kept, found, counts = self._read(observations, now_s, at_rest)
        boxes = [_padded(one.box) for one in found if one.box is not None]
        if at_rest:
            boxes += [_padded(one.box) for one in self._secrets if one.box is not None]
        if found:
            self._place = small
            self._secrets = [*self._secrets, *found][-64:]
            self._look_back(keyframe, small, boxes)
        picture = cover(keyframe.rgb, boxes)
        if not boxes and self._place is not None and any(now_s - one.pts_s <= NEAR_S for one in self._secrets):
            picture = coarse(keyframe.rgb)
        if not picture.flags.writeable:
            picture = picture.copy()
        shown = replace(keyframe, rgb=picture)
        self._earlier.append(_Look(shown, small))
        return shown, kept, _withheld(counts, "read")

    def hear(self, observations: Sequence[Observation]) -> tuple[tuple[Observation, ...], tuple[Withheld, ...]]:
        """Lines that were said, without secrets: also one whose question, or first half, was said before."""
        kept: list[Observation] = []
        counts: Counter[str] = Counter()
        for one in observations:
            if not self._kinds or one.kind is not ObservationKind.TRANSCRIPT:
                kept.append(one)
                continue
            name = f"{one.speaker}: " if one.speaker else ""
            whole = f"{self._said}\n{name}{one.text[:LINE_CHARS]}"
            start = len(whole) - len(one.text[:LINE_CHARS])
            spans = [span for span in secrets(whole, self._kinds) if span.end > start - len(name)]
            parts, place = [], start
            for span in spans:
                if span.end > start:
                    parts += [whole[place : max(place, span.start)], f"[{span.label}]"]
                    place = span.end
                self._count(counts, span.kind, whole[span.start : span.end], one.start_s)
            in_name = any(span.start < start and span.end > start - len(name) for span in spans)
            words = "".join([*parts, whole[place:]])
            kept.append(replace(one, text=words, speaker=None if in_name else one.speaker) if spans else one)
            self._said = one.text[:LINE_CHARS]
        return tuple(kept), _withheld(counts, "heard")

    # --- inside -----------------------------------------------------------------------------

    def _read(
        self, observations: Sequence[Observation], now_s: float, at_rest: bool
    ) -> tuple[tuple[Observation, ...], list[_Secret], Counter[str]]:
        """What may be kept of the observations, where secrets stand, and how many are new."""
        texts = [one for one in observations if one.kind is ObservationKind.TEXT]
        asked = [(one.text, one.box) for one in texts]
        if asked != self._asked:  # a view at rest gives the same lines again and again
            self._asked, self._lines = asked, screened(texts, self._kinds)
        lines = dict(zip(map(id, texts), self._lines, strict=True))
        kept, found, counts = [], list[_Secret](), Counter[str]()
        for one in observations:
            line = lines.get(id(one))
            if line is None and one.kind is ObservationKind.CODE:
                line = self._code(one)
            if line is None:
                kept.append(one)
                continue
            known = self._known(one, at_rest) if line.kind is None else None
            if known is not None:
                line = Line(f"[{known.label}]", (), known.kind, known.label)
            if line.kind is None:
                kept.append(one)
                continue
            for kind, secret in line.found:
                self._count(counts, kind, secret, now_s, one.text)
            found.append(_Secret(one.text, line.kind, line.label, one.box, now_s))
            kept.append(replace(one, text=line.text))
        return tuple(kept), found, counts

    def _code(self, code: Observation) -> Line:
        """A product's bar code is digits alone, with a check digit of its own: no card."""
        if code.text.isdecimal() and len(code.text) in (8, 12, 13, 14):
            return Line(code.text, (), None)
        result = redact(code.text, self._kinds)
        if not result.spans:
            return Line(code.text, (), None)
        first = result.spans[0]
        told = tuple((one.kind, code.text[one.start : one.end]) for one in result.spans)
        return Line(result.text, told, first.kind, first.label)

    def _known(self, line: Observation, at_rest: bool) -> _Secret | None:
        """The secret that this line is, read in another way: in the same place of a view at rest, or nearly alike."""
        for one in self._secrets:
            if same_line(one.text, line.text) or (at_rest and line.box and one.box and _shared(line.box, one.box)):
                return one
        return None

    def _count(self, counts: Counter[str], kind: str, secret: str, now_s: float, line: str = "") -> None:
        """Count what was not seen a moment ago. Of the secret itself only a number is kept, good in this process alone."""
        key = (kind, hash(key_of(secret)))
        last = self._counted.get(key)
        again = last is not None and abs(now_s - last) <= AGAIN_S
        if not again and not any(line and _nearly(one.text, line) for one in self._secrets if one.kind == kind):
            counts[kind] += 1
        self._counted[key] = now_s
        if len(self._counted) > 256:
            self._counted = {k: at for k, at in self._counted.items() if abs(now_s - at) <= AGAIN_S}

    def _look_back(self, keyframe: Keyframe, small: FloatArray, boxes: Sequence[Box]) -> None:
        """Cover the pictures just before, in which it was not read: they are still in RAM, and so changed in place."""
        for look in self._earlier:
            if look.keyframe.pts_s < keyframe.pts_s - NEAR_S:
                continue
            rgb = look.keyframe.rgb
            rgb[...] = cover(rgb, boxes) if _alike(look.small, small) else coarse(rgb)


def coarse(rgb: ByteArray) -> ByteArray:
    """The picture [h, w, 3] as a mosaic of ``COARSE_PX`` cells on its longer side: colours and light, no letters."""
    height, width = rgb.shape[:2]
    cell = -(-max(height, width) // COARSE_PX)
    small = ArrayPicture(rgb).rgb(COARSE_PX)
    tall = np.repeat(np.repeat(small, cell, axis=0), cell, axis=1)[:height, :width]
    return np.pad(tall, ((0, height - tall.shape[0]), (0, width - tall.shape[1]), (0, 0)), mode="edge")


def _small(rgb: ByteArray) -> FloatArray:
    step = max(1, max(rgb.shape[:2]) // (8 * LOOK_PX))  # eight by eight pixels for each are enough
    return np.asarray(ArrayPicture(rgb[::step, ::step]).gray(LOOK_PX), np.float32)


def _alike(a: FloatArray, b: FloatArray) -> bool:
    return a.shape == b.shape and bool(np.abs(a - b).max(initial=0.0) <= SAME_LEVEL)


def _padded(box: Box) -> Box:
    pad = PAD * (box[3] - box[1])
    return max(0.0, box[0] - pad), max(0.0, box[1] - pad), min(1.0, box[2] + pad), min(1.0, box[3] + pad)


def _shared(a: Box, b: Box) -> bool:
    """Whether more than half of ``a`` lies in ``b``."""
    across, down = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    area = (a[2] - a[0]) * (a[3] - a[1])
    return across > 0 and down > 0 and across * down > 0.5 * area


def _nearly(a: str, b: str) -> bool:
    """Two readings of one line, digits misread included: for counting alone."""
    x, y = key_of(a), key_of(b)
    return bool(x) and abs(len(x) - len(y)) <= 3 and sum(p != q for p, q in zip(x, y, strict=False)) <= len(x) // 5


def _withheld(counts: Mapping[str, int], origin: str) -> tuple[Withheld, ...]:
    return tuple(Withheld(kind, count, origin) for kind, count in counts.items())
