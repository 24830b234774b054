#!/usr/bin/env bash
# The lane of the training code: the generator's checks, then a minute of seeded training whose losses must begin as the
# committed curve (training/loss-start.csv). One thread. Needs the environment that training/setup.sh makes.
#   training/lane.sh [--write]    with --write it renews the curve
#   ATELIER_TRAINING_PYTHON       another interpreter that has training/requirements.txt
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python="${ATELIER_TRAINING_PYTHON:-${ATELIER_TRAINING_ENV:-$HOME/.cache/atelier-training}/venv/bin/python}"
if ! "$python" -c 'import torch, skia, diffusers, transformers' 2>/dev/null; then
  echo "$python has no training environment (torch, skia, diffusers, transformers): run training/setup.sh" >&2
  exit 77
fi
export OMP_NUM_THREADS=1 CUDA_VISIBLE_DEVICES=""
"$python" -m training.scenes check
"$python" -m training.loss_start "$@"
