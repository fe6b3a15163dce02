"""Windows of the vision tower in batches: the library's numbers, in far fewer calls, or not used."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("transformers", reason="needs transformers")

from perstream.lab.omni_shapes import random_model  # noqa: E402
from perstream.models.omni import windows  # noqa: E402
from perstream.models.omni.loaded import Loaded  # noqa: E402
from perstream.models.omni.pixels import look, prepare  # noqa: E402
from perstream.models.omni.windows import NAME, attend, batch_windows, plain_windows  # noqa: E402

RNG = np.random.default_rng(0)


@pytest.fixture
def loaded() -> Loaded:
    return random_model("tiny", "cpu", "fp32")


def seen(loaded: Loaded) -> tuple[Any, Any]:
    """Vectors of several pictures of several sizes, in one pass."""
    sizes = [(112, 112), (540, 960), (300, 200)]
    pictures = [prepare(loaded, RNG.integers(0, 256, (*size, 3), dtype=np.uint8), 10**6) for size in sizes]
    with torch.inference_mode():
        batched = look(loaded, pictures).pooler_output
        plain_windows(loaded)
        plain = look(loaded, pictures).pooler_output
    assert batch_windows(loaded)
    return batched, plain


def test_the_numbers_are_the_librarys(loaded: Loaded) -> None:
    config = loaded.model.model.visual.config
    assert config._attn_implementation == NAME
    assert loaded.model.model.language_model.config._attn_implementation == "sdpa"
    batched, plain = seen(loaded)
    for ours, theirs in zip(batched, plain, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5 * float(theirs.abs().max()))


def test_calls_are_few(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    real = torch.nn.functional.scaled_dot_product_attention

    def counted(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return real(*args, **kwargs)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", counted)
    picture = prepare(loaded, RNG.integers(0, 256, (540, 960, 3), dtype=np.uint8), 10**6)
    counts = []
    for switch in (batch_windows, plain_windows):
        switch(loaded)
        calls.clear()
        with torch.inference_mode():
            look(loaded, [picture])
        counts.append(len(calls))
    assert counts[0] <= 5 and counts[1] > 30


def test_not_used_when_the_numbers_differ_or_it_fails(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    config = loaded.model.model.visual.config

    def wrong(*args: Any, **kwargs: Any) -> Any:
        result, nothing = attend(*args, **kwargs)
        return result * 1.5 + 0.5, nothing

    def broken(*args: Any, **kwargs: Any) -> Any:
        raise TypeError("another version of the library")

    for bad in (wrong, broken):
        plain_windows(loaded)
        monkeypatch.setattr(windows, "attend", bad)
        assert not batch_windows(loaded)
        assert config._attn_implementation == "sdpa"
    monkeypatch.setattr(windows, "attend", attend)
    assert batch_windows(loaded) and batch_windows(loaded)


def test_what_a_person_chose_is_left_alone(loaded: Loaded) -> None:
    plain_windows(loaded)
    config = loaded.model.model.visual.config
    config._attn_implementation = "eager"
    assert not batch_windows(loaded)
    assert config._attn_implementation == "eager"
