"""Pages of docs/ that are made from the code: settings, command-line help, the HTTP API.

``python -m perstream.lab.docs`` writes them; a test fails when they are stale.
"""

from __future__ import annotations

import ast
import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import click
import typer

from perstream import config, config_privacy, config_upkeep

DOCS = Path(__file__).parents[3] / "docs"
WIDTH = 100


def config_page() -> str:
    """docs/CONFIG.md: every setting with default, range and meaning."""
    lines = [
        "# Settings",
        "",
        "Made from `src/perstream/config*.py` by `python -m perstream.lab.docs`.",
        "",
        "Precedence: defaults < `perstream.toml` (or `--config FILE`) < `PERSTREAM_<SECTION>_<NAME>` in the environment < flags.",
        "Unknown names and values out of range are refused. Secrets are no settings.",
        "",
        "```toml",
        "# perstream.toml",
        'store = "~/memories"',
        "",
        "[gate]",
        "gamma_threshold = 0.4",
        "```",
    ]
    texts = setting_texts()
    for title, section, prefix in _sections():
        lines += ["", f"## {title}", "", "| setting | default | allowed | meaning |", "|---|---|---|---|"]
        hints = get_type_hints(section, include_extras=True)
        for f in dataclasses.fields(section):
            if f.default is dataclasses.MISSING:
                continue
            meaning = texts.get((section.__name__, f.name), "").replace("|", "\\|")
            shown = f"`{f.default}`" if f.default != "" else "(empty)"
            lines.append(f"| `{prefix}{f.name}` | {shown} | {_allowed(hints[f.name])} | {meaning} |")
    return "\n".join(lines) + "\n"


def cli_page() -> str:
    """docs/CLI.md from its hand-written head (docs/cli_head.md) and the help of every command."""
    from perstream.cli.main import app

    lines = [(DOCS / "cli_head.md").read_text(encoding="utf-8").rstrip(), ""]
    command = typer.main.get_command(app)
    for path, sub in _commands(command, "perstream"):
        # The help must not depend on the terminal it is made in.
        context = click.Context(sub, info_name=path, max_content_width=WIDTH, terminal_width=WIDTH)
        lines += [f"### `{path}`", "", "```text", sub.get_help(context), "```", ""]
    return "\n".join(line.rstrip() for line in "\n".join(lines).splitlines()) + "\n"


def openapi_file() -> str:
    """docs/openapi.json: the HTTP API, with everything that can be switched on."""
    from typing import cast

    from perstream.web.api import create_api
    from perstream.web.house import House
    from perstream.web.pairing import Pairing

    # Routes only keep what they are given; nobody calls them here.
    api = create_api(cast(House, None), config.ServerConfig(), Path(), pairing=cast(Pairing, object()))
    return json.dumps(api.openapi(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def setting_texts() -> dict[tuple[str, str], str]:
    """(section's class, setting) -> what it means."""
    pages = (config, config_privacy, config_upkeep)
    return {key: text for page in pages for key, text in _field_texts(Path(str(page.__file__))).items()}


def main() -> None:
    """Write the pages."""
    for name, page in (("CONFIG.md", config_page()), ("CLI.md", cli_page()), ("openapi.json", openapi_file())):
        (DOCS / name).write_text(page, encoding="utf-8")
        print(f"wrote docs/{name}")


def _sections() -> Iterator[tuple[str, type[Any], str]]:
    yield "Top level", config.Config, ""
    for f in dataclasses.fields(config.Config):
        if f.default_factory is not dataclasses.MISSING:
            section = type(f.default_factory())
            yield f"[{f.name}]", section, f"{f.name}."


def _allowed(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        base, *metas = get_args(hint)
        bounds = [
            f"{sign} {value:g}"
            for meta in metas
            for sign, value in (("≥", meta.ge), (">", meta.gt), ("≤", meta.le), ("<", meta.lt))
            if value is not None
        ]
        return f"{base.__name__} {', '.join(bounds)}".strip()
    if get_origin(hint) is tuple:
        return f"list of {_allowed(get_args(hint)[0])}"
    if get_args(hint):
        return ", ".join(f"`{value}`" for value in get_args(hint))
    return str(hint.__name__)


def _field_texts(path: Path) -> dict[tuple[str, str], str]:
    """The string that follows a field of a class: its meaning."""
    found: dict[tuple[str, str], str] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            for field, after in zip(node.body, node.body[1:], strict=False):
                if (
                    isinstance(field, ast.AnnAssign)
                    and isinstance(field.target, ast.Name)
                    and isinstance(after, ast.Expr)
                    and isinstance(after.value, ast.Constant)
                ):
                    found[node.name, field.target.id] = " ".join(str(after.value.value).split())
    return found


def _commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, sub in getattr(command, "commands", {}).items():
        yield from _commands(sub, f"{path} {name}")


if __name__ == "__main__":
    os.environ["NO_COLOR"] = "1"
    main()
