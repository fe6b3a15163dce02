"""A wall clock for one process that can be set at any moment, without touching the machine's.

A few lines of C, compiled here, stand before the C library's clock_gettime and add an offset to CLOCK_REALTIME alone;
waits and monotonic time stay as they are. The offset lies in a file that is mapped into memory.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

CODE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *offset;
static int (*real)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    const char *path = getenv("LAB_CLOCK_FILE");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *map = mmap(NULL, 8, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (map != MAP_FAILED) offset = map;
}

int clock_gettime(clockid_t which, struct timespec *out) {
    if (!real) begin();
    int failed = real(which, out);
    if (!failed && offset && which == CLOCK_REALTIME) out->tv_sec += *offset;
    return failed;
}
"""


class Clock:
    """The clock of every process that is started with ``environment``. OSError where it cannot be made."""

    def __init__(self, folder: Path) -> None:
        if not can_set_clock():
            raise OSError("a clock of its own needs Linux and a C compiler")
        source, self._library, self._file = folder / "clock.c", folder / "clock.so", folder / "clock"
        source.write_text(CODE, encoding="ascii")
        self.set(0)
        command = ["cc", "-shared", "-fPIC", "-O2", "-o", str(self._library), str(source), "-ldl"]
        made = subprocess.run(command, capture_output=True, check=False)
        if made.returncode != 0:
            raise OSError(f"the clock could not be compiled: {made.stderr.decode(errors='replace')[-200:]}")

    @property
    def environment(self) -> Mapping[str, str]:
        """For the process."""
        return {"LD_PRELOAD": str(self._library), "LAB_CLOCK_FILE": str(self._file)}

    def set(self, seconds: float) -> None:
        """Off by so much from now on."""
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("=q", int(seconds)))


def can_set_clock() -> bool:
    """Whether it can be made here."""
    return sys.platform == "linux" and shutil.which("cc") is not None
