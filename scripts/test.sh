#!/usr/bin/env bash
# Set up what the tests need and run them. Arguments go to pytest.
# The comparison with sentence-transformers needs torch: it is installed where that does not pull CUDA
# (or a GPU is there, or PERSTREAM_TEST_TORCH=1); without it that one test is skipped and says so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/setup.sh test
pip=(.venv/bin/python -m pip --disable-pip-version-check)

brings_cuda() {
  "${pip[@]}" install --dry-run --quiet --report - -c requirements.txt torch 2>/dev/null | .venv/bin/python -c '
import json, sys
try:
    names = [item["metadata"]["name"].lower() for item in json.load(sys.stdin)["install"]]
except ValueError:
    sys.exit(0)  # no answer: better not
sys.exit(0 if any(n.startswith(("nvidia", "cuda", "triton")) for n in names) else 1)'
}

stamp=".venv/.perstream-torch"
if [[ "${PERSTREAM_TEST_TORCH:-}" != 0 && ! -f "$stamp" ]]; then
  if [[ "${PERSTREAM_TEST_TORCH:-}" == 1 ]] || command -v nvidia-smi >/dev/null || ! brings_cuda; then
    echo "test: installing torch and sentence-transformers for the parity test" >&2
    "${pip[@]}" install -q -c requirements.txt torch sentence-transformers && touch "$stamp"
  else
    echo "test: torch would bring CUDA here; the parity test is skipped (PERSTREAM_TEST_TORCH=1 forces it)" >&2
  fi
fi
export OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1
exec .venv/bin/python -m pytest "$@"
