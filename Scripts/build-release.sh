#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds both programs and the library, optimised. The server looks for the others beside itself.
# With Swift's libraries in them: they run where no Swift is, and what they call most, retain and release, is no call through a table.
set -euo pipefail
cd "$(dirname "$0")/.."
swift build -c release --static-swift-stdlib
