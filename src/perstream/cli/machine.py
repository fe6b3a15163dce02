"""``perstream status``, ``doctor``, ``setup`` and ``serve``."""

from __future__ import annotations

import faulthandler
import os
import platform
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from perstream.cli import condition, options, output
from perstream.cli.devices import show
from perstream.cli.house import opened
from perstream.cli.logs import logging_as
from perstream.cli.network import show as show_network
from perstream.cli.passphrase import ask
from perstream.cli.profile import own_ports
from perstream.config import Config
from perstream.errors import BackendUnavailable
from perstream.places import store_folder
from perstream.settings import settings_file


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(status)
    app.command()(doctor)
    app.command()(setup)
    app.command()(serve)


def status(
    network: Annotated[
        bool, typer.Option("--network", help="Say what may leave this machine, and what did, instead.")
    ] = False,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Say how much is remembered, what it takes, and what is being watched."""
    with opened(options.settings(config, store)) as house:
        if network:
            leaving = house.network()
            output.emit(leaving) if as_json else show_network(leaving)
            return
        found = house.status()
    if as_json:
        output.emit(found)
        return
    memory = found.memory
    condition.show_alerts(found)
    output.table(
        [
            ("store", found.store),
            ("backend", found.backend),
            *(("", note) for note in found.notes),
            *((("adapter", found.adapter),) if found.adapter else ()),
            *((f"stood in: {what}", count) for what, count in found.fallbacks.items()),
            ("memories", f"{memory.memories} ({memory.entities} entities, {memory.edges} edges)"),
            *memory.lines(),
            ("oldest", output.clock(memory.oldest) if memory.oldest else "none"),
            ("newest", output.clock(memory.newest) if memory.newest else "none"),
            *((f"silent: {reason}", count) for reason, count in found.silences.items()),
            ("errors", found.errors),
            *condition.rows(found),
        ]
    )
    for one in found.sent:
        output.say(
            f"sent to {one.server} ({one.model}, {one.kind}): {one.calls} calls, {one.bytes_sent / 1e3:.0f} kB, "
            f"{one.pictures} pictures, {one.tokens_in} tokens; {one.tokens_out} came back; "
            f"{one.failed} failed, {one.refused} over the hourly budget"
        )
    for source in found.sources:
        output.say(f"{source.name}: {source.state}, {source.frames} frames, {source.memories} memories")
        hidden = [*(f"region {mask}" for mask in source.masks), *(["faces"] if source.faceless else [])]
        if hidden:
            output.paragraph(f"nobody sees: {', '.join(hidden)}", 2, dim=True)
    if not found.sources:
        output.say("nothing is being watched")


def doctor(config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Say what this machine has, what is missing, and which backend ``auto`` takes and why."""
    from perstream.memory.engine import has_sqlcipher
    from perstream.models.minilm import default_folder, is_built
    from perstream.models.registry import auto_choice
    from perstream.perception.capabilities import capabilities

    settings = options.settings(config, None)
    choice = auto_choice(settings.backend)
    folder = Path(settings.backend.embedder_path) if settings.backend.embedder_path else default_folder()
    ready = is_built(folder)
    checks = [
        ("python", True, f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        ("text embedder", ready, str(folder) if ready else "missing: run `perstream setup`"),
        *((f"sees {c.name}", c.available, c.reason or "ready") for c in capabilities()),
        ("encryption", has_sqlcipher(), "ready" if has_sqlcipher() else "missing: pip install 'perstream[crypt]'"),
        ("store", True, str(store_folder(settings))),
    ]
    if as_json:
        for name, available, detail in checks:
            output.emit({"check": name, "ok": available, "detail": detail})
        output.emit(
            {
                "check": "backend",
                "ok": ready,
                "detail": choice.why,
                "auto": choice.name,
                "ladder": [{"backend": rung.name, "why": rung.why} for rung in choice.rungs],
                "found": list(choice.found),
            }
        )
    else:
        for name, available, detail in checks:
            output.say(
                f"{'ok     ' if available else 'MISSING'}  {name:<16} {detail}", color=None if available else "yellow"
            )
        for line in choice.found:
            output.say(f"         {line}", dim=True)
        output.say(f"auto takes the backend {choice.name}: {choice.why}", bold=True)
        for rung in choice.rungs[1:]:
            output.say(f"if that cannot run: {rung.name} ({rung.why})", dim=True)
        if settings.backend.name != "auto":
            output.say(f"the settings ask for the backend {settings.backend.name}")
    if not ready:
        raise typer.Exit(BackendUnavailable.exit_code)


def setup(
    force: Annotated[bool, typer.Option("--force", help="Build again even if it is there.")] = False,
    as_json: options.Json = False,
) -> None:
    """Build the text embedder from its installed weights, once. Nothing is downloaded."""
    from perstream.models.minilm import default_folder, is_built
    from perstream.models.minilm_build import build

    folder = default_folder()
    there = is_built(folder) and not force
    if not there:
        build(folder)
    if as_json:
        output.emit({"embedder": str(folder), "built": not there})
    else:
        output.say(f"text embedder {'is there' if there else 'built'}: {folder}")


def serve(
    context: typer.Context,
    sources: Annotated[
        list[str] | None, typer.Argument(help="What to watch: files, webcam:0, rtsp:// or http:// URLs.")
    ] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port on 127.0.0.1; 0 takes any free one.")] = None,
    lan: Annotated[
        bool, typer.Option("--lan", help="Serve the local network too, over TLS, for devices that were paired.")
    ] = False,
    lan_port: Annotated[int | None, typer.Option("--lan-port", help="Port for --lan; 0 takes any free one.")] = None,
    masks: options.Mask = None,
    incognito: options.Incognito = False,
    store: options.Store = None,
    config: options.ConfigFile = None,
    backend: options.Backend = None,
    model: options.Model = None,
    device: options.Device = None,
    dtype: options.Dtype = None,
    load_in: options.LoadIn = None,
    adapter: options.Adapter = None,
    log_format: Annotated[
        Literal["text", "json"] | None,
        typer.Option("--log-format", help="Lines of text or JSON on standard error.", show_default="log.format"),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Run the daemon: watch the sources, serve the HTTP API, on this machine only unless --lan."""
    brain = options.brain(model, device, dtype, load_in, adapter)
    flags = {"server__port": port, "server__lan": lan or None, "server__lan_port": lan_port, "log__format": log_format}
    flags["privacy__incognito"] = incognito or None
    settings = own_ports(options.settings(config, store, backend, **flags, **brain))
    verbose = bool(context.find_root().params.get("verbose"))
    with logging_as(settings.log, verbose=verbose):
        _serve(settings, sources or [], masks or [], as_json, settings_file(config))


def _serve(settings: Config, sources: list[str], masks: list[str], as_json: bool, file: Path | None) -> None:
    try:
        from perstream.web.server import Server
    except ImportError as error:
        raise BackendUnavailable(f"serving needs: pip install 'perstream[server]' ({error.name} is missing)") from error
    from perstream.app import build
    from perstream.daemon import good_settings
    from perstream.daemon.notify import Heartbeat, Notifier
    from perstream.daemon.trimming import few_heaps
    from perstream.daemon.vitals import trouble_of

    notifier = Notifier(os.environ)
    if notifier.heard:
        faulthandler.enable()  # the watchdog's SIGABRT leaves the threads' stacks in the journal
    few_heaps()
    with build(settings, ask, lasting=True) as app:
        app.warm()
        for uri in sources:
            # A camera that is not there yet may come; a file that is not there is a mistake.
            app.watch(uri, keep="://" in uri or uri.startswith("webcam"), masks=masks)
        with Server(app, settings.server, app.store, folders=settings.source.folders) as server:
            if file is not None and not settings.privacy.incognito:
                good_settings.keep(file, app.store)  # a start with them has worked
            invitation = server.invite()
            if as_json:
                told = {"url": server.url, "token_file": str(server.token_file), "store": str(app.store)}
                output.emit({**told, "pairing": invitation} if invitation else told)
            else:
                output.say(f"serving {server.url}; the token is in {server.token_file}; Ctrl-C stops")
                if invitation:
                    show(invitation)
            sys.stdout.flush()
            with Heartbeat(notifier, lambda: trouble_of(app.readiness(), server.answers)):
                server.wait()
