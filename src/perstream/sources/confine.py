"""Which files a caller of the API may name: regular ones, none of the store, and of most callers only in some folders."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from perstream.errors import SourceError
from perstream.sources.folder import list_folder

MACHINE = tuple(map(Path, ("/proc", "/sys", "/dev")))
"""Files there are no files but doors into the machine."""


def named_file(name: str, store: Path, folders: Sequence[str] | None) -> Path:
    """The file or folder that a caller may have opened, with links followed. SourceError says why not.

    ``folders``: only what lies in these; None for the owner, who may name any. Nothing is said about files
    elsewhere, not even whether they are there.
    """
    try:
        path = Path(name).expanduser() if folders is None else Path(name)
        real = path.resolve()
        if not path.is_absolute():
            raise SourceError("give an absolute path of a file or folder on the daemon's machine")
        _check(real, store, folders)
        kind = real.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SourceError("there is no such file or folder on the daemon's machine; give an absolute path") from error
    except OSError as error:
        raise SourceError(f"this file or folder cannot be read: {error.strerror}") from error
    except (RuntimeError, ValueError) as error:  # no home, a circle of links, not a path
        raise SourceError("this is no path of a file or folder") from error
    if stat.S_ISDIR(kind):
        for file in list_folder(real):
            _check(file.resolve(), store, folders)
    elif not stat.S_ISREG(kind):
        raise SourceError("this is no regular file; give a video, an image or a folder of them")
    return real


def _check(real: Path, store: Path, folders: Sequence[str] | None) -> None:
    if folders is not None and not _in_any(real, (Path(folder).expanduser().resolve() for folder in folders)):
        raise SourceError(
            "this token may name files in the folders of source.folders only, as they are after links are followed"
        )
    if _in_any(real, (store.expanduser().resolve(),)):
        raise SourceError("the files of the memory store are no source")
    if _in_any(real, MACHINE):
        raise SourceError(f"what lies in {real.parents[-2]} is no file to be watched")


def _in_any(path: Path, folders: Iterable[Path]) -> bool:
    return any(path == folder or folder in path.parents for folder in folders)
