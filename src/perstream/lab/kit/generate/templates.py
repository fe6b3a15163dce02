"""A chat model that is none: it fills templates from what it was told. To try a pipeline, never to train on."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence

from perstream.lab.kit.generate.asks import MEMORIES, PASSIVE, PROACTIVE
from perstream.models.chat.messages import Abilities, Message, Sampling

_ACTIVITY = re.compile(r'^activity: "([^"]*)"', re.MULTILINE)
_MEMORY = re.compile(r'^(M[12]\.\d+) "([^"]*)"', re.MULTILINE)
_PLACES = ("at the lake", "at my sister's", "in the old town", "on the train", "in the garden", "at the market")
_WHEN = ("last week", "two weeks ago", "last month", "in spring", "on my birthday", "yesterday")
_THINGS = ("a red scarf", "a blue cup", "my glasses", "a paper map", "a green umbrella", "an apple")


class TemplateChat:
    """ChatModel with the three answers that a record needs; the same question has always the same answer."""

    name = "templates (no model)"
    abilities = Abilities()

    def reply(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        say: Callable[[str], None],
        cancelled: Callable[[], bool],
    ) -> str:
        """JSON as the schema of ``sampling.kind`` wants it."""
        del cancelled
        text = "\n".join(part for message in messages for part in message.parts if isinstance(part, str))
        found = _ACTIVITY.search(text)
        activity = found[1] if found else "resting"
        lot = int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:4], "big")
        memories = dict(_MEMORY.findall(text))
        reply = json.dumps(_ANSWERS[sampling.kind](activity, memories, lot), ensure_ascii=False)
        say(reply)
        return reply


def _memories(activity: str, memories: dict[str, str], lot: int) -> dict[str, object]:
    del memories
    thing, place, when = (names[lot // 7**i % len(names)] for i, names in enumerate((_THINGS, _PLACES, _WHEN)))
    return {
        "type_1": [f"I always have {thing} with me when I am {activity}."],
        "type_2": [f"I lost {thing} {place} {when} when I was {activity}."],
    }


def _passive(activity: str, memories: dict[str, str], lot: int) -> dict[str, object]:
    events = [name for name in memories if name.startswith("M2.")] or list(memories) or ["M1.1"]
    name = events[lot % len(events)]
    words = memories.get(name, "").removeprefix("I ").rstrip(".").replace(" I was", " you were")
    return {
        "question": f"What happened to me before when I was {activity}?",
        "answer": f"You {words}.",
        "reference": [name],
        "justification": "A template.",
    }


def _proactive(activity: str, memories: dict[str, str], lot: int) -> dict[str, object]:
    speak = lot % 3 == 0 and bool(memories)
    return {
        "speak": speak,
        "urgency": 0.8 if speak else 0.1,
        "words": f"Mind your things: you lost something when you were {activity}." if speak else "",
        "reference": [next(reversed(memories))] if speak else [],
        "justification": "A template.",
    }


_ANSWERS: dict[str, Callable[[str, dict[str, str], int], dict[str, object]]] = {
    MEMORIES: _memories,
    PASSIVE: _passive,
    PROACTIVE: _proactive,
}
