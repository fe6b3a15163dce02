"""Prompt beginnings that come again: the same numbers, less work, bounded memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("transformers", reason="needs transformers")

from omni_world import NEVER, ask, scores, turns  # noqa: E402

from perstream.lab.tiny_cups import COLORS, QUESTION, SETTING, answer, draw_cup  # noqa: E402
from perstream.models.chat.messages import Message, Patches, Picture, Sampling  # noqa: E402
from perstream.models.omni.loaded import Loaded  # noqa: E402
from perstream.models.omni.model import OmniChat  # noqa: E402
from perstream.models.omni.prefix import PrefixCache  # noqa: E402
from perstream.models.omni.prompt import build_prompt  # noqa: E402
from perstream.models.omni.reading import STRETCH, cuts  # noqa: E402
from perstream.models.omni.vision import OmniVision  # noqa: E402

RNG = np.random.default_rng(3)


def slow_then_fast() -> Iterator[float]:
    """A clock under which copies take no time."""
    while True:
        yield 0.0


def cache(max_bytes: int = 1 << 30) -> PrefixCache:
    ticks = slow_then_fast()
    return PrefixCache(max_bytes, clock=lambda: next(ticks))


def test_same_scores_with_pictures_and_stored_vectors_in_the_prefix(loaded_omni: Loaded) -> None:
    a, b = draw_cup("red", RNG), draw_cup("blue", RNG)
    stored = [Patches(v) for v in OmniVision(loaded_omni, 3).encode([a, b])]
    head = [Message("system", (SETTING,)), Message("user", ("(M1)", stored[0], "(M2)", stored[1], Picture(a)))]
    prefixes = cache()
    for question in ("Where?", "When did I see it?", "Who?"):
        messages = [*head, Message("user", (Picture(b), question))]
        plain = scores(loaded_omni, messages)
        with_prefix = scores(loaded_omni, messages, prefixes, constant=2)
        assert (plain - with_prefix).abs().max() < 1e-4
    assert (len(prefixes), prefixes.hits, prefixes.misses) == (2, 1, 4)


def test_same_answers_and_only_repeated_beginnings_are_kept(loaded_trained: Loaded) -> None:
    vision = OmniVision(loaded_trained, 2)
    prefixes = cache()
    plain, chat = OmniChat(loaded_trained), OmniChat(loaded_trained, prefixes=prefixes)
    for color in COLORS:
        (stored,) = vision.encode([draw_cup(color, RNG)])
        found = ask(chat, Patches(stored), QUESTION, constant=1)
        assert found == ask(plain, Patches(stored), QUESTION) == answer(color)
    assert (len(prefixes), prefixes.hits) == (1, 2)
    ask(chat, QUESTION, constant=0)
    assert prefixes.hits == 2


def test_a_kept_beginning_is_not_changed_by_its_use(loaded_omni: Loaded) -> None:
    prefixes = cache()
    messages = turns("One question")
    first = [scores(loaded_omni, messages, prefixes, constant=1) for _ in range(5)]
    for other in first[1:]:
        torch.testing.assert_close(first[0], other, rtol=0, atol=1e-5)
    chat = OmniChat(loaded_omni, prefixes=prefixes)
    ask(chat, "Something else", tokens=20, constant=1)
    torch.testing.assert_close(first[0], scores(loaded_omni, messages, prefixes, constant=1), rtol=0, atol=1e-5)


def test_another_picture_is_another_beginning(loaded_omni: Loaded) -> None:
    one, other = (Patches(v) for v in OmniVision(loaded_omni, 2).encode([draw_cup(c, RNG) for c in ("red", "blue")]))
    keys = set()
    for stored in (one, other):
        prompt = build_prompt(loaded_omni, [Message("system", (SETTING, stored)), Message("user", ("?",))], 1)
        assert prompt.constant
        keys.add(prompt.digest(prompt.constant[-1]))
    assert len(keys) == 2


def test_forgotten_when_the_weights_change(loaded_omni: Loaded) -> None:
    prefixes = cache()
    chat = OmniChat(loaded_omni, prefixes=prefixes)
    for _ in range(3):
        ask(chat, QUESTION, constant=1)
    assert len(prefixes) == 1
    chat.forget_prefixes()
    assert len(prefixes) == 0 and prefixes.size == 0


def test_bounded_in_bytes_and_oldest_first(loaded_omni: Loaded) -> None:
    settings = [f"Setting number {n} of this house, in a few words." for n in range(4)]
    one = cache()
    for _ in range(2):
        scores(loaded_omni, turns("?", setting=settings[0]), one, constant=1)
    size = one.size
    prefixes = cache(int(2.5 * size))
    for setting in settings:
        for _ in range(2):
            scores(loaded_omni, turns("?", setting=setting), prefixes, constant=1)
    assert len(prefixes) == 2 and prefixes.size <= 2.5 * size
    hits = prefixes.hits
    scores(loaded_omni, turns("?", setting=settings[3]), prefixes, constant=1)
    scores(loaded_omni, turns("?", setting=settings[0]), prefixes, constant=1)
    assert prefixes.hits == hits + 1


def test_one_larger_than_the_budget_is_not_tried_again(loaded_omni: Loaded) -> None:
    prefixes = cache(10)
    for _ in range(4):
        scores(loaded_omni, turns("?"), prefixes, constant=1)
    prompt = build_prompt(loaded_omni, turns("?"), 1)
    assert len(prefixes) == 0
    assert not prefixes.wanted(prompt.digest(prompt.constant[-1]), prompt.constant[-1])


def test_given_up_where_copying_is_slower_than_computing() -> None:
    class Nothing:
        layers = ()

    now, took = 0.0, iter([5.0, 5.0, 0.5, 5.0, 5.0, 5.0])

    def clock() -> float:
        return now

    def settle() -> None:
        nonlocal now
        now += next(took)

    prefixes = PrefixCache(clock=clock)
    assert not prefixes.wanted(b"k", 100)
    assert prefixes.wanted(b"k", 100)
    prefixes.keep(b"k", Nothing(), made_s=1.0)
    assert all(prefixes.take(b"k", settle) is not None for _ in range(6))
    assert prefixes.take(b"k", settle) is None
    assert not prefixes.wanted(b"k", 100)


def test_short_beginnings_are_not_worth_it() -> None:
    prefixes = PrefixCache()
    assert not any(prefixes.wanted(b"k", 15) for _ in range(5))


def test_long_prompts_are_read_in_stretches_around_pictures(loaded_omni: Loaded) -> None:
    stored = [Patches(v) for v in OmniVision(loaded_omni, 16).encode([draw_cup("red", RNG), draw_cup("blue", RNG)])]
    parts = ["word " * 300, stored[0], stored[1], stored[0], stored[1], "and " * 700, stored[0], "?"]
    messages = turns(*parts)
    prompt = build_prompt(loaded_omni, messages, 0)
    ends = cuts(prompt, 0)
    assert len(ends) >= 2 and ends == sorted(set(ends)) and ends[-1] < len(prompt.ids) - 1
    assert all(b - a >= STRETCH for a, b in zip([0, *ends], ends, strict=False))
    for place in prompt.places:
        assert not any(place.start < end < place.start + place.medium.tokens for end in ends)
    from omni_world import whole

    at_once = whole(loaded_omni, messages)[-1]
    assert (at_once - scores(loaded_omni, messages)).abs().max() < 1e-4
    found = OmniChat(loaded_omni).reply(messages, Sampling(max_new_tokens=6), lambda _: None, NEVER)
    assert found


def test_an_adapter_is_heard_at_once(tiny_omni: Path, tmp_path: Path) -> None:
    """What was read ahead with other weights is dropped: the answer is that of a model that never read ahead."""
    pytest.importorskip("peft", reason="needs peft")
    from safetensors.torch import save_file

    from perstream.config import BackendConfig
    from perstream.models.omni.adapters import OmniAdapters
    from perstream.models.omni.loading import load_model

    random = torch.Generator().manual_seed(1)
    tensors = {}
    for layer in (0, 1):
        name = f"base_model.model.model.language_model.layers.{layer}.self_attn.v_proj"
        tensors[f"{name}.lora_A.weight"] = torch.randn(4, 64, generator=random)
        tensors[f"{name}.lora_B.weight"] = torch.randn(32, 4, generator=random)
    save_file(tensors, tmp_path / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["v_proj"], "bias": "none"}
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))

    loaded = load_model(BackendConfig(model_path=str(tiny_omni)))
    prefixes = cache()
    adapters = OmniAdapters(loaded, OmniChat(loaded, prefixes=prefixes).forget_prefixes)
    adapters.load("mine", str(tmp_path))
    messages = turns("Where are my keys?")
    for name in (None, "mine", None):
        adapters.use(name)
        plain = scores(loaded, messages)
        for _ in range(3):
            torch.testing.assert_close(plain, scores(loaded, messages, prefixes, constant=1), rtol=0, atol=1e-4)
        assert len(prefixes) == 1
    base = scores(loaded, messages)
    adapters.use("mine")
    assert (base - scores(loaded, messages)).abs().max() > 1e-2
