# SPDX-License-Identifier: Apache-2.0
"""The bill against what callers and logs have seen of the same invocations, with kills of the server in between."""

import base64
import collections
import csv
import fractions
import io
import json
import os
import random
import re
import threading
import time

from harness import wait_until

INVOCATIONS = int(os.environ.get("MARTLET_BILL_INVOCATIONS", "2000"))
KILLS = int(os.environ.get("MARTLET_BILL_KILLS", "3"))
SEED = int(os.environ.get("MARTLET_SEED", str(random.randrange(1 << 32))))
CALLERS = 8
REPORT = re.compile(r"REPORT RequestId: (\S+)\t.*Billed Duration: (\d+) ms\tMemory Size: (\d+) MB")

MIXED = """
import os, time
def handler(event, context):
    time.sleep(event.get("sleep", 0))
    if event.get("raise"): raise ValueError("as asked for")
    if event.get("exit"): os._exit(3)
    return event
"""
BATCHES = """
def handler(event, context):
    print("BATCH", context.aws_request_id, len(event["Records"]))
"""


class Callers:
    """What callers know: of each call that was answered its request id, what the log's tail said of it, and its error."""

    def __init__(self):
        self.lock = threading.Lock()
        self.answered = {}
        self.errors = collections.Counter()
        self.unanswered = collections.Counter()
        self.accepted = set()
        self.asked = collections.Counter()

    def call(self, client, generator):
        name, qualifier = generator.choice([("small", None), ("small", None), ("large", "live"), ("large", "1")])
        kind = generator.random()
        event = {"sleep": generator.choice([0, 0, 0, 0.003])}
        if kind < 0.05:
            event["raise"] = True
        elif kind < 0.06:
            event["exit"] = True
        elif kind < 0.063:
            event["sleep"] = 2
        arguments = {"Qualifier": qualifier} if qualifier else {}
        if kind > 0.9:
            name, arguments = "events", {"InvocationType": "Event"}
            event = {}
        else:
            arguments["LogType"] = "Tail"
        with self.lock:
            self.asked[name] += 1
        try:
            answer = client.invoke(FunctionName=name, Payload=json.dumps(event), **arguments)
            answer["Payload"].read()
        except Exception:
            with self.lock:
                self.unanswered[name] += 1
            return False
        request = answer["ResponseMetadata"]["RequestId"]
        with self.lock:
            if name == "events":
                self.accepted.add(request)
            else:
                report = REPORT.search(base64.b64decode(answer["LogResult"]).decode(errors="replace"))
                assert report and report[1] == request, answer
                assert request not in self.answered
                self.answered[request] = (name, int(report[2]), int(report[3]))
                self.errors[name] += "FunctionError" in answer
        return True


def run_callers(server, callers, left, seed, kill_at):
    """Calls by several callers until none are left; where a number is given, until the server is killed with so many left."""
    lock = threading.Lock()
    failures = []

    def work(number):
        generator, client = random.Random(f"{seed} {number}"), server.client()
        try:
            while True:
                with lock:
                    if left[0] <= 0:
                        return
                    left[0] -= 1
                if not callers.call(client, generator):
                    assert kill_at is not None
                    return
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CALLERS)]
    for thread in threads:
        thread.start()
    if kill_at is not None:
        wait_until(lambda: left[0] <= kill_at, 3_600, "the calls before a kill")
        server.kill()
    for thread in threads:
        thread.join()
    assert not failures, failures


def reports(server, name):
    """What the log says of each attempt: pairs of billed milliseconds and memory, by request id."""
    found = collections.defaultdict(list)
    for _, message in server.log(name):
        report = REPORT.match(message)
        if report:
            found[report[1]].append((int(report[2]), int(report[3])))
    return found


def test_a_bill_is_the_sum_of_what_callers_saw_across_kills(make_server):
    print("seed", SEED)
    server = make_server("--async-retry-delay", "1s")
    for name, code, settings in (
            ("small", MIXED, {"MemorySize": 128, "Timeout": 1}), ("large", MIXED, {"MemorySize": 512, "Timeout": 1}),
            ("events", MIXED, {"MemorySize": 192}), ("batches", BATCHES, {"MemorySize": 256})):
        server.deploy(name, code, **settings)
    client = server.client()
    client.publish_version(FunctionName="large")
    client.get_waiter("published_version_active").wait(FunctionName="large", Qualifier="1")
    client.create_alias(FunctionName="large", Name="live", FunctionVersion="1")
    queue = server.client("sqs").create_queue(QueueName="bill", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    client.create_event_source_mapping(
        FunctionName="batches", EventSourceArn="arn:aws:sqs:us-east-1:000000000000:bill", BatchSize=10)
    callers, sent, left, began = Callers(), 0, [INVOCATIONS], time.monotonic()
    for round_number in range(KILLS + 1):
        sqs = server.client("sqs")
        queue = sqs.get_queue_url(QueueName="bill")["QueueUrl"]
        for _ in range(max(1, INVOCATIONS // 100 // (KILLS + 1))):
            sqs.send_message_batch(
                QueueUrl=queue, Entries=[{"Id": str(index), "MessageBody": "m"} for index in range(10)])
            sent += 10
        kill_at = INVOCATIONS * (KILLS - round_number) // (KILLS + 1) if round_number < KILLS else None
        run_callers(server, callers, left, f"{SEED} {round_number}", kill_at)
        if kill_at is not None:
            server.start()
    seconds = time.monotonic() - began
    waiting = lambda: server.client("sqs").get_queue_attributes(
        QueueUrl=server.client("sqs").get_queue_url(QueueName="bill")["QueueUrl"], AttributeNames=["All"])["Attributes"]
    wait_until(
        lambda: all(waiting()[each] == "0" for each in (
            "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")), 180, "the queue is empty")
    wait_until(lambda: callers.accepted <= set(reports(server, "events")), 180, "every event")
    bill = settled_bill(server)
    check(server, callers, sent, bill, seconds)


def settled_bill(server):
    """When nothing runs any more two looks say the same."""
    def bill():
        printed = server.martlet("usage", "--json", "--group-by", "function,version,memory,architecture")
        assert printed.returncode == 0, printed.stderr
        return json.loads(printed.stdout)

    last = bill()
    for _ in range(60):
        time.sleep(1)
        now = bill()
        if now == last:
            return now
        last = now
    raise AssertionError("the bill goes on")


def check(server, callers, sent, bill, seconds):
    lines = {line["function"]: line for line in bill["lines"]}
    assert set(lines) == {"small", "large", "events", "batches"} and len(bill["lines"]) == 4
    assert lines["large"]["version"] == "1" and lines["small"]["version"] == "$LATEST"
    total, extra = fractions.Fraction(0), collections.Counter()
    for name, line in lines.items():
        logged = reports(server, name)
        attempts = [attempt for each in logged.values() for attempt in each]
        # What the log says is what is billed, invocation by invocation.
        assert line["requests"] == len(attempts), name
        assert line["billedMilliseconds"] == sum(billed for billed, _ in attempts), name
        assert {memory for _, memory in attempts} == {line["memoryMiB"]}
        # So is what each caller saw of its own; what nobody was told of is no more than nobody was answered.
        own = {request: call for request, call in callers.answered.items() if call[0] == name}
        for request, (_, billed, memory) in own.items():
            assert logged[request] == [(billed, memory)], (name, request)
        extra[name] = len(logged) - len(own)
        if name in ("small", "large"):
            assert 0 <= extra[name] <= callers.unanswered[name], name
            assert 0 <= line["errors"] - callers.errors[name] <= callers.unanswered[name], name
        price = "0.0000133334" if line["architecture"] == "arm64" else "0.0000166667"
        cost = line["requests"] * fractions.Fraction("0.2") / 1_000_000 + fractions.Fraction(price) * sum(
            billed * memory for billed, memory in attempts) / 1_024_000
        assert abs(fractions.Fraction(str(line["usd"])) - cost) <= fractions.Fraction(1, 10**9), name
        total += cost
    assert abs(fractions.Fraction(str(bill["usd"])) - total) <= fractions.Fraction(1, 10**9)
    assert bill["requests"] == sum(line["requests"] for line in bill["lines"])
    # An event is run until an attempt is over: again after a kill.
    assert lines["events"]["asynchronousRequests"] == lines["events"]["requests"]
    assert len(reports(server, "events")) - len(callers.accepted) <= callers.unanswered["events"]
    assert lines["small"]["asynchronousRequests"] == lines["large"]["asynchronousRequests"] == 0
    # Records are those of the batches that are billed.
    logged, records = reports(server, "batches"), 0
    for _, message in server.log("batches"):
        if message.startswith("BATCH "):
            _, request, count = message.split()
            records += int(count) if request in logged else 0
    assert lines["batches"]["records"] == records >= sent
    by_day = server.martlet("usage", "--output", "csv", "--group-by", "day,function")
    rows = list(csv.DictReader(io.StringIO(by_day.stdout)))
    for member in ("requests", "billedMilliseconds", "records", "egressBytes"):
        assert sum(int(row[member]) for row in rows) == bill[member]
    print(
        f"{sum(callers.asked.values())} calls in {seconds:.0f} s and {sent} messages, {KILLS} kills: "
        f"{len(callers.answered)} answered, {len(callers.accepted)} accepted, {sum(callers.unanswered.values())} not "
        f"answered of which {extra['small'] + extra['large']} ran; billed {bill['requests']} requests, "
        f"{bill['billedMilliseconds']} ms, {bill['errors']} errors, {bill['usd']} USD")


def test_usage_by_day_version_and_tag(make_server):
    server = make_server()
    client = server.client()
    for name, team in (("a", "x"), ("b", "y"), ("c", None)):
        server.deploy(name, "def handler(event, context): return event", **({"Tags": {"team": team}} if team else {}))
        client.publish_version(FunctionName=name)
        client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1")
        for qualifier in ("$LATEST", "1", "1"):
            server.invoke(name, 1, Qualifier=qualifier)
    usage = lambda *arguments: server.martlet("usage", *arguments)
    by_tag = json.loads(usage("--output", "json", "--group-by", "tag:team").stdout)
    assert [(line["tag:team"], line["requests"]) for line in by_tag["lines"]] == [("", 3), ("x", 3), ("y", 3)]
    by_version = json.loads(usage("--json", "--group-by", "version").stdout)
    assert [(line["version"], line["requests"]) for line in by_version["lines"]] == [("$LATEST", 3), ("1", 6)]
    assert by_version["usd"] == by_tag["usd"] and by_version["gbSeconds"] == by_tag["gbSeconds"]
    day = time.strftime("%Y-%m-%d", time.gmtime())
    assert json.loads(usage("--json", "--day", day).stdout)["requests"] == 9
    table = usage("--group-by", "day,function").stdout
    assert table.count(day) == 3 and "Total" in table
    assert usage("--group-by", "colour").returncode == 64 and usage("--day", "2026-02-30").returncode == 64


def test_prices_of_a_file(make_server, tmp_path):
    server = make_server()
    server.deploy("timed", "import time\ndef handler(event, context): time.sleep(0.101)", MemorySize=1024)
    for _ in range(3):
        server.invoke("timed")
    examples = os.path.join(os.path.dirname(__file__), "../../examples/prices")
    usage = lambda *arguments: server.martlet("usage", "--json", *arguments)
    today = json.loads(usage().stdout)
    assert json.loads(usage("--prices", f"{examples}/aws-today.yaml").stdout) == today
    # Each of the three took from 101 ms on: two hundreds, at least, and the first not more for its initialisation.
    first = json.loads(usage("--prices", f"{examples}/aws-2014.yaml").stdout)
    assert first["billedMilliseconds"] % 100 == 0 and first["billedMilliseconds"] >= 600
    assert abs(first["usd"] - (first["billedMilliseconds"] / 1000 * 0.00001667 + 3 * 0.2e-6)) < 1e-9
    (tmp_path / "own.yaml").write_text(
        open(f"{examples}/aws-today.yaml").read().replace("duration: 0.0000166667", "duration: cheap"))
    refused = usage("--prices", str(tmp_path / "own.yaml"))
    assert refused.returncode == 2 and f"{tmp_path}/own.yaml:11: 'x86_64.duration' is a price" in refused.stderr


def test_provisioned_time_is_counted(make_server):
    server = make_server()
    server.deploy("kept", "def handler(event, context): return event", MemorySize=512)
    client = server.client()
    client.publish_version(FunctionName="kept")
    client.get_waiter("published_version_active").wait(FunctionName="kept", Qualifier="1")
    client.put_provisioned_concurrency_config(
        FunctionName="kept", Qualifier="1", ProvisionedConcurrentExecutions=2)
    wait_until(lambda: client.get_provisioned_concurrency_config(
        FunctionName="kept", Qualifier="1")["Status"] == "READY", 60, "provisioned")
    ready = time.monotonic()
    server.invoke("kept", 1, Qualifier="1")
    bill = lambda: json.loads(server.martlet("usage", "--json").stdout)
    # Two environments of half a GB, counted every ten seconds.
    wait_until(lambda: bill()["provisionedGBSeconds"] >= 15, 120, "provisioned time")
    assert bill()["provisionedGBSeconds"] <= time.monotonic() - ready + 30
    assert bill()["requests"] == 1
    server.kill()
    server.start()
    kept = bill()
    assert kept["provisionedGBSeconds"] >= 15 and kept["usd"] > 15 * 0.0000033334
    # What was not written yet is at the end.
    before = kept["provisionedGBSeconds"]
    wait_until(lambda: bill()["provisionedGBSeconds"] > before, 120, "more provisioned time")
    before = bill()["provisionedGBSeconds"]
    time.sleep(4)
    assert server.terminate() == 0
    server.start()
    assert bill()["provisionedGBSeconds"] >= before + 4
