"""A moment in a chat model's words, beside what was read and heard, word for word."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from perstream.errors import BackendError, BadOutput, Interrupted
from perstream.models.builtin_caption import BuiltinCaptioner, caption_text
from perstream.models.chat.citations import read_marks
from perstream.models.chat.fallback import Fallbacks
from perstream.models.chat.messages import ChatModel, Patches, Picture, Sampling, Sound
from perstream.models.chat.prompts import caption_prompt
from perstream.models.text import cleaned, sentences
from perstream.observations import merge_observations
from perstream.protocols import Captioner
from perstream.types import Caption, Moment, Observation, ObservationKind

MAX_TOKENS = 96
MAX_SCENE_CHARS = 300
MODEL_SCORE = 0.7
"""Confidence of what a model says it sees: it gives none itself."""
_VERBATIM = frozenset(
    {
        ObservationKind.TEXT,
        ObservationKind.CODE,
        ObservationKind.TRANSCRIPT,
        ObservationKind.SPEECH,
        ObservationKind.PLACE,
    }
)
"""What stays in the caption in its own words; the rest is what the model looks at itself."""
_REFUSES = re.compile(
    r"(?i)^(?:i(?:'m| am) (?:sorry|unable|not able)|sorry|i (?:can(?:no|')?t|can not|cannot|don'?t|do not|won'?t)\b|as an ai"
    r"|unfortunately|(?:there is|there's) (?:no (?:image|picture|text|content)|nothing)|no (?:image|picture|description)"
    r"|please (?:provide|share|upload)|nothing\b|none\b|n/a\b|unknown\b|silence\b)"
)
_LEAD = re.compile(r"(?i)^(?:(?:sure|okay|certainly)[,.!:]*\s+)?(?:caption|description|answer|scene)\s*:\s*")
_AROUND = "\"'“”*# "
_NUMBER = re.compile(r"\d+(?:[.:,]\d+)*")


class ChatCaptioner:
    """Captioner over a chat model. One call per moment at most; the builtin caption where the model has nothing to add."""

    def __init__(self, chat: ChatModel, fallback: Captioner | None = None, fallbacks: Fallbacks | None = None) -> None:
        self._chat = chat
        self._fallback = fallback or BuiltinCaptioner()
        self._fallbacks = fallbacks or Fallbacks(chat.name)

    def caption(self, moment: Moment, cancelled: Callable[[], bool]) -> Caption:
        """What the model sees and hears, then what was read and heard as it stands.

        The model's sentence becomes an observation of kind ``scene``. Interrupted when ``cancelled`` says so; when the
        model fails, refuses or has nothing to say, the builtin caption.
        """
        looks = [o for percept in moment.percepts for o in percept.observations]
        merged = merge_observations(looks)
        prompt = caption_prompt(moment, merged, self._chat.abilities)
        parts = prompt.messages[-1].parts
        hears = any(isinstance(part, Sound) for part in parts)
        looks_on = any(isinstance(part, (Picture, Patches)) for part in parts)
        only_heard = all(percept.repeated for percept in moment.percepts)
        if not hears and (only_heard or not (looks_on or any(o.kind in _VERBATIM for o in merged))):
            # Words alone are quoted, not described; and who sees nothing has nothing to describe.
            return self._fallback.caption(moment, cancelled)
        sampling = Sampling(max_new_tokens=MAX_TOKENS, constant=prompt.constant, kind="caption")
        try:
            reply = self._chat.reply(prompt.messages, sampling, _unheard, cancelled)
            scene = scene_in(reply, merged if not (looks_on or hears) else None)
        except Interrupted:
            raise
        except BackendError as error:
            self._fallbacks.count("caption", error)
            return self._fallback.caption(moment, cancelled)
        verbatim = [o for o in merged if o.kind in _VERBATIM]
        quoted = (
            caption_text(verbatim, moment.started_at, [o for o in looks if o.kind in _VERBATIM]) if verbatim else ""
        )
        seen = Observation(
            ObservationKind.SCENE,
            scene,
            MODEL_SCORE,
            moment.start_s,
            moment.end_s,
            votes=max(1, sum(not percept.repeated for percept in moment.percepts)),
        )
        return Caption(f"{scene} {quoted}".strip(), (*merged, seen))


def scene_in(reply: str, known: Sequence[Observation] | None) -> str:
    """The description in a model's reply: one line, at most two sentences, no quotation marks, no marks.

    ``known`` is given for a model that saw nothing itself: a number that was not perceived is made up, and its
    sentence goes. BadOutput when nothing is left.
    """
    marked = read_marks(reply)
    text = (
        _LEAD.sub("", marked.text.strip(_AROUND)).strip(_AROUND).replace('"', "'").replace("“", "'").replace("”", "'")
    )
    if marked.silent or _REFUSES.match(text.replace("’", "'")):
        raise BadOutput("the model has nothing to say about this moment")
    chosen: list[str] = []
    for sentence in sentences(text)[:2]:
        if known is not None and not _numbers(sentence) <= {n for o in known for n in _numbers(o.text)}:
            continue
        if len(" ".join([*chosen, sentence])) <= MAX_SCENE_CHARS or not chosen:
            chosen.append(cleaned(sentence, MAX_SCENE_CHARS))
    scene = " ".join(chosen).strip()
    if sum(char.isalpha() for char in scene) < 3:
        raise BadOutput("the model's description is empty")
    return scene if scene[-1] in ".!?…" else f"{scene}."


def _numbers(text: str) -> set[str]:
    return set(_NUMBER.findall(text))


def _unheard(_: str) -> None:
    """Nobody listens while a caption is made."""
