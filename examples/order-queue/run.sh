#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Orders through a queue: a server of its own, two queues, a mapping with partial failures, twenty orders, and what became of them.
# MARTLET_BIN names a server that is built already.
set -euo pipefail
cd "$(dirname "$0")/../.."
source examples/server.sh order-queue

title "Two queues: what fails twice goes to the second"
dead=$(aws sqs create-queue --queue-name orders-dead --query QueueUrl)
dead_arn=$(aws sqs get-queue-attributes --queue-url "$dead" --attribute-names QueueArn --query Attributes.QueueArn)
orders=$(aws sqs create-queue --queue-name orders --query QueueUrl --attributes \
    "{\"VisibilityTimeout\": \"15\", \"RedrivePolicy\": \"{\\\"deadLetterTargetArn\\\": \\\"$dead_arn\\\", \\\"maxReceiveCount\\\": 2}\"}")
orders_arn=$(aws sqs get-queue-attributes --queue-url "$orders" --attribute-names QueueArn --query Attributes.QueueArn)
echo "$orders_arn -> $dead_arn"

title "A function that reads the first"
deploy take-orders
aws lambda create-event-source-mapping --function-name take-orders --event-source-arn "$orders_arn" --batch-size 5 \
    --function-response-types ReportBatchItemFailures --query '[UUID,State]'

title "Twenty orders, three of which can't be filled"
for ((number = 1; number <= 20; number++)); do
    case $number in
        7) body='{"number": 7, "items": [{"article": "cheese", "count": 1}]}' ;;
        13) body='{"number": 13}' ;;
        19) body='not even JSON' ;;
        *) body="{\"number\": $number, \"items\": [{\"article\": \"tea\", \"count\": $number}, {\"article\": \"cake\", \"count\": 1}]}" ;;
    esac
    printf '%s\n' "$body"
done | .venv/bin/python -c '
import json, sys
entries = [{"Id": str(n), "MessageBody": line.rstrip("\n")} for n, line in enumerate(sys.stdin)]
print("\n".join(json.dumps(entries[at:at + 10]) for at in range(0, len(entries), 10)))' \
    | while read -r entries; do aws sqs send-message-batch --queue-url "$orders" --entries "$entries" --query 'length(Successful)'; done

count() {
    aws sqs get-queue-attributes --queue-url "$1" --attribute-names All \
        --query 'Attributes.[ApproximateNumberOfMessages,ApproximateNumberOfMessagesNotVisible]' | tr '\t' ' '
}
for ((i = 0; i < 120; i++)); do
    [[ $(count "$dead") == "3 0" && $(count "$orders") == "0 0" ]] && break
    sleep 0.5
done
title "What the function did"
"$MARTLET_BIN" logs take-orders | grep -E 'order |message '
title "What is left: the queue, and its dead letters"
count "$orders"
aws sqs receive-message --queue-url "$dead" --max-number-of-messages 10 --query 'Messages[].Body' | tr '\t' '\n'
[[ $(count "$orders") == "0 0" && $(count "$dead") == "0 3" ]] || fail "the queues are not as they should be"
title "The bill"
"$MARTLET_BIN" usage
