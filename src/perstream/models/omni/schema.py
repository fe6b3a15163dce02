"""Answers held to a JSON schema while they are made, where xgrammar is installed (the extra ``grammar``).

Without it a model is asked for JSON and what it says is checked afterwards; that check is made in any case.
"""

from __future__ import annotations

import importlib
import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from perstream.errors import BackendError
from perstream.models.omni.generation import stops
from perstream.models.omni.loaded import Loaded

KEPT = 16
"""Compiled schemas kept."""

log = logging.getLogger(__name__)


class Schemas:
    """Compiles schemas for one model's vocabulary. Not thread-safe: the model's lock guards it."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._compiled: OrderedDict[str, Any] = OrderedDict()
        self._library: Any = _library()
        self._compiler: Any = None

    @property
    def available(self) -> bool:
        """Whether answers can be held to a schema here."""
        return self._library is not None

    def held_to(self, schema: Mapping[str, Any] | None) -> tuple[Callable[[Any, Any], Any], ...]:
        """Logits processors for one answer: none without a schema, without the library, or for a schema beyond it."""
        if schema is None or self._library is None:
            return ()
        text = json.dumps(schema)
        if text not in self._compiled:
            self._compiled[text] = self._compile(text)
            while len(self._compiled) > KEPT:
                self._compiled.popitem(last=False)
        compiled = self._compiled[text]
        return () if compiled is None else (Grammar(self._library, compiled, self._loaded.name),)

    def _compile(self, text: str) -> Any:
        grammars = self._library
        if self._compiler is None:
            info = grammars.TokenizerInfo.from_huggingface(
                self._loaded.processor.tokenizer,
                vocab_size=self._loaded.model.get_output_embeddings().weight.shape[0],
                stop_token_ids=stops(self._loaded),
            )
            self._compiler = grammars.GrammarCompiler(info)
        try:
            # Free white space would let a model go on for ever without saying anything.
            return self._compiler.compile_json_schema(text, any_whitespace=False)
        except (RuntimeError, ValueError) as error:
            log.warning("answers are not held to a JSON schema: %s", " ".join(str(error).split())[:200])
            return None


class Grammar:
    """Logits processor for one answer: only tokens with which the JSON can still be completed."""

    def __init__(self, library: Any, compiled: Any, name: str) -> None:
        self._library = library
        self._name = name
        self._matcher = library.GrammarMatcher(compiled)
        self._mask = library.allocate_token_bitmask(1, compiled.tokenizer_info.vocab_size)
        self._begun = False

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Scores [1, tokens] with all others at minus infinity."""
        if self._begun and not self._matcher.accept_token(int(input_ids[0, -1])):
            raise BackendError(f"{self._name} left the JSON schema that it was held to")
        self._begun = True
        if not self._matcher.is_terminated():
            self._matcher.fill_next_token_bitmask(self._mask)
            self._library.apply_token_bitmask_inplace(scores, self._mask.to(scores.device))
        return scores


def _library() -> Any:
    try:
        return importlib.import_module("xgrammar")
    except (ImportError, OSError):
        return None
