# What set-up says when it cannot go on: what is missing here, and what brings it.
# Sourced by the other scripts.

# refuse WHAT_IS_MISSING [WHAT_TO_DO_FIRST]
refuse() {
  cat >&2 <<END
setup: $1
${2:+       $2
}  Debian 12, 13  apt-get install python3 python3-venv git make ca-certificates
                 (13 has Python 3.13 only: use the Dockerfile, or pyenv)
  Ubuntu 22.04   apt-get install python3.11 python3.11-venv git make ca-certificates
  Ubuntu 24.04   its own Python is 3.12: add-apt-repository ppa:deadsnakes/ppa, then
                 apt-get install python3.11 python3.11-venv git make
  Fedora         dnf install python3.11 git make
  macOS, other   the wheels of TFX are for Linux on x86-64: use the Dockerfile
  Dockerfile     docker build --platform linux/amd64 --tag millrace .
                 docker run -it --entrypoint python millrace \\
                   local_runner.py run --set output_root=/tmp
END
  exit 2
}

# failed WHAT: a download or an installation that was under way.
failed() {
  echo "setup: $1, see above. What was done is kept: the same command goes on there" >&2
  exit 1
}

# Python 3.11: $PYTHON, or the first of these on PATH; '' if there is none.
python_3_11() {
  local each
  for each in ${PYTHON:+"$PYTHON"} python3.11 python3; do
    if [ "$("$each" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = 3.11 ]; then
      command -v "$each"
      return
    fi
    [ -z "${PYTHON:-}" ] || return 0
  done
}

# Which Python 3 is here instead.
other_python() {
  "${PYTHON:-python3}" -c 'import platform; print(platform.python_version())' 2>/dev/null || echo none
}

# Debian keeps venv in a package of its own.
has_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

# Where downloads are kept from one set-up to the next; '' where this user has no such place.
cache_folder() {
  local folder=${UV_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/uv}
  if mkdir -p "$folder" 2>/dev/null && [ -w "$folder" ]; then echo "$folder"; fi
}
