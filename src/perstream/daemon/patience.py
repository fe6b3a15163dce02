"""A brain that can be given up on: a model call that hangs comes to its end, and builtin rules stand in.

Every part of a backend polls ``cancelled``. Here the watchdog's word is added to it: a caption or its edges are then
made without a model, so that the moment is remembered all the same; an answer fails with an error that says so.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from perstream.daemon.doing import Doing
from perstream.errors import BackendUnavailable, Interrupted
from perstream.models.builtin_caption import BuiltinCaptioner
from perstream.models.builtin_triplets import GrammarTriplets
from perstream.protocols import (
    Answer,
    AnswerRequest,
    Backend,
    Captioner,
    Generator,
    ProactiveRequest,
    Proposal,
    TripletExtractor,
)
from perstream.types import Caption, Moment, Triplet

Cancelled = Callable[[], bool]
HUNG = "hung"
"""The reason under which a part that was given up is counted."""


class Job(Protocol):
    """The job in hand, as the worker knows it."""

    @property
    def doing(self) -> Doing:
        """Is told that it gets on."""

    def given_up(self) -> bool:
        """Whether it shall come to its end."""


def patient(backend: Backend, job: Job) -> Backend:
    """``backend`` whose calls end when the job in hand is given up."""
    captioner = PatientCaptioner(backend.captioner, job)
    triplets = PatientTriplets(backend.triplets, job)

    def fell_back() -> Mapping[str, int]:
        mine = {f"caption: {HUNG}": captioner.given_up, f"triplets: {HUNG}": triplets.given_up}
        return {**backend.fell_back(), **{name: count for name, count in mine.items() if count}}

    generator = PatientGenerator(backend.generator, job)
    return replace(backend, captioner=captioner, triplets=triplets, generator=generator, fell_back=fell_back)


class PatientCaptioner:
    """A captioner with builtin captions behind it."""

    def __init__(self, inner: Captioner, job: Job) -> None:
        self._inner = inner
        self._job = job
        self.given_up = 0

    def caption(self, moment: Moment, cancelled: Cancelled) -> Caption:
        """As the inner one; Interrupted only when ``cancelled`` says so."""
        self._job.doing.progress()
        try:
            return self._inner.caption(moment, _either(cancelled, self._job))
        except Interrupted:
            if cancelled() or not self._job.given_up():
                raise
            self.given_up += 1
            return BuiltinCaptioner().caption(moment, _never)


class PatientTriplets:
    """An extractor with the builtin grammar behind it."""

    def __init__(self, inner: TripletExtractor, job: Job) -> None:
        self._inner = inner
        self._job = job
        self.given_up = 0
        stops = "cancelled" in inspect.signature(inner.of_told).parameters
        self._stoppable: Callable[..., tuple[Triplet, ...]] | None = inner.of_told if stops else None
        """Extractors that ask a model take one argument more than rules need."""

    def of_caption(self, caption: Caption, cancelled: Cancelled = lambda: False) -> tuple[Triplet, ...]:
        """As the inner one; Interrupted only when ``cancelled`` says so."""
        self._job.doing.progress()
        try:
            return self._inner.of_caption(caption, _either(cancelled, self._job))
        except Interrupted:
            if cancelled() or not self._job.given_up():
                raise
            self.given_up += 1
            return GrammarTriplets().of_caption(caption)

    def of_told(self, text: str) -> tuple[Triplet, ...]:
        """As the inner one; where that can be stopped, rules stand in when it hung."""
        self._job.doing.progress()
        if self._stoppable is None:
            return self._inner.of_told(text)
        try:
            return self._stoppable(text, self._job.given_up)
        except Interrupted:
            self.given_up += 1
            return GrammarTriplets().of_told(text)


class PatientGenerator:
    """A generator whose every piece is progress."""

    def __init__(self, inner: Generator, job: Job) -> None:
        self._inner = inner
        self._job = job

    def answer(self, request: AnswerRequest, say: Callable[[str], None], cancelled: Cancelled) -> Answer:
        """As the inner one; BackendUnavailable when it hung."""
        self._job.doing.progress()

        def heard(piece: str) -> None:
            self._job.doing.progress()
            say(piece)

        try:
            return self._inner.answer(request, heard, _either(cancelled, self._job))
        except Interrupted as error:
            if cancelled() or not self._job.given_up():
                raise
            raise BackendUnavailable(
                "the model did not get on with its answer and was stopped: ask again, or see perstream doctor"
            ) from error

    def propose(self, request: ProactiveRequest, cancelled: Cancelled = lambda: False) -> tuple[Proposal, ...]:
        """As the inner one."""
        self._job.doing.progress()
        return self._inner.propose(request, _either(cancelled, self._job))


def _either(cancelled: Cancelled, job: Job) -> Cancelled:
    return lambda: cancelled() or job.given_up()


def _never() -> bool:
    """It is made to its end."""
    return False
