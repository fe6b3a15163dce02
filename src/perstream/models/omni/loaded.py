"""A vision-language model that stands in this process, ready to be used."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """What loading gives: the module, its processor and the facts that its users need.

    Adapters are put into ``model`` in place: the object stays the same, and ``generate`` takes the same arguments.
    """

    name: str
    """The folder or hub id it came from."""
    model: Any
    """The torch module in eval mode, without gradients; for Qwen2.5-Omni the thinker."""
    processor: Any
    """Has ``tokenizer``, ``image_processor``, ``feature_extractor`` (or None) and a chat template."""
    family: Literal["omni", "image-text"]
    device: str
    """Where its inputs go, for example ``cpu`` or ``cuda:0``."""
    dtype: str
    """``bf16``, ``fp16`` or ``fp32``: the numbers of its activations."""
    hidden_size: int
    """Length of an image embedding in the text decoder, and so of a patch vector."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Every forward pass of the text decoder and every switch of adapters holds it. Towers alone need no lock."""
