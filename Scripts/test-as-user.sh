#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# test-as-user.sh USER [OPTION…]: runs the tests, built already, as an ordinary user, with options of Swift Testing's. For root.
set -euo pipefail
cd "$(dirname "$0")/.."
user=$1
binaries=$PWD/.build/debug
home=$(mktemp -d)
# The tree may lie where the user may not go; what is built is moved to where they may.
trap 'rm -rf "$home"' EXIT
mkdir "$home/bin"
cp "$binaries"/*PackageTests.xctest "$binaries/martlet-spawner" "$binaries/libmartlet-zygote.so" "$home/bin/"
chmod -R a+rX "$home"
mkdir "$home/work"
chown "$user" "$home/work"
bundle=$(find "$home/bin" -maxdepth 1 -name '*PackageTests.xctest' | head -n 1)
[[ -n $bundle ]] || { echo "test-as-user: the tests are not built" >&2; exit 1; }
cd "$home/work"
setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups --reset-env \
    env HOME="$home/work" TMPDIR="$home/work" PATH="$PATH" MARTLET_SPAWNER="$home/bin/martlet-spawner" \
    "$bundle" --testing-library swift-testing "${@:2}"
