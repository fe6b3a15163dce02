"""Feed everything that reads from the world with damaged input, for as long as wanted.

    python -m perstream.lab.fuzz --seconds 600 [--only video] [--case video.mp4:1234]

Each case is a number, so that what is found can be run again. Cases run in a process of their own: one that dies
or does not come back is a finding like an unexpected error. The exit code is 1 when there is any.
"""

from __future__ import annotations

import argparse
import logging
import random
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from perstream.errors import PerStreamError
from perstream.lab.fuzz_seeds import damaged
from perstream.lab.fuzz_targets import Target, all_targets

HANG_S = 30.0
"""One case may take so long on a busy machine."""
START_S = 120.0
"""Until the first case: the seeds are made."""
PER_PROCESS = 400


def run_case(targets: Mapping[str, tuple[Target, bytes]], name: str, number: int, folder: Path) -> str | None:
    """The traceback of what should not happen, None when all is well. ``folder`` is emptied."""
    target, seed = targets[name]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        target(damaged(seed, random.Random(f"{name}:{number}")), folder)
    except PerStreamError as error:
        if "\n" in str(error) or len(str(error)) > 1000:
            return f"not one line of reasonable length: {str(error)[:2000]!r}"
    except Exception:  # noqa: BLE001 - whatever it is, it is what is being looked for
        return traceback.format_exc()
    return None


def work(only: str, first: int, count: int) -> None:
    """Cases ``first``… of each target in turn; says each before it is run, and what was found."""
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="perstream-fuzz-") as folder:
        targets = all_targets(Path(folder))
        names = [name for name in targets if name.startswith(only)]
        for number in range(first, first + count):
            name = names[number % len(names)]
            print(f"case {name}:{number}", flush=True)
            found = run_case(targets, name, number, Path(folder) / "case")
            if found is not None:
                print("found " + found.replace("\n", "\x1f"), flush=True)
    print("done", flush=True)


class Hunt:
    """One run: starts workers, watches them, keeps what they find."""

    def __init__(self, only: str) -> None:
        self._only = only
        self.cases: Counter[str] = Counter()
        self.findings: dict[str, str] = {}

    def go_on(self, first: int) -> int:
        """One worker's cases, and the number of the next; it is killed when one takes too long."""
        command = [sys.executable, "-m", "perstream.lab.fuzz", "--work", str(first), "--only", self._only]
        with tempfile.TemporaryDirectory() as folder:
            said = Path(folder) / "said"
            with said.open("wb") as out:
                worker = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
            case, since, place = "start", time.monotonic(), 0
            while True:
                ended = worker.poll()
                lines = said.read_bytes()[place:]
                lines = lines[: lines.rfind(b"\n") + 1]
                place += len(lines)
                for line in lines.decode("utf-8", "replace").splitlines():
                    kind, _, rest = line.partition(" ")
                    if kind == "case":
                        case, since = rest, time.monotonic()
                        name, _, number = rest.rpartition(":")
                        self.cases[name] += 1
                        first = int(number) + 1
                    elif kind == "found":
                        self.findings[case] = rest.replace("\x1f", "\n")
                        print(f"{case}: {rest.rpartition(chr(31))[0].rpartition(chr(31))[2]}", file=sys.stderr)
                    elif kind == "done":
                        worker.wait()
                        return first
                if ended is not None:
                    self.findings[case] = f"the process died with status {ended}"
                    return first
                if time.monotonic() - since > (START_S if case == "start" else HANG_S):
                    worker.kill()
                    worker.wait()
                    self.findings[case] = f"did not come back within {HANG_S:g} s"
                    return first
                time.sleep(0.05)


def main(arguments: list[str] | None = None) -> int:
    """Hunt, or run one case again."""
    parser = argparse.ArgumentParser(description="Damaged input for everything that reads from the world.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--only", default="", help="targets whose name begins so")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--case", help="run this one again: NAME:NUMBER")
    parser.add_argument("--work", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.work is not None:
        work(given.only, given.work, PER_PROCESS)
        return 0
    if given.case:
        name, _, number = given.case.rpartition(":")
        with tempfile.TemporaryDirectory() as folder:
            found = run_case(all_targets(Path(folder)), name, int(number), Path(folder) / "case")
        print(found or "all is well")
        return int(found is not None)
    hunt, first, until = Hunt(given.only), given.first, time.monotonic() + given.seconds
    while time.monotonic() < until:
        first = hunt.go_on(first)
        if "start" in hunt.findings:
            break
    for name, count in sorted(hunt.cases.items()):
        print(f"{name:24} {count:7} cases")
    for case, what in hunt.findings.items():
        print(f"\n{case}\n{what}")
    print(f"{sum(hunt.cases.values())} cases, {len(hunt.findings)} findings")
    return int(bool(hunt.findings))


if __name__ == "__main__":
    sys.exit(main())
