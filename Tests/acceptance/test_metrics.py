# SPDX-License-Identifier: Apache-2.0
"""Metrics: what is measured is what happened, as a real Prometheus and CloudWatch's clients see it."""

import base64
import datetime
import json
import pathlib
import re
import subprocess
import threading
import time
import urllib.error
import urllib.request

import botocore.exceptions
import pytest

from harness import ROOT, Server, wait_until
from prometheus_server import Prometheus, samples, total
from wire import exchange

SOURCE = """
import time
def handler(event, context):
    if event.get("sleep"):
        time.sleep(event["sleep"])
    if event.get("fail"):
        raise ValueError("as asked for")
    return event
"""
RULES = ROOT / "Resources/monitoring/martlet-rules.yml"
DASHBOARD = ROOT / "Resources/monitoring/martlet-dashboard.json"


def scrape(server, **headers):
    """Without a signature."""
    request = urllib.request.Request(server.url + "/metrics", headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def status(server, path="/metrics", **headers):
    try:
        return urllib.request.urlopen(
            urllib.request.Request(server.url + path, headers=headers), timeout=30).status
    except urllib.error.HTTPError as error:
        return error.code


def basic(identifier, secret):
    return "Basic " + base64.b64encode(f"{identifier}:{secret}".encode()).decode()


@pytest.fixture(scope="module")
def measured():
    """A server whose metrics are open, after a run of two functions; and how they were invoked."""
    server = Server("--metrics", "open")
    try:
        server.start()
        server.deploy("alpha", SOURCE)
        server.deploy("beta", SOURCE)
        client = server.client()
        version = client.publish_version(FunctionName="beta")["Version"]
        client.get_waiter("published_version_active").wait(FunctionName="beta", Qualifier=version)
        client.create_alias(FunctionName="beta", Name="live", FunctionVersion=version)
        for _ in range(20):
            server.invoke("alpha", {})
        for _ in range(5):
            server.fail("alpha", {"fail": True})
        for _ in range(7):
            server.invoke("beta", {}, Qualifier="live")
        client.put_function_concurrency(FunctionName="beta", ReservedConcurrentExecutions=0)
        for _ in range(3):
            with pytest.raises(client.exceptions.TooManyRequestsException):
                client.invoke(FunctionName="beta", Payload=b"{}")
        yield server
    finally:
        server.close()


def usage(server):
    """The usage records by function."""
    result = server.martlet("usage", "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)["lines"]


def test_the_text_is_what_promtool_takes(measured):
    # An invocation's end is heard a moment after its answer.
    wait_until(lambda: total(samples(scrape(measured)[1]), "martlet_lambda_concurrent_executions") == 0, 60, "all ended")
    content_type, text = scrape(measured)
    assert content_type == "text/plain; version=0.0.4; charset=utf-8"
    result = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    assert result.returncode == 0 and not result.stderr, result.stdout + result.stderr
    found = samples(text)
    assert total(found, "martlet_lambda_invocations_total", function_name="alpha") == 25
    assert total(found, "martlet_lambda_errors_total", function_name="alpha") == 5
    assert total(found, "martlet_lambda_invocations_total", resource="beta:live", executed_version="1") == 7
    assert total(found, "martlet_lambda_throttles_total", function_name="beta") == 3
    assert total(found, "martlet_environment_starts_total") >= 2
    assert total(found, "martlet_lambda_init_duration_seconds_count") >= 2
    assert total(found, "martlet_spawner_request_seconds_count", request="make") >= 2
    assert total(found, "martlet_memory_limit_bytes") > total(found, "martlet_memory_reckoned_bytes") > 0
    assert total(found, "process_resident_memory_bytes") > 1 << 20
    assert total(found, "martlet_environments", state="idle") >= 1


def test_what_prometheus_has_equals_the_usage_records(measured):
    prometheus = Prometheus(measured.url.removeprefix("http://"), rules=RULES)
    try:
        prometheus.wait_for_scrape()
        lines = usage(measured)
        for name in ("alpha", "beta"):
            mine = [line for line in lines if line["function"] == name]
            of = f'{{function_name="{name}"}}'
            assert prometheus.query(f"sum(martlet_lambda_invocations_total{of})") == sum(line["requests"] for line in mine)
            assert prometheus.query(f"sum(martlet_lambda_errors_total{of})") == sum(line["errors"] for line in mine)
            assert prometheus.query(f"sum(martlet_lambda_billed_duration_seconds_total{of}) * 1000") == pytest.approx(
                sum(line["billedMilliseconds"] for line in mine), abs=1e-6)
            assert prometheus.query(f"sum(martlet_lambda_duration_seconds_count{of})") == sum(line["requests"] for line in mine)
        groups = prometheus.get("/api/v1/rules")["groups"]
        assert groups and all(rule["health"] != "err" for group in groups for rule in group["rules"])
    finally:
        prometheus.close()


def test_the_alert_rules_and_the_dashboard_name_metrics_that_there_are(measured, tmp_path):
    result = subprocess.run(["promtool", "check", "rules", str(RULES)], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    known = set(re.findall(r"^# TYPE (\S+) ", scrape(measured)[1], re.M))
    dashboard = json.loads(DASHBOARD.read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    assert len(expressions) >= 20
    for text in expressions + [RULES.read_text(), (ROOT / "docs/metrics.md").read_text()]:
        for name in re.findall(r"\b(?:martlet|process)_[a-z_]+", text):
            assert name in known or re.sub(r"_(bucket|sum|count)$", "", name) in known, name
    # Every expression is one that Prometheus can parse.
    rules = {"groups": [{"name": "g", "rules": [
        {"record": f"r{index}", "expr": text.replace("$__rate_interval", "5m").replace("$function", ".*")}
        for index, text in enumerate(expressions)]}]}
    (tmp_path / "rules.yml").write_text(json.dumps(rules))
    result = subprocess.run(
        ["promtool", "check", "rules", "--lint=none", str(tmp_path / "rules.yml")], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_only_the_administrator_and_keys_that_may_read_the_metrics(make_server):
    server = make_server()
    known = server.credentials
    assert status(server) == 403
    assert exchange(server, "GET", "/metrics").status == 200
    assert status(server, Authorization=basic(known["accessKeyId"], known["secretAccessKey"])) == 200
    for wrong in (basic(known["accessKeyId"], "x"), basic("AKIAABSENT", known["secretAccessKey"]), "Basic x", "Bearer x"):
        assert status(server, Authorization=wrong) in (400, 403), wrong

    def key(*arguments):
        made = server.martlet("key", "create", "--json", *arguments)
        assert made.returncode == 0, made.stderr
        value = json.loads(made.stdout)
        return basic(value["AccessKeyId"], value["SecretAccessKey"])

    def policy(action):
        path = server.data / f"{action.replace(':', '-')}.json"
        path.write_text(json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}))
        return str(path)

    assert status(server, Authorization=key("--name", "prometheus", "--policy", policy("martlet:GetMetrics"))) == 200
    assert status(server, Authorization=key("--name", "other", "--policy", policy("lambda:GetFunction"))) == 403
    assert status(server, Authorization=key("--name", "plain")) == 403


def test_open_metrics_are_for_this_machine_and_off_is_off(measured, make_server):
    assert status(measured) == 200
    # As a page in a browser would ask whose name leads here.
    assert status(measured, Host="evil.example") == 403
    server = make_server("--metrics", "off")
    assert status(server) == 404 and exchange(server, "GET", "/metrics").status == 404
    server = make_server("--auth", "none")
    assert status(server) == 200


# CloudWatch

NOW = datetime.datetime.now(datetime.timezone.utc)
RANGE = {"StartTime": NOW - datetime.timedelta(hours=1), "EndTime": NOW + datetime.timedelta(hours=1)}
OF_ALPHA = [{"Name": "FunctionName", "Value": "alpha"}]


def statistics(client, metric="Invocations", dimensions=OF_ALPHA, **more):
    more.setdefault("Statistics", ["Sum", "Average", "Minimum", "Maximum", "SampleCount"])
    return client.get_metric_statistics(
        Namespace="AWS/Lambda", MetricName=metric, Dimensions=dimensions, Period=7200, **RANGE, **more)["Datapoints"]


def test_cloudwatch_has_the_same_by_boto3(measured):
    client = measured.client("cloudwatch")
    point, = statistics(client)
    assert point["Sum"] == point["SampleCount"] == 25 and point["Unit"] == "Count"
    point, = statistics(client, "Errors")
    assert point["Sum"] == 5 and point["Average"] == pytest.approx(0.2)
    point, = statistics(client, "Duration", ExtendedStatistics=["p50", "p99.9"])
    assert 0 < point["Minimum"] <= point["ExtendedStatistics"]["p50"] <= point["ExtendedStatistics"]["p99.9"] <= point["Maximum"]
    assert point["Sum"] == pytest.approx(point["Average"] * 25)
    live = [{"Name": "FunctionName", "Value": "beta"}, {"Name": "Resource", "Value": "beta:live"}]
    assert statistics(client, dimensions=live)[0]["Sum"] == 7
    assert statistics(client, "Throttles", [{"Name": "FunctionName", "Value": "beta"}])[0]["Sum"] == 3
    assert statistics(client, dimensions=[])[0]["Sum"] == 32
    data = client.get_metric_data(
        MetricDataQueries=[{"Id": "m1", "MetricStat": {
            "Metric": {"Namespace": "AWS/Lambda", "MetricName": "Invocations", "Dimensions": OF_ALPHA}, "Period": 7200, "Stat": "Sum"}}],
        **RANGE)["MetricDataResults"]
    assert data[0]["Values"] == [25.0] and data[0]["StatusCode"] == "Complete" and data[0]["Timestamps"][0].tzinfo
    listed = [each for page in client.get_paginator("list_metrics").paginate(Namespace="AWS/Lambda") for each in page["Metrics"]]
    assert {"Namespace": "AWS/Lambda", "MetricName": "Duration", "Dimensions": OF_ALPHA} in listed
    with pytest.raises(botocore.exceptions.ClientError) as error:
        client.get_metric_data(MetricDataQueries=[{"Id": "e", "Expression": "m1 / m2"}], **RANGE)
    assert error.value.response["Error"]["Code"] == "ValidationError" and "metric math" in str(error.value)
    with pytest.raises(botocore.exceptions.ClientError) as error:
        client.put_metric_data(Namespace="x", MetricData=[])
    assert error.value.response["Error"]["Code"] == "InvalidAction"


@pytest.mark.parametrize("protocol", ["smithy-rpc-v2-cbor", "query"])
def test_cloudwatch_speaks_the_protocols_of_other_sdks(measured, protocol, tmp_path):
    """botocore's own model with another protocol first: what older versions of it, and other SDKs, send."""
    import gzip

    import boto3
    import botocore

    source = pathlib.Path(botocore.__file__).parent / "data/cloudwatch/2010-08-01/service-2.json.gz"
    model = json.loads(gzip.decompress(source.read_bytes()))
    model["metadata"].update(protocol=protocol, protocols=[protocol])
    folder = tmp_path / "cloudwatch/2010-08-01"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text(json.dumps(model))
    session = boto3.session.Session()
    loader = session._loader
    loader.search_paths.insert(0, str(tmp_path))
    known = measured.credentials
    client = session.client(
        "cloudwatch", endpoint_url=measured.url, region_name=known["region"], aws_access_key_id=known["accessKeyId"],
        aws_secret_access_key=known["secretAccessKey"])
    assert client.meta.service_model.resolved_protocol == protocol
    point, = statistics(client, "Duration", ExtendedStatistics=["p99"])
    assert point["SampleCount"] == 25 and point["ExtendedStatistics"]["p99"] > 0 and point["Timestamp"].tzinfo
    data = client.get_metric_data(
        MetricDataQueries=[{"Id": "m1", "MetricStat": {
            "Metric": {"Namespace": "AWS/Lambda", "MetricName": "Errors", "Dimensions": OF_ALPHA}, "Period": 7200, "Stat": "Sum"}}],
        ScanBy="TimestampAscending", **RANGE)["MetricDataResults"]
    assert data[0]["Values"] == [5.0]
    assert client.list_metrics(Namespace="AWS/Lambda", MetricName="Throttles")["Metrics"]
    with pytest.raises(botocore.exceptions.ClientError) as error:
        client.get_metric_statistics(
            Namespace="AWS/Lambda", MetricName="Duration", Period=60, ExtendedStatistics=["tm99"], **RANGE)
    assert error.value.response["Error"]["Code"] == "InvalidParameterValue"
    wrong = session.client(
        "cloudwatch", endpoint_url=measured.url, region_name=known["region"], aws_access_key_id=known["accessKeyId"],
        aws_secret_access_key="wrong")
    with pytest.raises(botocore.exceptions.ClientError) as error:
        wrong.list_metrics()
    assert error.value.response["Error"]["Code"] == "SignatureDoesNotMatch"


def test_cloudwatch_answers_the_aws_cli(measured, aws):
    answer = aws(
        measured, "cloudwatch", "get-metric-statistics", "--namespace", "AWS/Lambda", "--metric-name", "Invocations",
        "--dimensions", "Name=FunctionName,Value=alpha", "--statistics", "Sum", "--period", "7200",
        "--start-time", RANGE["StartTime"].isoformat(), "--end-time", RANGE["EndTime"].isoformat(), "--output", "json")
    assert json.loads(answer.stdout)["Datapoints"][0]["Sum"] == 25


def test_cloudwatch_remembers_after_a_restart(make_server):
    server = make_server()
    server.deploy("kept", SOURCE)
    for _ in range(4):
        server.invoke("kept", {})
    assert server.terminate() == 0
    server.start()
    server.invoke("kept", {})
    point, = statistics(server.client("cloudwatch"), dimensions=[{"Name": "FunctionName", "Value": "kept"}])
    assert point["Sum"] == 5
    # Counters begin anew, as Prometheus expects of a process that did.
    assert total(samples(exchange(server, "GET", "/metrics").body.decode()), "martlet_lambda_invocations_total") == 1


def test_a_key_with_a_policy_needs_cloudwatchs_actions(make_server):
    server = make_server()
    path = server.data / "policy.json"
    path.write_text(json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "cloudwatch:ListMetrics", "Resource": "*"}]}))
    key = json.loads(server.martlet("key", "create", "--json", "--name", "reader", "--policy", str(path)).stdout)
    client = server.client(
        "cloudwatch", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    assert client.list_metrics()["Metrics"] == []
    with pytest.raises(botocore.exceptions.ClientError) as error:
        statistics(client)
    assert error.value.response["Error"]["Code"].startswith("AccessDenied")


def test_provisioned_concurrency_is_counted_with_what_spills_over(make_server):
    server = make_server("--metrics", "open")
    server.deploy("provisioned", SOURCE)
    client = server.client()
    version = client.publish_version(FunctionName="provisioned")["Version"]
    client.get_waiter("published_version_active").wait(FunctionName="provisioned", Qualifier=version)
    client.put_provisioned_concurrency_config(
        FunctionName="provisioned", Qualifier=version, ProvisionedConcurrentExecutions=1)
    wait_until(
        lambda: client.get_provisioned_concurrency_config(FunctionName="provisioned", Qualifier=version)["Status"] == "READY",
        60, "the environment")
    threads = [
        threading.Thread(target=server.invoke, args=("provisioned", {"sleep": 1}), kwargs={"Qualifier": version}) for _ in range(2)]
    for thread in threads:
        thread.start()
    of = {"function_name": "provisioned", "resource": f"provisioned:{version}"}
    seen = wait_until(
        lambda: (lambda found: total(found, "martlet_lambda_concurrent_executions") == 2 and found)(samples(scrape(server)[1])),
        60, "both at once")
    assert total(seen, "martlet_lambda_provisioned_concurrent_executions", **of) == 1
    for thread in threads:
        thread.join()
    found = samples(scrape(server)[1])
    assert total(found, "martlet_lambda_provisioned_concurrency_invocations_total", **of) == 1
    assert total(found, "martlet_lambda_provisioned_concurrency_spillover_invocations_total", **of) == 1
    assert total(found, "martlet_lambda_provisioned_concurrency_utilization", **of) == 1
    cloudwatch = server.client("cloudwatch")
    dimensions = [{"Name": "FunctionName", "Value": "provisioned"}]
    assert statistics(cloudwatch, "ConcurrentExecutions", dimensions)[0]["Maximum"] == 2
    assert statistics(cloudwatch, "ProvisionedConcurrencyUtilization", dimensions)[0]["Maximum"] == 1


def test_a_streams_age_is_that_of_the_record_that_was_sent(make_server):
    server = make_server("--metrics", "open")
    server.deploy("reader", SOURCE)
    kinesis = server.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    arn = kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamARN"]
    kinesis.put_record(StreamName="s", Data=b"x", PartitionKey="a")
    # The record waits for its reader.
    time.sleep(1)
    server.client().create_event_source_mapping(
        FunctionName="reader", EventSourceArn=arn, StartingPosition="TRIM_HORIZON")
    found = wait_until(
        lambda: (lambda each: total(each, "martlet_lambda_invocations_total", function_name="reader") and each)(
            samples(scrape(server)[1])), 60, "the record")
    assert 1 <= total(found, "martlet_lambda_iterator_age_seconds", function_name="reader") < 60
    point, = statistics(server.client("cloudwatch"), "IteratorAge", [{"Name": "FunctionName", "Value": "reader"}])
    assert 1_000 <= point["Maximum"] < 60_000 and point["Unit"] == "Milliseconds"
