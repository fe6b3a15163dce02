"""Tiny models of the real classes, built once per session."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def tiny_omni(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny Qwen2.5-Omni thinker with random weights."""
    return _tiny(tmp_path_factory, "tiny-omni")


@pytest.fixture(scope="session")
def trained_omni(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after it learned to name the colour of a drawn cup (a dozen seconds, once)."""
    return _tiny(tmp_path_factory, "trained-omni", train_steps=150)


@pytest.fixture(scope="session")
def loaded_omni(tiny_omni: Path) -> Any:
    """The tiny thinker, loaded: not to be changed."""
    return _load(tiny_omni)


@pytest.fixture(scope="session")
def loaded_trained(trained_omni: Path) -> Any:
    """The trained one, loaded: not to be changed."""
    return _load(trained_omni)


def _load(folder: Path) -> Any:
    from perstream.config import BackendConfig
    from perstream.models.omni.loading import load_model

    return load_model(BackendConfig(model_path=str(folder), device="cpu", dtype="fp32"))


def _tiny(factory: pytest.TempPathFactory, name: str, train_steps: int = 0) -> Path:
    torch = pytest.importorskip("torch", reason="needs torch")
    pytest.importorskip("transformers", reason="needs transformers")
    from perstream.lab.tiny_omni import build_tiny

    torch.set_num_threads(1)
    return build_tiny(factory.mktemp(name), train_steps=train_steps)
