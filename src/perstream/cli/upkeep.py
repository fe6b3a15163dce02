"""``perstream memory …``: reduce, audit, back up and restore a store.

What only looks (``backup``, ``audit`` without ``--fix``, ``reduce --dry-run``) works beside a running daemon; what
writes wants it stopped first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from perstream.cli import backups, options, output
from perstream.cli.passphrase import vault
from perstream.config import Config
from perstream.errors import StoreBusy

if TYPE_CHECKING:
    from perstream.memory.memory import Memory
    from perstream.protocols import Backend

group = typer.Typer(
    help="Look after a store: reduce, rebuild, audit, backup, restore, export, import.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
MB = 1024 * 1024


def register(app: typer.Typer) -> None:
    """Add the group."""
    backups.register(group)
    app.add_typer(group, name="memory")


@group.command()
def reduce(
    target_mb: Annotated[float, typer.Option("--target-mb", min=0, help="How large the store may be on disk.")],
    strategy: Annotated[
        Literal["nsbg", "gsbn"] | None, typer.Option("--strategy", help="Order.", show_default="as configured")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan; give up nothing.")] = False,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Give up parts of memories, finest or coldest first, until the store is small enough. Pinned ones stay whole."""
    with _opened(options.settings(config, store), reading=dry_run) as memory:
        held = int(memory.status().disk_mb * MB)
        plan = memory.reduce(max(0, held - int(target_mb * MB)), strategy, dry_run)
    parts: dict[str, int] = {}
    for item in plan.items:
        parts[item.granularity.value] = parts.get(item.granularity.value, 0) + 1
    if as_json:
        output.emit(
            {
                "held_bytes": held,
                "freed_bytes": plan.freed,
                "missing_bytes": plan.missing,
                "parts": parts,
                "dry_run": dry_run,
            }
        )
        return
    verb = "would give up" if dry_run else "gave up"
    output.say(f"{verb} {plan.freed / MB:.2f} of {held / MB:.2f} MB")
    output.table((name, f"{count} memories") for name, count in parts.items())
    if plan.missing > 0:
        output.say(f"{plan.missing / MB:.2f} MB more cannot be given up: what is left is pinned or the store's own")


@group.command()
def rebuild(
    most: Annotated[
        int | None, typer.Option("--most", min=1, help="At most so many memories.", show_default="all")
    ] = None,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Embed anew the texts whose vectors were given up, hottest first, as far as the disk budget has room."""
    from perstream.app import open_memory

    settings = options.settings(config, store)
    backend = _backend(settings)
    with open_memory(settings, backend, keys=vault(settings)) as memory:
        made = memory.rebuild(backend.embedder.embed_tokens, most)
    if as_json:
        output.emit(_fields(made))
        return
    output.say(f"{made.rebuilt} memories have their vectors again, {made.left} are still without")
    if made.full and made.left:
        output.say("the disk budget has no room for more: raise memory.disk_budget_mb")


@group.command()
def audit(
    fix: Annotated[bool, typer.Option("--fix", help="Put right what can be put right.")] = False,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Look for duplicates, orphans, dangling vectors, stale facts and unsupported edges."""
    with _opened(options.settings(config, store), reading=not fix) as memory:
        report = memory.audit(fix)
    if as_json:
        output.emit({"clean": report.clean, **_fields(report)})
        return
    output.table(_fields(report).items())
    output.say("clean" if report.clean else "fixed" if fix else "not clean: --fix puts it right")


@group.command()
def backup(
    target: Annotated[Path | None, typer.Argument(help="File to write.", show_default="dated, in the store")] = None,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Copy the store to one file and read it back. Forgetting later reaches into it as long as it stays where it is."""
    with _opened(options.settings(config, store), reading=True) as memory:
        made = memory.backups.make(target)
    output.emit({"backup": str(made)}) if as_json else output.say(f"backed up to {made}, and read back")


@contextmanager
def _opened(config: Config, reading: bool = False) -> Iterator[Memory]:
    """The store, to write; where ``reading`` is enough, as a reader beside whoever else writes."""
    from perstream.app import open_memory

    backend = _backend(config)
    keys = vault(config)
    try:
        memory = open_memory(config, backend, keys=keys)
    except StoreBusy:
        if not reading:
            raise
        memory = open_memory(config, backend, read_only=True, keys=keys)
    with memory:
        yield memory


def _backend(config: Config) -> Backend:
    from perstream.models.registry import load_backend

    return load_backend(config.backend, config.moment)


def _fields(report: object) -> dict[str, object]:
    from perstream.jsonlines import plain

    return dict(plain(report))
