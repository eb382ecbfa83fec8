#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds both programs and the library, optimised. The server looks for the others beside itself.
set -euo pipefail
cd "$(dirname "$0")/.."
swift build -c release
