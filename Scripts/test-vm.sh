#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# test-vm.sh [suites|servers|power]…: what only another kernel shows, in a virtual machine under software emulation. All of
# them without an argument: sandbox tests and servers on cgroup v2, as root, with a delegated subtree and without one; power cuts.
set -euo pipefail
cd "$(dirname "$0")/.."
[[ $(uname -m) == x86_64 ]] || { echo "test-vm: the virtual machine is x86_64, and this machine is $(uname -m)" >&2; exit 1; }
Scripts/setup.sh vm
swift build --build-tests
[[ -n ${MARTLET_BIN:-} ]] || Scripts/build-release.sh
debug=$(swift build --show-bin-path)
release=$(dirname "${MARTLET_BIN:-$(swift build -c release --show-bin-path)/martlet}")
PYTHONDONTWRITEBYTECODE=1 .venv/bin/python Tests/vm/run.py "$debug" "$release" "$@"
