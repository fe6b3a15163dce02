"""Qwen2.5-Omni thinkers of the true 7B and 3B shapes with random weights, made on the device: for speed and memory only."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from perstream.errors import BackendError, BackendUnavailable
from perstream.lab.tiny_words import SPECIAL, thinker_config, tokenizer
from perstream.models.omni.loaded import Loaded
from perstream.models.omni.patching import Patching
from perstream.models.omni.windows import batch_windows

VOCABULARY = {"7b": 152_064, "3b": 151_936, "tiny": 1024}
"""``tiny`` is no published size: it tries the commands where there is no room."""
TEXT: dict[str, dict[str, Any]] = {
    "7b": {
        "hidden_size": 3584,
        "intermediate_size": 18_944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
    },
    "3b": {
        "hidden_size": 2048,
        "intermediate_size": 11_008,
        "num_hidden_layers": 36,
        "num_attention_heads": 16,
        "num_key_value_heads": 2,
    },
    "tiny": {
        "hidden_size": 256,
        "intermediate_size": 256,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
    },
}
VISION: dict[str, Any] = {
    "depth": 32,
    "hidden_size": 1280,
    "intermediate_size": 3420,
    "num_heads": 16,
    "fullatt_block_indexes": [7, 15, 23, 31],
}
"""The tower of both sizes; only the length of its vectors differs."""
TINY_VISION = {"depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "fullatt_block_indexes": [1]}
TINY_AUDIO = {"encoder_layers": 1, "d_model": 32, "encoder_attention_heads": 2, "encoder_ffn_dim": 32}
PICTURES = Patching(
    patch=14,
    merge=2,
    frames=2,
    mean=(0.48145466, 0.4578275, 0.40821073),
    std=(0.26862954, 0.26130258, 0.27577711),
    least=3136,
    most=12_845_056,
)
DTYPES = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}


def random_model(size: str, device: str, dtype: str) -> Loaded:
    """A thinker of the ``7b``, ``3b`` or ``tiny`` shape on ``device``. BackendUnavailable when torch or memory is lacking."""
    try:
        import torch
        from transformers import Qwen2_5OmniThinkerForConditionalGeneration as Thinker
    except ImportError as error:
        raise BackendUnavailable(f"this needs torch and transformers ({error.name} is missing)") from error
    words = tokenizer(VOCABULARY[size])
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, DTYPES[dtype]))
    try:
        with torch.device(device):
            model: Any = Thinker(shape(size, words))
    except torch.OutOfMemoryError as error:
        raise BackendUnavailable(f"no room for random weights of the {size} shape in {dtype} on {device}") from error
    finally:
        torch.set_default_dtype(before)
    model.eval().requires_grad_(False)
    model.generation_config.update(
        eos_token_id=words.convert_tokens_to_ids("<|im_end|>"), pad_token_id=words.pad_token_id
    )
    width = int(TEXT[size]["hidden_size"])
    loaded = Loaded(f"random {size}", model, BareProcessor(words), "omni", device, dtype, width)
    batch_windows(loaded)
    return loaded


def shape(size: str, words: Any) -> Any:
    """The configuration of a published size with the token ids of ``words``."""
    width = TEXT[size]["hidden_size"]
    text = {
        **TEXT[size],
        "vocab_size": VOCABULARY[size],
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
        "pad_token_id": words.pad_token_id,
    }
    return thinker_config(
        words,
        text_config=text,
        vision_config={**(TINY_VISION if size == "tiny" else VISION), "out_hidden_size": width},
        audio_config={**(TINY_AUDIO if size == "tiny" else {}), "output_dim": width},
    )


@dataclass(frozen=True, slots=True)
class BareProcessor:
    """Text and pictures with the published settings: no files, no PIL, no sound."""

    tokenizer: Any
    image_processor: Patching = PICTURES
    image_token: str = SPECIAL["image_token"]
    audio_token: str = SPECIAL["audio_token"]
    feature_extractor: None = None

    def apply_chat_template(self, conversation: Any, **options: Any) -> str:
        """The tokenizer's own."""
        return str(self.tokenizer.apply_chat_template(conversation, **options))


def quantize(model: Any, compute: str) -> int:
    """Put the text decoder's linear layers into nf4 (bitsandbytes), in place; how many. BackendError without it."""
    import torch

    try:
        kinds: Any = importlib.import_module("bitsandbytes.nn")
    except ImportError as error:
        raise BackendError("4-bit weights need bitsandbytes") from error
    decoder = model.get_decoder()
    layers = [
        (name, layer)
        for name, layer in decoder.named_modules()
        if isinstance(layer, torch.nn.Linear) and "proj" in name
    ]
    for name, layer in layers:
        made = kinds.Linear4bit(
            layer.in_features,
            layer.out_features,
            bias=layer.bias is not None,
            compute_dtype=getattr(torch, DTYPES[compute]),
            quant_type="nf4",
            compress_statistics=True,
            device="meta",
        )
        device = layer.weight.device
        made.weight = type(made.weight)(layer.weight.data.cpu(), requires_grad=False, quant_type="nf4")
        made.bias = layer.bias
        parent, _, child = name.rpartition(".")
        setattr(decoder.get_submodule(parent), child, made.to(device))
    return len(layers)
