"""A prompt as the model's own keyword arguments: features in their places, positions said outright.

Three silent failures of the library are closed here: image tokens without features, a grid that is left out, and
positions taken from an earlier prompt give wrong answers and no error, so counts are checked and positions computed.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from perstream.errors import BackendError
from perstream.models.omni.loaded import Loaded
from perstream.models.omni.pixels import Pixels, look
from perstream.models.omni.places import Stored
from perstream.models.omni.prompt import Prompt
from perstream.models.omni.sound import Mel, sound_inputs


def check(loaded: Loaded, prompt: Prompt) -> None:
    """BackendError unless every place has as many tokens as vectors and as its grid says."""
    config = loaded.model.config
    for kind, media in (("image", (Pixels, Stored)), ("audio", (Mel,))):
        token = getattr(config, f"{kind}_token_id", None)
        places = [place for place in prompt.places if isinstance(place.medium, media)]
        tokens = prompt.ids.count(token) if isinstance(token, int) else 0
        vectors = sum(place.medium.tokens for place in places)
        if tokens != vectors:
            raise BackendError(f"the prompt has {tokens} {kind} tokens for {vectors} vectors")
        for place in places:
            run = prompt.ids[place.start : place.start + place.medium.tokens]
            if set(run) != {token}:
                raise BackendError(f"a place for {kind} vectors is cut or moved in the prompt")
    for place in prompt.places:
        medium = place.medium
        if isinstance(medium, Stored) and len(medium.vectors) != int(np.prod(medium.grid)) // 4:
            raise BackendError(f"{len(medium.vectors)} stored vectors do not fill a grid of {medium.grid}")


def positions(loaded: Loaded, prompt: Prompt) -> Any:
    """Position ids for the whole prompt: [3, 1, n] for models that place pictures in time, height and width."""
    import torch

    rope = getattr(loaded.model, "get_rope_index", None) or getattr(loaded.model.model, "get_rope_index", None)
    ids = torch.tensor([prompt.ids])
    row = torch.arange(len(prompt.ids))
    if rope is None:
        return row.view(1, -1).to(loaded.device)
    grids = [place.medium.grid for place in prompt.places if not isinstance(place.medium, Mel)]
    if not grids:
        return row.view(1, 1, -1).expand(3, 1, -1).to(loaded.device)
    sounds = [place.medium.frames for place in prompt.places if isinstance(place.medium, Mel)]
    known = {
        "input_ids": ids,
        "image_grid_thw": torch.tensor(grids),
        "attention_mask": torch.ones_like(ids),
        "mm_token_type_ids": (ids == loaded.model.config.image_token_id).int(),
        "audio_seqlens": torch.tensor(sounds) if sounds else None,
    }
    taken = inspect.signature(rope).parameters
    found, _ = rope(**{name: value for name, value in known.items() if name in taken and value is not None})
    if found.shape[-1] != len(prompt.ids):
        raise BackendError(f"{found.shape[-1]} positions for {len(prompt.ids)} tokens")
    return found.to(loaded.device)


def media_inputs(loaded: Loaded, prompt: Prompt, start: int, end: int) -> dict[str, Any]:
    """Keyword arguments of ``forward`` and ``generate`` for the pictures and sounds in a stretch of tokens.

    Pictures are looked at here, all of a stretch in one pass; the caller holds the lock and is in inference mode.
    """
    import torch
    from transformers.modeling_outputs import BaseModelOutputWithPooling

    media = [place.medium for place in prompt.within(start, end)]
    inputs = sound_inputs(loaded, [medium for medium in media if isinstance(medium, Mel)])
    images = [medium for medium in media if not isinstance(medium, Mel)]
    if not images:
        return inputs
    seen = [medium for medium in images if isinstance(medium, Pixels)]
    outputs: Any = look(loaded, seen) if seen else None
    if outputs is None or len(seen) < len(images):
        fresh = iter(outputs.pooler_output if outputs is not None else ())
        vectors = tuple(
            next(fresh)
            if isinstance(medium, Pixels)
            else torch.from_numpy(np.array(medium.vectors)).to(loaded.device, loaded.model.dtype)
            for medium in images
        )
        kind: Any = BaseModelOutputWithPooling
        outputs = kind(pooler_output=vectors)
    for medium, vectors in zip(images, outputs.pooler_output, strict=True):
        if len(vectors) != medium.tokens:
            raise BackendError(f"a picture gave {len(vectors)} vectors for {medium.tokens} tokens")
    return {**inputs, "mm_encoder_outputs": {"image": outputs}}


def takes_patches(loaded: Loaded) -> bool:
    """Whether stored vectors alone can stand for a picture: models with pictures at several depths need more."""
    vision = getattr(loaded.model.config, "vision_config", None)
    deep = getattr(vision, "deepstack_visual_indexes", None)
    return "mm_encoder_outputs" in inspect.signature(loaded.model.forward).parameters and not deep
