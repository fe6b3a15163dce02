"""Proactive words by a chat model, beside the rules for health and safety, which no sampled token can switch off."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from datetime import timezone

from perstream.config import BackendConfig
from perstream.errors import BackendError, Interrupted
from perstream.models.chat.answer_stream import denies
from perstream.models.chat.citations import read_marks
from perstream.models.chat.fallback import Fallbacks
from perstream.models.chat.messages import ChatModel, Sampling
from perstream.models.chat.prompts import Prompt, proactive_prompt
from perstream.models.chat.shown import view_pictures
from perstream.models.concerns import ConcernKind, concerns_of
from perstream.models.plans import conflicts
from perstream.models.text import Stems, cleaned, sentences
from perstream.protocols import Generator, ProactiveRequest, Proposal
from perstream.types import Hit, Observation, Provenance

SAFETY = 3
MAX_TOKENS = 96
MAX_CHARS = 300
SURE_ALONE = 0.85
"""A single reading is shown to the model from this confidence; two looks that agree always are."""
CITED, SUPPORTED = 0.7, 0.55
"""Confidence of a word that names its memory itself, and of one whose memory was found by its words."""
REPEATED = 0.5
"""Share of a memory's words that a word must repeat to rest on it uncited."""
_AFTER = re.compile(r"(?is)^.*?</?\s*response\s*/?>")
_SILENT = re.compile(
    r"(?i)<\s*/?\s*silence\s*/?\s*>?|^\W*(?:silence|silent|none|nothing|no(?: response| word| reply)?)\W*$"
)
_PRIORITY = {
    ConcernKind.HAZARD: 3,
    ConcernKind.MEDICINE: 3,
    ConcernKind.REMINDER: 2,
    ConcernKind.PLAN: 2,
    ConcernKind.LOST: 1,
    ConcernKind.DISTRACTION: 3,
}


class ChatProposer:
    """The rules first; then at most one word of the model's own, resting on a memory."""

    def __init__(self, chat: ChatModel, config: BackendConfig, rules: Generator | None, fallbacks: Fallbacks) -> None:
        self._chat = chat
        self._config = config
        self._rules = rules
        self._fallbacks = fallbacks
        self._warned: deque[str] = deque(maxlen=64)

    def propose(self, request: ProactiveRequest, cancelled: Callable[[], bool]) -> tuple[Proposal, ...]:
        """Most urgent first. A warning that is new goes out at once: the model is asked at the next look.

        A model that fails, or is interrupted, leaves what the rules say.
        """
        ruled = self._rules.propose(request) if self._rules is not None else ()
        new = [p.topic for p in ruled if p.priority >= SAFETY and p.topic not in self._warned]
        self._warned.extend(new)
        trusted = [o for o in request.observations if o.votes >= 2 or o.score >= SURE_ALONE]
        sees = bool(view_pictures(request.view, self._chat.abilities, fresh=False))
        if new or not request.hits or not (trusted or sees):
            return ruled
        try:
            own = self._own(request, trusted, cancelled)
        except Interrupted:
            self._fallbacks.note("proactive", "interrupted")
            return ruled
        except BackendError as error:
            self._fallbacks.count("proactive", error)
            return ruled
        topics = {p.topic for p in ruled}
        known = {i for p in ruled for i in p.memory_ids}
        if own is None or own.topic in topics or own.memory_ids[0] in known:
            return ruled
        return tuple(sorted((*ruled, own), key=lambda p: (-p.priority, -p.confidence)))

    def _own(
        self, request: ProactiveRequest, trusted: Sequence[Observation], cancelled: Callable[[], bool]
    ) -> Proposal | None:
        now = request.now if request.now.tzinfo else request.now.replace(tzinfo=timezone.utc)
        memories = [hit.memory for hit in request.hits]
        prompt = proactive_prompt(trusted, memories, now, self._chat.abilities, request.visuals, request.view)
        sampling = Sampling(
            max_new_tokens=min(MAX_TOKENS, self._config.max_new_tokens),
            temperature=self._config.temperature_proactive,
            constant=prompt.constant,
            kind="proactive",
        )
        reply = self._chat.reply(prompt.messages, sampling, _unheard, cancelled)
        return _proposal(reply, prompt, request.hits, trusted)


def word_in(reply: str) -> tuple[str, tuple[int, ...]] | None:
    """The word in a reply and the numbers it cites; None for silence, however it is put."""
    if _SILENT.search(reply):
        return None
    marked = read_marks(_AFTER.sub("", reply, count=1))
    text = cleaned(" ".join(sentences(marked.text)[:2]), MAX_CHARS)
    if marked.silent or sum(char.isalpha() for char in text) < 3 or denies(text, False):
        return None
    return text, marked.numbers


def _proposal(reply: str, prompt: Prompt, hits: Sequence[Hit], seen: Sequence[Observation]) -> Proposal | None:
    """One word that rests on a memory it cites or repeats; None for silence and for what rests on nothing."""
    word = word_in(reply)
    if word is None:
        return None
    text, cited = word
    numbers = tuple(n for n in cited if 1 <= n <= len(prompt.lines))
    confidence = CITED if numbers else SUPPORTED
    if not numbers:
        numbers = _repeated(text, prompt, hits)
    if not numbers:
        return None
    by_id = {hit.memory.id: hit for hit in hits}
    ids = tuple(prompt.memory_ids[n - 1] for n in numbers)
    first = by_id[ids[0]]
    topic, priority = _topic(first, text, seen)
    return Proposal(
        text=text,
        why=f'"{cleaned(first.memory.text, 160)}" matters with what is in view.',
        topic=topic,
        memory_ids=ids,
        priority=priority,
        confidence=min(1.0, confidence + 0.25 * max(0.0, first.score)),
    )


def _topic(hit: Hit, text: str, seen: Sequence[Observation]) -> tuple[str, int]:
    """A key that stays the same while the matter does, and how urgent it is: by the memory, never by the wording.

    The keys of the rules are used where they know the matter, so that one cooldown holds for both.
    """
    told = hit.memory.provenance is Provenance.TOLD
    concerns = concerns_of(hit.memory.text)
    for concern in sorted(concerns, key=lambda c: -_PRIORITY[c.kind]):
        if not told and concern.kind is not ConcernKind.REMINDER:
            continue
        if concern.kind is ConcernKind.DISTRACTION:
            continue  # whether somebody drives, only the rules that see the scene can tell
        if concern.kind is ConcernKind.HAZARD:
            stems = Stems()
            words = set(stems.of(" ".join([text, *(o.text for o in seen)])))
            term = next((t for t in concern.triggers if set(stems.content(t)) & words), concern.triggers[0])
            return f"hazard:{hit.memory.id}:{term.lower()}", SAFETY
        if concern.kind is ConcernKind.PLAN:
            against = [ours for o in seen for ours, _ in conflicts(hit.memory.text, o.text)]
            if not against:
                continue  # any told sentence may be a plan; this one the view does not touch
            return f"plan:{hit.memory.id}:{against[0].kind}", _PRIORITY[concern.kind]
        return f"{concern.kind.value}:{hit.memory.id}", _PRIORITY[concern.kind]
    return f"memory:{hit.memory.id}", 1


def _repeated(text: str, prompt: Prompt, hits: Sequence[Hit]) -> tuple[int, ...]:
    """The number of the memory that a word without citation repeats; empty when there is none.

    Half of the memory's words must be said again, and every number must stand in the memory or in the view.
    """
    stems, by_id = Stems(), {hit.memory.id: hit for hit in hits}
    said, seen = set(stems.of(text)), set(stems.of(prompt.view))
    numbers = {stem for stem in said if any(char.isdigit() for char in stem)}
    best = (0.0, 0)
    for number, memory_id in enumerate(prompt.memory_ids, start=1):
        wanted = set(stems.content(by_id[memory_id].memory.text))
        again = len(wanted & said)
        if again >= min(2, len(wanted)) and numbers <= wanted | seen:
            best = max(best, (again / max(1, len(wanted)), -number))
    return (-best[1],) if best[0] >= REPEATED else ()


def _unheard(_: str) -> None:
    """Nobody listens: silence may come of it."""
