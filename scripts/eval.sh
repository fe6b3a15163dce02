#!/usr/bin/env bash
# Evaluate a model: every question and every moment of a dataset through the assistant, into pred.json files.
# Environment:
#   GT_FILE          dataset: PerStream records, or a public benchmark (docs/EVALUATION.md)  (required) -> --dataset
#   OUTPUT_BASE_DIR  results go to <dataset>_passive/perstream/ and <dataset>_proactive/perstream/
#                    in it (default evaluation/)                                                        -> --out
#   VIDEO_DIR        the dataset's videos; without it MEMORY_ONLY=true must say so                      -> --video-dir
#   MEMORY_ONLY      true: look at no video, captions stand for scenes (default false)                  -> --memory-only
#   MODEL_PATH       model folder, hub id, or a server's model; default: what the settings say          -> --model
#   BACKEND          auto, builtin, qwen-omni or openai (default auto)                                  -> --backend
#   ADAPTER          NAME=PATH of a LoRA adapter (default none)                                         -> --adapter
#   MAX_FRAMES       frames of each sample's window (default 8)                                         -> --max-frames
#   VIDEO_START_BEFORE / VIDEO_END_AFTER   seconds of the window (default 8 and 0)                      -> --before --after
#   MEMORY_STRATEGY  perstream, none, all, naive-rag, last-n or graph-rag (default perstream)           -> --memory-strategy
#   MODES            of passive and proactive, separated by a space (default both)
#   SPLIT, LIMIT, SHARD (i/n), NUM_WORKERS (default 1), ANSWERS (EgoSchema)
#   EXTRAS           of setup.py, to be installed first (default: what BACKEND needs)
# An interrupted run goes on where it stopped. `--dry-run` prints what would be run.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
fail() { echo "eval.sh: $1" >&2; exit 2; }
dry=0
for argument in "$@"; do
  case "$argument" in
    --dry-run) dry=1 ;;
    *) fail "unknown argument '$argument' (only --dry-run; the rest is environment)" ;;
  esac
done
[[ -n "${GT_FILE:-}" ]] || fail "set GT_FILE to a dataset, for example GT_FILE=dataset/drivenact.json bash scripts/eval.sh"
[[ -f "$GT_FILE" ]] || fail "there is no dataset file $GT_FILE"
case "${MEMORY_ONLY:-false}" in
  true | True | 1 | yes) only=1 ;;
  false | False | 0 | no) only=0 ;;
  *) fail "MEMORY_ONLY is true or false, not '$MEMORY_ONLY'" ;;
esac
if ((only)) && [[ -n "${VIDEO_DIR:-}" ]]; then fail "MEMORY_ONLY looks at no video: leave out VIDEO_DIR"; fi
if [[ -n "${VIDEO_DIR:-}" && ! -d "$VIDEO_DIR" ]]; then fail "there is no folder VIDEO_DIR=$VIDEO_DIR"; fi
for name in MAX_FRAMES LIMIT NUM_WORKERS; do
  [[ "${!name:-1}" =~ ^[0-9]+$ ]] || fail "$name is a whole number, not '${!name}'"
done

options=(--dataset "$GT_FILE" --out "${OUTPUT_BASE_DIR:-$root/evaluation}" --max-frames "${MAX_FRAMES:-8}"
  --before "${VIDEO_START_BEFORE:-8}" --after "${VIDEO_END_AFTER:-0}"
  --memory-strategy "${MEMORY_STRATEGY:-perstream}" --workers "${NUM_WORKERS:-1}")
((only)) && options+=(--memory-only)
[[ -n "${VIDEO_DIR:-}" ]] && options+=(--video-dir "$VIDEO_DIR")
[[ -n "${BACKEND:-}" ]] && options+=(--backend "$BACKEND")
[[ -n "${MODEL_PATH:-}" ]] && options+=(--model "$MODEL_PATH")
[[ -n "${ADAPTER:-}" ]] && options+=(--adapter "$ADAPTER")
[[ -n "${SPLIT:-}" ]] && options+=(--split "$SPLIT")
[[ -n "${LIMIT:-}" ]] && options+=(--limit "$LIMIT")
[[ -n "${SHARD:-}" ]] && options+=(--shard "$SHARD")

case "${BACKEND:-}" in
  qwen-omni) extras=setup,server,qwen ;;
  openai) extras=setup,server,openai ;;
  *) extras=setup,server ;;
esac
((dry)) || bash "$root/scripts/setup.sh" "${EXTRAS:-$extras}"
for mode in ${MODES:-passive proactive}; do
  [[ "$mode" == passive || "$mode" == proactive ]] || fail "MODES holds passive and proactive, not '$mode'"
  command=("$root/.venv/bin/perstream" eval "$mode" "${options[@]}")
  if [[ "$mode" == passive && -n "${ANSWERS:-}" ]]; then command+=(--answers "$ANSWERS"); fi
  printf '%q ' "${command[@]}" >&2; echo >&2
  ((dry)) || OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" "${command[@]}"
done
