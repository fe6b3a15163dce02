"""The text embedder on ONNX Runtime."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from perstream.errors import BackendUnavailable
from perstream.models import minilm_build
from perstream.models.minilm import EXACT, LAYOUT, LAYOUT_FILE, MiniLM, is_built

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


def test_the_fast_vectors_are_near_the_exact_ones(embedder: MiniLM) -> None:
    """Also of each token: all of 6,000 short texts lay within 1.3e-3 (pooled); the bound leaves other kernels room."""
    subjects = ("My sister", "The red bus", "A doctor", "Platform 7", "The old oak door", "Zoë")
    doings = ("is next to the shelf.", "leaves at 9:40 on Tuesday.", "said the key is under the pot", "costs 3.50 €!")
    texts = [f"{subject} {doing}" for subject in subjects for doing in doings] + TEXTS
    exact = embedder.embed(texts)
    fast = [embedder.embed_tokens(text) for text in texts]
    assert min(float(vectors.pooled @ row) for vectors, row in zip(fast, exact, strict=True)) > 0.997
    # Pooled and token vectors are of one kind: what is near by one is near by the other.
    assert np.allclose(np.stack([vectors.pooled for vectors in fast]) @ exact.T, exact @ exact.T, atol=0.05)


def test_blocks_of_eight_bits_give_a_kernel_back() -> None:
    kernel = np.random.default_rng(0).standard_normal((64, 8)).astype(np.float32)
    kernel[:16, 0] = 0
    codes, scales = minilm_build.in_blocks(kernel)
    assert codes.shape == (8, 4, minilm_build.BLOCK) and scales.shape == (8, 4)
    restored = ((codes.astype(np.float32) - 128) * scales[:, :, None]).reshape(8, 64).T
    rough = np.abs(restored - kernel)
    assert (rough[:16, 0] == 0).all()
    assert rough.max() <= np.abs(scales).max()  # half a step, or one where the largest is of the other sign
    assert rough.mean() < np.abs(scales).mean() / 2


def test_not_set_up(tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailable, match="perstream setup"):
        MiniLM(tmp_path)


def test_files_of_an_older_version_are_built_again(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"what version 1 built")
    assert not is_built(tmp_path)
    (tmp_path / LAYOUT_FILE).write_text("1\n")
    assert not is_built(tmp_path)
    with pytest.raises(BackendUnavailable, match="of this version"):
        MiniLM(tmp_path)


def test_built_by_setup(tmp_path: Path) -> None:
    made = minilm_build.build(tmp_path / "embedder")
    assert is_built(made)
    assert [path.name for path in tmp_path.iterdir()] == ["embedder"]
    assert float(MiniLM(made).embed(["a"])[0] @ MiniLM().embed(["a"])[0]) > 0.9999


def test_damaged_model(tmp_path: Path) -> None:
    (tmp_path / LAYOUT_FILE).write_text(f"{LAYOUT}\n")
    (tmp_path / EXACT).write_bytes(b"not a model")
    with pytest.raises(BackendUnavailable, match="damaged"):
        MiniLM(tmp_path)


def test_weights_with_another_checksum_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"tampered")
    with pytest.raises(BackendUnavailable, match="not the official file"):
        minilm_build.build(tmp_path / "out", tmp_path)
    assert not (tmp_path / "out").exists()
