"""The tokenizer and chat template of the tiny Qwen2.5-Omni: trained here, in a moment, on a few sentences."""

from __future__ import annotations

import json
from typing import Any

SPECIAL = {
    "eos_of_text": "<|endoftext|>",
    "turn_start": "<|im_start|>",
    "turn_end": "<|im_end|>",
    "audio_token": "<|AUDIO|>",
    "audio_bos_token": "<|audio_bos|>",
    "audio_eos_token": "<|audio_eos|>",
    "box_end": "<|box_end|>",
    "quad_start": "<|quad_start|>",
    "quad_end": "<|quad_end|>",
    "vision_bos_token": "<|vision_bos|>",
    "vision_eos_token": "<|vision_eos|>",
    "vision_pad": "<|vision_pad|>",
    "image_token": "<|IMAGE|>",
    "video_token": "<|VIDEO|>",
}
NAMED = (
    "image_token",
    "audio_token",
    "video_token",
    "vision_bos_token",
    "vision_eos_token",
    "audio_bos_token",
    "audio_eos_token",
)
COLORS = ("red", "green", "blue", "yellow")
SENTENCES = (
    "What colour is the cup?",
    *(f"The cup is {color}." for color in COLORS),
    "You are a memory assistant. Answer from the memories alone.",
    "Where are my keys? The keys lie on the table. When did I see them? Who was it?",
    "I am allergic to peanuts. I have no memory of that.",
    "</silence> </response> (M1) (M2.1) (V)",
    '[{"subject": "I", "predicate": "have", "object": "a cup"}]',
    "system user assistant 0123456789",
)
TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message['role'] + '\n' -}}"
    "{%- if message['content'] is string -%}{{- message['content'] -}}{%- else -%}"
    "{%- for part in message['content'] -%}"
    "{%- if part['type'] == 'image' -%}{{- '<|vision_bos|><|IMAGE|><|vision_eos|>' -}}"
    "{%- elif part['type'] == 'audio' -%}{{- '<|audio_bos|><|AUDIO|><|audio_eos|>' -}}"
    "{%- elif part['type'] == 'video' -%}{{- '<|vision_bos|><|VIDEO|><|vision_eos|>' -}}"
    "{%- elif 'text' in part -%}{{- part['text'] -}}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}"
    "{{- '<|im_end|>\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}"
)


def tokenizer(size: int = 0) -> Any:
    """A Qwen2Tokenizer of 256 bytes, a few merges and the special tokens, with ``TEMPLATE``.

    ``size`` fills the vocabulary up with made-up words, so that whatever a model of that many tokens says is text.
    """
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, trainers
    from transformers import Qwen2Tokenizer

    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.train_from_iterator(
        SENTENCES * 4,
        trainers.BpeTrainer(
            vocab_size=480,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            special_tokens=["<|endoftext|>"],
            show_progress=False,
        ),
    )
    merges: Any = [tuple(pair) for pair in json.loads(trained.to_str())["model"]["merges"]]
    vocabulary = trained.get_vocab()
    room = range(len(vocabulary), size - len(SPECIAL))
    vocabulary.update({f"\u0120w{number}": number for number in room})
    words = Qwen2Tokenizer(
        vocab=vocabulary,
        merges=merges,
        pad_token="<|endoftext|>",
        eos_token="<|im_end|>",
        unk_token="<|endoftext|>",
        extra_special_tokens={name: SPECIAL[name] for name in NAMED},
        chat_template=TEMPLATE,
    )
    words.add_tokens([AddedToken(token, special=True) for token in SPECIAL.values()])
    return words


def thinker_config(words: Any, **shape: Any) -> Any:
    """A thinker's configuration of that shape, with every token id from ``words``."""
    from transformers import Qwen2_5OmniThinkerConfig

    ids = {name: words.convert_tokens_to_ids(token) for name, token in SPECIAL.items()}
    made: Any = Qwen2_5OmniThinkerConfig
    config = made(
        image_token_index=ids["image_token"],
        video_token_index=ids["video_token"],
        audio_token_index=ids["audio_token"],
        audio_start_token_id=ids["audio_bos_token"],
        audio_end_token_id=ids["audio_eos_token"],
        pad_token_id=words.pad_token_id,
        **shape,
    )
    config.vision_start_token_id = ids["vision_bos_token"]
    config.vision_end_token_id = ids["vision_eos_token"]
    return config
