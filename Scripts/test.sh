#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# test.sh [unit|sandbox|acceptance|hostile]: all of them without an argument. MARTLET_HOSTILE_UNTIL: seconds since 1970 after which
# the last of them is not begun. MARTLET_TESTS_AGAIN: how many acceptance tests, and how many suites in Swift, may fail beside others
# and pass by themselves (0).
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-all}
chosen() { [[ $what == all || $what == "$1" ]]; }
say() { echo "test: $*, after $SECONDS s"; }
[[ $what =~ ^(all|unit|sandbox|acceptance|hostile)$ ]] || { echo "usage: test.sh [unit|sandbox|acceptance|hostile]" >&2; exit 2; }

known=$(mktemp -d)
trap 'rm -rf "$known"' EXIT
# suites FILTER COMMAND…: runs the suites in Swift that match; those that failed a second time when they are few. A run that broke off
# has no closing line, and is a failure; so is one with more issues than those suites have.
suites() {
    local status=0 failed=()
    "${@:2}" --filter "$1" 2>&1 | tee "$known/suites" || status=$?
    ((status)) || return 0
    ! awk '/^✘ Suite [A-Za-z0-9]+ failed / { known += $(NF - 1) } /Test run with .* failed/ { all = $(NF - 1) }
        END { exit !(all > 0 && known >= all) }' "$known/suites" \
        || mapfile -t failed < <(sed -nE 's/^✘ Suite ([A-Za-z0-9]+) failed .*/\1/p' "$known/suites" | sort -u)
    ((${#failed[@]} > 0 && ${#failed[@]} <= ${MARTLET_TESTS_AGAIN:-0})) || return "$status"
    say "AGAIN, by themselves, suites that failed beside others: ${failed[*]}"
    "${@:2}" --filter "$1\.($(IFS='|'; echo "${failed[*]}"))/"
}
acceptance_tests() { .venv/bin/python -m pytest -q -o cache_dir="$known" "$@" Tests/acceptance; }
# again STATUS: runs the few tests that failed a second time, one after the other; what fails again, or more than a few, is a failure.
again() {
    local failed=0
    (($1 != 1)) || failed=$(python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1]))))' "$known/v/cache/lastfailed")
    ((failed > 0 && failed <= ${MARTLET_TESTS_AGAIN:-0})) || exit "$1"
    say "AGAIN, by themselves: $failed that failed beside others"
    acceptance_tests --last-failed -v
}

# Once, and the tests are run as they are then: each look at what there is to build takes SwiftPM half a minute on a slow machine.
if chosen unit || chosen sandbox; then swift build --build-tests; fi
if chosen unit; then
    say "fuzzers, compared with what they fuzz"
    Scripts/fuzz.sh check
    say "unit and simulation tests"
    # A few at a time: all at once, each would wait for the others at every step, past its own deadlines.
    suites '[A-Za-z]+Tests' swift test --skip-build --parallel --skip SandboxTests --experimental-maximum-parallelization-width 6
    say "bootstraps of the runtimes, on every interpreter found"
    PYTHONDONTWRITEBYTECODE=1 MARTLET_TEST_AWSLAMBDARIC=$PWD/.venv/bin/python \
        .venv/bin/python -m pytest -q -p no:cacheprovider --numprocesses 2 Tests/bootstraps
fi
if chosen sandbox; then
    say "system calls of the workloads, compared with the filter"
    Scripts/system-calls-used.py
    echo "sandbox tests as $(id -un)"
    MARTLET_SPAWNER=$PWD/.build/debug/martlet-spawner suites SandboxTests swift test --skip-build --no-parallel
    if ((EUID == 0)) && id nobody >/dev/null 2>&1; then
        echo "sandbox tests as nobody"
        suites SandboxTests Scripts/test-as-user.sh nobody
    fi
fi
if chosen acceptance || chosen hostile; then
    say "building what is shipped"
    # What is shipped is what is driven: some of the promises are about time.
    [[ -n ${MARTLET_BIN:-} ]] || Scripts/build-release.sh
    export MARTLET_BIN=${MARTLET_BIN:-$PWD/.build/release/martlet}
fi
if chosen acceptance; then
    say "acceptance tests"
    # Many of these wait rather than work, so four at a time; a file's tests stay together, for what they share.
    acceptance_tests --numprocesses 4 --dist loadfile || again $?
    say "allocations of the hot paths, compared with their budgets"
    .venv/bin/python Benchmarks/allocations.py
fi
if chosen hostile && (($(date +%s) > ${MARTLET_HOSTILE_UNTIL:-$(date +%s)})); then
    say "hostile functions LEFT OUT, for the time that was given"
elif chosen hostile; then
    say "hostile functions"
    .venv/bin/python -m pytest -q -p no:cacheprovider Tests/hostile
fi
say "done"
