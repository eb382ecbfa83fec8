#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fails when a target imports a sibling target that Package.swift does not list as its dependency.
# Why: a full `swift build` of Swift 6.3.1 lets such an import through whenever the sibling happens to be built first,
# with or without --explicit-target-dependency-import-check error (cf. https://github.com/swiftlang/swift/issues/70560).
set -euo pipefail
description=$(swift package describe --type json)
targets=$(jq -r '.targets[].name' <<<"$description")
status=0
while IFS=$'\t' read -r target path dependencies; do
    imports=$(grep -rhoE --include='*.swift' \
        '^(@[A-Za-z_]+(\([^)]*\))? +)*((public|package|internal|fileprivate|private) +)?import +((struct|class|enum|protocol|func|var|let|typealias) +)?[A-Za-z_][A-Za-z0-9_]*' "$path" \
        | awk '{print $NF}' | sort -u || true)
    for import in $imports; do
        grep -qx "$import" <<<"$targets" || continue
        [[ " $dependencies " == *" $import "* ]] && continue
        echo "$path: error: $target imports $import without declaring it" >&2
        status=1
    done
done < <(jq -r '.targets[] | [.name, .path, ((.target_dependencies // []) | join(" "))] | @tsv' <<<"$description")
exit $status
