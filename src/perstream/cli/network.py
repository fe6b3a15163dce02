"""``perstream status --network``: what may leave this machine, and what did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perstream.cli import output

if TYPE_CHECKING:
    from perstream.daemon.privacy_status import Network
    from perstream.protocols import Sent


def show(found: Network) -> None:
    """For a person, at 80 columns."""
    if found.leaves:
        output.say("may leave this machine, as it is set up:", bold=True)
    else:
        output.say("nothing leaves this machine", bold=True)
    for way in found.ways:
        if way.leaves:
            _way(way.name, way.where, way.what, way.setting)
    inside = [way for way in found.ways if not way.leaves]
    if inside:
        output.say("stays here, or only comes in:")
    for way in inside:
        _way(way.name, way.where, way.what, way.setting)
    output.say(f"left since the start: {_size(found.left_bytes)}", bold=bool(found.left_bytes))
    for one in found.sent:
        _sent(one)
    if found.posted.words or found.posted.failed:
        posted = found.posted
        output.say(f"  webhook: {posted.words} words, {_size(posted.bytes_sent)}; {posted.failed} failed")


def _way(name: str, where: str, what: str, setting: str) -> None:
    output.say(f"  {name}  {where}  ({setting})")
    output.paragraph(what, 4, dim=True)


def _sent(one: Sent) -> None:
    output.say(f"  {one.kind} to {one.server}")
    counts = (
        f"{one.calls} calls",
        _size(one.bytes_sent),
        f"{one.pictures} pictures",
        f"{one.sounds} sounds",
        f"{one.tokens_in} tokens",
        f"{one.failed} failed",
    )
    output.paragraph(", ".join(counts), 4, dim=True)


def _size(count: int) -> str:
    return f"{count} bytes" if count < 10_000 else f"{count / 1e3:.0f} kB" if count < 1e7 else f"{count / 1e6:.1f} MB"
