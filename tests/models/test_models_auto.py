"""Which brain ``auto`` takes, how it falls back, and bundles of several."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from perstream.config import BackendConfig, MomentConfig
from perstream.errors import BackendUnavailable
from perstream.models import registry, scripted
from perstream.models.choice import choose
from perstream.models.machine import Machine, look
from perstream.protocols import Backend, Sent

BIG, SMALL = "Qwen/Qwen2.5-Omni-7B", "Qwen/Qwen2.5-Omni-3B"
WITH_GPU = Machine((80.0,), frozenset({"torch", "transformers", "bitsandbytes"}), (BIG, SMALL), "", False)


def names(machine: Machine, config: BackendConfig | None = None) -> list[tuple[str, str, str]]:
    return [
        (rung.name, rung.config.model_path, rung.config.load_in)
        for rung in choose(config or BackendConfig(), machine).rungs
    ]


def test_the_biggest_model_that_fits_comes_first_and_builtin_last() -> None:
    assert names(WITH_GPU) == [("qwen-omni", BIG, ""), ("qwen-omni", SMALL, ""), ("builtin", "", "")]


@pytest.mark.parametrize(
    ("memory_gb", "expected"),
    [
        (16.0, [(BIG, "8bit"), (SMALL, "")]),
        (12.0, [(BIG, "4bit"), (SMALL, "8bit")]),
        (9.0, [(SMALL, "4bit")]),
        (4.0, []),
    ],
)
def test_a_smaller_gpu_takes_less(memory_gb: float, expected: list[tuple[str, str]]) -> None:
    found = names(replace(WITH_GPU, gpu_gb=(memory_gb,)))
    assert [rung[1:] for rung in found[:-1]] == expected
    assert found[-1][0] == "builtin"


def test_several_gpus_count_together_only_when_the_model_is_spread() -> None:
    two = replace(WITH_GPU, gpu_gb=(12.0, 12.0), packages=frozenset({"torch", "transformers"}), models=(BIG,))
    assert [name for name, *_ in names(two)] == ["builtin"]
    assert [name for name, *_ in names(two, BackendConfig(device="balanced"))] == ["qwen-omni", "builtin"]


def test_without_packages_or_gpu_or_model_there_is_no_model_and_it_says_what_to_do() -> None:
    for lacking in (
        replace(WITH_GPU, packages=frozenset()),
        replace(WITH_GPU, gpu_gb=()),
        replace(WITH_GPU, models=()),
    ):
        choice = choose(BackendConfig(), lacking)
        assert choice.name == "builtin" and "any CPU" in choice.why
    assert "pip install 'perstream[qwen]'" in choose(BackendConfig(), replace(WITH_GPU, packages=frozenset())).why
    assert "hf download" in choose(BackendConfig(), replace(WITH_GPU, models=())).why


def test_a_server_of_ones_own_is_taken_and_another_is_not() -> None:
    bare = Machine((), frozenset(), (), "http://127.0.0.1:8000", True)
    assert [name for name, *_ in names(bare)] == ["openai", "builtin"]
    cloud = replace(bare, server="https://api.example.com", server_is_own=False)
    choice = choose(BackendConfig(), cloud)
    assert [rung.name for rung in choice.rungs] == ["builtin"] and "--backend openai" in choice.why


def test_looking_reads_the_cache_and_the_environment_and_no_secret(tmp_path: Path) -> None:
    snapshot = tmp_path / "hub" / "models--Qwen--Qwen2.5-Omni-3B" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}", encoding="utf-8")
    environ = {"HF_HOME": str(tmp_path), "OPENAI_BASE_URL": "https://me:sk-secret@api.example.com/v1?key=sk-secret"}
    machine = look(BackendConfig(), environ)
    assert machine.models == (SMALL,)
    assert machine.server == "https://api.example.com" and not machine.server_is_own
    assert "secret" not in repr(machine)
    assert look(BackendConfig(), {"OPENAI_BASE_URL": "http://localhost:11434/v1"}).server_is_own
    assert look(BackendConfig(base_url="https://api.example.com/v1"), {}).server_is_own
    assert look(BackendConfig(base_url="http://[broken"), {}).server == "unreadable URL"
    assert look(BackendConfig(model_path=str(snapshot)), {}).models == (str(snapshot),)
    (tmp_path / ".env").write_text(
        "OPENAI_BASE_URL=http://127.0.0.1:8000/v1\nOPENAI_API_KEY=sk-secret\n", encoding="utf-8"
    )
    machine = look(BackendConfig(), {}, tmp_path)
    assert machine.server == "http://127.0.0.1:8000" and machine.server_is_own and "secret" not in repr(machine)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose first choice is a model, of which only scripted backends exist."""
    monkeypatch.setattr(registry, "look", lambda config, environ: WITH_GPU)


def loader(monkeypatch: pytest.MonkeyPatch, found: dict[str, Callable[[BackendConfig, MomentConfig], Backend]]) -> None:
    monkeypatch.setattr(registry, "_load", lambda config, moment: found[config.name](config, moment))


def fails(config: BackendConfig, moment: MomentConfig) -> Backend:
    raise BackendUnavailable(f"{config.model_path} is broken")


@pytest.mark.usefixtures("bare")
def test_auto_falls_down_its_ladder_with_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    loader(monkeypatch, {"qwen-omni": fails, "builtin": lambda *_: replace(scripted.load(*_), name="builtin")})
    with caplog.at_level(logging.WARNING):
        backend = registry.load_backend(BackendConfig(), MomentConfig())
    assert backend.name == "builtin"
    assert len(caplog.records) == 1 and BIG in caplog.text and SMALL in caplog.text
    assert [note.split()[0] for note in backend.notes] == ["qwen-omni", "qwen-omni", "auto"]


@pytest.mark.usefixtures("bare")
def test_a_backend_that_was_named_does_not_fall_back(monkeypatch: pytest.MonkeyPatch) -> None:
    loader(monkeypatch, {"qwen-omni": fails})
    with pytest.raises(BackendUnavailable, match="is broken"):
        registry.load_backend(BackendConfig(name="qwen-omni", model_path="x"), MomentConfig())
    with pytest.raises(BackendUnavailable, match=r"no backend 'nonsense'.*openai"):
        monkeypatch.undo()
        registry.load_backend(BackendConfig(name="nonsense"), MomentConfig())


def test_parts_of_several_backends_make_one(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []
    made: dict[str, Backend] = {}

    def make(config: BackendConfig, moment: MomentConfig) -> Backend:
        name = config.name
        sent = Sent("http://x", name, "answer", 1, 0, 0, 10, 1, 1, 0)
        made[name] = replace(
            scripted.load(config, moment),
            name=name,
            batch=8 if name == "eyes" else 1,
            slow=name == "server",
            looks_back=True,
            sent=lambda: (sent,),
            close=lambda: closed.append(name),
        )
        return made[name]

    loader(monkeypatch, dict.fromkeys(("builtin", "eyes", "server"), make))
    config = BackendConfig(name="builtin", vision="eyes", answers="server")
    backend = registry.load_backend(config, MomentConfig())
    assert backend.vision is made["eyes"].vision and backend.batch == 8
    assert backend.generator is made["server"].generator
    assert backend.captioner is made["builtin"].captioner and not backend.slow
    assert not backend.looks_back  # vectors of other eyes mean nothing to it
    assert sorted(one.model for one in backend.sent()) == ["builtin", "eyes", "server"]
    backend.close()
    assert sorted(closed) == ["builtin", "eyes", "server"]


def test_when_a_part_cannot_be_loaded_the_others_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []

    def make(config: BackendConfig, moment: MomentConfig) -> Backend:
        return replace(scripted.load(config, moment), name=config.name, close=lambda: closed.append(config.name))

    loader(monkeypatch, {"builtin": make, "openai": fails})
    with pytest.raises(BackendUnavailable):
        registry.load_backend(BackendConfig(name="builtin", answers="openai"), MomentConfig())
    assert closed == ["builtin"]
