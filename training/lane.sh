#!/usr/bin/env bash
# The lane of the training code: the generator's checks, then a minute of seeded training whose losses must begin as the
# committed curve (training/loss-start.csv). One thread. Makes the environment (training/setup.sh) where it is missing, about two
# minutes, and leaves with 77 where that cannot be: no Python 3.11, no room on the disk, no package registry.
#   training/lane.sh [--write]    with --write it renews the curve
#   ATELIER_TRAINING_PYTHON       another interpreter that has training/requirements.txt: then nothing is installed
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python="${ATELIER_TRAINING_PYTHON:-${ATELIER_TRAINING_ENV:-$HOME/.cache/atelier-training}/venv/bin/python}"
has_environment() { "$python" -c 'import torch, skia, diffusers, transformers' 2>/dev/null; }
if ! has_environment && [ -z "${ATELIER_TRAINING_PYTHON:-}" ]; then training/setup.sh >&2 || true; fi
if ! has_environment; then
  echo "$python has no training environment (torch, skia, diffusers, transformers): see what training/setup.sh says" >&2
  exit 77
fi
export OMP_NUM_THREADS=1 CUDA_VISIBLE_DEVICES=""
"$python" -m training.scenes check
"$python" -m training.loss_start "$@"
