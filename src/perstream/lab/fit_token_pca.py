"""Fit the projection that compresses token vectors (the data file beside memory/compress.py).

Run once per text embedder: ``python -m perstream.lab.fit_token_pca``. The text it is fitted on is
made here, from sentence patterns and the embedder's own vocabulary, so that the file may be shipped
and made again anywhere.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np

from perstream.categories import CATEGORIES
from perstream.models.minilm import MiniLM, default_folder
from perstream.types import FloatArray

PATTERNS = (
    "I saw the {a} beside the {b} this morning.",
    "What did {n} say about the {a} and the {b}?",
    "{n}: I love {a}, it makes me think of {b} [a photo of a {a} and a {b}]",
    "My {a} is in the {b}, next to the {c}.",
    "When did I buy the {a} for {n}?",
    "A sign reads {a} {b} {c}.",
    "{n} told me that the {a} will be at {t} on {d}.",
    "{n}: Wow, that {a} sounds great! How was the {b}?",
    "I usually {a} before {b} and {c} after work.",
    "The {a} is {b} and the {c} was {e} last {d}.",
    "Where is the {a} that {n} gave me in {m}?",
    "I am allergic to {a} and {b}.",
    "We went {a} with {n} and her {b} two weeks ago.",
    "How many {a} are on the {b}?",
    "Yesterday I finally finished the {a} about {b}, thanks to {n}.",
    "Your appointment with {n} is on {d} {t} at the {a}.",
    "someone holds a {a}, two people, a bright room, the camera turns left",
    "Which {a} does {n} like, {b} or {c}?",
)
NAMES = (
    "Anna Ben Carla David Emma Farid Grace Hiro Ines Jonas Kofi Lena Maria Noah Olga Paul Rosa Sam Tara Yusuf".split()
)
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January March May June August October December".split()
TIMES = ("9:40", "5 pm", "noon", "10 am", "17:30", "half past eight")


def sentences(vocabulary: list[str], count: int, seed: int = 0) -> list[str]:
    """``count`` sentences over ``vocabulary`` and the phrases of the categories."""
    rng = random.Random(seed)
    phrases = [phrase for category in CATEGORIES for phrase in category.phrases]
    out = []
    for i in range(count):
        a, b, c, e = rng.sample(vocabulary, 4)
        if i % 5 == 0:
            a = rng.choice(phrases)
        out.append(
            PATTERNS[i % len(PATTERNS)].format(
                a=a, b=b, c=c, e=e, n=rng.choice(NAMES), d=rng.choice(DAYS), m=rng.choice(MONTHS), t=rng.choice(TIMES)
            )
        )
    return out


def fit(tokens: FloatArray, dimension: int) -> tuple[FloatArray, float]:
    """Principal axes [dimension, d] of unit vectors about 0, and the share of their energy kept."""
    values, axes = np.linalg.eigh(tokens.T.astype(np.float64) @ tokens.astype(np.float64))
    return np.asarray(axes[:, ::-1][:, :dimension].T, np.float32), float(values[::-1][:dimension].sum() / values.sum())


def main() -> None:
    """Write src/perstream/memory/token_axes.npz."""
    from perstream.memory import compress

    vocabulary = json.loads((default_folder() / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    words = sorted(word for word in vocabulary if word.isascii() and word.isalpha() and len(word) > 2)
    model = MiniLM()
    tokens = np.concatenate([model.embed_tokens(text).tokens for text in sentences(words, 6000)])
    axes, kept = fit(tokens, compress.DIMENSION)
    path = Path(compress.__file__).with_name(compress.AXES_FILE)
    np.savez_compressed(path, axes=axes.astype(np.float16))
    print(json.dumps({"file": str(path), "tokens": len(tokens), "energy_kept": round(kept, 4)}))


if __name__ == "__main__":
    main()
