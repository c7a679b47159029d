#!/usr/bin/env bash
# Tries a command on a machine that has nothing: a minimal Debian in a folder, with
# Python, git, make, certificates and no other package, no file of this machine and an
# empty home. What is tried is the commit HEAD.
#
#   usage (root on Debian): fresh.sh COMMAND       such as: fresh.sh 'make run && make test'
#
# In the environment, to try more:
#   FRESH_USER=nobody   as a user who is not root
#   FRESH_HOME=/nowhere a home that cannot be written
#   FRESH_DIR=DIR       keeps the Debian there, for the next time
# How packages are reached (apt's sources, pip's settings, certificates) is this machine's.
set -euo pipefail

command=${1:?a command, such as 'make run'}
user=${FRESH_USER:-root} home=${FRESH_HOME:-/home/fresh}
project=$(git rev-parse --show-toplevel)
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "fresh: only root on Debian can make another Debian in a folder" >&2
  exit 2
fi
command -v debootstrap >/dev/null || { apt-get -qq update && apt-get -qq install -y debootstrap; } >/dev/null

folder=${FRESH_DIR:-$(mktemp -d)}
root=$folder/root
# The kernel's folders are this machine's, in a mount namespace that ends with this script.
if [ -z "${FRESH_INSIDE:-}" ]; then
  FRESH_INSIDE=1 FRESH_DIR=$folder unshare --mount --propagation private bash "$0" "$command" && code=0 || code=$?
  [ -n "${FRESH_DIR:-}" ] || rm -rf --one-file-system "$folder"
  exit $code
fi

mkdir -p "$root" && chmod 755 "$folder"
if [ ! -e "$root/usr/bin/make" ]; then
  mirror=$(apt-get indextargets --format '$(COMPONENT) $(REPO_URI)' 'Created-By: Packages' | awk '$1 == "main" { print $2; exit }')
  debootstrap --variant=minbase --include=python3,python3-venv,git,make,ca-certificates \
    bookworm "$root" "$mirror" >"$folder/debootstrap.log" 2>&1 || { tail -n 5 "$folder/debootstrap.log" >&2; exit 1; }
fi
cp /etc/resolv.conf /etc/hosts "$root/etc/"
rm -rf "$root"/etc/apt/sources.list* "$root"/etc/apt/apt.conf.d/99*
for file in /etc/apt/sources.list /etc/apt/sources.list.d /etc/apt/apt.conf.d/99* /etc/pip.conf ~/.config/pip/pip.conf; do
  [ ! -e "$file" ] || cp -rL "$file" "$root${file/#*pip.conf//etc/pip.conf}"
done
cp --remove-destination -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
for each in proc sys dev; do mount --rbind "/$each" "$root/$each"; done
chmod 755 "$root" && rm -rf "$root/work" "$root$home" && mkdir -p "$root/work" "$root/gcs" "$root/home"
[ -n "${FRESH_HOME:-}" ] || mkdir -p "$root$home"
git clone -q "$project" "$root/work/project"
chroot "$root" chown -R "$user" /work
[ -n "${FRESH_HOME:-}" ] || chroot "$root" chown "$user" "$home"

SECONDS=0
env -i HOME="$home" TERM="${TERM:-dumb}" LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  ${PIP_INDEX_URL:+PIP_INDEX_URL="$PIP_INDEX_URL"} ${CI:+CI="$CI"} \
  chroot --userspec "$user" "$root" bash -c "cd /work/project && $command" && code=0 || code=$?
echo "fresh: '$command' ended with $code after $SECONDS s" >&2
exit $code
