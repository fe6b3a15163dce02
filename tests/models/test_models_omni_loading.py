"""Loading a model of the transformers library: layouts, numbers, other families, memory."""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch: Any = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("transformers", reason="needs transformers")
pytest.importorskip("accelerate", reason="needs accelerate")
pytest.importorskip("peft", reason="needs peft")

from tiny_kin import build_kin  # noqa: E402

from perstream.config import BackendConfig  # noqa: E402
from perstream.errors import BackendUnavailable, ConfigError  # noqa: E402
from perstream.lab.tiny_omni import build_tiny  # noqa: E402
from perstream.models.omni import hardware, loading  # noqa: E402
from perstream.models.omni.loading import load_model  # noqa: E402
from perstream.models.omni.weights import Tensor  # noqa: E402

IDS = [[5, 6, 7, 8, 9, 10]]


@pytest.fixture(scope="session")
def official_omni(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return build_tiny(tmp_path_factory.mktemp("official"), official_layout=True)


def logits(model: Any) -> Any:
    with torch.inference_mode():
        return model(input_ids=torch.tensor(IDS)).logits


def test_bare_layout_is_ready_to_generate(tiny_omni: Path) -> None:
    notes: list[str] = []
    loaded = load_model(BackendConfig(model_path=str(tiny_omni)), note=notes.append)
    assert (loaded.family, loaded.device, loaded.dtype, loaded.hidden_size) == ("omni", "cpu", "fp32", 64)
    assert not loaded.model.training
    assert not any(p.requires_grad for p in loaded.model.parameters())
    assert loaded.processor.tokenizer and loaded.processor.image_processor and loaded.processor.feature_extractor
    made = loaded.model.generate(input_ids=torch.tensor(IDS), max_new_tokens=3, do_sample=False)
    assert made.shape[1] > len(IDS[0])
    assert len(notes) == 1 and "qwen2_5_omni_thinker" in notes[0] and "fp32" in notes[0]


def test_official_layout_gives_the_same_numbers(tiny_omni: Path, official_omni: Path) -> None:
    bare = load_model(BackendConfig(model_path=str(tiny_omni)))
    official = load_model(BackendConfig(model_path=str(official_omni)))
    assert torch.equal(logits(bare.model), logits(official.model))
    assert official.family == "omni"


def test_model_path_from_the_environment(tiny_omni: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_PATH", str(tiny_omni))
    assert load_model(BackendConfig()).name == str(tiny_omni)


def test_processor_prepares_pictures_and_sound_without_a_video_part(tiny_omni: Path) -> None:
    import numpy as np

    processor = load_model(BackendConfig(model_path=str(tiny_omni))).processor
    talk = [{"role": "user", "content": [{"type": "image"}, {"type": "audio"}, {"type": "text", "text": "what"}]}]
    text = processor.apply_chat_template(talk, tokenize=False, add_generation_prompt=True)
    picture = np.zeros((56, 84, 3), np.uint8)
    inputs = processor(text=[text], images=[picture], audio=[np.zeros(16_000, np.float32)], return_tensors="pt")
    assert processor.video_processor is None
    assert inputs["image_grid_thw"].tolist() == [[1, 4, 6]]
    assert int((inputs["input_ids"] == processor.image_token_id).sum()) == 6
    assert inputs["input_features"].shape[0] == 1


@pytest.mark.parametrize(("dtype", "wanted"), [("bf16", "bfloat16"), ("fp16", "float16"), ("fp32", "float32")])
def test_dtype_is_the_one_asked_for(tiny_omni: Path, dtype: Any, wanted: str) -> None:
    loaded = load_model(BackendConfig(model_path=str(tiny_omni), dtype=dtype))
    assert loaded.dtype == dtype
    assert {p.dtype for p in loaded.model.parameters()} == {getattr(torch, wanted)}


@pytest.mark.parametrize(("load_in", "layer"), [("4bit", "Linear4bit"), ("8bit", "Linear8bitLt")])
@pytest.mark.parametrize("layout", ["bare", "official"])
def test_only_the_text_decoder_is_quantized(
    tiny_omni: Path, official_omni: Path, load_in: Any, layer: str, layout: str
) -> None:
    pytest.importorskip("bitsandbytes", reason="needs bitsandbytes")
    folder = tiny_omni if layout == "bare" else official_omni
    whole = load_model(BackendConfig(model_path=str(folder)))
    small = load_model(BackendConfig(model_path=str(folder), load_in=load_in))
    quantized = {name for name, module in small.model.named_modules() if type(module).__name__ == layer}
    assert len(quantized) == 2 * 7
    assert all(name.startswith("model.language_model.layers.") for name in quantized)
    difference = float((logits(whole.model) - logits(small.model)).abs().mean())
    assert 0 < difference < 3
    assert small.model.generate(input_ids=torch.tensor(IDS), max_new_tokens=3, do_sample=False).shape[1] > len(IDS[0])


@pytest.fixture(scope="session")
def kin(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    return lambda kind: build_kin(tmp_path_factory.mktemp(kind), kind)


@pytest.mark.parametrize("kind", ["qwen2_5_vl", "qwen3_vl", "idefics3", "llava"])
def test_other_families_load_through_the_generic_path(kin: Callable[[str], Path], kind: str) -> None:
    loaded = load_model(BackendConfig(model_path=str(kin(kind))))
    assert (loaded.family, loaded.hidden_size, loaded.model.config.model_type) == ("image-text", 32, kind)
    assert loaded.processor.image_processor is not None
    assert loaded.model.generate(input_ids=torch.tensor(IDS), max_new_tokens=2, do_sample=False).shape[1] > len(IDS[0])


def test_smolvlm_loads_or_names_the_package_that_it_lacks(kin: Callable[[str], Path]) -> None:
    config = BackendConfig(model_path=str(kin("smolvlm")))
    if importlib.util.find_spec("num2words"):
        assert load_model(config).hidden_size == 32
        return
    with pytest.raises(BackendUnavailable, match="pip install num2words"):
        load_model(config)


def test_a_text_model_is_refused_with_the_reason(kin: Callable[[str], Path]) -> None:
    with pytest.raises(BackendUnavailable, match=r"\(qwen2\) cannot be used: it reads text alone"):
        load_model(BackendConfig(model_path=str(kin("qwen2"))))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"model_type": "clip"}, "no model that answers in text"),
        ({"model_type": "nosuch"}, "does not know it"),
        ({"model_type": "nosuch", "auto_map": {"AutoModel": "code.Model"}}, "program code .* never run"),
    ],
)
def test_other_kinds_are_refused_with_the_reason(
    tiny_omni: Path, tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    folder = shutil.copytree(tiny_omni, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **change}))
    with pytest.raises(BackendUnavailable, match=reason):
        load_model(BackendConfig(model_path=str(folder)))


def test_a_model_whose_picture_vectors_are_of_another_length_is_refused(
    kin: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import transformers

    folder = kin("qwen2_5_vl")
    kind = transformers.Qwen2_5_VLForConditionalGeneration
    original = kind.get_image_features

    def shorter(self: Any, pixel_values: Any, image_grid_thw: Any = None, **kwargs: Any) -> Any:
        found = original(self, pixel_values, image_grid_thw, **kwargs)
        found.pooler_output = tuple(piece[:, :16] for piece in found.pooler_output)
        return found

    monkeypatch.setattr(kind, "get_image_features", shorter)
    with pytest.raises(BackendUnavailable, match=r"picture vectors are \[16, 16\], its words \[32\]"):
        load_model(BackendConfig(model_path=str(folder)))


def test_a_model_that_fails_on_a_picture_is_refused_in_one_line(
    kin: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import transformers

    def broken(self: Any, pixel_values: Any, **kwargs: Any) -> Any:
        raise RuntimeError("first line\nsecond line")

    monkeypatch.setattr(transformers.Qwen2_5_VLForConditionalGeneration, "get_image_features", broken)
    with pytest.raises(BackendUnavailable, match="fails on a picture: RuntimeError: first line second line"):
        load_model(BackendConfig(model_path=str(kin("qwen2_5_vl"))))


def test_missing_libraries_are_named_with_their_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.import_module

    def without(gone: str) -> Callable[[str], Any]:
        def load(name: str) -> Any:
            if name == gone:
                raise ImportError(name)
            return found(name)

        return load

    monkeypatch.setattr(loading.importlib, "import_module", without("peft"))
    with pytest.raises(BackendUnavailable, match=r"peft is missing.*pip install 'perstream\[qwen\]'"):
        loading.require_libraries()
    monkeypatch.setattr(loading.importlib, "import_module", without("bitsandbytes"))
    loading.require_libraries()
    with pytest.raises(BackendUnavailable, match=r"bitsandbytes is missing.*pip install 'perstream\[quant\]'"):
        loading.require_libraries("4bit")


@pytest.mark.parametrize("version", ["4.57.1", "5.17.9", "6.0.0"])
def test_an_unfit_version_of_transformers_is_refused(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    import transformers

    monkeypatch.setattr(transformers, "__version__", version)
    with pytest.raises(BackendUnavailable, match=f"transformers {version} is installed"):
        loading.require_libraries()


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
@pytest.mark.parametrize("device", ["cuda", "cuda:1", "balanced"])
def test_a_gpu_that_is_not_there_is_said(device: str) -> None:
    with pytest.raises(BackendUnavailable, match="sees no CUDA GPU"):
        hardware.hardware_of(device, "auto")


def test_devices_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="'gpu' is none of"):
        hardware.hardware_of("gpu", "auto")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    assert hardware.hardware_of("auto", "auto") == hardware.Hardware("cuda:0", "bf16")
    assert hardware.hardware_of("cuda:1", "fp16") == hardware.Hardware("cuda:1", "fp16")
    assert hardware.hardware_of("cpu", "auto") == hardware.Hardware("cpu", "fp32")
    assert hardware.hardware_of("balanced", "auto").device_map == "balanced"
    assert hardware.hardware_of("cuda", "auto").device_map == {"": "cuda:0"}
    with pytest.raises(BackendUnavailable, match="no cuda:2: torch sees 2"):
        hardware.hardware_of("cuda:2", "auto")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: False)
    assert hardware.hardware_of("auto", "auto").dtype == "fp32"


def test_memory_needs_follow_numbers_and_quantization() -> None:
    tensors = {
        "thinker.model.layers.0.mlp.up_proj.weight": Tensor((1000, 1000), "BF16"),
        "thinker.model.embed_tokens.weight": Tensor((1000, 10), "BF16"),
        "thinker.visual.blocks.0.mlp.up_proj.weight": Tensor((10, 1000), "BF16"),
        "thinker.audio_tower.layers.0.self_attn.q_proj.weight": Tensor((10, 1000), "BF16"),
        "talker.model.layers.0.mlp.up_proj.weight": Tensor((1000, 1000), "BF16"),
    }
    assert hardware.bytes_needed(tensors, "thinker.", "fp32", "") == 4 * 1_030_000
    assert hardware.bytes_needed(tensors, "thinker.", "bf16", "") == 2 * 1_030_000
    assert hardware.bytes_needed(tensors, "thinker.", "bf16", "8bit") == 1_000_000 + 2 * 30_000
    assert hardware.bytes_needed(tensors, "thinker.", "bf16", "4bit") == 516_000 + 2 * 30_000


def test_a_model_larger_than_the_memory_is_refused_before_it_is_read(
    tiny_omni: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "bytes_free", lambda device: 1000)
    with pytest.raises(BackendUnavailable, match=r"cpu has 0\.0 GiB free; try --load-in 4bit, --dtype bf16, a smaller"):
        load_model(BackendConfig(model_path=str(tiny_omni)))


def test_loading_leaves_the_librarys_own_output_as_it_was(tiny_omni: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings: Any = importlib.import_module("transformers.utils.logging")
    before = settings.get_verbosity(), settings.is_progress_bar_enabled()
    load_model(BackendConfig(model_path=str(tiny_omni)))
    assert (settings.get_verbosity(), settings.is_progress_bar_enabled()) == before
    assert capsys.readouterr().err == ""
