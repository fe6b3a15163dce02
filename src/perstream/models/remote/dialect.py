"""Which optional fields of a chat request a server takes: learned from its refusals, remembered for the process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from perstream.models.chat.messages import Sampling
from perstream.models.remote.faults import RequestRefused

_SHAPES = ("json_schema", "json_object", "")
"""How an answer is held to JSON, the strictest first."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """Starts with what most servers take."""

    limit: str = "max_tokens"
    """Newer cloud models take ``max_completion_tokens`` alone."""
    temperature: bool = True
    """Reasoning models of the cloud take none."""
    usage: bool = True
    """Asking for token counts at the end of a stream."""
    shape: int = 0
    """Index into the ways to ask for JSON."""

    def fields(self, sampling: Sampling) -> dict[str, Any]:
        """The request without model and messages."""
        fields: dict[str, Any] = {"stream": True, self.limit: sampling.max_new_tokens}
        if self.temperature:
            fields["temperature"] = sampling.temperature
        if self.usage:
            fields["stream_options"] = {"include_usage": True}
        if sampling.schema is not None and _SHAPES[self.shape]:
            fields["response_format"] = _format(_SHAPES[self.shape], sampling.schema)
        return fields

    def eased(self, fault: RequestRefused, sampling: Sampling) -> Dialect | None:
        """What to try after a refusal; None when there is nothing left to leave out."""
        about = fault.param or fault.said
        if "stream_options" in about and self.usage:
            return replace(self, usage=False)
        if "max_tokens" in about and self.limit == "max_tokens":
            return replace(self, limit="max_completion_tokens")
        if "temperature" in about and self.temperature:
            return replace(self, temperature=False)
        if sampling.schema is not None and _SHAPES[self.shape]:
            return replace(self, shape=self.shape + 1)
        return None


def _format(shape: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    if shape == "json_object":
        return {"type": shape}
    return {"type": shape, "json_schema": {"name": "answer", "strict": True, "schema": schema}}
