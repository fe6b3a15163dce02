"""What docs/INTEGRATIONS.md shows is run as it stands."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from web_fakes import ScriptedHouse

from perstream.config import Config
from perstream.web.client import Client
from perstream.web.server import Server
from perstream.web.token import token_file

PAGE = (Path(__file__).parent.parent.parent / "docs" / "INTEGRATIONS.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)


def test_the_python_example_runs(
    server: Server,
    store: Path,
    house: ScriptedHouse,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def usual(config: Config) -> Path:
        assert config == Config()
        return store

    monkeypatch.setattr("perstream.web.client.store_folder", usual)
    (example,) = (block for block in blocks("python") if "import perstream" in block)
    exec(compile(example, "INTEGRATIONS.md", "exec"), {})
    assert house.told[0][0] == "I put my keys on the kitchen shelf."
    said = capsys.readouterr().out
    assert said.startswith("Platform 4.False [3]\n0.80 ") and said.endswith("8 memories\n")


def test_the_chat_example_runs(
    server: Server, store: Path, house: ScriptedHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("openai", reason="the package openai is not installed")
    (example,) = (block for block in blocks("python") if "import OpenAI" in block)
    here = example.replace("http://127.0.0.1:8765", server.url)
    here = here.replace("~/.local/share/perstream/token", str(token_file(store)))
    assert here.count(server.url) == 1 and here.count(str(store)) == 1
    exec(compile(here, "INTEGRATIONS.md", "exec"), {})
    assert capsys.readouterr().out.splitlines()[0] == "Platform 4."


def test_the_snippets_are_json() -> None:
    snippets = [json.loads(block)["mcpServers"]["perstream"] for block in blocks("json")]
    assert [sorted(one) for one in snippets] == [["args", "command"], ["headers", "type", "url"]]
    assert snippets[0]["args"][0] == "mcp" and snippets[1]["url"].endswith("/mcp")


def test_the_methods_that_are_listed_are_there() -> None:
    table = PAGE.partition("| methods | |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`(\w+)\(", table))
    assert len(named) > 25
    assert not [name for name in named if not callable(getattr(Client, name, None))]
