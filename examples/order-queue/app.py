# SPDX-License-Identifier: Apache-2.0
"""Takes orders from a queue; says which of a batch it could not take, so that only those come again."""

import json

PRICES = {"tea": 4, "cake": 6, "honey": 9}


def total(order):
    return sum(PRICES[item["article"]] * item["count"] for item in order["items"])


def handler(event, context):
    failures = []
    for record in event["Records"]:
        try:
            order = json.loads(record["body"])
            print(f"order {order['number']}: {total(order)} euros")
        except (KeyError, TypeError, ValueError) as error:
            print(f"message {record['messageId']} is no order that can be filled: {error!r}")
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}
