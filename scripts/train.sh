#!/usr/bin/env bash
# Train a LoRA adapter of Qwen2.5-Omni on dataset records: answers from memories, and silence or a word unasked.
# Environment:
#   MODEL_PATH     folder or hub id of the model (required)                                        -> --model
#   DATA_FILE      dataset records, JSON (required; docs/DATASET.md)                               -> --dataset
#   CACHE_FILE     patch vectors by `perstream dataset cache`: no video is read then               -> --cache
#   VIDEO_DIR      else the folder of the videos, whose frames are encoded once                    -> --video-dir
#   MEMORY_ONLY    else true: no view, the scene is told in words                                  -> --memory-only
#   OUTPUT_DIR     folder of the adapter (default finetuned_models/lora)                           -> --output
#   NUM_EPOCHS 3, LEARNING_RATE 2e-4, LORA_R 8, LORA_ALPHA 16, LORA_DROPOUT 0.05
#   BATCH_SIZE 1, GRADIENT_ACCUMULATION 8   their product is the records per step; each goes through the model alone
#   LOAD_IN        4bit or 8bit: an adapter over quantized weights (QLoRA)                         -> --load-in
#   NUM_GPUS       processes, one GPU each, by `accelerate launch` (default 1)
# Further arguments go to `perstream train lora`, for example --skip-missing, --fresh or --silence-share 0.7.
# An interrupted run goes on from its last checkpoint. `--dry-run` prints what would be run.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
dry=0
more=()
for argument in "$@"; do
  case "$argument" in
    --dry-run) dry=1 ;;
    *) more+=("$argument") ;;
  esac
done
fail() { echo "train.sh: $1" >&2; exit 2; }
[[ -n "${MODEL_PATH:-}" ]] || fail "set MODEL_PATH to the model, for example MODEL_PATH=Qwen/Qwen2.5-Omni-7B"
[[ -n "${DATA_FILE:-}" ]] || fail "set DATA_FILE to dataset records, JSON (docs/DATASET.md)"
number='^[1-9][0-9]*$'
for name in BATCH_SIZE GRADIENT_ACCUMULATION NUM_GPUS; do
  [[ "${!name:-1}" =~ $number ]] || fail "$name is a whole number above 0, not '${!name}'"
done
case "${MEMORY_ONLY:-false}" in
  true | True | 1 | yes) views=(--memory-only) ;;
  false | False | 0 | no)
    if [[ -n "${CACHE_FILE:-}" ]]; then views=(--cache "$CACHE_FILE")
    elif [[ -n "${VIDEO_DIR:-}" ]]; then views=(--video-dir "$VIDEO_DIR")
    else fail "set CACHE_FILE or VIDEO_DIR for the views, or MEMORY_ONLY=true to train on memories alone"; fi ;;
  *) fail "MEMORY_ONLY is true or false, not '$MEMORY_ONLY'" ;;
esac
extras=setup,plot,train
case "${LOAD_IN:-}" in
  "") ;;
  4bit | 8bit) extras+=,quant; views+=(--load-in "$LOAD_IN") ;;
  *) fail "LOAD_IN is 4bit, 8bit or empty, not '$LOAD_IN'" ;;
esac
gpus="${NUM_GPUS:-1}"
perstream=("$root/.venv/bin/perstream")
if ((gpus > 1)); then
  perstream=("$root/.venv/bin/accelerate" launch --multi_gpu --num_processes "$gpus" --num_machines 1
    --mixed_precision no --dynamo_backend no -m perstream)
fi
command=("${perstream[@]}" train lora --dataset "$DATA_FILE" --model "$MODEL_PATH"
  --output "${OUTPUT_DIR:-$root/finetuned_models/lora}" --epochs "${NUM_EPOCHS:-3}"
  --learning-rate "${LEARNING_RATE:-2e-4}" --rank "${LORA_R:-8}" --alpha "${LORA_ALPHA:-16}"
  --dropout "${LORA_DROPOUT:-0.05}" --accumulation "$((${BATCH_SIZE:-1} * ${GRADIENT_ACCUMULATION:-8}))"
  "${views[@]}" ${more[@]+"${more[@]}"})
if ((dry)); then
  printf '%q ' "${command[@]}"
  echo
  exit 0
fi
bash "$root/scripts/setup.sh" "$extras"
exec "${command[@]}"
