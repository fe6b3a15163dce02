"""Kill the writer of a store again and again, and look whether anything acknowledged is lost.

    python -m perstream.lab.kill_store --rounds 1000

Each round starts a process that remembers and forgets as fast as it can and says each thing that it
was told is done; it is killed (SIGKILL) at a random time, and the store is opened and compared.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from perstream.config import MemoryConfig
from perstream.memory.memory import Memory
from perstream.types import FloatArray, NewMemory, Provenance, Selector, TextVectors, Triplet
from perstream.vectors import normalized

_START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds and print one line of JSON; 1 when something was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", type=Path, default=None, help="a new folder; default: a temporary one")
    parser.add_argument("--write", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.write:
        _write(options.store, options.seed)
    with tempfile.TemporaryDirectory(prefix="perstream-kill-") as folder:
        result = run(options.store or Path(folder), options.rounds, options.seed)
    print(json.dumps(result))
    return int(bool(result["lost"] or result["revived"] or result["broken"]))


def run(store: Path, rounds: int, seed: int) -> dict[str, float]:
    """Kill ``rounds`` writers; counts of what was acknowledged, lost, revived and broken."""
    rng = random.Random(seed)
    kept: set[int] = set()
    forgotten: set[int] = set()
    result = {"rounds": rounds, "acknowledged": 0, "lost": 0, "revived": 0, "broken": 0, "slowest_open_s": 0.0}
    for number in range(rounds):
        _one_round(store, number, rng.uniform(0.0, 0.3), kept, forgotten)
        before = time.perf_counter()
        with Memory.open(store, MemoryConfig(), _embed) as memory:
            result["slowest_open_s"] = max(result["slowest_open_s"], round(time.perf_counter() - before, 3))
            there = {record.id for record in memory.list(limit=10**9)}
            result["broken"] += not memory.audit().clean
        result["lost"] += len(kept - there)
        result["revived"] += len(forgotten & there)
    result["acknowledged"] = len(kept) + len(forgotten)
    return result


def _one_round(store: Path, number: int, seconds: float, kept: set[int], forgotten: set[int]) -> None:
    command = [
        sys.executable,
        "-m",
        "perstream.lab.kill_store",
        "--write",
        "--store",
        str(store),
        "--seed",
        str(number),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(seconds)
        writer.kill()
        for line in writer.stdout:
            if line.endswith("\n"):
                verb, memory = line.split()
                if verb == "kept":
                    kept.add(int(memory))
                else:  # once "forgetting" was said it may be gone; once "forgotten" was said it must be
                    kept.discard(int(memory))
                if verb == "forgotten":
                    forgotten.add(int(memory))


def _write(store: Path, round_number: int) -> None:
    """Remember and forget until killed."""
    with Memory.open(store, MemoryConfig(), _embed) as memory:
        print("open", flush=True)
        count = 1_000_000 * round_number
        while True:
            count += 1
            record = memory.remember(_new(count))
            print("kept", record.id, flush=True)
            if count % 10 == 0:
                print("forgetting", record.id, flush=True)
                memory.forget(Selector(ids=(record.id,)))
                print("forgotten", record.id, flush=True)


def _new(number: int) -> NewMemory:
    text = f"view number {number}"
    moment = _START + timedelta(seconds=number)
    return NewMemory(
        text=text,
        category="places",
        provenance=Provenance.SEEN,
        observed_at=moment,
        ended_at=moment,
        vectors=TextVectors(_embed([text])[0], _embed(text.split()), tuple(text.split())),
        source="kill",
        start_s=float(number),
        end_s=float(number),
        triplets=(
            Triplet("I", "has seen", f"thing {number % 50}"),
            Triplet("I", "is at", str(number), functional=True),
        ),
        thumbnail=bytes(number % 7000),
    )


def _embed(texts: Sequence[str]) -> FloatArray:
    """Vectors without meaning, the same for the same text."""
    rows = [np.random.default_rng(list(text.encode())).standard_normal(384) for text in texts]
    return normalized(np.array(rows))


if __name__ == "__main__":
    sys.exit(main())
