"""``perstream memory backups``, ``restore`` and ``rollback``: what there is to go back to, and going back."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perstream.cli import options, output
from perstream.cli.exchange import export
from perstream.cli.passphrase import vault
from perstream.cli.written import unembedded
from perstream.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from perstream.memory.restoring import Earlier


def register(group: typer.Typer) -> None:
    """Add the commands to ``perstream memory``."""
    group.command("backups")(backups)
    group.command("restore")(restore)
    group.command("rollback")(rollback)


def backups(store: options.Store = None, config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """List the backups of a store, newest first: when, how large, how many memories, and whether they were verified."""
    from perstream.memory.memory import Memory

    settings = options.settings(config, store)
    keys = vault(settings)
    with Memory.open(keys.folder, settings.memory, unembedded, read_only=True, keys=keys) as memory:
        listed = memory.backups.listed()
    if as_json:
        for one in listed:
            output.emit(one)
        return
    for one in listed:
        held = f"{one.memories} memories, version {one.version}" if one.memories is not None else one.problem
        verified = f"verified {output.clock(one.verified_at)}" if one.verified_at else "not verified"
        output.say(f"{output.clock(one.made_at)}  {one.size_mb:>8.1f} MB  {held}; {verified}; {one.kind}")
        output.say(f"    {one.path}", dim=True)
    if not listed:
        output.say("no backups: perstream memory backup makes one, a running daemon makes them by itself")


def restore(
    source: Annotated[Path, typer.Argument(help="A backup.")],
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Put a backup in the store's place and read it back there; what was there is kept beside it."""
    from perstream.memory import restoring
    from perstream.memory.memory import Memory

    settings = options.settings(config, store)
    keys = vault(settings)
    kept = restoring.restore(source, keys.folder, keys).kept
    with Memory.open(keys.folder, settings.memory, unembedded, keys=keys) as memory:  # brings it up to this version
        memories = memory.count()
    if as_json:
        output.emit({"memories": memories, "kept": str(kept) if kept else None})
    else:
        output.say(
            f"restored {memories} memories, read back" + (f"; the store before is kept as {kept}" if kept else "")
        )


def rollback(
    yes: Annotated[
        bool, typer.Option("--yes", help="Go back although there are newer memories; they are exported first.")
    ] = False,
    to: Annotated[
        Path | None, typer.Option("--export", help="Where they are exported to.", show_default="a dated file here")
    ] = None,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Take the store back to before PerStream was upgraded, for the older PerStream; this one would bring it up again."""
    from perstream.memory import restoring

    settings = options.settings(config, store)
    keys = vault(settings)
    found = restoring.earlier(keys.folder, keys)
    exported: Path | None = None
    if found.newer:
        exported = _exported(found, yes, to, encrypted=not restoring.is_readable_by_all(keys.folder))
        export(exported, store=store, config=config, as_json=as_json)
    restored = restoring.restore(found.copy, keys.folder, keys)
    if as_json:
        output.emit(
            {
                "memories": restored.memories,
                "version": restored.version,
                "newer": found.newer,
                "kept": str(restored.kept),
                "exported": str(exported) if exported else None,
            }
        )
        return
    output.say(
        f"the store is of version {restored.version} again, with {restored.memories} memories; as it was it is kept as "
        f"{restored.kept}"
    )
    if exported:
        output.say(
            f"{found.newer} newer memories are in {exported}: perstream memory import takes them in; delete it then"
        )
    output.say("now install the older PerStream: this one brings the store up again when it opens it")


def _exported(found: Earlier, yes: bool, to: Path | None, encrypted: bool) -> Path:
    """Where the newer memories go. StoreError when the owner has to say so first."""
    many = f"{found.newer} memories are newer than {found.copy}"
    if not yes:
        raise StoreError(f"{many}: --yes exports everything to a file first, then goes back")
    if to is None and encrypted:
        raise ConfigError(f"{many}, and what is exported is not encrypted: say with --export where it may go")
    target = to or Path(f"perstream-before-rollback-{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}.jsonl")
    if target.exists():
        raise ConfigError(f"{target} is there already: choose another name")
    return target
