#!/usr/bin/env bash
# Score what eval.sh predicted: results.json beside every pred.json, and report.html with all of it.
# Environment:
#   OUTPUT_BASE_DIR  what eval.sh wrote to (default evaluation/)
#   NUM_TASKS        records judged at a time (default 16)                                              -> --workers
#   JUDGE            offline (word overlap and vectors; nothing leaves this machine), or the name of a
#                    model on an OpenAI-compatible server (default offline)                             -> --judge
#   JUDGE_BASE_URL   that server (default OPENAI_BASE_URL; the key is OPENAI_API_KEY, from the
#                    environment or .env)                                                               -> --base-url
#   NUM_PROBES       of each kind, to measure the judge itself (default 25)                             -> --probes
#   YES              true: do not ask before a model is called; the cost is printed either way          -> --yes
#   MAX_CALLS        refuse to make more (default no limit)                                             -> --max-calls
# An interrupted run goes on where it stopped. `--dry-run` prints what would be run.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
fail() { echo "score.sh: $1" >&2; exit 2; }
dry=0
for argument in "$@"; do
  case "$argument" in
    --dry-run) dry=1 ;;
    *) fail "unknown argument '$argument' (only --dry-run; the rest is environment)" ;;
  esac
done
base="${OUTPUT_BASE_DIR:-$root/evaluation}"
[[ -d "$base" ]] || fail "there is no folder $base: set OUTPUT_BASE_DIR, or run scripts/eval.sh first"
for name in NUM_TASKS NUM_PROBES MAX_CALLS; do
  [[ "${!name:-1}" =~ ^[0-9]+$ ]] || fail "$name is a whole number, not '${!name}'"
done
command=("$root/.venv/bin/perstream" judge "$base" --judge "${JUDGE:-offline}" --workers "${NUM_TASKS:-16}"
  --probes "${NUM_PROBES:-25}")
[[ -n "${JUDGE_BASE_URL:-}" ]] && command+=(--base-url "$JUDGE_BASE_URL")
[[ -n "${MAX_CALLS:-}" ]] && command+=(--max-calls "$MAX_CALLS")
case "${YES:-false}" in
  true | True | 1 | yes) command+=(--yes) ;;
  false | False | 0 | no) ;;
  *) fail "YES is true or false, not '$YES'" ;;
esac
report=("$root/.venv/bin/perstream" report "$base")
printf '%q ' "${command[@]}" >&2; echo >&2
printf '%q ' "${report[@]}" >&2; echo >&2
if ((dry)); then exit 0; fi
extras=setup,server,plot
[[ "${JUDGE:-offline}" == offline ]] || extras="$extras,openai"
bash "$root/scripts/setup.sh" "$extras"
OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" "${command[@]}"
"${report[@]}"
