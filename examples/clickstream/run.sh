#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A web server's access log through a stream: a server of its own, a stream of two shards, a function with batches of 500 and windows of ten
# seconds, 6,000 lines that are the same in every run, and what each window added up to. MARTLET_BIN names a server that is built already.
set -euo pipefail
cd "$(dirname "$0")/../.."
source examples/server.sh clickstream

title "A stream of two shards"
aws kinesis create-stream --stream-name clicks --shard-count 2
aws kinesis wait stream-exists --stream-name clicks
arn=$(aws kinesis describe-stream-summary --stream-name clicks --query StreamDescriptionSummary.StreamARN)
echo "$arn"

title "A function that reads it: batches of 500, windows of ten seconds"
deploy add-clicks
aws lambda create-event-source-mapping --function-name add-clicks --event-source-arn "$arn" --batch-size 500 \
    --tumbling-window-in-seconds 10 --starting-position TRIM_HORIZON --query '[BatchSize,TumblingWindowInSeconds,State]'

title "The access log"
totals=$(.venv/bin/python examples/clickstream/generate.py clicks --seed 1 --lines 6000)
echo "$totals"

windows() { "$MARTLET_BIN" logs add-clicks | grep -oE 'window [0-9].*' | sort || true; }
sums() {
    windows | sed -E 's/[a-z]+=([0-9]+)/\1/g' | awk '{ r += $4; b += $5; e += $6 } END { printf "requests=%d bytes=%d errors=%d", r, b, e }'
}
for ((i = 0; i < 240; i++)); do
    [[ $(sums) == "$totals" ]] && break
    sleep 0.5
done
title "What each window added up to, shard by shard"
windows
title "All of them together"
sums
echo
[[ $(sums) == "$totals" ]] || fail "the windows do not add up to what was sent"
title "The bill"
"$MARTLET_BIN" usage
