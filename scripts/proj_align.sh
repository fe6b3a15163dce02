#!/usr/bin/env bash
# Train the projection from patch vectors to the sentence space: frames of the videos near their captions.
# Environment:
#   QUESTIONS_FILE  dataset records with captions, JSON (required; docs/DATASET.md)                -> --dataset
#   VIDEO_DIR       folder of their videos (required, but for MODE=train)                          -> --video-dir
#   OUTPUT_MODEL    the projection to write (default ckpts/projection.safetensors)                 -> --output
#   MODE            create_dataset | train | both (default both; an argument of that name does it, too)
#   POOL_SIZE       grid of patch vectors, 4 or 4x4 (default 4x4)                                  -> --pool-size
#   SENTENCE_MODEL  embedder of the captions (default all-MiniLM-L6-v2, the daemon's)              -> --sentence-model
#   NUM_EPOCHS 50, LEARNING_RATE 1e-3, BATCH_SIZE 32                        -> --epochs --learning-rate --batch
#   BACKEND         builtin (CPU, nothing downloaded) or qwen-omni (default: qwen-omni where MODEL_PATH is set)
#   MODEL_PATH      folder or hub id of the model whose eyes are used                              -> --model
#   CACHE_FILE      folder of encoded frames (default: patches/ beside OUTPUT_MODEL)               -> --cache
# Further arguments go to `perstream train projection`, for example --skip-missing or --fresh.
# An interrupted run goes on where it was. `--dry-run` prints what would be run.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
dry=0
more=()
for argument in "$@"; do
  case "$argument" in
    --dry-run) dry=1 ;;
    create_dataset | train | both) MODE="$argument" ;;
    *) more+=("$argument") ;;
  esac
done
fail() { echo "proj_align.sh: $1" >&2; exit 2; }
mode="${MODE:-both}"
case "$mode" in
  create_dataset | train | both) ;;
  *) fail "MODE is create_dataset, train or both, not '$mode'" ;;
esac
[[ -n "${QUESTIONS_FILE:-}" ]] || fail "set QUESTIONS_FILE to dataset records, for example QUESTIONS_FILE=records.json VIDEO_DIR=videos bash scripts/proj_align.sh"
[[ -n "${VIDEO_DIR:-}" || "$mode" == train ]] || fail "set VIDEO_DIR to the folder of the videos"
backend="${BACKEND:-$([[ -n "${MODEL_PATH:-}" ]] && echo qwen-omni || echo builtin)}"
case "$backend" in
  builtin) ;;
  qwen-omni) [[ -n "${MODEL_PATH:-}" ]] || fail "BACKEND=qwen-omni needs MODEL_PATH, a folder or hub id" ;;
  *) fail "BACKEND is builtin or qwen-omni, not '$backend'" ;;
esac
command=("$root/.venv/bin/perstream" train projection --dataset "$QUESTIONS_FILE"
  --output "${OUTPUT_MODEL:-$root/ckpts/projection.safetensors}" --mode "$mode" --pool-size "${POOL_SIZE:-4x4}"
  --sentence-model "${SENTENCE_MODEL:-all-MiniLM-L6-v2}" --epochs "${NUM_EPOCHS:-50}"
  --learning-rate "${LEARNING_RATE:-1e-3}" --batch "${BATCH_SIZE:-32}" --backend "$backend")
[[ -n "${VIDEO_DIR:-}" ]] && command+=(--video-dir "$VIDEO_DIR")
[[ -n "${CACHE_FILE:-}" ]] && command+=(--cache "$CACHE_FILE")
[[ "$backend" == qwen-omni ]] && command+=(--model "$MODEL_PATH")
command+=(${more[@]+"${more[@]}"})
if ((dry)); then
  printf '%q ' "${command[@]}"
  echo
  exit 0
fi
bash "$root/scripts/setup.sh" setup,plot,train
exec "${command[@]}"
