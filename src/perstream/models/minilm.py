"""all-MiniLM-L6-v2 on ONNX Runtime: pooled and token vectors of short texts (TextEmbedder)."""

from __future__ import annotations

import string
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perstream.errors import BackendUnavailable
from perstream.types import FloatArray, TextVectors
from perstream.vectors import normalized

MAX_TOKENS = 256
"""The model's own limit (sentence_bert_config.json); what is longer is cut."""
BATCH = 32
LAYOUT = 2
"""Of the built files: another number in ``LAYOUT_FILE``, or none, is another version's."""
LAYOUT_FILE, EXACT, FAST, TABLE, TOKENIZER = (
    "layout",
    "encoder.onnx",
    "encoder-int8.onnx",
    "table.npy",
    "tokenizer.json",
)
_SLOW = "SkipLayerNormFusion"
"""ONNX Runtime's fused Add and LayerNormalization takes three times as long as both: a tenth of the whole."""
_SKIPPED = frozenset({"[CLS]", "[SEP]", *string.punctuation})


def default_folder() -> Path:
    """Where ``perstream setup`` puts the built model: inside the Python environment it belongs to."""
    return Path(sys.prefix) / "share" / "perstream" / "all-MiniLM-L6-v2"


def is_built(folder: Path) -> bool:
    """Whether the folder holds the embedder as this version builds it."""
    try:
        return (folder / LAYOUT_FILE).read_text(encoding="ascii").strip() == str(LAYOUT)
    except (OSError, UnicodeDecodeError):
        return False


class MiniLM:
    """TextEmbedder. Thread-safe.

    Two encoders share one word table, which is mapped from disk. :meth:`embed` computes in fp32: its vectors are the
    reference, and what is decided by them (do two labels mean one thing?) is decided the same on every machine. A call
    costs the streaming of 42 MB, so embed several texts in one. :meth:`embed_tokens` streams a quarter of that and takes
    half the time; its vectors are within 1e-3 of the reference's cosine, which changes no ranking that we could measure.
    """

    dimension = 384

    def __init__(self, folder: Path | None = None, threads: int = 1) -> None:
        folder = folder or default_folder()
        if not is_built(folder):
            raise BackendUnavailable(f"no text embedder of this version in {folder}: run `perstream setup`")
        import onnxruntime
        from tokenizers import Tokenizer

        onnxruntime.disable_telemetry_events()  # also when it was imported before this package, which switches it off
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3

        def session(name: str) -> Any:
            return onnxruntime.InferenceSession(
                str(folder / name), options, providers=["CPUExecutionProvider"], disabled_optimizers=[_SLOW]
            )

        try:
            self._exact, self._fast = session(EXACT), session(FAST)
            self._table: FloatArray = np.load(folder / TABLE, mmap_mode="r")
            self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        except Exception as error:  # both libraries raise bare Exception subclasses of their own
            raise BackendUnavailable(
                f"the text embedder in {folder} is damaged ({error}): run `perstream setup --force`"
            ) from error
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Pooled vectors [n, 384] in fp32: mean over tokens, L2-normalised, as sentence-transformers does."""
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        encodings = self._tokenizer.encode_batch([_bounded(text) for text in texts])
        # Batches of like length waste no work on padding.
        order = sorted(range(len(texts)), key=lambda i: len(encodings[i].ids))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            longest = len(encodings[rows[-1]].ids)
            ids = np.zeros((len(rows), longest), np.int64)
            mask = np.zeros_like(ids)
            for row, place in enumerate(rows):
                values = encodings[place].ids
                ids[row, : len(values)] = values
                mask[row, : len(values)] = 1
            (hidden,) = self._exact.run(None, {"embeddings": self._looked_up(ids), "attention_mask": mask})
            weight = mask[:, :, None].astype(np.float32)
            vectors[rows] = (hidden * weight).sum(axis=1) / weight.sum(axis=1)
        return normalized(vectors)

    def embed_tokens(self, text: str) -> TextVectors:
        """Pooled and token vectors, by the 8-bit encoder; tokens leave out [CLS], [SEP] and punctuation."""
        encoding = self._tokenizer.encode(_bounded(text))
        ((hidden,),) = self._fast.run(None, {"embeddings": self._looked_up(np.array([encoding.ids], np.int64))})
        kept = [i for i, token in enumerate(encoding.tokens) if token not in _SKIPPED]
        return TextVectors(
            pooled=normalized(hidden.mean(axis=0)),
            tokens=normalized(hidden[kept]),
            words=tuple(encoding.tokens[i] for i in kept),
        )

    def _looked_up(self, ids: Any) -> FloatArray:
        """What the encoders begin with, for token ids [n, tokens]: words and positions summed [n, tokens, 384]."""
        places = len(self._table) - MAX_TOKENS
        return np.asarray(self._table[ids] + self._table[places : places + ids.shape[1]], np.float32)


def _bounded(text: str) -> str:
    """A 10 MB text need not be tokenized whole to be cut at 256 tokens."""
    return text[: MAX_TOKENS * 32]
