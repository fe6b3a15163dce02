"""Words to edges by a chat model, with the grammar beside it.

The grammar's edges are exact (what was read, contained, said) and always there; the model adds what the words say
beyond that. What the model gives is checked: its form strictly, and that its names stand in the text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from perstream.errors import BackendError, BadOutput, Interrupted
from perstream.models.builtin_triplets import MAX_TRIPLETS, GrammarTriplets
from perstream.models.chat.fallback import Fallbacks
from perstream.models.chat.json_answers import triplets_in
from perstream.models.chat.messages import ChatModel, Sampling
from perstream.models.chat.prompts import TRIPLET_SCHEMA, repair_prompt, triplet_prompt
from perstream.models.text import Stems
from perstream.protocols import TripletExtractor
from perstream.types import Caption, Observation, ObservationKind, Triplet

MAX_TOKENS = 512
MODEL_SCORE = 0.8
"""Of a fact whose names all stand in the text."""
GROUNDED = 0.6
"""Share of a name's words that must stand in the text; numbers must all."""
_OWNER = frozenset(
    {"i", "me", "myself", "owner", "the owner", "user", "the user", "wearer", "the wearer", "camera wearer", "you"}
)
_WORDS = frozenset({ObservationKind.TEXT, ObservationKind.CODE, ObservationKind.TRANSCRIPT})


class ChatTriplets:
    """TripletExtractor over a chat model: at most two calls, the second to repair what the first got wrong."""

    def __init__(
        self, chat: ChatModel, grammar: TripletExtractor | None = None, fallbacks: Fallbacks | None = None
    ) -> None:
        self._chat = chat
        self._grammar = grammar or GrammarTriplets()
        self._fallbacks = fallbacks or Fallbacks(chat.name)

    def of_caption(self, caption: Caption, cancelled: Callable[[], bool] = lambda: False) -> tuple[Triplet, ...]:
        """Triplets of a perceived moment. Interrupted when ``cancelled`` says so; never for any other reason."""
        words = [o for o in caption.observations if o.kind in _WORDS]
        source = " ".join([caption.text, *(f"{o.speaker or ''} {o.text}" for o in words)])
        return self._of(caption.text, source, False, words, self._grammar.of_caption(caption), cancelled)

    def of_told(self, text: str, cancelled: Callable[[], bool] = lambda: False) -> tuple[Triplet, ...]:
        """Triplets of a sentence the owner said; the first person is ``I``."""
        return self._of(text, text, True, (), self._grammar.of_told(text), cancelled)

    def _of(
        self,
        text: str,
        source: str,
        told: bool,
        words: Sequence[Observation],
        exact: tuple[Triplet, ...],
        cancelled: Callable[[], bool],
    ) -> tuple[Triplet, ...]:
        if not any(char.isalpha() for char in text):
            return exact
        try:
            found = self._ask(text, told, words, cancelled)
        except Interrupted:
            raise
        except BackendError as error:
            self._fallbacks.count("triplets", error)
            return exact
        grounded = [fact for fact in (_grounded(fact, source) for fact in found) if fact is not None]
        if len(grounded) < len(found):
            self._fallbacks.note("triplets", "names that are not in the text")
        return _with(exact, grounded, told)

    def _ask(
        self, text: str, told: bool, words: Sequence[Observation], cancelled: Callable[[], bool]
    ) -> tuple[Triplet, ...]:
        prompt = triplet_prompt(text, told, words)
        sampling = Sampling(max_new_tokens=MAX_TOKENS, schema=TRIPLET_SCHEMA, constant=prompt.constant, kind="triplets")
        reply = ""
        try:
            reply = self._chat.reply(prompt.messages, sampling, _unheard, cancelled)
            return triplets_in(reply)
        except BadOutput as error:
            self._fallbacks.note("triplets", "repaired once")
            again = repair_prompt(prompt, reply, str(error))
        return triplets_in(self._chat.reply(again.messages, sampling, _unheard, cancelled))


def _grounded(fact: Triplet, source: str) -> Triplet | None:
    """The fact with a score by how much of it stands in the text; None when a name of it was made up."""
    stems = Stems()
    held = set(stems.of(source))
    subject = "I" if fact.subject.lower() in _OWNER else fact.subject
    obj = "I" if fact.object.lower() in _OWNER else fact.object
    if subject == obj:
        return None
    shares = [_share(label, held, stems) for label in (subject, obj) if label != "I"]
    if not shares or min(shares) < GROUNDED:
        return None
    return replace(fact, subject=subject, object=obj, score=round(MODEL_SCORE * min(shares), 3))


def _share(label: str, held: set[str], stems: Stems) -> float:
    wanted = stems.content(label) or stems.of(label)
    if not wanted or any(stem not in held for stem in wanted if any(char.isdigit() for char in stem)):
        return 0.0
    return sum(stem in held for stem in wanted) / len(wanted)


def _with(exact: tuple[Triplet, ...], found: Sequence[Triplet], told: bool) -> tuple[Triplet, ...]:
    """The grammar's edges, then the model's about other pairs.

    One pair keeps the grammar's predicate: it is the same every time, and what supersedes what hangs on it. For the
    same reason a model's ``functional`` counts only for what the owner said, and where the grammar is silent.
    """
    pairs = {(t.subject.lower(), t.object.lower()) for t in exact}
    merged = list(exact)
    for fact in found:
        pair = (fact.subject.lower(), fact.object.lower())
        if pair not in pairs:
            pairs.add(pair)
            merged.append(replace(fact, functional=fact.functional and told and not exact))
    return tuple(merged)[:MAX_TRIPLETS]


def _unheard(_: str) -> None:
    """Nobody listens while facts are made."""
