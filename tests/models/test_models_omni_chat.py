"""Answers of the tiny Qwen2.5-Omni: streamed, stopped, bounded, and never silently wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("transformers", reason="needs transformers")

from omni_world import NEVER, ask, head, tone, turns  # noqa: E402

from perstream.config import BackendConfig  # noqa: E402
from perstream.errors import BackendError, BackendUnavailable, BadOutput, Interrupted  # noqa: E402
from perstream.lab.tiny_cups import COLORS, QUESTION, answer, draw_cup  # noqa: E402
from perstream.models.chat.messages import Message, Patches, Picture, Sampling, Sound  # noqa: E402
from perstream.models.omni.faults import OutOfMemory  # noqa: E402
from perstream.models.omni.generation import stops  # noqa: E402
from perstream.models.omni.loaded import Loaded  # noqa: E402
from perstream.models.omni.loading import load_model  # noqa: E402
from perstream.models.omni.model import OmniChat  # noqa: E402
from perstream.models.omni.vision import OmniVision  # noqa: E402


def test_the_answer_changes_with_the_picture_and_with_the_stored_vector(loaded_trained: Loaded) -> None:
    chat, vision = OmniChat(loaded_trained), OmniVision(loaded_trained, 2)
    rng = np.random.default_rng(11)
    for color in COLORS * 2:
        picture = draw_cup(color, rng)
        (stored,) = vision.encode([picture])
        assert ask(chat, Picture(picture), QUESTION) == answer(color)
        assert ask(chat, Patches(stored), QUESTION) == answer(color)


def test_abilities(loaded_omni: Loaded) -> None:
    abilities = OmniChat(loaded_omni).abilities
    assert (abilities.pictures, abilities.patch_dimension, abilities.sound) == (True, loaded_omni.hidden_size, True)


def test_no_special_token_and_no_half_character_is_said(loaded_omni: Loaded) -> None:
    chat = OmniChat(loaded_omni)
    for seed in range(6):
        torch.manual_seed(seed)
        try:
            said = ask(chat, f"Say {seed}", tokens=60, temperature=2.0)
        except BadOutput:
            continue
        assert "<|" not in said and "\ufffd" not in said and said == said.strip()


def test_greedy_is_the_same_each_time_and_sampling_is_not(loaded_omni: Loaded) -> None:
    chat = OmniChat(loaded_omni)
    assert ask(chat, "Once", tokens=30) == ask(chat, "Once", tokens=30)
    assert len({ask(chat, "Once", tokens=30, temperature=1.5) for _ in range(4)}) > 1


def after(count: int) -> Callable[[], bool]:
    """A ``cancelled`` that says so from its ``count``-th question on."""
    asked = iter(range(10**6))
    return lambda: next(asked) >= count


def test_cancel_stops_within_one_token(loaded_omni: Loaded) -> None:
    chat, passes = OmniChat(loaded_omni), []
    with head(loaded_omni, lambda scores: passes.append(1)), endless(loaded_omni), pytest.raises(Interrupted):
        chat.reply(turns("Go on"), Sampling(max_new_tokens=500), lambda _: None, after(4))
    assert len(passes) <= 5


def test_cancelled_before_it_begins_touches_nothing(loaded_omni: Loaded) -> None:
    passes: list[int] = []
    with head(loaded_omni, lambda scores: passes.append(1)), pytest.raises(Interrupted):
        OmniChat(loaded_omni).reply(turns("Go on"), Sampling(), lambda _: None, lambda: True)
    assert not passes


def test_a_long_prompt_is_stopped_while_it_is_read(loaded_omni: Loaded) -> None:
    passes: list[int] = []
    long = "word " * 1500
    with head(loaded_omni, lambda scores: passes.append(1)), pytest.raises(Interrupted):
        OmniChat(loaded_omni).reply(turns(long), Sampling(), lambda _: None, after(2))
    assert not passes


def test_a_question_overtakes_a_caption(loaded_omni: Loaded) -> None:
    """The caption holds the model; the question asks for it, the caption leaves, the question is answered."""
    chat = OmniChat(loaded_omni)
    begun, wanted, left = threading.Event(), threading.Event(), threading.Event()

    def caption() -> None:
        try:
            chat.reply(turns("Describe"), Sampling(max_new_tokens=4000), lambda _: begun.set(), wanted.is_set)
        except Interrupted:
            left.set()

    with endless(loaded_omni):
        worker = threading.Thread(target=caption)
        worker.start()
        assert begun.wait(20)
        wanted.set()
        assert ask(chat, QUESTION, tokens=3)
        worker.join(20)
    assert left.is_set()


def test_waiting_for_the_model_can_be_cancelled(loaded_omni: Loaded) -> None:
    held, free = threading.Event(), threading.Event()

    def hold() -> None:
        with loaded_omni.lock:
            held.set()
            free.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(20)
    with pytest.raises(Interrupted, match="waited"):
        OmniChat(loaded_omni).reply(turns("Hello"), Sampling(), lambda _: None, after(1))
    free.set()
    holder.join(20)


@contextmanager
def endless(loaded: Loaded) -> Iterator[None]:
    """A model that never says that it is done."""
    ends = stops(loaded)

    def forbid(scores: Any) -> Any:
        scores[..., ends] = -1e9
        return scores

    with head(loaded, forbid):
        yield


@contextmanager
def only(loaded: Loaded, tokens: list[int]) -> Iterator[None]:
    """A model that says these tokens, over and over."""
    number = iter(range(10**6))

    def say(scores: Any) -> Any:
        scores = torch.full_like(scores, -50.0)
        scores[:, -1, tokens[next(number) % len(tokens)]] = 50.0
        return scores

    with head(loaded, say):
        yield


def test_endless_generation_ends_at_the_bound(loaded_omni: Loaded) -> None:
    passes: list[int] = []
    with endless(loaded_omni), head(loaded_omni, lambda scores: passes.append(1)):
        assert ask(OmniChat(loaded_omni), "Go on", tokens=40, temperature=1.0)
    assert len(passes) == 40


def test_repetition_ends_early(loaded_omni: Loaded) -> None:
    passes: list[int] = []
    words = loaded_omni.processor.tokenizer(" cup red")["input_ids"]
    with only(loaded_omni, words), head(loaded_omni, lambda scores: passes.append(1)):
        said = ask(OmniChat(loaded_omni), "Go on", tokens=2000)
    assert said.startswith("cup red cup red") and len(passes) < 200


def test_an_answer_that_takes_too_long_ends_where_it_is(loaded_omni: Loaded) -> None:
    seconds = iter(range(0, 10**6, 10))
    chat = OmniChat(loaded_omni, clock=lambda: float(next(seconds)))
    passes: list[int] = []
    with endless(loaded_omni), head(loaded_omni, lambda scores: passes.append(1)):
        said: list[str] = []
        answer = chat.reply(turns("Go on"), Sampling(max_new_tokens=500, temperature=1.0), said.append, NEVER)
    assert answer == "".join(said) and 5 < len(passes) < 20


def test_an_empty_answer_is_refused(loaded_omni: Loaded) -> None:
    (stop,) = loaded_omni.processor.tokenizer("<|im_end|>")["input_ids"]
    with only(loaded_omni, [stop]), pytest.raises(BadOutput, match="nothing"):
        ask(OmniChat(loaded_omni), QUESTION)
    (blank,) = loaded_omni.processor.tokenizer("\n")["input_ids"]
    with only(loaded_omni, [blank]), pytest.raises(BadOutput, match="nothing"):
        ask(OmniChat(loaded_omni), QUESTION)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers_are_refused(loaded_omni: Loaded, temperature: float, value: float) -> None:
    def spoil(scores: Any) -> Any:
        scores[..., 5] = value
        return scores

    with head(loaded_omni, spoil), pytest.raises(BadOutput, match="no numbers"):
        ask(OmniChat(loaded_omni), QUESTION, temperature=temperature)
    assert ask(OmniChat(loaded_omni), QUESTION)


@pytest.mark.parametrize(
    ("raised", "expected", "match"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), OutOfMemory, "GPU memory"),
        (RuntimeError("CUDA error: device-side assert triggered"), BackendUnavailable, "GPU failed"),
        (RuntimeError("size mismatch"), BackendError, "size mismatch"),
    ],
)
def test_errors_of_torch_are_one_line_and_free_the_model(
    loaded_omni: Loaded, raised: Exception, expected: type[Exception], match: str
) -> None:
    def fail(scores: Any) -> Any:
        raise raised

    chat = OmniChat(loaded_omni)
    with head(loaded_omni, fail), pytest.raises(expected, match=match):
        ask(chat, QUESTION)
    assert ask(chat, QUESTION)


def test_out_of_memory_frees_and_tries_once_more(loaded_omni: Loaded, caplog: pytest.LogCaptureFixture) -> None:
    chat = OmniChat(loaded_omni)
    expected = ask(chat, QUESTION, constant=1)
    ask(chat, QUESTION, constant=1)
    assert len(chat.prefixes) == 1
    tries: list[int] = []

    def once(scores: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return scores

    with head(loaded_omni, once):
        assert ask(chat, QUESTION, constant=1) == expected
    assert len(chat.prefixes) == 0
    assert "tried again" in caplog.text


def test_out_of_memory_in_the_middle_says_nothing_twice(loaded_omni: Loaded) -> None:
    said: list[str] = []

    def later(scores: Any) -> Any:
        if said:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return scores

    with endless(loaded_omni), head(loaded_omni, later), pytest.raises(OutOfMemory):
        OmniChat(loaded_omni).reply(turns("Go on"), Sampling(), said.append, NEVER)
    assert len(said) == 1


def test_an_error_of_the_listener_comes_out(loaded_omni: Loaded) -> None:
    def gone(piece: str) -> None:
        raise BrokenPipeError("nobody listens")

    chat = OmniChat(loaded_omni)
    with pytest.raises(BrokenPipeError):
        chat.reply(turns(QUESTION), Sampling(), gone, NEVER)
    assert ask(chat, QUESTION)


def test_a_prompt_beyond_the_context_is_refused(loaded_omni: Loaded) -> None:
    with pytest.raises(BackendError, match="more than the 8192"):
        ask(OmniChat(loaded_omni), "many words " * 6000)
    with pytest.raises(BackendError, match="more than the 8192"):
        ask(OmniChat(loaded_omni), "few", tokens=8192)


def test_a_checkpoint_that_names_no_end_of_turn_ends_all_the_same(
    loaded_omni: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaded_omni.model.generation_config, "eos_token_id", None)
    words = loaded_omni.processor.tokenizer("The end.<|im_end|>more<|im_end|>")["input_ids"]
    with only(loaded_omni, words):
        assert ask(OmniChat(loaded_omni), QUESTION) == "The end."


def test_nothing_to_answer(loaded_omni: Loaded) -> None:
    with pytest.raises(BackendError, match="no message"):
        OmniChat(loaded_omni).reply([], Sampling(), lambda _: None, NEVER)


def test_silence_is_text_here(loaded_omni: Loaded) -> None:
    words = loaded_omni.processor.tokenizer("</silence><|im_end|>")["input_ids"]
    with only(loaded_omni, words):
        assert ask(OmniChat(loaded_omni), QUESTION) == "</silence>"


def test_everything_at_once(loaded_omni: Loaded) -> None:
    vision = OmniVision(loaded_omni, 3)
    rng = np.random.default_rng(0)
    (stored,) = vision.encode([draw_cup("red", rng)])
    messages = [
        Message("system", ("Answer.", Patches(stored))),
        Message("user", ("Then", Picture(draw_cup("blue", rng)), Sound(tone(300)))),
        Message("assistant", ("Yes.",)),
        Message("user", (Patches(stored), "and now?")),
    ]
    assert OmniChat(loaded_omni).reply(messages, Sampling(max_new_tokens=8), lambda _: None, NEVER)


def test_answers_in_four_bits(tiny_omni: Path) -> None:
    pytest.importorskip("bitsandbytes", reason="needs bitsandbytes")
    loaded = load_model(BackendConfig(model_path=str(tiny_omni), load_in="4bit"))
    (stored,) = OmniVision(loaded, 2).encode([draw_cup("red", np.random.default_rng(0))])
    chat = OmniChat(loaded)
    answers = {ask(chat, Patches(stored), Sound(tone(300)), QUESTION, constant=1) for _ in range(3)}
    assert len(answers) == 1
