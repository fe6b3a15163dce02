"""`perstream dataset cache`: made once, made anew where a text changed, read back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from generate_world import colour, make_video
from typer.testing import CliRunner

from perstream.cli.main import app
from perstream.config import BackendConfig, Config, MomentConfig
from perstream.errors import ConfigError
from perstream.lab.embed_cache import CachedEmbedder
from perstream.lab.kit.encoders import encoder_of
from perstream.lab.kit.memory_cache import Cached, CacheJob, cache_memories
from perstream.lab.kit.patch_cache import PatchCache, frame_key
from perstream.memory.memory import Memory
from perstream.models.registry import load_backend
from perstream.protocols import Backend
from perstream.types import FloatArray, Provenance, TextVectors


class Counting:
    """The embedder, with what it was asked for."""

    def __init__(self, embedder: Any) -> None:
        self._embedder = embedder
        self.dimension = embedder.dimension
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> FloatArray:
        self.asked += texts
        return self._embedder.embed(texts)

    def embed_tokens(self, text: str) -> TextVectors:
        self.asked.append(text)
        return self._embedder.embed_tokens(text)


def record(who: int, usual: list[str], events: list[str], video: str = "walk", at: float = 2.0) -> dict[str, Any]:
    return {
        "participant_id": who, "video_id": video, "timestamp": str(at), "caption": "walking", "split": "train",
        "type_1_memories": usual, "type_2_memories": events, "type": "proactive", "answer": "</silence>",
    }  # fmt: skip


ROWS = [
    record(1, ["I am allergic to peanuts."], ["I lost my red umbrella on the train last week."]),
    record(1, ["I am allergic to peanuts.", "I like green tea."], [], at=3.0),
    record(2, ["I like green tea."], ["I met Anna at the museum in May."]),
]


@pytest.fixture
def backend() -> Backend:
    plain = load_backend(BackendConfig(name="builtin"), MomentConfig())
    return replace(plain, embedder=Counting(plain.embedder))


def run(folder: Path, backend: Backend, rows: list[dict[str, Any]], **more: Any) -> Cached:
    file = folder / "records.json"
    file.write_text(json.dumps(rows), encoding="utf-8")
    eyes = lambda: encoder_of(BackendConfig(name="builtin"), 4)  # noqa: E731
    return cache_memories(
        CacheJob(file, folder / "cache", pool_size=4, **more), backend, Config(), eyes, lambda _: None
    )


def snapshot(folder: Path) -> dict[str, int]:
    return {
        str(path): path.stat().st_mtime_ns
        for path in (folder / "cache").rglob("*")
        if path.is_file() and path.suffix != ".db-shm"
    }


def test_a_second_run_makes_nothing(tmp_path: Path, backend: Backend) -> None:
    first = run(tmp_path, backend, ROWS)
    assert first.counts == {"embeddings": (4, 0), "graphs": (2, 0), "patches": (0, 0)}
    before = snapshot(tmp_path)
    backend.embedder.asked.clear()  # type: ignore[attr-defined]
    second = run(tmp_path, backend, ROWS)
    assert second.counts == {"embeddings": (0, 4), "graphs": (0, 2), "patches": (0, 0)}
    # The probes that tell embedders apart and the look at some of the texts are all that is embedded.
    assert len(backend.embedder.asked) <= 2 + 5  # type: ignore[attr-defined]
    assert snapshot(tmp_path) == before


def test_a_changed_text_is_done_anew_and_nothing_else(tmp_path: Path, backend: Backend) -> None:
    first = run(tmp_path, backend, ROWS)
    rows = json.loads(json.dumps(ROWS))
    rows[2]["type_2_memories"] = ["I met Anna at the museum in June."]
    second = run(tmp_path, backend, rows)
    assert second.counts == {"embeddings": (1, 3), "graphs": (1, 1), "patches": (0, 0)}
    assert second.graph_folders[1] == first.graph_folders[1] and second.graph_folders[2] != first.graph_folders[2]


def test_the_graphs_are_the_daemons_stores(tmp_path: Path, backend: Backend) -> None:
    done = run(tmp_path, backend, ROWS)
    with Memory.open(done.graph_folders[1], Config().memory, backend.embedder.embed, read_only=True) as memory:
        told = memory.list(limit=10)
        assert {one.text for one in told} == {*ROWS[1]["type_1_memories"], *ROWS[0]["type_2_memories"]}
        assert {one.provenance for one in told} == {Provenance.TOLD}
        assert any(node[0] == "entity" and "peanuts" in str(memory.graph().nodes[node]) for node in memory.graph())


def test_kept_vectors_are_those_of_the_embedder(tmp_path: Path, backend: Backend) -> None:
    run(tmp_path, backend, ROWS)
    kept = CachedEmbedder(backend.embedder, tmp_path / "cache" / "embeddings")
    text = "I like green tea."
    assert text in kept and "I like black tea." not in kept
    fresh = backend.embedder.embed_tokens(text)
    assert np.allclose(kept.embed_tokens(text).pooled, fresh.pooled, atol=1e-3)
    assert len(kept.embed_tokens(text).tokens) == len(fresh.tokens)


def test_damage_is_mended(tmp_path: Path, backend: Backend) -> None:
    done = run(tmp_path, backend, ROWS)
    for path in (tmp_path / "cache" / "embeddings").rglob("*.npz"):
        path.write_bytes(path.read_bytes()[:100])
    (done.graph_folders[1] / "memory.db").write_bytes(b"no database")
    (done.graph_folders[2] / "graph.json").unlink()
    again = run(tmp_path, backend, ROWS)
    assert again.counts == {"embeddings": (4, 0), "graphs": (2, 0), "patches": (0, 0)}
    assert run(tmp_path, backend, ROWS).counts["graphs"] == (0, 2)


def test_frames_are_encoded_once_for_training(tmp_path: Path, backend: Backend) -> None:
    (tmp_path / "videos").mkdir()
    make_video(tmp_path / "videos" / "walk.mp4", frames=40, rate=10, paint=colour((200, 40, 40)))
    settings = {"videos": tmp_path / "videos", "frames": 3, "before_s": 1.0}
    first = run(tmp_path, backend, ROWS, **settings)
    assert first.frames == (5, 0)  # 1.0, 1.5, 2.0, and 2.5, 3.0; two records share their times
    assert run(tmp_path, backend, ROWS, **settings).frames == (0, 5)
    with PatchCache.open(tmp_path / "cache" / "patches") as cache:
        vectors = cache.get(frame_key("walk", 1.5))
        assert vectors is not None and vectors.shape[0] == 16
        assert [t for t, _ in cache.within("walk", 1.0, 2.0)] == [1.0, 1.5, 2.0]
    late = [*ROWS, record(3, ["I run."], [], video="gone"), record(3, ["I run."], [], at=99.0)]
    with pytest.raises(ConfigError, match="--skip-missing"):
        run(tmp_path, backend, late, **settings)
    missing = run(tmp_path, backend, late, skip_missing=True, **settings).missing
    assert any("no video gone" in line for line in missing) and any("ends before" in line for line in missing)


def test_the_command_says_what_was_made(tmp_path: Path) -> None:
    file = tmp_path / "records.json"
    file.write_text(json.dumps(ROWS), encoding="utf-8")
    words = ["dataset", "cache", str(file), "--out", str(tmp_path / "c")]
    said = CliRunner().invoke(app, words)
    assert said.exit_code == 0 and "embeddings: 4 made, 0 known from before" in said.stdout
    again = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert again["graphs"] == {"made": 0, "known": 2} and set(again["graph_folders"]) == {"1", "2"}
