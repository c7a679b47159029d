#!/usr/bin/env bash
# Prints what this machine and this environment offer. Works before set-up too.
#
#   usage: doctor.sh VENV
set -uo pipefail

cd "$(dirname "$0")/.."
readonly VENV=${1:-.venv}
bad=0
line() { printf '%-4s %-12s %s\n' "$1" "$2" "$3"; [ "$1" != bad ] || bad=1; }
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n1)" = "$2" ]; }

base=${PYTHON:-$(command -v python3.11 || command -v python3 || true)}
version=$("$base" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null || echo none)
case $version in
  3.11.*) line ok Python "$version ($base)" ;;
  *) line bad Python "$version; needs 3.11: install it, or make setup PYTHON=/path/to/python3.11" ;;
esac

glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2)
if at_least "${glibc:-0}" 2.39; then line ok glibc "$glibc; the wheels need 2.39"
elif command -v apt-get >/dev/null && [ "$(uname -m)" = x86_64 ]; then
  line ok glibc "$glibc; the wheels need 2.39: set-up adds a private C runtime to .venv"
else line bad glibc "${glibc:-none}; the wheels need 2.39: use the Dockerfile"; fi

if command -v "${CXX:-c++}" >/dev/null; then line ok compiler "$(command -v "${CXX:-c++}")"
else line ok compiler "none; set-up takes one from a wheel (pyfarmhash is C++ source)"; fi

free_gb=$(df -Pk . | awk 'NR == 2 { printf "%d", $4 / 1048576 }')
if [ "$free_gb" -ge 8 ]; then line ok disk "$free_gb GB free"
else line bad disk "$free_gb GB free; set-up and a run need 8: free some space"; fi
line ok cores "$(nproc), $(awk '/MemTotal/ { printf "%d", $2 / 1048576 }' /proc/meminfo) GB of memory"

if [ -x "$VENV/bin/python" ] && "$VENV/bin/python" -c '' 2>/dev/null; then
  line ok ".venv" "$("$VENV/bin/python" -c 'import os, platform
print("Python", platform.python_version(), "on", os.confstr("CS_GNU_LIBC_VERSION"))')"
  wheels=$(TF_USE_LEGACY_KERAS=0 TF_CPP_MIN_LOG_LEVEL=3 "$VENV/bin/python" -W ignore -c '
from importlib.metadata import version
import ml_metadata.metadata_store
import keras
print("TFX", version("tfx"), "TensorFlow", version("tensorflow"), "Keras", keras.version())
' 2>/dev/null | tail -n1)
  if [ -n "$wheels" ]; then line ok wheels "$wheels"
  else line bad wheels "they do not load: rm -rf $VENV && make setup"; fi
else
  line bad ".venv" "not there: make setup"
fi
if [ "${TF_USE_LEGACY_KERAS:-0}" = 0 ]; then line ok Keras "Keras 3 (the runners set TF_USE_LEGACY_KERAS=0)"
else line ok Keras "TF_USE_LEGACY_KERAS=$TF_USE_LEGACY_KERAS here; the runners override it with 0"; fi
exit $bad
