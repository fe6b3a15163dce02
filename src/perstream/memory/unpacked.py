"""An archive read back, with every name, size and digest checked before it is believed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from perstream.errors import StoreError
from perstream.memory.archive import FORMAT, MANIFEST, MEMORIES, README, SPEECH, VERSION

MAX_MANIFEST = 64 * 1024 * 1024
MAX_PICTURE = 8 * 1024 * 1024
MAX_RATIO = 300
"""A file that was packed tighter is a bomb, not a memory."""
MAX_DIRECTORY = 256 * 1024 * 1024
"""Bytes of a ZIP file's table of contents."""
_NAME = re.compile(
    rf"{re.escape(MEMORIES)}|{re.escape(SPEECH)}|{re.escape(README)}|thumbnails/[1-9]\d{{0,18}}\.jpg|days/-?\d{{4,6}}-\d\d-\d\d\.md"
)


class Unpacked:
    """An open archive. Every method raises StoreError with a line that says what is wrong."""

    def __init__(self, path: Path) -> None:
        """Read the manifest of a ZIP file or folder."""
        self._path = path
        self._zip: zipfile.ZipFile | None = None
        try:
            if not path.is_dir():
                _check_directory(path)
                self._zip = zipfile.ZipFile(path)
            self.files = self._manifest()
        except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            self.close()
            raise self._unusable(error) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let the file go."""
        if self._zip is not None:
            self._zip.close()

    def __enter__(self) -> Unpacked:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @contextmanager
    def file(self, name: str) -> Iterator[IO[bytes]]:
        """A file of the archive; at its end it is checked that it was read whole and is what the manifest says."""
        size, digest = self.files.get(name) or (0, hashlib.sha256().hexdigest())
        if name not in self.files:
            raise StoreError(f"{self._path} has no {name}: it is not whole")
        try:
            with self._opened(name) as raw:
                checked = _Checked(raw, size)
                yield checked  # type: ignore[misc]
                checked.finish(digest)
        except (OSError, zipfile.BadZipFile, EOFError, ValueError, RuntimeError, NotImplementedError) as error:
            raise self._unusable(f"{name}: {error}") from error

    def picture(self, memory: int) -> bytes | None:
        """The JPEG of a memory."""
        name = f"thumbnails/{memory}.jpg"
        if name not in self.files:
            return None
        if self.files[name][0] > MAX_PICTURE:
            raise self._unusable(f"{name} is larger than {MAX_PICTURE // 2**20} MB")
        with self.file(name) as file:
            return file.read(MAX_PICTURE + 1)

    def _manifest(self) -> dict[str, tuple[int, str]]:
        with self._opened(MANIFEST) as file:
            data = file.read(MAX_MANIFEST + 1)
        try:
            about = json.loads(data) if len(data) <= MAX_MANIFEST else None
        except (ValueError, RecursionError) as error:
            raise self._unusable(f"{MANIFEST} is no JSON") from error
        if not isinstance(about, dict) or about.get("format") != FORMAT:
            raise self._unusable(f'{MANIFEST} does not say "format": "{FORMAT}"')
        if about.get("version") != VERSION:
            raise StoreError(f"{self._path} is of another version than {VERSION}: install a newer PerStream")
        files = about.get("files")
        found: dict[str, tuple[int, str]] = {}
        for name, entry in files.items() if isinstance(files, dict) else ():
            size, digest = (entry.get("bytes"), entry.get("sha256")) if isinstance(entry, dict) else (None, None)
            sound = type(size) is int and size >= 0 and isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest)
            if not _NAME.fullmatch(name) or not sound or not isinstance(digest, str) or not isinstance(size, int):
                raise self._unusable(f"{MANIFEST} names {name[:60]!r}, which no export has")
            found[name] = (size, digest)
        return found

    @contextmanager
    def _opened(self, name: str) -> Iterator[IO[bytes]]:
        if self._zip is not None:
            entries = [entry for entry in self._zip.infolist() if entry.filename == name] if name == MANIFEST else []
            try:
                entry = entries[0] if entries else self._zip.getinfo(name)
            except KeyError as error:
                raise self._unusable(f"there is no {name}") from error
            if len(entries) > 1 or entry.file_size > MAX_RATIO * entry.compress_size + 2**20 or entry.flag_bits & 1:
                raise self._unusable(f"{name} is packed as no export is")
            with self._zip.open(entry) as inside:
                yield inside
            return
        path = self._path / name
        if path.parent.is_symlink():
            raise self._unusable(f"{path.parent.name} is a link")
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise self._unusable(f"{name} is no plain file")
            yield file

    def _unusable(self, why: object) -> StoreError:
        words = why.strerror if isinstance(why, OSError) and why.strerror else why
        return StoreError(f"{self._path} is no archive that can be used: {words}; nothing was imported")


class _Checked:
    """A file of which so much is read and no more, and its digest taken."""

    def __init__(self, raw: IO[bytes], size: int) -> None:
        self._raw, self._left, self._digest = raw, size, hashlib.sha256()

    def readline(self, limit: int) -> bytes:
        return self._seen(self._raw.readline(min(limit, self._left)) if self._left else b"")

    def read(self, limit: int) -> bytes:
        return self._seen(self._raw.read(min(limit, self._left)))

    def finish(self, digest: str) -> None:
        """ValueError when it was not read to its end, or is another."""
        if self._left or self._raw.read(1):
            raise ValueError("it does not have the size that the manifest says")
        if self._digest.hexdigest() != digest:
            raise ValueError("its SHA-256 is not the one in the manifest: it was changed or damaged")

    def _seen(self, data: bytes) -> bytes:
        self._left -= len(data)
        self._digest.update(data)
        return data


def is_archive(path: Path) -> bool:
    """Is it a ZIP file by its name, or a folder with a manifest?"""
    return path.suffix.lower() == ".zip" or (path.is_dir() and (path / MANIFEST).is_file())


def _check_directory(path: Path) -> None:
    """BadZipFile for a table of contents that would fill the memory: zipfile reads it whole."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 66_000))
        tail = file.read()
        place = tail.rfind(b"PK\x05\x06")
        if place < 0 or len(tail) < place + 22:
            raise zipfile.BadZipFile("it is no ZIP file, or cut off")
        held = int.from_bytes(tail[place + 12 : place + 16], "little")
        if held == 0xFFFFFFFF:  # the table is described by an older sibling, 56 bytes long, before the locator
            older = tail.rfind(b"PK\x06\x06", 0, place)
            held = int.from_bytes(tail[older + 40 : older + 48], "little") if older >= 0 else MAX_DIRECTORY + 1
        if held > MAX_DIRECTORY:
            raise zipfile.BadZipFile("its table of contents is too large")
