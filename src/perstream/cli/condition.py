"""How the house itself is doing, in lines for people: alerts, backups, what hangs, what is let go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from perstream.cli import output

if TYPE_CHECKING:
    from perstream.daemon.appstatus import AppStatus


def show_alerts(found: AppStatus) -> None:
    """What needs the owner, first of all."""
    for alert in found.alerts:
        output.say(
            f"! {alert.rule}: {alert.text} (since {output.clock(alert.since)})",
            color="red" if alert.urgent else "yellow",
            bold=True,
        )


def rows(found: AppStatus) -> Iterator[tuple[str, str]]:
    """Name and value."""
    backups = found.backups
    if backups.every_h:
        newest = output.clock(backups.newest) if backups.newest else "none yet"
        failed = f"; {backups.failed} failed, the last: {backups.last_error}" if backups.last_error else ""
        yield (
            "backups",
            f"every {backups.every_h:g} h, newest {newest}, {backups.kept} of its own kept in {backups.folder}{failed}",
        )
    dog = found.watchdog
    if dog.keep_one_in > 1:
        yield "shedding", f"one keyframe in {dog.keep_one_in} of live sources; work waits {dog.waiting_s:.0f} s"
    elif dog.shed_s:
        yield "shed load", f"for {dog.shed_s:.0f} s since the start"
    for stuck in dog.stuck:
        who = " ".join(word for word in (stuck.kind, stuck.subject) if word)
        yield "stuck", f"{who}: {stuck.step} for {stuck.seconds:.0f} s"
    if dog.found:
        yield "hung so far", ", ".join(f"{kind} {count}" for kind, count in dog.found.items())
    for chore in found.chores:
        if chore.last_error:
            yield f"chore {chore.name}", f"failed {chore.failed} times, the last: {chore.last_error}"
