#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fails when the manual page is not what the program says of its commands.
set -euo pipefail
cd "$(dirname "$0")/.."
swift build --product martlet 2>&1 | tail -n 1
python3 Scripts/make-manual.py --check "$(swift build --show-bin-path)/martlet"
echo "lint: the manual page is current"
