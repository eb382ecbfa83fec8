#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A nightly report: a schedule at two o'clock in Berlin, and the same report once, in a few seconds, while the server is killed in between.
# MARTLET_BIN names a server that is built already.
set -euo pipefail
cd "$(dirname "$0")/../.."
source examples/server.sh nightly-schedule

title "A function that makes a report"
deploy report
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
