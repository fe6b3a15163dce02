"""One reading of a source on its own thread, from opening it to its end or its failure."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from perstream.daemon.parts import Source
from perstream.errors import PerStreamError, SourceError
from perstream.types import SourceItem


class Capture:
    """Opens the source, hands every item on, and closes it. Started once."""

    def __init__(
        self,
        name: str,
        open_source: Callable[[], Source],
        handle: Callable[[SourceItem, Source], bool],
        ended: Callable[[Capture], None],
    ) -> None:
        """``handle`` returns False when no more is wanted; ``ended`` is called last, on this thread."""
        self._name = name
        self._open = open_source
        self._handle = handle
        self._ended = ended
        self._source: Source | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._heard_at = time.monotonic()
        self._over = threading.Event()
        self.items = 0
        """Items delivered so far."""
        self.error: PerStreamError | None = None
        """Why it ended, when it did not end well."""
        self._thread = threading.Thread(target=self._run, name=f"perstream-capture-{name}", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    @property
    def over(self) -> bool:
        """True when nothing more will come."""
        return self._over.is_set()

    @property
    def dropped(self) -> Mapping[str, int]:
        """What the source says it dropped."""
        return {} if self._source is None else self._source.dropped

    @property
    def idle_s(self) -> float:
        """Seconds since the last item (or since the start)."""
        return time.monotonic() - self._heard_at

    def close(self) -> None:
        """Deliver nothing more and make the source end; from any thread."""
        with self._lock:
            self._closed = True
            source = self._source
        if source is not None:
            source.close()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end; False when the source does not let go in time."""
        return self._over.wait(timeout)

    def _run(self) -> None:
        try:
            source = self._open()
            with self._lock:
                self._source = source
                closed = self._closed
            try:
                for item in () if closed else source.stream():
                    self._heard_at = time.monotonic()
                    self.items += 1
                    if self._closed or not self._handle(item, source):
                        break
            finally:
                source.close()
        except PerStreamError as error:
            self.error = None if self._closed else error
        except Exception as error:  # noqa: BLE001 - the daemon loop: whatever a source does, the daemon goes on
            if not self._closed:
                self.error = SourceError(f"reading {self._name} failed: {type(error).__name__}: {error}")
                self.error.__cause__ = error
        finally:
            self._ended(self)
            self._over.set()
