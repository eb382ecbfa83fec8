# SPDX-License-Identifier: Apache-2.0
"""How far functions are behind topics of Kafka and queues of RabbitMQ: as Prometheus, CloudWatch and the console have it."""

import datetime
import json

import test_kafka_sources as kafka
import test_rabbitmq_sources as rabbitmq
from console_page import browser, open_page  # noqa: F401
from harness import wait_until
from kafka_cluster import Cluster
from prometheus_server import samples
from rabbitmq_server import PASSWORD, WATCHER
from test_metrics import scrape
from test_rabbitmq_sources import broker, certificates, queue  # noqa: F401

WAIT = 90


def lags(server, metric, name):
    """By what was invoked; nothing where none is known."""
    return {
        dict(labels)["resource"]: value for (each, labels), value in samples(scrape(server)[1]).items()
        if each == f"martlet_lambda_{metric}" and ("function_name", name) in labels}


def wait_for_lag(server, metric, name, value):
    wanted = {} if value is None else {name: value}
    try:
        wait_until(lambda: lags(server, metric, name) == wanted, WAIT, f"a lag of {value}")
    except AssertionError:
        raise AssertionError(f"not {wanted} but {lags(server, metric, name)}") from None


def maximum(server, namespace, metric, name):
    now = datetime.datetime.now(datetime.timezone.utc)
    point, = server.client("cloudwatch").get_metric_statistics(
        Namespace=namespace, MetricName=metric, Dimensions=[{"Name": "FunctionName", "Value": name}], Period=86_400,
        StartTime=now - datetime.timedelta(hours=12), EndTime=now + datetime.timedelta(hours=12), Statistics=["Maximum"],
        Unit="Count")["Datapoints"]
    return point["Maximum"]


def shows_lag(page, text):
    page.until(f"document.querySelector('[data-name=Lag]')?.textContent === {json.dumps(text)}", text)


def throttle(server, name):
    server.client().put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)


def test_a_topic_that_a_throttled_function_is_behind(make_server, open_page, name):
    """The records that are ahead fill librdkafka's queue, so that nothing is fetched any more that says where the partition ends."""
    cluster = Cluster()
    try:
        server = make_server("--metrics", "open")
        server.deploy(name, kafka.LISTING)
        throttle(server, name)
        topic = cluster.topic("orders", 3)
        mapping = kafka.mapped(server, name, cluster, topic)
        wait_for_lag(server, "offset_lag", name, 0)
        cluster.put(topic, *[str(number) for number in range(7)], partition=1)
        wait_for_lag(server, "offset_lag", name, 7)
        cluster.put(topic, *[str(number) + "x" * 2_000 for number in range(1_000)])
        wait_for_lag(server, "offset_lag", name, 1_000)
        cluster.put(topic, *[str(number) for number in range(1_000, 1_234)])
        wait_for_lag(server, "offset_lag", name, 1_234)
        page = open_page("#/sources", on=server)
        shows_lag(page, "1,234 behind")
        server.client().delete_function_concurrency(FunctionName=name)
        wait_for_lag(server, "offset_lag", name, 0)
        kafka.wait_for_offset(cluster, topic, 1_234)
        kafka.wait_for_offset(cluster, topic, 7, partition=1)
        assert maximum(server, "AWS/Lambda", "OffsetLag", name) == 1_234
        shows_lag(page, "0 behind")
        # What nobody reads has no lag that is known.
        server.client().update_event_source_mapping(UUID=mapping, Enabled=False)
        wait_for_lag(server, "offset_lag", name, None)
        cluster.put(topic, "later", partition=2)
        throttle(server, name)
        server.client().update_event_source_mapping(UUID=mapping, Enabled=True)
        wait_for_lag(server, "offset_lag", name, 1)
        cluster.down()
        wait_for_lag(server, "offset_lag", name, None)
        cluster.up()
        wait_for_lag(server, "offset_lag", name, 1)
    finally:
        cluster.close()


def test_a_queue_that_a_throttled_function_is_behind(make_server, broker, open_page, name, queue, tmp_path):  # noqa: F811
    """By a user who may do nothing but read."""
    path = tmp_path / "secrets.json"
    path.write_text(json.dumps({rabbitmq.SECRET: {"username": WATCHER, "password": PASSWORD}}))
    path.chmod(0o600)
    server = make_server("--metrics", "open", "--rabbitmq-endpoint", broker.endpoint, "--secrets", str(path))
    server.deploy(name, rabbitmq.LISTING)
    throttle(server, name)
    made = rabbitmq.mapping(server, name, queue)
    wait_for_lag(server, "messages_waiting", name, 0)
    rabbitmq.publish(broker, queue, *[str(number).encode() for number in range(250)])
    wait_for_lag(server, "messages_waiting", name, 250)
    # A batch of them is in hand.
    assert broker.left(queue) == 150
    rabbitmq.publish(broker, queue, *[str(number).encode() for number in range(250, 1_300)])
    wait_for_lag(server, "messages_waiting", name, 1_300)
    page = open_page("#/sources", on=server)
    shows_lag(page, "1,300 waiting")
    server.client().delete_function_concurrency(FunctionName=name)
    wait_for_lag(server, "messages_waiting", name, 0)
    assert rabbitmq.bodies(server, name) == [str(number) for number in range(1_300)]
    assert maximum(server, "Martlet/Lambda", "MessagesWaiting", name) == 1_300
    shows_lag(page, "0 waiting")
    rabbitmq.assert_nothing_is_left(server, broker, made, queue)
    wait_for_lag(server, "messages_waiting", name, None)


def test_a_mapping_that_gets_another_function_leaves_no_lag_behind(make_server, name):
    cluster = Cluster()
    try:
        server = make_server("--metrics", "open")
        topic = cluster.topic("orders")
        cluster.put(topic, "a", "b")
        for each in (name, name + "-other"):
            server.deploy(each, kafka.LISTING)
            throttle(server, each)
        mapping = kafka.mapped(server, name, cluster, topic)
        wait_for_lag(server, "offset_lag", name, 2)
        server.client().update_event_source_mapping(UUID=mapping, FunctionName=name + "-other")
        wait_for_lag(server, "offset_lag", name + "-other", 2)
        assert lags(server, "offset_lag", name) == {}
    finally:
        cluster.close()
