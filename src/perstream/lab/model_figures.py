"""Single figures of a loaded model: pictures encoded, captions written, answers begun, memory held."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perstream.errors import BadOutput
from perstream.lab.roofline import Ceiling, Demand, settle, timed
from perstream.models.chat.messages import Message, Part, Patches, Picture, Sampling
from perstream.models.omni.loaded import Loaded
from perstream.models.omni.model import OmniChat
from perstream.models.omni.pixels import prepare
from perstream.models.omni.prefix import PrefixCache
from perstream.models.omni.prompt import build_prompt
from perstream.models.omni.vision import OmniVision
from perstream.types import ByteArray

HEIGHT, WIDTH = 540, 960
"""A keyframe as it is kept (keyframes.max_side_px)."""
MEMORIES = 5
VIEW = 4
"""Pictures of the short-term queue (moment.queue_size)."""
SYSTEM = "You are a personal memory assistant. Answer from the memories alone and say which. " * 6
WORDS = "On the kitchen table beside the window stood a blue cup, and Anna said that the keys lie in the drawer. "
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Encoding:
    """Keyframes to pooled vectors."""

    ms_per_keyframe: dict[int, float]
    """Median, by how many go together; resizing and cutting included."""
    best_ms: float
    patches: int
    """Of one keyframe, before they are merged and pooled."""
    floor_ms: float
    """What the tower's bytes and operations take at the device's ceilings, at the best batch."""
    share: float
    """floor over best."""


@dataclass(frozen=True, slots=True)
class Captions:
    """Four pictures in words."""

    tokens: int
    prompt_tokens: int
    first_ms: float
    """From asking to the first token, pictures encoded in between."""
    total_ms: float
    tokens_per_s: float
    """After the first."""
    ceiling_tokens_per_s: float
    """When each token only read the weights and the cache at the copy's speed."""
    share: float


@dataclass(frozen=True, slots=True)
class Answers:
    """Time to the first token of a passive answer."""

    memories: int
    prompt_tokens: int
    cold_ms: float
    system_kept_ms: float
    """The system text was read before, the memories are new."""
    kept_ms: float
    """The same memories were asked about before."""
    floor_ms: float
    """Reading the whole prompt at the device's ceilings."""
    share: float
    """floor over cold."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What the device holds over many keyframes, captions and answers."""

    keyframes: int
    first_gib: float | None
    """Allocated after the first hundredth; None without a GPU."""
    last_gib: float | None
    peak_gib: float | None
    reserved_gib: float | None
    trail_gib: tuple[float, ...]
    """Allocated at each tenth."""


def picture(seed: int) -> ByteArray:
    """RGB noise of a keyframe's size: the model does the same work for any content."""
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def encoding(
    loaded: Loaded, pool: int, repeats: int, limit: Ceiling, asked: Demand, batches: Sequence[int]
) -> Encoding:
    """Measure ``OmniVision.encode``."""
    pictures = [picture(n) for n in range(max(batches))]
    each: dict[int, float] = {}
    for size in batches:
        vision = OmniVision(loaded, pool, batch=size)
        times = timed(lambda v=vision, n=size: v.encode(pictures[:n]), loaded.device, repeats)  # type: ignore[misc]
        each[size] = 1000 * statistics.median(times) / size
    best = min(each, key=lambda size: each[size])
    grid = prepare(loaded, pictures[0], (2 * pool * 28) ** 2).grid or (1, 0, 0)
    patches = grid[1] * grid[2]
    floor = 1000 * limit.seconds(*asked.encode(best, patches)) / best
    return Encoding(each, each[best], patches, floor, floor / each[best])


def captions(loaded: Loaded, tokens: int, repeats: int, limit: Ceiling, asked: Demand, *, one_by_one: bool) -> Captions:
    """Measure a caption of four pictures (of one picture, four times, when ``one_by_one``)."""
    chat = OmniChat(loaded)
    count = 1 if one_by_one else 4

    def messages(number: int) -> list[Message]:
        parts: tuple[Part, ...] = tuple(Picture(picture(count * number + n)) for n in range(count))
        return [Message("system", (SYSTEM,)), Message("user", (*parts, "Describe this in one or two sentences."))]

    runs = []
    for number in range(repeats + 2):
        written = _Clocked(loaded.device)
        written.ask(chat, messages(number), Sampling(tokens, 1.0, constant=0 if one_by_one else 1, kind="caption"))
        runs.append(written)
    runs = runs[2:]  # the first reads kernels, the second computes the prefix
    rounds = 4 // count
    first = statistics.median(run.first_ms for run in runs)
    total = statistics.median(run.total_ms for run in runs)
    rate = statistics.median(run.tokens_per_s for run in runs)
    length = len(build_prompt(loaded, messages(0), 0).ids)
    best = 1 / limit.seconds(*asked.token(length + tokens // 2))
    return Captions(tokens, length, first * rounds, total * rounds, rate, best, rate / best)


def answers(loaded: Loaded, pool: int, repeats: int, limit: Ceiling, asked: Demand, *, kept: bool) -> Answers:
    """Measure the first token with five memories, each with words and two stored grids, and four of the view."""
    stored = OmniVision(loaded, pool).encode([picture(n) for n in range(2 * MEMORIES + VIEW)])

    def messages(number: int, memories: int) -> list[Message]:
        told: list[Part] = []
        for n in range(MEMORIES):
            told += [f"[{n + 1}] {memories} {WORDS}", Patches(stored[2 * n]), Patches(stored[2 * n + 1])]
        now: list[Part] = [Patches(vectors) for vectors in stored[2 * MEMORIES :]]
        return [
            Message("system", (SYSTEM,)),
            Message("user", tuple(told)),
            Message("assistant", ("I have read the memories.",)),
            Message("user", (*now, f"Question {number}: where did I see the blue cup?")),
        ]

    def median(chat: OmniChat, constant: int, same: bool) -> float:
        times = []
        for number in range(repeats + 3):
            clock = _Clocked(loaded.device)
            asked_now = messages(number, 0 if same else number)
            clock.ask(chat, asked_now, Sampling(1, 1.0, constant=constant))
            times.append(clock.first_ms)
        return statistics.median(times[3:])

    cold = median(OmniChat(loaded, prefixes=PrefixCache(0)), 0, same=True)
    system = median(OmniChat(loaded), 3, same=False) if kept else cold
    again = median(OmniChat(loaded), 3, same=True) if kept else cold
    length = len(build_prompt(loaded, messages(0, 0), 0).ids)
    floor = 1000 * limit.seconds(*asked.read(length))
    return Answers(MEMORIES, length, cold, system, again, floor, floor / cold)


def memory(loaded: Loaded, pool: int, keyframes: int) -> Memory:
    """Encode ``keyframes`` four at a time, a caption for each four, an answer now and then; watch what is allocated."""
    import torch

    gpu = loaded.device.startswith("cuda")
    vision, chat = OmniVision(loaded, pool), OmniChat(loaded)
    trail: list[float] = []
    first: float | None = None
    if gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(loaded.device)
    for done in range(0, keyframes, 4):
        pictures = [picture(done % 64 + n) for n in range(4)]
        stored = vision.encode(pictures)
        seen = [Message("system", (SYSTEM,)), Message("user", (*(Picture(p) for p in pictures), WORDS))]
        _Clocked(loaded.device).ask(chat, seen, Sampling(8, 1.0, constant=1, kind="caption"))
        if done % 40 == 0:
            asked = [Message("system", (SYSTEM,)), Message("user", (*(Patches(v) for v in stored), f"{done}?"))]
            _Clocked(loaded.device).ask(chat, asked, Sampling(8, 1.0, constant=1))
        if gpu:
            settle(loaded.device)
            held = torch.cuda.memory_allocated(loaded.device) / GIB
            if first is None and done >= keyframes // 100:
                first = held
            if done // 4 % max(1, keyframes // 40) == 0:
                trail.append(round(held, 4))
    if not gpu:
        return Memory(keyframes, None, None, None, None, ())
    return Memory(
        keyframes,
        first,
        torch.cuda.memory_allocated(loaded.device) / GIB,
        torch.cuda.max_memory_allocated(loaded.device) / GIB,
        torch.cuda.memory_reserved(loaded.device) / GIB,
        tuple(trail),
    )


class _Clocked:
    """One answer with its times. Tokens are counted as the engine asks, after each, whether to stop."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._asked: list[float] = []
        self._said: list[float] = []
        self._begun = self._ended = 0.0

    def ask(self, chat: OmniChat, messages: Sequence[Message], sampling: Sampling) -> None:
        """Random weights may say nothing that is text: that is no failure here."""
        settle(self._device)
        self._begun = time.perf_counter()
        try:
            chat.reply(messages, sampling, lambda _: self._said.append(time.perf_counter()), self._poll)
        except BadOutput:
            pass
        settle(self._device)
        self._ended = time.perf_counter()

    def _poll(self) -> bool:
        self._asked.append(time.perf_counter())
        return False

    @property
    def _first(self) -> float:
        return self._said[0] if self._said else self._ended

    @property
    def first_ms(self) -> float:
        """To the first word."""
        return 1000 * (self._first - self._begun)

    @property
    def total_ms(self) -> float:
        """To the end."""
        return 1000 * (self._ended - self._begun)

    @property
    def tokens_per_s(self) -> float:
        """After the first word."""
        after = sum(moment > self._first for moment in self._asked)
        return after / max(1e-9, self._ended - self._first)
