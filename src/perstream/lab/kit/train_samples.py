"""What an adapter is trained on: dataset records as the prompts of inference, with what should be replied to them.

Each record's memories are told to a store of its own as the owner would tell them, and recalled as the daemon recalls,
so that a prompt shows what it would show there. Two things differ, because they teach: memories that the record's
reference names are always among those shown, in the places of the ones recalled last; and in a share of the passive
records they are left out, and the reply is that there is no memory of it (answers with and without the document that
holds them: RAFT, arXiv:2403.10131, section 3).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from perstream.assistant.passive import MAX_READ, READ_PER_TOP
from perstream.assistant.proactive import RECALLED_PER_VIEW
from perstream.config import Config
from perstream.lab.drivenact import Sample
from perstream.lab.kit.cases import BEGINS_AT, Case, Suite
from perstream.lab.kit.patch_cache import PatchCache
from perstream.lab.kit.stage import Stage
from perstream.memory.memory import Memory
from perstream.models.builtin import BuiltinGenerator
from perstream.models.builtin_caption import BuiltinCaptioner
from perstream.models.builtin_triplets import GrammarTriplets
from perstream.models.builtin_vision import BuiltinVision
from perstream.models.chat.messages import Abilities
from perstream.models.chat.prompts import Prompt, answer_prompt, answer_target, proactive_prompt, proactive_target
from perstream.protocols import Backend, TextEmbedder
from perstream.types import Keyframe, MemoryRecord, Observation, ObservationKind, Percept, Query

FRAMES, BEFORE_S = 8, 8.0
"""The view: at most so many frames of the seconds before a record's timestamp, as in evaluation."""
EXACT_S = 0.002


@dataclass(frozen=True, slots=True, eq=False)
class TrainSample:
    """One record with the memories that its prompt shows."""

    case: Case
    memories: tuple[MemoryRecord, ...]
    """Best first."""
    golds: frozenset[int]
    """Ids of those that the reply rests on."""
    reply: str | None
    """None: silence, or no memory of it."""
    on_view: bool
    """The reply rests on the view as well."""

    @property
    def name(self) -> str:
        """Place in the file."""
        return self.case.id

    @property
    def speaks(self) -> bool:
        """Whether something should be said."""
        return self.reply is not None

    def prompt(self, abilities: Abilities, view: Sequence[Percept]) -> tuple[Prompt, str]:
        """The prompt of inference, and what should be replied. Without a ``view`` the scene is shown in words."""
        case = self.case
        shown = tuple(view) or (scene_in_words(case, abilities.patch_dimension or 1),)
        now = shown[-1].keyframe.captured_at
        if case.passive:
            prompt = answer_prompt(case.question, self.memories, now, abilities, {}, shown)
        else:
            words = [o for percept in shown for o in percept.observations]
            prompt = proactive_prompt(words, self.memories, now, abilities, {}, shown)
        numbers = [n for n, memory in enumerate(prompt.memory_ids, start=1) if memory in self.golds]
        if case.passive:
            return prompt, answer_target(self.reply, numbers, self.on_view)
        return prompt, proactive_target(self.reply, numbers)


def train_samples(
    suite: Suite,
    records: Sequence[Sample],
    embedder: TextEmbedder,
    config: Config,
    *,
    abstain_share: float = 0.1,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[TrainSample]:
    """A sample per case of ``suite``, made of the same ``records``, in order."""
    stage = Stage(_parts(embedder, config), config, "perstream", FRAMES)
    for number, (case, record) in enumerate(zip(suite.cases, records, strict=True), start=1):
        pool = suite.pools.get(case.pool, ())
        with stage.store(pool) as held:
            yield _sample(case, record, held.memory, embedder, config, abstain_share)
        if number % 50 == 0:
            tell(f"samples: {number}/{len(records)}")


def view_of(cache: PatchCache, case: Case, most: int = FRAMES, before_s: float = BEFORE_S) -> tuple[Percept, ...]:
    """The newest frames that a cache has of the seconds before a case, as the short-term queue would hold them."""
    known = cache.within(case.video, case.time_s - before_s, case.time_s + EXACT_S)
    places = sorted({round(place) for place in np.linspace(0, len(known) - 1, min(most, len(known)))})
    percepts = []
    for index, place in enumerate(places):
        time_s, key = known[place]
        vectors = cache.get(key)
        if vectors is not None:
            keyframe = _keyframe(case, index, time_s, BEGINS_AT + timedelta(seconds=time_s))
            percepts.append(Percept(keyframe, (), vectors))
    return tuple(percepts)


def has_view(cache: PatchCache, case: Case, before_s: float = BEFORE_S) -> bool:
    """Whether :func:`view_of` finds a frame; reads none."""
    return bool(cache.within(case.video, case.time_s - before_s, case.time_s + EXACT_S))


def scene_in_words(case: Case, dimension: int) -> Percept:
    """The caption as the one thing perceived, without a picture, as evaluation without videos shows it."""
    words = " ".join(case.caption.split())
    seen = (Observation(ObservationKind.SCENE, words, 1.0, case.time_s, case.time_s, votes=2),) if words else ()
    return Percept(_keyframe(case, 0, case.time_s, case.now), seen, np.zeros((0, dimension), np.float16))


def epoch_order(samples: Sequence[TrainSample], epoch: int, seed: int, silence_share: float) -> list[int]:
    """Places of the samples of an epoch, shuffled: all but those silent ones that are too many.

    Silence is the usual reply; trained on as it comes, a model learns to be silent always. So silent samples are drawn
    without replacement, other ones in each epoch, until they are ``silence_share`` of the proactive ones. The number is
    the same in all epochs.
    """
    rng = np.random.default_rng((seed, epoch))
    silent = [i for i, one in enumerate(samples) if not one.case.passive and not one.speaks]
    speaking = sum(not one.case.passive and one.speaks for one in samples)
    kept = len(silent)
    if speaking and silence_share < 1:
        kept = min(kept, max(1, round(speaking * silence_share / (1 - silence_share))))
    drawn = set(rng.permutation(silent)[:kept].tolist())
    others = set(range(len(samples))) - set(silent)
    return [int(i) for i in rng.permutation(sorted(others | drawn))]


def _sample(
    case: Case, record: Sample, memory: Memory, embedder: TextEmbedder, config: Config, abstain_share: float
) -> TrainSample:
    text = case.question if case.passive else case.caption
    most = min(MAX_READ, READ_PER_TOP * config.memory.top_k) if case.passive else RECALLED_PER_VIEW
    sought = memory.to_embed(text)
    query = Query(text=text, vectors=embedder.embed_tokens(sought), now=case.now, k=most)
    recalled = [hit.memory for hit in memory.recall(query)] if text else []
    wanted = {" ".join(gold.split()) for gold in case.golds}
    golds = {one.id: one for one in memory.list(limit=10_000) if one.text in wanted} if wanted else {}
    if case.passive and golds and _lot(case.id) < abstain_share:
        rest = tuple(one for one in recalled if one.id not in golds)
        return TrainSample(case, rest, frozenset(), None, False)
    known = {one.id for one in recalled}
    missing = [one for i, one in golds.items() if i not in known]
    others = [one for one in recalled if one.id not in golds][: max(0, most - len(golds))]
    kept = {one.id for one in others} | set(golds)
    shown = (*(one for one in recalled if one.id in kept), *missing)
    reply = case.gold
    return TrainSample(case, shown, frozenset(golds) if reply is not None else frozenset(), reply, record.on_view)


def _lot(name: str) -> float:
    """In [0, 1), always the same for a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") / 2**32


def _parts(embedder: TextEmbedder, config: Config) -> Backend:
    """What tells and recalls memories; nothing is generated with it."""
    return Backend(
        name="builtin",
        vision=BuiltinVision(config.moment.pool_size),
        captioner=BuiltinCaptioner(),
        triplets=GrammarTriplets(),
        embedder=embedder,
        generator=BuiltinGenerator(embedder, config.backend.answer_threshold),
    )


def _keyframe(case: Case, index: int, time_s: float, at: datetime) -> Keyframe:
    return Keyframe(
        source=case.video or case.id,
        index=index,
        pts_s=time_s,
        captured_at=at,
        rgb=np.zeros((0, 0, 3), np.uint8),
        reason="settled",
        motion=0.0,
        sharpness=0.0,
        scene=0,
    )
