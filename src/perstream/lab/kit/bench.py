"""What the kit itself costs: evaluation beside its model calls, and judging with more workers."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from perstream.config import BackendConfig, Config
from perstream.lab.kit.calls import CachedChat
from perstream.lab.kit.cases import suite_of_records
from perstream.lab.kit.evaluate import evaluate
from perstream.lab.kit.generate.bench import generation
from perstream.lab.kit.journal import Journal
from perstream.lab.kit.judges import ModelJudge
from perstream.lab.kit.plan import Plan
from perstream.lab.kit.predictions import Json
from perstream.lab.kit.workers import run_all
from perstream.lab.stand_in_acts import Live
from perstream.lab.stand_in_server import StandIn
from perstream.models.chat.messages import Abilities, Message, Sampling
from perstream.models.chat.parts import chat_parts
from perstream.models.registry import load_backend
from perstream.models.remote.chat import RemoteChat

LATENCY_S = 0.2
"""Of one model call."""
PER_WORKER = 16
"""Records judged per worker."""
SAMPLES_EACH, NEW_MEMORIES = 10, 4
"""Of a participant; and how many memories each sample adds. DriveAndAct has 30 memories a sample, 22 are here."""
_THINGS = "umbrella kettle passport bicycle camera notebook charger ladder wallet headset jacket toolbox".split()
_PLACES = "hall kitchen cellar garage office attic car garden bathroom bedroom shed balcony".split()


@dataclass
class _SlowChat:
    """A ChatModel that takes its time and says the first memory."""

    name: str = "scripted"
    abilities: Abilities = field(default_factory=Abilities)
    spent_s: float = 0.0
    calls: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def reply(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        say: Callable[[str], None],
        cancelled: Callable[[], bool],
    ) -> str:
        del messages, sampling, cancelled
        started = time.perf_counter()
        time.sleep(LATENCY_S)
        with self._lock:
            self.calls += 1
            self.spent_s += time.perf_counter() - started
        said = "[1] It is in the hall."
        say(said)
        return said


def bench_kit(samples: int = 200, workers: Sequence[int] = (1, 4, 16)) -> Json:
    """{"evaluation": {…}, "judging": {…}, "generation": {…}}: shares of wall time and efficiencies."""
    return {
        "latency_s": LATENCY_S,
        "evaluation": evaluation(samples),
        "judging": judging(workers),
        "generation": generation(workers, LATENCY_S),
    }


def evaluation(samples: int) -> Json:
    """Wall time beside model calls. One worker, so that nothing but the kit's own way of working ahead hides what it costs."""
    backend = load_backend(replace(Config().backend, name="builtin"), Config().moment)
    chat = _SlowChat()
    parts = chat_parts(chat, backend.embedder, BackendConfig(temperature_passive=0.0))
    spoken = replace(backend, generator=parts.generator)
    suite = suite_of_records(_records(samples))
    with tempfile.TemporaryDirectory(prefix="perstream-bench-") as folder:
        plan = Plan(mode="passive", name="bench", out=Path(folder), memory_only=True)
        started = time.perf_counter()
        evaluate(suite, plan, spoken, Config(), progress=lambda _: None)
        wall = time.perf_counter() - started
    share = 1 - chat.spent_s / wall
    return {
        "samples": samples,
        "memories_per_sample": NEW_MEMORIES * (SAMPLES_EACH + 1) / 2,
        "model_calls": chat.calls,
        "model_s": round(chat.spent_s, 3),
        "wall_s": round(wall, 3),
        "share_beside_model_calls": round(share, 4),
    }


def judging(workers: Sequence[int]) -> Json:
    """Records judged a second by workers, against a stand-in server, and the efficiency beside the first of them."""
    verdict = json.dumps({"reason": "same", "correct": True, "correctness": 5, "relevance": 5, "completeness": 5})

    def speak(piece: Callable[[str], None]) -> None:
        time.sleep(LATENCY_S)
        piece(verdict)

    rates: dict[int, float] = {}
    with tempfile.TemporaryDirectory(prefix="perstream-bench-") as folder, StandIn(lambda _: Live(speak)) as server:
        config = BackendConfig(
            base_url=server.url, served_model="stand-in", pictures="never", sound="never", calls_per_hour=0
        )
        for count in workers:
            chat = RemoteChat(config, {}, connections=count)
            judge = ModelJudge(CachedChat(chat, Path(folder) / f"calls-{count}"))
            records = [_prediction(i) for i in range(PER_WORKER * count)]
            judge.judge(_prediction(-1))  # the connection and the libraries are no part of it
            try:
                with Journal(Path(folder) / f"{count}.jsonl", "bench") as journal:
                    started = time.perf_counter()
                    run_all(
                        records,
                        lambda record: str(record["id"]),
                        judge.judge,
                        journal,
                        workers=count,
                        progress=lambda _: None,
                    )
                    rates[count] = len(records) / (time.perf_counter() - started)
            finally:
                chat.close()
    alone = rates[workers[0]] / workers[0]
    return {
        str(count): {"per_s": round(rate, 2), "efficiency": round(rate / (count * alone), 4)}
        for count, rate in rates.items()
    }


def _prediction(number: int) -> Json:
    answer = f"It is in the {_PLACES[number % len(_PLACES)]}."
    return {
        "id": f"{number}",
        "type": "passive",
        "question": f"Where is box {number}?",
        "answer": answer,
        "pred": answer,
    }


def _records(count: int) -> list[Json]:
    """Records as the data sets have them: a participant's memories grow from sample to sample."""
    out = []
    for i in range(count):
        who, known = i // SAMPLES_EACH, NEW_MEMORIES * (i % SAMPLES_EACH + 1)
        things = [f"{_THINGS[j % len(_THINGS)]} number {who}-{j}" for j in range(known)]
        places = [_PLACES[(who + j) % len(_PLACES)] for j in range(known)]
        asked = i % known
        out.append(
            {
                "participant_id": who,
                "type": "passive",
                "type_1_memories": [f"My {t} is in the {p}." for t, p in zip(things, places, strict=True)],
                "type_2_memories": [],
                "question": f"Where is my {things[asked]}?",
                "answer": f"In the {places[asked]}.",
                "reference": [f"(M1.{asked + 1})"],
            }
        )
    return out
