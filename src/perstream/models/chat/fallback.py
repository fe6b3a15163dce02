"""When a model part stands in for another: counted by reason, said once."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Mapping

from perstream.errors import BackendError

log = logging.getLogger(__name__)


class Fallbacks:
    """Counts the times the builtin parts stood in for a chat model. Thread-safe; the parts of a backend share one."""

    def __init__(self, model: str) -> None:
        """``model`` is its name, for the log."""
        self._model = model
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    @property
    def counts(self) -> Mapping[str, int]:
        """How often, by part and reason, for example ``caption: BadOutput``."""
        with self._lock:
            return dict(self._counts)

    def count(self, part: str, error: BackendError) -> None:
        """The builtin part stood in: a warning the first time for this kind of error, afterwards only counted.

        The log has the error's own line, never what a model wrote.
        """
        first = self._add(f"{part}: {type(error).__name__}")
        log.log(logging.WARNING if first else logging.DEBUG, "%s: builtin %s stands in (%s)", self._model, part, error)

    def note(self, part: str, what: str) -> None:
        """Something smaller went otherwise than asked for: counted."""
        self._add(f"{part}: {what}")
        log.debug("%s: %s: %s", self._model, part, what)

    def _add(self, key: str) -> bool:
        with self._lock:
            self._counts[key] += 1
            return self._counts[key] == 1
