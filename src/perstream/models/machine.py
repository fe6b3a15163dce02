"""What this machine has for a brain: GPUs, packages, models on disk, a configured server. Loads nothing."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from perstream.config import BackendConfig
from perstream.models.remote.secrets import gathered

LOOK_S = 5.0
"""The driver's tool is asked for this long."""
KNOWN = ("Qwen/Qwen2.5-Omni-7B", "Qwen/Qwen2.5-Omni-3B")
"""Models that are looked for, the best first."""
PACKAGES = ("torch", "transformers", "accelerate", "peft", "bitsandbytes")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Machine:
    """A look at the machine."""

    gpu_gb: tuple[float, ...]
    """Memory of each NVIDIA GPU, in GB."""
    packages: frozenset[str]
    """Of PACKAGES, those that are installed."""
    models: tuple[str, ...]
    """Models that are whole or in part on disk: the configured one, else of KNOWN."""
    server: str
    """The OpenAI-compatible server that is configured, "" for none."""
    server_is_own: bool
    """It was named in PerStream's own settings, or runs on this machine."""

    @property
    def found(self) -> tuple[str, ...]:
        """What was looked at, one line each."""
        memory = ", ".join(f"{gb:.0f} GB" for gb in self.gpu_gb)
        missing = [name for name in PACKAGES if name not in self.packages]
        return (
            f"NVIDIA GPU: {memory or 'none'}",
            f"packages: {', '.join(sorted(self.packages)) or 'none'}"
            + (f" (not installed: {', '.join(missing)})" if missing else ""),
            f"models on disk: {', '.join(self.models) or 'none'}",
            f"model server: {self.server or 'none configured'}",
        )


def look(config: BackendConfig, environ: Mapping[str, str] | None = None, folder: Path | None = None) -> Machine:
    """Look at the machine. Starts the driver's tool where there is one, and nothing else; opens no connection.

    ``folder`` is where a ``.env`` may lie (default: the current one).
    """
    environ = os.environ if environ is None else environ
    named = gathered(environ, folder)
    wanted = (config.model_path,) if config.model_path else KNOWN
    server = config.base_url or named.get("OPENAI_BASE_URL", "")
    return Machine(
        gpu_gb=_gpus(),
        packages=frozenset(name for name in PACKAGES if importlib.util.find_spec(name) is not None),
        models=tuple(name for name in wanted if _on_disk(name, environ)),
        server=_without_secrets(server),
        server_is_own=bool(config.base_url) or _host(server) in LOOPBACK,
    )


def _gpus() -> tuple[float, ...]:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    command = [tool, "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=LOOK_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ()  # a driver that does not answer is no GPU
    sizes = (line.strip() for line in said.splitlines())
    return tuple(int(size) * 2**20 / 1e9 for size in sizes if size.isdigit())


def _on_disk(name: str, environ: Mapping[str, str]) -> bool:
    """Is there a folder of this name, or one of this hub id in the Hugging Face cache?"""
    if Path(name).expanduser().is_dir():
        return True
    home = environ.get("HF_HOME") or str(Path(environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface")
    cache = Path(environ.get("HF_HUB_CACHE") or Path(home) / "hub").expanduser()
    snapshots = cache / f"models--{name.replace('/', '--')}" / "snapshots"
    try:
        return any((snapshot / "config.json").is_file() for snapshot in snapshots.iterdir())
    except OSError:
        return False


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _without_secrets(url: str) -> str:
    """Scheme, host and port of a URL: a user name or key in it is nobody's business."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "unreadable URL" if url else ""
    return f"{parts.scheme}://{parts.hostname}{port}" if parts.hostname else ""
