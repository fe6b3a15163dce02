#!/usr/bin/env bash
# Make once what training and evaluation need of a dataset: embeddings, a memory graph per participant, patch vectors.
# Environment:
#   DATA_FILE    dataset records, JSON (required; docs/DATASET.md)
#   CACHE_FILE   folder of the cache (default dataset/cache); patch vectors go to patches/ in it  -> --out
#   VIDEO_DIR    folder of the videos; without it no patch vectors are made                       -> --video-dir
#   MODEL_PATH   folder or hub id of the model whose eyes are used; with VIDEO_DIR                -> --model
#   BACKEND      builtin or qwen-omni (default: qwen-omni where MODEL_PATH is set)                -> --backend
#   MAX_FRAMES   frames of a record's window (default 8)                                          -> --frames
#   VIDEO_START_BEFORE / VIDEO_END_AFTER   seconds of the window (default 8 and 0)                -> --before --after
# Further arguments go to `perstream dataset cache`, for example --skip-missing or --pool-size 4.
# All is named by its content: a second run makes nothing, a changed text is done anew. `--dry-run` prints what would be run.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
fail() { echo "cache_memories.sh: $1" >&2; exit 2; }
dry=0
more=()
for argument in "$@"; do
  case "$argument" in
    --dry-run) dry=1 ;;
    *) more+=("$argument") ;;
  esac
done
[[ -n "${DATA_FILE:-}" ]] || fail "set DATA_FILE to dataset records, for example DATA_FILE=dataset/drivenact.json"
[[ -f "$DATA_FILE" ]] || fail "there is no dataset file $DATA_FILE"
[[ -z "${VIDEO_DIR:-}" || -d "$VIDEO_DIR" ]] || fail "there is no folder VIDEO_DIR=$VIDEO_DIR"
[[ "${MAX_FRAMES:-8}" =~ ^[1-9][0-9]*$ ]] || fail "MAX_FRAMES is a whole number above 0, not '$MAX_FRAMES'"
number='^[0-9]*[.]?[0-9]+$'
for name in VIDEO_START_BEFORE VIDEO_END_AFTER; do
  [[ "${!name:-1}" =~ $number ]] || fail "$name is a number of seconds, not '${!name}'"
done
backend="${BACKEND:-$([[ -n "${MODEL_PATH:-}" ]] && echo qwen-omni || echo builtin)}"
case "$backend" in
  builtin) extras=setup ;;
  qwen-omni) extras=setup,qwen; [[ -n "${MODEL_PATH:-}" ]] || fail "BACKEND=qwen-omni needs MODEL_PATH, a folder or hub id" ;;
  *) fail "BACKEND is builtin or qwen-omni, not '$backend'" ;;
esac
command=("$root/.venv/bin/perstream" dataset cache "$DATA_FILE" --out "${CACHE_FILE:-$root/dataset/cache}"
  --frames "${MAX_FRAMES:-8}" --before "${VIDEO_START_BEFORE:-8}" --after "${VIDEO_END_AFTER:-0}" --backend "$backend")
[[ -n "${VIDEO_DIR:-}" ]] && command+=(--video-dir "$VIDEO_DIR")
[[ "$backend" == qwen-omni ]] && command+=(--model "$MODEL_PATH")
command+=(${more[@]+"${more[@]}"})
if ((dry)); then
  printf '%q ' "${command[@]}"
  echo
  exit 0
fi
bash "$root/scripts/setup.sh" "$extras"
exec "${command[@]}"
