"""The pages are true: links lead somewhere, generated parts are current, the tree of the README exists."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_named_pages_and_scripts_exist(page: Path) -> None:
    for name in re.findall(r"\b((?:docs|scripts|tests)/[\w./-]+\.\w+)\b", page.read_text(encoding="utf-8")):
        assert (ROOT / name).exists(), f"{page.name} names {name}"


def test_pages_that_code_names_exist() -> None:
    for file in (ROOT / "src").rglob("*.py"):
        for name in re.findall(r"docs/\w+\.md", file.read_text(encoding="utf-8")):
            assert (ROOT / name).exists(), f"{file.name} names {name}"


def test_the_command_line_page_is_current() -> None:
    """Made in a process of its own: help depends on the environment of the terminal it is made in."""
    code = "from perstream.lab.docs import cli_page; import sys; sys.stdout.write(cli_page())"
    environment = os.environ | {"NO_COLOR": "1"}
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    shown = (ROOT / "docs" / "CLI.md").read_text(encoding="utf-8")
    assert made.stdout == shown, "run NO_COLOR=1 python -m perstream.lab.docs"


def test_every_command_of_the_tour_exists() -> None:
    import typer

    from perstream.cli.main import app
    from perstream.lab.docs import _commands

    known = {path for path, _ in _commands(typer.main.get_command(app), "perstream")}
    for command in re.findall(r"^perstream (\w+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.M):
        assert f"perstream {command}" in known


def test_every_dependency_is_justified() -> None:
    listed = (ROOT / "docs" / "DEPENDENCIES.md").read_text(encoding="utf-8").lower()
    names = re.findall(r'^\s+"([a-z0-9-]+)[>=<;]', (ROOT / "setup.py").read_text(encoding="utf-8"), re.M)
    assert len(names) > 10
    assert not [name for name in names if name not in listed]


def test_the_api_file_is_current() -> None:
    from perstream.lab.docs import openapi_file

    shown = (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")
    assert openapi_file() == shown, "run NO_COLOR=1 python -m perstream.lab.docs"
