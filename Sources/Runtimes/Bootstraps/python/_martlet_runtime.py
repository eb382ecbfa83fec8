# SPDX-License-Identifier: Apache-2.0
"""Lambda's Runtime API, spoken for a Python handler. CPython 3.8 and later, standard library only.

Imports little: every module here is on the way of a cold start. `logging` is configured when the function imports
it, `traceback` and `decimal` are imported when first needed, and the API is spoken over one socket without `http`.
"""

import json
import os
import sys
import time

try:
    # The C module: `socket` would bring in `selectors` and a dozen enumerations.
    from _socket import AF_INET, AF_INET6, IPPROTO_TCP, SOCK_CLOEXEC, SOCK_STREAM, TCP_NODELAY, socket
except ImportError:
    from socket import AF_INET, AF_INET6, IPPROTO_TCP, SOCK_CLOEXEC, SOCK_STREAM, TCP_NODELAY, socket

from _martlet_log import LogChannel, configure_logging_on_import

# Here, as long as this file's directory is on the path.
_martlet_blank = __import__("_martlet_blank") if "_MARTLET_BLANK" in os.environ else None
_martlet_snapshot = __import__("_martlet_snapshot") if os.environ.pop("_MARTLET_SNAPSHOT", None) else None

_HERE = os.path.dirname(os.path.abspath(__file__))
_API = "/2018-06-01/runtime/"
_HEAD_BYTES_MAX = 256 * 1024
_BODY_BYTES_MAX = 64 * 1024 * 1024
_W3C_FIELDS = ("traceparent", "tracestate", "baggage")


class RuntimeAPIError(Exception):
    """The Runtime API is gone or answered what it never should: the process ends."""


class ConnectionClosed(RuntimeAPIError):
    """The platform is ending this environment: there is nobody left to tell."""


class Fault(Exception):
    """A failure that Lambda names itself: reported with that type and without the runtime's own frames."""

    def __init__(self, error_type, message, trace=None):
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.trace = trace or []


class Connection:
    """One keep-alive HTTP/1.1 connection. Requests may be pipelined; answers come in their order.

    An answer must have a Content-Length; anything else is an error, as is a head over 256 KiB or a body over 64 MiB.
    """

    def __init__(self, address):
        self._address = address
        self._descriptor = self._connect()
        self._pending = b""
        self._common = "Host: %s\r\nUser-Agent: martlet-python/%d.%d.%d\r\n" % ((address,) + sys.version_info[:3])

    def _connect(self):
        address = self._address
        host, colon, port = address.rpartition(":")
        if not colon or not port.isdigit():
            raise RuntimeAPIError("AWS_LAMBDA_RUNTIME_API is not HOST:PORT: %r" % address)
        host = host.strip("[]")
        connected = socket(AF_INET6 if ":" in host else AF_INET, SOCK_STREAM | SOCK_CLOEXEC)
        connected.connect((host, int(port)))
        connected.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        # Only the descriptor is kept: Python 3.8 and 3.9 crash when they end with a socket object still open that
        # one of their own tables refers to, as the fork hook below would.
        return connected.detach()

    @property
    def number(self):
        return self._descriptor

    def reconnect(self):
        """Goes on in another network namespace than the one that the connection was made in, which is closed already."""
        self._descriptor = self._connect()
        self._pending = b""

    def get(self, path):
        return ("GET %s%s HTTP/1.1\r\n%s\r\n" % (_API, path, self._common)).encode("latin-1")

    def post(self, path, body, content_type, error_type=None):
        extra = "Lambda-Runtime-Function-Error-Type: %s\r\n" % _header_value(error_type) if error_type else ""
        head = "POST %s%s HTTP/1.1\r\n%sContent-Type: %s\r\n%sContent-Length: %d\r\n\r\n"
        return (head % (_API, path, self._common, content_type, extra, len(body))).encode("latin-1") + body

    def send(self, request):
        rest = memoryview(request)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def renumber(self, number):
        """Goes on as descriptor `number`; what that was is closed."""
        os.dup2(self._descriptor, number, inheritable=False)
        os.close(self._descriptor)
        self._descriptor = number

    def close(self):
        os.close(self._descriptor)
        self._descriptor = -1

    def _receive(self):
        data = os.read(self._descriptor, 65536)
        if not data:
            raise ConnectionClosed()
        return data

    def response(self):
        """Waits, without limit, for the next answer: its status, headers by lower-case name, and body."""
        data = self._pending
        end = data.find(b"\r\n\r\n")
        while end < 0:
            if len(data) > _HEAD_BYTES_MAX:
                raise RuntimeAPIError("the head of an answer is over %d bytes" % _HEAD_BYTES_MAX)
            data += self._receive()
            end = data.find(b"\r\n\r\n")
        status, headers = _parse_head(data[:end])
        length = headers.get("content-length", "")
        if "transfer-encoding" in headers or not (length.isascii() and length.isdigit()):
            raise RuntimeAPIError("an answer without a valid Content-Length")
        length = int(length)
        if length > _BODY_BYTES_MAX:
            raise RuntimeAPIError("the body of an answer is over %d bytes" % _BODY_BYTES_MAX)
        start = end + 4
        if len(data) - start >= length:
            self._pending = data[start + length :]
            return status, headers, data[start : start + length]
        return status, headers, self._rest_of_body(data[start:], length)

    def _rest_of_body(self, first, length):
        # Sized once: a payload may have 6 MB, and appending would copy it over and over.
        body = bytearray(length)
        body[: len(first)] = first
        view = memoryview(body)
        have = len(first)
        while have < length:
            count = os.readv(self._descriptor, [view[have:]])
            if count == 0:
                raise ConnectionClosed()
            have += count
        self._pending = b""
        return bytes(body)


def _parse_head(head):
    # UTF-8: the client context is JSON and may hold any text.
    lines = head.decode("utf-8", "surrogateescape").split("\r\n")
    version, _, rest = lines[0].partition(" ")
    code = rest[:3]
    if version != "HTTP/1.1" or not (len(code) == 3 and code.isascii() and code.isdigit() and rest[3:4] in ("", " ")):
        raise RuntimeAPIError("an answer that is not HTTP/1.1: %r" % lines[0][:80])
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise RuntimeAPIError("a malformed header line: %r" % line[:80])
        name = name.lower()
        if name == "content-length" and name in headers:
            raise RuntimeAPIError("two Content-Length headers")
        headers[name] = value.strip(" \t")
    return int(code), headers


def _excerpt(body):
    return body[:200].decode("utf-8", "replace")


def _header_value(text):
    return "".join(c if " " <= c <= "~" else "?" for c in text[:256])


# --- The context object -------------------------------------------------------------------------------------------


class _Record:
    __slots__ = ()

    def __init__(self, values):
        for name in self.__slots__:
            setattr(self, name, values.get(name))

    def __repr__(self):
        return _describe(self, self.__slots__)


def _describe(value, names):
    return "%s([%s])" % (type(value).__name__, ",".join("%s=%s" % (n, getattr(value, n)) for n in names))


class CognitoIdentity(_Record):
    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")


class Client(_Record):
    __slots__ = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


class ClientContext(_Record):
    __slots__ = ("custom", "env", "client")


class LambdaContext:
    """What a handler gets as its second argument, with the attributes of AWS's."""

    def __init__(self, headers, log):
        self.aws_request_id = headers.get("lambda-runtime-aws-request-id", "")
        environment = os.environ
        self.log_group_name = environment.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = environment.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = environment.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = environment.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        context = _json_header(headers, "lambda-runtime-client-context", "Client Context")
        self._w3c = _w3c_fields(context)
        self.client_context = None
        if context is not None:
            self.client_context = ClientContext(context)
            client = self.client_context.client
            self.client_context.client = Client(client) if isinstance(client, dict) else None
        identity = _json_header(headers, "lambda-runtime-cognito-identity", "Cognito Identity") or {}
        self.identity = CognitoIdentity(
            {
                "cognito_identity_id": identity.get("cognitoIdentityId"),
                "cognito_identity_pool_id": identity.get("cognitoIdentityPoolId"),
            }
        )
        self._epoch_deadline_time_in_ms = int(headers.get("lambda-runtime-deadline-ms", "0"))
        self._log = log

    @property
    def epoch_deadline_time_in_ms(self):
        return self._epoch_deadline_time_in_ms

    def get_remaining_time_in_millis(self):
        return max(0, self._epoch_deadline_time_in_ms - int(time.time() * 1000))

    def w3c(self):
        return dict(self._w3c)

    def log(self, message):
        self._log.write_message(str(message))

    def __repr__(self):
        return _describe(
            self,
            (
                "aws_request_id",
                "log_group_name",
                "log_stream_name",
                "function_name",
                "memory_limit_in_mb",
                "function_version",
                "invoked_function_arn",
                "client_context",
                "identity",
                "tenant_id",
            ),
        )


def _json_header(headers, name, title):
    text = headers.get(name)
    if not text:
        return None
    try:
        value = json.loads(text)
    except ValueError as error:
        raise Fault("Runtime.LambdaContextUnmarshalError", "Unable to parse %s JSON: %s" % (title, error)) from None
    if value is not None and not isinstance(value, dict):
        raise Fault("Runtime.LambdaContextUnmarshalError", "Unable to parse %s JSON: not an object" % title)
    return value


def _w3c_fields(context):
    fields = context.pop("w3c", None) if context else None
    if not isinstance(fields, dict):
        return {}
    return {name: fields[name] for name in _W3C_FIELDS if isinstance(fields.get(name), str)}


# --- Events and results -------------------------------------------------------------------------------------------


class ResultEncoder:
    """JSON as AWS's runtimes write it: non-ASCII text as it is from Python 3.12 on and escaped before, `Decimal` as
    the exact number, named tuples as objects, bytes inside the result as UTF-8 text, NaN and infinities allowed."""

    # Those that the standard library made on its way here never reach a result.
    _own_tuples = frozenset(tuple.__subclasses__())

    def __init__(self):
        self._ascii = sys.version_info < (3, 12)

    def encode(self, value):
        decimals = []

        def default(item):
            if isinstance(item, bytes):
                return item.decode("utf-8")
            decimal = sys.modules.get("decimal")
            if decimal is not None and isinstance(item, decimal.Decimal):
                if item.is_nan():
                    return float("nan")
                decimals.append(str(item))
                return "%s-%d" % (mark, len(decimals) - 1)
            raise TypeError("Object of type %s is not JSON serializable" % type(item).__name__)

        mark = ""
        if "decimal" in sys.modules:
            # The encoder has no way to pass a number through as text: a random mark stands in for each.
            mark = os.urandom(16).hex()
        if any(hasattr(kind, "_asdict") for kind in tuple.__subclasses__() if kind not in self._own_tuples):
            value = _as_plain_json(value, set())
        encoder = json.JSONEncoder(ensure_ascii=self._ascii, default=default)
        try:
            text = encoder.encode(value)
        except TypeError:
            # A key of bytes, perhaps: the encoder has no hook for keys either.
            decimals.clear()
            text = encoder.encode(_as_plain_json(value, set()))
        for index, number in enumerate(decimals):
            text = text.replace('"%s-%d"' % (mark, index), number)
        return text.encode("utf-8")


def _as_plain_json(value, ancestors):
    """`value` with named tuples made objects, and keys of bytes made text."""
    kind = type(value)
    if not isinstance(value, (dict, list, tuple)):
        return value
    if id(value) in ancestors:
        raise ValueError("Circular reference detected")
    ancestors.add(id(value))
    try:
        if isinstance(value, dict):
            return {
                key.decode("utf-8") if isinstance(key, bytes) else key: _as_plain_json(item, ancestors)
                for key, item in value.items()
            }
        if kind is not tuple and callable(getattr(value, "_asdict", None)):
            return {key: _as_plain_json(item, ancestors) for key, item in value._asdict().items()}
        return [_as_plain_json(item, ancestors) for item in value]
    finally:
        ancestors.discard(id(value))


def _error_report(message, error_type, trace, request_id):
    return {"errorMessage": message, "errorType": error_type, "requestId": request_id, "stackTrace": trace}


def _report_of(error, request_id):
    """The payload for an exception, without the frames of this runtime that lead to the function's code."""
    if isinstance(error, Fault):
        return _error_report(error.message, error.error_type, error.trace, request_id)
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    first = 0
    while first < len(frames) and os.path.dirname(frames[first].filename) == _HERE:
        first += 1
    if first == len(frames):
        first = 0
    # Plain tuples, as Lambda has them: without the ^^^^ markers of Python 3.11 and later.
    plain = [(frame.filename, frame.lineno, frame.name, frame.line) for frame in frames[first:]]
    try:
        message = str(error)
    except Exception:
        message = "<exception str() failed>"
    return _error_report(message, type(error).__name__, traceback.format_list(plain), request_id)


def _encode_report(report):
    # "replace": an exception's text may hold what no UTF-8 can.
    return json.dumps(report, ensure_ascii=sys.version_info < (3, 12)).encode("utf-8", "replace")


# --- The handler --------------------------------------------------------------------------------------------------


def load_handler(name):
    """The function that `name`, `pkg/module.function`, stands for; raises Fault in Lambda's words."""
    module_name, dot, function = name.rpartition(".")
    if not dot:
        raise Fault(
            "Runtime.MalformedHandlerName",
            "Bad handler '%s': not enough values to unpack (expected 2, got 1)" % name,
        )
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise Fault(
            "Runtime.BuiltInModuleConflict", "Cannot use built-in module %s as a handler module" % module_name
        )
    path = module_name.replace("/", ".")
    try:
        # Not importlib.import_module: its frames would lead every traceback.
        __import__(path)
        module = sys.modules[path]
    except ImportError as error:
        raise Fault(
            "Runtime.ImportModuleError", "Unable to import module '%s': %s" % (module_name, error)
        ) from None
    except SyntaxError as error:
        raise Fault(
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module '%s': %s" % (module_name, error),
            ['  File "%s" Line %s\n    %s' % (error.filename, error.lineno, error.text)],
        ) from None
    try:
        return getattr(module, function)
    except AttributeError:
        raise Fault(
            "Runtime.HandlerNotFound", "Handler '%s' missing on module '%s'" % (function, module_name)
        ) from None


class Runtime:
    def __init__(self, connection, log):
        self._connection = connection
        self._log = log
        self._encoder = ResultEncoder()
        self._pid = os.getpid()

    def initialize(self, handler_name):
        """The handler; when there is none, reports why and ends the process with status 1."""
        try:
            return load_handler(handler_name)
        except Exception as error:
            report = _report_of(error, "")
        self._log.write_error(report)
        body = _encode_report(report)
        self._connection.send(self._connection.post("init/error", body, "application/json", report["errorType"]))
        self._connection.response()
        sys.exit(1)

    def restore(self, snapshot):
        """Has the process forked from; returns in each child when the function's hooks have run."""
        self._run_hooks(snapshot.run_before_hooks, "init/error", "Runtime.BeforeSnapshotError", 64)
        # What that brings in is every child's.
        _practise()
        self._log.flush()
        snapshot.take(self._connection)
        self._pid = os.getpid()
        self._run_hooks(snapshot.run_after_hooks, "restore/error", "Runtime.AfterRestoreError", 65)

    def _run_hooks(self, run, path, error_type, status):
        try:
            return run()
        except BaseException as error:
            report = _report_of(error, "")
        self._log.write_error(report)
        self._log.flush()
        self._connection.send(self._connection.post(path, _encode_report(report), "application/json", error_type))
        self._connection.response()
        sys.exit(status)

    def serve(self, handler):
        following = self._connection.get("invocation/next")
        self._connection.send(following)
        while True:
            status, headers, event = self._connection.response()
            if status != 200:
                raise RuntimeAPIError("next was answered with %d: %s" % (status, _excerpt(event)))
            answer = self._invoke(handler, headers, event)
            if os.getpid() != self._pid:
                # A child that the handler forked came back through it: the answer is its parent's to give.
                self._log.flush()
                os._exit(0)
            self._log.flush()
            # In one write: the platform has the answer and the next poll at once.
            self._connection.send(answer + following)
            status, _, body = self._connection.response()
            # 413: the platform told the caller that the answer was too large, and this process goes on.
            if status not in (202, 413):
                raise RuntimeAPIError("an answer was refused: %d %s" % (status, _excerpt(body)))

    def _invoke(self, handler, headers, event):
        request_id = headers.get("lambda-runtime-aws-request-id", "")
        self._log.begin(request_id, headers.get("lambda-runtime-aws-tenant-id"))
        trace = headers.get("lambda-runtime-trace-id")
        if trace:
            os.environ["_X_AMZN_TRACE_ID"] = trace
        else:
            os.environ.pop("_X_AMZN_TRACE_ID", None)
        path = "invocation/%s/" % request_id
        try:
            context = LambdaContext(headers, self._log)
            result = handler(_decode_event(event, headers), context)
            if isinstance(result, bytes):
                return self._connection.post(path + "response", result, "application/unknown")
            try:
                body = self._encoder.encode(result)
            except Exception as error:
                raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % error) from None
            return self._connection.post(path + "response", body, "application/json")
        except Exception as error:
            report = _report_of(error, request_id)
        self._log.write_error(report)
        return self._connection.post(path + "error", _encode_report(report), "application/json", report["errorType"])


def _decode_event(event, headers):
    if headers.get("content-type", "application/json") != "application/json":
        return event
    try:
        return json.loads(event)
    except ValueError as error:
        raise Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % error) from None


def _set_module_path(task_root):
    """Lambda's order: the function's code, layers, then what the interpreter came with (PYTHONPATH first)."""
    site = "/opt/python/lib/python%d.%d/site-packages" % sys.version_info[:2]
    sys.path[0:0] = [task_root, site, "/opt/python"]
    if sys.version_info >= (3, 12):
        # Those that have SnapStart on AWS.
        sys.path.append(os.path.join(_HERE, "snapstart"))


def _practise():
    """Does once what a first invocation does, without a function: the memory that this needs is there when one waits for it."""
    source = "import sys\n\n\ndef handler(event, context):\n    return {'event': event, 'path': [str(context), 1.5, None]}\n"
    module = type(sys)("practice")
    exec(compile(source, "practice.py", "exec"), module.__dict__)
    headers = _parse_head(
        b"HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: 0\r\nlambda-runtime-deadline-ms: 0\r\ncontent-length: 2"
    )[1]
    body = ResultEncoder().encode(module.handler(json.loads(b'{"a": ["b", 1, {}]}'), LambdaContext(headers, None)))
    len(("POST %s HTTP/1.1\r\n" % _API).encode("latin-1") + body)


def main():
    environment = os.environ
    connection = blank = None
    if _martlet_blank is not None:
        blank = _martlet_blank.Blank()
        connection = Connection(environment["AWS_LAMBDA_RUNTIME_API"])
        blank.wait(_practise)
    log = LogChannel(environment.pop("_LAMBDA_TELEMETRY_LOG_FD", None))
    log.capture_standard_streams()
    try:
        connection = connection or Connection(environment["AWS_LAMBDA_RUNTIME_API"])
        _set_module_path(environment.get("LAMBDA_TASK_ROOT", "/var/task"))
        configure_logging_on_import(log)

        snapshot = _martlet_snapshot.Snapshot(sys.path[:3]) if _martlet_snapshot is not None else None

        def in_forked_child():
            if snapshot is not None and snapshot.is_forking:
                return
            # A second reader or writer would break the conversation.
            connection.close()
            log.detach()

        os.register_at_fork(after_in_child=in_forked_child)
        runtime = Runtime(connection, log)
        if blank is not None and blank.enter(connection, sys.path[:3]):
            configure_logging_on_import(log)
        handler = runtime.initialize(environment.get("_HANDLER", ""))
        if snapshot is not None:
            runtime.restore(snapshot)
        runtime.serve(handler)
    except (RuntimeAPIError, OSError) as error:
        if not isinstance(error, (ConnectionClosed, ConnectionError)):
            sys.stderr.write("martlet runtime: %s\n" % error)
        log.flush()
        # Not sys.exit: threads of the function's must not keep a process that nobody can reach.
        os._exit(1)
