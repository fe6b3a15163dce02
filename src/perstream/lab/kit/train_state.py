"""Where a training stands, on disk: so exactly that going on from it gives the same weights as never having stopped.

One safetensors file, written whole or not at all: trained numbers, AdamW's moments, random states, and facts as JSON.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perstream.errors import ConfigError

Json = dict[str, Any]


def save_state(path: Path, tensors: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Write tensors and facts. ConfigError when there is no room or no right to."""
    from safetensors.torch import save

    packed = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    data = save(packed, metadata={"facts": json.dumps(facts)})
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise ConfigError(f"cannot write {path} ({error.strerror}): choose another place") from error


def load_state(path: Path) -> tuple[dict[str, Any], Json]:
    """Tensors and facts. ConfigError for a file that is none of these."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            facts = json.loads((file.metadata() or {})["facts"])
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is damaged ({error}): delete it and begin anew") from error
    return tensors, facts


def pack(named: Mapping[str, Any], optimizer: Any) -> dict[str, Any]:
    """Parameters by name, and what the optimizer holds of each."""
    out: dict[str, Any] = {}
    import torch

    for name, parameter in named.items():
        out[f"param.{name}"] = parameter.data
        for key, value in optimizer.state.get(parameter, {}).items():
            out[f"optim.{key}.{name}"] = torch.as_tensor(value)
    return out


def unpack(tensors: Mapping[str, Any], named: Mapping[str, Any], optimizer: Any) -> None:
    """Put them back. ConfigError when they are of other parameters."""
    known = {key.removeprefix("param.") for key in tensors if key.startswith("param.")}
    if known != set(named):
        raise ConfigError("the checkpoint is of another model or of other LoRA settings: begin anew with --fresh")
    for name, parameter in named.items():
        value = tensors[f"param.{name}"]
        if value.shape != parameter.shape:
            raise ConfigError(f"the checkpoint has {list(value.shape)} for {name}: begin anew with --fresh")
        parameter.data.copy_(value)
    state: dict[str, dict[str, Any]] = {}
    for key, value in tensors.items():
        if key.startswith("optim."):
            _, kind, name = key.split(".", 2)
            state.setdefault(name, {})[kind] = value
    for name, found in state.items():
        parameter = named[name]
        # AdamW counts its steps on the CPU, in a tensor of its own.
        optimizer.state[parameter] = {
            kind: value.clone() if kind == "step" else value.to(parameter.device, copy=True)
            for kind, value in found.items()
        }


def random_states() -> dict[str, Any]:
    """Of torch, on the CPU and on all GPUs."""
    import torch

    states = {"rng.cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states |= {f"rng.cuda.{i}": state for i, state in enumerate(torch.cuda.get_rng_state_all())}
    return states


def set_random_states(tensors: Mapping[str, Any]) -> None:
    """Put them back, as far as the devices are here."""
    import torch

    torch.set_rng_state(tensors["rng.cpu"])
    for number in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        if f"rng.cuda.{number}" in tensors:
            torch.cuda.set_rng_state(tensors[f"rng.cuda.{number}"], number)
