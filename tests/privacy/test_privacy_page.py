"""docs/PRIVACY.md is true as far as a test can say: its commands, settings, routes and files exist."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import typer

from perstream.cli.main import app
from perstream.config import Config
from perstream.lab.docs import _commands

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "PRIVACY.md").read_text(encoding="utf-8")


def test_every_command_and_option_exists() -> None:
    known: dict[str, Any] = dict(_commands(typer.main.get_command(app), "perstream"))
    found = 0
    for line in re.findall(r"(?:`|^|&& |-rn )(perstream [a-z][^`\n#&]*)", PAGE, re.M):
        words = line.split()
        deepest = max((n for n in range(2, min(4, len(words) + 1)) if " ".join(words[:n]) in known), default=0)
        assert deepest, line
        options = {name for one in known[" ".join(words[:deepest])].params for name in (*one.opts, *one.secondary_opts)}
        for option in re.findall(r"(?<!\S)--?[a-z][\w-]*", line):
            assert option in options, f"{option} of {line}"
        found += 1
    assert found > 15


def test_every_setting_exists() -> None:
    config = Config()
    for group, name in re.findall(r"`(privacy|encryption|backup|server|delivery)\.(\w+)", PAGE):
        names = [one.name for one in dataclasses.fields(getattr(config, group))]
        assert name in names, f"{group}.{name}"


def test_every_route_and_file_exists() -> None:
    routes = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))["paths"]
    for method, path in re.findall(r"`(GET|POST|PUT|DELETE) (/v1/[\w/{}]+)`", PAGE):
        assert method.lower() in routes[path]
    for name in re.findall(r"`(privacy/\w+\.py)`", PAGE):
        assert (ROOT / "src" / "perstream" / name).exists()


def test_its_examples_are_understood() -> None:
    from perstream.privacy.masks import Masks
    from perstream.privacy.retention import rules_of

    masks = re.search(r"^masks = (\[.*?\])", PAGE, re.M)
    rules = re.search(r"^retention = (\[.*?\])", PAGE, re.M)
    assert masks is not None and rules is not None
    assert len(Masks(json.loads(masks[1])).of(["webcam:0"])) == 2
    assert len(rules_of(json.loads(rules[1]))) == 4
