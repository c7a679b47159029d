#!/usr/bin/env bash
# Prints what this machine and this environment offer. Works before set-up and without a
# network; ends with 1 when something is missing that set-up or a run needs.
#
#   usage: doctor.sh VENV
set -uo pipefail

cd "$(dirname "$0")/.."
. bootstrap/refuse.sh
readonly VENV=${1:-.venv}
bad=0
line() { printf '%-4s %-12s %s\n' "$1" "$2" "$3"; [ "$1" != bad ] || bad=1; }
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n1)" = "$2" ]; }

if [ "$(uname -s) $(uname -m)" = "Linux x86_64" ]; then line ok machine "Linux on x86-64"
else line bad machine "$(uname -s) on $(uname -m); the wheels of TFX are for Linux on x86-64: use the Dockerfile"; fi

base=$(python_3_11)
if [ -z "$base" ]; then
  line bad Python "$(other_python); needs 3.11: install it, or make setup PYTHON=/path/to/python3.11"
elif ! has_venv "$base"; then
  line bad Python "$base has no venv: apt-get install $(basename "$base")-venv"
else line ok Python "$("$base" -c 'import platform; print(platform.python_version())') ($base)"; fi

glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2)
if at_least "${glibc:-0}" 2.39; then line ok glibc "$glibc; the wheels need 2.39"
elif command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
  line ok glibc "$glibc; the wheels need 2.39: set-up adds a private C runtime to .venv"
else line bad glibc "${glibc:-none}; the wheels need 2.39: use the Dockerfile"; fi

for program in git make; do
  if command -v $program >/dev/null; then line ok $program "$(command -v $program)"
  else line bad $program "not here: install it"; fi
done
if [ -e /etc/ssl/certs/ca-certificates.crt ] || [ -e /etc/pki/tls/certs/ca-bundle.crt ]; then
  line ok certificates "the system's"
else line ok certificates "the system has none (ca-certificates); set-up uses those of its tools"; fi

cache=$(cache_folder)
if [ -n "$cache" ]; then line ok cache "$cache"
else line ok cache "the home folder cannot be written: downloads are kept in $VENV/cache"; fi
if [ -w . ]; then line ok folder "$PWD"
else line bad folder "$PWD cannot be written: clone into a folder of yours"; fi
free_gb=$(df -Pk . | awk 'NR == 2 { printf "%d", $4 / 1048576 }')
if [ "$free_gb" -ge 8 ]; then line ok disk "$free_gb GB free"
else line bad disk "$free_gb GB free; set-up and a run need 8: free some space"; fi
line ok cores "$(nproc), $(awk '/MemTotal/ { printf "%d", $2 / 1048576 }' /proc/meminfo) GB of memory"

services=$(bash bootstrap/services.sh --list)
if [ -z "$services" ]; then line ok tests "a browser and the databases are here"
elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  line ok tests "make test installs $services"
else line ok tests "not here, and only root can install: $services; their tests are skipped"; fi

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
  line ok ".venv" "not there yet: make setup"
fi
if [ "${TF_USE_LEGACY_KERAS:-0}" = 0 ]; then line ok Keras "Keras 3 (the runners set TF_USE_LEGACY_KERAS=0)"
else line ok Keras "TF_USE_LEGACY_KERAS=$TF_USE_LEGACY_KERAS here; the runners override it with 0"; fi
exit $bad
