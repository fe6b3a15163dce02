"""Writing files that hold memories, and opening a store only to read what goes into them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from perstream.errors import StoreError

if TYPE_CHECKING:
    from perstream.types import FloatArray


def unembedded(texts: Sequence[str]) -> FloatArray:
    """Reading needs no embedder, so none is loaded."""
    raise StoreError(f"a store opened for reading embeds nothing, not {len(texts)} texts")


@contextmanager
def written(file: Path) -> Iterator[IO[bytes]]:
    """A file for the owner alone (mode 0600) that gets its name when it is whole and on disk."""
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.", suffix=".partial")
        try:
            with os.fdopen(handle, "wb") as out:
                yield out
                out.flush()
                os.fsync(out.fileno())
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink()
            raise
    except OSError as error:
        raise StoreError(f"cannot write {file}: {error.strerror}") from error
