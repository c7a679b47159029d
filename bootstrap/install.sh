#!/usr/bin/env bash
# Installs the lock into an environment with nothing but pip; the image's way.
#
#   usage: install.sh VENV
#
# A few packages come as source only, plain Python: what builds them is locked too, and
# is there before them, since pip would otherwise fetch the newest for each. farmhash is
# our own in place of the one that needs a compiler.
set -euo pipefail

cd "$(dirname "$0")/.."
pip=("$1/bin/python" -m pip --disable-pip-version-check --no-input)
"${pip[@]}" install --quiet --no-cache-dir --require-hashes -r requirements/build.lock
"${pip[@]}" install --quiet --no-cache-dir --require-hashes --no-deps --no-build-isolation \
  -r requirements/main.lock
"${pip[@]}" install --quiet --no-cache-dir --no-index --no-deps --no-build-isolation ./bootstrap/farmhash
"${pip[@]}" check
