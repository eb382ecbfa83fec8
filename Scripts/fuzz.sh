#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# fuzz.sh [FUZZER…]: builds the fuzzers below Fuzz/, runs each on its seeds, on every input that once was a finding, and then on
# what libFuzzer makes of them. Exit code 1 when there is a finding; its input is then below .build/fuzz/findings.
#
# fuzz.sh check: looks only whether the fuzzers still fit what is fuzzed, over what `swift build --build-tests` has made.
#
#   FUZZ_SECONDS  how long each fuzzer makes new inputs (30); 0 replays only
#   FUZZ_SEED     of libFuzzer's choices (1)
#
# A target's sources are compiled here, by swiftc and with -sanitize=fuzzer,address: an executable of SwiftPM's with its own entry
# point in libFuzzer does not link, and a sanitized build of everything would take the place of the ordinary one. Packages are
# taken from what `swift build` has built, not instrumented: it is our code that is searched for faults.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-30}
out=.build/fuzz
mkdir -p "$out"

# Each before those that import it.
targets=(
    LambdaModel InvocationCore AWSWire EventPattern LogPattern EnvelopeEncryption DatabaseFile LinuxSandbox EventLoops RuntimeAPI Egress AWSClient CodeStore
    MetadataStore LogStore MetricCore MetricStore Monitoring
    QueueCore QueueStore Queues StreamCore StreamStore Streams ScheduleCore ScheduleStore Schedules Logs ControlPlane Console HTTPAPI
    ServerConfiguration
)
declare -A extra=(
    [LogFrames]="$(echo Sources/ExecutionEnvironments/{ApplicationLogFilter,LineSplitter,TelemetryFrames}.swift)"
    [Archive]="Tests/CodeStoreTests/ZipBuilder.swift"
)
mapfile -t all < <(find Fuzz -mindepth 2 -maxdepth 2 -name seeds -type d -printf '%h\n' | xargs -n 1 basename | sort)
fuzzers=("$@")
((${#fuzzers[@]})) || fuzzers=("${all[@]}")

[[ ${1:-} == check ]] || swift build --build-tests
binaries=.build/debug
tools=$(realpath "$(swiftc -print-target-info | jq -r .paths.runtimeResourcePath)/../../bin")
flags=(
    -swift-version 6 -parse-as-library -enable-upcoming-feature ExistentialAny -enable-upcoming-feature MemberImportVisibility
    -enable-upcoming-feature InternalImportsByDefault
)
# Where the packages' C modules are is in SwiftPM's own record of the build.
while read -r map; do flags+=(-Xcc "$map" -Xcc "-I$(dirname "${map#*=}")"); done \
    < <(grep -oE -- '-fmodule-map-file=[^"]+' .build/debug.yaml | sort -u)
for module in Sources/*/module.modulemap; do flags+=(-I "$(dirname "$module")"); done

if [[ ${1:-} == check ]]; then
    # SwiftPM names the package by the folder that it is in.
    package=$(sed -nE 's/.*"-module-name","HTTPAPI".*"-package-name","([^"]+)".*/\1/p' .build/debug.yaml | head -n 1)
    for fuzzer in "${all[@]}"; do
        read -ra others <<<"${extra[$fuzzer]:-}"
        swiftc "${flags[@]}" -I "$binaries/Modules" -package-name "$package" -module-name "${fuzzer}Fuzzer" -typecheck \
            "Fuzz/$fuzzer"/*.swift Fuzz/Support/*.swift "${others[@]}"
    done
    exit
fi
flags+=(-O -wmo -g -enable-testing -package-name martlet -sanitize=fuzzer,address -I "$out" -I "$binaries/Modules")

# True when $1 is not newer than the others.
stale() { [[ ! -e $1 ]] || [[ -n $(find "${@:2}" -newer "$1" -print -quit) ]]; }

# The packages' objects in one archive, so that the linker takes what is needed.
archive() {
    local ours
    # All targets of ours but the C one, which is not compiled here; one is not below Sources.
    ours=$(find Sources Tests -mindepth 1 -maxdepth 1 -type d ! -name CLinux -printf '%f|')
    # llvm-ar, of the toolchain: several packages have files of one name, which it keeps apart.
    rm -f "$out/packages.a.new"
    find "$binaries"/*.build/ -name '*.o' -print0 | grep -zvE "/(${ours}HummingbirdEcho|[^/]*-tool|martletPackage[A-Za-z]*)\.build/" \
        | xargs -0 "$tools/llvm-ar" qcsT "$out/packages.a.new"
    mv "$out/packages.a.new" "$out/packages.a"
}

if stale "$out/packages.a" Package.resolved Package.swift Scripts/fuzz.sh; then archive; fi
# The interfaces one after the other, without bodies; then the code, several at a time.
changed=()
objects=()
for target in "${targets[@]}"; do
    objects+=("$out/$target.o")
    if ((${#changed[@]})) || stale "$out/$target.o" "Sources/$target" Scripts/fuzz.sh; then
        changed+=("$target")
        # What a target embeds is a source that SwiftPM has written.
        find "$PWD/Sources/$target" "$PWD/$binaries/$target.build/DerivedSources/embedded_resources.swift" -name '*.swift' \
            2>/dev/null | sort >"$out/$target.sources" || true
        swiftc "${flags[@]}" -Xfrontend -experimental-skip-non-inlinable-function-bodies -module-name "$target" \
            -emit-module -emit-module-path "$out/$target.swiftmodule" "@$out/$target.sources"
    fi
done
compile() { swiftc "${flags[@]}" -module-name "$1" -c -o "$out/$1.o" "@$out/$1.sources"; }
running=()
for target in "${changed[@]}"; do
    rm -f "$out/$target.o"
    compile "$target" &
    running+=($!)
    ((${#running[@]} < $(nproc))) || { wait "${running[0]}"; running=("${running[@]:1}"); }
done
for pid in "${running[@]}"; do wait "$pid"; done
rm -f "$out/ours.a"
"$tools/llvm-ar" qcsT "$out/ours.a" "${objects[@]}"
# To the linker, not to swiftc, which would look through every object for libraries to link.
libraries=(
    -use-ld=lld -Xlinker "$out/ours.a" -Xlinker "$out/packages.a" -lFoundation -lFoundationEssentials -lFoundationInternationalization
    -l_FoundationICU -lswiftSynchronization
    -lswiftSwiftOnoneSupport -lswiftDispatch -ldispatch -lBlocksRuntime -larchive -lpcre2-8 -lsqlite3 -lz -lstdc++
)
build() {
    local others
    read -ra others <<<"${extra[$1]:-}"
    stale "$out/$1" "Fuzz/$1"/*.swift Fuzz/Support "${others[@]}" "${objects[@]}" || return 0
    swiftc "${flags[@]}" -module-name "$1Fuzzer" -emit-module-path "$out/$1Fuzzer.swiftmodule" -c -o "$out/$1Fuzzer.o" \
        "Fuzz/$1"/*.swift Fuzz/Support/*.swift "${others[@]}"
    swiftc -sanitize=fuzzer,address -o "$out/$1" "$out/$1Fuzzer.o" "${libraries[@]}"
}

running=()
for fuzzer in "${fuzzers[@]}"; do
    [[ -d Fuzz/$fuzzer/seeds ]] || { echo "fuzz: there is no Fuzz/$fuzzer" >&2; exit 2; }
    build "$fuzzer" &
    running+=($!)
    ((${#running[@]} < $(nproc))) || { wait "${running[0]}"; running=("${running[@]:1}"); }
done
for pid in "${running[@]}"; do wait "$pid"; done

# libFuzzer's: an input that takes longer is a hang, a larger allocation is one that an input's sender decides about.
limits=(-timeout=20 -rss_limit_mb=2048 -malloc_limit_mb=512 -detect_leaks=0)
export SWIFT_BACKTRACE=enable=no
export ASAN_OPTIONS="detect_leaks=0:allocator_may_return_null=0:external_symbolizer_path=$tools/llvm-symbolizer"
status=0
for fuzzer in "${fuzzers[@]}"; do
    findings=$out/findings/$fuzzer corpus=$out/corpus/$fuzzer log=$out/$fuzzer.log
    mkdir -p "$findings" "$corpus"
    mapfile -t known < <(find "Fuzz/$fuzzer/seeds" "Fuzz/$fuzzer/crashes" -type f 2>/dev/null | sort)
    failed=0
    "$out/$fuzzer" "${limits[@]}" "${known[@]}" >"$log" 2>&1 || failed=1
    executions=${#known[@]} speed=- coverage=-
    if ((!failed && seconds > 0)); then
        # What earlier runs found interesting is kept in the corpus; the seeds are only read.
        "$out/$fuzzer" "${limits[@]}" -seed="${FUZZ_SEED:-1}" -max_total_time="$seconds" -max_len=4096 -print_final_stats=1 \
            -artifact_prefix="$findings/" "$corpus" "Fuzz/$fuzzer/seeds" >"$log" 2>&1 || failed=1
        executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
        speed=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log" | tail -n 1)
        coverage=$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1 | cut -d' ' -f2 || true)
    fi
    printf 'fuzz: %-16s %9s executions %7s/s  coverage %5s  %s\n' "$fuzzer" "$executions" "$speed" "${coverage:--}" \
        "$( ((failed)) && echo FINDING || echo 'no finding')"
    if ((failed)); then
        status=1
        grep -E '^fuzz: line|^Running: |ERROR: |Test unit written|Fatal error' "$log" | tail -n 6 >&2 || true
        echo "fuzz: all of it is in $log; once it is mended, its input belongs into Fuzz/$fuzzer/crashes" >&2
    fi
done
exit "$status"
