#!/usr/bin/env bash
# Builds the image where there is no Docker: the Dockerfile as it stands, by buildah, on
# stand-ins for its two base images that lie in a folder under the same names.
#
#   usage (root on Debian): image.sh [FOLDER]        default: ~/.cache/millrace/image
#
# python:3.11-slim-trixie is a debootstrap of Debian trixie with the packages of bookworm's
# Python 3.11, since trixie has 3.13 only. apache/beam_python3.11_sdk holds Beam's boot,
# compiled from its Go module, and nothing else (Beam's has its licenses, too).
# All of it stays in FOLDER for the next time. How packages are reached (apt's sources,
# pip's settings, certificates) is this machine's. Ends with 2 where it cannot work.
set -euo pipefail

cd "$(dirname "$0")/.."
. bootstrap/refuse.sh
no_image() {
  echo "image: $1; elsewhere: docker build --tag millrace ." >&2
  exit 2
}
[ "$(uname -sm)" = "Linux x86_64" ] || no_image "the wheels are for Linux on x86-64, not $(uname -sm)"
[ "$(. "${OS_RELEASE:-/etc/os-release}" && echo "$ID")" = debian ] || no_image "the system is not Debian"
[ "$(id -u)" = 0 ] || no_image "only root can make another Debian in a folder, and start it"
for program in buildah:buildah debootstrap:debootstrap go:golang-go; do
  command -v "${program%:*}" >/dev/null ||
    no_image "there is no ${program%:*} (apt-get install --no-install-recommends ${program#*:})"
done

folder=$(realpath -m "${1:-${XDG_CACHE_HOME:-$HOME/.cache}/millrace/image}")
[[ $folder/ != "$PWD"/* ]] || no_image "$folder is in the clone"
mkdir -p "$folder"
beam=$(sed -n 's/^apache-beam==\([0-9.]*\).*/\1/p' requirements/main.lock)

# Containers and images of ours alone; the machine's own buildah never sees them.
cat > "$folder/storage.conf" <<CONF
[storage]
driver = "overlay"
graphroot = "$folder/store"
runroot = "$folder/run"
CONF
export CONTAINERS_STORAGE_CONF=$folder/storage.conf BUILDAH_ISOLATION=chroot
why=$(buildah info 2>&1 >/dev/null) || no_image "buildah cannot store images in $folder: ${why##*$'\n'}"

# go_program MODULE NAME: a program of Beam's, of the lock's version.
go_program() {
  [ ! -x "$folder/beam-$beam/$2" ] || return 0
  echo "image: compiling Beam's $2" >&2
  GOPATH=$folder/go GOCACHE=$folder/go/cache GOBIN=$folder/go/bin GOFLAGS=-modcacherw \
    go install "github.com/apache/beam/sdks/v2/$1@v$beam" 2>"$folder/go.log" ||
    { tail -n 5 "$folder/go.log" >&2; failed "Go could not compile $1"; }
  mkdir -p "$folder/beam-$beam"
  mv "$folder/go/bin/$(basename "$1")" "$folder/beam-$beam/$2"
}
go_program python/container boot
go_program go/cmd/prism prism
rm -rf "$folder/go"

# debian ROOT: trixie with bookworm's Python, and what Docker's image has besides.
debian() {
  local mirror bookworm=$1/etc/apt/sources.list.d/bookworm.list
  mirror=$(apt-get indextargets --format '$(COMPONENT) $(REPO_URI)' 'Created-By: Packages' | awk '$1 == "main" { print $2; exit }')
  debootstrap --variant=minbase --include=ca-certificates,netbase,tzdata trixie "$1" "$mirror" &&
    cp /etc/resolv.conf "$1/etc/" &&
    { cp /etc/apt/apt.conf.d/99* "$1/etc/apt/apt.conf.d/" || true; } &&
    echo "deb $mirror bookworm main" >"$bookworm" &&
    chroot "$1" apt-get update &&
    chroot "$1" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      python3.11-venv python3/bookworm python3-minimal/bookworm libpython3-stdlib/bookworm \
      python3-distutils/bookworm python3-lib2to3/bookworm &&
    chroot "$1" sh -c 'apt-get clean; rm -rf /var/lib/apt/lists/* /etc/apt/apt.conf.d/99*' &&
    rm "$bookworm" && ln -s /usr/bin/python3.11 "$1/usr/local/bin/python"
}

# base NAME FOLDER: that folder as an image of that name.
base() {
  local container
  container=$(buildah from scratch)
  buildah add --quiet "$container" "$2" / >/dev/null
  buildah config --env PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
  buildah commit --quiet --rm "$container" "$1" >/dev/null
}
has() { buildah inspect --type image "$1" >/dev/null 2>&1; }

python=docker.io/library/python:3.11-slim-trixie
if ! has $python; then
  echo "image: making $python of Debian's packages" >&2
  rm -rf --one-file-system "$folder/debian"
  debian "$folder/debian" >"$folder/debian.log" 2>&1 || { tail -n 5 "$folder/debian.log" >&2; failed "no Debian could be made"; }
  base $python "$folder/debian"
  rm -rf --one-file-system "$folder/debian"
fi
sdk=docker.io/apache/beam_python3.11_sdk:$beam
if ! has "$sdk"; then
  install -D "$folder/beam-$beam/boot" "$folder/sdk/opt/apache/beam/boot"
  base "$sdk" "$folder/sdk"
  rm -r "$folder/sdk"
fi

echo "image: building the Dockerfile" >&2
mounts=()
for file in /etc/pip.conf /etc/ssl/certs/ca-certificates.crt; do
  [ ! -e "$file" ] || mounts+=(--volume "$file:$file:ro")
done
buildah bud --layers --pull-never "${mounts[@]}" \
  --build-arg COMMIT="$(git rev-parse HEAD)" --tag millrace . >"$folder/build.log" 2>&1 ||
  { tail -n 20 "$folder/build.log" >&2; failed "buildah could not build the Dockerfile"; }
bash bootstrap/setup.sh .venv requirements/main.lock
buildah inspect --type image millrace |
  .venv/bin/python bootstrap/image_layers.py "$folder/store/overlay-layers/layers.json"

echo "image: starting it" >&2
buildah rm --all >/dev/null # of a start that was cut off
.venv/bin/python -m bootstrap.image_start "$folder" "$folder/beam-$beam/prism"
