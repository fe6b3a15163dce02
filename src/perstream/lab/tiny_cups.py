"""What the tiny Qwen2.5-Omni can learn in seconds: the colour of a drawn cup, from pixels and from stored vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from perstream.lab.tiny_words import COLORS
from perstream.types import ByteArray

SIDE = 56
"""Pixels of a drawn picture; the encoder makes 2 x 2 patch vectors of it."""
RGB = {"red": (200, 30, 30), "green": (30, 170, 50), "blue": (30, 60, 200), "yellow": (220, 200, 40)}
QUESTION = "What colour is the cup?"
SETTING = "You are a memory assistant. Answer from the memories alone."
BATCH = 8
RATE = 4e-3


def draw_cup(color: str, rng: np.random.Generator, side: int = SIDE) -> ByteArray:
    """RGB [side, side, 3]: a grey room with noise and a cup of ``color`` somewhere in it."""
    picture = np.full((side, side, 3), rng.integers(90, 170), np.int16)
    left, top = rng.integers(0, side // 4, 2)
    wide, high = rng.integers(side // 2, 3 * side // 4, 2)
    picture[top : top + high, left : left + wide] = RGB[color]
    picture += rng.integers(-12, 13, picture.shape, dtype=np.int16)
    return picture.clip(0, 255).astype(np.uint8)


def answer(color: str) -> str:
    """What the trained model says about a cup of that colour."""
    return f"The cup is {color}."


def train(model: Any, words: Any, images: Any, steps: int, seed: int) -> None:
    """Fit ``model`` in place: every other step from pixels, else from vectors pooled and kept as fp16."""
    import torch

    rng = np.random.default_rng(seed)
    model.train().requires_grad_(True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps + 1, pct_start=0.2)
    for step in range(steps):
        colors = [COLORS[(step * BATCH + n) % len(COLORS)] for n in range(BATCH)]
        batch = _batch(model, words, images, colors, rng, stored=step % 2 == 1)
        loss = model(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    model.eval().requires_grad_(False)


def _batch(
    model: Any, words: Any, images: Any, colors: list[str], rng: np.random.Generator, *, stored: bool
) -> dict[str, Any]:
    import torch
    from transformers.modeling_outputs import BaseModelOutputWithPooling

    pixels = images(images=[draw_cup(color, rng) for color in colors], return_tensors="pt")
    grid = pixels["image_grid_thw"]
    features = model.get_image_features(pixels["pixel_values"], grid).pooler_output
    if stored:
        features = tuple(f.detach().half().float() for f in features)
    rows, targets = [], []
    for color, vectors in zip(colors, features, strict=True):
        before = (
            f"<|im_start|>system\n{SETTING}<|im_end|>\n<|im_start|>user\n<|vision_bos|>"
            + "<|IMAGE|>" * len(vectors)
            + f"<|vision_eos|>{QUESTION}<|im_end|>\n<|im_start|>assistant\n"
        )
        asked, said = words(before)["input_ids"], words(f"{answer(color)}<|im_end|>")["input_ids"]
        rows.append([*asked, *said])
        targets.append([-100] * len(asked) + said)
    longest = max(map(len, rows))
    ids = torch.tensor([row + [words.pad_token_id] * (longest - len(row)) for row in rows])
    labels = torch.tensor([row + [-100] * (longest - len(row)) for row in targets])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return {
        "input_ids": ids,
        "attention_mask": mask,
        "labels": labels,
        "image_grid_thw": grid,
        "mm_encoder_outputs": {"image": BaseModelOutputWithPooling(pooler_output=features)},
    }
