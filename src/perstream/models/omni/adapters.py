"""LoRA adapters of a loaded model: put on in place, switched between two answers, taken off without a trace.

``loaded.model`` stays the same object throughout. Without an active adapter its numbers are those of the base, bit for
bit; after the last adapter is unloaded its layers are the original ones again.
"""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

from perstream.errors import BackendUnavailable, ConfigError, NotFound
from perstream.models.omni.adapter_file import AdapterFile, parse_adapter, read_adapter, require_name
from perstream.models.omni.loaded import Loaded


class OmniAdapters:
    """The adapters of one model (``perstream.protocols.Adapters``). Thread-safe.

    A switch waits for the answer in the making; files are read beside it.
    """

    def __init__(self, loaded: Loaded, changed: Callable[[], None] = lambda: None) -> None:
        """``changed`` is called, under the model's lock, whenever other weights answer: caches are then void."""
        self._loaded = loaded
        self._changed = changed
        self._one_at_a_time = threading.RLock()
        self._slots: dict[str, str] = {}  # never changed in place: status reads it while an answer holds the model
        self._numbers = count()
        self._active: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Loaded ones, in the order in which they came."""
        return tuple(self._slots)

    @property
    def active(self) -> str | None:
        """The one in use."""
        return self._active

    def load(self, name: str, path: str) -> None:
        """Put one beside the others; the one in use stays in use.

        ConfigError for a name that is no plain word, BackendUnavailable for a name in use, a missing or broken folder
        and an adapter of another model: the model is then as it was.
        """
        require_name(name)
        with self._one_at_a_time:
            if name in self._slots:
                raise BackendUnavailable(f"there is an adapter {name} already: unload it first")
            file = read_adapter(path, self._loaded.model, self._loaded.name)
            slot = f"slot{next(self._numbers)}"  # a name of its own: PEFT allows no dots, and keys of dicts collide
            try:
                tensors = _read(file)
                with self._loaded.lock:
                    _put_on(self._loaded.model, file, tensors, slot, self._slots.get(self._active or ""))
            except Exception as error:
                said = " ".join(str(error).split())[:300]
                raise BackendUnavailable(f"adapter {name} cannot be put on {self._loaded.name}: {said}") from error
            self._slots = {**self._slots, name: slot}

    def use(self, name: str | None) -> None:
        """Switch; None is the model as it came. NotFound for an unknown name."""
        with self._one_at_a_time:
            slot = None if name is None else self._slot(name)
            if name == self._active:
                return
            with self._loaded.lock:
                _activate(self._loaded.model, slot)
                self._active = name
                self._changed()

    def unload(self, name: str) -> None:
        """Let one go; when it was in use, the model is as it came. NotFound for an unknown name."""
        with self._one_at_a_time:
            slot = self._slot(name)
            if name == self._active:
                self.use(None)
            with self._loaded.lock:
                _take_off(self._loaded.model, slot)
            self._slots = {other: kept for other, kept in self._slots.items() if other != name}

    def _slot(self, name: str) -> str:
        if name not in self._slots:
            raise NotFound(f"no adapter {name[:80]!r}; there are: {', '.join(self._slots) or 'none'}")
        return self._slots[name]


def load_adapters(loaded: Loaded, wanted: Sequence[str], changed: Callable[[], None] = lambda: None) -> OmniAdapters:
    """All of the settings' NAME=PATH, the first one in use. ConfigError, BackendUnavailable as ``OmniAdapters.load``."""
    pairs = [parse_adapter(text) for text in wanted]
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ConfigError(f"two adapters have one name: {', '.join(names)}")
    adapters = OmniAdapters(loaded, changed)
    for name, path in pairs:
        adapters.load(name, path)
    if names:
        adapters.use(names[0])
    return adapters


def _layers(model: Any) -> Iterator[tuple[str, Any]]:
    """All layers that carry adapters."""
    from peft.tuners.lora import LoraLayer

    return ((name, module) for name, module in model.named_modules() if isinstance(module, LoraLayer))


def _read(file: AdapterFile) -> dict[str, Any]:
    """The adapter's matrices, in main memory. ValueError for numbers that are none."""
    import torch
    from safetensors.torch import load_file

    tensors: dict[str, Any] = load_file(file.weights, device="cpu")
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise ValueError("it has numbers that are not finite")
    return tensors


def _put_on(model: Any, file: AdapterFile, tensors: dict[str, Any], slot: str, active: str | None) -> None:
    """Add an adapter's matrices to the layers; ``active`` stays in use. The model is as it was when this raises."""
    from peft import LoraConfig, inject_adapter_in_model

    config = LoraConfig(
        target_modules=list(file.modules),
        rank_pattern={f"^{re.escape(name)}": module.rank for name, module in file.modules.items()},
        alpha_pattern={f"^{re.escape(name)}": module.alpha for name, module in file.modules.items()},
        use_rslora=file.scale_by_root,
        init_lora_weights=False,
        inference_mode=True,
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PEFT warns of a second adapter, which is the purpose here
            inject_adapter_in_model(config, model, adapter_name=slot)
        for name, module in file.modules.items():
            layer = model.get_submodule(name)
            for part, key in zip((layer.lora_A, layer.lora_B), module.keys, strict=True):
                part[slot].weight.data.copy_(tensors[key])
        model.eval().requires_grad_(False)
    except BaseException:
        _take_off(model, slot)
        raise
    finally:
        _forget_config(model)
        _activate(model, active)


def _activate(model: Any, slot: str | None) -> None:
    for _, layer in _layers(model):
        layer.set_adapter([] if slot is None else [slot], inference_mode=True)


def _take_off(model: Any, slot: str) -> None:
    """Remove one; a layer without adapters is the original one again."""
    for name, layer in list(_layers(model)):
        layer.set_adapter([active for active in layer.active_adapters if active != slot], inference_mode=True)
        layer.delete_adapter(slot)
        if not layer.lora_A:
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, layer.base_layer)


def _forget_config(model: Any) -> None:
    """PEFT leaves its configuration on the model; what is loaded is known here."""
    if hasattr(model, "peft_config"):
        del model.peft_config
