"""``perstream memory export`` and ``import``: memories to a file and from one."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perstream.cli import options, output
from perstream.cli.passphrase import vault
from perstream.cli.progress import progress
from perstream.cli.written import unembedded, written
from perstream.config import Config
from perstream.errors import ConfigError, NotFound, StoreError

if TYPE_CHECKING:
    from perstream.protocols import Backend


def register(group: typer.Typer) -> None:
    """Add the commands to ``perstream memory``."""
    group.command("export")(export)
    group.command("import")(import_)


def export(
    file: Annotated[
        Path,
        typer.Argument(
            help="FILE.jsonl (the memories), FILE.graphml (the graph), FILE.zip (everything), or a folder with --everything."
        ),
    ],
    everything: Annotated[
        bool,
        typer.Option(
            "--everything", help="All there is, pictures and a page to read for each day, as FILE.zip or a folder."
        ),
    ] = False,
    vectors: Annotated[
        bool, typer.Option("--vectors/--no-vectors", help="With everything: the vectors too, or make them anew later.")
    ] = True,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Write the memories to a file, also while a daemon runs. Forgetting later does not reach into it.

    What is written is not encrypted, whatever the store is.
    """
    if everything or file.suffix.lower() == ".zip":
        from perstream.cli.archive import export_everything

        done, size = export_everything(file, vectors, force, options.settings(config, store))
        _say_written(file, done, size, as_json)
        return
    if not vectors:
        raise ConfigError("--no-vectors is for an archive: FILE.zip, or a folder with --everything")
    kind = _kind(file, (".jsonl", ".graphml"))
    if file.exists() and not force:
        raise ConfigError(f"{file} is there already: choose another name, or --force to write over it")
    from perstream.memory.graphml import write
    from perstream.memory.memory import Memory

    settings = options.settings(config, store)
    keys = vault(settings)
    with (
        Memory.open(keys.folder, settings.memory, unembedded, read_only=True, keys=keys) as memory,
        written(file) as out,
    ):
        if kind == ".graphml":
            graph = memory.graph()
            write(graph, out)
            done = {"nodes": graph.number_of_nodes(), "edges": graph.number_of_edges()}
        else:
            made = memory.exchange.export(out, progress("exported"))
            done = {"memories": made.memories, "entities": made.entities, "gaps": made.gaps}
    _say_written(file, done, file.stat().st_size, as_json)


def _say_written(file: Path, done: dict[str, int], size: int, as_json: bool) -> None:
    if as_json:
        output.emit({"file": str(file), **done, "bytes": size})
    else:
        counts = ", ".join(f"{count} {name}" for name, count in done.items())
        output.say(f"wrote {counts} to {file} ({size / 1e6:.1f} MB)")


def import_(
    file: Annotated[
        Path, typer.Argument(help="An export: FILE.jsonl, FILE.zip or its folder; or FILE.json (dataset records).")
    ],
    participant: Annotated[
        int | None, typer.Option("--participant", help="Whose memories, of dataset records about several people.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", help="When dataset memories were told, ISO time.", show_default="now")
    ] = None,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Take memories in from a file: all of them or, on an error, none. What is there already is not doubled."""
    from perstream.imports.formats import ENDINGS
    from perstream.memory.unpacked import is_archive

    if file.suffix.lower() in ENDINGS:
        raise ConfigError(f"{file} is of another program: perstream import {file}")
    kind = ".zip" if is_archive(file) else _kind(file, (".jsonl", ".json", ".zip"))
    if kind != ".json" and (participant is not None or at is not None):
        raise ConfigError("--participant and --at are for dataset records (FILE.json): an export says it itself")
    if not file.is_file() and not file.is_dir():
        raise NotFound(f"there is no file {file}")
    settings = options.settings(config, store)
    when = options.moment(at, "--at") or datetime.now(timezone.utc)
    if kind == ".json":
        done = _records(file, participant, when, settings)
    else:
        done = _export(file, settings, archive=kind == ".zip")
    if as_json:
        output.emit({"file": str(file), **done})
        return
    output.say(f"imported {done['memories']} memories from {file}")
    if done["known"]:
        output.say(f"{done['known']} {'was' if done['known'] == 1 else 'were'} there already")
    if done.get("redacted"):
        output.say(f"{done['redacted']} secrets were left out (perstream privacy log)")
    if done.get("embedded"):
        output.say(f"{done['embedded']} had no vectors of this embedder and were embedded anew")


def _export(file: Path, settings: Config, archive: bool) -> dict[str, int]:
    from perstream.app import open_memory
    from perstream.assistant.redacting import Clearing, Redacting
    from perstream.memory.unpacked import Unpacked

    backend = _backend(settings)
    try:
        with (
            Unpacked(file) if archive else file.open("rb") as opened,
            open_memory(settings, backend, keys=vault(settings)) as memory,
        ):
            redacting = Redacting(memory, settings.privacy, lambda _: None)
            secrets = Clearing(redacting)
            how = (backend.embedder.embed_tokens, progress("imported"), secrets)
            if isinstance(opened, Unpacked):
                made = memory.exchange.import_archive(opened, *how)
            else:
                made = memory.exchange.import_from(opened, *how)
            redacting.note(secrets.found, datetime.now(timezone.utc), "imported")
    except OSError as error:
        raise StoreError(f"cannot read {file}: {error.strerror}") from error
    left_out = sum(secrets.found.values())
    return {
        "memories": made.memories,
        "known": made.known,
        "gaps": made.gaps,
        "embedded": made.embedded,
        "redacted": left_out,
    }


def _records(file: Path, participant: int | None, at: datetime, settings: Config) -> dict[str, int]:
    from perstream.app import open_memory
    from perstream.assistant.redacting import Redacting
    from perstream.lab.import_records import tell, told_in

    texts = told_in(file, participant)
    backend = _backend(settings)
    with open_memory(settings, backend, keys=vault(settings)) as memory:
        redacting = Redacting(memory, settings.privacy, lambda _: None)
        added, known = tell(texts, at, memory, backend, progress("imported"), redacting)
    return {"memories": added, "known": known}


def _backend(settings: Config) -> Backend:
    from perstream.models.registry import load_backend

    return load_backend(settings.backend, settings.moment)


def _kind(file: Path, kinds: tuple[str, ...]) -> str:
    kind = file.suffix.lower()
    if kind not in kinds:
        raise ConfigError(f"the file's name must end in {' or '.join(kinds)}, not {kind or file.name!r}")
    return kind
