#!/usr/bin/env bash
# What some tests need from Debian: a browser for the report, two database servers for
# lineage. Nothing is started. Where it cannot be installed those tests are skipped, and
# say why.
#
#   usage: services.sh [--list]     --list: say what is missing, install nothing
set -euo pipefail

# A program on PATH, or a file -> the package that brings it.
found() { command -v "$1" >/dev/null || compgen -G "$2" >/dev/null; }
missing=()
found chromium /usr/bin/chromium || found google-chrome /usr/bin/google-chrome || missing+=(chromium)
found mariadbd /usr/sbin/mariadbd || missing+=(mariadb-server-core)
# mariadb-install-db calls it, and mariadb-server-core does not depend on it.
found my_print_defaults /usr/bin/my_print_defaults || missing+=(mariadb-client-core)
found postgres '/usr/lib/postgresql/*/bin/postgres' || missing+=(postgresql)
if [ "${1:-}" = --list ]; then echo "${missing[*]}"; exit 0; fi
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "services: not here: ${missing[*]}. Their tests are skipped; as root, on Debian: apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 0
fi
echo "services: installing ${missing[*]}" >&2
# The package would make a cluster and start it; the tests make their own.
mkdir -p /etc/postgresql-common
grep -qs '^create_main_cluster' /etc/postgresql-common/createcluster.conf ||
  echo 'create_main_cluster = false' >> /etc/postgresql-common/createcluster.conf
apt() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=5 "$@" >/dev/null; }
if ! { apt update && apt install -y --no-install-recommends "${missing[@]}"; }; then
  echo "services: apt could not install ${missing[*]}; their tests are skipped" >&2
fi
