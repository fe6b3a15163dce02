"""all-MiniLM-L6-v2 on ONNX Runtime: pooled and token vectors of short texts (TextEmbedder)."""

from __future__ import annotations

import string
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perstream.errors import BackendUnavailable
from perstream.types import FloatArray, TextVectors
from perstream.vectors import normalized

MAX_TOKENS = 256
"""The model's own limit (sentence_bert_config.json); what is longer is cut."""
BATCH = 32
_SKIPPED = frozenset({"[CLS]", "[SEP]", *string.punctuation})


def default_folder() -> Path:
    """Where ``perstream setup`` puts the built model: inside the Python environment it belongs to."""
    return Path(sys.prefix) / "share" / "perstream" / "all-MiniLM-L6-v2"


class MiniLM:
    """TextEmbedder. Thread-safe; 150 MB of RAM.

    A short text takes 3 to 4 ms on one core, half of it reading 42 MB of fp32 weights: embed several texts in one call.
    """

    dimension = 384

    def __init__(self, folder: Path | None = None, threads: int = 1) -> None:
        folder = folder or default_folder()
        if not (folder / "model.onnx").is_file():
            raise BackendUnavailable(f"no text embedder in {folder}: run `perstream setup`")
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # both libraries raise bare Exception subclasses of their own
            raise BackendUnavailable(
                f"the text embedder in {folder} is damaged ({error}): run `perstream setup`"
            ) from error
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Pooled vectors [n, 384]: mean over tokens, L2-normalised, as sentence-transformers does."""
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        encodings = self._tokenizer.encode_batch([_bounded(text) for text in texts])
        # Batches of like length waste no work on padding.
        order = sorted(range(len(texts)), key=lambda i: len(encodings[i].ids))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            hidden, mask = self._run([encodings[i].ids for i in rows])
            weight = mask[:, :, None].astype(np.float32)
            vectors[rows] = (hidden * weight).sum(axis=1) / weight.sum(axis=1)
        return normalized(vectors)

    def embed_tokens(self, text: str) -> TextVectors:
        """Pooled and token vectors; tokens leave out [CLS], [SEP] and punctuation."""
        encoding = self._tokenizer.encode(_bounded(text))
        hidden, _ = self._run([encoding.ids])
        kept = [i for i, token in enumerate(encoding.tokens) if token not in _SKIPPED]
        return TextVectors(
            pooled=normalized(hidden[0].mean(axis=0)),
            tokens=normalized(hidden[0][kept]),
            words=tuple(encoding.tokens[i] for i in kept),
        )

    def _run(self, ids: list[list[int]]) -> tuple[FloatArray, NDArray[np.int64]]:
        longest = max(len(row) for row in ids)
        tokens = np.zeros((len(ids), longest), np.int64)
        mask = np.zeros_like(tokens)
        for row, values in enumerate(ids):
            tokens[row, : len(values)] = values
            mask[row, : len(values)] = 1
        (hidden,) = self._session.run(None, {"input_ids": tokens, "attention_mask": mask})
        return hidden, mask


def _bounded(text: str) -> str:
    """A 10 MB text need not be tokenized whole to be cut at 256 tokens."""
    return text[: MAX_TOKENS * 32]
