"""How long a question takes on a running daemon, over its HTTP API."""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from perstream.app import build
from perstream.errors import PerStreamError
from perstream.settings import load
from perstream.web.client import Client

SUBJECTS = (
    "dentist",
    "train",
    "parcel",
    "plumber",
    "yoga class",
    "library book",
    "bicycle",
    "passport",
    "concert",
    "lunch",
)
PEOPLE = ("Anna", "Ben", "Clara", "Deniz", "Emil", "Fatima", "Greta", "Hugo")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class AskBench:
    """Result of ``bench_ask``: milliseconds from sending a question to having the reply."""

    questions: int
    memories: int
    p50_ms: float
    p95_ms: float
    cold_start_s: float
    """From starting ``perstream serve`` until it answers."""


def bench_ask(questions: int, memories: int) -> AskBench:
    """Fill a store with ``memories`` told facts, serve it in a process of its own, ask ``questions``."""
    rng = random.Random(0)
    with tempfile.TemporaryDirectory(prefix="perstream-bench-") as folder:
        store = Path(folder)
        with build(load(overrides={"store": folder})) as app:
            for number in range(memories):
                app.tell(
                    f"{rng.choice(PEOPLE)}'s {rng.choice(SUBJECTS)} number {number} is on {rng.choice(DAYS)} "
                    f"at {rng.randrange(8, 20)}:{rng.randrange(10, 60)}."
                )
        began = time.perf_counter()
        command = [sys.executable, "-m", "perstream", "serve", "--port", "0", "--store", folder, "--json"]
        daemon = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            line = daemon.stdout.readline() if daemon.stdout else ""
            if not line or "url" not in json.loads(line):
                raise PerStreamError(f"the daemon did not start: {daemon.communicate(timeout=10)[1].strip()}")
            started = time.perf_counter() - began
            with Client(store) as client:
                for _ in range(3):
                    _ask(client, rng)  # the first questions load what is loaded once
                took = sorted(_ask(client, rng) for _ in range(questions))
        finally:
            daemon.terminate()
            daemon.wait(timeout=20)
    return AskBench(
        questions=questions,
        memories=memories,
        p50_ms=round(statistics.median(took), 2),
        p95_ms=round(took[min(len(took) - 1, int(0.95 * len(took)))], 2),
        cold_start_s=round(started, 2),
    )


def _ask(client: Client, rng: random.Random) -> float:
    question = f"When is {rng.choice(PEOPLE)}'s {rng.choice(SUBJECTS)}?"
    began = time.perf_counter()
    client.ask(question)
    return (time.perf_counter() - began) * 1e3
