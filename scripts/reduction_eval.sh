#!/usr/bin/env bash
# Recall, answers and words unasked when memory must fit a budget: NSBG and GSBN beside forgetting the oldest or random
# memories.
# Environment:
#   GT_FILE        dataset with questions and their evidence: PerStream records or LoCoMo, JSON (required)
#   NUM_PERIODS    memories come in so many periods, and each ends with a reduction (default 4)      -> --periods
#   DEVICE_RAM_GB  what the full memory would be allowed on the device (default 7)
#   R_PRIME_GB     what it gets instead (default 0.5); R_PRIME_GB / DEVICE_RAM_GB is a share of the full store's
#                  bytes, measured beside 100, 50, 25, 10 and 5 %                                    -> --budgets
#   STRATEGIES     of nsbg, gsbn, oldest, random, separated by spaces (default all)                   -> --strategy
#   MODE           passive (questions), proactive (scenes) or both (default both, where the dataset has both) -> --mode
#   MODEL_PATH     model that answers and speaks: folder or hub id (default none: the builtin brain)   -> --model
#   BACKEND        auto, builtin, qwen-omni or openai (default qwen-omni with MODEL_PATH, else builtin) -> --backend
#   ADAPTER        NAME=PATH of a LoRA adapter (default none)                                         -> --adapter
#   NUM_WORKERS    people or talks at a time (default 1)                                              -> --workers
#   OUTPUT_DIR     where reduction.json and reduction.svg go (default evaluation/)                    -> --out --plot
#   EXTRAS         of setup.py, to be installed first (default: what BACKEND needs)
# VIDEO_START_BEFORE / VIDEO_END_AFTER have no meaning here: memories are given as text, and captions stand for scenes,
# so there is no video to take a window of. An interrupted run goes on where it stopped. `--dry-run` prints what would
# be run.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
dry=0
for argument in "$@"; do
  case "$argument" in
    --dry-run) dry=1 ;;
    *) echo "reduction_eval.sh: unknown argument '$argument' (only --dry-run; the rest is environment)" >&2; exit 2 ;;
  esac
done
if [[ -z "${GT_FILE:-}" ]]; then
  echo "reduction_eval.sh: set GT_FILE to a dataset, for example GT_FILE=passive.json bash scripts/reduction_eval.sh" >&2
  exit 2
fi
share="$(awk -v r="${R_PRIME_GB:-0.5}" -v d="${DEVICE_RAM_GB:-7}" 'BEGIN {
  number = "^[0-9]*[.]?[0-9]+$"
  if (r !~ number || d !~ number || r + 0 <= 0 || d + 0 < r + 0) exit 1
  printf "%.4g", r / d }')" || {
  echo "reduction_eval.sh: R_PRIME_GB and DEVICE_RAM_GB are numbers above 0, R_PRIME_GB the smaller one" >&2
  exit 2
}
fail() { echo "reduction_eval.sh: $1" >&2; exit 2; }
case "${MODE:-both}" in
  passive | proactive | both) ;;
  *) fail "MODE is passive, proactive or both, not '$MODE'" ;;
esac
[[ "${NUM_WORKERS:-1}" =~ ^[1-9][0-9]*$ ]] || fail "NUM_WORKERS is a whole number above 0, not '$NUM_WORKERS'"
if [[ -n "${VIDEO_START_BEFORE:-}${VIDEO_END_AFTER:-}" ]]; then
  echo "reduction_eval.sh: no video is looked at, VIDEO_START_BEFORE and VIDEO_END_AFTER change nothing" >&2
fi
backend="${BACKEND:-}"
if [[ -z "$backend" && -n "${MODEL_PATH:-}" ]]; then backend=qwen-omni; fi
case "$backend" in
  qwen-omni) extras=setup,plot,qwen ;;
  openai) extras=setup,plot,openai ;;
  *) extras=setup,plot ;;
esac
out="${OUTPUT_DIR:-$root/evaluation}"
command=("$root/.venv/bin/perstream" eval reduction --dataset "$GT_FILE" --periods "${NUM_PERIODS:-4}"
  --budgets "1,0.5,0.25,0.1,0.05,$share" --mode "${MODE:-both}"
  --workers "${NUM_WORKERS:-1}" --out "$out/.cache" --plot "$out/reduction.svg" --json)
[[ -n "$backend" ]] && command+=(--backend "$backend")
[[ -n "${MODEL_PATH:-}" ]] && command+=(--model "$MODEL_PATH")
[[ -n "${ADAPTER:-}" ]] && command+=(--adapter "$ADAPTER")
for strategy in ${STRATEGIES:-}; do command+=(--strategy "$strategy"); done
if ((dry)); then
  printf '%q ' "${command[@]}"
  printf '> %q\n' "$out/reduction.json"
  exit 0
fi
bash "$root/scripts/setup.sh" "${EXTRAS:-$extras}"
mkdir -p "$out"

OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" "${command[@]}" > "$out/reduction.json.part"
mv "$out/reduction.json.part" "$out/reduction.json"
echo "wrote $out/reduction.json and $out/reduction.svg" >&2
