"""The text embedder on ONNX Runtime."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from perstream.errors import BackendUnavailable
from perstream.models import minilm_build
from perstream.models.minilm import MiniLM

TEXTS = [
    "I am allergic to peanuts.",
    "When is my dentist appointment?",
    "PLATFORM 7 to Zürich 9:40",
    "",
    "日本語のテキスト",
    "word " * 900,
    "emoji 🙂 and\nline breaks\t!",
]


@pytest.fixture(scope="module")
def embedder() -> MiniLM:
    return MiniLM()


def test_pooled_vectors_are_unit_length_and_independent_of_the_batch(embedder: MiniLM) -> None:
    together = embedder.embed(TEXTS)
    assert together.shape == (len(TEXTS), 384)
    assert np.allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)
    for text, row in zip(TEXTS, together, strict=True):
        assert float(embedder.embed([text])[0] @ row) > 0.9999
        assert float(embedder.embed_tokens(text).pooled @ row) > 0.9999


def test_no_texts(embedder: MiniLM) -> None:
    assert embedder.embed([]).shape == (0, 384)


def test_token_vectors_leave_out_special_tokens_and_punctuation(embedder: MiniLM) -> None:
    vectors = embedder.embed_tokens("Anna, my sister!")
    assert vectors.words == ("anna", "my", "sister")
    assert vectors.tokens.shape == (3, 384)
    assert np.allclose(np.linalg.norm(vectors.tokens, axis=1), 1.0, atol=1e-5)
    assert embedder.embed_tokens("").tokens.shape == (0, 384)


def test_meaning(embedder: MiniLM) -> None:
    allergy, peanut, train = embedder.embed(["I am allergic to peanuts", "peanut allergy", "train platform"])
    assert float(allergy @ peanut) > 0.7
    assert float(allergy @ train) < 0.2


def test_a_huge_text_is_cut_not_refused(embedder: MiniLM) -> None:
    assert embedder.embed(["x" * 10_000_000]).shape == (1, 384)


def test_same_vectors_as_sentence_transformers(embedder: MiniLM) -> None:
    if importlib.util.find_spec("sentence_transformers") is None:
        pytest.skip("sentence-transformers is not installed; scripts/test.sh says why")
    from sentence_transformers import SentenceTransformer

    reference = SentenceTransformer(str(minilm_build.packaged_model()), device="cpu")
    expected = reference.encode(TEXTS, normalize_embeddings=True)
    assert ((embedder.embed(TEXTS) * expected).sum(axis=1) >= 0.9999).all()


def test_same_vectors_as_recorded(embedder: MiniLM) -> None:
    """Recorded from sentence-transformers 6.2.0 by scripts/record_embeddings.py: holds without torch."""
    recorded = json.loads((Path(__file__).parent / "minilm_reference.json").read_text(encoding="utf-8"))
    expected = np.array(recorded["vectors"], np.float32)
    assert ((embedder.embed(recorded["texts"])[:, : expected.shape[1]] - expected) ** 2).max() < 1e-8


def test_not_set_up(tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailable, match="perstream setup"):
        MiniLM(tmp_path)


def test_damaged_model(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(BackendUnavailable, match="damaged"):
        MiniLM(tmp_path)


def test_weights_with_another_checksum_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"tampered")
    with pytest.raises(BackendUnavailable, match="not the official file"):
        minilm_build.build(tmp_path / "out", tmp_path)
    assert not (tmp_path / "out").exists()
