# SPDX-License-Identifier: Apache-2.0
"""Topics of Kafka that functions read, of librdkafka's mock cluster."""

import base64
import json
import os
import socket
import ssl
import subprocess
import threading
import time
import uuid

import pytest

from harness import BINARY, wait_until
from kafka_cluster import Cluster, Door
from refusals import refusal

ACCOUNT = "000000000000"
INVALID = 400, "InvalidParameterValueException"
NETWORK = [{"Type": "VPC_SUBNET", "URI": "subnet:subnet-1"}]
WAIT = 180
LISTING = """
import base64, json

def handler(event, context):
    print("BATCH " + json.dumps(event))
    (place, records), = event["records"].items()
    texts = [base64.b64decode(record.get("value", "")).decode() for record in records]
    if any(text.startswith("throw") for text in texts):
        raise ValueError("as asked for")
    return {"batchItemFailures": [
        {"itemIdentifier": {"partition": place, "offset": record["offset"]}} for record, text in zip(records, texts)
        if text.startswith("fail")]}
"""
PROVISIONED = {"ProvisionedPollerConfig": {"MinimumPollers": 1}}


def secret_arn(name, account=ACCOUNT):
    return f"arn:aws:secretsmanager:us-east-1:{account}:secret:{name}"


@pytest.fixture(scope="module")
def cluster():
    cluster = Cluster()
    yield cluster
    cluster.close()


@pytest.fixture
def topic(cluster):
    """Makes topics."""
    return lambda partitions=1: cluster.topic("t-" + uuid.uuid4().hex[:12], partitions)


def servers(*names):
    return {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": list(names)}}


def mapped(server, name, cluster, topic, *, access=NETWORK, at=None, **settings):
    """The mapping's id, once it reads; its group is called as the topic."""
    client = server.client()
    settings.setdefault("SelfManagedKafkaEventSourceConfig", {"ConsumerGroupId": topic})
    mapping = client.create_event_source_mapping(
        FunctionName=name, SelfManagedEventSource=servers(*(at or cluster.servers)), Topics=[topic],
        SourceAccessConfigurations=access, **settings)["UUID"]
    wait_for_state(client, mapping, "Enabled")
    return mapping


def wait_for_state(client, mapping, state):
    wait_until(lambda: client.get_event_source_mapping(UUID=mapping)["State"] == state, WAIT, state)


def wait_until_gone(client, mapping):
    def is_gone():
        try:
            client.get_event_source_mapping(UUID=mapping)
        except client.exceptions.ResourceNotFoundException:
            return True

    wait_until(is_gone, WAIT, "it is gone")


def wait_for_result(client, mapping, *words):
    return wait_until(
        lambda: (lambda text: text if all(word in text for word in words) else None)(
            client.get_event_source_mapping(UUID=mapping)["LastProcessingResult"]), WAIT, words)


def events(server, name):
    return [json.loads(line[line.index("BATCH ") + 6:]) for _, line in server.log(name) if "BATCH " in line]


def batches(server, name, partition=None):
    """The texts of the records that a function was invoked with, in their order."""
    found = []
    for event in events(server, name):
        (place, records), = event["records"].items()
        if partition is None or place.endswith(f"-{partition}"):
            found.append([base64.b64decode(record.get("value", "")).decode() for record in records])
    return found


def flat(server, name, partition=None):
    return [text for batch in batches(server, name, partition) for text in batch]


def wait_for_offset(cluster, topic, offset, partition=0, group=None):
    wait_until(lambda: cluster.committed(group or topic, topic, partition) == offset, WAIT, f"offset {offset}")


def own_queue(server):
    """A queue of the server itself: URL and ARN."""
    client = server.client("sqs")
    url = client.create_queue(QueueName="q-" + uuid.uuid4().hex[:12])["QueueUrl"]
    return url, client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def message(server, url):
    found = wait_until(
        lambda: server.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"), WAIT, "a message")
    return json.loads(found[0]["Body"])


def test_a_record_reaches_its_function_as_on_aws(server, name, cluster, topic):
    server.deploy(name, LISTING)
    made = topic(2)
    cluster.put(made, "bödy", partition=1, key=b"key", timestamp=1700000000123,
                headers=[("a", b"\x01\x7f\x80\xff"), ("a", b""), ("ü", b"x")])
    cluster.put(made, None, partition=1, timestamp=1700000000124)
    mapping = mapped(server, name, cluster, made)
    event, = wait_until(lambda: events(server, name), WAIT, "the event")
    assert event == {
        "eventSource": "SelfManagedKafka", "bootstrapServers": ",".join(cluster.servers),
        "records": {f"{made}-1": [
            {"topic": made, "partition": 1, "offset": 0, "timestamp": 1700000000123, "timestampType": "CREATE_TIME",
             "key": base64.b64encode(b"key").decode(), "value": base64.b64encode("bödy".encode()).decode(),
             "headers": [{"a": [1, 127, -128, -1]}, {"a": []}, {"ü": [120]}]},
            {"topic": made, "partition": 1, "offset": 1, "timestamp": 1700000000124, "timestampType": "CREATE_TIME",
             "headers": []}]}}
    wait_for_offset(cluster, made, 2, 1)
    shown = server.client().get_event_source_mapping(UUID=mapping)
    assert (shown["LastProcessingResult"], shown["StateTransitionReason"]) == ("OK", "USER_INITIATED")


def test_batches_are_full_and_partitions_in_order(server, name, cluster, topic):
    server.deploy(name, LISTING)
    made = topic(2)
    sent = [[f"{partition}-{number}" for number in range(50)] for partition in range(2)]
    for partition in range(2):
        cluster.put(made, *sent[partition], partition=partition)
    mapped(server, name, cluster, made, BatchSize=25, MaximumBatchingWindowInSeconds=300)
    wait_until(lambda: len(flat(server, name)) >= 100, WAIT, "four batches")
    for partition in range(2):
        assert batches(server, name, partition) == [sent[partition][:25], sent[partition][25:]]
        wait_for_offset(cluster, made, 50, partition)


def test_a_batch_that_fails_is_tried_again_and_nothing_overtakes_it(make_server, name, cluster, topic):
    server = make_server()
    server.deploy(name, LISTING)
    made = topic()
    cluster.put(made, "throw")
    mapping = mapped(server, name, cluster, made, BatchSize=1)
    cluster.put(made, "next")
    wait_until(lambda: len(flat(server, name)) >= 3, WAIT, "three tries")
    assert set(flat(server, name)) == {"throw"}
    assert cluster.committed(made, made) in (-1001, 0)
    client = server.client()
    wait_for_result(client, mapping, "PROBLEM: Function call failed")
    client.delete_event_source_mapping(UUID=mapping)


def test_a_partial_failure_is_tried_again_from_there(server, name, cluster, topic):
    server.deploy(name, LISTING)
    made = topic()
    cluster.put(made, "a", "b", "fail", "c")
    mapped(server, name, cluster, made, FunctionResponseTypes=["ReportBatchItemFailures"], MaximumRetryAttempts=2,
           **PROVISIONED)
    wait_for_offset(cluster, made, 4)
    assert batches(server, name) == [["a", "b", "fail", "c"], ["fail", "c"], ["fail", "c"]]


def test_a_split_finds_the_record_and_tells_the_destination(server, name, cluster, topic):
    server.deploy(name, LISTING)
    url, arn = own_queue(server)
    made = topic()
    cluster.put(made, "a", "b", "throw", "c", timestamp=1700000000123)
    mapped(server, name, cluster, made, BisectBatchOnFunctionError=True, MaximumRetryAttempts=0,
           DestinationConfig={"OnFailure": {"Destination": arn}}, **PROVISIONED)
    record = message(server, url)
    wait_for_offset(cluster, made, 4)
    assert flat(server, name)[-1] == "c"
    size = record["KafkaBatchInfo"].pop("payloadSize")
    assert 100 < size < 1_000
    assert record["KafkaBatchInfo"] == {
        "batchSize": 1, "bootstrapServers": ",".join(cluster.servers),
        "recordsInfo": {f"{made}-0": {
            "firstRecordOffset": "2", "lastRecordOffset": "2", "firstRecordTimestamp": "2023-11-14T22:13:20.123Z",
            "lastRecordTimestamp": "2023-11-14T22:13:20.123Z"}}}
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}


def test_what_is_too_old_or_too_large_is_discarded(server, name, cluster, topic):
    server.deploy(name, LISTING)
    url, arn = own_queue(server)
    made, large = topic(), topic()
    cluster.put(made, "old", timestamp=1700000000123)
    cluster.put(made, "young")
    mapped(server, name, cluster, made, MaximumRecordAgeInSeconds=3600,
           DestinationConfig={"OnFailure": {"Destination": arn}}, **PROVISIONED)
    assert message(server, url)["requestContext"]["condition"] == "RecordAgeExceeded"
    wait_for_offset(cluster, made, 2)
    # Its event would have more than 6 MB.
    cluster.put(large, b"x" * 5_000_000, "after")
    mapped(server, name, cluster, large, DestinationConfig={"OnFailure": {"Destination": arn}})
    record = wait_until(lambda: (lambda found: found if large in json.dumps(found) else None)(message(server, url)),
                        WAIT, "the record of the large one")
    assert record["requestContext"] | {"requestId": ""} == {
        "requestId": "", "functionArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}",
        "condition": "MaximumPayloadSizeExceeded", "approximateInvokeCount": 0}
    server.wait_for_line("more bytes than a function may be sent", f"{large}-0")
    wait_for_offset(cluster, large, 2)
    assert flat(server, name) == ["young", "after"]


def test_a_filter_leaves_records_out(server, name, cluster, topic):
    server.deploy(name, LISTING)
    made = topic()
    cluster.put(made, '{"kind": "a"}', '{"kind": "b"}', '{"kind": "a", "n": 2}', '{"kind": "b"}')
    mapped(server, name, cluster, made, FilterCriteria={"Filters": [{"Pattern": '{"value": {"kind": ["a"]}}'}]})
    wait_for_offset(cluster, made, 4)
    assert flat(server, name) == ['{"kind": "a"}', '{"kind": "a", "n": 2}']


def test_two_topics_of_one_function(server, name, cluster, topic):
    server.deploy(name, LISTING)
    first, second = topic(), topic()
    cluster.put(first, "first")
    cluster.put(second, "second")
    for made in (first, second):
        mapped(server, name, cluster, made)
    wait_until(lambda: sorted(flat(server, name)) == ["first", "second"], WAIT, "both")
    assert sorted(place for event in events(server, name) for place in event["records"]) == sorted(
        [f"{first}-0", f"{second}-0"])


def test_offsets_survive_a_kill(make_server, name, cluster, topic):
    server = make_server()
    server.deploy(name, LISTING)
    made = topic()
    cluster.put(made, "a", "b")
    mapped(server, name, cluster, made)
    wait_for_offset(cluster, made, 2)
    server.kill()
    cluster.put(made, "c")
    server.start()
    wait_for_offset(cluster, made, 3)
    assert flat(server, name) == ["a", "b", "c"]


def test_disabling_keeps_the_offset_and_enabling_goes_on(server, name, cluster, topic):
    server.deploy(name, LISTING)
    made = topic()
    cluster.put(made, "a")
    client = server.client()
    mapping = mapped(server, name, cluster, made)
    wait_for_offset(cluster, made, 1)
    client.update_event_source_mapping(UUID=mapping, Enabled=False)
    wait_for_state(client, mapping, "Disabled")
    cluster.put(made, "b")
    time.sleep(2)
    assert flat(server, name) == ["a"]
    client.update_event_source_mapping(UUID=mapping, Enabled=True, BatchSize=1)
    wait_for_offset(cluster, made, 2)
    assert flat(server, name) == ["a", "b"]
    client.delete_event_source_mapping(UUID=mapping)
    wait_until_gone(client, mapping)


def test_the_latest_begins_where_the_mapping_began_also_after_a_kill(make_server, name, cluster, topic):
    server = make_server()
    server.deploy(name, LISTING)
    made = topic()
    cluster.put(made, "old")
    mapped(server, name, cluster, made, StartingPosition="LATEST")
    wait_for_offset(cluster, made, 1)
    server.kill()
    cluster.put(made, "new")
    server.start()
    wait_for_offset(cluster, made, 2)
    assert flat(server, name) == ["new"]


def test_another_member_takes_its_share_and_leaves_it(server, name, cluster, topic):
    server.deploy(name, LISTING)
    made = topic(2)
    mapped(server, name, cluster, made, BatchSize=1)
    sent = []

    def put():
        for partition in range(2):
            sent.append(f"{partition}-{len(sent)}")
            cluster.put(made, sent[-1], partition=partition)

    put()
    wait_until(lambda: len(flat(server, name)) >= 2, WAIT, "the first records")
    with cluster.member(made, made):
        for _ in range(20):
            put()
            time.sleep(0.5)
    put()
    wait_until(lambda: set(flat(server, name)) == set(sent), WAIT, "all records")
    for partition in range(2):
        wait_for_offset(cluster, made, len(sent) // 2, partition)
        # What is repeated is repeated in order; nothing is left out.
        seen = []
        for text in flat(server, name, partition):
            if text not in seen:
                seen.append(text)
        assert seen == [text for text in sent if text.startswith(f"{partition}-")]


def test_brokers_that_are_away_are_said_to_be_and_come_back(server, name):
    cluster = Cluster()
    try:
        server.deploy(name, LISTING)
        made = cluster.topic("topic")
        mapping = mapped(server, name, cluster, made)
        client = server.client()
        cluster.down()
        wait_for_result(client, mapping, "PROBLEM: Connection error. Please check your event source connection")
        cluster.up()
        wait_until(lambda: "PROBLEM" not in client.get_event_source_mapping(UUID=mapping)["LastProcessingResult"], WAIT,
                   "the connection")
        cluster.put(made, "a")
        wait_until(lambda: flat(server, name) == ["a"], WAIT, "the record")
        client.delete_event_source_mapping(UUID=mapping)
        wait_until_gone(client, mapping)
    finally:
        cluster.close()


# Who is asked for what


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A certificate authority, and certificates of its own for the door and for a client: paths of PEM files."""
    directory = tmp_path_factory.mktemp("authority")

    def run(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=directory)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    run("req", "-x509", *key, "-nodes", "-days", "2", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")
    here = "DNS:localhost,IP:127.0.0.1"
    for who, names, secret in (("door", here, []), ("elsewhere", "DNS:broker.example.com", []),
                               ("client", here, ["-passout", "pass:open sesame"])):
        (directory / "names").write_text(f"subjectAltName={names}\n")
        run("req", *key, *(secret or ["-nodes"]), "-subj", f"/CN={who}", "-keyout", f"{who}.key", "-out", f"{who}.csr")
        run("x509", "-req", "-in", f"{who}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "names", "-out", f"{who}.pem")
    return directory


@pytest.fixture
def door(cluster, authority):
    """Makes doors of the cluster."""
    made = []

    def make(mechanism=None, users=None, wants_certificate=False, certificate="door"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority / f"{certificate}.pem", authority / f"{certificate}.key")
        if wants_certificate:
            context.load_verify_locations(authority / "ca.pem")
            context.verify_mode = ssl.CERT_REQUIRED
        made.append(Door(cluster, context, mechanism, users))
        return made[-1]

    yield make
    for door in made:
        door.close()


@pytest.fixture
def secrets(tmp_path, make_server):
    """A file of secrets, and a server that has it."""
    path = tmp_path / "secrets.json"

    class Secrets:
        def write(self, **values):
            path.touch(mode=0o600)
            path.write_text(json.dumps({secret_arn(name): value for name, value in values.items()}))

        def server(self):
            return make_server("--secrets", str(path))

    secrets = Secrets()
    secrets.path = path
    secrets.write()
    return secrets


def access(**types):
    return [{"Type": kind, "URI": secret_arn(name)} for kind, name in types.items()]


@pytest.mark.parametrize("kind,mechanism", [
    ("BASIC_AUTH", "PLAIN"), ("SASL_SCRAM_256_AUTH", "SCRAM-SHA-256"), ("SASL_SCRAM_512_AUTH", "SCRAM-SHA-512")])
def test_a_name_and_a_password(secrets, authority, door, name, cluster, topic, kind, mechanism):
    secrets.write(right={"username": "reader", "password": "päss,word"}, wrong={"username": "reader", "password": "x"},
                  authority={"certificate": (authority / "ca.pem").read_text()})
    server = secrets.server()
    server.deploy(name, LISTING)
    entry = door(mechanism, {"reader": "päss,word"})
    made = topic()
    cluster.put(made, "a")
    client = server.client()
    mapping = mapped(server, name, cluster, made, at=[entry.server],
                     access=access(**{kind: "wrong", "SERVER_ROOT_CA_CERTIFICATE": "authority"}))
    assert wait_for_result(client, mapping, "SASL") == "PROBLEM: SASL authentication failed."
    assert entry.let_in == 0 and entry.turned_away > 0
    # What the broker wrote in its answer is on one line of the log, without what a terminal would obey.
    assert "\x1b" not in server.wait_for_line("a topic is not read", "AUTHENTICATION")
    client.update_event_source_mapping(
        UUID=mapping, SourceAccessConfigurations=access(**{kind: "right", "SERVER_ROOT_CA_CERTIFICATE": "authority"}))
    wait_until(lambda: flat(server, name) == ["a"], WAIT, "the record")
    wait_for_offset(cluster, made, 1)
    assert not any(part in "\n".join(server.lines) for part in ("päss", "ss,word"))


def test_a_clients_certificate(secrets, authority, door, name, cluster, topic):
    secrets.write(
        client={"certificate": (authority / "client.pem").read_text(), "privateKey": (authority / "client.key").read_text(),
                "privateKeyPassword": "open sesame"},
        broken={"certificate": "none", "privateKey": "none"}, authority=(authority / "ca.pem").read_text())
    server = secrets.server()
    server.deploy(name, LISTING)
    entry = door(wants_certificate=True)
    made = topic()
    cluster.put(made, "a")
    client = server.client()
    mapping = mapped(server, name, cluster, made, at=[entry.server],
                     access=access(CLIENT_CERTIFICATE_TLS_AUTH="broken", SERVER_ROOT_CA_CERTIFICATE="authority"))
    assert wait_for_result(client, mapping, "PROBLEM") == "PROBLEM: Provided certificate or private key is invalid."
    client.update_event_source_mapping(
        UUID=mapping,
        SourceAccessConfigurations=access(CLIENT_CERTIFICATE_TLS_AUTH="client", SERVER_ROOT_CA_CERTIFICATE="authority"))
    wait_until(lambda: flat(server, name) == ["a"], WAIT, "the record")


def test_a_broker_that_nobody_vouches_for_gets_no_password(secrets, door, name, cluster, topic):
    secrets.write(right={"username": "reader", "password": "secret"})
    server = secrets.server()
    server.deploy(name, LISTING)
    entry = door("PLAIN", {"reader": "secret"})
    mapping = mapped(server, name, cluster, topic(), at=[entry.server], access=access(BASIC_AUTH="right"))
    wait_for_result(server.client(), mapping, "PROBLEM", "failed to authenticate")
    assert entry.let_in == entry.turned_away == 0
    # A broker without TLS gets none either.
    heard = []

    def listen():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                heard.append(connection.recv(4096))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listening = threading.Thread(target=listen)
        listening.start()
        at = [f"127.0.0.1:{listener.getsockname()[1]}"]
        other = mapped(server, name, cluster, topic(), at=at, access=access(BASIC_AUTH="right"))
        wait_until(lambda: any(heard), WAIT, "what is said to a broker without TLS")
        wait_for_result(server.client(), other, "PROBLEM")
        listener.shutdown(socket.SHUT_RDWR)
        listening.join()
    # A handshake of TLS, and nothing else.
    assert all(said.startswith(b"\x16\x03") for said in heard if said)


def test_a_brokers_certificate_has_to_be_for_its_name(secrets, authority, door, name, cluster, topic):
    secrets.write(right={"username": "reader", "password": "secret"},
                  authority={"certificate": (authority / "ca.pem").read_text()})
    server = secrets.server()
    server.deploy(name, LISTING)
    entry = door("PLAIN", {"reader": "secret"}, certificate="elsewhere")
    mapping = mapped(server, name, cluster, topic(), at=[entry.server],
                     access=access(BASIC_AUTH="right", SERVER_ROOT_CA_CERTIFICATE="authority"))
    wait_for_result(server.client(), mapping, "PROBLEM", "failed to authenticate")
    assert entry.let_in == entry.turned_away == 0


def test_secrets_are_the_accounts_own_and_read_when_a_mapping_begins(secrets, name, cluster, topic):
    server = secrets.server()
    server.deploy(name, LISTING)
    client = server.client()
    foreign = [{"Type": "BASIC_AUTH", "URI": secret_arn("s", "111111111111")}]
    mapping = mapped(server, name, cluster, topic(), access=foreign)
    wait_for_result(client, mapping, "is not of the mapping's account")
    mapping = mapped(server, name, cluster, topic(), access=access(BASIC_AUTH="s"))
    wait_for_result(client, mapping, "is not in the server's file of secrets")
    secrets.write(s={"username": "u"})
    wait_for_result(client, mapping, "has no 'password', which BASIC_AUTH needs")
    secrets.path.chmod(0o644)
    text = wait_for_result(client, mapping, "file of secrets", "log says why")
    assert str(secrets.path) not in text
    server.wait_for_line("the file of secrets can't be used", "chmod 600")


@pytest.mark.parametrize("content,mode,words", [
    ("{}", 0o640, "chmod 600"), ("[]", 0o600, "JSON object"), ('{"s": "x"}', 0o600, "not a secret's ARN"),
    (None, 0o600, "can't be opened")])
def test_a_file_of_secrets_that_can_not_be_used_ends_the_start(tmp_path, content, mode, words):
    path = tmp_path / "secrets.json"
    if content is not None:
        path.write_text(content)
        path.chmod(mode)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "MARTLET_"))}
    result = subprocess.run(
        [str(BINARY), "serve", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0", "--secrets", str(path)],
        env=environment, capture_output=True, text=True, timeout=120)
    assert result.returncode == 1
    line, = result.stderr.strip().splitlines()
    assert line.startswith("martlet: ") and "--secrets" in line and words in line


def test_what_is_refused(server, name):
    server.deploy(name, LISTING)
    client = server.client()

    def refused(**changes):
        request = {"FunctionName": name, "SelfManagedEventSource": servers("k:9092"), "Topics": ["topic"],
                   "SourceAccessConfigurations": NETWORK}
        answer = refusal(client.create_event_source_mapping, **request | changes)
        assert answer[:2] == INVALID, answer
        return answer[2]

    assert "topic name" in refused(Topics=["^topic"])
    assert "bootstrap server" in refused(SelfManagedEventSource=servers("k:9092", "k:99999"))
    both = access(BASIC_AUTH="s", SASL_SCRAM_512_AUTH="s")
    assert "More than one authentication method" in refused(SourceAccessConfigurations=both)
    assert "not available" in refused(DestinationConfig={"OnFailure": {"Destination": "kafka://failed"}})
    assert "Provisioned Mode" in refused(BisectBatchOnFunctionError=True)
    assert "MinimumPollers should be" in refused(ProvisionedPollerConfig={"MinimumPollers": 3, "MaximumPollers": 2})
