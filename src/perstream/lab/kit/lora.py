"""A LoRA adapter for the text decoder of a loaded model: put on for training, and written as the daemon loads it.

Method: LoRA (arXiv:2106.09685); over 4-bit weights it is QLoRA (arXiv:2305.14314).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perstream.errors import BackendUnavailable, ConfigError
from perstream.models.omni.adapter_file import CONFIG, WEIGHTS
from perstream.models.omni.loaded import Loaded

LAYERS = r"layers\.\d+\.self_attn\.(q_proj|k_proj|v_proj|o_proj)"


@dataclass(frozen=True, slots=True)
class LoraSettings:
    """Size of the adapter."""

    rank: int = 8
    alpha: float = 16
    dropout: float = 0.05


def put_on(loaded: Loaded, settings: LoraSettings, seed: int, *, checkpointing: bool = True) -> Any:
    """Put a new adapter on ``loaded.model``, in place, and return PEFT's wrapper of it. Only the adapter has gradients.

    ``checkpointing``: activations of the decoder's layers are computed again in the backward pass instead of kept.
    BackendUnavailable without PEFT or for a model without such layers.
    """
    try:
        import torch
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise BackendUnavailable("training an adapter needs PEFT: pip install 'perstream[train]'") from error
    model = loaded.model
    decoder = model.get_decoder()
    (path,) = [name for name, module in model.named_modules() if module is decoder]
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,  # type: ignore[arg-type, unused-ignore]
        lora_dropout=settings.dropout,
        target_modules=rf"{re.escape(path)}\.{LAYERS}",
        bias="none",
        task_type="CAUSAL_LM",
    )
    torch.manual_seed(seed)
    if checkpointing:
        model.activation_checkpointing_enable({"use_reentrant": False})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # PEFT asks the library by a name that it will drop
            wrapped = get_peft_model(model, config)
    except ValueError as error:
        raise BackendUnavailable(f"{loaded.name} has no attention layers that an adapter could go on") from error
    for name, parameter in wrapped.named_parameters():
        parameter.requires_grad_("lora_" in name)
        if parameter.requires_grad and parameter.dtype != torch.float32:
            parameter.data = parameter.data.float()
    return wrapped


def trained(wrapped: Any) -> dict[str, Any]:
    """The adapter's parameters by name."""
    return {name: parameter for name, parameter in wrapped.named_parameters() if parameter.requires_grad}


def save_adapter(wrapped: Any, folder: Path, base: str) -> None:
    """Write configuration and weights to ``folder``, the weights last and whole or not at all. ConfigError."""
    part = folder / f".part{os.getpid()}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns that the base is no hub id
            wrapped.save_pretrained(str(part), save_embedding_layers=False)
        settings = json.loads((part / CONFIG).read_text(encoding="utf-8"))
        settings["base_model_name_or_path"] = base
        (part / CONFIG).write_text(json.dumps(settings, indent=2, sort_keys=True), encoding="utf-8")
        for name in (CONFIG, WEIGHTS):
            (part / name).replace(folder / name)
    except OSError as error:
        raise ConfigError(f"cannot write the adapter to {folder} ({error.strerror}): choose another place") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def take_off(wrapped: Any) -> Any:
    """The model as it was before :func:`put_on`."""
    return wrapped.unload()
