"""``perstream privacy retention``: what the retention rules would remove now, or removing it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from perstream.cli import options, output
from perstream.cli.house import opened

if TYPE_CHECKING:
    from perstream.daemon.privacy_status import AgeReport


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command()(retention)


def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go; remove nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Forget what is older than privacy.retention allows, now; the daemon does so every hour by itself."""
    with opened(options.settings(config, store)) as house:
        report = house.retention(True)
        count = sum(one.memories for one in report.rules)
        if not dry_run and report.rules:
            asked = count and not yes and not as_json
            if asked and not typer.confirm(f"It is {output.clock(report.now)}. Forget {count} memories for good?"):
                raise typer.Exit(1)
            report = house.retention(False)
    if as_json:
        output.emit(report)
        return
    _print(report, count)


def _print(report: AgeReport, count: int) -> None:
    if not report.rules:
        output.say('no rules: set privacy.retention, for example ["*=365d", "category:browsing=30d"]')
        return
    output.table([(one.rule, f"{one.memories} memories older than {_length(one.keep_s)}") for one in report.rules])
    if report.dry_run:
        output.say(f"would forget {count} memories; pinned ones stay", bold=True)
        if not report.believed:
            output.paragraph(
                f"The clock says {output.clock(report.now)}, far ahead of what was known. The daemon removes nothing "
                "for its age until that has held for a day, or until you run this without --dry-run."
            )
        return
    output.say(f"forgot {report.removed} memories", bold=True)
    if not report.finished:
        output.say("backups and the store's free space are cleared of them within the hour")


def _length(seconds: float) -> str:
    span = timedelta(seconds=seconds)
    return f"{span.days} days" if span >= timedelta(days=2) else f"{seconds / 3600:g} h"
