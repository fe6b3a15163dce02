"""A brain that takes its time: questions come first, nothing is lost, and the view itself can be evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from percepts import START, percept

from perstream.assistant.assistant import MOST_POSTPONED, Assistant
from perstream.assistant.gate import CategorySpace, RememberGate
from perstream.config import Config
from perstream.errors import Interrupted
from perstream.events import Event, MemoryStored
from perstream.memory.memory import Memory
from perstream.models.builtin_caption import BuiltinCaptioner
from perstream.models.scripted import ScriptedEmbedder, load
from perstream.protocols import Answer, AnswerRequest, ProactiveRequest, Proposal
from perstream.types import Caption, FloatArray, HalfArray, Moment

SIGNS = (
    "PLATFORM 12 Basel,Bakery Huber open,Exit to museum,Fresh tomatoes today,Do not touch,Library closed,Gate B42 boarding,"
    "Wet paint here,Pharmacy at night,Bicycle parking free"
).split(",")


class SlowCaptioner:
    """Asks before every caption whether to go on."""

    def __init__(self) -> None:
        self.interrupted = 0

    def caption(self, moment: Moment, cancelled: Callable[[], bool]) -> Caption:
        if cancelled():
            self.interrupted += 1
            raise Interrupted("a question came")
        return BuiltinCaptioner().caption(moment, cancelled)


class Listener:
    """A generator that notes what it is shown, and answers from the view when there is one."""

    def __init__(self) -> None:
        self.asked: list[AnswerRequest] = []
        self.considered: list[ProactiveRequest] = []

    def answer(self, request: AnswerRequest, say: Callable[[str], None], cancelled: Callable[[], bool]) -> Answer:
        self.asked.append(request)
        if not request.view:
            return Answer(None)
        said = "What is in view now."
        say(said)
        return Answer(said, (), 0.8, rests_on_view=True)

    def propose(self, request: ProactiveRequest, cancelled: Callable[[], bool]) -> tuple[Proposal, ...]:
        self.considered.append(request)
        return ()


class SlowHouse:
    def __init__(self, folder: Path, project: Callable[[HalfArray], FloatArray] | None = None) -> None:
        config = Config()
        self.captioner, self.generator = SlowCaptioner(), Listener()
        backend = replace(
            load(config.backend, config.moment),
            captioner=self.captioner,
            generator=self.generator,
            slow=True,
            looks_back=True,
            project=project,
        )
        self.waiting = False
        self.later: list[Callable[[], None]] = []
        self.events: list[Event] = []
        self.memory = Memory.open(folder, config.memory, backend.embedder.embed)
        self.assistant = Assistant(
            self.memory,
            backend,
            config,
            self.events.append,
            lambda: START,
            lambda rgb: b"jpeg",
            lambda: self.waiting,
            self.later.append,
        )

    @property
    def stored(self) -> list[str]:
        return [e.caption for e in self.events if isinstance(e, MemoryStored)]

    def sign(self, at: float, text: str) -> None:
        """A sign seen, and then nothing: a moment that is over."""
        for moment in (percept(at, text), percept(at + 1, text), percept(at + 8)):
            self.assistant.see(moment)


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[SlowHouse]:
    house = SlowHouse(tmp_path / "store")
    yield house
    house.memory.close()


def test_a_question_puts_a_caption_off_and_it_is_made_later(slow: SlowHouse) -> None:
    slow.waiting = True
    slow.sign(0.0, "PLATFORM 12 Basel")
    assert slow.captioner.interrupted == 1 and slow.stored == []
    slow.waiting = False
    slow.later[0]()
    assert len(slow.stored) == 1 and "PLATFORM 12 Basel" in slow.stored[0]
    slow.later[0]()
    assert len(slow.stored) == 1


def test_what_was_put_off_is_remembered_in_order_before_what_comes_next(slow: SlowHouse) -> None:
    slow.waiting = True
    slow.sign(0.0, "PLATFORM 12 Basel")
    slow.sign(20.0, "Bakery Huber open")
    assert slow.stored == []
    slow.waiting = False
    slow.assistant.see(percept(40.0))
    assert ["Basel" in slow.stored[0], "Huber" in slow.stored[1]] == [True, True]


def test_the_end_of_a_source_waits_for_no_question(slow: SlowHouse) -> None:
    slow.waiting = True
    slow.sign(0.0, "PLATFORM 12 Basel")
    slow.assistant.finish("cam")
    assert len(slow.stored) == 1


def test_questions_without_end_do_not_fill_the_memory(slow: SlowHouse) -> None:
    slow.waiting = True
    for n in range(MOST_POSTPONED + 2):
        slow.sign(20.0 * n, SIGNS[n])
    assert "PLATFORM" in slow.stored[0]  # there was no end of questions, and still it was remembered
    slow.waiting = False
    slow.assistant.finish("cam")
    assert [any(sign in caption for caption in slow.stored) for sign in SIGNS] == [True] * (MOST_POSTPONED + 2)


def test_the_view_is_shown_and_becomes_the_evidence(slow: SlowHouse) -> None:
    slow.assistant.see(percept(1.0, "PLATFORM 12 Basel"))
    slow.assistant.see(percept(2.0, "PLATFORM 12 Basel"))
    reply = slow.assistant.ask("What is in front of me?")
    assert not reply.abstained and len(reply.evidence) == 1
    assert "PLATFORM 12 Basel" in reply.evidence[0].caption
    assert [p.keyframe.pts_s for p in slow.generator.asked[0].view] == [1.0, 2.0]
    assert len(slow.stored) == 1


def test_a_view_that_the_gate_did_not_want_can_be_evidence_when_it_is_asked_about(slow: SlowHouse) -> None:
    slow.assistant.see(percept(1.0, "xq", reason="motion"))
    assert slow.stored == []
    reply = slow.assistant.ask("What is in front of me?")
    assert [e.caption for e in reply.evidence] == slow.stored


def test_stored_vectors_reach_the_generator(slow: SlowHouse) -> None:
    slow.sign(0.0, "PLATFORM 12 Basel")
    (event,) = [e for e in slow.events if isinstance(e, MemoryStored)]
    slow.assistant.ask("Which platform to Basel?")
    shown = slow.generator.asked[0].visuals[event.id]
    assert shown.mean is not None and shown.nearest is not None
    assert shown.mean.shape == (4, 8) and shown.mean.dtype == np.float16
    assert np.array_equal(shown.nearest, percept(0.0).patches)


def test_a_withdrawn_question_says_so(slow: SlowHouse) -> None:
    def withdrawn(request: AnswerRequest, say: Callable[[str], None], cancelled: Callable[[], bool]) -> Answer:
        assert cancelled()
        raise Interrupted("nobody waits")

    slow.generator.answer = withdrawn  # type: ignore[method-assign]
    slow.assistant.see(percept(1.0, "PLATFORM 12 Basel"))
    with pytest.raises(Interrupted):
        slow.assistant.ask("Which platform?", cancelled=lambda: True)


def test_projected_patches_open_the_gate_and_name_the_category() -> None:
    embedder = ScriptedEmbedder()
    categories = CategorySpace(embedder)
    phrase = categories._phrases[0]

    def project(patches: HalfArray) -> FloatArray:
        return np.tile(phrase, (len(patches), 1))

    blank = percept(1.0, reason="motion")
    assert not RememberGate(categories, 0.3).judge(blank).remembered
    decision = RememberGate(categories, 0.3, project).judge(blank)
    assert decision.remembered and decision.score == 1.0
    assert decision.category == categories.nearest(phrase)[0]
    assert not RememberGate(categories, 0.3, lambda patches: -project(patches)).judge(blank).remembered


def test_a_new_view_without_words_is_considered_once(tmp_path: Path) -> None:
    told = "peanuts make me ill"
    wanted = ScriptedEmbedder().embed([told])[0]
    house = SlowHouse(tmp_path / "store", lambda patches: np.tile(wanted, (len(patches), 1)))
    house.assistant.tell(told)
    for at in (1.0, 2.0, 3.0):
        house.assistant.see(percept(at))
    assert len(house.generator.considered) == 1
    assert [hit.memory.text for hit in house.generator.considered[0].hits] == [told]
    house.assistant.see(percept(4.0, shade=0.9))
    assert len(house.generator.considered) == 2
    house.memory.close()
