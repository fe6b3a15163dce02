"""The life that goes on while things break: somebody tells, somebody asks, and a ledger of what was promised."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from perstream.app import build
from perstream.errors import PerStreamError
from perstream.settings import load
from perstream.web.address import read_address
from perstream.web.token import read_token

HUNG_S = 30.0
"""A request that has no answer by then counts as a hang."""
PAUSE_S = 0.5
THINGS = ("parcel", "ticket", "locker", "ladder", "guitar", "cactus", "kettle", "lamp", "map", "scarf")
PLACES = ("cellar", "attic", "office", "garage", "kitchen", "library", "station", "garden", "studio", "boat")


@dataclass
class Ledger:
    """What the daemon acknowledged, and how it answered; written to by several threads."""

    told: dict[int, str] = field(default_factory=dict)
    """Acknowledged memories: id to text."""
    acknowledged_at: list[tuple[float, float]] = field(default_factory=list)
    """(asked, acknowledged) by ``time.monotonic``."""
    answered: int = 0
    hangs: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    """Requests that were refused or broke off, by kind: while something is broken that is right."""

    def wait_after(self, moment: float, timeout: float) -> float | None:
        """Seconds from ``moment`` until something told after it was acknowledged; None when that took too long."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            found = [done for asked, done in self.acknowledged_at[-500:] if asked >= moment]
            if found:
                return min(found) - moment
            time.sleep(0.02)
        return None


class Life:
    """One thread that does one thing over and over, whatever happens to the daemon."""

    def __init__(
        self, store: Path, ledger: Ledger, do: Callable[[httpx.Client, Ledger, random.Random, int], None]
    ) -> None:
        self._store, self._ledger, self._do = store, ledger, do
        self._over = threading.Event()
        self.paused = threading.Event()
        """Set while it must not touch the daemon, for example because that is to be started on a broken disk."""
        self._thread = threading.Thread(target=self._run, name=f"life-{do.__name__}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """Stop and wait."""
        self._over.set()
        self._thread.join(HUNG_S + 5)

    def _run(self) -> None:
        rng, number = random.Random(self._do.__name__), 0
        while not self._over.is_set():
            if self.paused.is_set():
                self._over.wait(PAUSE_S)
                continue
            number += 1
            try:
                with self._line() as line:
                    for _ in range(50):
                        if self._over.is_set() or self.paused.is_set():
                            break
                        self._do(line, self._ledger, rng, number)
                        number += 1
                        self._over.wait(PAUSE_S)
            except httpx.TimeoutException:
                self._ledger.hangs += 1
                self._ledger.refusals["no answer in time"] += 1
            except (httpx.HTTPError, PerStreamError, OSError) as error:
                self._ledger.refusals[type(error).__name__] += 1
                self._over.wait(PAUSE_S)

    def _line(self) -> httpx.Client:
        address = read_address(self._store)
        if address is None:
            raise ConnectionError("no daemon")
        head = {"Authorization": f"Bearer {read_token(self._store)}"}
        return httpx.Client(base_url=address.url, headers=head, timeout=HUNG_S, trust_env=False)


def fill(store: Path, ledger: Ledger, memories: int) -> None:
    """So many memories before it begins: the more there are, the more there is to lose, and caches are full early."""
    rng = random.Random("fill")
    with build(load(overrides={"store": str(store), "backup.every_h": 0.0, "alerts.enabled": False})) as app:
        for number in range(memories):
            record = app.tell(_sentence(rng, f"f{number}"))
            ledger.told[record.id] = record.text


def tell(line: httpx.Client, ledger: Ledger, rng: random.Random, number: int) -> None:
    """Tell something, and note it when it was acknowledged."""
    text = _sentence(rng, str(number))
    asked = time.monotonic()
    answer = line.post("/v1/remember", json={"text": text})
    if answer.status_code == 201:
        ledger.told[int(answer.json()["memory_id"])] = text
        ledger.acknowledged_at.append((asked, time.monotonic()))
    else:
        ledger.refusals[_kind(answer)] += 1


def ask(line: httpx.Client, ledger: Ledger, rng: random.Random, _: int) -> None:
    """Ask something; any answer will do."""
    answer = line.post("/v1/ask", json={"question": f"Where is the {rng.choice(THINGS)}?"})
    if answer.status_code == 200:
        ledger.answered += 1
    else:
        ledger.refusals[_kind(answer)] += 1


def _sentence(rng: random.Random, mark: str) -> str:
    return f"the {rng.choice(THINGS)} zq{mark}x{rng.randrange(10**6)} is in the {rng.choice(PLACES)}"


def _kind(answer: httpx.Response) -> str:
    try:
        return f"{answer.status_code} {str(answer.json().get('type', '')).rsplit('/', 1)[-1]}"
    except ValueError:
        return str(answer.status_code)
