#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes every file below Fuzz/*/seeds anew: small inputs of each kind that a fuzzer begins with (make fuzz-seeds).

Nothing in it is by chance, so that a second run changes nothing. Needs botocore (Tests/requirements.txt).
"""

import base64
import datetime
import io
import json
import pathlib
import shutil
import struct
import zipfile
import zlib
from unittest import mock

import botocore.auth
import botocore.awsrequest
import botocore.credentials

ROOT = pathlib.Path(__file__).resolve().parent.parent / "Fuzz"
NOW = datetime.datetime(2025, 9, 10)


def write(fuzzer, seeds):
    folder = ROOT / fuzzer / "seeds"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in seeds.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


def request(signer, *arguments, method="GET", path="/2015-03-31/functions", body=b"", headers=None):
    made = botocore.awsrequest.AWSRequest(
        method=method, url="http://localhost:4566" + path, data=body, headers={"Host": "localhost:4566", **(headers or {})})
    credentials = botocore.credentials.Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    with mock.patch("botocore.auth.get_current_datetime", return_value=NOW):
        signer(credentials, "lambda", "us-east-1", *arguments).add_auth(made)
    prepared = made.prepare()
    target = prepared.url.removeprefix("http://localhost:4566")
    lines = [f"{method} {target} HTTP/1.1"] + [f"{k}:{v}" for k, v in prepared.headers.items()]
    return "\n".join(lines).encode() + b"\n\n" + body


def sigv4():
    header, query = botocore.auth.SigV4Auth, botocore.auth.SigV4QueryAuth
    write("SigV4", {
        "header": request(header),
        "body": request(header, method="POST", path="/2015-03-31/functions/f/invocations", body=b'{"a":1}'),
        "query": request(header, path="/2015-03-31/functions?MaxItems=2&Marker=a%2Fb&x"),
        "path": request(header, path="/2015-03-31/functions/arn%3Aaws%3Alambda/../x//y/"),
        "hash": request(header, method="PUT", body=b"{}", headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}),
        "presigned": request(query, 60),
        "signed-here": bytes([1, 0, 0, 1, 0, 3, 1, 5]) + b"hello  world" + bytes(range(40)),
        "session": bytes([1, 1, 0, 1, 0, 2]) + b"\x08a/b/../c\x05a=b&c\x04body" + bytes(range(8)),
        "presigned-here": bytes([2, 0, 0, 0, 0, 0, 0, 1]) + b"\x06a%20b/\x09x=1&y=%7E\x02{}" + bytes(range(16)),
    })


def texts():
    write("JSON", {
        "object": '{"a":[1,-2.5e10,true,false,null],"b":{"c":"\\u00e9\\ud83d\\ude00\\n\\/"}}',
        "space": ' [ "x" , { } , [ ] , 0.5 ]\r\n\t',
        "deep": "[" * 70 + "]" * 70,
        "surrogate": '"\\ud800"',
        "utf8": '"é漢😀"',
        "number": "-0.0E-7",
        "duplicate": '{"a":1,"a":2,"\\u0061":3}',
        "base64": "aGVsbG8gd29ybGQ=",
        "base64-url": "aGVsbG8_d29y-GQ",
        "context": base64.b64encode(json.dumps({"client": {"app_title": "x"}, "custom": {"k": "v"}}).encode()),
    })
    root = "Root=1-67c1e3a0-0123456789abcdef01234567"
    write("Names", {
        "name": "my-function_1", "qualified": "f:$LATEST", "published": "a.b:$LATEST.PUBLISHED",
        "arn": "arn:aws:lambda:us-east-1:000000000000:function:f:prod",
        "partial": "000000000000:function:f", "region": "us-gov-west-1:000000000000:f", "iso": "arn:aws-iso-b:lambda:us-isob-east-1:f",
        "trace": root + ";Parent=0123456789abcdef;Sampled=1;Lineage=3:a87bd80c:1",
        "trace-hostile": root + ";Parent=x\r\nA: b;Sampled=?;Self=1;Lineage=99999:x:1",
        "rfc3339": "2025-11-24T23:12:27.123+01:00", "basic": "20250131T235959Z", "month": "2025-02",
        "query": "MaxItems=50&Marker=a%2Fb&&x=%zz&FunctionVersion=ALL",
        "endpoint": "POST\n/2015-03-31/functions/f%3A1/invocations", "stream": "POST\n/2021-11-15/functions/f/response-streaming-invocations",
        "logs": "POST\n/\nLogs_20140328.FilterLogEvents", "policy": "GET\n/2015-03-31/functions/f/policy",
        "code": "GET\n/_martlet/code/0123", "token": "ASIAEXAMPLE\neyJhIjoxfQ.c2lnbmF0dXJl", "cursor": "1757462400000/7",
        "error-type": "Runtime.ExitError", "dots": "GET\n/2015-03-31/functions/../x/./%2e%2e",
        "location": "0123\nexpires=1757462400000&sha256=x&signature=AAAA&size=3",
    })
    write("NetworkText", {
        "policy": "none;allow=10.0.0.0/8:443,[fd00::/8]:1-65535;deny=169.254.0.0/16", "host": "allow=host.martlet.internal:5432",
        "ipv6": "fe80::1", "mapped": "::ffff:127.0.0.1", "teredo": "2001:0:4136:e378:8000:63bf:3fff:fdd2", "ipv4": "192.0.2.1",
        "listen": "127.0.0.1:4566", "listen-ipv6": "[::1]:0", "listen-name": "localhost:80",
        "resolv": "nameserver 10.0.0.1\nnameserver ::1\noptions timeout:3 attempts:9 ndots:5\nsearch x\n",
    })


def requests():
    full = {
        "FunctionName": "f", "Runtime": "python3.12", "Handler": "app.handler", "Role": "arn:aws:iam::000000000000:role/service/r",
        "Timeout": 3, "MemorySize": 128, "Description": "d", "Code": {"ZipFile": "UEsFBg=="}, "Environment": {"Variables": {"AB": "c"}},
        "Tags": {"k": "v"}, "Architectures": ["x86_64"], "EphemeralStorage": {"Size": 512}, "TracingConfig": {"Mode": "Active"},
        "LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "WARN", "LogGroup": "/x/y"},
        "VpcConfig": {"SubnetIds": ["s"], "SecurityGroupIds": [], "Ipv6AllowedForDualStack": True}, "KMSKeyArn": "k",
        "DeadLetterConfig": {"TargetArn": "a"}, "SnapStart": {"ApplyOn": "None"}, "Layers": [], "Publish": False,
    }
    write("Requests", {
        "full": json.dumps(full), "role": json.dumps({"Role": "arn:aws-us-gov:iam::123456789012:role/"}), "empty": "{}",
        "sizes": json.dumps({"MemorySize": 3072, "Timeout": 300, "EphemeralStorage": {}}), "types": json.dumps({"Timeout": "3", "Tags": [1]}),
        "variables": json.dumps({"Environment": {"Variables": {"a_1": "\0", "1a": "", "AWS_REGION": "x"}}}), "text": "[1]",
        "out": json.dumps({"Code": {"S3Bucket": "b"}, "Publish": True, "Architectures": ["arm64", "x"]}),
    })


def function_urls():
    def field(text):
        return bytes([len(text)]) + text.encode()

    def asked(host, path, query, *headers, signed=0, body=b""):
        pairs = b"".join(field(text) for header in headers for text in header)
        return b"\x01" + field(host) + field(path) + field(query) + struct.pack(">H", len(headers)) + pairs + bytes([signed]) + body

    def answered(value, tail=b""):
        return b"\0" + (value if isinstance(value, bytes) else json.dumps(value).encode()) + tail

    host = "abc.lambda-url.us-east-1.localhost:4566"
    full = {"statusCode": 201, "headers": {"Content-Type": "text/html", "X-A": 1, "Connection": "close"}, "cookies": ["a=1"], "body": "x"}
    write("FunctionURL", {
        "get": asked(host, "/a%20b", "x=1&x=2&y=a+b"), "by-path": asked("localhost", "/_martlet/url/abc/x", ""),
        "text": asked(host, "/", "", ("Content-Type", "text/plain"), ("Cookie", "a=1; b=2"), body="ü".encode()),
        "binary": asked(host, "/", "", ("content-type", "image/png"), ("Authorization", "x"), signed=1, body=b"\xff\0"),
        "other": asked("localhost", "/", ""), "full": answered(full), "string": answered("text"), "object": answered({"a": 1}),
        "base64": answered({"statusCode": "200", "isBase64Encoded": True, "body": "aGk="}), "null": answered(None),
        "line": answered({"statusCode": 200, "headers": {"a": "b\r\nc: d"}}), "status": answered({"statusCode": 99}),
        "nested": answered({"statusCode": 200, "body": {"a": [1]}}), "stream": answered(full, b"\0" * 8 + b"body"),
        "nuls": answered(b"{}\0\0\0x" + b"\0" * 9), "text-stream": answered(b"<html>"),
    })


def crc(data):
    return struct.pack(">I", zlib.crc32(data))


def message(headers, payload):
    head = b"".join(
        bytes([len(k)]) + k.encode() + b"\x07" + struct.pack(">H", len(v)) + v.encode() for k, v in headers.items())
    start = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    start += crc(start) + head + payload
    return start + crc(start)


def frame(kind, microseconds, text):
    return struct.pack(">IIQ", kind, len(text), microseconds) + text


def streams():
    event = message({":message-type": "event", ":event-type": "PayloadChunk", ":content-type": "application/octet-stream"}, b"hello")
    write("EventStream", {
        "event": b"\0" + event, "two": b"\0" + event + message({":event-type": "InvokeComplete"}, b"{}"),
        "repaired": b"\x01" + event + event, "empty": b"\x01" + message({}, b""),
        "made": b"\x02\x00\x02\x00\x03" + b"\x04name\x05value" * 3 + b"\x03abc" + bytes(range(20)),
    })
    at = 1_757_462_399_000_000
    write("LogFrames", {
        "lines": b"\x00\x00one\ntwo\n\nthree", "long": b"\x00\x00" + b"x" * 64 + b"\n" + b"y" * 200,
        "json-lines": b'\x0a\x00{"timestamp":"2025-09-09T23:59:58.000Z","level":"WARN","message":"x"}\nplain\n',
        "frames": b"\x01\x00" + frame(0xA55A0003, at, b"text\n") + frame(0xA55A000E, at, b'{"level":"INFO"}'),
        "levels": b"\x0b\x00" + b"".join(frame(0xA55A0002 | level << 2, at, b"x" * 70) for level in range(8)),
        "broken": b"\x01\x00" + frame(0xA55A0003, at, b"ok") + b"not a frame at all\nbut lines\n",
        "empty": b"\x03\x00" + frame(0xA55A0003, 0, b""), "future": b"\x03\x00" + frame(0xA55A0003, 2**64 - 1, b"x"),
    })


def event_patterns():
    def both(pattern, event):
        return json.dumps(pattern, ensure_ascii=False) + "\n" + (event if isinstance(event, str) else json.dumps(event))

    def one(comparison, value):
        return both({"a": [comparison]}, {"a": value})

    people = {"p": [{"first": "John", "last": "Doe"}, {"first": "Anna"}], "q": [[1], [{"r": None}]]}
    write("EventPattern", {
        "values": both({"a": ["x", 1, 1.5e3, True, None, ""], "b": {"c": [False]}}, {"a": [0, 1500], "b": {"c": False}}),
        "array": both({"p": {"first": ["Anna"], "last": ["Doe"]}, "q": {"r": [None]}}, people),
        "absent": both({"p": {"first": ["Anna"], "last": [{"exists": False}]}, "q": [{"exists": True}]}, people),
        "or": both({"$or": [{"p": {"first": ["Anna"]}}, {"q": [1], "$or": [{"b": [1]}, {"c": [2]}]}], "p": {"last": ["Doe"]}}, people),
        "or-field": both({"$or": [{"prefix": "x"}]}, {"$or": "xy"}),
        "wildcard": one({"wildcard": "a*b\\*c*\\\\"}, "axb*cc\\"), "wildcard-twice": one({"wildcard": "a**"}, "a"),
        "case": one({"prefix": {"equals-ignore-case": "\u00df\u0130\ua64a"}}, "SSi\u0307\ua64b"), "prefix": one({"prefix": "us-"}, "us-east-1"),
        "suffix": one({"suffix": {"equals-ignore-case": "Png"}}, "a.pNG"), "equals": one({"equals-ignore-case": "alice"}, "ALICE"),
        "numeric": one({"numeric": [">=", -5e9, "<", 4.999999e9]}, 1e-6), "numeric-text": both({"a": [{"numeric": ["=", 3]}]}, '{"a":300.0E-2}'),
        "cidr": one({"cidr": "10.0.0.0/9"}, "10.127.0.010"), "cidr-6": one({"cidr": "2001:db8::/33"}, "2001:db8:7fff::1"),
        "but": one({"anything-but": ["x", "y"]}, ["x", "z"]), "but-number": one({"anything-but": [1, 2.5]}, 2.5),
        "but-wildcard": one({"anything-but": {"wildcard": ["*a*", "b*"]}}, "cac"), "but-prefix": one({"anything-but": {"prefix": "x"}}, None),
        "body": both({"body": {"a": [1]}, "data": ["x"], "id": ["m"]}, {"a": 1, "id": "m"}), "text": both({"body": [{"prefix": "R"}]}, "Result: 5"),
        "accents": both({"\u00e9": ["e\u0301"]}, {"e\u0301": "e\u0301"}),
    })


def log_patterns():
    record = '{"a": {"b": ["x", 4.5e1, null]}, "flag": true, "code": "404", "text": "one two"}'
    line = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'
    write("LogPattern", {
        "terms": f'one -three "one two"\n{record}', "alternatives": f"?ERROR ?one\n{record}", "regex": f"%^127\\.[0-9.]+ -%\n{line}",
        "regex-repeated": f"%[a-z]{{2,5}}k?.* \\[|x+$%\n{line}", "object": f'{{ $.a.b[0] = "x*" && ($.code > 403 || $.flag IS FALSE) }}\n{record}',
        "words": f"{{ $.a.b[2] IS NULL && $.c NOT EXISTS && $.flag IS TRUE }}\n{record}", "numbers": f"{{ $.a.b[1] <= +45.0 && $.code != 4* }}\n{record}",
        "name": f"{{ $.['text'] = %two$% }}\n{record}", "fields": f"[ip, user, ..., request = *html*, status = 4* && status != 403, bytes > 1000]\n{line}",
        "fields-or": f"[a = %127% || a = 10.*, ...]\n{line}", "trailing": f'[..., r = "GET*", s,]\n{line}', "marks": '[a, ...]\n[ " [" "]" ["',
        "word": "foo:bar\n", "unfinished": "{ (($.a\n{}",
    })


def cloud_watch():
    def head(major, length):
        return bytes([major << 5 | length]) if length < 24 else bytes([major << 5 | 24, length])

    def cbor(value):
        if isinstance(value, bool):
            return bytes([0xF5 if value else 0xF4])
        if isinstance(value, int):
            return b"\xc1\x1a" + struct.pack(">I", value) if value >= 1 << 24 else b"\x19" + struct.pack(">H", value)
        if isinstance(value, float):
            return b"\xfb" + struct.pack(">d", value)
        if isinstance(value, str):
            return head(3, len(value)) + value.encode()
        if isinstance(value, list):
            return head(4, len(value)) + b"".join(map(cbor, value))
        return head(5, len(value)) + b"".join(cbor(each) for pair in value.items() for each in pair)

    metric = {"Namespace": "AWS/Lambda", "MetricName": "Errors", "Dimensions": [{"Name": "FunctionName", "Value": "f"}]}
    statistics = {**metric, "StartTime": 1764025920, "EndTime": 1764029520, "Period": 60, "Statistics": ["Sum", "Average"]}
    data = {
        "StartTime": 1764025920, "EndTime": 1764029520, "MaxDatapoints": 100, "MetricDataQueries": [
            {"Id": "m1", "MetricStat": {"Metric": metric, "Period": 300, "Stat": "p99.9"}, "ReturnData": True}]}
    form = "&".join([
        "Action=GetMetricStatistics&Version=2010-08-01&Namespace=AWS%2FLambda&MetricName=Errors&StartTime=2025-11-24T23:12:00Z",
        "Dimensions.member.1.Name=FunctionName&Dimensions.member.1.Value=f&Period=60&Statistics.member.1=Sum"])
    nested = "MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.2.Name=a&MetricDataQueries.member.1.Id=m&StartTime=1764025920.5"
    write("CloudWatch", {
        "json": b"\0" + json.dumps(statistics).encode(), "json-data": b"\0" + json.dumps(data).encode(),
        "cbor": b"\x01" + cbor(statistics), "cbor-data": b"\x01" + cbor(data), "cbor-float": b"\x01" + cbor({"StartTime": 1764025920.25, "Period": 1.5}),
        "cbor-endless": b"\x01\xbf" + cbor("Statistics") + b"\x9f" + cbor("Sum") + b"\xff\xff", "cbor-cut": b"\x01" + cbor(data)[:60],
        "cbor-deep": b"\x01\xa1\x61a" + b"\x81" * 40, "cbor-huge": b"\x01\xa1\x61a\x9b" + b"\xff" * 8, "cbor-half": b"\x01\xa1\x61a\xfa\x7f\x80\0\0",
        "query": b"\x02" + form.encode(), "query-nested": b"\x02" + nested.encode(), "query-deep": b"\x02" + b"a." * 20 + b"=1",
        "query-empty": b"\x02Action=ListMetrics&Dimensions=&&=&x", "query-numbers": b"\x02a.member.2=b&a.member.01=c&a.member.1=d&a.member.x=e",
    })


def schedules():
    event = json.dumps({"a": "x\"<b>", "b": [{"c": 1.5}, None], "time": "2027-01-31T08:00:00Z"})

    def all_of(expression, zone="UTC", template="$"):
        return "\n".join([expression, zone, template, event])

    write("Schedules", {
        "rate": all_of("rate(5 minutes)"), "rate-one": all_of("rate(1 day)", "Europe/Berlin"),
        "cron": all_of("cron(0/15 8-17,20 ? JAN-MAR,12 MON-FRI 2026/2)", "Australia/Lord_Howe"),
        "last": all_of("cron(0 9 L * ? *)"), "last-weekday": all_of("cron(0 9 LW * ? *)"), "nearest": all_of("cron(0 9 31W * ? *)"),
        "last-friday": all_of("cron(0 9 ? * FRIL *)"), "second": all_of("cron(0 9 ? * 3#2 *)"), "never": all_of("cron(0 0 30 2 ? *)"),
        "skipped": all_of("cron(30 2 * * ? *)", "America/New_York"), "at": all_of("at(2027-03-28T02:30:00)", "Europe/Berlin"),
        "path": all_of("", "", "$.b[0]['c']"), "template": all_of("", "", '{"x": "<a> and <b>", "y": "<aws.events.event.json>"}'),
        "bare": all_of("", "", '{"x": <a>, "y": <none>, "z": "\\"<a>"}'),
    })


def runtime_api():
    def http(line, *headers, body=b""):
        length = [f"Content-Length: {len(body)}"] if body else []
        return ("\r\n".join([line + " HTTP/1.1", "Host: x", *headers, *length]) + "\r\n\r\n").encode() + body

    prefix = "/2018-06-01/runtime/"
    chunked = b"5\r\nhello\r\n0\r\n"
    following = http("GET " + prefix + "invocation/next")
    stream = http(
        "POST " + prefix + "invocation/r/response", "Lambda-Runtime-Function-Response-Mode: streaming", "Transfer-Encoding: chunked")
    trailers = b"Lambda-Runtime-Function-Error-Type: Function.Bad\r\nLambda-Runtime-Function-Error-Body: e30=\r\n\r\n"
    extension = "/2020-01-01/extension/"
    write("RuntimeAPI", {
        "next": following, "next-four": following * 4,
        "behind-waiting": following * 4 + http("POST " + prefix + "invocation/no/response", body=b"1"),
        "response": http("POST " + prefix + "invocation/r/response", body=b'{"a":1}') + following,
        "error": http("POST " + prefix + "invocation/r/error", "Lambda-Runtime-Function-Error-Type: Runtime.Bad", body=b"{}"),
        "init-error": http("POST " + prefix + "init/error", "Lambda-Runtime-Function-Error-Type: Function.X Y", body=b"[]"),
        "chunked": http("POST " + prefix + "invocation/r/response", "Transfer-Encoding: chunked") + chunked + b"\r\n",
        "stream": stream + chunked + trailers, "stream-cut": stream + b"5\r\nhel",
        "refused-stream": stream.replace(b"/r/", b"/no/") + chunked + b"\r\n", "trailers": stream + b"0\r\n" + trailers + following,
        "expect": http("POST " + prefix + "invocation/r/response", "Expect: 100-continue", body=b"1234"),
        "register": http("POST " + extension + "register", "Lambda-Extension-Name: e", "Lambda-Extension-Accept-Feature: accountId",
                         body=b'{"events":["INVOKE","SHUTDOWN"]}'),
        "event": http("GET " + extension + "event/next", "Lambda-Extension-Identifier: i") * 2,
        "exit": http("POST " + extension + "exit/error", "Lambda-Extension-Function-Error-Type: Extension.Bad", body=b"{}"),
        "telemetry": http("PUT /2022-07-01/telemetry", body=b"{}"), "ping": http("GET /2018-06-01/ping") * 3,
        "close": http("GET /2018-06-01/ping", "Connection: close") + following, "upgrade": http("GET /2018-06-01/ping", "Upgrade: h2c"),
        "http-1.0": b"GET /2018-06-01/ping HTTP/1.0\r\n\r\n", "absolute": b"GET http://x/2018-06-01/ping HTTP/1.1\r\nHost: x\r\n\r\n",
        "no-http": b"\x16\x03\x01\x02\x00\x01\x00", "two-lengths": b"POST /x HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "answer": b"\x01\x02id" + bytes(8) + b"\x03arn\x01\x06a\r\nB:c\x01\x02{}\x01\x04{\n1}" + b"\x05hello\x00",
    })


def archives():
    def made(entries, **options):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", **options) as archive:
            for name, content, mode in entries:
                entry = zipfile.ZipInfo(name)
                entry.create_system = 3
                entry.external_attr = mode << 16
                entry.compress_type = options.get("compression", zipfile.ZIP_DEFLATED)
                archive.writestr(entry, content)
        return out.getvalue()

    file, link, folder = 0o100644, 0o120777, 0o040755
    plain = made([("app.py", "def handler(event, context): return 1\n", file), ("lib/", "", folder), ("lib/x.py", "x = 1\n", 0o100755)])
    zip64 = io.BytesIO()
    with zipfile.ZipFile(zip64, "w") as archive, archive.open("a", "w", force_zip64=True) as entry:
        entry.write(b"zip64")
    encrypted = bytearray(made([("secret", b"x" * 20, file)], compression=zipfile.ZIP_STORED))
    encrypted[6] |= 1
    encrypted[encrypted.index(b"PK\x01\x02") + 8] |= 1
    # Behind the archive's end comes another one, whose comment does not fit: two readers may take different ones.
    two = made([("shown", "1", file), ("hidden", "2", file)], compression=zipfile.ZIP_STORED)
    middle, last, end = two.index(b"PK\x01\x02"), two.rindex(b"PK\x01\x02"), two.index(b"PK\x05\x06")

    def ending(directory, at, comment):
        return b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(directory), at, comment)

    shown, hidden = two[middle:last], two[last:end]
    readings = two[:last] + ending(shown, middle, len(hidden) + 22) + hidden
    write("Archive", {
        "two-readings": readings + ending(hidden, len(readings) - len(hidden), 1000),
        "plain": plain, "prefixed-comment": plain[:-2] + b"\x05\x00hello", "zip64": zip64.getvalue(),
        "links": made([("a", "x", file), ("b", "a", link), ("d/c", "../b", link), ("d/e", "c", link)]),
        "escape": made([("d", "..", link), ("d/x", "y", file)]), "up": made([("../x", "y", file)]), "absolute": made([("/x", "y", file)]),
        "out": made([("a/b", "../../x", link)]), "loop": made([("a", "b", link), ("b", "a", link)]),
        "unicode": made([("\u00e9/\u6f22", "x", file), ("e\u0301/y", "z", file)]), "latin": plain.replace(b"app.py", b"\xe9pp.py"),
        "bomb": made([("zeros", bytes(200_000), file)]), "twice": made([("a", "1", file), ("a", "22", file)]),
        "device": made([("null", "", 0o020666)]), "fifo": made([("f", "", 0o010644)]), "setuid": made([("s", "x", 0o106755)]),
        "bzip2": made([("a", "x" * 50, file)], compression=zipfile.ZIP_BZIP2), "encrypted": bytes(encrypted), "empty": made([]),
        "composed": bytes([0, 3, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]) + bytes(range(60)),
        "composed-links": bytes([0, 5] + [1, 0, 2, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9] * 5),
    })


def messages():
    def text(value):
        return struct.pack("<I", len(value)) + value.encode()

    def many(*values):
        return struct.pack("<I", len(values)) + b"".join(map(text, values))

    error = text("mount") + struct.pack("<i", 22) + text("/x")
    run = b"\x02" + struct.pack("<I", 0) + many("/usr/bin/python3") + many("-u", "x.py") + many("A=b", "C=d") + text("/var/task") + b"\x01" + bytes(4)
    build = b"\x01" + text("/root") + struct.pack("<I", 1) + text("/usr") + text("usr") + b"\0" + struct.pack("<IIII", 512, 64, 993, 990)
    configure = (b"\x01" + text("/store") + struct.pack("<I", 64) + text("martlet") + struct.pack("<I", 100000) + text("bpf")
                 + struct.pack("<I", 1) + struct.pack("<iI", 12, 2) + text("nft"))
    seeds = {
        "configure": configure, "make": b"\x02" + struct.pack("<QIIIBQ", 7, 1, 128, 1024, 1, 9), "destroy": b"\x03" + bytes(8),
        "configured": b"\x01" + struct.pack("<I", 2) + many("cpu", "memory"), "failed": b"\x02" + error, "make-failed": b"\x04" + bytes(8) + error,
        "build": build, "run": run, "kill": b"\x03", "signal": b"\x07" + struct.pack("<Ii", 0, 15),
        "exited": b"\x04" + struct.pack("<Ii", 0, 256), "memory": b"\x06" + struct.pack("<QQ", 2**64 - 1, 1), "huge": b"\x01" + b"\xff" * 12,
    }
    seeds = {name: b"\0" + content for name, content in seeds.items()}
    for kind in range(0, 18):
        seeds[f"made-{kind:02}"] = b"\x01" + struct.pack(">H", kind) + b"\x03abc\x00\x02" * 12
    write("SandboxMessages", seeds)


def dns():
    def query(name, kind=1, flags=0x0100, extra=b"", additional=0):
        labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".") if part) + b"\0"
        return struct.pack(">HHHHHH", 0x1234, flags, 1, 0, 0, additional) + labels + struct.pack(">HH", kind, 1) + extra

    edns = b"\0" + struct.pack(">HHIH", 41, 1232, 0, 0)
    plain = query("example.com")
    answer = struct.pack(">HHHHHH", 0x1234, 0x8180, 1, 1, 0, 0) + plain[12:] + b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + b"\x01\x02\x03\x04"
    loop = struct.pack(">HHHHHH", 0x1234, 0x8180, 1, 65535, 0, 0) + plain[12:] + b"\xc0\x0c\xc0\x1d\xc0\x1d"
    cut = bytearray(answer)
    cut[2] |= 2
    length = struct.pack(">H", len(plain))
    write("DNS", {
        "query": b"\0" + plain, "edns": b"\0" + query("example.com", 28, extra=edns, additional=1), "host": b"\0" + query("host.martlet.internal"),
        "localhost": b"\0" + query("a.LocalHost", 28), "zone": b"\0" + query("x.martlet.internal"), "transfer": b"\0" + query("example.com", 252),
        "root": b"\0" + query(""), "long": b"\0" + query(".".join(["x" * 60] * 4)), "too-long": b"\0" + query(".".join(["x" * 63] * 4) + ".y"),
        "pointer": b"\0" + plain[:12] + b"\xc0\x0c" + plain[-4:], "status": b"\0" + query("a", flags=0x1000), "answer-asked": b"\0" + answer,
        "stream": b"\x01" + (length + plain) * 3, "stream-cut": b"\x01" + length + plain[:20], "stream-empty": b"\x01\0\0\0\0" + length + plain,
        "answer": b"\x02" + length + plain + answer, "answer-loop": b"\x02" + length + plain + loop, "answer-cut": b"\x02" + length + plain + bytes(cut),
        "answer-other": b"\x02" + length + plain + answer.replace(b"example", b"exemple"), "answer-short": b"\x02" + length + plain + answer[:20],
    })


if __name__ == "__main__":
    for make in [sigv4, texts, requests, function_urls, streams, event_patterns, log_patterns, cloud_watch, schedules, runtime_api, archives, messages, dns]:
        make()
    total = sum(path.stat().st_size for path in ROOT.glob("*/seeds/*"))
    print(f"{len(list(ROOT.glob('*/seeds/*')))} seeds, {total} bytes")
