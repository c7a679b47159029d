#!/usr/bin/env bash
# What some tests need from Debian: a browser for the report, two database servers for
# lineage. Nothing is started. Where it cannot be installed those tests are skipped, and
# say why.
set -euo pipefail

found() { command -v "$1" >/dev/null || compgen -G "$2" >/dev/null; }
missing=()
found chromium /usr/bin/chromium || missing+=(chromium)
found mariadbd /usr/sbin/mariadbd || missing+=(mariadb-server-core)
found postgres '/usr/lib/postgresql/*/bin/postgres' || missing+=(postgresql)
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "services: no ${missing[*]} here, and only root can install them; their tests are skipped" >&2
  exit 0
fi
echo "services: installing ${missing[*]}" >&2
# The package would make a cluster and start it; the tests make their own.
mkdir -p /etc/postgresql-common
grep -qs '^create_main_cluster' /etc/postgresql-common/createcluster.conf ||
  echo 'create_main_cluster = false' >> /etc/postgresql-common/createcluster.conf
apt() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >/dev/null; }
if ! { apt update && apt install -y --no-install-recommends "${missing[@]}"; }; then
  echo "services: apt could not install ${missing[*]}; their tests are skipped" >&2
fi
