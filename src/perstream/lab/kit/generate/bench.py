"""How dataset generation scales with workers: a model server that takes 200 ms for every answer, and nothing else.

The server is a process of its own, as a model's is. Videos are made, pictures are sent with every call, answers are
checked and kept, results are written: all that a real run does.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from perstream.config import BackendConfig
from perstream.lab.kit.generate.asks import MEMORIES_SYSTEM, PASSIVE_SYSTEM
from perstream.lab.kit.generate.footage import Footage, Found, Segment
from perstream.lab.kit.generate.generate import generate
from perstream.lab.kit.generate.plan import Plan
from perstream.lab.stand_in_acts import Live
from perstream.lab.stand_in_server import StandIn
from perstream.models.chat.messages import Message, Sampling
from perstream.models.remote.chat import RemoteChat

LATENCY_S = 0.2
MOMENTS_PER_WORKER = 12
PER_VIDEO = 4
APART_S = 6.0
SIZE, RATE = (640, 480), 5
CALLS_PER_MOMENT = 5


@dataclass(frozen=True, slots=True)
class Scaling:
    """One figure."""

    workers: int
    calls: int
    wall_s: float
    of_ideal: float
    """The time that the calls alone take, spread evenly over the workers, as a share of the time it took."""


def generation(workers: Sequence[int] = (1, 4, 16), latency_s: float = LATENCY_S) -> dict[str, dict[str, float]]:
    """Calls per second by number of workers; ``efficiency`` is against as many times the first."""
    found = [generation_scaling(count, latency_s) for count in workers]
    alone = found[0].calls / found[0].wall_s / found[0].workers
    return {
        str(one.workers): {
            "per_s": round(one.calls / one.wall_s, 2),
            "efficiency": round(one.calls / one.wall_s / (one.workers * alone), 4),
            "of_ideal": one.of_ideal,
        }
        for one in found
    }


def generation_scaling(
    workers: int, latency_s: float = LATENCY_S, moments_per_worker: int = MOMENTS_PER_WORKER
) -> Scaling:
    """Generate with so many workers against a server that takes ``latency_s`` for every answer."""
    with tempfile.TemporaryDirectory(prefix="perstream-bench-") as folder, _server(latency_s) as url:
        found = _found(Path(folder), workers * moments_per_worker)
        config = BackendConfig(
            base_url=url, served_model="stand-in", pictures="always", sound="never", calls_per_hour=0
        )
        chat = RemoteChat(config, {}, connections=workers)
        chat.reply(
            [Message("user", ("Hello",))], Sampling(), lambda _: None, lambda: False
        )  # connected before it counts
        plan = Plan(Path(folder) / "out", per_video=PER_VIDEO, workers=workers)
        try:
            done = generate(found, plan, chat, lambda _: None)
        finally:
            chat.close()
        if done.failed:
            raise AssertionError(f"{len(done.failed)} items failed, the first: {done.failed[0]}")
    ideal = done.made * latency_s / workers
    return Scaling(workers, done.made, round(done.asking_s, 3), round(ideal / done.asking_s, 4))


def _found(folder: Path, moments: int) -> Found:
    count = -(-moments // PER_VIDEO)
    footage = []
    for number in range(count):
        path = folder / f"{number}.mp4"
        _video(path, PER_VIDEO * APART_S, number)
        left = min(PER_VIDEO, moments - number * PER_VIDEO)
        segments = tuple(Segment(i * APART_S, (i + 1) * APART_S, f"activity {i}") for i in range(left))
        footage.append(Footage(number, path.stem, path, segments))
    return Found("bench", tuple(footage), folder, ())


def _video(path: Path, seconds: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (SIZE[1] // 32, SIZE[0] // 32, 3), np.uint8)
    pixels = np.kron(coarse, np.ones((32, 32, 1), np.uint8))
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("mpeg4", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for index in range(round(seconds * RATE)):
            frame = av.VideoFrame.from_ndarray(np.roll(pixels, index, axis=1), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())


@contextmanager
def _server(latency_s: float) -> Iterator[str]:
    """A stand-in in a process of its own, until the ``with`` ends."""
    command = [sys.executable, "-m", "perstream.lab.kit.generate.bench", str(latency_s)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()  # it ends with its input


def _answer(body: dict[str, Any]) -> dict[str, Any]:
    system = body["messages"][0]["content"]
    system = system if isinstance(system, str) else system[0]["text"]
    if system == MEMORIES_SYSTEM:
        return {"type_1": ["I like tea."], "type_2": ["I lost my keys at the lake last week."]}
    if system == PASSIVE_SYSTEM:
        return {"question": "Where?", "answer": "At the lake.", "reference": ["M2.1"], "justification": ""}
    return {"speak": False, "urgency": 0.0, "words": "", "reference": [], "justification": ""}


def _serve(latency_s: float) -> None:
    def act(body: dict[str, Any]) -> Live:
        text = json.dumps(_answer(body))

        def speak(say: Callable[[str], None]) -> None:
            time.sleep(latency_s)  # in one piece: many short ones take longer on a busy machine
            say(text)

        return Live(speak)

    with StandIn(act) as server:
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _serve(float(sys.argv[1]))
