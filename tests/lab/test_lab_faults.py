"""The fault run itself: it must see what goes wrong, and a short real one must find nothing wrong."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from perstream.lab.fault_clock import Clock, can_set_clock
from perstream.lab.fault_disk import Disk, refusing_writes
from perstream.lab.fault_load import Ledger
from perstream.lab.fault_run import Account, Run
from perstream.lab.faults import Outcome


def test_a_recovery_is_counted_from_the_first_word_told_after_the_fault() -> None:
    now = time.monotonic()
    ledger = Ledger(acknowledged_at=[(now - 3, now - 2), (now - 1.5, now - 1.0), (now - 0.5, now - 0.4)])
    assert ledger.wait_after(now - 1.6, 1) == pytest.approx(0.6)
    assert ledger.wait_after(now + 5, 0.05) is None


def test_what_went_wrong_is_in_the_account() -> None:
    account = Account(lost=2, hangs=1, faults={"kill -9": Outcome(1, [0.5, 3.25], 0, ["it grew a second head"])})
    assert account.slowest_s == 3.25
    assert len(account.wrong) == 3 and "kill -9: it grew a second head" in account.wrong
    assert account.to_json()["faults"]["kill -9"]["recovery_max_s"] == 3.25
    assert Account().wrong == []


@pytest.mark.skipif(not can_set_clock(), reason="needs Linux and a C compiler")
def test_a_process_of_that_clock_sees_it_jump_and_its_waits_do_not(tmp_path: Path) -> None:
    clock = Clock(tmp_path)
    code = (
        "import sys, time\n"
        "for _ in sys.stdin:\n"
        "    began = time.monotonic(); time.sleep(0.01)\n"
        "    print(int(time.time()), time.monotonic() - began < 5, flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **clock.environment},
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        for offset in (0, 86_400, -7_200):
            clock.set(offset)
            process.stdin.write("\n")
            process.stdin.flush()
            said, waited = process.stdout.readline().split()
            assert abs(int(said) - (time.time() + offset)) < 60 and waited == "True"
        process.stdin.close()


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_writes_are_refused_and_then_taken_again(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb", buffering=0) as file:
        with refusing_writes(os.getpid()), pytest.raises(OSError) as refused:
            file.write(b"x")
        assert refused.value.errno == errno.EFBIG
        assert file.write(b"x") == 1


def test_a_full_disk_is_full_and_then_empty(tmp_path: Path) -> None:
    with Disk(tmp_path / "disk") as disk:
        if not disk.own:
            pytest.skip("needs root on Linux")
        with disk.full(), pytest.raises(OSError) as refused, (disk.folder / "a").open("wb", buffering=0) as file:
            file.write(b"x" * 4096)
        assert refused.value.errno == errno.ENOSPC
        with disk.read_only(), pytest.raises(OSError):
            (disk.folder / "b").touch()
        (disk.folder / "b").touch()


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_a_short_run_finds_nothing_wrong() -> None:
    account = Run(0.25, seed=3).run()
    assert account.wrong == []
    assert account.acknowledged > 5 and account.answered > 5 and account.flaps > 3
    assert sum(outcome.times for outcome in account.faults.values()) >= 2
