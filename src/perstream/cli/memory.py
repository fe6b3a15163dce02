"""``perstream memories`` and ``forget``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perstream.cli import options, output
from perstream.cli.house import opened
from perstream.errors import ConfigError

if TYPE_CHECKING:
    from perstream.types import Gap, Receipt


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(memories)
    app.command()(forget)


def memories(
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=100_000, help="At most this many, newest first.")
    ] = 20,
    since: options.Since = None,
    until: options.Until = None,
    source: Annotated[str | None, typer.Option("--source", help="Only of this source.")] = None,
    category: Annotated[str | None, typer.Option("--category", help="Only of this category.")] = None,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """List what is remembered, newest first, and between it the stretches in which nothing was seen."""
    with opened(options.settings(config, store)) as house:
        records = house.memories(
            limit=limit,
            since=options.moment(since, "--since"),
            until=options.moment(until, "--until"),
            source=source,
            category=category,
        )
        if as_json:
            for record in records:
                output.emit_memory(record, house.entities_of(record.id))
            return
        begin = records[-1].observed_at if len(records) == limit else options.moment(since, "--since")
        gaps = [] if category else house.gaps(begin, options.moment(until, "--until"))
    waiting = [gap for gap in gaps if source in (None, gap.source)][-limit:]
    for record in records:
        while waiting and waiting[-1].started_at >= record.observed_at:
            _print_gap(waiting.pop())
        output.print_memory(record)
    while waiting:
        _print_gap(waiting.pop())
    if not records:
        output.say("nothing is remembered yet")


def forget(
    ids: Annotated[list[int] | None, typer.Option("--id", help="A memory by its number; repeatable.")] = None,
    text: Annotated[str | None, typer.Option("--text", help="Memories whose text contains this.")] = None,
    entity: Annotated[str | None, typer.Option("--entity", help="Memories that mention this entity.")] = None,
    source: Annotated[str | None, typer.Option("--source", help="Memories of this source.")] = None,
    since: options.Since = None,
    until: options.Until = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go; remove nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Forget for good: every condition given must hold. Nothing of it stays in any file of the store."""
    from perstream.types import Selector

    selector = Selector(
        ids=tuple(ids or ()),
        text=text,
        entity=entity,
        source=source,
        since=options.moment(since, "--since"),
        until=options.moment(until, "--until"),
    )
    if selector == Selector():
        raise ConfigError("forget wants at least one of --id, --text, --entity, --source, --since, --until")
    with opened(options.settings(config, store)) as house:
        receipt = house.forget(selector, True)
        asked = not dry_run and not yes and not as_json and receipt.memory_ids
        if asked and not typer.confirm(f"Forget {len(receipt.memory_ids)} memories for good?"):
            raise typer.Exit(1)
        if not dry_run:
            receipt = house.forget(selector, False)
    _print(receipt, as_json)


def _print_gap(gap: Gap) -> None:
    """Nothing was seen; the line says only that."""
    output.say(
        f"- {output.clock(gap.started_at)} to {output.clock(gap.ended_at)[-8:]} {gap.source}: {gap.reason}", dim=True
    )


def _print(receipt: Receipt, as_json: bool) -> None:
    if as_json:
        output.emit(receipt)
        return
    verb = "would forget" if receipt.dry_run else "forgot"
    output.say(
        f"{verb} {len(receipt.memory_ids)} memories, {receipt.edges} edges, {receipt.entities} entities"
        f" ({receipt.bytes_freed / 1024:.0f} KB)"
    )
    if receipt.memory_ids:
        output.say("ids: " + " ".join(map(str, receipt.memory_ids[:50])))
