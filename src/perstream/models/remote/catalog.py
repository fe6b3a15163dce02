"""What a server says about its models: the list of ``/v1/models`` with the extras of the servers that have any."""

from __future__ import annotations

from typing import Any

import msgspec

from perstream.errors import BadOutput

MOST = 500


class Card(msgspec.Struct, frozen=True):
    """One served model."""

    id: str
    owned_by: str = ""
    """``vllm``, ``llamacpp``, ``library`` (Ollama) and so on."""
    parent: str | None = None
    """vLLM: the base model, where this is a LoRA adapter of it."""
    root: str | None = None
    """vLLM: path of the adapter or the model."""
    architecture: dict[str, Any] = {}
    """llama.cpp and OpenRouter: ``input_modalities`` among others."""

    @property
    def modalities(self) -> frozenset[str] | None:
        """``image``, ``audio`` and so on; None where the card says nothing."""
        found = self.architecture.get("input_modalities")
        return frozenset(str(kind) for kind in found) if isinstance(found, list) else None


def cards(tree: Any, origin: str) -> tuple[Card, ...]:
    """The models of a ``/v1/models`` answer. BadOutput when it is none."""
    rows = tree.get("data") if isinstance(tree, dict) else None
    if not isinstance(rows, list):
        raise BadOutput(f"{origin} gave no list of models; is backend.base_url right? It usually ends in /v1.")
    try:
        # Servers put null where they know nothing; a card is read without those fields.
        return tuple(
            msgspec.convert({k: v for k, v in row.items() if v is not None}, Card)
            for row in rows[:MOST]
            if isinstance(row, dict)
        )
    except msgspec.ValidationError as error:
        raise BadOutput(f"{origin} gave a list of models that cannot be read: {error}") from error


def shown(found: tuple[Card, ...]) -> str:
    """Names for a message, at most ten."""
    names = [card.id[:80] for card in found[:10]]
    return ", ".join(names) + (f" and {len(found) - 10} more" if len(found) > 10 else "")
