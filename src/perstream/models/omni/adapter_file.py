"""A LoRA adapter on disk, checked against the model it shall be put on before anything is touched.

Layout: Hugging Face PEFT (``adapter_config.json`` and ``adapter_model.safetensors``); method: LoRA, arXiv:2106.09685.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perstream.errors import BackendUnavailable, ConfigError
from perstream.models.omni.checkpoint import HUB_ID, read_json
from perstream.models.omni.weights import Tensor, read_header

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}", re.ASCII)
KEY = re.compile(r"base_model\.model\.(?P<module>[\w.]+)\.lora_(?P<side>[AB])(?:\.default)?\.weight", re.ASCII)
EXTRAS = (
    "use_dora",
    "use_qalora",
    "use_bdlora",
    "lora_bias",
    "modules_to_save",
    "trainable_token_indices",
    "target_parameters",
    "layer_replication",
    "alora_invocation_tokens",
    "arrow_config",
    "kasa_config",
    "monteclora_config",
    "velora_config",
    "fan_in_fan_out",
)
"""Settings of PEFT that make an adapter more than two small matrices per layer."""
CHANGES_BASE = ("pissa", "olora", "corda", "loftq", "lora_ga")
"""Initialisations that also changed the weights below: the adapter alone does not give the trained model."""
OLD_NAMES = (
    (re.compile(r"^thinker\."), ""),
    (re.compile(r"^(language_model\.model|model)\.layers\."), "model.language_model.layers."),
    (re.compile(r"^(visual|audio_tower)\."), r"model.\1."),
)
"""How layers were called in other layouts of the same models."""


@dataclass(frozen=True, slots=True, eq=False)
class LoraModule:
    """One layer's share of an adapter."""

    rank: int
    alpha: float
    keys: tuple[str, str]
    """Names of A [rank, in] and B [out, rank] in the file."""


@dataclass(frozen=True, slots=True, eq=False)
class AdapterFile:
    """A whole adapter that fits a model."""

    weights: Path
    modules: Mapping[str, LoraModule]
    """By the layer's name in the model."""
    scale_by_root: bool
    """Scaled by alpha / sqrt(rank) (rsLoRA, arXiv:2312.03732) instead of alpha / rank."""


def parse_adapter(text: str) -> tuple[str, str]:
    """NAME=PATH apart. ConfigError for anything else."""
    name, equals, path = text.partition("=")
    if not equals or not path.strip():
        raise ConfigError(f"adapter {text!r} is not NAME=PATH")
    require_name(name.strip())
    return name.strip(), path.strip()


def require_name(name: str) -> None:
    """ConfigError for a name that is no plain word."""
    if not NAME.fullmatch(name):
        raise ConfigError(f"adapter name {name[:80]!r}: up to 64 letters, digits, dots, dashes and underscores")


def read_adapter(path: str, model: Any, model_name: str) -> AdapterFile:
    """An adapter's folder, checked. BackendUnavailable when it is missing, broken, or made for another model."""
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise BackendUnavailable(f"there is no adapter folder {folder}")
    weights = folder / WEIGHTS
    if not weights.is_file() and any(folder.glob("*.bin")):
        raise BackendUnavailable(
            f"the adapter in {folder} is a pickle (adapter_model.bin), which can run code when read; "
            f"save it as {WEIGHTS}"
        )
    missing = [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]
    if missing:
        raise BackendUnavailable(f"the adapter in {folder} lacks {', '.join(missing)}")
    config = read_json(folder / CONFIG)
    alpha, patterns = _settings(folder, config)
    base = str(config.get("base_model_name_or_path") or "another model")
    if _are_different(base, model_name):
        raise BackendUnavailable(f"the adapter in {folder} was made for {base}, not for {model_name}")
    pairs = _pairs(folder, read_header(weights))
    modules: dict[str, LoraModule] = {}
    for written, sides in pairs.items():
        name = _name_in(model, written)
        if name is None or name in modules:
            raise BackendUnavailable(f"the adapter in {folder} is of {base}: {model_name} has no layer {written}")
        rank = _rank(folder, written, sides, model.get_submodule(name), base)
        keys = (sides["A"][0], sides["B"][0])
        modules[name] = LoraModule(rank, _alpha_of(written, alpha, patterns), keys)
    return AdapterFile(weights, modules, bool(config.get("use_rslora")))


def _settings(folder: Path, config: Mapping[str, Any]) -> tuple[float, Mapping[str, float]]:
    """alpha, and alpha by pattern of layer names."""
    if config.get("peft_type") != "LORA":
        raise BackendUnavailable(f"the adapter in {folder} is {config.get('peft_type')}: only LORA adapters are used")
    extras = [name for name in EXTRAS if config.get(name)]
    if config.get("bias", "none") != "none":
        extras.append("bias")
    if str(config.get("init_lora_weights")).lower().startswith(CHANGES_BASE):
        extras.append(f"init_lora_weights={config['init_lora_weights']}")
    if extras:
        raise BackendUnavailable(f"the adapter in {folder} uses {', '.join(extras)}: only plain LoRA can be switched")
    alpha, patterns = config.get("lora_alpha"), config.get("alpha_pattern") or {}
    numbers = [alpha, *(patterns.values() if isinstance(patterns, dict) else [None])]
    if not all(isinstance(n, (int, float)) and not isinstance(n, bool) and abs(n) < 1e6 for n in numbers):
        raise BackendUnavailable(f"{folder / CONFIG} has no usable lora_alpha")
    if not all(re.fullmatch(r"\^?[\w.]+", str(pattern)) for pattern in patterns):
        raise BackendUnavailable(f"the alpha_pattern of {folder / CONFIG} has more than plain names of layers")
    return float(numbers[0]), {str(key): float(value) for key, value in patterns.items()}


def _alpha_of(module: str, alpha: float, patterns: Mapping[str, float]) -> float:
    """As PEFT picks it: of the first pattern that is the layer's whole name (after ^) or a tail of it."""
    for pattern, value in patterns.items():
        if module == pattern.removeprefix("^") or (pattern[0] != "^" and module.endswith(f".{pattern}")):
            return value
    return alpha


def _pairs(folder: Path, tensors: Mapping[str, Tensor]) -> dict[str, dict[str, tuple[str, Tensor]]]:
    """A and B by layer, as they are named in the file."""
    pairs: dict[str, dict[str, tuple[str, Tensor]]] = {}
    for key, tensor in tensors.items():
        found = KEY.fullmatch(key)
        if found is None:
            raise BackendUnavailable(f"the adapter in {folder} has {key[:120]}: only LoRA matrices A and B are used")
        pairs.setdefault(found["module"], {})[found["side"]] = (key, tensor)
    if not pairs or any(len(sides) != 2 for sides in pairs.values()):
        raise BackendUnavailable(f"the adapter in {folder} is not whole: every layer needs lora_A and lora_B")
    return pairs


def _rank(folder: Path, module: str, sides: Mapping[str, tuple[str, Tensor]], layer: Any, base: str) -> int:
    """The rank of a layer's matrices, when they fit it."""
    wide, tall = getattr(layer, "in_features", None), getattr(layer, "out_features", None)
    a, b = sides["A"][1].shape, sides["B"][1].shape
    rank = a[0] if a else 0
    if wide is None or tall is None or not 0 < rank <= max(wide, tall) or a != (rank, wide) or b != (tall, rank):
        raise BackendUnavailable(
            f"the adapter in {folder} is of {base}: {module} has A {list(a)} and B {list(b)}, the layer here is "
            f"[{tall}, {wide}]"
        )
    return rank


def _name_in(model: Any, written: str) -> str | None:
    """What the model calls the layer that an adapter names."""
    names = [written]
    for old, new in OLD_NAMES:
        names.append(old.sub(new, names[-1]))
    for name in names:
        try:
            model.get_submodule(name)
        except AttributeError:
            continue
        return name
    return None


def _are_different(base: str, model_name: str) -> bool:
    """Two hub ids of different models; copies, quantized ones too, keep the beginning of the name."""
    if not (HUB_ID.fullmatch(base) and HUB_ID.fullmatch(model_name)):
        return False
    one, other = sorted((name.rsplit("/", 1)[1].lower() for name in (base, model_name)), key=len)
    return not other.startswith(one)
