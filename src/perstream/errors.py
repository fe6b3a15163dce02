"""The one tree of exceptions that PerStream raises.

PerStreamError
├── ConfigError              a setting is unknown, out of range or contradicts another
├── SourceError              a video, camera or stream cannot be opened or read
├── BackendError             a model part failed
│   ├── BackendUnavailable   the part needs a package, a file or a server that is not there
│   ├── BadOutput            a model answered with something that cannot be used
│   └── Interrupted          a model was stopped on request before it was done
├── StoreError               the memory store cannot be opened, read or written
│   └── StoreBusy            another process is the writer of this store
└── NotFound                 the thing asked for does not exist

The message of each is one line that says what is wrong and what to do about it.
They are caught in three places only: the command line (one line, exit code), the web
(a JSON problem) and the daemon loop (log, count, go on).
"""

from __future__ import annotations


class PerStreamError(Exception):
    """Base of every error that PerStream raises on purpose.

    ``exit_code`` is what the command line returns for it.
    """

    exit_code = 1


class ConfigError(PerStreamError):
    """A setting is unknown, out of range or contradicts another."""

    exit_code = 2


class SourceError(PerStreamError):
    """A video, camera or stream cannot be opened or read."""

    exit_code = 3


class BackendError(PerStreamError):
    """A model part failed."""

    exit_code = 4


class BackendUnavailable(BackendError):
    """A model part needs a package, a file or a server that is not there."""


class BadOutput(BackendError):
    """A model answered with something that cannot be used."""


class Interrupted(BackendError):
    """A model was stopped on request before it was done: nothing is wrong."""


class StoreError(PerStreamError):
    """The memory store cannot be opened, read or written."""

    exit_code = 5


class StoreBusy(StoreError):
    """Another process is the writer of this store."""

    exit_code = 6


class NotFound(PerStreamError):
    """The thing asked for does not exist."""

    exit_code = 7
