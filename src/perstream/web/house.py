"""What the API needs of the house it stands in; ``perstream.app.App`` is one, tests bring another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from perstream.daemon.bus import Subscription
from perstream.daemon.status import SourceStatus
from perstream.daemon.unasked_state import SpeechState
from perstream.daemon.upkeep_state import Alert
from perstream.daemon.vitals import Readiness
from perstream.errors import PerStreamError
from perstream.events import Done
from perstream.imports.item import Imported, Taken
from perstream.protocols import Adapters
from perstream.sources import PushSource
from perstream.speech import Considered, Topic, Verdict
from perstream.types import Gap, Hit, MemoryRecord, Omission, Receipt, Reply, Selector


class House(Protocol):
    """Every method may be called from any thread, and raises errors of PerStream's tree only."""

    def ask(
        self,
        question: str,
        *,
        now: datetime | None = None,
        say: Callable[[str], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Reply:
        """Answer from memory; ``say`` hears the answer piece by piece. Interrupted when ``cancelled`` says so."""

    def tell(self, text: str, *, at: datetime | None = None) -> MemoryRecord:
        """Remember a sentence; on disk when it returns."""

    def import_all(self, items: Sequence[Imported]) -> list[Taken]:
        """Remember what a file told; what became of each thing, in the order of ``items``."""

    def recall(
        self,
        text: str,
        *,
        image: Path | bytes | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        k: int | None = None,
        now: datetime | None = None,
        as_of: datetime | None = None,
        history: bool = False,
    ) -> list[Hit]:
        """Search; best first."""

    def memories(self, **filters: Any) -> list[MemoryRecord]:
        """Newest first: limit, before_id, since, until, source, category, provenance."""

    def memory(self, memory_id: int) -> MemoryRecord:
        """One memory. NotFound."""

    def entities_of(self, memory_id: int) -> tuple[str, ...]:
        """Labels of the entities it mentions."""

    def thumbnail(self, memory_id: int) -> bytes | None:
        """JPEG. NotFound for an unknown id, None when the memory has no picture."""

    def recording(self, memory_id: int) -> Path | None:
        """The file a memory was seen in, when it is being or was watched in this run. NotFound."""

    def forget(self, selector: Selector, dry_run: bool = False) -> Receipt:
        """Remove what is selected, or say what would go."""

    def pin(self, memory_id: int, pinned: bool = True) -> None:
        """Exempt from reduction. NotFound."""

    def correct(self, memory_id: int, text: str) -> MemoryRecord:
        """Put the owner's words in the place of a memory's. NotFound."""

    def redactions(self, limit: int = 100) -> list[Omission]:
        """What was left out before it was stored, newest first: what kind, never what."""

    def gaps(self, since: datetime | None = None, until: datetime | None = None) -> list[Gap]:
        """Stretches without pictures, in order of time."""

    def proactive(self, limit: int = 50, said: bool | None = None) -> SpeechState:
        """The latest words and silences, newest first, and the wishes in force."""

    def rate_word(self, word_id: int, verdict: Verdict) -> Considered:
        """Feedback on a word. NotFound."""

    def snooze(self, topic: str, until: datetime | None) -> None:
        """Hold back a topic, or everything (""). ConfigError."""

    def do_not_disturb(self, on: bool | None = None) -> bool:
        """Whether only health and safety is said; with ``on`` it is set first."""

    def speech_weights(self) -> list[Topic]:
        """Votes on topics and kinds."""

    def reset_weights(self, topic: str | None = None) -> int:
        """Take votes back; how many topics had any."""

    def around(self, node: str = "", **how: Any) -> Any:
        """Surroundings of a node; how: since, until, limit, offset. NotFound."""

    def graph(self) -> Any:
        """networkx.MultiDiGraph; nodes are (kind, key)."""

    def adapters(self) -> Adapters:
        """LoRA adapters of the brain. NotFound when it takes none."""

    def readiness(self) -> Readiness:
        """Whether a question can be answered now; at once, whatever the house is busy with."""

    def alerts(self) -> Sequence[Alert]:
        """What needs the owner now, the oldest first."""

    def status(self) -> Any:
        """A dataclass that :func:`perstream.jsonlines.plain` can turn into JSON."""

    def watch(
        self,
        uri: str,
        *,
        start_time: datetime | None = None,
        realtime: bool = False,
        name: str | None = None,
        masks: Sequence[str] = (),
        trusted: bool = True,
    ) -> str:
        """Start watching; the source's name. ``masks``, each X Y W H, are not seen. SourceError, ConfigError.

        ``trusted``: the owner named it, so that it may be this machine itself.
        """

    def remove(self, name: str) -> None:
        """Stop watching. NotFound."""

    def view(self, name: str) -> bytes | None:
        """JPEG of the latest keyframe, None before the first. NotFound."""

    def live(self, name: str, after: int = 0, wait_s: float = 0.0) -> tuple[int, bytes] | None:
        """Number and JPEG of the newest frame, None when none but ``after`` comes in time. NotFound."""

    def feed(self, name: str) -> PushSource:
        """A source that the caller feeds; one of this name that still runs goes on. ConfigError."""

    def pause(self, name: str | None = None) -> None:
        """Perceive nothing. NotFound."""

    def resume(self, name: str | None = None) -> None:
        """Perceive again. NotFound."""

    @property
    def paused(self) -> bool:
        """Whether everything is paused."""

    def network(self) -> Any:
        """What may leave this machine and what did: a dataclass, as of ``status``."""

    def retention(self, dry_run: bool = True) -> Any:
        """What the retention rules remove now: a dataclass. StoreError."""

    def wait(self, name: str, timeout: float | None = None) -> Done | None:
        """The source's Done, or None after ``timeout`` seconds. NotFound."""

    def failure(self, name: str) -> PerStreamError | None:
        """Why it could not be read to its end. NotFound."""

    def sources(self) -> Sequence[SourceStatus]:
        """All sources."""

    def subscribe(self) -> Subscription:
        """Events from now on."""
