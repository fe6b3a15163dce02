"""The daemon as a service in writing: a systemd unit of the user, or a launchd agent.

What is written was checked with ``systemd-analyze verify``. Paths and sources are escaped for where they stand; text
that cannot be written down there is refused.
"""

from __future__ import annotations

import plistlib
from dataclasses import dataclass
from pathlib import Path

from perstream.errors import ConfigError

HARDENING = """\
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
UMask=0077"""
"""Cameras and graphics cards stay reachable: no PrivateDevices, and no MemoryDenyWriteExecute, which JIT code needs."""
RESTARTS = """\
Restart=on-failure
RestartSec=5
RestartPreventExitStatus=2
TimeoutStartSec=15min
TimeoutStopSec=60
WatchdogSec=120"""
"""Exit code 2 is a setting that is wrong: trying again would not help. A model may take minutes to load."""


@dataclass(frozen=True)
class Service:
    """What runs, and what it may write."""

    name: str
    """``perstream``, or ``perstream-PROFILE``."""
    command: tuple[str, ...]
    """The first is an absolute path."""
    writable: tuple[Path, ...]
    environment: tuple[tuple[str, str], ...]
    """Settings that are no secrets."""
    secrets: Path
    """A file of NAME=VALUE lines that is read if it is there."""
    memory_max: str
    """As systemd has it: ``4G``, ``75%``."""


def systemd_unit(service: Service) -> str:
    """Text of the unit. ConfigError for what cannot stand in one."""
    settings = "".join(f"Environment={_quoted(f'{name}={value}')}\n" for name, value in service.environment)
    return f"""\
# Made by: perstream service install. It is written anew by the next one.
[Unit]
Description=PerStream remembers what it sees ({service.name})
StartLimitIntervalSec=600
StartLimitBurst=5

[Service]
Type=notify
NotifyAccess=main
ExecStart={" ".join(_quoted(word, command=True) for word in service.command)}
EnvironmentFile=-{_plain(str(service.secrets))}
{settings}ReadWritePaths={" ".join(_quoted(str(path)) for path in service.writable)}
MemoryMax={service.memory_max}
{RESTARTS}
{HARDENING}

[Install]
WantedBy=default.target
"""


def launchd_agent(service: Service, log: Path) -> bytes:
    """The agent's property list; launchd has no sandbox, no watchdog and no file of secrets."""
    for word in (*service.command, *(value for _, value in service.environment)):
        _printable(word)
    return plistlib.dumps(
        {
            "Label": label(service.name),
            "ProgramArguments": list(service.command),
            "EnvironmentVariables": dict(service.environment),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 30,
            "ExitTimeOut": 60,
            "Umask": 0o077,
            "StandardOutPath": str(log),
            "StandardErrorPath": str(log),
        }
    )


def label(name: str) -> str:
    """launchd's name for a service."""
    return f"org.perstream.{name}"


def _quoted(word: str, *, command: bool = False) -> str:
    """One word: quotes and backslashes, specifiers (%), and in commands variables ($)."""
    word = _printable(word).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{word.replace("$", "$$") if command else word}"'


def _plain(text: str) -> str:
    """A whole line's value, in which systemd knows no quotes."""
    return _printable(text).replace("%", "%%")


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ConfigError(
            f"{text[:80]!r} cannot stand in a service: it holds a line break or another control character"
        )
    return text
