"""Vision encoders by the backend's name, with the name that a cache of their vectors bears."""

from __future__ import annotations

from dataclasses import replace

from perstream.config import BackendConfig, MomentConfig
from perstream.models.registry import load_backend
from perstream.protocols import VisionEncoder


def encoder_of(config: BackendConfig, pool_size: int) -> tuple[str, VisionEncoder]:
    """The encoder of a backend with grids of ``pool_size``; for qwen-omni the model alone is loaded.

    BackendUnavailable says what is missing.
    """
    name = config.vision or config.name
    if name == "qwen-omni":
        from perstream.models.omni.loading import load_model
        from perstream.models.omni.vision import OmniVision

        loaded = load_model(config)
        return loaded.name, OmniVision(loaded, pool_size)
    backend = load_backend(replace(config, name=name, vision=""), MomentConfig(pool_size=pool_size))
    # What stands for no model of its own sees with the builtin eyes.
    kind = type(backend.vision).__name__
    return ("builtin" if kind == "BuiltinVision" else f"{backend.name} {kind}"), backend.vision
