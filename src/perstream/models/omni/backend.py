"""The backend ``qwen-omni``: a model of the transformers library does the seeing, the captions and the answers."""

from __future__ import annotations

import os
from pathlib import Path

from perstream.config import BackendConfig, MomentConfig
from perstream.models.chat.parts import chat_parts
from perstream.models.minilm import MiniLM
from perstream.models.omni.adapters import load_adapters
from perstream.models.omni.loading import load_model
from perstream.models.omni.model import OmniChat
from perstream.models.omni.projection import load_projection
from perstream.models.omni.vision import OmniVision
from perstream.protocols import Backend


def load(config: BackendConfig, moment: MomentConfig) -> Backend:
    """Load the model, its adapters and its projection. BackendUnavailable says in one line what is missing."""
    notes: list[str] = []
    embedder = MiniLM(Path(config.embedder_path) if config.embedder_path else None)
    loaded = load_model(config, note=notes.append)
    chat = OmniChat(loaded)
    vision = OmniVision(loaded, moment.pool_size)
    adapters = load_adapters(loaded, config.adapters, chat.forget_prefixes)
    projection = config.projection_path or os.environ.get("PROJECTION_MODEL_PATH", "")
    parts = chat_parts(chat, embedder, config)
    return Backend(
        name="qwen-omni",
        vision=vision,
        captioner=parts.captioner,
        triplets=parts.triplets,
        embedder=embedder,
        generator=parts.generator,
        project=load_projection(projection, loaded.hidden_size, embedder.dimension) if projection else None,
        batch=vision.batch,
        looks_back=chat.abilities.patch_dimension is not None,
        hears=chat.abilities.sound,
        slow=True,
        adapters=adapters,
        fell_back=lambda: parts.fallbacks.counts,
        notes=tuple(notes),
    )
