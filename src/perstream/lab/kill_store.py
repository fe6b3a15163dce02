"""Kill the writer of a store again and again, and look whether anything acknowledged is lost.

    python -m perstream.lab.kill_store --rounds 2000

Each round forks a writer that does everything a store can do and says each thing before and after; it is killed
(SIGKILL) at a random time, opening included, and the store is opened and compared with what was said. Needs fork.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from perstream.config import MemoryConfig
from perstream.errors import PerStreamError
from perstream.lab.kill_writer import START, embed, seen, vectors, work
from perstream.memory import backup
from perstream.memory.engine import PLAIN, Engine, Key, Keys
from perstream.memory.memory import Memory
from perstream.types import Provenance, Query

LONGEST_S = 0.25
"""A writer lives at most this long."""
ROUNDS_PER_STORE = 100
"""Then a new store is begun: every other one under a disk budget, so that giving up parts is cut short as well."""
BUDGET_MB = 3.0
LOOKED_AT = 20
"""Results among which a memory's own words must find it: many say nearly the same, and some are reduced to words."""
FILLED_BYTES = 4096
"""Of a picture in a store that is filled first: each round reads all of it."""
FAULTS = ("lost", "revived", "changed", "half", "unasked", "unfindable", "residue", "stale", "broken")


@dataclass
class Tally:
    """What was done and what went wrong."""

    rounds: int = 0
    acknowledged: int = 0
    """Operations."""
    memories: int = 0
    """Memories that were there when a round was looked over, at most."""
    faults: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    cut: Counter[str] = field(default_factory=Counter)
    """Operations that were under way when the writer was killed."""
    slowest_open_s: float = 0.0
    slowest_recall_s: float = 0.0
    """The first recall after opening: it loads the index."""

    def to_json(self) -> dict[str, Any]:
        """Every count, faults by kind at the top level."""
        return {
            "rounds": self.rounds,
            "acknowledged": self.acknowledged,
            **{fault: self.faults[fault] for fault in FAULTS},
            "most_memories": self.memories,
            "slowest_open_s": round(self.slowest_open_s, 3),
            "slowest_recall_s": round(self.slowest_recall_s, 3),
            "operations": dict(self.done.most_common()),
            "killed_during": dict(self.cut.most_common()),
        }


@dataclass
class Expected:
    """What a store must hold, by what its writers said."""

    held: dict[int, tuple[str, bool]] = field(default_factory=dict)
    """Id to text and whether it is pinned."""
    forgotten: list[str] = field(default_factory=list)
    """Texts that were forgotten in this round and must be in no file."""
    reduced: list[str] = field(default_factory=list)
    under_way: dict[str, Any] | None = None

    def replay(self, lines: Sequence[Mapping[str, Any]], tally: Tally) -> None:
        """Follow what a writer said. Raises RuntimeError when it failed by itself."""
        self.forgotten, self.under_way = [], None
        for line in lines:
            if "error" in line:
                raise RuntimeError(f"the writer failed by itself:\n{line['error']}")
            if "do" in line:
                self.under_way = dict(line)
                continue
            what = self.under_way["do"] if self.under_way else "nothing"
            self.under_way = None
            tally.acknowledged += 1
            tally.done[what] += 1
            self.held.update((memory, (text, pinned)) for memory, text, pinned in line["put"])
            for memory in line["gone"]:
                text = self.held.pop(memory, ("", False))[0]
                (self.reduced if what == "reduce" else self.forgotten).append(text)
        tally.cut[self.under_way["do"] if self.under_way else "opening or between"] += 1

    def compare(self, there: dict[int, tuple[str, bool]]) -> Counter[str]:
        """Faults of what is there; the operation that was under way may have happened, but whole or not at all."""
        faults: Counter[str] = Counter()
        open_ = self.under_way or {"new": [], "touched": [], "gone": []}
        free = {*open_["touched"], *open_["gone"]}
        for memory, wanted in self.held.items():
            if memory not in free:
                faults["lost"] += memory not in there
                faults["changed"] += memory in there and there[memory] != wanted
        gone = {*self.forgotten, *self.reduced}
        faults["revived"] = sum(text in gone for text, _ in there.values())
        new = [text for memory, (text, _) in there.items() if memory not in self.held]
        faults["unasked"] = sum(text not in open_["new"] for text in new)
        made = sum(text in open_["new"] for text, _ in there.values())
        faults["half"] += 0 < made < len(open_["new"])
        left = sum(memory in there for memory in open_["gone"])
        faults["half"] += 0 < left < len(open_["gone"])
        if left == 0 and open_.get("do") != "reduce":
            self.forgotten += [self.held[memory][0] for memory in open_["gone"] if memory in self.held]
        self.held = there
        return faults


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds, or until interrupted or terminated, and print one line of JSON; 1 when something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--memories", type=int, default=0, help="fill the store with so many first, and keep to one")
    parser.add_argument("--folder", type=Path, default=None, help="where stores are made; default: a temporary one")
    parser.add_argument("--encrypted", action="store_true", help="of encrypted stores")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    tally = Tally()
    with (
        tempfile.TemporaryDirectory(prefix="perstream-kill-", dir=options.folder) as folder,
        contextlib.suppress(KeyboardInterrupt),  # what was found so far is worth having
    ):
        keys = Engine((Key.random(),)) if options.encrypted else PLAIN
        run(Path(folder), options.rounds, options.seed, options.memories, tally, keys)
    print(json.dumps(tally.to_json()))
    return int(sum(tally.faults.values()) > 0)


def run(
    folder: Path, rounds: int, seed: int, memories: int = 0, tally: Tally | None = None, keys: Keys = PLAIN
) -> Tally:
    """Kill ``rounds`` writers of stores in ``folder``, counting in ``tally``."""
    rng = random.Random(seed)
    tally = tally or Tally()
    store, config, expected = folder, MemoryConfig(), Expected()
    for number in range(rounds):
        if number == 0 or (number % ROUNDS_PER_STORE == 0 and not memories):
            store, expected = folder / f"store-{number}", Expected()
            config = MemoryConfig(disk_budget_mb=BUDGET_MB * (number // ROUNDS_PER_STORE % 2))
            if memories:
                expected.held = fill(store, config, memories, keys)
        first = max(memories, 1_000_000) + 10_000 * number
        expected.replay(killed(store, config, first, rng.uniform(0.0, LONGEST_S), keys), tally)
        look_over(store, config, expected, rng, tally, keys)
    return tally


def fill(store: Path, config: MemoryConfig, memories: int, keys: Keys = PLAIN) -> dict[int, tuple[str, bool]]:
    """A store of so many memories; id to text and pinned."""
    with Memory.open(store, config, embed, keys=keys) as memory:
        for start in range(0, memories, 500):
            news = (seen(number) for number in range(start, min(start + 500, memories)))
            memory.remember_all(
                replace(new, thumbnail=new.thumbnail[:FILLED_BYTES] if new.thumbnail else None) for new in news
            )
        return _held(memory)


def killed(store: Path, config: MemoryConfig, first: int, seconds: float, keys: Keys = PLAIN) -> list[dict[str, Any]]:
    """What a writer said until it was killed; the last line may be missing, never half."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        work(store, config, first, writing, keys)
    os.close(writing)
    said = b""
    try:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        with os.fdopen(reading, "rb") as pipe:
            said = pipe.read()
    finally:
        os.waitpid(child, 0)
    return [json.loads(line) for line in said.split(b"\n")[:-1]]


def look_over(
    store: Path, config: MemoryConfig, expected: Expected, rng: random.Random, tally: Tally, keys: Keys = PLAIN
) -> None:
    """Open what a killed writer left and compare."""
    began = time.perf_counter()
    with Memory.open(store, config, embed, keys=keys) as memory:
        tally.slowest_open_s = max(tally.slowest_open_s, time.perf_counter() - began)
        there = _held(memory)
        faults = expected.compare(there)
        faults["broken"] += not memory.audit().clean
        faults["stale"] += _stale(memory)
        if there:
            text = there[rng.choice(list(there))][0]
            began = time.perf_counter()
            query = Query(text, vectors(text), START + timedelta(days=9999), k=LOOKED_AT, include_superseded=True)
            hits = memory.recall(query)
            tally.slowest_recall_s = max(tally.slowest_recall_s, time.perf_counter() - began)
            faults["unfindable"] += all(hit.memory.text != text for hit in hits)
    left = [file.read_bytes() for file in store.rglob("*") if file.is_file()]
    faults["residue"] += sum(any(_mark(text) in data for data in left) for text in expected.forgotten)
    for copy in (store / "backups").glob("*.db"):
        try:
            backup.check(copy, keys.of_backup(copy))
        except PerStreamError:
            faults["broken"] += 1
    tally.rounds += 1
    tally.memories = max(tally.memories, len(there))
    tally.faults += faults


def _held(memory: Memory) -> dict[int, tuple[str, bool]]:
    return {record.id: (record.text, record.pinned) for record in memory.list(limit=10**9)}


def _stale(memory: Memory) -> int:
    """Told facts that hold although a later one was told, and a last one that does not."""
    told = sorted(
        (r for r in memory.list(limit=10**9, provenance=Provenance.TOLD) if r.text.startswith("my desk")),
        key=lambda record: record.observed_at,
    )
    return sum((record.superseded_by is None) != (record is told[-1]) for record in told)


def _mark(text: str) -> bytes:
    return text.rsplit(" ", 1)[-1].encode()


if __name__ == "__main__":
    sys.exit(main())
