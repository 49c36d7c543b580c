#!/bin/sh
# tools/packages.sh COMMAND…: sees to it that each command the tests need is there.
# What is missing is installed with apt when we are root; otherwise a message names it and this fails.
# A command may have other names: chromium|google-chrome.
set -eu

package_of() { # the Debian package that brings a command
    case $1 in
    java | javac) echo default-jdk-headless ;;
    mvn) echo maven ;;
    node) echo nodejs ;;
    dpkg-deb) echo dpkg ;;
    *) echo "$1" ;;
    esac
}

there() { # whether a command is there under one of its names
    for name in $(echo "$1" | tr '|' ' '); do
        if command -v "$name" >/dev/null; then return 0; fi
    done
    return 1
}

missing=
for wanted in "$@"; do
    there "$wanted" || missing="$missing $(package_of "${wanted%%|*}")"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "The tests need more than is installed here. Debian/Ubuntu: apt-get install$missing" >&2
    exit 1
fi
echo "Installing Debian packages:$missing"
apt-get update -qq </dev/null
# shellcheck disable=SC2086 # a list of words
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-remove --no-install-recommends $missing </dev/null >/dev/null
