"""How an adapter does on held-out records while it is trained: loss, and whether it speaks when it should."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from perstream.errors import BadOutput
from perstream.lab.kit.train_rows import Row
from perstream.models.chat.messages import ChatModel, Message, Sampling
from perstream.models.chat.proposer import word_in

MAX_NEW_TOKENS = 64


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """One held-out sample, laid out."""

    messages: tuple[Message, ...]
    row: Row
    passive: bool
    speaks: bool


def measure(
    samples: Iterable[HeldOut],
    loss: Any,
    chat: ChatModel,
    numbers: Callable[[], AbstractContextManager[Any]],
) -> dict[str, float | None]:
    """Mean loss of all, of passive and of proactive ones; precision, recall and F1 of speaking by greedy replies.

    ``loss`` is :func:`answer_loss`'s module, ``numbers`` the context of its arithmetic. One sample is held at a time.
    None where there is no sample.
    """
    import torch

    asked: list[float] = []
    unasked: list[float] = []
    due: list[bool] = []
    spoke: list[bool] = []
    for one in samples:
        with numbers():
            with torch.no_grad():
                (asked if one.passive else unasked).append(float(loss(one.row)))
            if not one.passive:
                due.append(one.speaks)
                spoke.append(speaks(chat, one.messages))
    return {
        "val_loss": _mean([*asked, *unasked]),
        "val_loss_passive": _mean(asked),
        "val_loss_proactive": _mean(unasked),
        **speaking_scores(due, spoke),
    }


def speaks(chat: ChatModel, messages: Sequence[Message]) -> bool:
    """Whether the greedy reply to a proactive prompt has a word in it, as the daemon reads replies."""
    sampling = Sampling(max_new_tokens=MAX_NEW_TOKENS, temperature=0.0, kind="proactive")
    try:
        return word_in(chat.reply(messages, sampling, lambda _: None, lambda: False)) is not None
    except BadOutput:
        return False  # an empty reply says nothing


def speaking_scores(due: Sequence[bool], spoke: Sequence[bool]) -> dict[str, float | None]:
    """Precision, recall and F1 of speaking; always silent and always speaking are its baselines, by count."""
    hit = sum(d and s for d, s in zip(due, spoke, strict=True))
    precision = hit / sum(spoke) if any(spoke) else (0.0 if any(due) else None)
    recall = hit / sum(due) if any(due) else None
    f1 = None if recall is None else 2 * hit / max(1, sum(due) + sum(spoke))
    return {
        "proactive_precision": precision,
        "proactive_recall": recall,
        "proactive_f1": f1,
        "proactive_moments": float(len(due)),
        "proactive_due": float(sum(due)),
        "proactive_spoke": float(sum(spoke)),
    }


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
