# SPDX-License-Identifier: Apache-2.0
"""Makes access-log lines up, the same ones for the same seed, and puts them into a stream; prints what they add up to.

Lines are in Apache's combined format. Visitors are 200 addresses, of which few come often; pages have weights and sizes of their own; one
request in fifty fails. A visitor's lines are all in one shard: its address is the partition key.
"""

import argparse
import os
import random
import time

import boto3

PAGES = {"/": 30, "/shop": 20, "/shop/tea": 12, "/shop/cake": 9, "/search?q=honey": 8, "/cart": 6, "/imprint": 1}
AGENTS = ["Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (iPhone)", "curl/8.5.0"]
CALL_RECORDS = 500


def lines(seed, count):
    """Address, line, size and whether it failed, of each request."""
    die = random.Random(seed)
    visitors = [f"192.0.2.{number}" for number in range(1, 201)]
    moment = 1_700_000_000.0
    for _ in range(count):
        visitor = visitors[min(int(die.expovariate(1 / 40)), len(visitors) - 1)]
        page = die.choices(list(PAGES), weights=PAGES.values())[0]
        failed = die.random() < 0.02
        size = 312 if failed else die.randrange(400, 40_000)
        moment += die.expovariate(20)
        stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(moment))
        line = f'{visitor} - - [{stamp}] "GET {page} HTTP/1.1" {503 if failed else 200} {size} "-" "{die.choice(AGENTS)}"'
        yield visitor, line, size, failed


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("stream")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--lines", type=int, default=6_000)
    arguments.add_argument("--pause", type=float, default=1.0, help="seconds between two calls")
    arguments = arguments.parse_args()
    kinesis = boto3.client("kinesis", endpoint_url=os.environ["AWS_ENDPOINT_URL_KINESIS"])
    made = list(lines(arguments.seed, arguments.lines))
    for start in range(0, len(made), CALL_RECORDS):
        records = [{"Data": line.encode(), "PartitionKey": visitor} for visitor, line, _, _ in made[start:start + CALL_RECORDS]]
        while records:
            answer = kinesis.put_records(StreamName=arguments.stream, Records=records)
            # Only what was not taken is sent again.
            records = [record for record, put in zip(records, answer["Records"]) if "ErrorCode" in put]
        time.sleep(arguments.pause)
    print(f"requests={len(made)} bytes={sum(line[2] for line in made)} errors={sum(line[3] for line in made)}")


if __name__ == "__main__":
    main()
