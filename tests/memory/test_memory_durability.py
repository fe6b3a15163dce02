"""kill -9 in the middle of a write load: what was acknowledged is there, and nothing half."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from memory_world import opened

ROUNDS = 8

WRITE = """
import sys; sys.path.insert(0, {tests!r})
from pathlib import Path
from memory_world import fact, has, opened, seen, told
from perstream.types import Selector
memory = opened(Path({folder!r}))
first = memory.count()
print("open", flush=True)
n = {start}
while True:
    record = memory.remember(seen(f"view {{n}}", n, has(f"thing {{n % 7}}"), fact("number is", str(n))))
    print("stored", record.id, n, flush=True)
    if n % 9 == 5:
        gone = memory.remember(told(f"to be forgotten {{n}}", n))
        memory.forget(Selector(ids=(gone.id,)))
        print("forgotten", gone.id, n, flush=True)
    n += 1
"""


def test_nothing_acknowledged_is_lost_when_the_writer_is_killed(tmp_path: Path) -> None:
    rng = random.Random(5)
    stored: dict[int, int] = {}
    forgotten: set[int] = set()
    for turn in range(ROUNDS):
        script = WRITE.format(tests=str(Path(__file__).parent), folder=str(tmp_path), start=1000 * turn)
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "open\n"
            time.sleep(rng.uniform(0.0, 0.25))
            writer.send_signal(signal.SIGKILL)
            for line in writer.stdout:
                words = line.split()
                if line.endswith("\n") and words[0] == "stored":
                    stored[int(words[1])] = int(words[2])
                elif line.endswith("\n"):
                    forgotten.add(int(words[1]))
        with opened(tmp_path) as memory:
            records = {record.id: record for record in memory.list(limit=10**6)}
            assert {id: records[id].text for id in stored} == {id: f"view {n}" for id, n in stored.items()}
            assert not forgotten & set(records)
            for record in records.values():
                if record.text.startswith("view"):
                    assert len(record.triplets) == 2
                    assert memory.thumbnail(record.id)
            current = [record.id for record in records.values() if record.triplets and record.superseded_by is None]
            assert len(current) == bool(stored)  # one number holds
            reader = memory._store._reader
            assert reader.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert reader.execute("PRAGMA foreign_key_check").fetchall() == []
            assert b"to be forgotten" not in (tmp_path / "memory.db").read_bytes() or any(
                record.text.startswith("to be forgotten") for record in records.values()
            )
    assert len(stored) > 5
