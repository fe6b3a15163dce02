"""The tiny Qwen2.5-Omni: same seed, same weights, and both layouts hold the same model."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs torch")
transformers = pytest.importorskip("transformers", reason="needs transformers")

from perstream.lab.tiny_omni import build_tiny  # noqa: E402


def test_layouts_and_seeds(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    Thinker = transformers.Qwen2_5OmniThinkerForConditionalGeneration
    state = torch.random.get_rng_state()
    plain = Thinker.from_pretrained(build_tiny(tmp_path / "plain")).state_dict()
    assert torch.equal(state, torch.random.get_rng_state())
    official = Thinker.from_pretrained(build_tiny(tmp_path / "official", official_layout=True)).state_dict()
    other = Thinker.from_pretrained(build_tiny(tmp_path / "other", seed=1)).state_dict()
    assert plain.keys() == official.keys()
    assert all(torch.equal(plain[name], official[name]) for name in plain)
    assert not torch.equal(plain["lm_head.weight"], other["lm_head.weight"])


def test_tokens_of_the_real_model_are_single_tokens(tmp_path: Path) -> None:
    words = transformers.AutoTokenizer.from_pretrained(build_tiny(tmp_path / "plain"))
    for token in ("<|im_start|>", "<|im_end|>", "<|IMAGE|>", "<|AUDIO|>", "<|VIDEO|>", "<|vision_bos|>"):
        assert len(words(token)["input_ids"]) == 1
    said = "Where are Zoë's keys? 鑰匙\n"
    assert words.decode(words(said)["input_ids"]) == said
