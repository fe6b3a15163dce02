"""Many people asking at once while a camera is watched: latency, errors, and what it costs the camera."""

from __future__ import annotations

import http.client
import json
import random
import statistics
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from perstream.app import build
from perstream.daemon.status import SourceStatus
from perstream.lab.bench_ask import DAYS, PEOPLE, SUBJECTS
from perstream.lab.daemon_process import DaemonProcess
from perstream.lab.http_camera import HttpCamera
from perstream.settings import load
from perstream.web.client import Client
from perstream.web.token import read_token

ANSWER_S = 60.0
WARM_S = 5.0
SIGN_S = 4.0
"""Of the camera: a new sign so often, and so a memory about as often."""


@dataclass(frozen=True)
class ServeBench:
    """Result of ``bench_serve``."""

    askers: int
    seconds: float
    memories: int
    """In the store at the start."""
    answered: int
    per_s: float
    p50_ms: float
    p95_ms: float
    worst_ms: float
    errors: int
    idle_p95_ms: float
    """Frame to memory while nobody asks."""
    busy_p95_ms: float
    """The same while all ask."""
    busy_ratio: float
    """``busy_p95_ms`` over ``idle_p95_ms``; the aim is at most 2."""
    seen_idle: int
    """Keyframes taken in while nobody asked."""
    seen_busy: int
    made_idle: int
    made_busy: int
    """Memories made of the camera's pictures."""
    dropped_busy: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)
    """Errors by kind."""


def bench_serve(askers: int, seconds: float, memories: int) -> ServeBench:
    """Watch a camera for ``seconds`` with nobody asking, then for as long with ``askers`` asking without a pause."""
    rng = random.Random(0)
    with tempfile.TemporaryDirectory(prefix="perstream-bench-") as folder, HttpCamera(sign_s=SIGN_S) as camera:
        store = Path(folder) / "store"
        with build(load(overrides={"store": str(store)})) as app:
            for number in range(memories):
                app.tell(
                    f"{rng.choice(PEOPLE)}'s {rng.choice(SUBJECTS)} number {number} is on {rng.choice(DAYS)} "
                    f"at {rng.randrange(8, 20)}:{rng.randrange(10, 60)}."
                )
        here = {"PERSTREAM_SOURCE_ALLOW_HOSTS": "127.0.0.1"}
        with DaemonProcess(store, environment=here) as daemon, Client(store) as client:
            client.ask("When is Anna's lunch?")
            idle = _watched(client, camera.url, "idle", seconds)
            tally = _Tally()
            crowd = [_Asker(daemon.url, read_token(store), number, tally) for number in range(askers)]
            for asker in crowd:
                asker.start()
            busy = _watched(client, camera.url, "busy", seconds)
            tally.over.set()
            for asker in crowd:
                asker.join(ANSWER_S)
    took = sorted(tally.took) or [0.0]
    return ServeBench(
        askers=askers,
        seconds=seconds,
        memories=memories,
        answered=len(tally.took),
        per_s=round(len(tally.took) / (seconds + WARM_S), 1),
        p50_ms=round(statistics.median(took) * 1e3, 1),
        p95_ms=round(took[min(len(took) - 1, int(0.95 * len(took)))] * 1e3, 1),
        worst_ms=round(took[-1] * 1e3, 1),
        errors=sum(tally.errors.values()),
        idle_p95_ms=round(idle.latency.p95_ms, 1),
        busy_p95_ms=round(busy.latency.p95_ms, 1),
        busy_ratio=round(busy.latency.p95_ms / max(1e-9, idle.latency.p95_ms), 2),
        seen_idle=idle.latency.count,
        seen_busy=busy.latency.count,
        made_idle=idle.memories,
        made_busy=busy.memories,
        dropped_busy=dict(busy.dropped),
        kinds=dict(tally.errors),
    )


def _watched(client: Client, url: str, name: str, seconds: float) -> SourceStatus:
    """How a camera did in that time."""
    client.watch(url, name=name)
    time.sleep(WARM_S + seconds)
    found = next(one for one in client.sources() if one.name == name)
    client.remove(name)
    return found


class _Tally:
    """What all askers found."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.took: list[float] = []
        self.errors: Counter[str] = Counter()


class _Asker(threading.Thread):
    """Asks one question after another over one connection. The plain client of the standard library: the askers
    share this machine with the daemon, and should take little of it."""

    def __init__(self, url: str, token: str, number: int, tally: _Tally) -> None:
        super().__init__(name=f"asker-{number}", daemon=True)
        self._where = urlsplit(url)
        self._head = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._rng = random.Random(number)
        self._tally = tally

    def run(self) -> None:
        line = self._line()
        while not self._tally.over.is_set():
            question = f"When is {self._rng.choice(PEOPLE)}'s {self._rng.choice(SUBJECTS)}?"
            began = time.perf_counter()
            try:
                line.request("POST", "/v1/ask", json.dumps({"question": question}), self._head)
                answer = line.getresponse()
                body = json.loads(answer.read())
                kind = None if answer.status == 200 and "answer" in body else str(answer.status)
            except (OSError, http.client.HTTPException, ValueError) as error:
                kind = type(error).__name__
                line.close()
                line = self._line()
            if kind is None:
                self._tally.took.append(time.perf_counter() - began)
            else:
                self._tally.errors[kind] += 1
        line.close()

    def _line(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._where.hostname or "127.0.0.1", self._where.port, timeout=ANSWER_S)
