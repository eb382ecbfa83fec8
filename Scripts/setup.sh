#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# setup.sh [vm | bench]: installs what building and testing need, on Debian and Ubuntu, and when that is asked for what the virtual machine
# of `make test-vm` needs, or what `make bench` measures beside. Says what it does; does nothing when nothing is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
    build-essential curl e2fsprogs git jq libarchive-dev libmnl-dev libnftnl-dev libpcre2-dev librabbitmq-dev librdkafka-dev
    libseccomp-dev libsqlite3-dev openssl pkg-config prometheus python3 python3-swift python3-venv rabbitmq-server strace
    zlib1g-dev
)
# The kernel that the virtual machine boots is downloaded by the test itself, and installed nowhere.
[[ ${1:-} != vm ]] || packages+=(kmod procps qemu-system-x86 util-linux)
[[ ${1:-} != bench ]] || packages+=(bubblewrap crun nginx podman util-linux)

say() { echo "setup: $*" >&2; }
fail() { say "$*"; exit 1; }

missing=()
command -v dpkg-query >/dev/null || fail "this script knows Debian and Ubuntu only; install the equivalents of: ${packages[*]}"
for package in "${packages[@]}"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true) == installed ]] || missing+=("$package")
done
# Functions in JavaScript need it; any version on the PATH will do.
command -v node >/dev/null || missing+=(nodejs)
# The console's tests look at it in a browser, with a font.
command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
    || missing+=("$(grep -q '^ID=ubuntu' /etc/os-release && echo chromium-browser || echo chromium)" fonts-liberation)
if ((${#missing[@]})); then
    say "installing ${missing[*]}"
    run=(env DEBIAN_FRONTEND=noninteractive)
    if ((EUID != 0)); then
        command -v sudo >/dev/null || fail "not root and no sudo: install these packages yourself: ${missing[*]}"
        run=(sudo "${run[@]}")
    fi
    "${run[@]}" apt-get update -qq
    "${run[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
    # Tests have nodes of their own: what the packages start, and would start with the machine, is not wanted.
    unwanted() {
        [[ " ${missing[*]} " == *" $1 "* ]] || return 0
        if [[ -d /run/systemd/system ]]; then
            "${run[@]}" systemctl disable --quiet --now "${@:2}" || true
        else
            "${run[@]}" service "$1" stop >/dev/null 2>&1 || true
        fi
    }
    unwanted rabbitmq-server rabbitmq-server.service epmd.service epmd.socket
    unwanted prometheus prometheus.service
    unwanted nginx nginx.service
    unwanted podman podman.service podman.socket podman-restart.service podman-auto-update.service podman-auto-update.timer
fi

command -v swift >/dev/null || fail "Swift 6.3 is needed and there is no 'swift' on the PATH: https://www.swift.org/install/linux/"
version=$(swift --version 2>&1 | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
[[ $(printf '%s\n' 6.3 "$version" | sort -V | head -n 1) == 6.3 ]] \
    || fail "Swift 6.3 is needed and this is Swift ${version:-of an unknown version}: https://www.swift.org/install/linux/"

# environment FOLDER REQUIREMENTS PYTHON: a virtual environment; its stamp holds the requirements that it was made from. uv does in five
# seconds what takes pip a minute.
environment() {
    cmp -s "$2" "$1/requirements.installed" && return
    say "making $1 with $(tr '\n' ' ' <"$2")"
    [[ -x $1/bin/python ]] || "$3" -m venv "$1"
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check uv==0.13.9 >&2
    "$1/bin/uv" pip install --quiet --python "$1/bin/python" -r "$2" >&2
    cp "$2" "$1/requirements.installed"
}
environment .venv Tests/requirements.txt "$(command -v python3)"
# Servers of others, which are tested against and measured beside, need other versions of what the tests need. Functions have the machine's
# own Python, so these have it too.
[[ ! -e .venv-peers || $(readlink -f .venv-peers/bin/python) == "$(readlink -f /usr/bin/python3)" ]] || rm -rf .venv-peers
environment .venv-peers Tests/requirements-peers.txt /usr/bin/python3
