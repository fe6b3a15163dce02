"""Where percepts meet the assistant, and questions that wait for a place in a recording."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from perstream.assistant.assistant import Assistant
from perstream.types import Gap, Percept, Reply


@dataclass(order=True)
class _Waiting:
    pts_s: float
    question: str = field(compare=False)
    future: Future[Reply] = field(compare=False)


class AssistantSink:
    """Hands what a pipeline delivers to the assistant; all but :meth:`ask_at` runs on its thread."""

    def __init__(self, assistant: Assistant, noticed: Callable[[Percept], None]) -> None:
        """``noticed`` is told of every percept before it is taken in."""
        self._assistant = assistant
        self._noticed = noticed
        self._waiting: dict[str, list[_Waiting]] = {}
        self._lock = threading.Lock()

    def ask_at(self, source: str, pts_s: float, question: str) -> Future[Reply]:
        """Ask when ``source`` reaches ``pts_s`` (or ends): nothing perceived later is known then."""
        waiting = _Waiting(pts_s, question, Future())
        with self._lock:
            self._waiting.setdefault(source, []).append(waiting)
        return waiting.future

    def see(self, percept: Percept) -> None:
        """Answer what is due, then take the percept in."""
        keyframe = percept.keyframe
        self._answer(keyframe.source, keyframe.pts_s)
        self._noticed(percept)
        self._assistant.see(percept)

    def gap(self, gap: Gap) -> None:
        """Record that nothing was seen."""
        self._assistant.gap(gap)

    def finish(self, source: str) -> None:
        """Remember what is buffered, then answer what still waits."""
        self._assistant.finish(source)
        self._answer(source, float("inf"))

    def _answer(self, source: str, pts_s: float) -> None:
        with self._lock:
            waiting = sorted(self._waiting.get(source, ()))
            due = [w for w in waiting if w.pts_s <= pts_s]
            self._waiting[source] = [w for w in waiting if w.pts_s > pts_s]
        for question in due:
            try:
                question.future.set_result(self._assistant.ask(question.question))
            except Exception as error:  # noqa: BLE001 - whoever asked gets it; the stream goes on
                question.future.set_exception(error)
