#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A nightly report: a schedule at two o'clock in Berlin, and the same report once, in a few seconds, while the server is killed in between.
# MARTLET_BIN names a server that is built already.
set -euo pipefail
cd "$(dirname "$0")/../.."

title() { printf '\n== %s\n' "$*"; }
fail() { echo "nightly-schedule: $*" >&2; exit 1; }
[[ -x .venv/bin/aws ]] || Scripts/setup.sh
if [[ -z ${MARTLET_BIN:-} ]]; then
    Scripts/build-release.sh
    MARTLET_BIN=$(swift build -c release --show-bin-path)/martlet
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/martlet-nightly.XXXXXX")
server=
cleanup() {
    if [[ -n $server ]] && kill -0 "$server" 2>/dev/null; then kill -TERM "$server"; wait "$server" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap cleanup EXIT
export MARTLET_DATA=$work/data
start() {
    : >"$work/server.log"
    "$MARTLET_BIN" serve --listen 127.0.0.1:0 2>"$work/server.log" &
    server=$!
    for ((i = 0; i < 600; i++)); do
        grep -qs '^martlet ready on ' "$work/server.log" && break
        kill -0 "$server" 2>/dev/null || { cat "$work/server.log" >&2; fail "the server did not start"; }
        sleep 0.1
    done
    eval "$("$MARTLET_BIN" env)"
}
# Version 1 of the AWS CLI looks for schedules elsewhere if it is not told so.
aws() { .venv/bin/aws --endpoint-url "$AWS_ENDPOINT_URL_LAMBDA" --output text "$@"; }
start

title "A function that makes a report"
python=$("$MARTLET_BIN" doctor 2>/dev/null | sed -n 's/^ok  \(python3\.[0-9]*\): .*/\1/p' | sort -V | tail -n 1 || true)
[[ -n $python ]] || fail "the server found no Python on this machine: martlet doctor says what it looked for"
mkdir "$work/code"
cp examples/nightly-schedule/app.py "$work/code/"
"$MARTLET_BIN" deploy "$work/code" --name report --runtime "$python" --handler app.handler --memory 128 --timeout 10
function=$(aws lambda get-function --function-name report --query Configuration.FunctionArn)

title "Every night at two, in Berlin, whether it is summer or winter there"
input='{"scheduled": "<aws.scheduler.scheduled-time>", "execution": "<aws.scheduler.execution-id>", "shops": ["north", "south", "harbour"]}'
target=$(.venv/bin/python -c 'import json, sys; print(json.dumps({"Arn": sys.argv[1], "Input": sys.argv[2],
    "RoleArn": "arn:aws:iam::000000000000:role/nightly", "RetryPolicy": {"MaximumEventAgeInSeconds": 14400}}))' "$function" "$input")
aws scheduler create-schedule --name nightly --schedule-expression 'cron(0 2 * * ? *)' \
    --schedule-expression-timezone Europe/Berlin --flexible-time-window Mode=OFF --target "$target"

title "The same once, in half a minute, and the server is killed at once"
moment=$(($(date +%s) + 30))
aws scheduler create-schedule --name once --schedule-expression "at($(date -u -d "@$moment" +%Y-%m-%dT%H:%M:%S))" \
    --flexible-time-window Mode=OFF --action-after-completion DELETE --target "$target"
kill -KILL "$server"
wait "$server" 2>/dev/null || true
while (($(date +%s) <= moment)); do sleep 1; done

title "Too late it is started again, and what was missed runs"
start
# A schedule sends at least once: reports of one execution are one.
reports() { "$MARTLET_BIN" logs report 2>/dev/null | grep -o 'report [0-9a-f-]* for' | sort -u | wc -l; }
for ((i = 0; i < 240; i++)); do
    (($(reports) > 0)) && break
    sleep 0.5
done
"$MARTLET_BIN" logs report | grep -E 'report |euros'

title "What is left: the nightly one"
aws scheduler list-schedules --query 'Schedules[].[Name,State]'
[[ $(aws scheduler list-schedules --query 'Schedules[].Name') == nightly ]] || fail "the schedules are not as they should be"
[[ $(reports) == 1 ]] || fail "there is not one report"
title "The bill"
"$MARTLET_BIN" usage
