"""Where a model of this process runs and in which numbers, and whether it fits there."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from perstream.errors import BackendUnavailable, ConfigError
from perstream.models.omni.weights import Tensor

BYTES = {"bf16": 2, "fp16": 2, "fp32": 4}
QUANTIZED_BYTES = {"4bit": 0.516, "8bit": 1.0}
"""Bytes per quantized weight, scales included (nf4 with double quantization; LLM.int8)."""
QUANTIZED = re.compile(r"(?!.*(visual|vision|audio)).*\.layers\.\d+\..*_proj\.weight")
"""The text decoder's linear layers; towers, embeddings and the head stay as they are."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """A place for a model."""

    device: str
    """``cpu``, ``mps``, ``cuda:N``, or ``balanced`` over all GPUs."""
    dtype: str
    """``bf16``, ``fp16`` or ``fp32``."""

    @property
    def device_map(self) -> Any:
        """The same for ``from_pretrained``."""
        return "balanced" if self.device == "balanced" else {"": self.device}


def hardware_of(device: str, dtype: str) -> Hardware:
    """What the settings mean on this machine. BackendUnavailable for a device that is not here."""
    import torch

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    mps = torch.backends.mps.is_available()
    if device == "auto":
        device = "cuda" if gpus else "mps" if mps else "cpu"
    wanted = re.fullmatch(r"cuda(?::(\d{1,4}))?|balanced|cpu|mps", device)
    if wanted is None:
        raise ConfigError(f"backend.device {device!r} is none of: auto, cpu, cuda, cuda:0, mps, balanced")
    if device.startswith(("cuda", "balanced")) and not gpus:
        raise BackendUnavailable(f"backend.device is {device}, but torch {torch.__version__} sees no CUDA GPU here")
    if device.startswith("cuda"):
        number = int(wanted[1] or 0)
        if number >= gpus:
            raise BackendUnavailable(f"there is no cuda:{number}: torch sees {gpus} GPU(s), the first is cuda:0")
        device = f"cuda:{number}"
    if device == "mps" and not mps:
        raise BackendUnavailable("backend.device is mps, but torch sees no Apple GPU here")
    if dtype == "auto":
        dtype = "bf16" if gpus and device not in ("cpu", "mps") and torch.cuda.is_bf16_supported() else "fp32"
    return Hardware(device, dtype)


def torch_dtype(dtype: str) -> Any:
    """The torch dtype of ``bf16``, ``fp16`` or ``fp32``."""
    import torch

    return {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[dtype]


def bytes_needed(tensors: Mapping[str, Tensor], prefix: str, dtype: str, load_in: str) -> int:
    """Memory for the weights alone whose names begin with ``prefix``."""
    total = 0.0
    for name, tensor in tensors.items():
        if name.startswith(prefix):
            small = load_in and len(tensor.shape) == 2 and QUANTIZED.fullmatch(name)
            total += tensor.numbers * (QUANTIZED_BYTES[load_in] if small else BYTES[dtype])
    return int(total)


def bytes_free(device: str) -> int:
    """Free memory where the model should go: of the GPU, of all GPUs together, else of the machine."""
    import torch

    if device == "balanced":
        return sum(torch.cuda.mem_get_info(number)[0] for number in range(torch.cuda.device_count()))
    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(int(device.removeprefix("cuda:")))[0])
    psutil: Any = importlib.import_module("psutil")
    return int(psutil.virtual_memory().available)


def require_room(name: str, needed: int, hardware: Hardware, load_in: str) -> None:
    """BackendUnavailable when not even the weights fit, with what would help."""
    free = bytes_free(hardware.device)
    if needed <= free:
        return
    ways = []
    if load_in != "4bit":
        ways.append("--load-in 4bit")
    if hardware.dtype == "fp32":
        ways.append("--dtype bf16")
    if hardware.device.startswith("cuda"):
        ways.append("--device balanced over several GPUs")
    ways.append("a smaller model")
    raise BackendUnavailable(
        f"the weights of {name} need {needed / 2**30:.1f} GiB, {hardware.device} has {free / 2**30:.1f} GiB free; "
        f"try {', '.join(ways)}"
    )
