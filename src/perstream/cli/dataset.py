"""``perstream dataset …``: records made, checked and laid in store for training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perstream.cli import options, output

group = typer.Typer(
    help="Dataset records: make them, check them, encode them once.", no_args_is_help=True, rich_markup_mode=None
)
VideoDir = Annotated[
    Path | None, typer.Option("--video-dir", help="Where the dataset's videos are.", show_default="none")
]


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="dataset")


@group.command("validate")
def validate_file(
    file: Annotated[Path, typer.Argument(help="Dataset records, JSON.")],
    video_dir: VideoDir = None,
    as_json: options.Json = False,
) -> None:
    """List everything that is wrong with a dataset file, with line and field. Exit code 1 when anything is."""
    from perstream.lab.kit.validate import validate

    found = validate(file, video_dir)
    for finding in found.findings:
        if as_json:
            output.emit(
                {"line": finding.line, "record": finding.record, "field": finding.field, "problem": finding.message}
            )
        else:
            output.say(finding.words(file))
    if as_json:
        output.emit({"file": str(file), "records": found.records, "problems": len(found.findings)})
    else:
        output.say(f"{file}: {found.records} records, {len(found.findings) or 'no'} problems")
    if found.findings:
        raise typer.Exit(1)
