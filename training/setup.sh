#!/usr/bin/env bash
# Makes the training environment outside the repository. Safe to run again.
# ATELIER_TRAINING_ENV chooses the folder; PYTHON the interpreter (3.11 or newer).
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
folder="${ATELIER_TRAINING_ENV:-$HOME/.cache/atelier-training}"
python="${PYTHON:-python3}"
needed_gib=12

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed" >&2; exit 1; }
mkdir -p "$folder"
if [ ! -x "$folder/venv/bin/python" ]; then
  free_gib=$(( $(df -Pk "$folder" | awk 'NR == 2 { print $4 }') / 1048576 ))
  if [ "$free_gib" -lt "$needed_gib" ]; then
    echo "$folder has $free_gib GiB free; $needed_gib GiB are needed (torch with CUDA). Set ATELIER_TRAINING_ENV." >&2
    exit 1
  fi
  "$python" -m venv "$folder/venv"
fi
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
"$folder/venv/bin/python" -c 'import skia' 2>/dev/null || {
  echo "skia does not load. On Debian or Ubuntu: apt-get install libegl1 libgl1" >&2
  exit 1
}
"$folder/venv/bin/python" -c 'import torch; print("torch", torch.__version__, "CUDA" if torch.cuda.is_available() else "CPU")'
echo "ready: $folder/venv/bin/python -m training.tokenizer --help   (from the repository's root)"
