"""The cache of patch vectors: found again, never changed, never mixed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perstream.errors import ConfigError, NotFound
from perstream.lab.kit import patch_cache
from perstream.lab.kit.patch_cache import CacheFacts, PatchCache, frame_key

FACTS = CacheFacts("builtin", 2, 3)


def vectors(number: float) -> np.ndarray:
    return np.full((4, 3), number, np.float16)


def test_what_is_put_is_found_again_by_key_and_by_time(tmp_path: Path) -> None:
    with PatchCache.open(tmp_path / "cache", FACTS) as cache:
        for second in (3, 1, 2):
            cache.put(frame_key("a/b@c.mp4", second), vectors(second), content="digest")
        cache.put(frame_key("other", 1), vectors(9))
        assert cache.get(frame_key("a/b@c.mp4", 3)) is not None, "before it is on disk too"
    with PatchCache.open(tmp_path / "cache") as again:
        assert again.facts == FACTS
        assert len(again) == 4
        np.testing.assert_array_equal(again.get(frame_key("a/b@c.mp4", 2)), vectors(2))
        assert again.get(frame_key("a/b@c.mp4", 4)) is None
        assert again.content(frame_key("a/b@c.mp4", 2)) == "digest"
        assert [time for time, _ in again.within("a/b@c.mp4", 1.5, 3)] == [2.0, 3.0]
        assert again.within("nobody", 0, 9) == []
        again.put(frame_key("a/b@c.mp4", 2), vectors(7))  # it stays
        np.testing.assert_array_equal(again.get(frame_key("a/b@c.mp4", 2)), vectors(2))


def test_an_interrupted_run_keeps_whole_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patch_cache, "PER_SHARD", 2)
    cache = PatchCache.open(tmp_path, FACTS)
    for second in range(5):
        cache.put(frame_key("v", second), vectors(second))
    # no close: the process ends here
    with PatchCache.open(tmp_path, FACTS) as again:
        assert [time for time, _ in again.within("v", 0, 9)] == [0, 1, 2, 3]
        again.put(frame_key("v", 4), vectors(4))
    assert len(PatchCache.open(tmp_path)) == 5
    assert not list(tmp_path.glob("*.part*"))


def test_caches_are_not_mixed_and_damage_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="perstream dataset cache"):
        PatchCache.open(tmp_path / "nothing")
    with PatchCache.open(tmp_path, FACTS) as cache:
        cache.put(frame_key("v", 0), vectors(0))
        with pytest.raises(ConfigError, match="finite"):
            cache.put(frame_key("v", 1), vectors(np.nan))
        with pytest.raises(ConfigError, match="vectors for a cache"):
            cache.put(frame_key("v", 1), vectors(1)[:3])
        with pytest.raises(ConfigError, match="frame_key"):
            cache.put("v", vectors(1))
    with pytest.raises(ConfigError, match="choose another folder"):
        PatchCache.open(tmp_path, CacheFacts("qwen", 2, 3))
    (shard,) = tmp_path.glob("*.safetensors")
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "patches").symlink_to(tmp_path)
    assert len(PatchCache.open(tmp_path / "made")) == 1, "a folder of `perstream dataset cache`"
    assert len(PatchCache.open(shard)) == 1, "one file alone is a cache too"
    shard.write_bytes(shard.read_bytes()[:20])
    with pytest.raises(ConfigError, match="delete it"):
        PatchCache.open(tmp_path)
