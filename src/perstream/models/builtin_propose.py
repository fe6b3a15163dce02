"""Proactive proposals without a language model: told facts against the words now in view."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from perstream.models.concerns import GENERIC_PLACES, MEDICAL, Concern, ConcernKind, concerns_of
from perstream.models.foods import FAMILIES, PLANT_PRECEDES, SYNONYMS
from perstream.models.plans import Value, conflicts
from perstream.models.text import STOP_WORDS, Stems, words
from perstream.observations import MIN_VOTES
from perstream.protocols import ProactiveRequest, Proposal, TextEmbedder
from perstream.textblocks import text_blocks
from perstream.types import FloatArray, Hit, Observation, ObservationKind, Provenance
from perstream.vectors import cosine

ALIKE = 0.62
"""Cosine of two short phrases that name the same kind of thing (``supermarket``, ``GROCERY STORE``)."""
SURE_ALONE = 0.85
"""A single reading this confident counts when its words agree with a told fact: two sources agree."""
KNOWN_TEXTS = 512
"""Phrases whose vectors are kept: under a megabyte."""
_ROAD = ConcernKind.DISTRACTION.value + ":"
_FREE = frozenset({"free", "no", "without", "zero", "non"})
_PLAN_WORDS = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun am pm platform gate track terminal "
    "room level floor bay seat line number time day today tomorrow morning evening leave leaves "
    "january february march april may june july august september october november december "
    "hour hours minute minutes days week weeks next every".split()
)


class BuiltinProposer:
    """Matches the concerns of recalled facts with what is in view. Cost: O(facts x words in view)."""

    def __init__(self, embedder: TextEmbedder) -> None:
        # The same few reminders meet the same words in view, keyframe after keyframe.
        self._vector: Callable[[str], FloatArray] = lru_cache(KNOWN_TEXTS)(lambda text: embedder.embed([text])[0])

    def propose(self, request: ProactiveRequest) -> tuple[Proposal, ...]:
        """Most urgent first; one proposal per fact and trigger."""
        stems = Stems()
        trusted = [o for o in request.observations if o.votes >= 2 or o.score >= SURE_ALONE]
        views = [_View(o, stems) for o in _with_blocks(trusted)]
        found: list[Proposal] = []
        for hit in request.hits:
            for concern in concerns_of(hit.memory.text):
                if hit.memory.provenance is not Provenance.TOLD and concern.kind is not ConcernKind.REMINDER:
                    continue  # what others said is no plan or allergy of the owner
                found += self._of_concern(hit, concern, views, stems)
        best: dict[str, Proposal] = {}
        for proposal in found:
            # However many facts speak of driving, one look at one phone is one matter.
            key = _ROAD if proposal.topic.startswith(_ROAD) else proposal.topic
            if key not in best or proposal.confidence > best[key].confidence:
                best[key] = proposal
        return tuple(sorted(best.values(), key=lambda p: (-p.priority, -p.confidence)))

    def _of_concern(self, hit: Hit, concern: Concern, views: Sequence[_View], stems: Stems) -> Iterable[Proposal]:
        if concern.kind is ConcernKind.PLAN:
            for view in views:
                yield from _of_plan(hit, view, stems)
            return
        if concern.by_voice:
            views = [view for view in views if view.kind is ObservationKind.TRANSCRIPT]
        for term in concern.triggers:
            wanted = stems.content(term)
            for view in views:
                speaker = view.observation.speaker
                if concern.by_voice and speaker and not set(wanted) & set(stems.of(speaker)):
                    continue  # others spoke, perhaps of whom it is about
                confidence = self._match(concern.kind, term, wanted, view, stems)
                if confidence > 0.0:
                    yield _proposal(hit, concern, term, view, confidence * min(1.0, view.score))

    def _match(self, kind: ConcernKind, term: str, wanted: list[str], view: _View, stems: Stems) -> float:
        """Confidence that the view shows what the term means; 0 when it does not."""
        if not wanted:
            return 0.0
        if kind is ConcernKind.HAZARD:
            return 0.95 if _contains_food(wanted, view, stems) else 0.0
        if kind is ConcernKind.DISTRACTION:  # seen to be done; a word read somewhere is no phone in the hand
            return 0.6 if view.kind is ObservationKind.SCENE and wanted[0] in view.stems else 0.0
        if kind is ConcernKind.MEDICINE:
            named = [stem for stem in wanted if stem in view.stems and len(stem) > 3]
            medical = view.is_medical or any(ch.isdigit() for ch in term)
            return 0.9 if named and medical and wanted[0] in named else 0.0
        if _covers(wanted, view.stems):
            return 0.9
        # A name or a title ("A Winter In Trieste") means itself alone: a calendar's DECEMBER is no hint of it.
        common = not any(word[0].isupper() for word in term.split())
        if kind is ConcernKind.REMINDER and common and view.kind is ObservationKind.TEXT and len(wanted) <= 3:
            one, other = _told_apart(term.lower(), view.text.lower())
            near = cosine(self._vector(one), self._vector(other))
            return near if near >= ALIKE else 0.0
        return 0.0


class _View:
    """One observation with its words."""

    def __init__(self, observation: Observation, stems: Stems) -> None:
        self.observation = observation
        self.kind = observation.kind
        self.text = observation.text
        self.score = observation.score
        self.words = [w.lower() for w in words(observation.text)]
        self.order = [stems(w) for w in self.words]
        self.stems = set(self.order)
        if observation.speaker:
            self.stems |= set(stems.of(observation.speaker))

    @property
    def is_medical(self) -> bool:
        """The text looks like a medicine's label."""
        return bool(MEDICAL.search(self.text))

    def quoted(self) -> str:
        """What was perceived, as a quotation that says how."""
        if self.kind is ObservationKind.TRANSCRIPT:
            return f'{self.observation.speaker or "Somebody"} just said "{self.text}"'
        if self.kind is ObservationKind.CODE:
            return f'a code here says "{self.text}"'
        if self.kind is ObservationKind.SCENE:
            return f"I see: {self.text}"
        return f'I read "{self.text}" here'


def _with_blocks(observations: Sequence[Observation]) -> list[Observation]:
    """The observations, and what several lines of one sign say together: "THE SILENT" above "HARBOUR"."""
    read = [replace(o, votes=max(o.votes, MIN_VOTES)) for o in observations if o.kind is ObservationKind.TEXT]
    blocks = [
        replace(block.lines[0], text=block.text, score=block.score, box=block.box)
        for block in text_blocks(read)
        if len(block.lines) > 1
    ]
    return [*blocks, *observations]


def _told_apart(one: str, other: str) -> tuple[str, str]:
    """A bicycle shop and a garden shop are alike in being shops: where both say so, the rest is compared."""
    kept = [" ".join(word for word in text.split() if word not in GENERIC_PLACES) for text in (one, other)]
    return (kept[0], kept[1]) if all(kept) and kept[0] != one and kept[1] != other else (one, other)


def _covers(wanted: Sequence[str], present: set[str]) -> bool:
    """The head noun (last word) and most of the other words are there."""
    hits = sum(stem in present for stem in wanted)
    return wanted[-1] in present and hits >= (len(wanted) if len(wanted) <= 2 else 2 * len(wanted) / 3)


def _contains_food(wanted: Sequence[str], view: _View, stems: Stems) -> bool:
    head = {stems(other): stems(name) for other, name in SYNONYMS.items()}.get(wanted[-1], wanted[-1])
    family = next((members for name, members in FAMILIES.items() if stems(name) == head), ())
    if not family:
        return _covers(wanted, view.stems) and not _is_free(view, set(wanted))
    members = {stems(member) for member in family}
    for index, stem in enumerate(view.order):
        compound = next((m for m in members if len(m) > 4 and stem.startswith(m)), None)
        if stem not in members and compound is None:
            continue
        plant = head == "milk" and index > 0 and view.words[index - 1] in PLANT_PRECEDES
        if not plant and not _is_free(view, {stem}):
            return True
    return False


def _is_free(view: _View, terms: set[str]) -> bool:
    """``peanut free``, ``no peanuts``, ``without peanuts``."""
    for index, stem in enumerate(view.order):
        if stem in terms:
            around = {*view.words[max(0, index - 1) : index], *view.words[index + 1 : index + 2]}
            if around & _FREE:
                return True
    return False


def _of_plan(hit: Hit, view: _View, stems: Stems) -> Iterable[Proposal]:
    """A sign or a remark that contradicts a plan the owner told."""
    fact = hit.memory.text
    topic_words = [w for w in words(fact) if w.lower() not in STOP_WORDS and w.lower() not in _PLAN_WORDS]
    shared = {stems(w) for w in topic_words if not any(c.isdigit() for c in w)} & view.stems
    for ours, theirs in conflicts(fact, view.text):
        if not (shared or ours.is_travel):
            continue
        yield Proposal(
            text=f"{_told(fact)} But {view.quoted()}.",
            why=f"{_named(theirs)} is in view, your plan says {_named(ours)}.",
            topic=f"plan:{hit.memory.id}:{ours.kind}",
            memory_ids=(hit.memory.id,),
            priority=2,
            confidence=0.9 * min(1.0, view.score),
        )
        return


def _named(value: Value) -> str:
    return f"{value.kind} {value.value}" if value.kind not in ("day", "time") else value.value


def _proposal(hit: Hit, concern: Concern, term: str, view: _View, confidence: float) -> Proposal:
    fact, quoted = hit.memory.text, view.quoted()
    opening = quoted[0].upper() + quoted[1:]
    heard = hit.memory.provenance is not Provenance.TOLD
    # Of a list of hazards each is a topic of its own; the ways to meet one reminder are one topic.
    hazard = concern.kind is ConcernKind.HAZARD
    source = f'{hit.memory.speaker or "Somebody"} said "{fact}"' if heard else _told(fact).rstrip(".")
    if hazard:
        text, why, priority = f"Careful: {quoted}. {source}.", f"{term} is in view and you must avoid it.", 3
    elif concern.kind is ConcernKind.DISTRACTION:
        text, why, priority = f"Eyes on the road. {opening}. {source}.", "It takes your mind off driving.", 3
    elif concern.kind is ConcernKind.MEDICINE:
        text, why, priority = f"{opening}. {source}.", f"Your medicine {term} is in view.", 3
    elif concern.kind is ConcernKind.LOST:
        text, why, priority = f"{opening}. {source}.", f"You are looking for {term}, and it is in view.", 1
    else:
        text = f"Reminder: {concern.action}. {opening}."
        why, priority = f"You wanted to be reminded at {term}, and it is in view.", 2
    return Proposal(
        text=text,
        why=why,
        topic=":".join([concern.kind.value, str(hit.memory.id), *([term.lower()] if hazard else [])]),
        memory_ids=(hit.memory.id,),
        priority=priority,
        confidence=confidence,
    )


def _told(fact: str) -> str:
    return f'You told me "{fact.rstrip(".")}".'
