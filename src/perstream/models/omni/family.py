"""Which models can be used in this process, and what the others lack."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from perstream.errors import BackendUnavailable
from perstream.models.omni.loaded import Loaded
from perstream.models.omni.pixels import look, prepare
from perstream.models.omni.processor import chat_template

Family = Literal["omni", "image-text"]
OMNI = ("qwen2_5_omni", "qwen2_5_omni_thinker")
PROBE_SIDE = 112
"""Side of the picture that a model is tried with, pixels."""


def family_of(name: str, config: Mapping[str, Any]) -> Family:
    """By model_type. BackendUnavailable says why a model of another kind is refused."""
    known: Any = importlib.import_module("transformers.models.auto.configuration_auto")
    kinds: Any = importlib.import_module("transformers.models.auto.modeling_auto")
    kind = str(config["model_type"])
    if kind in OMNI:
        return "omni"
    if kind in kinds.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES:
        return "image-text"
    if kind in kinds.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        reason = "it reads text alone and sees no pictures; serve it and use --answers openai instead"
    elif kind in known.CONFIG_MAPPING_NAMES:
        reason = "it is no model that answers in text about pictures"
    elif "auto_map" in config:
        reason = "it needs program code from its repository, which is never run"
    else:
        reason = "this version of transformers does not know it"
    raise BackendUnavailable(f"{name} ({kind}) cannot be used: {reason}")


def require_abilities(name: str, model: Any, processor: Any) -> None:
    """BackendUnavailable names every ability that a model or its processor lacks."""
    lacks = []
    if not callable(getattr(model, "get_image_features", None)):
        lacks.append("get_image_features (pictures to vectors)")
    if not getattr(model, "can_generate", lambda: False)():
        lacks.append("generate (answers in words)")
    if getattr(processor, "image_processor", None) is None:
        lacks.append("an image processor")
    if not isinstance(getattr(model.config, "image_token_id", None), int):
        lacks.append("image_token_id (where picture vectors go in a prompt)")
    if chat_template(processor) is None:
        lacks.append("a chat template")
    if lacks:
        raise BackendUnavailable(f"{name} ({model.config.model_type}) cannot be used: it lacks {', '.join(lacks)}")


def require_vectors(loaded: Loaded) -> None:
    """Look at one small picture: BackendUnavailable when no vectors [n, hidden_size] come of it."""
    import torch

    ramp = np.linspace(0, 255, PROBE_SIDE * PROBE_SIDE * 3).astype(np.uint8).reshape(PROBE_SIDE, PROBE_SIDE, 3)
    with loaded.lock, torch.inference_mode():
        (vectors,) = look(loaded, [prepare(loaded, ramp, PROBE_SIDE * PROBE_SIDE)]).pooler_output
    if vectors.shape[-1] != loaded.hidden_size:
        raise BackendUnavailable(
            f"{loaded.name} ({loaded.model.config.model_type}) cannot be used: its picture vectors are "
            f"{list(vectors.shape)}, its words [{loaded.hidden_size}]"
        )
