"""A command line with its own store."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_world import Cli


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cli:
    monkeypatch.chdir(tmp_path)
    cli = Cli(tmp_path / "store", monkeypatch, capfd)
    cli.use("scripted")
    return cli
