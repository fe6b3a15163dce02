"""A daemon that everything happens to, for as long as wanted, and the account of it.

    python -m perstream.lab.fault_run --minutes 30

A camera that breaks off all the time is watched, somebody tells, somebody asks; meanwhile the daemon is killed, its
disk is full, refused, read-only or slow, its clock jumps, it is suspended, its model server dies in mid-answer. First
come the faults that end its life, then the others strike one long life, whose memory must not grow. What cannot be
tried on this machine (a mount needs root, the clock a C compiler, a slow disk strace) is said and left out.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perstream.errors import PerStreamError
from perstream.lab.daemon_process import DaemonProcess
from perstream.lab.fault_disk import Disk
from perstream.lab.fault_load import Ledger, Life, ask, tell
from perstream.lab.faults import FAULTS, Fault, Outcome, World
from perstream.lab.http_camera import HttpCamera
from perstream.lab.stand_in_server import StandIn
from perstream.lab.trend import trend
from perstream.web.client import Client

KILLING_SHARE = 0.35
"""Of the time goes to faults that end the daemon's life."""
WARM_SHARE = 0.3
"""Of the long life's memory use, the first part is not looked at: models load, caches fill up to their bounds."""
SAMPLE_S = 5.0
BETWEEN_S = (1.0, 6.0)
"""Of quiet between two faults."""


@dataclass
class Account:
    """All that happened."""

    minutes: float = 0.0
    acknowledged: int = 0
    lost: int = 0
    answered: int = 0
    hangs: int = 0
    flaps: int = 0
    """Times that the camera broke off."""
    seen_memories: int = 0
    """Made of its pictures, in the long life."""
    faults: dict[str, Outcome] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    long_life_minutes: float = 0.0
    rss_mb: tuple[float, float] = (0.0, 0.0)
    """At the beginning (after warming up) and at the end of the long life; medians of the first and last samples."""
    rss_slope_mb_per_h: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Slope and its 95 % interval."""
    rest_slope_mb_per_h: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """The same without what the memories say that they take in RAM: new ones are told all the time."""
    told_per_h: float = 0.0
    stopped_in_s: float = 0.0

    @property
    def slowest_s(self) -> float:
        """Longest recovery of all."""
        return max((one for outcome in self.faults.values() for one in outcome.recoveries_s), default=0.0)

    @property
    def wrong(self) -> list[str]:
        """Everything that should not be."""
        found = [f"{name}: {text}" for name, outcome in self.faults.items() for text in outcome.wrong]
        if self.lost:
            found.append(f"{self.lost} acknowledged memories were lost")
        if self.hangs:
            found.append(f"{self.hangs} hangs")
        return found

    def to_json(self) -> dict[str, Any]:
        """Everything, recoveries as median and longest."""
        faults = {
            name: {
                "times": outcome.times,
                "recovery_p50_s": round(statistics.median(outcome.recoveries_s), 2) if outcome.recoveries_s else None,
                "recovery_max_s": round(max(outcome.recoveries_s), 2) if outcome.recoveries_s else None,
                "hangs": outcome.hangs,
                **({"wrong": outcome.wrong} if outcome.wrong else {}),
                **({"skipped": outcome.skipped} if outcome.skipped else {}),
            }
            for name, outcome in self.faults.items()
        }
        plain = {
            key: getattr(self, key)
            for key in ("acknowledged", "lost", "answered", "hangs", "flaps", "seen_memories", "refusals")
        }
        return {
            "minutes": round(self.minutes, 1),
            **plain,
            "slowest_recovery_s": round(self.slowest_s, 2),
            "long_life_minutes": round(self.long_life_minutes, 1),
            "rss_mb": [round(one, 1) for one in self.rss_mb],
            "rss_slope_mb_per_h": [round(one, 2) for one in self.rss_slope_mb_per_h],
            "rest_slope_mb_per_h": [round(one, 2) for one in self.rest_slope_mb_per_h],
            "told_per_h": round(self.told_per_h),
            "stopped_in_s": round(self.stopped_in_s, 2),
            "faults": faults,
            "wrong": self.wrong,
        }


@dataclass(frozen=True)
class _Sample:
    at: float
    rss_mb: float
    memories_mb: float


class Run:
    """One run over a folder of its own."""

    def __init__(self, minutes: float, seed: int, memories: int = 0) -> None:
        self._seconds, self._seed, self._memories = minutes * 60, seed, memories
        self._rng = random.Random(seed)
        self.account = Account()
        self._ledger = Ledger()

    def run(self) -> Account:
        """Everything, in order."""
        flapping = random.Random(self._seed + 1)
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="perstream-faults-")))
            camera = stack.enter_context(HttpCamera(lasts_s=lambda: flapping.uniform(0.1, 1.0), seed=self._seed))
            worlds: list[World] = []
            model = stack.enter_context(StandIn(lambda _: worlds[0].model()))
            disk = stack.enter_context(Disk(folder / "disk"))
            world = World(folder, disk, camera, model.url, self._ledger, self._seed, self._memories)
            worlds.append(world)
            began = time.monotonic()
            stack.callback(lambda: world.daemon.kill())
            world.lives = [Life(world.store, self._ledger, what) for what in (tell, ask)]
            for life in world.lives:
                life.start()
            time.sleep(5)
            self._strike(world, [one for one in FAULTS if one.restarts], began + self._seconds * KILLING_SHARE, [])
            self._long_life(world, began + self._seconds)
            for life in world.lives:
                life.end()
            self._close(world)
            self.account.flaps = camera.broken
        self.account.minutes = (time.monotonic() - began) / 60
        return self.account

    def _long_life(self, world: World, until: float) -> None:
        began, told, samples = time.monotonic(), len(self._ledger.told), list[_Sample]()
        self._strike(world, [one for one in FAULTS if not one.restarts], until, samples)
        lasted = time.monotonic() - began
        account = self.account
        account.long_life_minutes = lasted / 60
        account.told_per_h = (len(self._ledger.told) - told) / max(1.0, lasted) * 3600
        kept = [one for one in samples if one.at >= began + WARM_SHARE * lasted]
        if len(kept) >= 12:
            hours = [one.at / 3600 for one in kept]
            slope = trend(hours, [one.rss_mb for one in kept])
            account.rss_slope_mb_per_h = (slope.slope, slope.low, slope.high)
            rest = trend(hours, [one.rss_mb - one.memories_mb for one in kept])
            account.rest_slope_mb_per_h = (rest.slope, rest.low, rest.high)
            first, last = (statistics.median(one.rss_mb for one in part) for part in (kept[:12], kept[-12:]))
            account.rss_mb = (first, last)

    def _strike(self, world: World, faults: list[Fault], until: float, samples: list[_Sample]) -> None:
        """One fault after another, each kind in turn, and in between the daemon's memory use."""
        possible = []
        for fault in faults:
            outcome = self.account.faults.setdefault(fault.name, Outcome())
            outcome.skipped = fault.needs(world)
            if not outcome.skipped:
                possible.append(fault)
        while time.monotonic() < until:
            for fault in self._rng.sample(possible, len(possible)):
                outcome = self.account.faults[fault.name]
                before = len(outcome.recoveries_s)
                try:
                    fault.strike(world, outcome)
                except (PerStreamError, OSError) as error:
                    outcome.wrong.append(f"{type(error).__name__}: {str(error)[-300:]}")
                    if world.daemon.exit_code is not None:
                        outcome.wrong.append(
                            f"the daemon had ended with {world.daemon.exit_code}; it was started again"
                        )
                        world.start()
                self._say(fault, outcome, before)
                quiet = time.monotonic() + self._rng.uniform(*BETWEEN_S)
                while time.monotonic() < min(quiet, until):
                    samples.append(_Sample(time.monotonic(), world.daemon.rss_mb(), world.memories_mb()))
                    time.sleep(min(SAMPLE_S, max(0.05, quiet - time.monotonic())))
                if time.monotonic() >= until:
                    return

    def _close(self, world: World) -> None:
        account, ledger = self.account, self._ledger
        with Client(world.store) as client:
            account.seen_memories = sum(one.memories for one in client.sources())
        account.lost = len(world.lost())
        account.stopped_in_s = world.daemon.stop()
        with DaemonProcess(world.store) as reopened:  # what it promised is also there after a proper end
            account.lost = max(account.lost, len(world.lost()))
            reopened.stop()
        account.acknowledged, account.answered = len(ledger.told), ledger.answered
        account.refusals = dict(ledger.refusals)
        account.hangs = ledger.hangs + sum(outcome.hangs for outcome in account.faults.values())

    def _say(self, fault: Fault, outcome: Outcome, before: int) -> None:
        took = f"{outcome.recoveries_s[-1]:.2f} s" if len(outcome.recoveries_s) > before else "not back"
        print(f"{time.strftime('%H:%M:%S')} {fault.name} ({outcome.times}): {took}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it and print one line of JSON; 1 when something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--memories", type=int, default=10_000, help="told before it begins")
    options = parser.parse_args(arguments)
    account = Run(options.minutes, options.seed, options.memories).run()
    print(json.dumps(account.to_json()))
    return int(bool(account.wrong))


if __name__ == "__main__":
    sys.exit(main())
