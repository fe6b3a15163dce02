"""``--profile NAME``, before a command or after it: whose memory a command is about."""

from __future__ import annotations

import socket
import zlib
from contextvars import ContextVar
from dataclasses import replace
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from perstream.config import Config, ServerConfig
from perstream.places import profile_name

_CHOSEN: ContextVar[str | None] = ContextVar("perstream_profile", default=None)
PORTS = 1000
"""Profiles get ports from 8770 on, so many; by their names, so that a page finds its profile again."""
FIRST_PORT = 8770


def choose(name: str | None) -> None:
    """The command that runs now is about this profile; None leaves it to the settings."""
    _CHOSEN.set(None if name is None else profile_name(name))


def chosen() -> str | None:
    """The profile that the command line names."""
    return _CHOSEN.get()


def _after(name: str | None) -> None:
    if name is not None:
        choose(name)


def _with_option(
    profile: Annotated[
        str | None,
        typer.Option("--profile", metavar="NAME", help="Whose memory.", callback=_after, expose_value=False),
    ] = None,
) -> None:
    """Never run: the option of every command that has a store."""


class People(TyperGroup):
    """Gives ``--profile`` to every command that takes ``--store``."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        tiny = typer.Typer(add_completion=False)
        tiny.command()(_with_option)
        option = next(one for one in typer.main.get_command(tiny).params if "--profile" in one.opts)
        _offer(self, option)


def _offer(command: Any, option: Any) -> None:
    if command.name == "profiles":  # about all of them
        return
    for sub in getattr(command, "commands", {}).values():
        _offer(sub, option)
    names = [one.opts for one in command.params]
    if ["--store"] in names and ["--profile"] not in names:
        command.params.insert(names.index(["--store"]) + 1, option)


def own_ports(settings: Config) -> Config:
    """A profile's daemon stands beside the first person's: where no port is set it takes its own, or any free one."""
    if not settings.profile:
        return settings
    default, server = ServerConfig(), settings.server
    place = zlib.crc32(settings.profile.encode()) % PORTS
    if server.port == default.port:
        server = replace(server, port=_free(server.host, FIRST_PORT + place))
    if server.lan and server.lan_port == default.lan_port:
        server = replace(server, lan_port=_free("0.0.0.0", FIRST_PORT + PORTS + place))
    return replace(settings, server=server)


def _free(host: str, port: int) -> int:
    """The port when nobody has it, else 0, which is any."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return 0
    return port
