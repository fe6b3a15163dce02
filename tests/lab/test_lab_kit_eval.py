"""Passive and proactive evaluation: the shipped path per sample, strategies, shards, interruption, bad input."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from perstream.config import BackendConfig, Config
from perstream.errors import BackendUnavailable, BadOutput, ConfigError, NotFound
from perstream.lab.kit import bench
from perstream.lab.kit.cases import suite_of_records
from perstream.lab.kit.evaluate import evaluate
from perstream.lab.kit.plan import Plan
from perstream.lab.kit.predictions import Shard, read_predictions
from perstream.lab.kit.strategies import STRATEGIES
from perstream.lab.kit.suites import read_suite
from perstream.models.builtin import BuiltinGenerator
from perstream.models.builtin_triplets import GrammarTriplets
from perstream.models.chat.generator import ChatGenerator
from perstream.models.chat.messages import Abilities, Picture
from perstream.models.chat.parts import chat_parts
from perstream.models.chat.scripted import ScriptedChat
from perstream.models.minilm import MiniLM
from perstream.models.registry import load_backend
from perstream.protocols import Answer, AnswerRequest, Backend
from perstream.types import Hit

CONFIG = replace(Config(), backend=BackendConfig(name="scripted"))


def record(number: int, **more: Any) -> dict[str, Any]:
    base = {
        "participant_id": number % 2,
        "video_id": "ride",
        "timestamp": f"{number / 2}",
        "caption": "eating a sandwich with peanut butter",
        "split": "val" if number % 2 else "train",
        "type_1_memories": ["My umbrella is behind the door.", "I am allergic to peanuts."],
        "type_2_memories": [f"Last week I bought kettle number {number} in Leeds."],
        "type": "passive",
        "question": "Where is my umbrella?",
        "answer": "It is behind the door.",
        "reference": ["(M1.1)"],
    }
    return base | more


WORD = {"type": "proactive", "answer": "</response> Careful, that has peanuts in it.", "reference": ["(M1.2)"]}
QUIET = {"type": "proactive", "answer": "</silence>", "caption": "looking out of the window"}
RECORDS = [record(0), record(1), record(2), record(3, **WORD), record(4, **QUIET)]


@pytest.fixture(scope="module")
def builtin() -> Iterator[Backend]:
    backend = load_backend(BackendConfig(name="builtin"), Config().moment)
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def scripted() -> Backend:
    return load_backend(CONFIG.backend, CONFIG.moment)


def plan(tmp_path: Path, mode: Any = "passive", **more: Any) -> Plan:
    return Plan(mode=mode, name="tiny", out=tmp_path, memory_only=True, **more)


def run(suite: Any, what: Plan, backend: Backend) -> list[dict[str, Any]]:
    evaluate(suite, what, backend, CONFIG, progress=lambda _: None)
    return read_predictions(what.folder)


def test_records_of_both_modes_hold_what_was_said_and_what_it_rests_on(tmp_path: Path, builtin: Backend) -> None:
    suite = suite_of_records(RECORDS)
    asked = run(suite, plan(tmp_path), builtin)
    assert [one["id"] for one in asked] == ["000000", "000001", "000002"]
    assert "door" in asked[0]["pred"]
    assert asked[0]["answer"] == "It is behind the door."
    assert asked[0]["evidence"][0]["gold"] is True
    assert asked[0]["memory"] == {"strategy": "perstream", "count": 3, "bytes": asked[0]["memory"]["bytes"]}
    assert asked[0]["memory"]["bytes"] > 0
    assert {"store", "recall", "generate", "total"} <= asked[0]["latency"].keys()

    what = plan(tmp_path, "proactive")
    said = run(suite, what, builtin)
    assert "peanut" in said[0]["pred"]
    assert (said[1]["pred"], said[1]["answer"]) == (None, None)
    written = json.loads((what.folder / "pred.json").read_text(encoding="utf-8"))
    assert (written[1]["pred"], written[1]["answer"]) == ("</silence>", "</silence>"), (
        "silence has a word in files alone"
    )
    how = json.loads((what.folder / "run.json").read_text(encoding="utf-8"))
    assert (how["samples"], how["failed"], how["memory_only"]) == (2, 0, True)


def test_baselines_say_nothing_and_always_something(tmp_path: Path, builtin: Backend) -> None:
    suite = suite_of_records(RECORDS)
    silent = run(suite, plan(tmp_path, "proactive", baseline="always-silent"), builtin)
    assert [one["pred"] for one in silent] == [None, None]
    loud = run(suite, plan(tmp_path, "proactive", baseline="always-speak"), builtin)
    assert all(one["pred"] for one in loud)
    with pytest.raises(ConfigError, match="proactive"):
        run(suite, plan(tmp_path, "passive", baseline="always-silent"), builtin)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_strategies_change_what_is_read_and_nothing_else(tmp_path: Path, builtin: Backend, strategy: str) -> None:
    seen: list[tuple[Hit, ...]] = []

    class Noting(BuiltinGenerator):
        def answer(self, request: AnswerRequest, *more: Any) -> Answer:
            seen.append(request.hits)
            return super().answer(request, *more)

    backend = replace(builtin, generator=Noting(builtin.embedder, 0.35))
    texts = [
        f"My {thing} is in the {place}." for thing in ("hat", "bag", "cup", "map") for place in ("hall", "car", "shed")
    ]
    told = record(0, type_1_memories=["My umbrella is behind the door.", *texts], type_2_memories=[])
    (said,) = run(suite_of_records([told]), plan(tmp_path, strategy=strategy), backend)
    assert said["memory"]["strategy"] == strategy
    assert said["memory"]["count"] == 13
    if strategy == "none":
        assert not seen
        assert said["abstained"]
        return
    read = [hit.memory.text for hit in seen[0]]
    assert len(read) == len(set(read))
    assert len(read) == {"all": 13, "last-n": 10, "naive-rag": 10}.get(strategy, len(read))
    if strategy == "last-n":
        assert read[0] == texts[-1], "the last one told comes first"
        assert "umbrella" not in " ".join(read)
    elif strategy != "all":
        assert "umbrella" in read[0]


def test_an_interrupted_run_goes_on_and_does_nothing_twice(tmp_path: Path, scripted: Backend) -> None:
    asked: list[str] = []

    class Failing:
        def __init__(self, good: int) -> None:
            self.good = good

        def answer(self, request: AnswerRequest, say: Any, cancelled: Any) -> Answer:
            if len(asked) >= self.good:
                raise KeyboardInterrupt
            asked.append(request.question)
            return Answer("Behind the door.", (request.hits[0].memory.id,), 1.0)

        def propose(self, request: Any, cancelled: Any = None) -> tuple[()]:
            return ()

    suite = suite_of_records([record(i, question=f"Where is my umbrella? {i}") for i in range(6)])
    what = plan(tmp_path, workers=2)
    with pytest.raises(KeyboardInterrupt):
        run(suite, what, replace(scripted, generator=Failing(3)))
    assert not (what.folder / "pred.json").exists()
    done = run(suite, what, replace(scripted, generator=Failing(100)))
    assert len(done) == 6
    assert sorted(asked) == sorted({one["question"] for one in done}), "each question once"
    with pytest.raises(ConfigError, match="--fresh"):
        run(suite, replace(what, split="train", max_frames=4, strategy="perstream"), replace(scripted, name="another"))
    assert len(run(suite, replace(what, fresh=True), replace(scripted, generator=Failing(200)))) == 6
    assert len(asked) == 12


def test_a_sample_that_fails_is_named_and_tried_again(tmp_path: Path, builtin: Backend) -> None:
    chat = ScriptedChat([BackendUnavailable("the server is gone"), "[1] It is behind the door."])
    backend = replace(builtin, generator=ChatGenerator(chat, builtin.embedder, BackendConfig()))
    suite = suite_of_records(RECORDS[:2])
    what = plan(tmp_path)
    first = evaluate(suite, what, backend, CONFIG, progress=lambda _: None)
    assert first.summary.failed == (("000000", "the server is gone"),)
    assert "000000" in " ".join(first.lines())
    assert first.records == 1
    assert evaluate(suite, what, backend, CONFIG, progress=lambda _: None).records == 2
    assert chat.calls == 3


def test_what_stood_in_for_a_missing_model_is_not_evaluated(tmp_path: Path, builtin: Backend) -> None:
    replies = [BackendUnavailable("the server is gone"), BadOutput("nonsense"), "[1] It is behind the door."]
    chat = ScriptedChat(replies)
    parts = chat_parts(chat, builtin.embedder, BackendConfig())
    backend = replace(builtin, generator=parts.generator, fell_back=lambda: parts.fallbacks.counts)
    suite = suite_of_records([record(i, question=f"Where is my umbrella? {i}") for i in range(3)])
    first = evaluate(suite, plan(tmp_path), backend, CONFIG, progress=lambda _: None)
    assert [key for key, _ in first.summary.failed] == ["000000"]
    assert "could not be asked (answer: BackendUnavailable)" in first.summary.failed[0][1]
    assert "answer: BadOutput (1)" in " ".join(first.lines()), (
        "the builtin answer to nonsense is the product's, and said"
    )
    assert evaluate(suite, plan(tmp_path), backend, CONFIG, progress=lambda _: None).records == 3


def test_shards_make_one_file_when_all_are_there(tmp_path: Path, scripted: Backend) -> None:
    suite = suite_of_records([record(i) for i in range(5)])
    folder = plan(tmp_path).folder
    for number in (1, 2, 3):
        with pytest.raises(NotFound):
            read_predictions(folder)
        shard = Shard.parse(f"{number}/3")
        evaluate(suite, plan(tmp_path, shard=shard), scripted, CONFIG, progress=lambda _: None)
    assert [one["id"] for one in read_predictions(folder)] == [f"{i:06d}" for i in range(5)]
    for text in ("0/3", "4/3", "1", "a/b", "1/0"):
        with pytest.raises(ConfigError, match="--shard"):
            Shard.parse(text)


def test_limit_split_and_pool(tmp_path: Path, scripted: Backend) -> None:
    suite = suite_of_records(RECORDS)
    assert [one["split"] for one in run(suite, plan(tmp_path / "a", split="val"), scripted)] == ["val"]
    assert len(run(suite, plan(tmp_path / "b", limit=2), scripted)) == 2
    with pytest.raises(ConfigError, match="train, val"):
        run(suite, plan(tmp_path, split="test"), scripted)
    together = suite_of_records(RECORDS, "participant")
    counts = {one["participant"]: one["memory"]["count"] for one in run(together, plan(tmp_path / "c"), scripted)}
    assert counts == {"0": 2 + 3, "1": 2 + 2}
    with pytest.raises(ConfigError, match="pool"):
        suite_of_records(RECORDS, "nobody")


def test_videos_are_looked_at_or_missed_aloud(tmp_path: Path, scripted: Backend) -> None:
    suite = suite_of_records([record(i) for i in (0, 2)] + [record(90)])
    with pytest.raises(ConfigError, match="--memory-only"):
        evaluate(suite, replace(plan(tmp_path), memory_only=False), scripted, CONFIG)
    videos = tmp_path / "videos"
    videos.mkdir()
    what = replace(plan(tmp_path / "out"), memory_only=False, video_dir=videos, max_frames=3, before_s=1.0)
    with pytest.raises(ConfigError, match=r"1 of 1 videos are not in .*: ride"):
        evaluate(suite, what, scripted, CONFIG)
    clip(videos / "ride.mp4", seconds=2)
    senses = dict.fromkeys(("codes", "people", "color", "light", "motion", "place", "text"), False)
    quick = replace(CONFIG, perception=replace(CONFIG.perception, **senses))
    done = evaluate(suite, what, scripted, quick, progress=lambda _: None)
    assert done.records == 2
    assert [key for key, _ in done.summary.failed] == ["000002"]
    assert "ends before 45.0 s" in done.summary.failed[0][1], "never another moment instead"
    assert all(one["latency"]["view"] > 0 for one in read_predictions(what.folder))


def test_a_model_that_sees_is_shown_the_window_and_asked_once(tmp_path: Path, builtin: Backend) -> None:
    clip(tmp_path / "ride.mp4", seconds=2)
    chat = ScriptedChat(["[now] It is getting brighter."], abilities=Abilities(pictures=True))
    generator = ChatGenerator(chat, builtin.embedder, BackendConfig())
    seeing = replace(builtin, generator=generator, slow=True, name="seeing")
    what = replace(plan(tmp_path / "out"), memory_only=False, video_dir=tmp_path, max_frames=3, before_s=1.0)
    (said,) = run(suite_of_records([record(2)]), what, seeing)
    assert chat.calls == 1
    pictures = [part for part in chat.asked[0][0][-1].parts if isinstance(part, Picture)]
    assert [round(float(p.rgb.mean()), -1) for p in pictures] == sorted(
        round(float(p.rgb.mean()), -1) for p in pictures
    )
    assert len(pictures) == 3
    assert said["pred"] == "It is getting brighter."


def clip(path: Path, seconds: int) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height = 64, 48
        for i in range(5 * seconds):
            shade = np.full((48, 64, 3), 20 * i, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(shade, format="rgb24")))
        container.mux(stream.encode())


def test_settings_that_contradict_each_other(tmp_path: Path, scripted: Backend) -> None:
    suite = suite_of_records(RECORDS)
    for bad in (
        replace(plan(tmp_path), strategy="magic"),
        replace(plan(tmp_path, "proactive"), baseline="sometimes"),
        replace(plan(tmp_path), video_dir=tmp_path),
        replace(plan(tmp_path), shard=Shard(9, 9)),
    ):
        with pytest.raises(ConfigError):
            run(suite, bad, scripted)
    with pytest.raises(ConfigError, match="proactive"):
        run(suite_of_records(RECORDS[:1]), plan(tmp_path, "proactive"), scripted)


def test_a_file_of_no_known_kind(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('[{"a": 1}]', encoding="utf-8")
    with pytest.raises(ConfigError, match="no known kind"):
        read_suite(path)
    with pytest.raises(NotFound):
        read_suite(tmp_path / "nothing.json")


@pytest.mark.parametrize(
    ("records", "wanted"),
    [
        ({"a": 1}, "no list"),
        ([{"id": "1"}], "no type"),
        ([{"id": "1", "type": "odd", "question": "", "answer": "", "pred": ""}], "passive or proactive"),
        ([{"id": "1", "type": "passive", "question": "", "answer": 3, "pred": ""}], "answer must be a text"),
        ([{"id": "1", "type": "passive", "question": "", "answer": "", "pred": ""}] * 2, "twice"),
    ],
)
def test_predictions_that_cannot_be_used(tmp_path: Path, records: Any, wanted: str) -> None:
    (tmp_path / "pred.json").write_text(json.dumps(records), encoding="utf-8")
    with pytest.raises(ConfigError, match=wanted):
        read_predictions(tmp_path)


def test_triplets_of_a_slow_backend_are_asked_for_once(tmp_path: Path) -> None:
    asked: list[str] = []

    class Counting(GrammarTriplets):
        def of_told(self, text: str, *more: Any) -> Any:
            asked.append(text)
            return super().of_told(text)

    embedder = MiniLM()
    base = load_backend(CONFIG.backend, CONFIG.moment)
    backend = replace(base, embedder=embedder, triplets=Counting(), slow=True, name="slow")
    suite = suite_of_records([record(1), record(1)])
    run(suite, plan(tmp_path, strategy="perstream"), backend)
    assert len(asked) == 3
    run(suite, plan(tmp_path, strategy="graph-rag"), backend)
    assert len(asked) == 3, "kept between runs"


@pytest.mark.parametrize(
    ("script", "given", "wanted"),
    [
        ("eval.sh", {}, "set GT_FILE"),
        ("eval.sh", {"GT_FILE": "nowhere.json"}, "no dataset file nowhere.json"),
        ("eval.sh", {"GT_FILE": "tiny.json", "VIDEO_DIR": "nowhere"}, "no folder VIDEO_DIR=nowhere"),
        ("eval.sh", {"GT_FILE": "tiny.json", "MEMORY_ONLY": "maybe"}, "true or false"),
        ("eval.sh", {"GT_FILE": "tiny.json", "MAX_FRAMES": "many"}, "MAX_FRAMES is a whole number"),
        ("eval.sh", {"GT_FILE": "tiny.json", "MODES": "active"}, "not 'active'"),
        ("score.sh", {"OUTPUT_BASE_DIR": "nowhere"}, "no folder nowhere"),
        ("score.sh", {"OUTPUT_BASE_DIR": ".", "NUM_TASKS": "-1"}, "NUM_TASKS is a whole number"),
        ("score.sh", {"OUTPUT_BASE_DIR": ".", "YES": "sure"}, "YES is true or false"),
    ],
)
def test_scripts_refuse_bad_input_with_one_line(
    tmp_path: Path, script: str, given: dict[str, str], wanted: str
) -> None:
    done = scripted_run(tmp_path, script, given)
    assert done.returncode == 2
    assert wanted in done.stderr.splitlines()[-1]


def test_scripts_print_what_they_would_run(tmp_path: Path) -> None:
    given = {"GT_FILE": "tiny.json", "MEMORY_ONLY": "true", "OUTPUT_BASE_DIR": "o u t", "MODEL_PATH": "m", "LIMIT": "3"}
    done = scripted_run(tmp_path, "eval.sh", given)
    passive, proactive = done.stderr.splitlines()
    assert "eval passive --dataset tiny.json --out o\\ u\\ t --max-frames 8" in passive
    assert "eval proactive" in proactive
    assert "--memory-only --model m --limit 3" in proactive
    judged = scripted_run(tmp_path, "score.sh", {"OUTPUT_BASE_DIR": ".", "JUDGE": "gpt", "YES": "true"})
    assert "judge . --judge gpt --workers 16 --probes 25 --yes" in judged.stderr
    assert "report ." in judged.stderr
    assert not (tmp_path / "o u t").exists()


def scripted_run(folder: Path, script: str, given: dict[str, str]) -> subprocess.CompletedProcess[str]:
    (folder / "tiny.json").write_text("[]", encoding="utf-8")
    path = Path(__file__).parents[2] / "scripts" / script
    environment = {"PATH": os.environ["PATH"], **given}
    command = ["bash", str(path), "--dry-run"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_benchmark_of_the_kit_measures_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "LATENCY_S", 0.005)
    monkeypatch.setattr(bench, "PER_WORKER", 2)
    asked = bench.evaluation(4)
    assert asked["model_calls"] == 4
    assert 0 < asked["share_beside_model_calls"] < 1
    judged = bench.judging((1, 2))
    assert judged["1"]["efficiency"] == 1.0
    assert judged["2"]["per_s"] > 0
