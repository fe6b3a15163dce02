"""The judges: word overlap without any model, and a model behind a server. Both are measured by the same probes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from perstream.errors import BadOutput
from perstream.lab.answer_scores import rouge_l, token_f1, word_recall
from perstream.lab.kit.calls import CachedChat
from perstream.lab.kit.predictions import Json
from perstream.lab.kit.verdicts import (
    MAX_TOKENS,
    MOST,
    PASSIVE_SYSTEM,
    PROACTIVE_SYSTEM,
    flag_of,
    marks_of,
    once_more,
    question_to_judge,
    sampling_of,
    verdict_in,
)
from perstream.models.chat.messages import ChatModel
from perstream.protocols import TextEmbedder

ACCEPTED_F1, ACCEPTED_COSINE, ACCEPTED_HELD = 0.5, 0.75, 0.8
"""The offline judge takes an answer for right from this word overlap, this nearness or this share of the reference's words
on (a short reference in a long answer). Its error rates are reported."""
_DENIAL = re.compile(r"(?i)\b(?:no|not|never|cannot|nothing|nobody|none|\w+n[\u2019']t)\b")
CHARS_PER_TOKEN = 4
LETTERS = "ABCDEFGHIJ"


class Judge(Protocol):
    """Gives marks to one record."""

    name: str
    rule: str
    """Changes whenever the same record could be judged otherwise: verdicts of two rules are never mixed."""
    offline: bool
    """Word overlap and nearness of vectors: no understanding."""

    def judge(self, record: Json) -> Json:
        """Flag and marks. BadOutput when no usable verdict could be had."""


class OfflineJudge:
    """Token-F1, ROUGE-L and cosine of sentence vectors; its yes or no is a threshold on them."""

    name = "offline (token-F1, ROUGE-L, embedding similarity)"
    rule = f"near from {ACCEPTED_F1}, {ACCEPTED_COSINE} or {ACCEPTED_HELD} on, and as many denials but for a leading yes or no"
    offline = True

    def __init__(self, embedder: TextEmbedder) -> None:
        self._embedder = embedder

    def judge(self, record: Json) -> Json:
        """Measures in [0, 1] under their own names; no marks from 1 to 5, which nobody gave."""
        said, gold = plain_words(record["pred"] or ""), record["answer"] or ""
        if not gold.strip():
            return {flag_of(record): False, "f1": 0.0, "rouge_l": 0.0, "gold_words": 0.0, "cosine": 0.0}
        pair = self._embedder.embed([said or " ", gold])
        cosine = float(np.clip(pair[0] @ pair[1], 0.0, 1.0)) if said.strip() else 0.0
        f1, held = token_f1(said, gold), word_recall(said, gold)
        near = f1 >= ACCEPTED_F1 or cosine >= ACCEPTED_COSINE or held >= ACCEPTED_HELD
        return {
            flag_of(record): near and denials(said) % 2 == denials(gold) % 2,
            "f1": round(f1, 4),
            "rouge_l": round(rouge_l(said, gold), 4),
            "gold_words": round(held, 4),
            "cosine": round(cosine, 4),
        }


class ModelJudge:
    """A model that is asked with a schema; a reply that cannot be used is repaired once and else failed."""

    rule = PASSIVE_SYSTEM + PROACTIVE_SYSTEM
    offline = False

    def __init__(self, chat: CachedChat | ChatModel) -> None:
        self._chat = chat
        self.name = chat.name

    def judge(self, record: Json) -> Json:
        """One call, at most two."""
        messages = question_to_judge(record)
        sampling = sampling_of(record)
        reply = self._chat.reply(messages, sampling, _unheard, _never)
        try:
            return verdict_in(reply, record)
        except BadOutput as problem:
            second = self._chat.reply(once_more(messages, reply, str(problem)), sampling, _unheard, _never)
            try:
                return verdict_in(second, record)
            except BadOutput as error:
                raise BadOutput(f"{error}, also when asked again") from error


def ruled(record: Json) -> Json | None:
    """The verdict where no judge is needed: refusals, silence, and options named by letter; None where one is."""
    flag, marks = flag_of(record), marks_of(record)
    if record.get("options") and record["answer"] is not None:
        return {flag: option_in(record["pred"] or "", record["options"]) == record["answer"], "rule": "option"}
    if record["type"] == "proactive":
        if record["pred"] is not None:
            return None
        return {flag: record["answer"] is None, "rule": "silence"}
    refused = bool(record.get("abstained")) or not (record["pred"] or "").strip()
    if record["answer"] is None:  # nothing is known: only a refusal is right
        return {flag: refused, **dict.fromkeys(marks, MOST if refused else 1), "rule": "unanswerable"}
    return {flag: False, **dict.fromkeys(marks, 1), "rule": "refused"} if refused else None


def denials(text: str) -> int:
    """How often a text says no: one that says it once more or less than another contradicts it.

    A leading yes or no counts only where nothing follows it: "No, you do not" denies once.
    """
    lead = re.match(r"(?i)\W*(yes|no)\b\W*", text)
    rest = text[lead.end() :] if lead else text
    if lead and not rest:
        return int(lead[1].lower() == "no")
    return len(_DENIAL.findall(rest))


def option_in(said: str, options: Sequence[str]) -> str | None:
    """The option that an answer names, by its letter first or else by its words; None when it names none or two."""
    lead = re.match(r"(?i:\W*(?:the )?(?:right |correct )?(?:answer|option)?(?: is|:)?\W*)([A-J])(?:[.):,]|\s*$)", said)
    if lead and LETTERS.index(lead[1]) < len(options):
        return options[LETTERS.index(lead[1])]
    words = f" {_words(said)} "
    held = [option for option in options if _words(option) and f" {_words(option)} " in words]
    longest = max(held, key=len, default=None)
    return longest if longest is not None and all(other in longest for other in held) else None


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def tokens_of(record: Json) -> tuple[int, int]:
    """About how many tokens go in and at most come out for one record."""
    parts = (part for message in question_to_judge(record) for part in message.parts)
    return sum(len(part) for part in parts if isinstance(part, str)) // CHARS_PER_TOKEN, MAX_TOKENS


def plain_words(text: str) -> str:
    """An answer without the marks of its evidence."""
    return " ".join(re.sub(r"\[(?:\d+|now)\]", " ", text).split())


_unheard: Callable[[str], None] = lambda _: None  # noqa: E731
_never: Callable[[], bool] = lambda: False  # noqa: E731
