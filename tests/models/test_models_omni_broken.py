"""Model folders that are not whole or not right: one line says what and how to mend it; nothing is downloaded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("transformers", reason="needs transformers")
pytest.importorskip("peft", reason="needs peft")

from hypothesis import given, settings
from hypothesis import strategies as st

from perstream.config import BackendConfig
from perstream.errors import BackendUnavailable
from perstream.models.omni.checkpoint import INDEX, WHOLE, find_checkpoint, missing_files
from perstream.models.omni.loading import load_model
from perstream.models.omni.weights import read_header


def refusal(folder: Path | str) -> str:
    with pytest.raises(BackendUnavailable) as caught:
        load_model(BackendConfig(model_path=str(folder)))
    said = str(caught.value)
    assert "\n" not in said
    return said


@pytest.fixture
def model(tiny_omni: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_omni, tmp_path / "my model")


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


@pytest.mark.parametrize(
    "name", ["config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json", WHOLE]
)
def test_each_missing_file_is_named_with_the_command_that_fetches_it(model: Path, name: str) -> None:
    (model / name).unlink()
    said = refusal(model)
    assert f"lacks {name};" in said
    assert "hf download" in said and f"--local-dir '{model}'" in said


def test_all_missing_files_are_named_at_once(model: Path) -> None:
    for name in ("preprocessor_config.json", "tokenizer.json", WHOLE):
        (model / name).unlink()
    assert missing_files(model) == ("preprocessor_config.json", "tokenizer.json", WHOLE)
    assert "hf download Qwen/Qwen2.5-Omni-7B --local-dir" in refusal(model)


def test_every_shard_of_the_index_is_needed(model: Path) -> None:
    shards = {"a": "model-00001-of-00003.safetensors", "b": "model-00002-of-00003.safetensors"}
    (model / INDEX).write_text(json.dumps({"weight_map": shards}))
    said = refusal(model)
    assert all(name in said for name in shards.values())


@pytest.mark.parametrize("place", ["../model.safetensors", "/etc/passwd", "weights.bin", "", 7])
def test_an_index_that_points_elsewhere_is_refused(model: Path, place: object) -> None:
    (model / INDEX).write_text(json.dumps({"weight_map": {"a": place}}))
    assert "does not list safetensors files of its folder" in refusal(model)


def test_pickle_weights_are_refused_and_the_reason_said(model: Path) -> None:
    (model / WHOLE).rename(model / "pytorch_model.bin")
    said = refusal(model)
    assert "pytorch_model.bin" in said and "can run code" in said


@pytest.mark.parametrize("text", ["{nope", "[1]", "", "null", "[" * 200_000])
def test_a_config_that_is_no_json_object_is_refused(model: Path, text: str) -> None:
    (model / "config.json").write_text(text)
    assert "config.json" in refusal(model)


def test_a_config_without_model_type_is_refused(model: Path) -> None:
    rewrite(model / "config.json", lambda config: config.pop("model_type"))
    assert "names no model_type" in refusal(model)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"hidden_size": 128}, "have the wrong shape in"),
        ({"vocab_size": 512}, r"have the wrong shape in 2 tensors \(lm_head.weight \[448, 64\] for \[512, 64\]"),
        ({"hidden_size": "x"}, "hidden_size"),
        ({"num_hidden_layers": 3, "layer_types": ["full_attention"] * 3}, "lack 12 tensors"),
        ({"num_hidden_layers": 1, "layer_types": ["full_attention"]}, "have, unknown to config.json, 12 tensors"),
        ({"num_attention_heads": 0}, "cannot be loaded"),
    ],
)
def test_a_config_of_another_model_is_refused(model: Path, change: dict[str, Any], reason: str) -> None:
    import re

    rewrite(model / "config.json", lambda config: config["text_config"].update(change))
    assert re.search(reason, refusal(model))


@pytest.mark.parametrize("keep", [0, 5, 8, 500, -1])
def test_truncated_weights_are_found_before_they_are_read(model: Path, keep: int) -> None:
    whole = (model / WHOLE).read_bytes()
    (model / WHOLE).write_bytes(whole[:keep])
    said = refusal(model)
    assert f"{WHOLE} --force-download --local-dir" in said


@given(content=st.binary(max_size=200), head=st.sampled_from(["", "{}", '{"a": 1}', '{"a": {"shape": [-1]}}']))
@settings(max_examples=60, deadline=None)
def test_a_header_of_anything_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, head: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.safetensors"
    file.write_bytes(len(head).to_bytes(8, "little") + head.encode() + content if head else content)
    try:
        assert read_header(file) == {}
    except BackendUnavailable as error:
        assert str(file) in str(error)


def test_a_model_without_a_chat_template_is_refused(model: Path) -> None:
    (model / "chat_template.jinja").unlink()
    rewrite(model / "tokenizer_config.json", lambda config: config.pop("chat_template", None))
    assert "it lacks a chat template" in refusal(model)


@pytest.mark.parametrize("name", ["tokenizer.json", "preprocessor_config.json"])
def test_broken_processor_files_are_refused_in_one_line(model: Path, name: str) -> None:
    (model / name).write_text("nonsense")
    assert "the processor of" in refusal(model)


def test_no_model_and_no_folder_are_said() -> None:
    assert "no model is named" in refusal("")
    assert "there is no folder /no/such" in refusal("/no/such")
    assert "no hub id" in refusal("../x/y/z")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub."""
    from huggingface_hub import constants

    cache = tmp_path / "hub"
    cache.mkdir()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    return cache


def test_a_hub_id_that_was_never_fetched(hub: Path) -> None:
    said = refusal("Qwen/Qwen2.5-Omni-7B")
    assert said.endswith("Fetch it: hf download Qwen/Qwen2.5-Omni-7B")
    assert str(hub) in said


def test_a_hub_id_from_the_cache_and_a_half_fetched_one(hub: Path, tiny_omni: Path) -> None:
    revision = "0" * 40
    repository = hub / "models--some--model"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(revision)
    shutil.copytree(tiny_omni, repository / "snapshots" / revision)
    found = find_checkpoint("some/model")
    assert found.name == "some/model" and found.model_type == "qwen2_5_omni_thinker"
    assert load_model(BackendConfig(model_path="some/model")).name == "some/model"
    (repository / "snapshots" / revision / WHOLE).unlink()
    assert refusal("some/model").endswith(f"lacks {WHOLE}; fetch the rest: hf download some/model")
