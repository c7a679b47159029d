#!/usr/bin/env bash
# Gives ONE interpreter a newer C runtime, so that the TFX wheels load on an older host.
#
#   usage: c_runtime.sh VENV PATCHELF
#
# Why: the wheels of ml-metadata and tensorflow-data-validation 1.21 are built for
# glibc 2.39 and the libstdc++ of GCC 14 (tags manylinux_2_39). Debian 12 and
# Ubuntu 22.04 have older ones, so pip refuses the wheels there.
# What: unpacks libc6, libstdc++6 and libgcc-s1 of the distribution's next release
# into VENV/c-runtime and points VENV/bin/python, a copy, at them.
#   * Nothing outside VENV is written, and no root is needed.
#   * The mirror and its keyring are those of this machine's own apt sources; only
#     the suite is replaced. apt itself checks the signatures.
#   * With glibc >= 2.39 there is nothing to do, and nothing is done.
set -euo pipefail

readonly VENV=$1 PATCHELF=$2
readonly NEEDED=2.39
readonly RUNTIME=$VENV/c-runtime

at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n1)" = "$2" ]; }

. "${BASH_SOURCE%/*}/refuse.sh"
no_runtime() {
  refuse "this host has glibc $HOST_GLIBC; the TFX 1.21 wheels need $NEEDED, and the private C runtime cannot be made here: $1"
}

HOST_GLIBC=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2 || true)
HOST_GLIBC=${HOST_GLIBC:-0}
if at_least "$HOST_GLIBC" "$NEEDED"; then exit 0; fi

"$VENV/bin/python" -c 'import os, sys
sys.exit(os.confstr("CS_GNU_LIBC_VERSION").split()[1] < "2.39")' 2>/dev/null && exit 0

[ "$(uname -m)" = x86_64 ] || no_runtime "the machine is $(uname -m), the wheels are x86-64"
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || no_runtime "there is no apt"
os_release() { . "${OS_RELEASE:-/etc/os-release}"; printf '%s' "${!1:-}"; }
case $(os_release ID) in
  debian) suite=trixie ;;
  ubuntu) suite=noble ;;
  *) no_runtime "the system is '$(os_release ID)', neither Debian nor Ubuntu" ;;
esac

# The mirror: where this machine's own apt takes the component main of its own suite.
mirror=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
  awk -v suite="$(os_release VERSION_CODENAME)" '$1 == suite && $2 == "main" { print $3; exit }')
[ -n "$mirror" ] || no_runtime "apt's sources name no mirror for '$(os_release VERSION_CODENAME) main'"
keyring=/usr/share/keyrings/$(os_release ID)-archive-keyring.gpg
[ -r "$keyring" ] || no_runtime "the archive keyring $keyring is missing"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{lists/partial,cache/archives/partial,debs,root}
chmod 755 "$work" "$work/debs"
echo "deb [arch=amd64 signed-by=$keyring] $mirror $suite main" > "$work/sources.list"
touch "$work/status"
apt_private=(apt-get -qq
  -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=-
  -o Dir::State::lists="$work/lists" -o Dir::State::status="$work/status"
  -o Dir::Cache="$work/cache" -o APT::Architecture=amd64 -o APT::Architectures=amd64
  -o APT::Sandbox::User=root -o Acquire::Retries=5 -o Acquire::Languages=none
  -o Acquire::AllowInsecureRepositories=false -o APT::Get::AllowUnauthenticated=false)
echo "c_runtime: glibc $HOST_GLIBC here; taking $suite's for this environment only" >&2
"${apt_private[@]}" update || failed "apt could not read suite $suite of this machine's mirror"
(cd "$work/debs" && "${apt_private[@]}" download libc6 libstdc++6 libgcc-s1) ||
  failed "apt could not download and verify libc6, libstdc++6 and libgcc-s1"
for deb in "$work"/debs/*.deb; do dpkg-deb -x "$deb" "$work/root"; done

# Built aside and moved into place: a set-up that was cut off leaves no half runtime.
rm -rf "$RUNTIME" "$RUNTIME.new"
mkdir "$RUNTIME.new"
find "$work/root" \( -path '*/x86_64-linux-gnu/*.so*' -o -name 'ld-linux-x86-64.so.2' \) \
  -not -path '*/gconv/*' -exec cp -L {} "$RUNTIME.new/" \;
mv "$RUNTIME.new" "$RUNTIME"
runtime=$(cd "$RUNTIME" && pwd)

# libpython's own folder stays on the path; --add-needed loads the new libstdc++ before
# TensorFlow's RUNPATH can load the host's old one.
libdir=$("$VENV/bin/python" -c 'import sysconfig; print(sysconfig.get_config_var("LIBDIR"))')
python=$VENV/bin/python
real=$(readlink -f "$python")
cp "$real" "$python.new"
"$PATCHELF" --set-interpreter "$runtime/ld-linux-x86-64.so.2" \
  --force-rpath --set-rpath "$runtime:$libdir" \
  --add-needed libstdc++.so.6 --add-needed libgcc_s.so.1 "$python.new"
"$python.new" -c 'import os; print("c_runtime:", os.confstr("CS_GNU_LIBC_VERSION"))' >&2
mv "$python.new" "$python"
ln -sf python "$VENV/bin/python3"
ln -sf python "$VENV/bin/python3.11"
