"""No library reports to its maker: onnxruntime would, and keeps what it has to say in the cache folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

LOADS = """
from perstream.models.minilm import MiniLM
MiniLM().embed(["a sign"])
"""


def test_onnxruntime_has_nothing_to_report(tmp_path: Path) -> None:
    quiet = ("CI", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS", "GITHUB_ACTIONS", "TF_BUILD")
    environment = {name: value for name, value in os.environ.items() if name not in quiet}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", LOADS], check=True, env=environment, timeout=60)
    assert [one.name for one in tmp_path.rglob("*") if one.is_file()] == []
