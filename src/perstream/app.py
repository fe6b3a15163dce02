"""The house: the only place that chooses parts and wires them together."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta, timezone
from types import TracebackType

from perstream.assistant.assistant import Assistant
from perstream.config import Config
from perstream.daemon import journal
from perstream.daemon.aging import Aging
from perstream.daemon.appstatus import AppStatus
from perstream.daemon.asked import Asked
from perstream.daemon.bus import EventBus
from perstream.daemon.channels import channels_of
from perstream.daemon.counted import Counted
from perstream.daemon.delivery import Delivery
from perstream.daemon.fed import Fed
from perstream.daemon.lodging import Ask, lodging, nobody, vault_of
from perstream.daemon.parts import Parts
from perstream.daemon.patience import patient
from perstream.daemon.pauses import Pauses
from perstream.daemon.private import Private
from perstream.daemon.sink import AssistantSink
from perstream.daemon.status import SourceRequest
from perstream.daemon.supervisor import Supervisor
from perstream.daemon.trimming import trimming
from perstream.daemon.upkeep import Household, Upkeep
from perstream.daemon.upkeep_state import Alert
from perstream.daemon.veil import Veil
from perstream.daemon.vitals import Readiness, Vitals, readiness_of
from perstream.daemon.worker import AssistantWorker, Closing, Priority
from perstream.errors import Interrupted, NotFound
from perstream.events import Forgotten
from perstream.imports.item import Imported, Taken
from perstream.keyframes.sampler import KeyframeSampler
from perstream.keyframes.thumbnail import thumbnail
from perstream.memory.engine import Keys
from perstream.memory.memory import Memory
from perstream.models.registry import load_backend
from perstream.perception.perceiver import Perceiver
from perstream.places import store_folder
from perstream.privacy.calendar import Calendar
from perstream.privacy.retention import rules_of
from perstream.privacy.screen import Screen
from perstream.protocols import Adapters, Backend
from perstream.sources import Source, open_source
from perstream.types import ByteArray, MemoryRecord, Percept, Receipt, Reply, Selector

LIVE = timedelta(seconds=30)
"""A source whose clock is so close to the wall's is live: between two keyframes time goes on."""
STOP_S = 10.0
"""How long a stop waits for a source or a job that hangs; each memory is on disk as soon as it is made."""


def open_memory(config: Config, backend: Backend, *, read_only: bool = False, keys: Keys | None = None) -> Memory:
    """The store of ``config``, by ``keys`` (default: those it names). StoreBusy when another process writes to it."""
    keys = keys or vault_of(config)
    return Memory.open(store_folder(config), config.memory, backend.embedder.embed, read_only=read_only, keys=keys)


def build(config: Config, ask: Ask = nobody, *, lasting: bool = False) -> App:
    """Choose the parts and start the assistant thread. The caller closes what it gets.

    ``ask`` is heard when the store is sealed by a passphrase that the settings do not name; for ``lasting`` see App.
    """
    config, keys = lodging(config, ask)
    try:
        backend = load_backend(config.backend, config.moment)
        return App(config, backend, open_memory(config, backend, keys=keys), lasting=lasting)
    except BaseException:
        keys.ended()
        raise


class App(Private):
    """One running house over one store. Every method may be called from any thread."""

    def __init__(self, config: Config, backend: Backend, memory: Memory, *, lasting: bool = False) -> None:
        """A ``lasting`` house goes on after its recordings: "now" is a recording's time only while that runs."""
        self.config = config
        self.store = store_folder(config)
        self._lasting = lasting
        self._recorded: tuple[str, datetime] | None = None
        """The recording in use, and the time in it."""
        self._fed = Fed()
        self._veil = Veil(config.privacy)
        self._pauses = Pauses(self.store)
        self._views: dict[str, ByteArray] = {}
        self.bus = EventBus()
        self._asked = Asked()
        self._counted = Counted()
        self.bus.listen(self._counted.hear)
        self.bus.listen(journal.tell)
        self._delivery = Delivery(channels_of(config.delivery), self.bus.listen)
        worker = AssistantWorker(self.bus.publish, tick=lambda: self._assistant.tick(_utc_now()))
        backend = patient(backend, worker)
        super().__init__(config, backend, memory, worker, self.now)
        self._assistant = Assistant(
            memory, backend, config, self.bus.publish, self.now, thumbnail, worker.urgent, self._do_later, _utc_now
        )
        self._sink = AssistantSink(self._assistant, self._notice)
        parts = Parts(
            make_sampler=lambda: KeyframeSampler(config.keyframes),
            make_perceiver=lambda: Perceiver(
                config.perception,
                backend.vision.encode,
                keep_sound=backend.hears and config.source.audio,
                faces=self._veil.faces if self._veil.hides_faces else None,
                screen=Screen(config.privacy.redact),
            ),
            sink=self._sink,
            clock=_utc_now,
            batch=backend.batch,
        )
        self._supervisor = Supervisor(parts, self._worker, self.bus, self._open, config.source, held=self._pauses.holds)
        calendar = Calendar(self.store, lambda: memory.status().newest)
        self._aging = Aging(rules_of(config.privacy.retention), memory, worker, calendar, self._gone)
        self._upkeep = Upkeep(
            Household(
                config, self.store, memory, backend, worker, self._supervisor, self._delivery, self.bus, self._hushed
            ),
            (*self._aging.chores, *trimming()),
        )
        self._worker.start()
        self._supervisor.start()
        self._upkeep.start()

    # --- questions and told facts -----------------------------------------------------------

    def ask(
        self,
        question: str,
        *,
        now: datetime | None = None,
        say: Callable[[str], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Reply:
        """Answer from memory; overtakes what is being perceived. Raises Interrupted when ``cancelled`` says so."""

        def answer() -> Reply:
            if cancelled is not None and cancelled():
                raise Interrupted("the question was withdrawn")
            return self._assistant.ask(question, now=now, say=say or _unheard, cancelled=cancelled or _never)

        return self._asked.count(lambda: self._worker.submit(Priority.QUESTION, answer).result())

    def ask_at(self, source: str, pts_s: float, question: str) -> Future[Reply]:
        """Ask when ``source`` reaches ``pts_s`` seconds or ends; what comes later is not known then."""
        return self._sink.ask_at(source, pts_s, question)

    def tell(self, text: str, *, at: datetime | None = None) -> MemoryRecord:
        """Remember a sentence the owner said; it is on disk when this returns."""
        return self._worker.submit(Priority.TOLD, lambda: self._assistant.tell(text, at=at)).result()

    def import_all(self, items: Sequence[Imported]) -> list[Taken]:
        """Remember what a file told; what became of each thing, in the order of ``items``. Questions go before it."""
        return self._worker.submit(Priority.TOLD, lambda: self._assistant.import_all(items)).result()

    def now(self) -> datetime:
        """What "now" means: the clock of the recording last watched, else the wall clock (UTC)."""
        if self._recorded is None or (self._lasting and self._supervisor.over(self._recorded[0])):
            return _utc_now()
        return self._recorded[1]

    # --- the house ------------------------------------------------------------------------

    def status(self) -> AppStatus:
        """How the house is doing."""
        adapters = self._backend.adapters
        return AppStatus(
            backend=self._backend.name,
            store=str(self.store),
            memory=self._memory.status(),
            sources=tuple(self.sources()),
            silences=dict(self._assistant.policy.silences),
            sent=self._backend.sent(),
            adapter=adapters.active if adapters else None,
            fallbacks=dict(self._backend.fell_back()),
            notes=self._backend.notes,
            errors=self._worker.errors,
            delivered=self._delivery.counts,
            redacted=self._memory.redactions.counts(),
            chores=self._upkeep.chores.status,
            alerts=self._upkeep.alerts.active,
            backups=self._upkeep.backups.status,
            watchdog=self._upkeep.watchdog.status,
            vitals=Vitals(
                self.readiness(),
                self._worker.waiting_by,
                self._worker.busy_s,
                self._asked.questions,
                self._counted.counts,
            ),
        )

    def readiness(self) -> Readiness:
        """Whether a question can be answered now; waits for nothing."""
        return readiness_of(self._worker, self._upkeep.chores, self.config.watchdog.stuck_s, self.warming)

    def alerts(self) -> list[Alert]:
        """What needs the owner now, the oldest first; waits for nothing."""
        return list(self._upkeep.alerts.active)

    def adapters(self) -> Adapters:
        """LoRA adapters, switched while the house runs. NotFound when the brain in use takes none."""
        if self._backend.adapters is None:
            raise NotFound(f"the backend {self._backend.name} takes no adapters; qwen-omni does")
        return self._backend.adapters

    def forget(self, selector: Selector, dry_run: bool = False) -> Receipt:
        """Remove memories and everything derived from them, and tell everybody who shows one."""
        receipt = super().forget(selector, dry_run)
        if receipt.memory_ids and not dry_run:
            self.bus.publish(Forgotten(_utc_now(), None, None, receipt.memory_ids))
        return receipt

    def close(self) -> None:
        """Stop watching, remember what was perceived, close the store. Safe to call twice."""
        self._aging.stop()
        self._upkeep.close(STOP_S)
        self._supervisor.stop(STOP_S)
        self._worker.close(drain=True, timeout=STOP_S)
        self._delivery.close()
        self.bus.close()
        self._backend.close()
        self._memory.close()

    def __enter__(self) -> App:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- inside -----------------------------------------------------------------------------

    def _do_later(self, job: Callable[[], None]) -> None:
        """After what is more urgent; while shutting down there is no later, and what is left is done at once."""
        with contextlib.suppress(Closing):
            self._worker.submit(Priority.PERCEPT, job, wait=False)

    def _hushed(self) -> bool:
        return self._assistant.policy.is_hushed(_utc_now())

    def _gone(self, ids: tuple[int, ...]) -> None:
        """On the assistant's thread: these memories have had their time."""
        self._assistant.reminding.forget()
        self.bus.publish(Forgotten(_utc_now(), None, None, ids))

    def _open(self, request: SourceRequest) -> Source:
        source: Source | None = self._fed.opened(request)
        if source is None:
            source = open_source(
                request.uri,
                self.config.source,
                start_time=request.start_time,
                realtime=request.realtime,
                name=request.name,
                trusted=request.trusted,
            )
        return self._veil.over(source, request)

    def _notice(self, percept: Percept) -> None:
        name, at = percept.keyframe.source, percept.keyframe.captured_at
        self._recorded = None if abs(_utc_now() - at) < LIVE else (name, at)
        self._views[name] = percept.keyframe.rgb


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


def _never() -> bool:
    """The question stands."""
    return False


def _unheard(_: str) -> None:
    """Nobody listens to the answer while it is made."""
