# SPDX-License-Identifier: Apache-2.0
"""EventBridge Scheduler and EventBridge's rules in the server itself, by boto3 and the AWS CLI."""

import datetime
import json
import re
import time
import uuid

import botocore.exceptions
import pytest

from harness import ROLE, wait_until
from test_keys import allow, key

ECHO = "import json\ndef handler(event, context):\n    print('GOT ' + json.dumps([context.aws_request_id, event]))\n"
OFF = {"Mode": "OFF"}


@pytest.fixture(scope="module")
def scheduler(server):
    return server.client("scheduler")


@pytest.fixture(scope="module")
def events(server):
    return server.client("events")


@pytest.fixture(scope="module")
def echo(server):
    """A function that logs what it gets."""
    name = "echo-" + uuid.uuid4().hex[:8]
    server.deploy(name, ECHO)
    return name


def function_arn(server, name):
    return server.client().get_function(FunctionName=name)["Configuration"]["FunctionArn"]


def got(server, name, group=None):
    """Pairs of request id and event that a function logged."""
    lines = [message for _, message in server.log(name) if message.startswith("GOT ")]
    return [json.loads(line[4:]) for line in lines]


def wait_for(server, name, condition, seconds=120):
    return wait_until(lambda: [pair for pair in got(server, name) if condition(pair[1])], seconds, f"an event of {name}")


def at(seconds):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return moment.strftime("at(%Y-%m-%dT%H:%M:%S)")


def refused(call, **named):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**named)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["Error"].get("Message") or answer.get("Message"), \
        answer["ResponseMetadata"]["HTTPStatusCode"]


def make(scheduler, server, function, name, expression, **arguments):
    target = {"Arn": function_arn(server, function), "RoleArn": ROLE, **arguments.pop("Target", {})}
    return scheduler.create_schedule(
        Name=name, ScheduleExpression=expression, FlexibleTimeWindow=arguments.pop("FlexibleTimeWindow", OFF), Target=target,
        **arguments)


def test_a_one_time_schedule_invokes_a_function(server, scheduler, echo, name):
    text = json.dumps({
        "name": name, "arn": "<aws.scheduler.schedule-arn>", "time": "<aws.scheduler.scheduled-time>",
        "id": "<aws.scheduler.execution-id>", "attempt": "<aws.scheduler.attempt-number>"})
    expression = at(2)
    answer = make(scheduler, server, echo, name, expression, Target={"Input": text}, ActionAfterCompletion="DELETE")
    arn = answer["ScheduleArn"]
    assert re.fullmatch(r"arn:aws:scheduler:us-east-1:\d{12}:schedule/default/" + name, arn)
    (_, event), = wait_for(server, echo, lambda event: event.get("name") == name)
    assert uuid.UUID(event.pop("id"))
    assert event == {"name": name, "arn": arn, "time": expression[3:-1] + "Z", "attempt": "1"}
    # It has come to its end, and is gone.
    assert refused(scheduler.get_schedule, Name=name)[0] == "ResourceNotFoundException"


def test_a_rate_begins_at_once_and_its_default_event(server, scheduler, echo, name):
    arn = make(scheduler, server, echo, name, "rate(1 minute)")["ScheduleArn"]
    event = wait_for(server, echo, lambda event: event.get("resources") == [arn])[0][1]
    assert event["source"] == "aws.scheduler" and event["detail-type"] == "Scheduled Event" and event["detail"] == "{}"
    assert event["version"] == "0" and event["region"] == "us-east-1" and re.fullmatch(r"\d{12}", event["account"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["time"])
    # A second one after a minute.
    wait_until(lambda: len([e for _, e in got(server, echo) if e.get("resources") == [arn]]) >= 2, 180, "the second")
    scheduler.delete_schedule(Name=name)


def test_a_rule_sends_the_scheduled_event(server, events, echo, name):
    rule = events.put_rule(Name=name, ScheduleExpression="cron(* * * * ? *)", Description="every minute")["RuleArn"]
    function = function_arn(server, echo)
    server.client().add_permission(
        FunctionName=echo, StatementId=name, Action="lambda:InvokeFunction", Principal="events.amazonaws.com", SourceArn=rule)
    marks = {"whole": name + "-whole", "part": name + "-part", "fixed": name + "-fixed"}
    answer = events.put_targets(Rule=name, Targets=[
        {"Id": "whole", "Arn": function},
        {"Id": "part", "Arn": function, "InputTransformer": {
            "InputPathsMap": {"when": "$.time", "which": "$.resources[0]"},
            "InputTemplate": '{"mark": "' + marks["part"] + '", "text": "<which> at <when>", "rule": <aws.events.rule-name>, '
                             '"detail": <aws.events.event.json>}'}},
        {"Id": "fixed", "Arn": function, "Input": json.dumps({"mark": marks["fixed"]})}])
    assert answer["FailedEntryCount"] == 0
    whole = wait_for(server, echo, lambda event: event.get("resources") == [rule])[0][1]
    assert sorted(whole) == ["account", "detail", "detail-type", "id", "region", "resources", "source", "time", "version"]
    assert whole["source"] == "aws.events" and whole["detail-type"] == "Scheduled Event" and whole["detail"] == {}
    assert whole["time"].endswith(":00Z") and uuid.UUID(whole["id"])
    part = wait_for(server, echo, lambda event: event.get("mark") == marks["part"] and event["detail"] == whole)[0][1]
    assert part["text"] == f"{rule} at {whole['time']}" and part["rule"] == name
    wait_for(server, echo, lambda event: event.get("mark") == marks["fixed"])
    events.remove_targets(Rule=name, Ids=["whole", "part", "fixed"])
    events.delete_rule(Name=name)


def test_without_a_permission_nothing_is_invoked_and_it_is_a_dead_letter(server, events, echo, name):
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    function = function_arn(server, echo)
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": function, "DeadLetterConfig": {"Arn": queue}}])
    put = {"Source": name, "DetailType": "Order", "Detail": json.dumps({"n": 1})}
    assert events.put_events(Entries=[put])["FailedEntryCount"] == 0

    def receive():
        return sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"], WaitTimeSeconds=5).get("Messages")

    message, = wait_until(receive, 120, "a dead letter")
    attributes = {key: value["StringValue"] for key, value in message["MessageAttributes"].items()}
    assert attributes["RULE_ARN"] == rule and attributes["TARGET_ARN"] == function
    assert attributes["ERROR_CODE"] == "NO_PERMISSIONS" and attributes["RETRY_ATTEMPTS"] == "0"
    assert json.loads(message["Body"])["detail"] == {"n": 1}
    server.wait_for_line("a delivery was given up", rule)
    wait_until(lambda: any("was not taken" in line and rule in line for _, line in server.log(echo)), 60, "a line in its log")
    # Another rule's permission is none.
    other = rule.replace(name, "other")
    server.client().add_permission(
        FunctionName=echo, StatementId=name, Action="lambda:InvokeFunction", Principal="events.amazonaws.com", SourceArn=other)
    events.put_events(Entries=[put])
    wait_until(receive, 120, "another dead letter")
    server.client().add_permission(
        FunctionName=echo, StatementId=name + "-2", Action="lambda:InvokeFunction", Principal="events.amazonaws.com",
        SourceArn=rule)
    ident = events.put_events(Entries=[put, {"Source": "other", "DetailType": "x", "Detail": "{}"}, {"Source": name}])
    assert ident["FailedEntryCount"] == 1 and ident["Entries"][2]["ErrorCode"] == "InvalidArgument"
    (_, event), = wait_for(server, echo, lambda event: event.get("source") == name)
    assert event["id"] == ident["Entries"][0]["EventId"] and event["detail"] == {"n": 1}


def test_a_schedule_sends_to_queues_and_dead_letters(server, scheduler, echo, name):
    sqs = server.client("sqs")
    urls = [sqs.create_queue(QueueName=name + suffix)["QueueUrl"] for suffix in ["", "-dead"]]
    queue, dead = [
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"] for url in urls]
    scheduler.create_schedule(
        Name=name, ScheduleExpression=at(1), FlexibleTimeWindow=OFF,
        Target={"Arn": queue, "RoleArn": ROLE, "Input": "not JSON <aws.scheduler.execution-id>"})
    message, = wait_until(lambda: sqs.receive_message(QueueUrl=urls[0], WaitTimeSeconds=5).get("Messages"), 120, "a message")
    assert re.fullmatch(r"not JSON [0-9a-f-]{36}", message["Body"])
    gone = function_arn(server, echo).replace(echo, "no-such-function")
    arn = scheduler.create_schedule(
        Name=name + "-gone", ScheduleExpression=at(1), FlexibleTimeWindow=OFF,
        Target={"Arn": gone, "RoleArn": ROLE, "Input": '{"a": 1}', "DeadLetterConfig": {"Arn": dead}})["ScheduleArn"]
    message, = wait_until(
        lambda: sqs.receive_message(QueueUrl=urls[1], MessageAttributeNames=["All"], WaitTimeSeconds=5).get("Messages"), 120,
        "a dead letter")
    attributes = {key: value["StringValue"] for key, value in message["MessageAttributes"].items()}
    assert attributes["ERROR_CODE"] == "ResourceNotFoundException" and attributes["SCHEDULE_ARN"] == arn
    assert attributes["TARGET_ARN"] == gone and "SCHEDULED_TIME" in attributes and "EXECUTION_ID" in attributes
    assert message["Body"] == '{"a": 1}'


def test_nothing_is_lost_by_kills_and_what_was_missed_runs_once(make_server, name):
    server = make_server()
    server.deploy("echo", ECHO)
    scheduler = server.client("scheduler")
    make(scheduler, server, "echo", "late", at(4), Target={"Input": '{"mark": "late"}'})
    make(scheduler, server, "echo", "old", at(4), Target={
        "Input": '{"mark": "old"}', "RetryPolicy": {"MaximumEventAgeInSeconds": 3600}})
    for number in range(20):
        make(scheduler, server, "echo", f"soon-{number}", at(8 + number % 3), Target={
            "Input": json.dumps({"mark": number, "id": "<aws.scheduler.execution-id>"})})
    server.kill()
    # Both are over by now, and neither by an hour.
    time.sleep(6)
    server.start()
    wait_for(server, "echo", lambda event: event["mark"] == "late")
    for _ in range(3):
        server.kill()
        server.start()
    wait_until(lambda: {e["mark"] for _, e in got(server, "echo")} >= {*range(20), "late", "old"}, 180, "all of them")
    # What comes twice has the same id.
    ids = {}
    for _, event in got(server, "echo"):
        ids.setdefault(event["mark"], set()).add(event.get("id"))
    assert all(len(found) == 1 for found in ids.values()), ids
    # They have run, and are there still.
    listed = {schedule["Name"] for schedule in server.client("scheduler").list_schedules()["Schedules"]}
    assert {"late", "old", "soon-0"} <= listed


def test_an_event_that_was_taken_survives_kills(make_server):
    server = make_server()
    server.deploy("echo", ECHO)
    events = server.client("events")
    rule = events.put_rule(Name="r", EventPattern='{"source": ["shop"]}')["RuleArn"]
    server.client().add_permission(
        FunctionName="echo", StatementId="r", Action="lambda:InvokeFunction", Principal="events.amazonaws.com", SourceArn=rule)
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": function_arn(server, "echo")}])
    taken = set()
    for _ in range(4):
        for number in range(10):
            answer = server.client("events").put_events(
                Entries=[{"Source": "shop", "DetailType": "t", "Detail": json.dumps({"n": number})}])
            taken.add(answer["Entries"][0]["EventId"])
        server.kill()
        server.start()
    wait_until(lambda: {event["id"] for _, event in got(server, "echo")} == taken, 180, "all events")


def test_no_input_is_readable_on_disk(make_server):
    server = make_server()
    server.deploy("echo", ECHO)
    secret = uuid.uuid4().hex
    make(server.client("scheduler"), server, "echo", "s", "rate(1 hour)", Target={"Input": json.dumps({"a": secret})},
         Description=secret, StartDate=time.time() + 3600)
    events = server.client("events")
    events.put_rule(Name="r", ScheduleExpression="rate(1 day)", Description=secret)
    events.put_targets(Rule="r", Targets=[
        {"Id": "1", "Arn": function_arn(server, "echo"), "Input": json.dumps({"a": secret})}])
    for path in server.data.rglob("schedules.sqlite*"):
        assert secret.encode() not in path.read_bytes(), path
    assert (server.data / "schedules.sqlite").stat().st_mode & 0o777 == 0o600


def test_schedules_are_made_shown_changed_and_listed(server, scheduler, echo, name):
    group = "g-" + name
    arn = scheduler.create_schedule_group(Name=group, Tags=[{"Key": "a", "Value": "1"}])["ScheduleGroupArn"]
    shown = scheduler.get_schedule_group(Name=group)
    assert shown["Arn"] == arn and shown["State"] == "ACTIVE"
    start = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=1)
    function = function_arn(server, echo)
    target = {"Input": "{}", "RetryPolicy": {"MaximumRetryAttempts": 3}}
    request = dict(
        GroupName=group, State="DISABLED", Description="d", ScheduleExpressionTimezone="Europe/Berlin", StartDate=start,
        EndDate=start + datetime.timedelta(days=9), FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15},
        ClientToken="token-1")
    made = make(scheduler, server, echo, name, "cron(0 2 * * ? *)", Target=target, **request)
    # The same request again has the same answer, another one has none.
    again = make(scheduler, server, echo, name, "cron(0 2 * * ? *)", Target=target, **request)
    assert made["ScheduleArn"] == again["ScheduleArn"]
    request["ClientToken"] = "token-2"
    with pytest.raises(scheduler.exceptions.ConflictException):
        make(scheduler, server, echo, name, "cron(0 2 * * ? *)", Target=target, **request)
    shown = scheduler.get_schedule(Name=name, GroupName=group)
    del shown["ResponseMetadata"]
    assert shown.pop("CreationDate") and shown.pop("LastModificationDate")
    assert shown == {
        "Name": name, "GroupName": group, "Arn": made["ScheduleArn"], "State": "DISABLED", "Description": "d",
        "ScheduleExpression": "cron(0 2 * * ? *)", "ScheduleExpressionTimezone": "Europe/Berlin",
        "StartDate": start, "EndDate": start + datetime.timedelta(days=9), "ActionAfterCompletion": "NONE",
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15},
        "Target": {"Arn": function, "RoleArn": ROLE, "Input": "{}", "RetryPolicy": {
            "MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 86400}}}
    scheduler.update_schedule(
        Name=name, GroupName=group, ScheduleExpression="rate(2 hours)", FlexibleTimeWindow=OFF,
        Target={"Arn": function, "RoleArn": ROLE}, State="DISABLED")
    shown = scheduler.get_schedule(Name=name, GroupName=group)
    assert shown["ScheduleExpression"] == "rate(2 hours)" and "Description" not in shown and "Input" not in shown["Target"]
    for number in range(3):
        make(scheduler, server, echo, f"{name}-{number}", "rate(1 hour)", GroupName=group, State="DISABLED")
    pages = scheduler.get_paginator("list_schedules").paginate(GroupName=group, PaginationConfig={"PageSize": 2})
    assert [s["Name"] for page in pages for s in page["Schedules"]] == [name] + [f"{name}-{n}" for n in range(3)]
    assert scheduler.list_schedules(GroupName=group, State="ENABLED")["Schedules"] == []
    assert [s["Name"] for s in scheduler.list_schedules(NamePrefix=f"{name}-1")["Schedules"]] == [f"{name}-1"]
    groups = scheduler.list_schedule_groups(NamePrefix="g-")["ScheduleGroups"]
    assert group in [g["Name"] for g in groups]
    assert scheduler.list_schedule_groups(NamePrefix="default")["ScheduleGroups"][0]["Name"] == "default"
    scheduler.tag_resource(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    scheduler.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert scheduler.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    scheduler.delete_schedule_group(Name=group)
    assert refused(scheduler.get_schedule, Name=name, GroupName=group)[0] == "ResourceNotFoundException"


def test_rules_are_made_shown_changed_and_listed(server, events, echo, name):
    function = function_arn(server, echo)
    arn = events.put_rule(
        Name=name, ScheduleExpression="rate(1 day)", State="DISABLED", Tags=[{"Key": "a", "Value": "1"}])["RuleArn"]
    assert re.fullmatch(r"arn:aws:events:us-east-1:\d{12}:rule/" + name, arn)
    events.put_targets(Rule=name, Targets=[{"Id": str(n), "Arn": function} for n in range(5)])
    assert refused(events.put_targets, Rule=name, Targets=[{"Id": "6", "Arn": function}])[0] == "LimitExceededException"
    events.put_targets(Rule=name, Targets=[{"Id": "0", "Arn": function + ":$LATEST", "InputPath": "$.detail"}])
    targets = events.list_targets_by_rule(Rule=name)["Targets"]
    assert targets[0] == {"Id": "0", "Arn": function + ":$LATEST", "InputPath": "$.detail"} and len(targets) == 5
    # Targets and tags stay.
    events.put_rule(Name=name, ScheduleExpression="rate(2 days)")
    shown = events.describe_rule(Name=name)
    assert shown["State"] == "ENABLED" and shown["ScheduleExpression"] == "rate(2 days)" and shown["EventBusName"] == "default"
    events.disable_rule(Name=name)
    assert events.describe_rule(Name=name)["State"] == "DISABLED"
    events.enable_rule(Name=name)
    assert [r["Name"] for r in events.list_rules(NamePrefix=name)["Rules"]] == [name]
    assert events.list_rule_names_by_target(TargetArn=function)["RuleNames"].count(name) == 1
    events.tag_resource(ResourceARN=arn, Tags=[{"Key": "b", "Value": "2"}])
    events.untag_resource(ResourceARN=arn, TagKeys=["a"])
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    assert refused(events.delete_rule, Name=name) == (
        "ValidationException", "Rule can't be deleted since it has targets.", 400)
    answer = events.remove_targets(Rule=name, Ids=[str(n) for n in range(5)] + ["none"])
    assert answer["FailedEntryCount"] == 1 and answer["FailedEntries"][0]["TargetId"] == "none"
    events.delete_rule(Name=name)
    events.delete_rule(Name=name)
    assert refused(events.describe_rule, Name=name) == (
        "ResourceNotFoundException", f"Rule {name} does not exist on EventBus default.", 400)
    assert events.test_event_pattern(EventPattern='{"a": [1]}', Event='{"a": 1}')["Result"] is True


def test_refusals_in_awss_words(server, scheduler, events, echo, name):
    function = function_arn(server, echo)

    def create(**changed):
        request = dict(Name=name, ScheduleExpression="rate(1 hour)", FlexibleTimeWindow=OFF, State="DISABLED",
                       Target={"Arn": function, "RoleArn": ROLE})
        request.update(changed)
        return refused(scheduler.create_schedule, **request)

    assert create(ScheduleExpression="cron(* * * * * *)") == (
        "ValidationException", "Invalid Schedule Expression cron(* * * * * *).", 400)
    assert create(ScheduleExpressionTimezone="Mars/Olympus")[0] == "ValidationException"
    assert "earlier than 5 minutes ago" in create(StartDate=time.time() - 900)[1]
    assert create(GroupName="none") == ("ResourceNotFoundException", "Schedule group none does not exist.", 404)
    assert "1 validation error detected" in create(Name="a b")[1]
    assert "at 'target.roleArn'" in create(Target={"Arn": function, "RoleArn": "x"})[1]
    assert "Target.Input is no valid JSON" in create(Target={"Arn": function, "RoleArn": ROLE, "Input": "{"})[1]
    assert "only targets" in create(Target={"Arn": "arn:aws:sns:us-east-1:000000000000:t", "RoleArn": ROLE})[1]
    assert "same account" in create(Target={"Arn": function.replace(":000000000000:", ":111111111111:"), "RoleArn": ROLE})[1]
    assert create(Target={"Arn": function, "RoleArn": ROLE, "RetryPolicy": {"MaximumRetryAttempts": 186}})[0] == \
        "ValidationException"
    assert create(FlexibleTimeWindow={"Mode": "FLEXIBLE"})[0] == "ValidationException"
    assert refused(scheduler.delete_schedule, Name=name) == (
        "ResourceNotFoundException", f"Schedule {name} does not exist.", 404)
    assert refused(scheduler.delete_schedule_group, Name="default")[0] == "ValidationException"
    assert refused(events.put_rule, Name=name, ScheduleExpression="rate(5 minute)") == (
        "ValidationException", "Parameter ScheduleExpression is not valid.", 400)
    assert refused(events.put_rule, Name=name)[0] == "ValidationException"
    assert refused(events.put_rule, Name=name, EventPattern='{"a": 1}')[0] == "InvalidEventPatternException"
    assert refused(events.put_rule, Name=name, ScheduleExpression="rate(1 day)", EventBusName="mine")[0] == \
        "ResourceNotFoundException"
    assert refused(events.put_targets, Rule=name, Targets=[{"Id": "1", "Arn": function}])[0] == "ResourceNotFoundException"
    assert "not available" in refused(events.create_event_bus, Name="mine")[1]


def test_who_may(server, scheduler, echo, name, tmp_path):
    function = function_arn(server, echo)
    arn = f"arn:aws:scheduler:us-east-1:000000000000:schedule/default/{name}"
    request = dict(Name=name, ScheduleExpression="rate(1 hour)", FlexibleTimeWindow=OFF, State="DISABLED",
                   Target={"Arn": function, "RoleArn": ROLE})

    def client(*policies):
        policy = {"Version": "2012-10-17", "Statement": [policy["Statement"][0] for policy in policies]}
        return server.client("scheduler", **key(server, policy=policy, tmp_path=tmp_path))

    schedule, role = allow("scheduler:*", resource=arn), allow("iam:PassRole", resource=ROLE)
    invoke = allow("lambda:InvokeFunction", resource=function)
    for statements in [(schedule,), (schedule, role), (role, invoke)]:
        assert refused(client(*statements).create_schedule, **request)[0] == "AccessDeniedException"
    holder = client(schedule, role, invoke)
    holder.create_schedule(**request)
    assert refused(holder.get_schedule, Name="other")[0] == "AccessDeniedException"
    # Another account has schedules of its own.
    other = server.client("scheduler", region_name="eu-west-1")
    assert refused(other.get_schedule, Name=name)[0] == "ResourceNotFoundException"
    holder.delete_schedule(Name=name)


def test_the_aws_cli(server, aws, echo, name):
    function = function_arn(server, echo)
    target = json.dumps({"Arn": function, "RoleArn": ROLE, "Input": json.dumps({"cli": name})})
    url = ["--endpoint-url", server.url]
    aws(server, *url, "scheduler", "create-schedule", "--name", name, "--schedule-expression", at(2),
        "--flexible-time-window", "Mode=OFF", "--target", target)
    wait_for(server, echo, lambda event: event.get("cli") == name)
    shown = json.loads(aws(server, *url, "scheduler", "get-schedule", "--name", name).stdout)
    assert shown["Name"] == name
    aws(server, *url, "scheduler", "delete-schedule", "--name", name)
    aws(server, *url, "events", "put-rule", "--name", name, "--schedule-expression", "rate(1 day)")
    aws(server, *url, "events", "put-targets", "--rule", name, "--targets", f"Id=1,Arn={function}")
    assert json.loads(aws(server, *url, "events", "list-targets-by-rule", "--rule", name).stdout)["Targets"][0]["Id"] == "1"
    aws(server, *url, "events", "remove-targets", "--rule", name, "--ids", "1")
    aws(server, *url, "events", "delete-rule", "--name", name)


def test_with_another_endpoint_schedules_are_there_unless_said_otherwise(make_server):
    elsewhere = make_server("--aws-endpoint", "http://127.0.0.1:9")
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        elsewhere.client("scheduler").list_schedules()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 502
    here = make_server("--aws-endpoint", "http://127.0.0.1:9", "--schedules", "embedded")
    assert here.client("scheduler").list_schedules()["Schedules"] == []
    assert here.client("events").list_rules()["Rules"] == []


def test_the_doctor_says_who_runs_schedules(server):
    assert "ok  schedules: this server runs them, for its functions and queues" in server.martlet("doctor").stdout
    elsewhere = server.martlet("doctor", "--aws-endpoint", "http://127.0.0.1:9").stdout
    assert "--  schedules: requests for EventBridge and its Scheduler go to the endpoint" in elsewhere
