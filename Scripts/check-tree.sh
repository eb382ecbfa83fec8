#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The rules of CONTRIBUTING.md that no other tool checks. Prints each violation; exit code 1 if there is any.
set -euo pipefail
cd "$(dirname "$0")/.."
status=0
report() { echo "$1: error: $2" >&2; status=1; }

if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    mapfile -t files < <(git ls-files --cached --others --exclude-standard)
else
    mapfile -t files < <(find . -type f -not -path './.build*' -not -path './.venv/*' -not -path '*/__pycache__/*' | sed 's|^\./||')
fi

for file in "${files[@]}"; do
    [[ -f $file ]] || continue
    case $file in
    *.swift | *.c | *.h | *.py | *.js | *.cjs | *.mjs | *.sh | Makefile | .ci/run)
        head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || report "$file" "has no SPDX line"
        lines=$(wc -l <"$file")
        ((lines <= 600)) || report "$file" "has $lines lines, the limit is 600"
        ;;
    esac
    [[ $file == LICENSE || $file == Scripts/check-tree.sh ]] && continue
    # Paths of the machine that a text was written on, and tags of notes that are not in the tree.
    if grep -nIE '(^|[^[:alnum:]_.])/(work|root/\.[a-z]+)/|\(FACTS [0-9]' "$file" | grep -q .; then
        report "$file" "names a path or a note that only its author has"
    fi
    # Work that is not done belongs on an issue; the number makes it findable.
    if grep -nIE '\b(TODO|FIXME|XXX|HACK)\b' "$file" | grep -vE '#[0-9]+' | grep -q .; then
        report "$file" "has a note of unfinished work without an issue"
    fi
    if [[ $file == *.swift && $file != Tests/* ]]; then
        # A subscript ends the process where a column is not what was written; a row's number always is one.
        if [[ $file == Sources/*Store/* ]] && grep -nE '(\<row|\$0)\[("[A-Za-z]+"|[0-9]+)\]' "$file" | grep -vF '["id"]' | grep -q .; then
            report "$file" "reads a row's column by a subscript: decode it"
        fi
        grep -nE 'try!|@unchecked Sendable|nonisolated\(unsafe\)|fatalError\(' "$file" | sed "s|^|$file:|" >&2 && status=1
    fi
done

# Each promise names tests that exist, or says that its test is pending.
while IFS= read -r line; do
    promise=$(grep -oE '^- \*\*[A-Z]+[0-9]+\*\*' <<<"$line" | tr -d ' *-')
    if grep -q 'test pending' <<<"$line"; then continue; fi
    tests=$(grep -oE '\[`[^`]+`\]' <<<"$line" | tr -d '[]`' || true)
    [[ -n $tests ]] || { report SPECIFICATION.md "$promise names no test and is not marked 'test pending'"; continue; }
    while IFS= read -r test; do
        file=${test%%::*}
        name=${test#*::}
        [[ -f $file ]] || { report SPECIFICATION.md "$promise names $file, which is not there"; continue; }
        grep -qF "$name" "$file" || report SPECIFICATION.md "$promise names '$name', which is not in $file"
    done <<<"$tests"
done < <(grep -E '^- \*\*[A-Z]+[0-9]+\*\*' SPECIFICATION.md)

((status)) || echo "lint: the tree's own rules hold"
exit $status
