"""Who runs services of a user here: systemd or launchd; asked and told through their own commands."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Protocol

from perstream.cli.service_units import Service, label, launchd_agent, systemd_unit
from perstream.errors import NotFound, PerStreamError

WAIT_S = 30.0
"""A start that loads a model takes longer; then it is not waited for."""


class ServiceError(PerStreamError):
    """The service manager is not there, or refused."""


class StillStarting(ServiceError):
    """A command did not end in time; what it began goes on."""


class Host(Protocol):
    """A service manager of the user."""

    def unit(self, service: Service) -> str:
        """What would be written."""

    def path(self, name: str) -> Path:
        """Where."""

    def install(self, service: Service) -> bool:
        """Write, enable and start it; False when it was there just so (and is started if it was not). ServiceError."""

    def uninstall(self, name: str) -> bool:
        """Stop it and take it away; False when there was none. ServiceError."""

    def state(self, name: str) -> dict[str, str]:
        """How it is doing. NotFound when it was not installed, ServiceError."""

    def log_command(self, name: str, lines: int, follow: bool) -> list[str]:
        """What shows its log."""

    def hint(self) -> str:
        """What the owner may want to do further; may be empty."""


class Systemd:
    """The user's own systemd."""

    def unit(self, service: Service) -> str:
        """What would be written."""
        return systemd_unit(service)

    def path(self, name: str) -> Path:
        """Where."""
        home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        return home / "systemd" / "user" / f"{name}.service"

    def install(self, service: Service) -> bool:
        """Write, enable and start it."""
        self._answers()
        changed = _write(self.path(service.name), self.unit(service).encode("utf-8", "surrogateescape"))
        if changed:
            _call("systemctl", "--user", "daemon-reload")
        _call("systemctl", "--user", "enable", f"{service.name}.service")
        with contextlib.suppress(StillStarting):
            _call("systemctl", "--user", "restart" if changed else "start", f"{service.name}.service")
        return changed

    def uninstall(self, name: str) -> bool:
        """Stop it and take it away."""
        path = self.path(name)
        if not path.is_file():
            return False
        self._answers()
        _call("systemctl", "--user", "disable", "--now", f"{name}.service")
        path.unlink()
        _call("systemctl", "--user", "daemon-reload")
        return True

    def state(self, name: str) -> dict[str, str]:
        """Properties of the unit."""
        if not self.path(name).is_file():
            raise NotFound(f"there is no service {name}: perstream service install makes one")
        self._answers()
        wanted = "ActiveState,SubState,Result,NRestarts,MainPID,UnitFileState,StatusText"
        shown = _call("systemctl", "--user", "show", f"{name}.service", f"--property={wanted}")
        return dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)

    def log_command(self, name: str, lines: int, follow: bool) -> list[str]:
        """journalctl."""
        more = ["--follow"] if follow else ["--no-pager"]
        return ["journalctl", "--user", f"--unit={name}.service", f"--lines={lines}", *more]

    def hint(self) -> str:
        """A user's services end with the last log-out, unless they linger."""
        try:
            lingers = _call("loginctl", "show-user", str(os.getuid()), "--property=Linger", "--value").strip() == "yes"
        except ServiceError:
            lingers = False
        return "" if lingers else "to run it while you are not logged in, too: loginctl enable-linger"

    def _answers(self) -> None:
        try:
            _call("systemctl", "--user", "show", "--property=Version")
        except ServiceError as error:
            raise ServiceError(
                "no systemd of yours answers here (a container, or a login without one): run perstream serve itself, "
                "or see the container files in deploy/; --print shows the unit"
            ) from error


class Launchd:
    """macOS."""

    def unit(self, service: Service) -> str:
        """What would be written."""
        return launchd_agent(service, self._log(service.name)).decode("utf-8")

    def path(self, name: str) -> Path:
        """Where."""
        return Path.home() / "Library" / "LaunchAgents" / f"{label(name)}.plist"

    def install(self, service: Service) -> bool:
        """Write and load it."""
        path = self.path(service.name)
        loaded = self._loaded(service.name)
        changed = _write(path, self.unit(service).encode("utf-8"))
        self._log(service.name).parent.mkdir(parents=True, exist_ok=True)
        if changed and loaded:
            _call("launchctl", "bootout", self._target(service.name))
        if changed or not loaded:
            _call("launchctl", "bootstrap", f"gui/{os.getuid()}", str(path))
        return changed

    def uninstall(self, name: str) -> bool:
        """Unload it and take it away."""
        path = self.path(name)
        if not path.is_file():
            return False
        if self._loaded(name):
            _call("launchctl", "bootout", self._target(name))
        path.unlink()
        return True

    def state(self, name: str) -> dict[str, str]:
        """What launchctl prints, as far as it says ``name = value``."""
        if not self.path(name).is_file():
            raise NotFound(f"there is no service {name}: perstream service install makes one")
        if not self._loaded(name):
            return {"state": "not loaded"}
        wanted = ("state", "pid", "runs", "last exit code")
        lines = [line.strip().split(" = ", 1) for line in _call("launchctl", "print", self._target(name)).splitlines()]
        return {line[0]: line[1] for line in reversed(lines) if len(line) == 2 and line[0] in wanted}

    def log_command(self, name: str, lines: int, follow: bool) -> list[str]:
        """tail."""
        return ["tail", "-n", str(lines), *(["-f"] if follow else []), str(self._log(name))]

    def hint(self) -> str:
        """launchd starts it at log-in."""
        return ""

    def _log(self, name: str) -> Path:
        return Path.home() / "Library" / "Logs" / f"{name}.log"

    def _target(self, name: str) -> str:
        return f"gui/{os.getuid()}/{label(name)}"

    def _loaded(self, name: str) -> bool:
        try:
            _call("launchctl", "print", self._target(name))
        except ServiceError:
            return False
        return True


def host_here() -> Host:
    """The one of this machine. ServiceError when there is none."""
    if platform.system() == "Darwin":
        return Launchd()
    if shutil.which("systemctl"):
        return Systemd()
    raise ServiceError("neither systemd nor launchd is here: run perstream serve itself, or see deploy/")


def _write(path: Path, text: bytes) -> bool:
    """Put ``text`` there for the owner's eyes only; False when it was there already."""
    try:
        if path.is_file() and path.read_bytes() == text:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".perstream")
        with os.fdopen(handle, "wb") as file:
            file.write(text)
        Path(draft).replace(path)
    except OSError as error:
        raise ServiceError(f"cannot write {path}: {error.strerror}") from error
    return True


def _call(*command: str) -> str:
    """Its standard output. ServiceError with what it complained about."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, timeout=WAIT_S
        )
    except subprocess.TimeoutExpired as error:
        raise StillStarting(f"{' '.join(command[:3])} did not end within {WAIT_S:.0f} s") from error
    except OSError as error:
        raise ServiceError(f"{command[0]} cannot be run ({type(error).__name__})") from error
    if done.returncode != 0:
        said = " ".join(done.stderr.split())[-300:]
        raise ServiceError(f"{' '.join(command[:3])} failed: {said or f'exit code {done.returncode}'}")
    return done.stdout
