"""``perstream ask``, ``remember`` and ``recall``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from perstream.cli import options, output
from perstream.cli.house import opened
from perstream.errors import ConfigError
from perstream.privacy.redact import counted

MAX_TEXT = 100_000
"""Characters of a question or told sentence; what is longer is refused, not cut."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(ask)
    app.command()(remember)
    app.command()(recall)


def ask(
    question: Annotated[str, typer.Argument(help="A question; - reads it from standard input.")],
    store: options.Store = None,
    config: options.ConfigFile = None,
    backend: options.Backend = None,
    model: options.Model = None,
    device: options.Device = None,
    dtype: options.Dtype = None,
    load_in: options.LoadIn = None,
    adapter: options.Adapter = None,
    now: options.Now = None,
    as_json: options.Json = False,
) -> None:
    """Ask what you have seen, heard or told. Without evidence the answer is that there is none."""
    text = given(question, "the question")
    when = options.moment(now, "--now")
    brain = options.brain(model, device, dtype, load_in, adapter)
    with opened(options.settings(config, store, backend, **brain)) as house:
        reply = house.ask(text, now=when)
    output.emit(reply) if as_json else output.print_reply(reply)


def remember(
    text: Annotated[
        str, typer.Argument(help="Something to remember, in the first person; - reads lines from standard input.")
    ],
    store: options.Store = None,
    config: options.ConfigFile = None,
    backend: options.Backend = None,
    at: Annotated[str | None, typer.Option("--at", help="When it was said, ISO time.", show_default="now")] = None,
    as_json: options.Json = False,
) -> None:
    """Tell a fact, for example "I am allergic to peanuts"."""
    facts = [line for line in given(text, "the text").splitlines() if line.strip()]
    when = options.moment(at, "--at")
    with opened(options.settings(config, store, backend)) as house:
        for fact in facts:
            record = house.tell(fact, at=when)
            output.emit_memory(record) if as_json else output.print_memory(record)
            if record.redacted and not as_json:
                output.say(f"left out: {counted(record.redacted)} (perstream privacy log)")


def recall(
    text: Annotated[str, typer.Argument(help="Words to search for; may be empty with --image.")] = "",
    image: Annotated[Path | None, typer.Option("--image", help="A picture to find similar moments.")] = None,
    since: options.Since = None,
    until: options.Until = None,
    k: Annotated[int | None, typer.Option("-k", "--top-k", min=1, max=20, help="How many results.")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="As it stood at this ISO time: what was known by then, and held.")
    ] = None,
    history: Annotated[bool, typer.Option("--history", help="Also what a newer statement replaced.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show why each result is there.")] = False,
    store: options.Store = None,
    config: options.ConfigFile = None,
    backend: options.Backend = None,
    now: options.Now = None,
    as_json: options.Json = False,
) -> None:
    """Search the memories by words, time or picture."""
    words = given(text, "the text") if text else ""
    if not words and image is None:
        raise ConfigError("recall wants words to search for, or --image FILE")
    with opened(options.settings(config, store, backend)) as house:
        hits = house.recall(
            words,
            image=image,
            since=options.moment(since, "--since"),
            until=options.moment(until, "--until"),
            k=k,
            now=options.moment(now, "--now"),
            as_of=options.moment(as_of, "--as-of"),
            history=history,
        )
    if as_json:
        for hit in hits:
            output.emit_hit(hit)
    elif hits:
        output.print_hits(hits, explain)
    else:
        output.say("nothing found")


def given(text: str, what: str) -> str:
    """The text of an argument (or of standard input for ``-``), checked. ConfigError when it cannot be used."""
    if text == "-":
        data = sys.stdin.buffer.read(MAX_TEXT * 4 + 1)
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ConfigError(f"{what} is not UTF-8 text") from error
    if any(0xD800 <= ord(ch) <= 0xDFFF for ch in text):
        raise ConfigError(f"{what} is not UTF-8 text")
    if not text.strip():
        raise ConfigError(f"{what} is empty")
    if len(text) > MAX_TEXT:
        raise ConfigError(f"{what} is too long: {len(text):,} characters, at most {MAX_TEXT:,}")
    return text
