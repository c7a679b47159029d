#!/usr/bin/env bash
# Resolves pyproject.toml into requirements/*.lock: versions and hashes, no address.
#
#   usage: lock.sh UV
#
# pyfarmhash is not in them: bootstrap/farmhash stands for it, without a compiler.
set -euo pipefail

cd "$(dirname "$0")/.."
compile() {
  "$1" pip compile --quiet --python-version 3.11 --python-platform x86_64-manylinux_2_39 \
    --generate-hashes --no-header --no-annotate --no-emit-index-url \
    --no-emit-package pyfarmhash "${@:2}"
}
for name in bootstrap build; do
  compile "$1" "requirements/$name.in" --output-file "requirements/$name.lock"
done
compile "$1" pyproject.toml --output-file requirements/main.lock
compile "$1" pyproject.toml --extra test --constraint requirements/main.lock \
  --output-file requirements/test.lock
