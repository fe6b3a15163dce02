"""LoRA adapters: exact on, across and off; foreign and broken ones leave the model as it was."""

from __future__ import annotations

import json
import math
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch: Any = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("transformers", reason="needs transformers")
pytest.importorskip("peft", reason="needs peft")

from safetensors.torch import save_file  # noqa: E402

from perstream.config import BackendConfig  # noqa: E402
from perstream.errors import BackendUnavailable, ConfigError, NotFound  # noqa: E402
from perstream.models.omni.adapter_file import parse_adapter, read_adapter  # noqa: E402
from perstream.models.omni.adapters import OmniAdapters, load_adapters  # noqa: E402
from perstream.models.omni.loaded import Loaded  # noqa: E402
from perstream.models.omni.loading import load_model  # noqa: E402

IDS = [[5, 6, 7, 8, 9, 10]]
LAYER = "model.language_model.layers.{}.self_attn.{}_proj"
SIZES = {"q": (64, 64), "k": (64, 32), "v": (64, 32), "o": (64, 64)}


@pytest.fixture
def loaded(tiny_omni: Path) -> Loaded:
    return load_model(BackendConfig(model_path=str(tiny_omni)))


def logits(loaded: Loaded) -> Any:
    with loaded.lock, torch.inference_mode():
        return loaded.model(input_ids=torch.tensor(IDS)).logits


def matrices(seed: int, rank: int = 4, layer: str = LAYER) -> dict[str, Any]:
    """A and B of all attention projections of both layers, as PEFT names them."""
    made = torch.Generator().manual_seed(seed)
    tensors = {}
    for number in (0, 1):
        for part, (wide, tall) in SIZES.items():
            name = f"base_model.model.{layer.format(number, part)}"
            tensors[f"{name}.lora_A.weight"] = torch.randn(rank, wide, generator=made) / 4
            tensors[f"{name}.lora_B.weight"] = torch.randn(tall, rank, generator=made) / 4
    return tensors


def write(folder: Path, tensors: dict[str, Any], **change: Any) -> str:
    folder.mkdir(parents=True)
    config = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj"], "bias": "none"}
    (folder / "adapter_config.json").write_text(json.dumps({**config, **change}))
    save_file(tensors, folder / "adapter_model.safetensors")
    return str(folder)


@pytest.fixture
def one(tmp_path: Path) -> str:
    return write(tmp_path / "one", matrices(1))


@pytest.fixture
def other(tmp_path: Path) -> str:
    return write(tmp_path / "other", matrices(2, rank=2), use_rslora=True)


def expected(loaded: Loaded, tensors: dict[str, Any], scale: float) -> Any:
    """Logits with the products added to the weights themselves."""
    with torch.no_grad():
        for key in list(tensors):
            if key.endswith("lora_A.weight"):
                name = key.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
                product = tensors[key.replace("lora_A", "lora_B")] @ tensors[key]
                loaded.model.get_submodule(name).weight += scale * product
    return logits(loaded)


def test_adapters_do_what_their_matrices_say(tiny_omni: Path, loaded: Loaded, one: str, other: str) -> None:
    adapters = load_adapters(loaded, [f"one={one}", f"other={other}"])
    assert (adapters.names, adapters.active) == (("one", "other"), "one")
    for name, tensors, scale in (("one", matrices(1), 8 / 4), ("other", matrices(2, rank=2), 8 / math.sqrt(2))):
        adapters.use(name)
        merged = expected(load_model(BackendConfig(model_path=str(tiny_omni))), tensors, scale)
        assert torch.allclose(logits(loaded), merged, atol=1e-4)
        assert not torch.allclose(merged, logits(load_model(BackendConfig(model_path=str(tiny_omni)))), atol=0.1)


def test_attach_swap_and_detach_are_exact(loaded: Loaded, one: str, other: str) -> None:
    base, model = logits(loaded), loaded.model
    layers = [type(module) for module in model.modules()]
    adapters = OmniAdapters(loaded)
    adapters.load("one", one)
    adapters.load("other", other)
    assert adapters.active is None
    assert torch.equal(logits(loaded), base)
    adapters.use("one")
    first = logits(loaded)
    adapters.use("other")
    second = logits(loaded)
    assert not torch.allclose(first, base, atol=0.1) and not torch.allclose(second, first, atol=0.1)
    adapters.use("one")
    assert torch.equal(logits(loaded), first)
    adapters.use(None)
    assert torch.equal(logits(loaded), base)
    adapters.use("other")
    adapters.unload("one")
    assert torch.equal(logits(loaded), second)
    adapters.unload("other")
    assert (adapters.names, adapters.active) == ((), None)
    assert torch.equal(logits(loaded), base)
    assert loaded.model is model and [type(module) for module in model.modules()] == layers
    assert not hasattr(model, "peft_config")


def test_a_model_with_adapters_still_generates_and_needs_no_gradients(loaded: Loaded, one: str, other: str) -> None:
    ids = torch.tensor(IDS)
    plain = loaded.model.generate(input_ids=ids, max_new_tokens=8, do_sample=False)
    adapters = load_adapters(loaded, [f"one={one}", f"other={other}"])
    changed = loaded.model.generate(input_ids=ids, max_new_tokens=8, do_sample=False)
    assert plain.tolist() != changed.tolist()
    adapters.use("other")
    assert not loaded.model.training and not any(module.training for module in loaded.model.modules())
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())
    adapters.use(None)
    assert loaded.model.generate(input_ids=ids, max_new_tokens=8, do_sample=False).tolist() == plain.tolist()


def test_an_adapter_saved_by_peft_gives_pefts_own_numbers(tiny_omni: Path, loaded: Loaded, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    attention = r".*language_model\.layers\.\d+\.self_attn\.(q_proj|k_proj|v_proj|o_proj)"
    config = LoraConfig(
        r=4,
        lora_alpha=16,
        lora_dropout=0.05,
        target_modules=attention,
        rank_pattern={"q_proj": 2},
        alpha_pattern={"o_proj": 3, "^model.language_model.layers.0.self_attn.k_proj": 5},
        init_lora_weights=False,
    )
    torch.manual_seed(3)
    base = load_model(BackendConfig(model_path=str(tiny_omni))).model
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' own deprecations
        made = get_peft_model(base, config).eval()
        made.save_pretrained(tmp_path / "saved")
    with torch.inference_mode():
        wanted = made(input_ids=torch.tensor(IDS)).logits
    load_adapters(loaded, [f"saved={tmp_path / 'saved'}"])
    assert torch.equal(logits(loaded), wanted)


@pytest.mark.parametrize(
    "layer",
    [
        "thinker.model.language_model.layers.{}.self_attn.{}_proj",
        "thinker.model.layers.{}.self_attn.{}_proj",
        "model.layers.{}.self_attn.{}_proj",
    ],
)
def test_layer_names_of_other_layouts_are_understood(loaded: Loaded, one: str, tmp_path: Path, layer: str) -> None:
    renamed = write(tmp_path / "renamed", matrices(1, layer=layer))
    adapters = load_adapters(loaded, [f"one={one}", f"renamed={renamed}"])
    wanted = logits(loaded)
    adapters.use("renamed")
    assert torch.equal(logits(loaded), wanted)


@pytest.mark.parametrize("load_in", ["4bit", "8bit"])
def test_adapters_on_quantized_weights(tiny_omni: Path, one: str, load_in: Any) -> None:
    pytest.importorskip("bitsandbytes", reason="needs bitsandbytes")
    loaded = load_model(BackendConfig(model_path=str(tiny_omni), load_in=load_in))
    base = logits(loaded)
    adapters = load_adapters(loaded, [f"one={one}"])
    assert not torch.allclose(logits(loaded), base, atol=0.1)
    adapters.unload("one")
    assert torch.equal(logits(loaded), base)


def test_changed_is_called_once_per_change_of_the_weights_in_use(loaded: Loaded, one: str, other: str) -> None:
    calls: list[str | None] = []
    adapters = OmniAdapters(loaded, lambda: calls.append(adapters.active))
    adapters.load("one", one)
    adapters.load("other", other)
    assert calls == []
    adapters.use("one")
    adapters.use("one")
    adapters.unload("other")
    assert calls == ["one"]
    adapters.unload("one")
    assert calls == ["one", None]


def test_a_switch_waits_for_the_answer_in_the_making(loaded: Loaded, one: str) -> None:
    adapters = OmniAdapters(loaded)
    adapters.load("one", one)
    switching = threading.Thread(target=adapters.use, args=("one",))
    with loaded.lock:
        switching.start()
        switching.join(0.1)
        assert switching.is_alive()
        assert (adapters.names, adapters.active) == (("one",), None)  # status does not wait
    switching.join(10)
    assert adapters.active == "one"


def test_unknown_and_repeated_names(loaded: Loaded, one: str) -> None:
    adapters = OmniAdapters(loaded)
    with pytest.raises(NotFound, match="no adapter 'x'; there are: none"):
        adapters.use("x")
    adapters.load("one", one)
    with pytest.raises(NotFound, match="there are: one"):
        adapters.unload("x")
    with pytest.raises(BackendUnavailable, match="an adapter one already"):
        adapters.load("one", one)
    adapters.unload("one")
    adapters.load("one", one)
    assert adapters.names == ("one",)


@pytest.mark.parametrize("name", ["keys", "pop", "weight", "a.b-c_d", "default"])
def test_any_plain_name_will_do(loaded: Loaded, one: str, name: str) -> None:
    base = logits(loaded)
    adapters = load_adapters(loaded, [f"{name}={one}"])
    assert not torch.equal(logits(loaded), base)
    adapters.unload(name)
    assert torch.equal(logits(loaded), base)


@pytest.mark.parametrize(
    "text", ["", "one", "one=", "=path", "a b=path", "../x=path", "-x=path", "é=path", "x" * 65 + "=p"]
)
def test_what_is_not_name_and_path_is_a_config_error(text: str) -> None:
    with pytest.raises(ConfigError, match="adapter"):
        parse_adapter(text)


def test_name_and_path_are_taken_apart_at_the_first_equals_sign(loaded: Loaded, one: str) -> None:
    assert parse_adapter(" me = /a=b/c ") == ("me", "/a=b/c")
    with pytest.raises(ConfigError, match="two adapters have one name"):
        load_adapters(loaded, [f"one={one}", f"one={one}"])


def cut(tensors: dict[str, Any], **change: Any) -> dict[str, Any]:
    """All but the last tensor, and others instead."""
    return {**dict(list(tensors.items())[:-1]), **change}


Writer = Callable[[Path], str]
FOREIGN: dict[str, tuple[Writer, str]] = {
    "another width": (
        lambda folder: write(
            folder, {k: v.repeat(1, 2) for k, v in matrices(1).items()}, base_model_name_or_path="some/3B"
        ),
        r"is of some/3B: .*k_proj has A \[4, 128\] and B \[32, 8\], the layer here is \[32, 64\]",
    ),
    "another depth": (
        lambda folder: write(folder, {k.replace("layers.1", "layers.7"): v for k, v in matrices(1).items()}),
        "is of another model: .* has no layer model.language_model.layers.7.self_attn.k_proj",
    ),
    "another layer": (
        lambda folder: write(folder, matrices(1, layer="model.language_model.layers.{}.mlp.{}_proj")),
        "has no layer",
    ),
    "no linear layer": (
        lambda folder: write(
            folder,
            {
                "base_model.model.model.language_model.norm.lora_A.weight": torch.zeros(2, 64),
                "base_model.model.model.language_model.norm.lora_B.weight": torch.zeros(64, 2),
            },
        ),
        r"the layer here is \[None, None\]",
    ),
    "half a pair": (lambda folder: write(folder, cut(matrices(1))), "not whole"),
    "nothing": (lambda folder: write(folder, {}), "not whole"),
    "rank zero": (
        lambda folder: write(folder, {k: v[:0] if "_A" in k else v[:, :0] for k, v in matrices(1).items()}),
        r"has A \[0, 64\]",
    ),
    "more than matrices": (
        lambda folder: write(folder, {**matrices(1), "base_model.model.lm_head.weight": torch.zeros(2, 2)}),
        "only LoRA matrices",
    ),
    "no numbers": (
        lambda folder: write(folder, {k: v * float("nan") for k, v in matrices(1).items()}),
        "not finite",
    ),
    "another method": (lambda folder: write(folder, matrices(1), peft_type="IA3"), "is IA3: only LORA"),
    "dora": (lambda folder: write(folder, matrices(1), use_dora=True), "uses use_dora: only plain LoRA"),
    "saved modules": (lambda folder: write(folder, matrices(1), modules_to_save=["lm_head"]), "uses modules_to_save"),
    "trained bias": (lambda folder: write(folder, matrices(1), bias="all"), "uses bias"),
    "changed base": (
        lambda folder: write(folder, matrices(1), init_lora_weights="pissa_niter_4"),
        "uses init_lora_weights=pissa_niter_4",
    ),
    "alpha no number": (lambda folder: write(folder, matrices(1), lora_alpha="8"), "no usable lora_alpha"),
    "alpha nan": (lambda folder: write(folder, matrices(1), lora_alpha=float("nan")), "no usable lora_alpha"),
    "patterns no names": (
        lambda folder: write(folder, matrices(1), alpha_pattern={"(a+)+$": 1}),
        "more than plain names",
    ),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_or_broken_adapter_leaves_the_model_as_it_was(
    loaded: Loaded, one: str, tmp_path: Path, kind: str
) -> None:
    maker, reason = FOREIGN[kind]
    adapters = load_adapters(loaded, [f"one={one}"])
    before = logits(loaded)
    layers = [type(module) for module in loaded.model.modules()]
    with pytest.raises(BackendUnavailable, match=reason) as caught:
        adapters.load("bad", maker(tmp_path / "bad"))
    assert "\n" not in str(caught.value)
    assert (adapters.names, adapters.active) == (("one",), "one")
    assert torch.equal(logits(loaded), before)
    assert [type(module) for module in loaded.model.modules()] == layers
    adapters.unload("one")
    assert not any("lora" in name for name, _ in loaded.model.named_modules())


def test_a_failure_while_it_is_put_on_leaves_the_model_as_it_was(
    loaded: Loaded, one: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = logits(loaded)
    adapters = OmniAdapters(loaded)
    import peft

    inject = peft.inject_adapter_in_model

    def full(*about: Any, **named: Any) -> None:
        inject(*about, **named)
        monkeypatch.setattr(peft, "inject_adapter_in_model", inject)
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(peft, "inject_adapter_in_model", full)
    with pytest.raises(BackendUnavailable, match=r"adapter one cannot be put on .*: CUDA out of memory"):
        adapters.load("one", one)
    assert not any("lora" in name for name, _ in loaded.model.named_modules())
    assert torch.equal(logits(loaded), base)
    adapters.load("other", other)
    assert adapters.names == ("other",)


def test_missing_pieces_are_named(loaded: Loaded, one: str, tmp_path: Path) -> None:
    def refused(path: Path) -> str:
        with pytest.raises(BackendUnavailable) as caught:
            read_adapter(str(path), loaded.model, loaded.name)
        return str(caught.value)

    folder = Path(one)
    assert "no adapter folder" in refused(tmp_path / "nowhere")
    (folder / "adapter_config.json").unlink()
    assert "lacks adapter_config.json" in refused(folder)
    (folder / "adapter_config.json").write_text("[]")
    assert "holds no JSON object" in refused(folder)
    weights = folder / "adapter_model.safetensors"
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "lora_alpha": 8}))
    weights.write_bytes(weights.read_bytes()[:-1])
    assert "is not whole" in refused(folder)
    weights.rename(folder / "adapter_model.bin")
    assert "is a pickle (adapter_model.bin)" in refused(folder)


@pytest.mark.parametrize(
    ("base", "here", "fits"),
    [
        ("Qwen/Qwen2.5-Omni-7B", "Qwen/Qwen2.5-Omni-7B", True),
        ("qwen/qwen2.5-omni-7b", "mirror/Qwen2.5-Omni-7B-bnb-4bit", True),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "Qwen/Qwen2.5-Omni-7B", False),
        ("/home/me/models/x", "Qwen/Qwen2.5-Omni-7B", True),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "/models/omni", True),
    ],
)
def test_an_adapter_of_a_model_with_the_same_shapes_is_told_by_its_name(
    loaded: Loaded, tmp_path: Path, base: str, here: str, fits: bool
) -> None:
    path = write(tmp_path / "named", matrices(1), base_model_name_or_path=base)
    if fits:
        assert len(read_adapter(path, loaded.model, here).modules) == 8
        return
    with pytest.raises(BackendUnavailable, match=f"made for {base}, not for {here}"):
        read_adapter(path, loaded.model, here)
