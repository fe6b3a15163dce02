"""Record reference vectors of sentence-transformers for tests/models/test_models_minilm.py."""

from __future__ import annotations

import json
from pathlib import Path

from sentence_transformers import SentenceTransformer

from perstream.models.minilm_build import packaged_model

TEXTS = [
    "I am allergic to peanuts.",
    "When is my dentist appointment?",
    "PLATFORM 7 to Zürich 9:40",
    "Anna said: the key is under the pot",
]
DIMENSIONS = 64
"""Enough to tell vectors apart; the file stays small."""


def main() -> None:
    model = SentenceTransformer(str(packaged_model()), device="cpu")
    vectors = model.encode(TEXTS, normalize_embeddings=True)[:, :DIMENSIONS]
    target = Path(__file__).parents[1] / "tests/models/minilm_reference.json"
    rounded = [[round(float(x), 6) for x in row] for row in vectors]
    target.write_text(json.dumps({"texts": TEXTS, "vectors": rounded}, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
