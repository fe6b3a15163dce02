"""What a device can do at best, measured, and what a model asks of it: bytes to move and operations to do."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Ceiling:
    """A device, measured by a plain copy and a plain product of matrices."""

    bytes_per_s: float
    """Read and written together."""
    operations_per_s: float
    """Multiplications and additions, in the dtype of the model."""

    def seconds(self, moved: float, operations: float) -> float:
        """The least time for that many bytes and operations when both run side by side."""
        return max(moved / self.bytes_per_s, operations / self.operations_per_s)


def settle(device: str) -> None:
    """Wait until the device is done."""
    import torch

    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    elif device == "mps":
        torch.mps.synchronize()


def timed(work: Callable[[], object], device: str, repeats: int) -> list[float]:
    """Seconds of each of ``repeats`` runs, after one that is not counted."""
    work()
    times = []
    for _ in range(repeats):
        settle(device)
        begun = time.perf_counter()
        work()
        settle(device)
        times.append(time.perf_counter() - begun)
    return times


def ceiling(device: str, dtype: Any) -> Ceiling:
    """Measure: a copy of 1 GiB (64 MiB on a CPU), a product of 8192 (1024) square matrices; the best of ten runs."""
    import torch

    large = device.startswith("cuda")
    source = torch.ones(2**30 if large else 2**26, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    copied = min(timed(lambda: target.copy_(source), device, 10))
    side = 8192 if large else 1024
    a = torch.randn(side, side, device=device).to(dtype)
    out = torch.empty_like(a)
    multiplied = min(timed(lambda: torch.mm(a, a, out=out), device, 10))
    return Ceiling(2 * source.numel() / copied, 2 * side**3 / multiplied)


@dataclass(frozen=True, slots=True)
class Demand:
    """What the parts of a thinker ask for, counted from its weights."""

    decoder_bytes: int
    """Weights that every new token reads: the text decoder's layers and the head."""
    decoder_parameters: int
    head_parameters: int
    tower_bytes: int
    tower_parameters: int
    cache_bytes_per_token: int
    """Keys and values of one token."""

    def encode(self, pictures: int, patches: int) -> tuple[float, float]:
        """(bytes, operations) of one pass of the tower over ``pictures`` of ``patches`` each; attention left out."""
        return self.tower_bytes, 2.0 * self.tower_parameters * patches * pictures

    def read(self, tokens: int) -> tuple[float, float]:
        """(bytes, operations) of reading a prompt; attention left out."""
        return self.decoder_bytes, 2.0 * self.decoder_parameters * tokens

    def token(self, context: int) -> tuple[float, float]:
        """(bytes, operations) of one more token after ``context``."""
        moved = self.decoder_bytes + self.cache_bytes_per_token * context
        return moved, 2.0 * (self.decoder_parameters + self.head_parameters)


def demand(model: Any) -> Demand:
    """Count a thinker's weights as they lie in memory (4-bit ones as packed)."""
    decoder, tower = model.get_decoder(), model.model.visual
    layers = [p for name, p in decoder.named_parameters() if "embed_tokens" not in name]
    head = model.lm_head.weight
    text = model.config.get_text_config()
    width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return Demand(
        decoder_bytes=sum(p.nbytes for p in layers) + head.nbytes,
        decoder_parameters=sum(_count(p) for p in layers),
        head_parameters=head.numel(),
        tower_bytes=sum(p.nbytes for p in tower.parameters()),
        tower_parameters=sum(p.numel() for p in tower.parameters()),
        cache_bytes_per_token=2 * text.num_hidden_layers * text.num_key_value_heads * width * head.element_size(),
    )


def _count(parameter: Any) -> int:
    """Weights in a tensor: two to a byte where they are packed in four bits."""
    packed = type(parameter).__name__ == "Params4bit" and parameter.element_size() == 1
    return int(parameter.numel() * (2 if packed else 1))
