#!/usr/bin/env bash
# Set up what the tests need and run them. Arguments go to pytest; without any, all tests run, on up to four cores.
# The tests of models in this process, and the comparison with sentence-transformers, need torch: it is installed where
# that does not pull CUDA (or a GPU is there, or PERSTREAM_TEST_TORCH=1); without it those tests are skipped and say so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/setup.sh test
pip=(.venv/bin/python -m pip --disable-pip-version-check)

models=(torch transformers accelerate peft bitsandbytes pillow psutil sentence-transformers)

brings_cuda() {
  "${pip[@]}" install --dry-run --quiet --report - -c requirements.txt "${models[@]}" 2>/dev/null | .venv/bin/python -c '
import json, sys
try:
    names = [item["metadata"]["name"].lower() for item in json.load(sys.stdin)["install"]]
except ValueError:
    sys.exit(0)  # no answer: better not
sys.exit(0 if any(n.startswith(("nvidia", "cuda", "triton")) for n in names) else 1)'
}

# What was installed last: nothing is done again while the list is the same.
stamp=".venv/.perstream-torch"
want="$(cat requirements.txt scripts/test.sh | cksum)"
if [[ "${PERSTREAM_TEST_TORCH:-}" != 0 && ! ( -f "$stamp" && "$(cat "$stamp")" == "$want" ) ]]; then
  if [[ "${PERSTREAM_TEST_TORCH:-}" == 1 ]] || command -v nvidia-smi >/dev/null || ! brings_cuda; then
    echo "test: installing torch, transformers and what goes with them (about 1.2 GB on disk)" >&2
    "${pip[@]}" install -q -c requirements.txt "${models[@]}" && echo "$want" > "$stamp"
  else
    echo "test: torch would bring CUDA here; the tests that need it are skipped (PERSTREAM_TEST_TORCH=1 forces it)" >&2
  fi
fi
export OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1
if (($#)); then exec .venv/bin/python -m pytest "$@"; fi
cores="$(.venv/bin/python -c 'import os; print(min(4, os.cpu_count() or 1))')"
exec .venv/bin/python -m pytest -n "$cores" --dist loadfile
