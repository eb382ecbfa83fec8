#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fails when the manual page or docs/reference.md is not what the program says of itself.
set -euo pipefail
cd "$(dirname "$0")/.."
swift build --product martlet 2>&1 | tail -n 1
python3 Scripts/make-manual.py --check "$(swift build --show-bin-path)/martlet"
echo "lint: the manual page and the reference are current"
