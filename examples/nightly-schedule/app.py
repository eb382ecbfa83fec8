# SPDX-License-Identifier: Apache-2.0
"""Adds up a day's sales when a schedule says so; which day is in the event, whenever the function gets it."""

import datetime
import random

SHOPS = {"north": 1, "south": 2, "harbour": 3}


def sales(shop, day):
    """Cents of each sale of a day: the same ones whenever they are asked for."""
    till = random.Random(f"{day} {SHOPS[shop]}")
    return [till.randrange(150, 4000) for _ in range(till.randrange(80, 120))]


def handler(event, context):
    moment = datetime.datetime.fromisoformat(event["scheduled"].replace("Z", "+00:00"))
    day = (moment - datetime.timedelta(days=1)).date().isoformat()
    # A schedule sends at least once: the execution's id says whether a report is one that was made already.
    print(f"report {event['execution']} for {day}, asked for at {event['scheduled']}")
    for shop in event["shops"]:
        cents = sales(shop, day)
        print(f"{day} {shop}: {len(cents)} sales, {sum(cents) / 100:.2f} euros")
