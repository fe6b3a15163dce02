#!/usr/bin/env bash
# Stream a video into the memory and open the prompt. Sets up what is missing first.
# Environment: VIDEO_PATH (file, folder, webcam:0, URL; default: the shipped sample day), MODEL_PATH,
# PROJECTION_MODEL_PATH, GAMMA_THRESHOLD, BUFFER_SIZE, QUEUE_SIZE, POOL_LEN, ENABLE_PROACTIVE (true/false).
# Further arguments go to `perstream watch`, for example: bash scripts/perstream.sh --realtime
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
bash "$root/scripts/setup.sh"

video="${VIDEO_PATH:-$root/sample_videos/day.mp4}"
options=()
if [[ -z "${VIDEO_PATH:-}" ]]; then
  # The sample comes with facts its owner told before that day. Its store is its own and made anew each time.
  rm -rf "$root/evaluation/sample-store"
  start="$("$root/.venv/bin/python" -c 'import json,sys; print(json.load(open(sys.argv[1]))["start_time"])' "$root/sample_videos/truth.json")"
  options+=(--facts "$root/sample_videos/profile.txt" --start-time "$start" --store "$root/evaluation/sample-store")
fi
[[ -n "${GAMMA_THRESHOLD:-}" ]] && options+=(--gamma-threshold "$GAMMA_THRESHOLD")
[[ -n "${BUFFER_SIZE:-}" ]] && options+=(--buffer-size "$BUFFER_SIZE")
[[ -n "${QUEUE_SIZE:-}" ]] && options+=(--queue-size "$QUEUE_SIZE")
[[ -n "${POOL_LEN:-}" ]] && options+=(--pool-size "$POOL_LEN")
[[ -n "${MODEL_PATH:-}" ]] && export PERSTREAM_BACKEND_MODEL_PATH="$MODEL_PATH"
[[ -n "${PROJECTION_MODEL_PATH:-}" ]] && export PERSTREAM_BACKEND_PROJECTION_PATH="$PROJECTION_MODEL_PATH"
case "${ENABLE_PROACTIVE:-true}" in
  true | True | 1 | yes) ;;
  false | False | 0 | no) options+=(--no-proactive) ;;
  *) echo "perstream.sh: ENABLE_PROACTIVE is true or false, not '$ENABLE_PROACTIVE'" >&2; exit 2 ;;
esac
exec "$root/.venv/bin/perstream" watch "$video" ${options[@]+"${options[@]}"} "$@"
