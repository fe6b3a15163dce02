"""Tiny random-weight models of other families than Qwen2.5-Omni, as folders on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

WIDTH = 32
SPREAD = {"initializer_range": 0.2}
QWEN_PICTURES = {
    "image_processor_type": "Qwen2VLImageProcessor",
    "min_pixels": 4 * 28 * 28,
    "max_pixels": 64 * 28 * 28,
    "patch_size": 14,
    "temporal_patch_size": 2,
    "merge_size": 2,
}


def build_kin(folder: Path, kind: str) -> Path:
    """A whole folder of ``qwen2_5_vl``, ``qwen3_vl``, ``smolvlm``, ``idefics3``, ``llava`` or ``qwen2`` (text alone)."""
    import torch
    import transformers

    from perstream.lab.tiny_words import tokenizer

    words = tokenizer()
    image = words.convert_tokens_to_ids("<|IMAGE|>")
    config, pictures = _parts(kind, words, image)
    maker: Any = transformers.AutoModelForCausalLM if kind == "qwen2" else transformers.AutoModelForImageTextToText
    state = torch.random.get_rng_state()
    torch.manual_seed(0)
    model = maker.from_config(config).eval()
    torch.random.set_rng_state(state)
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(pictures), encoding="utf-8")
    return folder


def _parts(kind: str, words: Any, image: int) -> tuple[Any, dict[str, Any]]:
    import transformers as tf

    text = {
        "vocab_size": 448,
        "hidden_size": WIDTH,
        "intermediate_size": WIDTH,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "pad_token_id": words.pad_token_id,
        "eos_token_id": words.eos_token_id,
        "bos_token_id": words.pad_token_id,
        **SPREAD,
    }
    square = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    square |= {"image_size": 56, "patch_size": 14}
    if kind == "qwen2":
        return tf.Qwen2Config(**text), QWEN_PICTURES
    if kind == "qwen2_5_vl":
        text["rope_parameters"] = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]}
        tower = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": WIDTH}
        tower["fullatt_block_indexes"] = [0]
        start, end = (words.convert_tokens_to_ids(f"<|vision_{side}|>") for side in ("bos", "eos"))
        ids = {"image_token_id": image, "vision_start_token_id": start, "vision_end_token_id": end}
        ids["video_token_id"] = words.convert_tokens_to_ids("<|VIDEO|>")
        return tf.Qwen2_5_VLConfig(text_config=text, vision_config=tower, **ids), QWEN_PICTURES
    if kind == "qwen3_vl":
        text |= {"head_dim": 16}
        text["rope_parameters"] = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]}
        tower = {"depth": 2, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": WIDTH}
        tower |= {"patch_size": 14, "deepstack_visual_indexes": [0], "num_position_embeddings": 64}
        start, end = (words.convert_tokens_to_ids(f"<|vision_{side}|>") for side in ("bos", "eos"))
        ids = {"image_token_id": image, "vision_start_token_id": start, "vision_end_token_id": end}
        ids["video_token_id"] = words.convert_tokens_to_ids("<|VIDEO|>")
        return tf.Qwen3VLConfig(text_config=text, vision_config=tower, **ids), QWEN_PICTURES
    if kind in ("smolvlm", "idefics3"):
        pictures = {
            "image_processor_type": f"{'SmolVLM' if kind == 'smolvlm' else 'Idefics3'}ImageProcessor",
            "size": {"longest_edge": 56},
            "max_image_size": {"longest_edge": 56},
        }
        made: Any = tf.SmolVLMConfig if kind == "smolvlm" else tf.Idefics3Config
        return made(
            text_config={"model_type": "llama", **text}, vision_config=square, image_token_id=image, scale_factor=2
        ), pictures
    pictures = {
        "image_processor_type": "CLIPImageProcessor",
        "size": {"shortest_edge": 56},
        "crop_size": {"height": 56, "width": 56},
    }
    return tf.LlavaConfig(
        text_config={"model_type": "llama", **text},
        vision_config={"model_type": "clip_vision_model", **square},
        image_token_index=image,
        image_seq_length=16,
    ), pictures
