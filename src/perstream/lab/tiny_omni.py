"""A tiny Qwen2.5-Omni thinker with random weights, for tests, dry runs and benchmarks only.

It has the real classes, the real processor parts and the real checkpoint layout, and it knows nothing: what it says
about a picture tells about the code around it, never about the quality of a real model. After ``train_steps`` it
names the colour of a drawn cup, so that "the answer changes with the picture" can be seen.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from perstream.errors import BackendUnavailable
from perstream.lab.tiny_cups import train
from perstream.lab.tiny_words import TEMPLATE, thinker_config, tokenizer

HIDDEN = 64
AUDIO_SECONDS = 30


def build_tiny(folder: Path, *, seed: int = 0, official_layout: bool = False, train_steps: int = 0) -> Path:
    """Write model, tokenizer and preprocessor files to ``folder`` (made when missing) and return it.

    ``official_layout`` writes them as the published checkpoints are laid out: ``model_type`` qwen2_5_omni on top, the
    thinker's weights under ``thinker.`` in two files beside those of a talker. Raises BackendUnavailable without torch
    and transformers.
    """
    try:
        import torch
        from transformers import Qwen2_5OmniThinkerForConditionalGeneration as Thinker
    except ImportError as error:
        raise BackendUnavailable(f"The tiny model needs torch and transformers ({error.name} is missing)") from error

    folder.mkdir(parents=True, exist_ok=True)
    words = tokenizer()
    state = torch.random.get_rng_state()
    torch.manual_seed(seed)
    try:
        model: Any = Thinker(config_of(words))
        model.eval()
        if train_steps:
            train(model, words, _images(), train_steps, seed)
    finally:
        torch.random.set_rng_state(state)
    model.requires_grad_(False)
    words.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(_preprocessor(), indent=2), encoding="utf-8")
    (folder / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
    stop = {"eos_token_id": [words.convert_tokens_to_ids(w) for w in ("<|im_end|>", "<|endoftext|>")]}
    model.generation_config.update(**stop, pad_token_id=words.pad_token_id)
    model.save_pretrained(folder)
    if official_layout:
        _as_published(folder, model)
    return folder


def config_of(words: Any) -> Any:
    """The thinker's configuration: every size small, every token id from ``words``."""
    # With the usual 0.02 greedy tokens stay the same even under wrong positions, and tests would be blind.
    spread = {"initializer_range": 0.2}
    text = {
        "vocab_size": -(-len(words) // 64) * 64,
        "hidden_size": HIDDEN,
        "intermediate_size": 2 * HIDDEN,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 8192,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]},
        "pad_token_id": words.pad_token_id,
        "eos_token_id": words.convert_tokens_to_ids("<|im_end|>"),
        **spread,
    }
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 4,
        "out_hidden_size": HIDDEN,
        "fullatt_block_indexes": [1],
        **spread,
    }
    audio = {
        "num_mel_bins": 32,
        "encoder_layers": 1,
        "encoder_attention_heads": 2,
        "encoder_ffn_dim": 32,
        "d_model": 32,
        "output_dim": HIDDEN,
        **spread,
    }
    return thinker_config(words, text_config=text, vision_config=vision, audio_config=audio, **spread)


def _preprocessor() -> dict[str, Any]:
    """One file for pictures and sound, as the published checkpoints have it."""
    return {
        "processor_class": "Qwen2_5OmniProcessor",
        "image_processor_type": "Qwen2VLImageProcessor",
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
        "min_pixels": 4 * 28 * 28,
        "max_pixels": 64 * 28 * 28,
        "patch_size": 14,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "feature_extractor_type": "WhisperFeatureExtractor",
        "feature_size": 32,
        "sampling_rate": 16000,
        "hop_length": 160,
        "n_fft": 400,
        "chunk_length": AUDIO_SECONDS,
        "n_samples": AUDIO_SECONDS * 16000,
        "nb_max_frames": AUDIO_SECONDS * 100,
        "dither": 0.0,
        "padding_side": "right",
        "padding_value": 0.0,
        "return_attention_mask": True,
    }


def _images() -> Any:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    kept = ("image_mean", "image_std", "min_pixels", "max_pixels", "patch_size", "temporal_patch_size", "merge_size")
    return Qwen2VLImageProcessorPil(**{name: value for name, value in _preprocessor().items() if name in kept})


def _as_published(folder: Path, model: Any) -> None:
    """Put what ``save_pretrained`` wrote into the layout of the published checkpoints."""
    import torch
    from safetensors.torch import load_file, save_file

    single = folder / "model.safetensors"
    tensors = {f"thinker.{name}": tensor for name, tensor in load_file(single).items()}
    tensors["talker.model.embed_tokens.weight"] = torch.zeros(8, 8)
    single.unlink()
    names = sorted(tensors)
    halves = (names[: len(names) // 2], names[len(names) // 2 :])
    where: dict[str, str] = {}
    for number, half in enumerate(halves, start=1):
        file = f"model-{number:05d}-of-{len(halves):05d}.safetensors"
        save_file({name: tensors[name] for name in half}, folder / file, metadata={"format": "pt"})
        where.update(dict.fromkeys(half, file))
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    index = {"metadata": {"total_size": size}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2), encoding="utf-8")
    top = {
        "architectures": ["Qwen2_5OmniModel"],
        "model_type": "qwen2_5_omni",
        "enable_audio_output": True,
        "enable_talker": True,
        "thinker_config": model.config.to_dict(),
    }
    (folder / "config.json").write_text(json.dumps(top, indent=2), encoding="utf-8")
