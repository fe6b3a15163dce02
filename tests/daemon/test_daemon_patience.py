"""Model calls that hang: given up, and the moment remembered all the same."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from daemon_fakes import NOON, PATCHES, NoSources, until

from perstream.config import BackendConfig, MomentConfig
from perstream.config_upkeep import WatchdogConfig
from perstream.daemon.patience import patient
from perstream.daemon.watchdog import Watchdog
from perstream.daemon.worker import AssistantWorker, Priority
from perstream.errors import BackendUnavailable, Interrupted
from perstream.models.scripted import load
from perstream.protocols import Answer, AnswerRequest, Backend, ProactiveRequest, Proposal
from perstream.types import Caption, Keyframe, Moment, Observation, ObservationKind, Percept, TextVectors, Triplet


class Hung:
    """Every part of a model that says nothing and only polls."""

    def __init__(self) -> None:
        self.polled = threading.Event()

    def _hang(self, cancelled: Callable[[], bool]) -> None:
        while not cancelled():
            self.polled.set()
            threading.Event().wait(0.001)
        raise Interrupted("stopped on request")

    def caption(self, moment: Moment, cancelled: Callable[[], bool]) -> Caption:
        self._hang(cancelled)
        raise AssertionError

    def of_caption(self, caption: Caption, cancelled: Callable[[], bool] = lambda: False) -> tuple[Triplet, ...]:
        self._hang(cancelled)
        raise AssertionError

    def of_told(self, text: str, cancelled: Callable[[], bool] = lambda: False) -> tuple[Triplet, ...]:
        self._hang(cancelled)
        raise AssertionError

    def answer(self, request: AnswerRequest, say: Callable[[str], None], cancelled: Callable[[], bool]) -> Answer:
        self._hang(cancelled)
        raise AssertionError

    def propose(self, request: ProactiveRequest, cancelled: Callable[[], bool] = lambda: False) -> tuple[Proposal, ...]:
        return ()


def moment() -> Moment:
    keyframe = Keyframe("cam", 0, 0.0, NOON, np.zeros((4, 4, 3), np.uint8), "first", 0.0, 1.0, 0)
    seen = Observation(ObservationKind.TEXT, "PLATFORM 4", 0.95, 0.0, 1.0, votes=3)
    percept = Percept(keyframe, (seen,), PATCHES)
    return Moment(
        source="cam", start_s=0.0, end_s=1.0, started_at=NOON, ended_at=NOON, percepts=(percept,), category="travel",
        score=0.9, mean_vector=PATCHES, nearest_vector=PATCHES, thumbnail=b"",
    )  # fmt: skip


def brain() -> Backend:
    hung = Hung()
    return replace(load(BackendConfig(), MomentConfig()), captioner=hung, triplets=hung, generator=hung)


def given_up(call: Callable[[Backend], object]) -> tuple[object, Backend]:
    """What a call gives while the watchdog looks."""
    worker = AssistantWorker(lambda event: None)
    worker.start()
    backend = patient(brain(), worker)
    dog = Watchdog(WatchdogConfig(stuck_s=0.01), worker, NoSources())
    job = worker.submit(Priority.PERCEPT, lambda: call(backend))
    until(lambda: dog.look() or job.done())
    worker.close(timeout=5)
    return job.result(0), backend


def test_a_moment_is_captioned_and_connected_by_rules() -> None:
    def remember(backend: Backend) -> object:
        caption = backend.captioner.caption(moment(), lambda: False)
        return caption, backend.triplets.of_caption(caption)

    (caption, triplets), backend = given_up(remember)  # type: ignore[misc]
    assert "PLATFORM 4" in caption.text and caption.observations
    assert Triplet("I", "read", "PLATFORM 4", 0.95) in triplets
    assert backend.fell_back() == {"caption: hung": 1, "triplets: hung": 1}


def test_an_answer_fails_with_what_happened() -> None:
    request = AnswerRequest("where?", (), NOON, TextVectors(np.zeros(3, np.float32), np.zeros((0, 3), np.float32), ()))
    with pytest.raises(BackendUnavailable, match="did not get on"):
        given_up(lambda backend: backend.generator.answer(request, lambda piece: None, lambda: False))


def test_what_the_one_who_asked_withdraws_is_interrupted_as_ever() -> None:
    worker = AssistantWorker(lambda event: None)
    backend = patient(brain(), worker)
    with pytest.raises(Interrupted):
        backend.captioner.caption(moment(), lambda: True)
    assert backend.fell_back() == {}


def test_a_told_fact_is_connected_by_rules() -> None:
    triplets, backend = given_up(lambda backend: backend.triplets.of_told("Anna likes tea"))
    assert [(one.subject, one.object) for one in triplets] == [("Anna", "tea")]  # type: ignore[attr-defined]
    assert backend.fell_back() == {"triplets: hung": 1}
