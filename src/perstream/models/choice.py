"""What ``auto`` means on this machine: a ladder of brains, the best one first, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from perstream.config import BackendConfig
from perstream.models.machine import Machine

ROOM_GB = 3.0
"""Beside the weights: the pictures of a moment, the words so far, and what the encoder needs in between."""
WEIGHTS_GB = {"7B": {"": 18.0, "8bit": 11.5, "4bit": 8.2}, "3B": {"": 9.5, "8bit": 6.7, "4bit": 5.3}}
"""Of the Qwen2.5-Omni thinkers, by how they are loaded (parameter counts; 16-bit without quantization)."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One brain that might do here."""

    config: BackendConfig
    why: str

    @property
    def name(self) -> str:
        """Of the backend."""
        return self.config.name


@dataclass(frozen=True, slots=True)
class Choice:
    """The ladder: the first rung that loads is taken."""

    rungs: tuple[Rung, ...]
    found: tuple[str, ...]
    """What was looked at, one line each."""

    @property
    def name(self) -> str:
        """The backend that comes first."""
        return self.rungs[0].name

    @property
    def why(self) -> str:
        """Why it comes first."""
        return self.rungs[0].why


def choose(config: BackendConfig, machine: Machine) -> Choice:
    """A model in this process where a GPU holds one that is on disk, a server where one is configured, else builtin."""
    rungs = [*_in_process(config, machine), *_served(config, machine)]
    why = "it runs on any CPU" if rungs else _why_nothing_else(machine)
    rungs.append(Rung(replace(config, name="builtin", vision="", captions="", answers=""), why))
    return Choice(tuple(rungs), machine.found)


def _in_process(config: BackendConfig, machine: Machine) -> list[Rung]:
    if not {"torch", "transformers"} <= machine.packages or not machine.gpu_gb:
        return []
    ways: list[Literal["", "8bit", "4bit"]] = [config.load_in] if config.load_in else [""]
    if "bitsandbytes" in machine.packages and not config.load_in:
        ways += ["8bit", "4bit"]
    most = sum(machine.gpu_gb) if config.device == "balanced" else max(machine.gpu_gb)
    rungs = []
    for model in machine.models:
        for load_in in ways:
            weights = WEIGHTS_GB["3B" if "3b" in model.lower() else "7B"][load_in]
            if weights + ROOM_GB <= most:
                how = f" in {load_in.replace('bit', ' bit')}" if load_in else ""
                why = f"{model} is on disk and fits{how}: {weights:.0f} GB of weights, {most:.0f} GB of GPU memory"
                rungs.append(Rung(replace(config, name="qwen-omni", model_path=model, load_in=load_in), why))
                break
    return rungs


def _served(config: BackendConfig, machine: Machine) -> list[Rung]:
    # A variable that other programs read as well is no consent to send memories to another machine.
    if not machine.server or not machine.server_is_own:
        return []
    return [Rung(replace(config, name="openai"), f"the model server {machine.server} is configured")]


def _why_nothing_else(machine: Machine) -> str:
    if machine.server:
        return (
            f"it runs on any CPU; {machine.server} is used only when asked for (--backend openai or backend.base_url)"
        )
    if machine.gpu_gb and machine.models:
        return "it runs on any CPU; for the GPU: pip install 'perstream[qwen]'"
    if machine.gpu_gb:
        return "it runs on any CPU; for the GPU, put a model on disk: hf download Qwen/Qwen2.5-Omni-7B"
    return "it runs on any CPU; there is no GPU, and no model server is configured"
