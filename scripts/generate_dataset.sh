#!/usr/bin/env bash
# Make dataset records from the annotated videos of Drive&Act and Ego4D with a model (docs/DATASET.md).
# Environment:
#   DRIVENACT_PATH   folder of Drive&Act: activities_3s/<view>/*.csv and <view>/vpN/*.mp4      -> --drivenact
#   EGO4D_PATH       folder of Ego4D: v2/annotations/narration.json and v2/full_scale/*.mp4    -> --ego4d
#                    (one of the two is required)
#   MODEL_ID         the model: its name on the server, or a folder or hub id (default: OPENAI_MODEL, or the
#                    only one that the server has)                                             -> --model
#   BACKEND          openai (default; OPENAI_BASE_URL and OPENAI_API_KEY from the environment or .env), qwen-omni,
#                    or builtin: templates without a model, to try it out                      -> --backend
#   VIDEO_START_BEFORE / VIDEO_END_AFTER   seconds shown around a moment (default 4 and 1)     -> --before --after
#   NUM_WORKERS      moments at a time (default 8)                                             -> --workers
#   OUTPUT_DIR       where the records go (default dataset/)                                   -> --out
#   LIMIT, SHARD (i/n), SEED, MAX_CALLS
# Further arguments go to `perstream dataset generate`, for example --per-video 6 or --runs 5. What it costs is said
# before it starts. An interrupted run goes on where it was; no call is made twice. `--dry-run` prints what would be run.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
fail() { echo "generate_dataset.sh: $1" >&2; exit 2; }
dry=0
more=()
for argument in "$@"; do
  case "$argument" in
    --dry-run) dry=1 ;;
    *) more+=("$argument") ;;
  esac
done
[[ -n "${DRIVENACT_PATH:-}${EGO4D_PATH:-}" ]] || fail "set DRIVENACT_PATH or EGO4D_PATH to the folder of the dataset"
for name in DRIVENACT_PATH EGO4D_PATH; do
  [[ -z "${!name:-}" || -d "${!name}" ]] || fail "there is no folder $name=${!name}"
done
for name in NUM_WORKERS LIMIT SEED MAX_CALLS; do
  [[ "${!name:-1}" =~ ^[0-9]+$ ]] || fail "$name is a whole number, not '${!name}'"
done
number='^[0-9]*[.]?[0-9]+$'
for name in VIDEO_START_BEFORE VIDEO_END_AFTER; do
  [[ "${!name:-1}" =~ $number ]] || fail "$name is a number of seconds, not '${!name}'"
done
backend="${BACKEND:-openai}"
case "$backend" in
  openai) extras=setup,openai ;;
  qwen-omni) extras=setup,qwen ;;
  builtin) extras=setup ;;
  *) fail "BACKEND is openai, qwen-omni or builtin, not '$backend'" ;;
esac
command=("$root/.venv/bin/perstream" dataset generate --out "${OUTPUT_DIR:-$root/dataset}" --backend "$backend"
  --before "${VIDEO_START_BEFORE:-4}" --after "${VIDEO_END_AFTER:-1}" --workers "${NUM_WORKERS:-8}")
[[ -n "${DRIVENACT_PATH:-}" ]] && command+=(--drivenact "$DRIVENACT_PATH")
[[ -n "${EGO4D_PATH:-}" ]] && command+=(--ego4d "$EGO4D_PATH")
[[ -n "${MODEL_ID:-}" ]] && command+=(--model "$MODEL_ID")
[[ -n "${LIMIT:-}" ]] && command+=(--limit "$LIMIT")
[[ -n "${SHARD:-}" ]] && command+=(--shard "$SHARD")
[[ -n "${SEED:-}" ]] && command+=(--seed "$SEED")
[[ -n "${MAX_CALLS:-}" ]] && command+=(--max-calls "$MAX_CALLS")
command+=(${more[@]+"${more[@]}"})
if ((dry)); then
  printf '%q ' "${command[@]}"
  echo
  exit 0
fi
bash "$root/scripts/setup.sh" "$extras"
exec "${command[@]}"
