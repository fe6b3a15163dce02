"""A model on disk: where it is, whether it is whole, what it is. Needs no torch and never downloads."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perstream.errors import BackendUnavailable
from perstream.models.omni.weights import Tensor, read_header

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
MAX_JSON = 64_000_000
"""Largest configuration or index that is read, bytes."""
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
WHOLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
NEEDED: tuple[tuple[tuple[str, ...], ...], ...] = (
    (("config.json",),),
    (("preprocessor_config.json",), ("processor_config.json",)),
    (("tokenizer_config.json",),),
    (("tokenizer.json",), ("vocab.json", "merges.txt"), ("tokenizer.model",)),
)
"""What must be there beside the weights: each row is met by any one of its groups of files."""


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A whole model on disk."""

    name: str
    """As it was asked for: a folder or a hub id."""
    folder: Path
    config: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    """All weights of all shards, by their name in the files."""

    @property
    def model_type(self) -> str:
        """What transformers calls the architecture."""
        return str(self.config["model_type"])


def find_checkpoint(model_path: str) -> Checkpoint:
    """The model in a folder or in the local Hugging Face cache.

    BackendUnavailable names what is missing or broken and the command that fetches it.
    """
    folder = find_folder(model_path)
    missing = missing_files(folder)
    if missing:
        raise BackendUnavailable(_absent(model_path, folder, missing))
    config = read_json(folder / "config.json")
    if not isinstance(config.get("model_type"), str):
        raise BackendUnavailable(f"{folder / 'config.json'} names no model_type: it is no transformers model")
    tensors: dict[str, Tensor] = {}
    for shard in _shards(folder):
        try:
            tensors.update(read_header(folder / shard))
        except BackendUnavailable as error:
            again = fetch_command(model_path, folder, shard)
            raise BackendUnavailable(f"{error}; fetch it again: {again}") from error
    return Checkpoint(model_path, folder, config, tensors)


def find_folder(model_path: str) -> Path:
    """Where the model lies. BackendUnavailable when it was never fetched."""
    if not model_path:
        raise BackendUnavailable("no model is named: set backend.model_path (--model) to a folder or a hub id")
    folder = Path(model_path).expanduser()
    if folder.is_dir():
        return folder.resolve()
    if not HUB_ID.fullmatch(model_path):
        raise BackendUnavailable(f"there is no folder {folder}, and it is no hub id such as Qwen/Qwen2.5-Omni-7B")
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(model_path, cache_dir=constants.HF_HUB_CACHE, local_files_only=True))
    except (LocalEntryNotFoundError, OSError, ValueError) as error:
        raise BackendUnavailable(
            f"{model_path} is not in the local cache {constants.HF_HUB_CACHE}; nothing is downloaded unasked. "
            f"Fetch it: {fetch_command(model_path, None)}"
        ) from error


def missing_files(folder: Path) -> tuple[str, ...]:
    """Names of the files that a whole model would have and this folder has not."""
    missing = []
    for row in NEEDED:
        lacks = [[name for name in group if not (folder / name).is_file()] for group in row]
        if all(lacks):
            missing += lacks[0]
    if (folder / INDEX).is_file():
        missing += [name for name in _shards(folder) if not (folder / name).is_file()]
    elif not (folder / WHOLE).is_file():
        missing.append(WHOLE)
    return tuple(missing)


def fetch_command(name: str, folder: Path | None, broken: str = "") -> str:
    """The command that fetches a model, or the rest of one, or one ``broken`` file of it anew."""
    anew = f" {shlex.quote(broken)} --force-download" if broken else ""
    if folder is None or HUB_ID.fullmatch(name):
        return f"hf download {shlex.quote(name)}{anew}"
    return f"hf download {_origin(folder)}{anew} --local-dir {shlex.quote(str(folder))}"


def _origin(folder: Path) -> str:
    """Which hub repository a folder is a copy of, as far as its configuration tells."""
    if (folder / "config.json").is_file():
        config = read_json(folder / "config.json")
        name = config.get("_name_or_path")
        if isinstance(name, str) and HUB_ID.fullmatch(name):
            return name
        if str(config.get("model_type", "")).startswith("qwen2_5_omni"):
            thinker = config.get("thinker_config")
            text = (thinker if isinstance(thinker, dict) else config).get("text_config")
            small = isinstance(text, dict) and text.get("hidden_size") == 2048
            return f"Qwen/Qwen2.5-Omni-{'3B' if small else '7B'}"
    return "OWNER/MODEL"


def _absent(name: str, folder: Path, missing: tuple[str, ...]) -> str:
    pickled = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
    if pickled and WHOLE in missing and not (folder / INDEX).is_file():
        return (
            f"{folder} has its weights as pickle alone ({', '.join(pickled[:3])}), which can run code when read; "
            f"PerStream reads safetensors only: fetch or convert them to {WHOLE}"
        )
    shown = ", ".join(missing[:12]) + (f" and {len(missing) - 12} more" if len(missing) > 12 else "")
    return f"{folder} lacks {shown}; fetch the rest: {fetch_command(name, folder)}"


def _shards(folder: Path) -> tuple[str, ...]:
    """File names of the weights."""
    if not (folder / INDEX).is_file():
        return (WHOLE,)
    places = read_json(folder / INDEX).get("weight_map")
    names = set(places.values()) if isinstance(places, dict) else set()
    if not names or not all(isinstance(n, str) and n == Path(n).name and n.endswith(".safetensors") for n in names):
        raise BackendUnavailable(f"{folder / INDEX} does not list safetensors files of its folder")
    return tuple(sorted(names))


def read_json(path: Path) -> dict[str, Any]:
    """One JSON object. BackendUnavailable for anything else."""
    try:
        if path.stat().st_size > MAX_JSON:
            raise BackendUnavailable(f"{path} is larger than any such file ({MAX_JSON:,} bytes)")
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BackendUnavailable(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise BackendUnavailable(f"{path} is no JSON file") from error
    if not isinstance(value, dict):
        raise BackendUnavailable(f"{path} holds no JSON object")
    return value
