#!/usr/bin/env bash
# Makes the sample day again: bash scripts/make_sample.sh [--seed N] [--folder DIR]
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
if [ ! -x "$python" ]; then
  echo "no .venv yet: run bash scripts/perstream.sh once, it sets one up" >&2
  exit 2
fi
exec "$python" -m perstream.lab.day.make "$@"
