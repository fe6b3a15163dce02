"""Backends by name. A backend's heavy libraries load when it is chosen, never before."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from perstream.config import BackendConfig, MomentConfig
from perstream.errors import BackendUnavailable
from perstream.protocols import Backend

BACKENDS: Mapping[str, str] = {
    "builtin": "perstream.models.builtin",
    "scripted": "perstream.models.scripted",  # for tests: understands nothing
}
"""Name -> module that has ``load(config, moment) -> Backend``."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which backend ``auto`` takes on this machine, and why."""

    name: str
    why: str
    found: tuple[str, ...]
    """What was looked at, one line each."""


def choose(environ: Mapping[str, str] | None = None) -> Choice:
    """What ``auto`` means here. Looks at the machine only; loads nothing, downloads nothing."""
    environ = os.environ if environ is None else environ
    gpu = shutil.which("nvidia-smi") is not None or Path("/dev/nvidia0").exists()
    torch = importlib.util.find_spec("torch") is not None
    found = (
        f"NVIDIA GPU: {'found' if gpu else 'none'}",
        f"torch: {'installed' if torch else 'not installed'}",
        f"OPENAI_BASE_URL: {'set' if environ.get('OPENAI_BASE_URL') else 'not set'}",
    )
    return Choice("builtin", "builtin is the one brain of this version; it runs on any CPU", found)


def load_backend(config: BackendConfig, moment: MomentConfig) -> Backend:
    """The backend that the configuration names. BackendUnavailable when it cannot run here."""
    name = choose().name if config.name == "auto" else config.name
    if name not in BACKENDS:
        raise BackendUnavailable(f"no backend {name!r}; there are: auto, {', '.join(BACKENDS)}")
    load: Callable[[BackendConfig, MomentConfig], Backend] = importlib.import_module(BACKENDS[name]).load
    return load(config, moment)
