"""The sample video with each brain, end to end: a tiny model in this process, and one behind a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import pytest
from cli_world import Cli

from perstream.lab.stand_in_acts import Act, Hang, Say
from perstream.lab.stand_in_server import StandIn

SAMPLE = Path(__file__).parents[2] / "sample_videos" / "day.mp4"
START = "2026-05-12T08:00:00Z"
WATCH = ("--no-prompt", "--fast", "--json", "--start-time", START)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 14 seconds of the sample day, not coded anew."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with av.open(str(SAMPLE)) as source, av.open(str(path), "w") as target:
        stream = source.streams.video[0]
        out = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is None or float(packet.pts * packet.time_base) > 14:
                break
            packet.stream = out
            target.mux(packet)
    return path


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch = pytest.importorskip("torch", reason="needs torch")
    pytest.importorskip("transformers", reason="needs transformers")
    from perstream.lab.tiny_omni import build_tiny

    torch.set_num_threads(1)
    return build_tiny(tmp_path_factory.mktemp("tiny"))


def of(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in events if event["event"] == kind]


def test_the_sample_with_a_tiny_model_in_this_process(cli: Cli, clip: Path, tiny: Path) -> None:
    brain = ("--backend", "qwen-omni", "--model", str(tiny), "--device", "cpu", "--dtype", "fp32")
    ran = cli("watch", str(clip), *WATCH, *brain, "--pool-size", "4", "--ask", "What did I see?")
    assert ran.code == 0, ran.err
    *events, reply = ran.json
    memories = of(events, "memory")
    assert memories and of(events, "done")[0]["memories"] == len(memories)
    assert reply["abstained"] or reply["evidence"]
    assert all("</silence>" not in memory["caption"] for memory in memories)
    # Seen by the model, stored as its own vectors, and found by looks again.
    found = cli("memories", "--json").json
    assert {"v_mean", "v_nearest"} <= set(found[0]["granularities"])


def test_a_model_that_is_not_there_is_one_line_that_says_how_to_get_it(cli: Cli, clip: Path, tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="needs transformers")
    cli.use("qwen-omni")
    ran = cli("watch", str(clip), "--no-prompt", "--model", "Qwen/Qwen2.5-Omni-7B")
    assert ran.code == 4 and "hf download Qwen/Qwen2.5-Omni-7B" in ran.err and ran.err.count("\n") == 1
    (tmp_path / "model").mkdir()
    ran = cli("ask", "what?", "--model", str(tmp_path / "model"))
    assert ran.code == 4 and "config.json" in ran.err and ran.err.count("\n") == 1


def scripted(body: dict[str, Any]) -> Act:
    """Says the same of every picture, and answers with the first memory."""
    words = json.dumps(body)
    if "triplets" in json.dumps(body.get("response_format", "")):
        return Say((json.dumps({"triplets": []}),))
    if "What did I see?" in words:
        return Say(("You saw ", "a corridor [1]."))
    return Say(("A corridor with a sign.",))


def test_the_sample_with_a_server(cli: Cli, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with StandIn(scripted, key="sk-very-secret") as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
        ran = cli("watch", str(clip), *WATCH, "--backend", "openai", "--ask", "What did I see?")
    assert ran.code == 0, ran.err
    *events, reply = ran.json
    assert any("corridor" in memory["caption"] for memory in of(events, "memory"))
    assert reply["answer"] == "You saw a corridor." and reply["evidence"]
    assert "sk-very-secret" not in ran.out + ran.err


def test_a_server_that_hangs_costs_words_and_loses_nothing(
    cli: Cli, clip: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PERSTREAM_BACKEND_REQUEST_TIMEOUT_S", "0.1")
    monkeypatch.setenv("PERSTREAM_BACKEND_REQUEST_RETRIES", "0")
    with StandIn(lambda body: Hang(0.4)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        ran = cli("watch", str(clip), *WATCH, "--backend", "openai")
    assert ran.code == 0, ran.err
    assert of(ran.json, "memory"), "the builtin captions stand in"
    assert 1 <= caplog.text.count("stands in") <= 3, "said once per part, not once per moment"
