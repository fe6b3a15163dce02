"""What ``perstream serve`` writes about itself: lines of text or JSON, to standard error or a private, rotated file.

JSON: ``time`` (ISO 8601, UTC), ``level``, ``logger``, ``message``, then what a record has: ``source``, ``exception``.
The HTTP server's records come the same way; addresses that were called are not logged at all. Other libraries are
heard from warnings on only.
"""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perstream.cli.masking import masked
from perstream.config_upkeep import LogConfig
from perstream.errors import BackendUnavailable, ConfigError

if TYPE_CHECKING:
    from io import TextIOWrapper

log = logging.getLogger(__name__)
OURS = ("perstream", "uvicorn")
"""Loggers that follow ``log.level``; others say warnings at most."""
KEPT = 3
"""Files that were rotated away."""
CONTROLS = {code: f"\\x{code:02x}" for code in (*range(9), *range(10, 32), *range(127, 160))}
"""A message is one line: what was read from the world cannot make another that looks like one of ours."""


@contextmanager
def logging_as(config: LogConfig, *, verbose: bool = False) -> Iterator[None]:
    """Log as configured until the end of the block; ``verbose`` asks for at least the level info. ConfigError."""
    level = logging.getLevelName(config.level.upper())
    level = min(level, logging.INFO) if verbose else level
    handler = _handler(config)
    handler.setFormatter(_json_formatter() if config.format == "json" else TextFormatter())
    root = logging.getLogger()
    before = (root.handlers, root.level, {name: logging.getLogger(name).level for name in OURS})
    root.handlers = [handler]
    root.setLevel(max(level, logging.WARNING))
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(True)
    hook, threading.excepthook = threading.excepthook, _of_thread
    try:
        yield
    finally:
        threading.excepthook = hook
        logging.captureWarnings(False)
        root.handlers, levels = before[0], before[2]
        root.setLevel(before[1])
        for name, was in levels.items():
            logging.getLogger(name).setLevel(was)
        handler.close()


class TextFormatter(logging.Formatter):
    """``2026-05-04T12:00:00.000Z WARNING perstream.web: …``, and a trace below where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        line = f"{_time(record)} {record.levelname} {record.name}: {record.getMessage().translate(CONTROLS)}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return masked(line)


class PrivateFile(logging.handlers.RotatingFileHandler):
    """A file of mode 0600, and so are those that it is rotated to. A full disk is told once, on standard error."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        """ConfigError when it cannot be written."""
        self._told = False
        try:
            super().__init__(path, maxBytes=max_bytes, backupCount=KEPT, encoding="utf-8", errors="replace")
        except OSError as error:
            raise ConfigError(f"cannot log to {path} ({error.strerror}): choose another log.file") from error

    def _open(self) -> TextIOWrapper:
        handle = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        if stat.S_ISREG(os.fstat(handle).st_mode) and hasattr(os, "fchmod"):
            os.fchmod(handle, 0o600)
        return open(handle, "a", encoding="utf-8", errors="replace")  # noqa: PTH123 - of a handle

    def close(self) -> None:
        """What a full disk did not take is given up."""
        with contextlib.suppress(OSError):
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002
        """Logging must not end what it tells about; ``record`` is lost."""
        if not self._told:
            self._told = True
            problem = type(sys.exc_info()[1]).__name__
            sys.stderr.write(f"perstream: the log file cannot be written ({problem}); records are lost\n")


def _of_thread(ended: threading.ExceptHookArgs) -> None:
    """A thread that died of something unforeseen is told in the same form as all else."""
    if ended.exc_type is not SystemExit and ended.exc_value is not None:
        name = ended.thread.name if ended.thread is not None else "a thread"
        log.critical("%s ended", name, exc_info=(ended.exc_type, ended.exc_value, ended.exc_traceback))


def _handler(config: LogConfig) -> logging.Handler:
    if not config.file:
        return logging.StreamHandler()
    return PrivateFile(Path(config.file).expanduser(), int(config.max_mb * 2**20))


def _json_formatter() -> logging.Formatter:
    try:
        from pythonjsonlogger.json import JsonFormatter
    except ImportError as error:
        raise BackendUnavailable("log.format json needs: pip install 'perstream[server]'") from error

    class Lines(JsonFormatter):
        """Our names for the fields, and no secrets in any."""

        def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
            log_data.update(time=_time(record), level=record.levelname.lower(), logger=record.name)
            super().add_fields(log_data, record, message_dict)
            if "exc_info" in log_data:
                log_data["exception"] = log_data.pop("exc_info")
            log_data.pop("color_message", None)  # uvicorn's message once more, for terminals

        def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
            return {key: masked(value) if isinstance(value, str) else value for key, value in log_data.items()}

    return Lines("%(message)s", json_ensure_ascii=False, json_default=lambda value: masked(str(value)))


def _time(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, timezone.utc)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
