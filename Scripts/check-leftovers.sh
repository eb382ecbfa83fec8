#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check-leftovers.sh DATA PID…: fails when a server that used the data directory DATA left anything running or mounted.
set -euo pipefail
data=$(realpath "$1")
shift
left=()

for pid in "$@"; do
    if kill -0 "$pid" 2>/dev/null; then left+=("process $pid: $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" || true)"); fi
done
# A process of a sandbox is known by its root or its working directory, or by what it runs.
for process in /proc/[0-9]*; do
    # A process may end while it is looked at.
    command=$({ tr '\0' ' ' <"$process/cmdline"; } 2>/dev/null || true)
    if [[ $command == *"$data"* && $command != *check-leftovers* && ${process#/proc/} != "$$" && ${process#/proc/} != "$PPID" ]]; then
        left+=("process ${process#/proc/}: $command")
    fi
done
while read -r _ _ _ root point _; do
    [[ $root == "$data"* || $point == "$data"* ]] && left+=("mount $point")
done </proc/self/mountinfo
# The server leaves the name of its control groups in its data directory.
if [[ -s $data/control-group ]]; then
    while read -r group; do left+=("control group $group"); done \
        < <(find /sys/fs/cgroup -type d -name "$(cat "$data/control-group")*" 2>/dev/null || true)
fi
if command -v losetup >/dev/null; then
    while read -r device; do left+=("loop device $device"); done < <(losetup -n -O NAME,BACK-FILE 2>/dev/null | grep -F "$data" || true)
fi

if ((${#left[@]})); then
    printf 'left behind: %s\n' "${left[@]}" >&2
    exit 1
fi
echo "Nothing is left behind: no process, mount, control group or loop device."
