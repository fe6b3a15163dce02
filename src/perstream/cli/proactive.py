"""``perstream why``, ``feedback``, ``snooze``, ``dnd`` and ``weights``: words said unasked, and the owner's say in them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from perstream.cli import options, output
from perstream.cli.house import opened
from perstream.errors import ConfigError

if TYPE_CHECKING:
    from perstream.speech import Considered


class Rating(str, Enum):
    """What the owner thought of a word."""

    useful = "useful"
    dismiss = "dismiss"


class Switch(str, Enum):
    """On or off."""

    on = "on"
    off = "off"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (why, feedback, snooze, dnd, weights):
        app.command()(command)


def why(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="At most this many.")] = 20,
    said: Annotated[
        bool | None, typer.Option("--said/--silent", help="Only words, or only silences.", show_default="both")
    ] = None,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """What was said unasked, what was held back, and why; newest first."""
    with opened(options.settings(config, store)) as house:
        state = house.proactive(limit, said)
    if as_json:
        from perstream.jsonlines import plain

        for word in state.words:
            output.emit({**plain(word), "said": word.said})
        return
    for word in state.words:
        _print(word)
    if not state.words:
        output.say("nothing was said, and nothing was held back")
    if state.do_not_disturb:
        output.say("do not disturb is on: only health and safety is said", bold=True)
    for one in state.snoozed:
        until = output.clock(one.snoozed_until) if one.snoozed_until else ""
        output.say(f"snoozed until {until}: {one.topic or 'everything'}", bold=True)


def feedback(
    word: Annotated[int, typer.Argument(min=1, help="Number of a word that was said: perstream why --said.")],
    rating: Annotated[Rating, typer.Argument(help="Was it of use?")],
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Say that a word was useful, or dismiss it: then it rests, and others of its kind need to be surer."""
    with opened(options.settings(config, store)) as house:
        rated = house.rate_word(word, "useful" if rating is Rating.useful else "dismissed")
    output.emit(rated) if as_json else output.say(f"#{rated.id} {rated.feedback}: {rated.text}")


def snooze(
    for_: Annotated[
        str | None, typer.Option("--for", help="So long: 20m, 2h, 1d.", show_default="until it is woken")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="ISO time, local unless it names a zone.")] = None,
    topic: Annotated[str, typer.Option("--topic", help="As perstream why lists it.", show_default="everything")] = "",
    wake: Annotated[bool, typer.Option("--wake", help="End it instead.")] = False,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Hold back a topic, or everything but health and safety, for a time."""
    if [for_ is not None, until is not None, wake].count(True) != 1:
        raise ConfigError("snooze wants one of --for, --until and --wake")
    end = (
        None
        if wake
        else options.moment(until, "--until")
        if until
        else datetime.now(timezone.utc) + _length(for_ or "")
    )
    with opened(options.settings(config, store)) as house:
        house.snooze(topic, end)
    if as_json:
        output.emit({"topic": topic, "until": end})
    else:
        output.say(f"{topic or 'everything'}: " + (f"snoozed until {output.clock(end)}" if end else "awake"))


def dnd(
    switch: Annotated[
        Switch | None, typer.Argument(help="Set it first.", show_default="only say how it is set")
    ] = None,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Do not disturb: only health and safety is said unasked."""
    with opened(options.settings(config, store)) as house:
        on = house.do_not_disturb(None if switch is None else switch is Switch.on)
    output.emit({"on": on}) if as_json else output.say(f"do not disturb is {'on' if on else 'off'}")


def weights(
    reset: Annotated[bool, typer.Option("--reset", help="Take the votes back.")] = False,
    topic: Annotated[str | None, typer.Option("--topic", help="Only this topic or kind.", show_default="all")] = None,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """What your feedback made of topics and kinds: (useful - dismissed) / (useful + dismissed + 4)."""
    with opened(options.settings(config, store)) as house:
        if reset:
            count = house.reset_weights(topic)
            output.emit({"reset": count}) if as_json else output.say(f"took back the votes on {count} topics and kinds")
            return
        found = [one for one in house.speech_weights() if topic is None or one.topic == topic]
    for one in found:
        if as_json:
            output.emit(
                {"topic": one.topic, "useful": one.useful, "dismissed": one.dismissed, "weight": round(one.weight, 4)}
            )
        else:
            output.say(f"{one.weight:+.2f}  {one.topic}  {one.useful} useful, {one.dismissed} dismissed")
    if not found and not as_json:
        output.say("no votes yet: perstream feedback ID useful|dismiss")


def _length(text: str) -> timedelta:
    unit = {"s": 1, "m": 60, "h": 3600, "d": 86400}.get(text[-1:].lower())
    number = text[:-1]
    if unit is None or not number.isdecimal() or not 0 < int(number[:9]) * unit <= 366 * 86400 or len(number) > 9:
        raise ConfigError(f"--for wants a length like 20m, 2h or 1d, up to a year, not {text[:20]!r}")
    return timedelta(seconds=int(number) * unit)


def _print(word: Considered) -> None:
    again = f" ×{word.times}" if word.times > 1 else ""
    rated = f" · {word.feedback}" if word.feedback else ""
    verdict = "said" if word.said else f"silent: {word.reason}{again}"
    output.say(f"#{word.id} {output.clock(word.at)} {verdict}{rated}  {word.topic}", bold=word.said)
    if word.text:
        output.paragraph(word.text, 6, dim=not word.said)
    note = word.why if word.said else word.detail
    if note:
        output.paragraph(note, 6, dim=True)
