"""Probes that measure a judge: answers that are known to be right or wrong, made by rules from the references.

Right: the reference in other words. Wrong: vague sayings that fit everything, the reference negated, and the
reference of another sample. A judge that lets the wrong ones pass, or refuses the right ones, shows it here.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from perstream.lab.answer_scores import token_f1
from perstream.lab.kit.predictions import Json
from perstream.lab.kit.rates import share

RIGHT, WRONG = ("paraphrase",), ("vague", "negation", "other")
UNLIKE = 0.3
"""Another sample's reference is wrong here when it shares fewer words than this (token-F1)."""
VAGUE = {
    "passive": (
        "It depends on the situation, there are several possibilities.",
        "You mentioned something about that a while ago.",
        "That is related to your usual habits and preferences.",
        "Yes, something like that, as you know.",
    ),
    "proactive": (
        "Please take care of yourself.",
        "Remember what you wanted to think of.",
        "There may be something important about this.",
        "Enjoy the moment.",
    ),
}
_LEADS = ("As far as I remember, ", "What I have in mind is this: ", "From what was told: ")
_OTHERWISE = {
    "usually": "most of the time",
    "often": "frequently",
    "frequently": "often",
    "recently": "lately",
    "bought": "purchased",
    "buy": "purchase",
    "purchased": "bought",
    "enjoy": "like",
    "enjoyed": "liked",
    "like": "enjoy",
    "prefer": "like best",
    "eat": "have",
    "ate": "had",
    "drink": "have",
    "because": "since",
    "also": "as well",
    "currently": "at the moment",
    "now": "at the moment",
    "car": "vehicle",
    "big": "large",
    "small": "little",
    "began": "started",
    "begin": "start",
    "near": "close to",
    "friend": "pal",
    "house": "home",
    "child": "kid",
    "children": "kids",
    "keep": "store",
    "kept": "stored",
    "careful": "watch out",
    "contains": "has in it",
    "remember": "keep in mind",
    "don't": "do not",
    "isn't": "is not",
    "can't": "cannot",
    "it's": "it is",
    "you're": "you are",
    "you've": "you have",
}
_VERBS = r"\b(is|are|was|were|have|has|had|do|does|did|can|could|will|would|should|may|might)\b(?! not|n't)"


@dataclass(frozen=True, slots=True)
class Probe:
    """One question to the judge whose right answer is known."""

    kind: str
    """Of RIGHT or WRONG."""
    record: Json

    @property
    def right(self) -> bool:
        """Should it be accepted?"""
        return self.kind in RIGHT


def probes_of(records: Sequence[Json], most: int, seed: int = 0) -> list[Probe]:
    """Up to ``most`` probes of each kind, from records whose reference says something (and names no option)."""
    usable = [r for r in records if (r["answer"] or "").strip() and not r.get("options")]
    usable = sorted({r["answer"]: r for r in usable}.values(), key=lambda r: str(r["id"]))
    rng = random.Random(seed)
    rng.shuffle(usable)
    out: list[Probe] = []
    for record in usable[:most]:
        gold = record["answer"]
        out.append(_probe("paraphrase", record, paraphrased(gold, rng)))
        out.append(_probe("vague", record, rng.choice(VAGUE[record["type"]])))
        out.append(_probe("negation", record, negated(gold)))
        others = [r["answer"] for r in usable if token_f1(r["answer"], gold) < UNLIKE]
        if others:
            out.append(_probe("other", record, rng.choice(others)))
    return out


def _probe(kind: str, record: Json, pred: str) -> Probe:
    made = {**record, "id": f"probe/{kind}/{record['id']}", "pred": pred, "abstained": False}
    return Probe(kind, made)


def paraphrased(text: str, rng: random.Random) -> str:
    """The same facts in other words: an introduction, and other words for common ones."""

    def other(match: re.Match[str]) -> str:
        word = _OTHERWISE.get(match[0].lower())
        if word is None:
            return match[0]
        return word.capitalize() if match[0][0].isupper() else word

    said = re.sub(r"[A-Za-z]+(?:'[a-z]+)?", other, text.strip())
    return rng.choice(_LEADS) + said


def negated(text: str) -> str:
    """The opposite: yes for no, the first auxiliary verb denied, else all of it."""
    text = text.strip()
    said, count = re.subn(r"(?i)^(yes|no)\b", lambda m: "No" if m[1].lower() == "yes" else "Yes", text, count=1)
    if count and said.startswith("No"):
        return re.sub(_VERBS, r"\1 not", said, count=1)
    if count:
        return re.sub(r"\b(not|never) ", "", said)
    if re.search(r"\b(not|never)\b|n't\b", text):
        return re.sub(r"\b(?:not|never)\s+|n't\b", "", text, count=1)
    said, count = re.subn(_VERBS, r"\1 not", text, count=1)
    return said if count else f"It is not true that {text[:1].lower()}{text[1:]}"


def error_rates(judged: Sequence[tuple[Probe, bool]], failed: int) -> Json:
    """False-accept and false-reject rates with n and 95 % intervals, whole and by kind."""
    wrong = [accepted for probe, accepted in judged if not probe.right]
    right = [not accepted for probe, accepted in judged if probe.right]
    kinds = {}
    for kind in (*RIGHT, *WRONG):
        flags = [accepted != probe.right for probe, accepted in judged if probe.kind == kind]
        if flags:
            kinds[kind] = share(flags)
    return {
        "false_accept": share(wrong),
        "false_reject": share(right),
        "errors_by_kind": kinds,
        "failed": failed,
        "n": len(judged),
    }
