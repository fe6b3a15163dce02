"""A prompt and its reply as one row of tokens, and the loss on the reply alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from perstream.errors import ConfigError
from perstream.models.chat.messages import Message
from perstream.models.omni.inject import check, media_inputs, positions
from perstream.models.omni.loaded import Loaded
from perstream.models.omni.prompt import Prompt, build_prompt, harmless

IGNORED = -100
"""Label of a token that carries no loss."""


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One sample as the model takes it."""

    prompt: Prompt
    """All tokens, those of the reply at the end, with the places of pictures."""
    labels: tuple[int, ...]
    """For each token itself where it carries loss (the reply and the end of its turn), else ``IGNORED``."""

    @property
    def begin(self) -> int:
        """The first token of the reply."""
        return next(i for i, label in enumerate(self.labels) if label != IGNORED)


def row_of(loaded: Loaded, messages: Sequence[Message], reply: str) -> Row:
    """Lay out a sample. ConfigError when it is longer than the model's context."""
    prompt = build_prompt(loaded, messages, 0)
    # Apart from the prompt, as at inference: no token may reach over the border.
    words = loaded.processor.tokenizer(harmless(loaded, reply), add_special_tokens=False)["input_ids"]
    said = [*words, turn_end(loaded)]
    ids = (*prompt.ids, *said)
    most = getattr(loaded.model.config.get_text_config(), "max_position_embeddings", None)
    if isinstance(most, int) and len(ids) > most:
        raise ConfigError(f"a sample of {len(ids)} tokens is more than the {most} that {loaded.name} takes")
    whole = Prompt(ids, prompt.places, ())
    check(loaded, whole)
    return Row(whole, (*[IGNORED] * len(prompt.ids), *said))


def turn_end(loaded: Loaded) -> int:
    """The token with which the model's chat template ends a turn, and generation stops."""
    stops = loaded.model.generation_config.eos_token_id
    known = {*(stops if isinstance(stops, (list, tuple)) else [stops]), loaded.processor.tokenizer.eos_token_id}
    asked, said = Message("user", ("a",)), Message("assistant", ("b",))
    found = [token for token in build_prompt(loaded, [asked, said], 0).ids if token in known]
    if not found:
        raise ConfigError(f"the chat template of {loaded.name} ends no turn with a token at which it would stop")
    return int(found[-1])


def answer_loss(loaded: Loaded) -> Any:
    """A torch module: called with a row, it gives the mean cross-entropy of its reply's tokens, a scalar.

    Scores over the vocabulary are made for these tokens alone. Towers run without gradients.
    """
    import torch

    class AnswerLoss(torch.nn.Module):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.model = loaded.model

        def forward(self, row: Row) -> Any:
            ids = torch.tensor([row.prompt.ids], device=loaded.device)
            with torch.no_grad():
                media = media_inputs(loaded, row.prompt, 0, len(row.prompt.ids))
                where = positions(loaded, row.prompt)
            seen = self.model.model(input_ids=ids, position_ids=where, use_cache=False, **media).last_hidden_state
            begin = row.begin
            scores = self.model.get_output_embeddings()(seen[0, begin - 1 : -1]).float()
            wanted = torch.tensor(row.labels[begin:], device=scores.device)
            return torch.nn.functional.cross_entropy(scores, wanted, ignore_index=IGNORED)

    return AnswerLoss()
