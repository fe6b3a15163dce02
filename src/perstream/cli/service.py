"""``perstream service``: the daemon as a service of the user, with systemd or launchd."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from perstream.cli import options, output
from perstream.cli.profile import chosen
from perstream.cli.service_host import host_here
from perstream.cli.service_units import Service
from perstream.config import Config
from perstream.errors import BackendUnavailable, ConfigError, StoreBusy
from perstream.places import profile_name, store_folder
from perstream.settings import NOT_SETTINGS

SECRET_SETTINGS = frozenset({"PERSTREAM_DELIVERY_WEBHOOK"})
Profile = Annotated[str | None, typer.Option("--profile", help="Whose memory: a profile's name.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        help="Run the daemon as a service of yours: systemd on Linux, launchd on macOS.", no_args_is_help=True
    )
    group.command()(install)
    group.command()(uninstall)
    group.command()(status)
    group.command()(logs)
    app.add_typer(group, name="service")


def install(
    sources: Annotated[list[str] | None, typer.Argument(help="What to watch, as for perstream serve.")] = None,
    store: options.Store = None,
    config: options.ConfigFile = None,
    profile: Profile = None,
    memory_max: Annotated[
        str,
        typer.Option("--memory-max", help="Memory it may take before it is ended: 4G, 75%, infinity. systemd only."),
    ] = "75%",
    print_only: Annotated[bool, typer.Option("--print", help="Show the unit; change nothing.")] = False,
    as_json: options.Json = False,
) -> None:
    """Write the service, start it, and start it at every log-in. Once more changes what is different and no more."""
    if not re.fullmatch(r"\d{1,12}[KMGT]?|\d{1,3}%|infinity", memory_max):
        raise ConfigError(f"--memory-max {memory_max[:20]!r} is no size: 4G, 75% or infinity")
    if config is None and Path("perstream.toml").is_file():
        config = Path("perstream.toml")
    settings = options.settings(config, store, profile=profile)
    service = _service(settings, sources or [], store, config, memory_max)
    host = host_here()
    if print_only:
        typer.echo(host.unit(service), nl=False)
        return
    if find_spec("uvicorn") is None:
        raise BackendUnavailable("serving needs: pip install 'perstream[server]' (uvicorn is missing)")
    if not host.path(service.name).exists() and _is_served(store_folder(settings)):
        raise StoreBusy(f"a daemon serves {store_folder(settings)} already: stop it first")
    for folder in service.writable:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    changed = host.install(service)
    unit = host.path(service.name)
    if as_json:
        output.emit({"service": service.name, "unit": str(unit), "changed": changed})
        return
    output.say(f"{service.name} {'is installed and started' if changed else 'was installed just so, and runs'}: {unit}")
    for name in sorted(SECRET_SETTINGS & set(os.environ)):
        output.say(f"{name} is not written there: put the line {name}=… into {service.secrets} (mode 0600)")
    for line in filter(None, (host.hint(),)):
        output.say(line)


def uninstall(profile: Profile = None, as_json: options.Json = False) -> None:
    """Stop it and take the service away; memories and settings stay."""
    name = _name(profile or chosen())
    removed = host_here().uninstall(name)
    if as_json:
        output.emit({"service": name, "removed": removed})
    else:
        output.say(f"{name} is {'removed' if removed else 'not installed'}; memories stay where they are")


def status(profile: Profile = None, as_json: options.Json = False) -> None:
    """Say how the service is doing; exit code 1 when it does not run. See also: perstream status."""
    name = _name(profile or chosen())
    state = host_here().state(name)
    runs = (state.get("ActiveState") or state.get("state")) in ("active", "running")
    if as_json:
        output.emit({"service": name, "running": runs, **state})
    else:
        output.table([("service", name), *state.items()])
    if not runs:
        raise typer.Exit(1)


def logs(
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="So many of the latest.")] = 100,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as more are written.")] = False,
    profile: Profile = None,
) -> None:
    """Show what it logged."""
    name = _name(profile or chosen())
    host = host_here()
    host.state(name)
    raise typer.Exit(subprocess.run(host.log_command(name, lines, follow), check=False).returncode)


def _service(settings: Config, sources: list[str], store: Path | None, config: Path | None, memory_max: str) -> Service:
    command = [sys.executable, "-m", "perstream", "serve", *map(_from_anywhere, sources)]
    if store is not None:
        command += ["--store", str(store.expanduser().resolve())]
    if config is not None:
        command += ["--config", str(config.expanduser().resolve())]
    writable = [store_folder(settings).resolve()]
    if settings.backup.folder:
        writable.append(Path(settings.backup.folder).expanduser().resolve())
    if settings.log.file:
        writable.append(Path(settings.log.file).expanduser().resolve().parent)
    environment = {
        name: value
        for name, value in sorted(os.environ.items())
        if name.startswith("PERSTREAM_") and name not in NOT_SETTINGS | SECRET_SETTINGS
    }
    if "PERSTREAM_STORE" in environment:
        environment["PERSTREAM_STORE"] = str(Path(environment["PERSTREAM_STORE"]).expanduser().resolve())
    if settings.profile:
        environment["PERSTREAM_PROFILE"] = settings.profile
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Service(
        _name(settings.profile),
        tuple(command),
        tuple(dict.fromkeys(writable)),
        tuple(environment.items()),
        home / "perstream" / "environment",
        memory_max,
    )


def _is_served(store: Path) -> bool:
    if not (store / "daemon.json").exists():
        return False
    from perstream.web.address import find_daemon

    return find_daemon(store) is not None


def _name(profile: str | None) -> str:
    profile = profile or chosen()
    return f"perstream-{profile_name(profile)}" if profile else "perstream"


def _from_anywhere(source: str) -> str:
    """A file's whole path: the service runs in another folder."""
    path = Path(source).expanduser()
    return str(path.resolve()) if "://" not in source and path.exists() else source
