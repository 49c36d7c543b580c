#!/bin/sh
# tools/venv.sh LOCK [VENV]: VENV (default .venv) holds what LOCK pins, and this project, editable.
# Does nothing when that is so already: VENV keeps a stamp of every lock it was installed from.
set -eu
cd "$(dirname "$0")/.."
lock=$1
venv=${2:-.venv}
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

fail() { echo "tools/venv.sh: $*" >&2; exit 1; }

as_root_install() { # Debian packages, when we may; otherwise say what to do
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing Debian packages: $*"
        apt-get update -qq </dev/null
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null
    else
        fail "please install first (Debian/Ubuntu: apt-get install $*)"
    fi
}

find_python() { # prints the first Python that is new enough
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
}

make_venv() {
    command -v "${PYTHON:-python3}" >/dev/null || as_root_install python3 python3-venv
    python=$(find_python)
    [ -n "$python" ] || fail "Python 3.11 or newer is needed; name yours with PYTHON=/path/to/python3"
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        as_root_install "python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
    fi
    echo "Making $venv with $("$python" --version)"
    "$python" -m venv "$venv"
}

# A venv made elsewhere, or whose Python is gone, is made anew.
"$venv/bin/python" -c '' 2>/dev/null || { rm -rf "$venv"; make_venv; }

# Two makes at once must not install at once.
if command -v flock >/dev/null; then exec 9>"$venv/.lock"; flock 9; fi

stamp_of() { { pwd; "$venv/bin/python" --version; cat pyproject.toml "$1"; } | cksum; }

current() { [ "$(cat "$venv/.stamp-$1" 2>/dev/null)" = "$(stamp_of "$1")" ]; }

if current "$lock"; then exit 0; fi
echo "Installing $lock into $venv (up to a minute the first time)"
"$venv/bin/python" -m pip install --quiet --require-hashes -r "$lock"
if [ "$lock" != requirements-bench.lock ]; then
    "$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation --editable .
fi
stamp_of "$lock" >"$venv/.stamp-$lock"
# The development lock has all of the runtime lock, in the same versions.
if [ "$lock" = requirements-dev.lock ]; then
    stamp_of requirements.lock >"$venv/.stamp-requirements.lock"
fi
