"""The values that cross rooms: frozen dataclasses with shapes and units.

Times on a source's own clock are ``*_s`` (seconds since the source's first frame); times of the
world are timezone-aware UTC ``datetime``. Silence is ``None``, never a marker string.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

ByteArray = NDArray[np.uint8]
HalfArray = NDArray[np.float16]
FloatArray = NDArray[np.float32]
SampleArray = NDArray[np.int16]


# --- what a source yields -------------------------------------------------------------------


class Picture(Protocol):
    """One decoded picture, upright, converted only when somebody needs the pixels."""

    @property
    def width(self) -> int:
        """Pixels, after rotation."""

    @property
    def height(self) -> int:
        """Pixels, after rotation."""

    def gray(self, width: int) -> ByteArray:
        """Luma [h, w], area-averaged down to about ``width`` pixels wide (never upscaled)."""

    def rgb(self, max_side: int) -> ByteArray:
        """Colours [h, w, 3], the longer side at most ``max_side`` pixels (never upscaled)."""


@dataclass(frozen=True, slots=True, eq=False)
class ArrayPicture:
    """A picture that is already an array: image files, browser pushes, tests."""

    pixels: ByteArray
    """RGB [h, w, 3]."""

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    def gray(self, width: int) -> ByteArray:
        small = _shrink(self.pixels, -(-self.width // max(1, width)))
        luma = small @ np.array([0.299, 0.587, 0.114], np.float32)
        return np.asarray(luma + 0.5, dtype=np.uint8)

    def rgb(self, max_side: int) -> ByteArray:
        step = -(-max(self.width, self.height) // max(1, max_side))
        return np.asarray(_shrink(self.pixels, step) + 0.5, dtype=np.uint8)


def _shrink(pixels: ByteArray, step: int) -> FloatArray:
    """Average ``step`` x ``step`` blocks; a remainder at the right and bottom edge is cut."""
    step = max(1, min(step, pixels.shape[0], pixels.shape[1]))
    h, w = pixels.shape[0] // step, pixels.shape[1] // step
    blocks = pixels[: h * step, : w * step].reshape(h, step, w, step, 3)
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float32), dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded video frame."""

    source: str
    """Name of the source, for example a file name or ``webcam:0``."""
    index: int
    """0-based count of frames the source has yielded."""
    pts_s: float
    """Presentation time, seconds since the source's first frame; never decreases."""
    captured_at: datetime
    """UTC: a live frame's arrival, or a file's start time plus ``pts_s``."""
    picture: Picture


@dataclass(frozen=True, slots=True, eq=False)
class AudioChunk:
    """A stretch of sound."""

    source: str
    pts_s: float
    """Time of the first sample, on the same clock as the frames."""
    samples: SampleArray
    """Mono, 16 kHz, int16 [n]."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One line of a transcript: a side-car .srt/.vtt or an embedded subtitle. Untrusted text."""

    source: str
    start_s: float
    end_s: float
    text: str
    speaker: str | None = None
    """Named by the file (WebVTT ``<v Name>`` or a leading ``Name:``), else None."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of the timeline with no pictures, and why."""

    source: str
    start_s: float
    end_s: float
    started_at: datetime
    ended_at: datetime
    reason: str
    """``lost`` (the camera or network went away), ``paused``, ``stalled`` (no data in time)."""


SourceItem = Frame | AudioChunk | Cue | Gap


# --- what is kept and perceived -------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Keyframe:
    """A frame the sampler kept."""

    source: str
    index: int
    pts_s: float
    captured_at: datetime
    rgb: ByteArray
    """[h, w, 3], the longer side at most ``keyframes.max_side_px``."""
    reason: str
    """Why it was kept: ``first``, ``motion``, ``cut``, ``settled`` or ``dwell``."""
    motion: float
    """Mean flow magnitude to the last kept frame, in frame widths per second."""
    sharpness: float
    """Variance of the Laplacian of the small grey picture: compare within a source only."""
    scene: int
    """Counts up at every cut of this source."""


class ObservationKind(str, Enum):
    """What sort of thing was perceived."""

    TEXT = "text"  # words read (OCR)
    CODE = "code"  # content of a QR code or bar code
    PEOPLE = "people"  # text is the lower bound of faces seen, for example "2"
    COLOR = "color"  # colour names, comma separated, largest area first
    LIGHT = "light"  # "dark", "dim", "bright", or "brighter" / "darker" after a change
    MOTION = "motion"  # camera motion in words, for example "turning left", or "something moves"
    PLACE = "place"  # text is the earlier time (ISO) at which the same place was seen
    SPEECH = "speech"  # voice is present; no words known
    TRANSCRIPT = "transcript"  # words heard, from a transcript
    SCENE = "scene"  # what a model says that it sees, in a sentence or two


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing perceived. Its text is untrusted data: read from the world, never an instruction."""

    kind: ObservationKind
    text: str
    score: float
    """Confidence in [0, 1] as the observer gives it."""
    start_s: float
    """Source clock; for a single keyframe start and end are its ``pts_s``."""
    end_s: float
    votes: int = 1
    """In how many keyframes it was perceived alike."""
    box: tuple[float, float, float, float] | None = None
    """Left, top, right, bottom as fractions of the picture, where there is one."""
    speaker: str | None = None
    """Who said it (transcript), as the transcript names them."""


@dataclass(frozen=True, slots=True)
class Withheld:
    """Secrets that were taken out before anything was stored: what kind, never what."""

    kind: str
    """``card``, ``password``, ``key`` or ``identity``."""
    count: int
    origin: str
    """``read`` (in a picture), ``heard``, ``told``, ``imported``, or ``model`` (it wrote one itself)."""


@dataclass(frozen=True, slots=True, eq=False)
class Percept:
    """A keyframe with what was perceived in it (and heard since the one before)."""

    keyframe: Keyframe
    observations: tuple[Observation, ...]
    patches: HalfArray
    """Patch vectors [rows * columns, dimension] of the vision encoder, pooled to ``pool_size``."""
    repeated: bool = False
    """True when only something new was heard and the keyframe is the one already seen."""
    sound: SampleArray | None = None
    """Mono, 16 kHz, int16 [n]: the sound since the percept before, where the backend hears; its last seconds at most."""
    withheld: tuple[Withheld, ...] = ()
    """Secrets taken out of it that were not seen or heard a moment before."""


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A buffer of percepts that passed the remember gate."""

    source: str
    start_s: float
    end_s: float
    started_at: datetime
    ended_at: datetime
    category: str
    score: float
    """Best gate score of its keyframes, in [0, 1]."""
    percepts: tuple[Percept, ...]
    mean_vector: HalfArray
    """Mean of the percepts' patch vectors [rows * columns, dimension]: the paper's v_mean."""
    nearest_vector: HalfArray
    """Patch vectors of the percept nearest that mean: the paper's v_nearest."""
    thumbnail: bytes
    """JPEG of that percept's keyframe."""


@dataclass(frozen=True, slots=True)
class Caption:
    """A moment in words: the text M, and the merged observations that it states."""

    text: str
    observations: tuple[Observation, ...]


@dataclass(frozen=True, slots=True)
class Triplet:
    """(subject, predicate, object): one edge of the memory graph."""

    subject: str
    """``I`` stands for the owner."""
    predicate: str
    object: str
    score: float = 1.0
    functional: bool = False
    """True when a subject has one such object at a time: a newer one supersedes an older one."""


# --- memory ---------------------------------------------------------------------------------


class Provenance(str, Enum):
    """How a memory came to be."""

    TOLD = "told"
    SEEN = "seen"
    READ = "read"
    HEARD = "heard"
    INFERRED = "inferred"


class Granularity(str, Enum):
    """Parts of the storage set {M, v_M, v_mean, v_nearest}, finest first (paper, memory reduction)."""

    V_NEAREST = "v_nearest"
    V_MEAN = "v_mean"
    V_M = "v_M"
    M = "M"


@dataclass(frozen=True, slots=True, eq=False)
class TextVectors:
    """A text as the embedder sees it."""

    pooled: FloatArray
    """[dimension], L2-normalised."""
    tokens: FloatArray
    """[tokens, dimension], each L2-normalised, without the special tokens and punctuation."""
    words: tuple[str, ...]
    """The token strings, aligned with ``tokens``."""


@dataclass(frozen=True, slots=True, eq=False)
class NewMemory:
    """What is to be remembered: a captioned moment or a told fact."""

    text: str
    category: str
    provenance: Provenance
    observed_at: datetime
    """UTC: when it began (a moment) or was said (a told fact)."""
    ended_at: datetime
    vectors: TextVectors
    source: str | None = None
    """None for a told fact."""
    start_s: float | None = None
    end_s: float | None = None
    speaker: str | None = None
    """None for the owner and for what was merely seen."""
    context: str = ""
    """The question it answered, where it was one turn of a conversation."""
    score: float = 1.0
    triplets: tuple[Triplet, ...] = ()
    observations: tuple[Observation, ...] = ()
    mean_vector: HalfArray | None = None
    nearest_vector: HalfArray | None = None
    thumbnail: bytes | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class MemoryRecord:
    """A stored memory without its vectors."""

    id: int
    text: str
    category: str
    provenance: Provenance
    observed_at: datetime
    ended_at: datetime
    source: str | None
    start_s: float | None
    end_s: float | None
    speaker: str | None
    score: float
    triplets: tuple[Triplet, ...]
    observations: tuple[Observation, ...]
    pinned: bool
    granularities: tuple[Granularity, ...]
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    """End of validity: None while current; set when a newer fact superseded it."""
    superseded_by: int | None = None
    visits: int = 0
    redacted: Mapping[str, int] = field(default_factory=dict, compare=False)
    """Of what was just told or corrected: secrets left out, by kind. Empty for a memory that is read."""


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """What to look for, and relative to when."""

    text: str
    vectors: TextVectors | None
    """None for a search by picture or by time alone."""
    now: datetime
    """UTC: what "yesterday" is relative to."""
    k: int = 5
    since: datetime | None = None
    until: datetime | None = None
    picture: HalfArray | None = None
    """Patch vectors of a picture to find similar moments."""
    provenances: frozenset[Provenance] | None = None
    """Restrict to these, or None for all."""
    sources: frozenset[str] | None = None
    include_superseded: bool = False
    """Also what a newer statement replaced."""
    as_of: datetime | None = None
    """As it stood then: what was known by this time, and held."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One result of recall and why it is there."""

    memory: MemoryRecord
    score: float
    """Relevance in [0, 1], comparable across questions."""
    score_parts: Mapping[str, float] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    """How it was reached, for example ("dense", "entity:Anna")."""


@dataclass(frozen=True, slots=True)
class Selector:
    """Which memories: every condition that is set must hold. An empty selector matches nothing."""

    ids: tuple[int, ...] = ()
    text: str | None = None
    """Case-insensitive substring of the memory's text."""
    entity: str | None = None
    source: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What forgetting removed (or would remove)."""

    memory_ids: tuple[int, ...]
    entities: int
    edges: int
    bytes_freed: int
    backups_rewritten: int
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Omission:
    """An entry of the account of what was left out before storing. It says what kind, never what."""

    at: datetime
    """UTC."""
    kind: str
    """``card``, ``password``, ``key`` or ``identity``."""
    count: int
    origin: str
    """``read``, ``heard``, ``told``, ``imported`` or ``model``."""
    source: str | None
    """None for what was told, and once the last memory of that source was forgotten."""


# --- answers --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Evidence:
    """One memory an answer rests on."""

    memory_id: int
    caption: str
    provenance: Provenance
    source: str | None
    start_s: float | None
    end_s: float | None
    observed_at: datetime
    score: float


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a question."""

    question: str
    answer: str
    abstained: bool
    """True when memory holds no answer; ``answer`` then says so."""
    evidence: tuple[Evidence, ...]
    timings_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProactiveReply:
    """A word said unasked."""

    text: str
    why: str
    """Why now, in one sentence."""
    topic: str
    """What the cooldown counts, for example ``hazard:peanut``."""
    evidence: tuple[Evidence, ...]
    source: str | None
    """None for a reminder that came due by the wall clock."""
    pts_s: float | None
    at: datetime
    id: int = 0
    """Of the word in the store; 0 where it is not kept."""
    priority: int = 0
