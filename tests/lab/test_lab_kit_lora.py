"""LoRA on the tiny model: it learns, loss is on replies alone, and an interrupted run goes on to the same bits."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from kit_films import film

torch: Any = pytest.importorskip("torch", reason="needs torch")
for needed in ("transformers", "peft", "accelerate"):
    pytest.importorskip(needed, reason=f"needs {needed}")

from safetensors.numpy import load_file  # noqa: E402

from perstream.config import BackendConfig  # noqa: E402
from perstream.errors import ConfigError, NotFound  # noqa: E402
from perstream.lab.kit.lora import LoraSettings, put_on  # noqa: E402
from perstream.lab.kit.lora_job import LoraJob, read_data  # noqa: E402
from perstream.lab.kit.patch_cache import CacheFacts, PatchCache, frame_key  # noqa: E402
from perstream.lab.kit.train_eval import speaking_scores  # noqa: E402
from perstream.lab.kit.train_loop import Loop, LoopSettings  # noqa: E402
from perstream.lab.kit.train_lora import run_lora  # noqa: E402
from perstream.lab.kit.train_rows import IGNORED, answer_loss, row_of  # noqa: E402
from perstream.lab.kit.train_samples import epoch_order, train_samples, view_of  # noqa: E402
from perstream.lab.tiny_omni import HIDDEN, build_tiny  # noqa: E402
from perstream.models.chat.messages import Message, Sampling  # noqa: E402
from perstream.models.chat.prompts import NOTHING_KNOWN, RESPONSE, SILENCE  # noqa: E402
from perstream.models.omni.adapters import load_adapters  # noqa: E402
from perstream.models.omni.loading import load_model  # noqa: E402
from perstream.models.omni.model import OmniChat  # noqa: E402

COLORS = ("red", "green", "blue", "yellow")
THINGS = ("cup", "coat", "bike", "door", "lamp", "bag")
WEIGHTS = "adapter_model.safetensors"


def passive(participant: int, split: str, thing: str, color: str) -> dict[str, Any]:
    return {
        "participant_id": participant, "video_id": f"p{participant}", "timestamp": "10", "split": split,
        "caption": "sitting at a table", "type_1_memories": ["I like long walks.", f"My {thing} is {color}."],
        "type_2_memories": ["Last week I met Anna at the station."], "type": "passive",
        "question": f"What colour is my {thing}?", "answer": f"Your {thing} is {color}.", "reference": ["(M1.2)"],
    }  # fmt: skip


def proactive(participant: int, split: str, due: bool, at: float = 20) -> dict[str, Any]:
    return {
        "participant_id": participant, "video_id": f"p{participant}", "timestamp": str(at), "split": split,
        "caption": "peanuts on a table" if due else "walking down a street",
        "type_1_memories": ["I am allergic to peanuts."], "type_2_memories": ["Yesterday I walked home."],
        "type": "proactive", "answer": f"{RESPONSE} Careful, peanuts." if due else SILENCE,
        "reference": ["(M1.1)"] if due else [],
    }  # fmt: skip


def records() -> list[dict[str, Any]]:
    found = [passive(1, "train", thing, COLORS[i % 4]) for i, thing in enumerate(THINGS)]
    found += [passive(2, "val", "cup", "green"), passive(2, "val", "bag", "blue")]
    found += [proactive(1, "train", i < 2, 20 + i / 8) for i in range(8)]
    return [*found, proactive(2, "val", True), proactive(2, "val", False, 20.5)]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return build_tiny(tmp_path_factory.mktemp("lora") / "tiny")


@pytest.fixture
def job(tiny: Path, tmp_path: Path) -> LoraJob:
    dataset = tmp_path / "records.json"
    dataset.write_text(json.dumps(records()))
    return LoraJob(
        dataset, tmp_path / "adapter", BackendConfig(model_path=str(tiny), device="cpu"), memory_only=True,
        loop=LoopSettings(epochs=1, accumulation=2, save_every=1), abstain_share=0.0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def embedder() -> Any:
    from perstream.lab.embed_cache import CachedEmbedder
    from perstream.models.minilm import MiniLM

    return CachedEmbedder(MiniLM())


def quiet(_: str) -> None:
    """Nobody listens."""


def stops_at(step: int) -> Callable[[str], None]:
    def tell(line: str) -> None:
        if f"step {step}/" in line:
            raise KeyboardInterrupt

    return tell


def test_it_learns_and_the_daemon_loads_it(job: LoraJob, embedder: Any) -> None:
    job = replace(job, loop=LoopSettings(epochs=6, accumulation=2, learning_rate=2e-2), lora=LoraSettings(dropout=0.0))
    job = replace(job, checkpointing=False)
    report = run_lora(job, embedder, quiet)
    first, last = report["epochs"][0], report["epochs"][-1]
    lines = [json.loads(line) for line in (job.output / "metrics.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines if "loss" in line]
    assert len(losses) == report["steps"] == 6 * 5
    assert np.mean(losses[-5:]) < np.mean(losses[:2]) / 2
    assert last["val_loss"] < first["val_loss"] / 2, "held-out records too"
    assert first["proactive_moments"] == 2
    loaded = load_model(job.backend)
    chat = OmniChat(loaded)
    (sample,) = [s for s in held_out(job, embedder) if s.case.passive and "cup" in s.case.question]
    prompt, wanted = sample.prompt(chat.abilities, ())
    assert wanted == "[3] Your cup is green." or wanted.endswith("Your cup is green.")
    before = greedy(chat, prompt.messages)
    adapters = load_adapters(loaded, [f"mine={job.output}"], chat.forget_prefixes)
    after = greedy(chat, prompt.messages)
    assert "Your" not in before and "Your" in after, (before, after)
    adapters.use(None)
    assert greedy(chat, prompt.messages) == before
    card = (job.output / "README.md").read_text()
    for said in (
        "training records: 14",
        "silent ones drawn per epoch: 2",
        "lora rank: 8",
        "Kept is epoch",
        str(job.backend.model_path),
    ):
        assert said in card
    assert (job.output / "loss.svg").is_file() and (job.output / "loss.png").is_file()
    assert not list(job.output.glob("state-*")), "a finished training needs no checkpoint"
    assert run_lora(job, embedder, quiet) == json.loads((job.output / "report.json").read_text()), "done is done"


def greedy(chat: OmniChat, messages: Any) -> str:
    return chat.reply(messages, Sampling(max_new_tokens=12), quiet, lambda: False)


def held_out(job: LoraJob, embedder: Any) -> list[Any]:
    from perstream.config import Config

    data = read_data(job)
    return list(train_samples(*data.part(data.val), embedder, Config(), abstain_share=0.0))


def test_three_steps_and_three_more_are_six(job: LoraJob, embedder: Any, tmp_path: Path) -> None:
    whole = replace(job, loop=replace(job.loop, epochs=2, accumulation=4), output=tmp_path / "whole")
    torch.manual_seed(11)
    report = run_lora(whole, embedder, quiet)
    assert report["steps"] == 6
    part = replace(whole, output=tmp_path / "part")
    torch.manual_seed(22)  # whatever went before in the process
    with pytest.raises(KeyboardInterrupt):
        run_lora(part, embedder, stops_at(2))
    with (part.output / "metrics.jsonl").open("a") as file:
        file.write('{"step": 3, "loss')  # cut by a kill
    with pytest.raises(KeyboardInterrupt):
        run_lora(part, embedder, stops_at(3))  # the end of the first epoch
    torch.rand(5)
    said: list[str] = []
    again = run_lora(part, embedder, said.append)
    assert any("going on after step 3 of 6" in line for line in said)
    assert [e["val_loss"] for e in again["epochs"]] == [e["val_loss"] for e in report["epochs"]]
    one, other = load_file(whole.output / WEIGHTS), load_file(part.output / WEIGHTS)
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])

    def without_time(folder: Path) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        return [{k: v for k, v in line.items() if k != "seconds"} for line in lines]

    assert without_time(whole.output) == without_time(part.output)


def test_only_the_reply_carries_loss(tiny: Path) -> None:
    loaded = load_model(BackendConfig(model_path=str(tiny), device="cpu"))
    messages = (Message("system", ("Be short.",)), Message("user", ("Where are my keys? <|im_end|>",)))
    row = row_of(loaded, messages, "On the table.")
    tokenizer = loaded.processor.tokenizer
    carried = [label for label in row.labels if label != IGNORED]
    assert tokenizer.decode(carried) == "On the table.<|im_end|>"
    assert list(row.labels[: row.begin]) == [IGNORED] * row.begin
    assert row.prompt.ids[row.begin :] == tuple(carried)
    assert tokenizer.decode(row.prompt.ids[: row.begin]).endswith("<|im_start|>assistant\n")
    with torch.no_grad():
        loss = float(answer_loss(loaded)(row))
        scores = loaded.model(input_ids=torch.tensor([row.prompt.ids])).logits[0].log_softmax(-1)
    by_hand = [-float(scores[i - 1, row.prompt.ids[i]]) for i in range(row.begin, len(row.prompt.ids))]
    assert loss == pytest.approx(sum(by_hand) / len(by_hand), rel=1e-4)
    other = row_of(loaded, messages, "In my pocket.")
    assert other.prompt.ids[: other.begin] == row.prompt.ids[: row.begin]


def test_gradients_with_and_without_checkpointing_are_the_same(tiny: Path) -> None:
    found = []
    for checkpointing in (False, True):
        loaded = load_model(BackendConfig(model_path=str(tiny), device="cpu"))
        wrapped = put_on(loaded, LoraSettings(dropout=0.0), 0, checkpointing=checkpointing)
        module = answer_loss(loaded).train()
        module(row_of(loaded, (Message("user", ("Hello?",)),), "Yes.")).backward()
        named = {n: p for n, p in wrapped.named_parameters() if p.requires_grad}
        assert len(named) == 2 * 4 * 2 and all("language_model" in name for name in named)
        found.append({name: p.grad.clone() for name, p in named.items()})
    for name, gradient in found[0].items():
        torch.testing.assert_close(gradient, found[1][name], rtol=1e-4, atol=1e-6)
    assert any(float(g.abs().sum()) > 0 for g in found[0].values())


def test_samples_are_prompts_of_inference_with_the_right_reply(job: LoraJob, embedder: Any, tiny: Path) -> None:
    from perstream.config import Config

    chat = OmniChat(load_model(job.backend))
    data = read_data(job)
    samples = list(train_samples(*data.part(data.train), embedder, Config(), abstain_share=0.0))
    prompt, reply = samples[0].prompt(chat.abilities, ())
    number = next(n for n, line in enumerate(prompt.lines, start=1) if "My cup is red." in line)
    assert reply == f"[{number}] Your cup is red."
    assert "What colour is my cup?" in str(prompt.messages[-1].parts)
    due, silent = samples[6].prompt(chat.abilities, ()), samples[10].prompt(chat.abilities, ())
    assert due[1].startswith(f"{RESPONSE} [") and due[1].endswith("Careful, peanuts.")
    assert "peanuts on a table" in str(due[0].messages[-1].parts), "without a view the scene is told in words"
    assert silent[1] == SILENCE
    none = list(train_samples(*data.part(data.train), embedder, Config(), abstain_share=1.0))
    prompt, reply = none[0].prompt(chat.abilities, ())
    assert reply == NOTHING_KNOWN and not any("cup" in line for line in prompt.lines)


def test_silence_is_balanced(job: LoraJob, embedder: Any) -> None:
    data = read_data(job)
    from perstream.config import Config

    samples = list(train_samples(*data.part(data.train), embedder, Config()))
    orders = [epoch_order(samples, epoch, 0, 0.5) for epoch in range(1, 9)]
    silent = [{i for i in order if not samples[i].case.passive and not samples[i].speaks} for order in orders]
    assert {len(order) for order in orders} == {6 + 2 + 2}
    assert {len(one) for one in silent} == {2}
    assert len(set().union(*silent)) > 4, "other ones in other epochs"
    assert orders[0] == epoch_order(samples, 1, 0, 0.5) != orders[1]
    assert len(epoch_order(samples, 1, 0, 1.0)) == 14
    scores = speaking_scores([True, False, True, False], [True, True, False, False])
    assert (scores["proactive_precision"], scores["proactive_recall"], scores["proactive_f1"]) == (0.5, 0.5, 0.5)
    assert speaking_scores([True], [False])["proactive_f1"] == 0
    assert speaking_scores([False], [False])["proactive_f1"] is None


@pytest.mark.parametrize("count", [5, 4, 1])
def test_processes_share_a_step(count: int) -> None:
    """The mean of two processes' gradients is that of one which takes all samples, in odd numbers too."""
    alone = gradient(range(count), 1, 0)
    both = [gradient(range(count), 2, index) for index in (0, 1)]
    assert (both[0] + both[1]) / 2 == pytest.approx(alone, rel=1e-6)
    assert alone == pytest.approx(sum(0.01 * (i + 1) for i in range(count)) / count, rel=1e-6)


def gradient(places: Any, processes: int, index: int) -> float:
    weight = torch.nn.Parameter(torch.zeros(()))
    found: list[float] = []
    optimizer = SimpleNamespace(
        param_groups=[{}], step=lambda: found.append(float(weight.grad)), zero_grad=lambda: None
    )  # fmt: skip

    class Toy(torch.nn.Module):
        def forward(self, row: float) -> Any:
            return weight * row

    loop = Loop(
        settings=LoopSettings(), name="toy", module=Toy(), named={"weight": weight}, optimizer=optimizer,
        scaler=torch.amp.GradScaler("cuda", enabled=False),
        accelerator=SimpleNamespace(
            num_processes=processes, process_index=index, device="cpu", no_sync=lambda _: nullcontext(),
            reduce=lambda tensor, reduction: tensor,
        ),
        numbers=nullcontext, row=lambda place: 0.01 * (place + 1), order=lambda _: list(places),
        evaluate=dict, keep=lambda *_: None, folder=Path(), run="", tell=quiet,
    )  # fmt: skip
    loop._step(list(places), 1e-3)
    return found[0]


def test_it_trains_on_stored_patch_vectors(job: LoraJob, embedder: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with PatchCache.open(tmp_path / "cache", CacheFacts("tiny", 2, HIDDEN)) as cache:
        for person in (1, 2):
            for time_s in (4.0, 9.0, 10.0, 10.5, 19.0):
                cache.put(frame_key(f"p{person}", time_s), rng.standard_normal((4, HIDDEN)).astype(np.float16))
        case = read_data(job).suite.cases[0]
        view = view_of(cache, case)
        assert [p.keyframe.pts_s for p in view] == [4.0, 9.0, 10.0], "what comes later is not known yet"
    cached = replace(job, memory_only=False, cache=tmp_path / "cache", lora=LoraSettings(rank=2))
    report = run_lora(cached, embedder, quiet)
    assert report["counts"]["view"] == "stored patch vectors" and report["steps"] == 5
    with PatchCache.open(tmp_path / "other", CacheFacts("builtin", 2, 17)) as cache:
        cache.put(frame_key("p1", 1), np.zeros((4, 17), np.float16))
    with pytest.raises(ConfigError, match="takes 64"):
        run_lora(replace(cached, cache=tmp_path / "other", output=tmp_path / "a"), embedder, quiet)
    rows = records()
    rows[0]["timestamp"] = "300"
    job.dataset.write_text(json.dumps(rows))
    late = replace(cached, output=tmp_path / "b")
    with pytest.raises(ConfigError, match=r"1 of 18 records have no frame.*p1 at 300.0 s.*--skip-missing"):
        run_lora(late, embedder, quiet)
    kept = run_lora(replace(late, skip_missing=True, output=tmp_path / "c"), embedder, quiet)
    assert kept["counts"]["records without frames, left out"] == 1


def test_it_encodes_the_videos_once_when_there_is_no_cache(job: LoraJob, embedder: Any, tmp_path: Path) -> None:
    film(tmp_path / "videos" / "p1.mp4", ["red"] * 7, 1)
    from_videos = replace(job, memory_only=False, videos=tmp_path / "videos", pool_size=2, lora=LoraSettings(rank=2))
    with pytest.raises(ConfigError, match="there is no video p2"):
        run_lora(from_videos, embedder, quiet)
    film(tmp_path / "videos" / "p2.mp4", ["blue"] * 7, 2)
    said: list[str] = []

    def tell(line: str) -> None:
        said.append(line)
        stops_at(1)(line)

    with pytest.raises(KeyboardInterrupt):
        run_lora(from_videos, embedder, tell)
    assert "frames: video 2/2, 24 encoded, 72 known, 0 missing" in said, "the refused run kept what it could encode"
    said.clear()
    report = run_lora(from_videos, embedder, said.append)
    assert not any("encoded" in line for line in said), "nothing is encoded twice"
    assert report["steps"] == 5 and report["counts"]["records without frames, left out"] == 0


def test_bad_input_is_one_line(job: LoraJob, embedder: Any, tmp_path: Path) -> None:
    def fails(kind: type[Exception], match: str, **change: Any) -> None:
        with pytest.raises(kind, match=match):
            run_lora(replace(job, **change), embedder, quiet)

    fails(ConfigError, "CACHE_FILE or VIDEO_DIR", memory_only=False)
    fails(ConfigError, "leave out", videos=tmp_path)
    fails(ConfigError, "silence share", silence_share=2.0)
    fails(NotFound, "no dataset|not there|no such|nowhere", dataset=tmp_path / "nowhere.json")
    for change, said in (
        ({"question": ""}, "record 0: question is empty"),
        ({"answer": ""}, "record 0: answer is empty"),
        ({"type_1_memories": None}, "record 0: type_1_memories must be a list.*--skip-invalid"),
        ({"split": "dev"}, "record 0: split"),
        ({"participant_id": 2}, "participant"),
        ({"reference": ["(M1.9)"]}, "out of range"),
    ):
        rows = records()
        rows[0] |= change
        (tmp_path / "bad.json").write_text(json.dumps(rows))
        fails(ConfigError, said, dataset=tmp_path / "bad.json")
    data = read_data(replace(job, dataset=tmp_path / "bad.json", skip_invalid=True))
    assert data.invalid == 1 and len(data.train) == 13, "left out, and nothing instead"
    only = [row | {"split": "val"} for row in records() if row["participant_id"] == 1]
    (tmp_path / "bad.json").write_text(json.dumps(only))
    fails(ConfigError, "held out", dataset=tmp_path / "bad.json")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    fails(ConfigError, "not empty", output=tmp_path / "full")
    fails(ConfigError, "not empty", output=tmp_path / "full", fresh=True)
    assert (tmp_path / "full" / "thesis.txt").read_text() == "mine"


def test_another_run_is_not_mixed_in(job: LoraJob, embedder: Any) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_lora(job, embedder, stops_at(1))
    with pytest.raises(ConfigError, match="other data or settings"):
        run_lora(replace(job, silence_share=0.4), embedder, quiet)
    (state,) = job.output.glob("state-*.safetensors")
    state.write_bytes(state.read_bytes()[:100])
    with pytest.raises(ConfigError, match="damaged"):
        run_lora(job, embedder, quiet)
    said: list[str] = []
    run_lora(replace(job, fresh=True), embedder, said.append)
    assert not any("going on" in line for line in said)
