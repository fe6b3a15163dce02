"""Gives freed memory back to the system: the C library of Linux keeps it, in pieces, for each thread anew.

Pictures come and go on many threads; after hours the process holds tens of megabytes that nobody uses.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

from perstream.daemon.chores import Chore

EVERY_S = 60.0
ARENAS = 2
"""Heaps that the C library may divide threads over; by default eight for each core."""
_M_ARENA_MAX = -8


def trimming() -> tuple[Chore, ...]:
    """The chore, where there is something to trim: glibc. It takes some milliseconds."""
    library = _glibc()
    if library is None:
        return ()
    trim: Callable[[int], int] = library.malloc_trim
    return (Chore("trim", EVERY_S, lambda: _run(trim), EVERY_S),)


def few_heaps() -> None:
    """Divide threads over few heaps from now on; for a process that lives long. Does nothing elsewhere than on glibc."""
    library = _glibc()
    if library is not None:
        library.mallopt(_M_ARENA_MAX, ARENAS)


def _run(trim: Callable[[int], int]) -> None:
    trim(0)


def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None
