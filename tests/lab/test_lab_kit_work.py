"""Long runs of the research kit: each item once, whatever interrupts; each model call once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from perstream.errors import BadOutput, ConfigError
from perstream.lab.kit.calls import CachedChat
from perstream.lab.kit.journal import Journal, fingerprint
from perstream.lab.kit.workers import run_all
from perstream.models.chat.messages import Abilities, Message, Picture, Sampling


def test_results_are_found_again_and_torn_ones_are_not(tmp_path: Path) -> None:
    path = tmp_path / "a" / "results.jsonl"
    with Journal(path, "run") as journal:
        journal.add("one", {"x": 1})
        journal.add("zwei", "ü")
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        with Journal(path, "run") as journal:
            assert all(journal[key] == {"one": {"x": 1}, "zwei": "ü"}[key] for key in journal.values)
            journal.add("more", 3)
        with Journal(path, "run") as journal:
            assert journal["more"] == 3
    path.write_bytes(whole)
    with Journal(path, "run") as journal:
        assert dict(journal.values) == {"one": {"x": 1}, "zwei": "ü"}


def test_results_of_other_settings_are_not_mixed_in(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    with Journal(path, fingerprint({"model": "a"}, 3)) as journal:
        journal.add("one", 1)
    with pytest.raises(ConfigError, match="--fresh"):
        Journal(path, fingerprint({"model": "b"}, 3))
    with Journal(path, fingerprint({"model": "b"}, 3), fresh=True) as journal:
        assert len(journal) == 0
    path.write_text("not a journal\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="no journal"):
        Journal(path, "run")


def run(
    journal: Journal, items: Sequence[int], work: Callable[[int], object], workers: int = 3
) -> tuple[int, int, tuple[tuple[str, str], ...]]:
    summary = run_all(items, str, work, journal, workers=workers, title="t", progress=lambda _: None)
    return summary.done, summary.known, summary.failed


def test_items_are_done_once_and_failures_are_tried_again(tmp_path: Path) -> None:
    calls: list[int] = []

    def work(item: int) -> int:
        calls.append(item)
        if item == 3 and calls.count(3) == 1:
            raise BadOutput("three is odd")
        return item * item

    with Journal(tmp_path / "r", "run") as journal:
        assert run(journal, range(6), work) == (5, 0, (("3", "three is odd"),))
    with Journal(tmp_path / "r", "run") as journal:
        assert run(journal, range(8), work) == (3, 5, ())
        assert journal.values == {str(n): n * n for n in range(8)}
    assert sorted(calls) == [0, 1, 2, 3, 3, 4, 5, 6, 7]


def test_workers_really_work_side_by_side(tmp_path: Path) -> None:
    together = threading.Barrier(4)
    with Journal(tmp_path / "r", "run") as journal:
        assert run(journal, range(8), lambda item: together.wait(5), workers=4)[0] == 8


def test_an_interruption_keeps_what_was_done_and_in_hand(tmp_path: Path) -> None:
    begun, go = threading.Event(), threading.Event()

    def work(item: int) -> int:
        if item == 0:
            begun.set()
            go.wait(5)
            return 0
        begun.wait(5)
        threading.Timer(0.05, go.set).start()
        raise KeyboardInterrupt

    with Journal(tmp_path / "r", "run") as journal:
        with pytest.raises(KeyboardInterrupt):
            run(journal, range(50), work, workers=2)
        assert dict(journal.values) == {"0": 0}


class Counting:
    name = "counting"
    abilities = Abilities(pictures=True)

    def __init__(self) -> None:
        self.calls = 0

    def reply(
        self, messages: Sequence[Message], sampling: Sampling, say: Callable[[str], None], cancelled: Callable[[], bool]
    ) -> str:
        self.calls += 1
        if "fail" in str(messages[0].parts[0]):
            raise BadOutput("no")
        return f"answer {self.calls}"


def test_a_call_is_made_once(tmp_path: Path) -> None:
    model = Counting()
    chat = CachedChat(model, tmp_path)
    picture = np.zeros((2, 2, 3), np.uint8)

    def ask(text: str, rgb: np.ndarray = picture, temperature: float = 0.0, variant: int = 0) -> str:
        message = Message("user", (text, Picture(rgb)))
        return chat.reply([message], Sampling(temperature=temperature), variant=variant)

    first = ask("a")
    assert ask("a") == first and model.calls == 1
    others = [ask("b"), ask("a", picture + 1), ask("a", temperature=1.0), ask("a", variant=1)]
    assert len({first, *others}) == 5
    assert CachedChat(Counting(), tmp_path).reply([Message("user", ("a", Picture(picture)))], Sampling()) == first
    assert (chat.made, chat.found) == (5, 1)
    with pytest.raises(BadOutput):
        ask("fail")
    for path in tmp_path.rglob("*.json"):
        assert json.loads(path.read_text(encoding="utf-8"))["model"] == "counting"
        path.write_text('{"text', encoding="utf-8")
    assert ask("a") != first
