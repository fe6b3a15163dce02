"""Results of a long run, one line each: written as they come, and found again after an interruption."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perstream.errors import ConfigError

Json = dict[str, Any]


def fingerprint(*settings: object) -> str:
    """A digest of whatever decides the results: the same settings, the same digest."""
    text = json.dumps(settings, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class Journal:
    """JSON lines: a head with the fingerprint of the run, then ``{"key", "value"}`` as results come. Thread-safe.

    A line that was cut by a kill or a full disk is dropped when the file is opened again, and its item is done anew.
    """

    def __init__(self, path: Path, run: str, *, fresh: bool = False) -> None:
        """``run`` is the fingerprint. ConfigError when the file holds results of another run (unless ``fresh``)."""
        self.path = path
        self._lock = threading.Lock()
        self._values: dict[str, Any] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = b"" if fresh else self._read(run)
        head = json.dumps({"run": run}).encode() + b"\n"
        # What is kept is whole; the file is cut to it before anything is added.
        with path.open("wb" if not kept else "r+b") as file:
            if kept:
                file.truncate(len(kept))
            else:
                file.write(head)
        self._file = path.open("ab")

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    @property
    def values(self) -> Mapping[str, Any]:
        """All results so far, by key."""
        with self._lock:
            return dict(self._values)

    def add(self, key: str, value: Any) -> None:
        """Write one result; it survives a kill from here on."""
        line = json.dumps({"key": key, "value": value}, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        with self._lock:
            self._file.write(line)
            self._file.flush()
            os.fsync(self._file.fileno())
            self._values[key] = value

    def close(self) -> None:
        """Nothing more comes."""
        self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _read(self, run: str) -> bytes:
        """The whole lines of an earlier run."""
        if not self.path.exists():
            return b""
        data = self.path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        lines = whole.splitlines(keepends=True)
        if not lines:
            return b""
        try:
            found = json.loads(lines[0])["run"]
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{self.path} is no journal of results: choose another folder") from error
        if found != run:
            raise ConfigError(
                f"{self.path} holds results of other settings or data: choose another folder, or begin anew with --fresh"
            )
        kept = lines[:1]
        for line in lines[1:]:
            try:
                row = json.loads(line)
                self._values[row["key"]] = row["value"]
            except (ValueError, KeyError, TypeError):
                break  # torn: what follows it is done anew
            kept.append(line)
        return b"".join(kept)
