"""What can go wrong around a daemon, one after another, and how long it takes until it works again."""

from __future__ import annotations

import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from perstream.errors import PerStreamError
from perstream.lab.daemon_process import DaemonProcess
from perstream.lab.fault_clock import Clock, can_set_clock
from perstream.lab.fault_disk import Disk, can_slow, refusing_writes, slow_disk
from perstream.lab.fault_load import Ledger, Life, fill
from perstream.lab.http_camera import HttpCamera
from perstream.lab.stand_in_acts import Act, Hang, Raw, Say, Status
from perstream.web.client import Client

RECOVERY_S = 60.0
"""Not back by then: it hangs."""


@dataclass
class Outcome:
    """What one kind of fault did."""

    times: int = 0
    recoveries_s: list[float] = field(default_factory=list)
    hangs: int = 0
    wrong: list[str] = field(default_factory=list)
    skipped: str = ""
    """Why it could not be tried here."""


class World:
    """The daemon with everything around it that can break."""

    def __init__(
        self, folder: Path, disk: Disk, camera: HttpCamera, model_url: str, ledger: Ledger, seed: int, memories: int
    ) -> None:
        """``memories`` are told before the first life begins."""
        self.disk, self.camera, self.ledger = disk, camera, ledger
        self.rng = random.Random(seed)
        self.store = disk.folder / "store"
        self.lives: list[Life] = []
        self.model: Callable[[], Act] = well
        """How the model server answers now."""
        self._settings = folder / "perstream.toml"
        self._settings.write_text(
            "[source]\nbackoff_min_s = 0.05\nbackoff_max_s = 0.2\nallow_hosts = ['127.0.0.1']\n"
            f"[backend]\nname = 'builtin'\nanswers = 'openai'\nbase_url = '{model_url}'\nserved_model = 'stand-in'\n"
            "request_timeout_s = 3\nrequest_retries = 1\ncalls_per_hour = 0\n[memory]\nram_budget_mb = 4\n"
            "[backup]\nevery_h = 0.02\nkeep = 2\n"
            "[alerts]\ndisk_free_mb = 16\n",
            encoding="utf-8",
        )
        self.clock = Clock(folder) if can_set_clock() else None
        self._complaints = folder / "daemon.log"
        fill(self.store, ledger, memories)
        self.daemon = self.start()

    def start(self) -> DaemonProcess:
        """A new life of the daemon. PerStreamError when it does not start."""
        environment = {"OPENAI_API_KEY": "none"}
        if self.clock is not None:
            environment |= self.clock.environment
        arguments = ["--config", str(self._settings), self.camera.url]
        self.daemon = DaemonProcess(self.store, arguments, environment, self._complaints)
        return self.daemon

    def memories_mb(self) -> float:
        """RAM that the memories say they take: index and entities."""
        with Client(self.store) as client:
            held = client.status().memory.ram_bytes
        return sum(size for piece, size in held.items() if piece != "cache") / 2**20

    def still(self) -> AbstractContextManager[None]:
        """Nobody speaks to the daemon meanwhile."""
        return _Stillness(self.lives)

    def lost(self) -> list[int]:
        """Acknowledged memories that are not there, or not as they were told."""
        known = dict(self.ledger.told)
        with Client(self.store) as client:
            there = {record.id: record.text for record in client.memories(limit=10**7)}
        return [memory for memory, text in known.items() if there.get(memory) != text]


class _Stillness:
    def __init__(self, lives: list[Life]) -> None:
        self._lives = lives

    def __enter__(self) -> None:
        for life in self._lives:
            life.paused.set()

    def __exit__(self, *_: object) -> None:
        for life in self._lives:
            life.paused.clear()


def well() -> Act:
    """An answer as it should be."""
    return Say(("[1] It is ", "where you left it."), pause_s=0.01)


def dying(rng: random.Random) -> Callable[[], Act]:
    """Answers of a server that is about to die: in the middle of a word, silent, refused, nonsense."""
    half = b'data: {"choices": [{"index": 0, "delta": {"content": "[1] It is in th'
    acts: tuple[Act, ...] = (
        Raw((half,)),
        Raw((half, b'e"}}]}\n\n'), then_hang_s=20),
        Hang(20),
        Status(500, {"error": {"message": "out of memory"}}),
        Status(200, "<html>gateway</html>"),
        Raw((b"\xff\xfe\x00" * 50,)),
    )
    return lambda: rng.choice(acts)


def kill(world: World, outcome: Outcome) -> None:
    """SIGKILL at a random point, and start again."""
    time.sleep(world.rng.uniform(0.2, 6.0))
    began = time.monotonic()
    world.daemon.kill()
    world.start()
    _recovered(world, outcome, began)
    lost = world.lost()
    if lost:
        outcome.wrong.append(f"{len(lost)} acknowledged memories are gone or changed")


def full_disk(world: World, outcome: Outcome) -> None:
    """No room for some seconds, while everything goes on."""
    with world.disk.full():
        time.sleep(5)
    _recovered(world, outcome, time.monotonic())


def refused_writes(world: World, outcome: Outcome) -> None:
    """The system refuses every write of the running daemon, as a disk does that went read-only under it."""
    with refusing_writes(world.daemon.pid):
        time.sleep(5)
    _recovered(world, outcome, time.monotonic())


def read_only_start(world: World, outcome: Outcome) -> None:
    """Stopped, and started on a disk that cannot be written: that must be said in one line, not hang."""
    with world.still():
        time.sleep(1)
        world.daemon.stop()
        with world.disk.read_only():
            try:
                world.start().kill()
                outcome.wrong.append("it started on a disk that cannot be written")
            except PerStreamError as error:
                if "Traceback" in str(error):
                    outcome.wrong.append(f"it failed with a traceback: {str(error)[-200:]}")
        began = time.monotonic()
        world.start()
    _recovered(world, outcome, began)


def slow(world: World, outcome: Outcome) -> None:
    """Each fsync takes a quarter of a second longer for a while."""
    with slow_disk(world.daemon.pid):
        time.sleep(8)
    _recovered(world, outcome, time.monotonic())


def clock_jump(world: World, outcome: Outcome) -> None:
    """The wall clock jumps ahead or back by up to a day, and returns."""
    assert world.clock is not None
    world.clock.set(world.rng.choice((-1, 1)) * world.rng.uniform(60, 86_400))
    time.sleep(4)
    began = time.monotonic()
    world.clock.set(0)
    _recovered(world, outcome, began)


def suspend(world: World, outcome: Outcome) -> None:
    """Stopped dead for some seconds as when a laptop sleeps; where that can be done, hours have passed when it wakes."""
    world.daemon.send(signal.SIGSTOP)
    time.sleep(world.rng.uniform(2, 8))
    if world.clock is not None:
        world.clock.set(world.rng.uniform(600, 36_000))
    began = time.monotonic()
    world.daemon.send(signal.SIGCONT)
    _recovered(world, outcome, began)
    if world.clock is not None:
        world.clock.set(0)


def dying_model(world: World, outcome: Outcome) -> None:
    """The model server breaks off its answers in every way it can."""
    world.model = dying(world.rng)
    time.sleep(10)
    world.model = well
    answered, began = world.ledger.answered, time.monotonic()
    while world.ledger.answered == answered and time.monotonic() - began < RECOVERY_S:
        time.sleep(0.02)
    outcome.times += 1
    _note(outcome, None if world.ledger.answered == answered else time.monotonic() - began)


def camera_away(world: World, outcome: Outcome) -> None:
    """The camera is switched off and on again."""
    world.camera.away = True
    time.sleep(world.rng.uniform(1, 5))
    with Client(world.store) as client:
        before = client.sources()[0].frames
        world.camera.away = False
        began = time.monotonic()
        while client.sources()[0].frames <= before and time.monotonic() - began < RECOVERY_S:
            time.sleep(0.1)
        took = time.monotonic() - began
    outcome.times += 1
    _note(outcome, took if took < RECOVERY_S else None)


@dataclass(frozen=True)
class Fault:
    """One kind."""

    name: str
    strike: Callable[[World, Outcome], None]
    restarts: bool = False
    """It ends the daemon's life."""
    needs: Callable[[World], str] = lambda _: ""
    """Why it cannot be tried here; empty when it can."""


def _own_disk(world: World) -> str:
    return "" if world.disk.own else "needs root on Linux, to mount a disk of its own"


FAULTS: tuple[Fault, ...] = (
    Fault("kill -9", kill, restarts=True),
    Fault("read-only disk at start", read_only_start, restarts=True, needs=_own_disk),
    Fault("disk full", full_disk, needs=_own_disk),
    Fault("writes refused", refused_writes, needs=lambda _: "" if sys.platform == "linux" else "needs Linux"),
    Fault("slow disk", slow, needs=lambda _: "" if can_slow() else "needs strace"),
    Fault("clock jump", clock_jump, needs=lambda world: "" if world.clock else "needs Linux and a C compiler"),
    Fault("suspend and resume", suspend),
    Fault("model server dying", dying_model),
    Fault("camera switched off", camera_away),
)


def _recovered(world: World, outcome: Outcome, since: float) -> None:
    outcome.times += 1
    _note(outcome, world.ledger.wait_after(since, RECOVERY_S))


def _note(outcome: Outcome, took: float | None) -> None:
    if took is None:
        outcome.hangs += 1
    else:
        outcome.recoveries_s.append(took)
