#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Whether Sources/AWSWire/Generated is what `make model` makes of the tree as it is. Needs the .venv that setup.sh makes.
set -euo pipefail
cd "$(dirname "$0")/.."
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
.venv/bin/python Scripts/make-model.py "$made"
if ! diff -r "$made" Sources/AWSWire/Generated >&2; then
    echo "Sources/AWSWire/Generated: error: not what Scripts/make-model.py makes: run 'make model'" >&2
    exit 1
fi
echo "lint: the generated sources are current"
