"""The model bench: true shapes, honest counts, and nothing needed but torch and transformers."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch", reason="needs torch")
transformers = pytest.importorskip("transformers", reason="needs transformers")

from perstream.errors import ConfigError  # noqa: E402
from perstream.lab.bench_model import Setup, bench_model  # noqa: E402
from perstream.lab.omni_shapes import quantize, random_model, shape  # noqa: E402
from perstream.lab.roofline import Ceiling, demand  # noqa: E402
from perstream.lab.tiny_words import tokenizer  # noqa: E402

ABSENT = (
    "msgspec typer PIL av onnxruntime usearch psutil accelerate peft safetensors.numpy rapidocr fastapi bitsandbytes"
)
CODE = """
import sys
for name in sys.argv[1].split():
    sys.modules[name] = None
from perstream.lab.bench_model import main
sys.exit(main(sys.argv[2:]))
"""


def test_runs_with_torch_and_transformers_alone() -> None:
    options = "--random-weights tiny --device cpu --keyframes 4 --pool 2 --tokens 4 --repeats 1 --json".split()
    ran = subprocess.run([sys.executable, "-c", CODE, ABSENT, *options], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    result = json.loads(ran.stdout)
    fast, naive = result["parts"]
    assert (fast["way"], naive["way"], naive["dtype"]) == ("fast", "naive", "fp32")
    assert fast["captions"]["tokens"] == 4 and fast["answers"]["memories"] == 5
    assert set(fast["encoding"]["ms_per_keyframe"]) == {"1", "4", "8", "16"}
    assert fast["memory"]["peak_gib"] is None
    assert all(ratio > 0 for ratio in result["ratios"].values()) and len(result["ratios"]) == 5
    assert any("bitsandbytes" in note for note in result["notes"])
    assert any("no GPU" in note for note in result["notes"])


@pytest.mark.parametrize(("size", "billions", "kv"), [("7b", 8.93, 56), ("3b", 4.70, 36)])
def test_shapes_are_the_published_ones(size: str, billions: float, kv: int) -> None:
    with torch.device("meta"):
        model = transformers.Qwen2_5OmniThinkerForConditionalGeneration(shape(size, tokenizer(152_064))).bfloat16()
    assert sum(p.numel() for p in model.parameters()) / 1e9 == pytest.approx(billions, abs=0.01)
    assert demand(model).cache_bytes_per_token == kv * 1024


def test_quantized_layers_are_counted_as_what_they_are() -> None:
    pytest.importorskip("bitsandbytes", reason="needs bitsandbytes")
    loaded = random_model("tiny", "cpu", "fp32")
    before = demand(loaded.model)
    assert quantize(loaded.model, "fp32") == 14
    after = demand(loaded.model)
    assert after.decoder_parameters == before.decoder_parameters
    head = 4 * before.head_parameters
    assert after.decoder_bytes - head < (before.decoder_bytes - head) / 6


def test_ceiling_is_the_slower_of_both() -> None:
    limit = Ceiling(bytes_per_s=100.0, operations_per_s=1000.0)
    assert limit.seconds(100, 10) == 1.0
    assert limit.seconds(1, 5000) == 5.0


def test_model_or_shape_but_not_both() -> None:
    for setup in (Setup(), Setup(random_weights="7b", model="x")):
        with pytest.raises(ConfigError, match="--random-weights 7b"):
            bench_model(setup)
