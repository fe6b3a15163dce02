"""When the model's server is gone, a run ends instead of failing at every item that is left."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

from perstream.errors import BackendUnavailable

T = TypeVar("T")
R = TypeVar("R")


class _Gone(Exception):
    """Not of PerStream's tree, so that it ends a run of many items."""


class Away:
    """Counts calls in a row that found no server. As a context manager it ends as BackendUnavailable."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._row = 0
        self._lock = threading.Lock()

    def watched(self, work: Callable[[T], R]) -> Callable[[T], R]:
        """``work``, which after ``most`` failures in a row of this kind ends the run."""

        def watching(item: T) -> R:
            try:
                result = work(item)
            except BackendUnavailable as error:
                with self._lock:
                    self._row += 1
                    gone = self._row >= self._most
                if gone:
                    raise _Gone(str(error)) from error
                raise
            with self._lock:
                self._row = 0
            return result

        return watching

    def __enter__(self) -> Away:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(error, _Gone):
            raise BackendUnavailable(f"{error}; the same command goes on when it is back") from error
