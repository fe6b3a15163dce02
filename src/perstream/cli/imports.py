"""``perstream import``: what other programs know, told to the memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perstream.cli import options, output
from perstream.cli.house import opened
from perstream.cli.progress import progress
from perstream.errors import ConfigError

if TYPE_CHECKING:
    from perstream.app import App
    from perstream.imports.item import Imported, Skipped
    from perstream.web.client import Client

TOGETHER = 32
"""Things handed over at once."""
MOST_CHARS = 60_000
"""Characters handed over at once, so that they fit a request."""
SHOWN = 10
"""Skipped things named."""
FORMATS = "mem0, chatgpt, claude, text, markdown, calendar, contacts"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(import_)


def import_(
    what: Annotated[
        list[str],
        typer.Argument(metavar="[FORMAT] PATH", help=f"A file or folder, and before it what it is: {FORMATS}."),
    ],
    user: Annotated[
        str | None, typer.Option("--user", help="Whose memories, of a mem0 export about several users.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be told; remember nothing.")] = False,
    prune: Annotated[
        bool,
        typer.Option("--prune", help="Forget what an earlier import of it brought and is not in it any more."),
    ] = False,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Tell the memory what other programs know: assistants, notes, calendars, contacts. Again is safe: nothing doubles.

    Take an import back with: perstream forget --source import:calendar:work.ics (the end names it).
    """
    from perstream.imports.files import short_name
    from perstream.imports.formats import FORMATS, detect, read
    from perstream.imports.item import Imported

    if len(what) > 2:
        raise ConfigError("import wants one file or folder: perstream import [FORMAT] PATH")
    path = Path(what[-1]).expanduser()
    name = what[0] if len(what) == 2 else detect(path)
    if name not in FORMATS:
        raise ConfigError(f"there is no format {name[:40]!r}: use one of {', '.join(FORMATS)}")
    found = read(name, path, datetime.now(timezone.utc), user=user)
    skipped: list[Skipped] = []

    def good() -> Iterator[Imported]:
        for one in found:
            if isinstance(one, Imported):
                yield one
            else:
                skipped.append(one)

    if dry_run:
        _show(good(), skipped, as_json)
        return
    with opened(options.settings(config, store)) as house:
        whole = f"import:markdown:{short_name(path.resolve())}" if path.is_dir() else None
        done, gone = _tell(house, good(), whole, lambda: prune and not any(one.cut for one in skipped))
    _summary(name, path, done, gone, skipped, prune and not any(one.cut for one in skipped), as_json)


def _tell(
    house: App | Client, items: Iterator[Imported], whole: str | None, prune: Callable[[], bool]
) -> tuple[Counter[str], dict[str, list[int]]]:
    """How many of each outcome, and by source the memories that are not in the file any more; ``whole`` is a folder's."""
    tell, count = progress("imported", "things"), 0
    done: Counter[str] = Counter()
    seen: dict[str, set[int]] = {}
    for batch in _batches(items):
        for item, one in zip(batch, house.import_all(batch), strict=True):
            done[one.outcome.value] += 1
            if one.memory_id is not None:
                seen.setdefault(f"import:{item.origin}", set()).add(one.memory_id)
        count += len(batch)
        tell(count)
    if whole is not None:
        seen = {whole: set().union(*seen.values())}
    gone = {source: left for source, ids in seen.items() if (left := _left(house, source, ids))}
    if prune():
        from perstream.types import Selector

        for ids in gone.values():
            house.forget(Selector(ids=tuple(ids)), False)
    return done, gone


def _left(house: App | Client, source: str, seen: set[int]) -> list[int]:
    """Memories of the source that the file does not tell any more."""
    before, left = None, list[int]()
    while page := house.memories(limit=500, before_id=before, source=source):
        left += [record.id for record in page if record.id not in seen]
        before = page[-1].id
    return left


def _batches(items: Iterator[Imported]) -> Iterator[Sequence[Imported]]:
    batch: list[Imported] = []
    size = 0
    for item in items:
        if batch and (len(batch) == TOGETHER or size + len(item.text) > MOST_CHARS):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item.text)
    if batch:
        yield batch


def _show(items: Iterator[Imported], skipped: list[Skipped], as_json: bool) -> None:
    count = 0
    for item in items:
        count += 1
        if as_json:
            output.emit(item)
        else:
            output.paragraph(f"{item.text}{' (called off)' if item.ended else ''}")
    if not as_json:
        output.say(f"{_things(count)} would be told", bold=True)
        _name(skipped)


def _summary(
    name: str,
    path: Path,
    done: Counter[str],
    gone: dict[str, list[int]],
    skipped: list[Skipped],
    prune: bool,
    as_json: bool,
) -> None:
    counts = {key: done[key] for key in ("new", "changed", "known", "unused")}
    left = sum(map(len, gone.values()))
    if as_json:
        why = [{"where": one.where, "why": one.why} for one in skipped[:1000]]
        told = {"format": name, "path": str(path), **counts, "gone": left, "forgotten": left if prune else 0}
        output.emit({**told, "skipped": len(skipped), "why": why})
        return
    output.say(f"imported {_things(counts['new'], 'new ')} from {path} ({name})", bold=True)
    if counts["known"]:
        output.say(f"{counts['known']} {'was' if counts['known'] == 1 else 'were'} there already")
    if counts["changed"]:
        output.say(f"{counts['changed']} say something else now and were changed")
    if counts["unused"]:
        output.say(f"{counts['unused']} were called off before they were known")
    if left and prune:
        output.say(f"{left} are not in it any more and were forgotten")
    elif left:
        output.say(f"{left} from an earlier import are not in it any more: --prune forgets them")
    _name(skipped)


def _things(count: int, kind: str = "") -> str:
    return f"{count} {kind}thing{'' if count == 1 else 's'}"


def _name(skipped: list[Skipped]) -> None:
    if skipped:
        output.say(f"{_things(len(skipped))} skipped:", color="yellow")
        for one in skipped[:SHOWN]:
            output.paragraph(f"{one.where}: {one.why}", 2)
        if len(skipped) > SHOWN:
            output.say(f"  and {len(skipped) - SHOWN} more; --json names them all")
