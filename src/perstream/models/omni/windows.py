"""Attention inside the windows of a vision tower, all windows of one length in one call.

The towers of the Qwen line look at a picture in windows. The library's own path without the flash-attention package
calls the attention kernel once for each of them: thousands of tiny calls for a few pictures, and a wait for the GPU in
every layer. Here windows are sorted by length, of which there are one to four per size of picture, and each length is
one batch. It is hooked in by the library's ``AttentionInterface``, and used only after it gave the same numbers.
"""

from __future__ import annotations

import logging
from itertools import pairwise
from typing import Any

import numpy as np

from perstream.models.omni.faults import spoken
from perstream.models.omni.loaded import Loaded
from perstream.models.omni.pixels import look, prepare

NAME = "perstream_flash_windows"
"""The towers hand over the borders of their windows to an implementation with ``flash`` in its name."""
CLOSE = {"fp32": 1e-3, "fp16": 2e-2, "bf16": 5e-2}
"""Largest difference to the library's own path, over the largest number of a vector."""

log = logging.getLogger(__name__)


def batch_windows(loaded: Loaded) -> bool:
    """Let the tower of a model use it in place of torch's plain attention; whether it does. Asking twice is no harm."""
    import torch
    from transformers import AttentionInterface

    config: Any = getattr(getattr(loaded.model.model, "visual", None), "config", None)
    if getattr(config, "_attn_implementation", None) != "sdpa":
        return getattr(config, "_attn_implementation", None) == NAME
    ramp = np.linspace(0, 255, 140 * 84 * 3).astype(np.uint8).reshape(140, 84, 3)  # windows of several lengths
    pictures = [prepare(loaded, ramp, 140 * 84)]
    with loaded.lock, torch.inference_mode(), spoken(loaded.name, "trying its vision tower"):
        plain = look(loaded, pictures).pooler_output[0]
        register: Any = AttentionInterface.register
        register(NAME, attend)
        config._attn_implementation = NAME
        try:
            difference = (look(loaded, pictures).pooler_output[0] - plain).abs().max() / plain.abs().max()
            same = bool(difference < CLOSE[loaded.dtype])
        except (RuntimeError, TypeError, ValueError, KeyError, AttributeError) as error:
            log.info("windows of %s are not batched: %s", loaded.name, " ".join(str(error).split())[:200])
            same = False
        if not same:
            config._attn_implementation = "sdpa"
    return same


def plain_windows(loaded: Loaded) -> None:
    """Back to the library's own path."""
    config: Any = getattr(getattr(loaded.model.model, "visual", None), "config", None)
    if getattr(config, "_attn_implementation", None) == NAME:
        config._attn_implementation = "sdpa"


def attend(
    module: Any,  # noqa: ARG001
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any,  # noqa: ARG001
    *,
    scaling: float,
    cu_seq_lens_q: Any,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Any, None]:
    """Query, key and value [1, heads, n, d], windows by their borders [windows + 1]; the result is [1, n, heads, d]."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    heads, count, width = query.shape[1:]
    result = torch.empty((count, heads, width), dtype=query.dtype, device=query.device)
    for length, rows in _plan(cu_seq_lens_q, query.device):
        parts = [
            (tensor[0] if rows is None else tensor[0][:, rows]).reshape(heads, -1, length, width).transpose(0, 1)
            for tensor in (query, key, value)
        ]
        q, k, v = parts
        seen = scaled_dot_product_attention(q, k, v, dropout_p=dropout, scale=scaling).transpose(1, 2)
        if rows is None:
            result = seen.reshape(count, heads, width)
        else:
            result[rows] = seen.reshape(-1, heads, width)
    return result[None], None


def _plan(borders: Any, device: Any) -> list[tuple[int, Any]]:
    """Lengths of windows, each with the rows of all windows of that length; None for all rows.

    Kept on the tensor itself: all layers share one, and reading it waits for the GPU.
    """
    import torch

    made: list[tuple[int, Any]] | None = getattr(borders, "perstream_plan", None)
    if made is not None:
        return made
    edges = borders.tolist()
    starts: dict[int, list[int]] = {}
    for start, end in pairwise(edges):
        if end > start:
            starts.setdefault(end - start, []).append(start)
    if len(starts) == 1:
        made = [(next(iter(starts)), None)]
    else:
        made = [
            (length, (torch.tensor(found)[:, None] + torch.arange(length)).flatten().to(device))
            for length, found in starts.items()
        ]
    borders.perstream_plan = made
    return made
