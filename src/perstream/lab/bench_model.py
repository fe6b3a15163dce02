"""How fast a vision-language model runs here, and what bounds it: ``perstream bench model``.

``python -m perstream.lab.bench_model`` needs torch, transformers, numpy alone (bitsandbytes for the 4-bit part), so it
runs where nothing else can be installed. With random weights the speeds and sizes are true and the words are not.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import json
import sys
from collections.abc import Iterator
from typing import Any

from perstream.errors import BackendError, ConfigError, PerStreamError
from perstream.lab.model_figures import Answers, Captions, Encoding, Memory, answers, captions, encoding, memory
from perstream.lab.omni_shapes import DTYPES, quantize, random_model
from perstream.lab.roofline import Ceiling, ceiling, demand
from perstream.models.omni.loaded import Loaded
from perstream.models.omni.windows import batch_windows, plain_windows

SAMPLER_FRAMES = 15
"""Frames per keyframe at most sampled: 30 frames a second, one keyframe each half second (keyframes.min_interval_s)."""
BUFFER = 4
"""Keyframes per caption (moment.buffer_size)."""


@dataclasses.dataclass(frozen=True, slots=True)
class Setup:
    """What to measure."""

    random_weights: str = ""
    """``7b``, ``3b``, ``tiny`` (to try the command) or empty."""
    model: str = ""
    """Folder of a model, where no random one is made."""
    device: str = "auto"
    dtype: str = "auto"
    keyframes: int = 1000
    """Encoded, with captions and answers in between, to see whether memory grows."""
    pool: int = 8
    tokens: int = 64
    """Length of a caption."""
    repeats: int = 5
    naive: bool = True
    four_bit: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """One way of running the model."""

    way: str
    """``fast`` (as PerStream runs it), ``4bit``, or ``naive``: one picture at a time, no prefix kept, fp32, the
    library's own attention."""
    dtype: str
    encoding: Encoding
    captions: Captions
    answers: Answers
    memory: Memory | None
    keyframe_ms: float
    """Encoding one, and its share of a caption."""
    keyframes_per_s: float
    stream_frames_per_s: float
    """Video frames that pass in the same time, at the densest sampling (30 frames/s, a keyframe each half second)."""


@dataclasses.dataclass(frozen=True, slots=True)
class ModelBench:
    """Result of ``bench_model``."""

    model: str
    device: str
    torch: str
    transformers: str
    ceiling: Ceiling
    parts: tuple[Part, ...]
    ratios: dict[str, float]
    """Naive time over fast time, from the same run."""
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """One JSON object."""
        return dataclasses.asdict(self)

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{self.model} on {self.device} (torch {self.torch}, transformers {self.transformers})"
        rate, speed = self.ceiling.bytes_per_s / 1e9, self.ceiling.operations_per_s / 1e12
        yield f"  measured ceilings: {rate:,.0f} GB/s copied, {speed:,.1f} Tflop/s multiplied"
        for part in self.parts:
            yield from _part_lines(part)
        for name, ratio in self.ratios.items():
            yield f"  naive takes {ratio:.1f} times as long: {name}"
        yield from (f"  {note}" for note in self.notes)


def bench_model(setup: Setup) -> ModelBench:
    """Measure. BackendUnavailable when the model or the libraries are not there."""
    import torch
    import transformers

    loaded = _load(setup)
    notes = []
    if setup.random_weights:
        notes.append("random weights: speeds and sizes are those of the shape, the words mean nothing")
    limit = ceiling(loaded.device, getattr(torch, DTYPES[loaded.dtype]))
    parts = [_measure("fast", loaded, setup, limit)]
    if setup.four_bit and importlib.util.find_spec("bitsandbytes") is None:
        notes.append("bitsandbytes is not installed: nothing measured in 4 bits")
    if setup.naive:
        slow = dataclasses.replace(loaded, dtype="fp32")
        slow.model.float()
        plain_windows(slow)
        parts.append(_measure("naive", slow, setup, ceiling(loaded.device, torch.float32)))
    if setup.four_bit and importlib.util.find_spec("bitsandbytes") is not None:
        loaded.model.to(getattr(torch, DTYPES[loaded.dtype]))
        try:
            layers = quantize(loaded.model, loaded.dtype)
            batch_windows(loaded)
            parts.insert(1, _measure("4bit", loaded, setup, limit))
            notes.append(f"4bit: {layers} linear layers of the text decoder in nf4 with double quantization")
        except (BackendError, RuntimeError) as error:
            notes.append(f"4bit could not be measured: {' '.join(str(error).split())[:200]}")
    if not loaded.device.startswith("cuda"):
        notes.append("no GPU: these figures say that the command works, not how fast the model is")
    return ModelBench(
        loaded.name,
        _device_name(loaded.device),
        torch.__version__,
        transformers.__version__,
        limit,
        tuple(parts),
        _ratios(parts),
        tuple(notes),
    )


def _load(setup: Setup) -> Loaded:
    if bool(setup.random_weights) == bool(setup.model):
        raise ConfigError("name a model or a shape: --model FOLDER, or --random-weights 7b (or 3b)")
    if setup.random_weights:
        import torch

        device = setup.device
        if device == "auto":
            device = "cuda:0" if torch.cuda.is_available() else "cpu"
        dtype = ("bf16" if device.startswith("cuda") else "fp32") if setup.dtype == "auto" else setup.dtype
        return random_model(setup.random_weights, device, dtype)
    from perstream.config import BackendConfig
    from perstream.models.omni.loading import load_model

    config = BackendConfig(model_path=setup.model, device=setup.device)
    return load_model(dataclasses.replace(config, dtype=setup.dtype))  # type: ignore[arg-type]


def _measure(way: str, loaded: Loaded, setup: Setup, limit: Ceiling) -> Part:
    asked = demand(loaded.model)
    naive = way == "naive"
    seen = encoding(loaded, setup.pool, setup.repeats, limit, asked, batches=(1,) if naive else (1, 4, 8, 16))
    said = captions(loaded, setup.tokens, setup.repeats, limit, asked, one_by_one=naive)
    told = answers(loaded, setup.pool, setup.repeats, limit, asked, kept=not naive)
    grown = None if naive else memory(loaded, setup.pool, setup.keyframes)
    keyframe_ms = seen.best_ms + said.total_ms / BUFFER
    return Part(
        way,
        loaded.dtype,
        seen,
        said,
        told,
        grown,
        keyframe_ms,
        1000 / keyframe_ms,
        1000 / keyframe_ms * SAMPLER_FRAMES,
    )


def _ratios(parts: list[Part]) -> dict[str, float]:
    by_way = {part.way: part for part in parts}
    fast, naive = by_way["fast"], by_way.get("naive")
    if naive is None:
        return {}
    return {
        "a keyframe encoded": naive.encoding.best_ms / fast.encoding.best_ms,
        "a token of a caption": fast.captions.tokens_per_s / naive.captions.tokens_per_s,
        "first token, memories asked about before": naive.answers.cold_ms / fast.answers.kept_ms,
        "first token, new memories": naive.answers.cold_ms / fast.answers.system_kept_ms,
        "a keyframe with its share of a caption": naive.keyframe_ms / fast.keyframe_ms,
    }


def _part_lines(part: Part) -> Iterator[str]:
    seen, said, told = part.encoding, part.captions, part.answers
    yield f"  {part.way} ({part.dtype})"
    each = ", ".join(f"{ms:.2f} at {size} together" for size, ms in seen.ms_per_keyframe.items())
    yield f"    keyframe encoded, ms each: {each}; the least possible {seen.floor_ms:.2f} ({seen.share:.0%} reached)"
    yield (
        f"    caption: {said.tokens_per_s:.1f} tokens/s ({said.share:.0%} of {said.ceiling_tokens_per_s:.0f}), "
        f"first after {said.first_ms:.1f} ms, {said.total_ms:.0f} ms in all"
    )
    yield (
        f"    first token of an answer with {told.memories} memories ({told.prompt_tokens} tokens), ms: "
        f"{told.cold_ms:.1f} cold, {told.system_kept_ms:.1f} with the system text kept, {told.kept_ms:.1f} with the "
        f"memories kept; the least possible {told.floor_ms:.1f} cold"
    )
    yield (
        f"    {part.keyframes_per_s:.1f} keyframes/s with a caption for every {BUFFER}: "
        f"{part.stream_frames_per_s:.0f} frames/s of video"
    )
    if part.memory is not None and part.memory.peak_gib is not None:
        kept = part.memory
        yield (
            f"    GPU memory over {kept.keyframes} keyframes, GiB: {kept.first_gib:.3f} at first, {kept.last_gib:.3f} "
            f"at last, peak {kept.peak_gib:.3f}, reserved {kept.reserved_gib:.3f}"
        )


def _device_name(device: str) -> str:
    import torch

    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


def main(arguments: list[str] | None = None) -> int:
    """``python -m perstream.lab.bench_model``; the exit code."""
    fields = {field.name: field.default for field in dataclasses.fields(Setup)}
    parser = argparse.ArgumentParser(prog="python -m perstream.lab.bench_model", description=__doc__)
    parser.add_argument("--random-weights", choices=("7b", "3b", "tiny"), default="")
    parser.add_argument("--model", default="", help="folder of a model")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", choices=("auto", "bf16", "fp16", "fp32"), default="auto")
    for name in ("keyframes", "pool", "tokens", "repeats"):
        parser.add_argument(f"--{name}", type=int, default=fields[name])
    parser.add_argument("--naive", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--four-bit", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--json", action="store_true")
    given = vars(parser.parse_args(arguments))
    as_json = given.pop("json")
    try:
        result = bench_model(Setup(**given))
    except PerStreamError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(json.dumps(result.to_json()) if as_json else "\n".join(result.lines()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
