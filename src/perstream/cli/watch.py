"""``perstream watch``: stream a source into the memory, live, with questions while it runs."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perstream.cli import options, output
from perstream.cli.house import opened
from perstream.errors import ConfigError

if TYPE_CHECKING:
    from perstream.app import App
    from perstream.cli.live import LiveView
    from perstream.daemon.bus import Subscription
    from perstream.web.client import Client

MAX_FACTS_BYTES = 1_000_000
INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""
EVENTS_BEHIND = 1_000_000
"""A slow terminal loses no event of a recording."""
HELP = "Ask a question, or: /remember TEXT, /status, /help, /quit"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(watch)


def watch(
    source: Annotated[
        str, typer.Argument(help="Video file, folder of videos or images, webcam:0, rtsp:// or http:// URL.")
    ],
    start_time: Annotated[
        str | None,
        typer.Option("--start-time", help="When a recording began, ISO time.", show_default="from the file"),
    ] = None,
    questions: Annotated[
        list[str] | None, typer.Option("--ask", help="A question to ask at the end; repeatable.")
    ] = None,
    facts: Annotated[list[str] | None, typer.Option("--remember", help="A fact to remember first; repeatable.")] = None,
    facts_file: Annotated[
        Path | None, typer.Option("--facts", help="File of facts to remember first, one a line.")
    ] = None,
    no_prompt: Annotated[bool, typer.Option("--no-prompt", help="End with the source; no questions typed.")] = False,
    no_proactive: Annotated[bool, typer.Option("--no-proactive", help="Never speak up unasked.")] = False,
    realtime: Annotated[
        bool, typer.Option("--realtime/--fast", help="Pace a file by its own time, or as fast as it goes.")
    ] = False,
    gamma: Annotated[float | None, typer.Option("--gamma-threshold", help="Remember gate, 0 to 1.")] = None,
    buffer_size: Annotated[int | None, typer.Option("--buffer-size", help="Keyframes per moment.")] = None,
    queue_size: Annotated[int | None, typer.Option("--queue-size", help="Short-term memory, keyframes.")] = None,
    pool_size: Annotated[int | None, typer.Option("--pool-size", help="Patch vectors per side.")] = None,
    incognito: options.Incognito = False,
    masks: options.Mask = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Show every keyframe, also those in which nothing can be named.")
    ] = False,
    store: options.Store = None,
    config: options.ConfigFile = None,
    backend: options.Backend = None,
    model: options.Model = None,
    device: options.Device = None,
    dtype: options.Dtype = None,
    load_in: options.LoadIn = None,
    adapter: options.Adapter = None,
    as_json: options.Json = False,
) -> None:
    """Watch a source: see, keep, remember, speak up; ask questions while it runs."""
    from perstream.cli.live import LiveView

    began = options.moment(start_time, "--start-time")
    told = [*_facts_in(facts_file), *(facts or [])]
    settings = options.settings(
        config,
        store,
        backend,
        proactive__enabled=False if no_proactive else None,
        gate__gamma_threshold=gamma,
        moment__buffer_size=buffer_size,
        moment__queue_size=queue_size,
        moment__pool_size=pool_size,
        privacy__incognito=incognito or None,
        **options.brain(model, device, dtype, load_in, adapter),
    )
    with opened(settings, session=True) as house:
        for fact in told:
            house.tell(fact, at=began)
        subscription = house.subscribe(EVENTS_BEHIND)
        view = LiveView(subscription, as_json, everything)
        view.start()
        name = None
        try:
            name = house.watch(_absolute(source), start_time=began, realtime=realtime, masks=masks or [])
            _check_paused(house, name)
            _until_done(house, name, view, prompt=not no_prompt, as_json=as_json)
            failure = house.failure(name)
            if failure is not None:
                raise failure
            for question in questions or []:
                _ask(house, name, question, as_json)
        except KeyboardInterrupt:
            typer.echo("perstream: stopping; what was perceived is being remembered", err=True)
            if name is not None:
                house.remove(name)
            raise typer.Exit(INTERRUPTED) from None
        finally:
            _end(house, subscription, view)


def _check_paused(house: App | Client, name: str) -> None:
    """What the owner paused stays so. ConfigError where nobody could resume it: this process holds the store."""
    if not any(one.name == name and one.state == "paused" for one in house.sources()):
        return
    if not hasattr(house, "address"):
        raise ConfigError(f"{name} is paused, as you asked: run `perstream resume` first")
    typer.echo(f"perstream: {name} is paused, as you asked, until: perstream resume", err=True)


def _until_done(house: App | Client, name: str, view: LiveView, *, prompt: bool, as_json: bool) -> None:
    """Run the prompt while the source runs, or wait for its end."""
    if prompt and not as_json and sys.stdin.isatty():
        _prompt(house, name)
        return
    while house.wait(name, timeout=0.5) is None:
        pass  # short waits, so that Ctrl-C is heard at once
    view.ended.wait(timeout=10)  # answers come below what happened before them
    if prompt and not sys.stdin.isatty():
        for line in _piped():
            _ask(house, name, line, as_json)


def _prompt(house: App | Client, name: str) -> None:
    """Read questions until Ctrl-D or /quit; what happens meanwhile is printed above the line."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.patch_stdout import patch_stdout

    session: PromptSession[str] = PromptSession()
    output.say(HELP, dim=True)
    with patch_stdout(raw=True):
        while True:
            try:
                line = session.prompt("perstream> ").strip()
            except EOFError:
                return
            if line in ("/quit", "/exit", "quit", "exit"):
                return
            if line:
                _obey(house, name, line)


def _obey(house: App | Client, name: str, line: str) -> None:
    command, _, rest = line.partition(" ")
    if command == "/remember" and rest.strip():
        house.tell(rest.strip())  # the live view shows what was stored
    elif command == "/status":
        memory = house.status().memory
        output.say(f"{memory.memories} memories, {memory.disk_mb:.1f} MB on disk")
    elif command.startswith("/"):
        output.say(HELP)
    else:
        _ask(house, name, line, as_json=False)


def _ask(house: App | Client, name: str, question: str, as_json: bool) -> None:
    if not as_json:
        output.say(f"? {question}", bold=True)
    reply = house.ask(question, now=_ended_at(house, name))
    output.emit(reply) if as_json else output.print_reply(reply)


def _ended_at(house: App | Client, name: str) -> datetime | None:
    """Questions about a recording that has ended are asked at its end; None while it runs, and for what is live."""
    from perstream.daemon.status import SourceState

    ended = (one for one in house.sources() if one.name == name and not one.live and one.state is SourceState.ENDED)
    return next((one.last_frame_at for one in ended), None)


def _piped() -> Iterable[str]:
    """Questions on standard input, one a line."""
    for raw in sys.stdin.buffer:
        line = raw[:8192].decode("utf-8", "replace").strip()
        if line:
            yield line


def _absolute(source: str) -> str:
    """A path as a daemon started elsewhere understands it; other sources as they are."""
    if not source.strip():
        raise ConfigError("no source: give a video file, a folder, webcam:0, or an rtsp:// or http:// URL")
    path = Path(source).expanduser()
    return str(path.absolute()) if "://" not in source and path.exists() else source


def _facts_in(path: Path | None) -> list[str]:
    """Facts of a file, one a line; empty lines and # comments are left out."""
    if path is None:
        return []
    try:
        data = path.read_bytes()[: MAX_FACTS_BYTES + 1]
    except OSError as error:
        raise ConfigError(f"cannot read the facts in {path}: {error.strerror}") from error
    if len(data) > MAX_FACTS_BYTES:
        raise ConfigError(f"the file of facts {path} is larger than {MAX_FACTS_BYTES:,} bytes")
    try:
        lines = data.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ConfigError(f"the file of facts {path} is not UTF-8 text") from error
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _end(house: App | Client, subscription: Subscription, view: LiveView) -> None:
    """Stop what this command started, and print what is still to be said."""
    house.close()
    subscription.close()
    view.join(timeout=10)
