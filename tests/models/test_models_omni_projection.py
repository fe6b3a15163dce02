"""The projection MLP: what was saved is what is loaded, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs safetensors")

from perstream.errors import BackendError, BackendUnavailable
from perstream.models.omni.projection import Projection, load_projection, save_projection


def a_projection(vision: int = 12, hidden: int = 7, text: int = 5) -> Projection:
    rng = np.random.default_rng(0)
    f = np.float32
    return Projection(
        rng.normal(size=(hidden, vision)).astype(f),
        rng.normal(size=hidden).astype(f),
        rng.normal(size=(text, hidden)).astype(f),
        rng.normal(size=text).astype(f),
        "all-MiniLM-L6-v2",
        "tiny",
        2,
    )


def test_saved_and_loaded_projects_the_same(tmp_path: Path) -> None:
    made = a_projection()
    save_projection(tmp_path / "deep" / "p.safetensors", made)
    loaded = load_projection(tmp_path / "deep" / "p.safetensors", 12, 5)
    patches = np.random.default_rng(1).normal(size=(4, 12)).astype(np.float16)
    np.testing.assert_array_equal(made(patches), loaded(patches))
    np.testing.assert_allclose(np.linalg.norm(loaded(patches), axis=1), 1, rtol=1e-6)
    assert (loaded.sentence_model, loaded.vision_model, loaded.pool_size) == ("all-MiniLM-L6-v2", "tiny", 2)
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["p.safetensors"]


def test_numpy_is_the_torch_mlp() -> None:
    torch = pytest.importorskip("torch", reason="needs torch")
    made = a_projection()
    patches = np.random.default_rng(2).normal(size=(9, 12)).astype(np.float16)
    x = torch.from_numpy(patches).float()
    hidden = torch.nn.functional.gelu(
        torch.nn.functional.linear(x, torch.from_numpy(made.first), torch.from_numpy(made.first_bias)),
        approximate="tanh",
    )
    out = torch.nn.functional.linear(hidden, torch.from_numpy(made.second), torch.from_numpy(made.second_bias))
    expected = torch.nn.functional.normalize(out, dim=1).numpy()
    np.testing.assert_allclose(made(patches), expected, atol=2e-6)


def test_missing_broken_and_foreign_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.safetensors"
    with pytest.raises(BackendUnavailable, match="there is no projection"):
        load_projection(path, 12, 5)
    path.write_bytes(b"not a projection")
    with pytest.raises(BackendUnavailable, match="cannot be read"):
        load_projection(path, 12, 5)
    from safetensors.numpy import save_file

    save_file({"first": np.zeros((2, 2), np.float32)}, path)
    with pytest.raises(BackendUnavailable, match="no projection made by"):
        load_projection(path, 12, 5)
    save_file({"first": np.zeros((2, 2), np.float32)}, path, metadata={"format": "perstream-projection-1"})
    with pytest.raises(BackendUnavailable, match="cannot be read"):
        load_projection(path, 12, 5)
    save_projection(path, a_projection())
    with pytest.raises(BackendUnavailable, match="12 to 5 numbers, needed is 3584 to 384"):
        load_projection(path, 3584)


def test_wrong_shapes_are_refused(tmp_path: Path) -> None:
    made = a_projection()
    with pytest.raises(BackendError, match="another vision model"):
        made(np.zeros((4, 11), np.float16))
    with pytest.raises(BackendError, match="do not fit together"):
        save_projection(tmp_path / "p", replace(made, second_bias=np.zeros(4, np.float32)))
    with pytest.raises(BackendError, match="no numbers"):
        save_projection(tmp_path / "p", replace(made, first_bias=np.full(7, np.nan, np.float32)))
    assert not list(tmp_path.iterdir())


def test_a_zero_vector_stays_a_number() -> None:
    made = replace(a_projection(), first_bias=np.zeros(7, np.float32), second_bias=np.zeros(5, np.float32))
    assert np.isfinite(made(np.zeros((1, 12), np.float16))).all()
