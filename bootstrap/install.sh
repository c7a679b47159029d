#!/usr/bin/env bash
# Installs the lock into an environment with nothing but pip; the image's way.
#
#   usage: install.sh VENV
#
# pyfarmhash and a few others come as source only: what builds them is locked too, and
# is there before them, since pip would otherwise fetch the newest for each.
set -euo pipefail

cd "$(dirname "$0")/.."
pip=("$1/bin/python" -m pip --disable-pip-version-check --no-input)
"${pip[@]}" install --quiet --no-cache-dir --require-hashes -r requirements/build.lock
"${pip[@]}" install --quiet --no-cache-dir --require-hashes --no-deps --no-build-isolation \
  -r requirements/main.lock
"${pip[@]}" check
