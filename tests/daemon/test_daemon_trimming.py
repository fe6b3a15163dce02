from __future__ import annotations

import subprocess
import sys

import pytest

from perstream.daemon import trimming

GLIBC = bool(trimming.trimming())

FREED = """
import threading
from perstream.daemon.trimming import few_heaps, trimming

few_heaps()

def rss():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

def make_and_free():
    pieces = [bytes(2000) for _ in range(40_000)]  # below the size that goes back by itself
    kept.append(pieces[-1])  # at the end of the heap

kept = []
for _ in range(4):
    thread = threading.Thread(target=make_and_free)
    thread.start()
    thread.join()
before = rss()
for chore in trimming():
    chore.run()
print(before - rss())
"""


@pytest.mark.skipif(not GLIBC, reason="needs glibc")
def test_what_was_freed_goes_back_to_the_system() -> None:
    ran = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, check=True)
    assert int(ran.stdout) > 20_000_000


def test_where_there_is_no_glibc_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert trimming.trimming() == ()
    trimming.few_heaps()
