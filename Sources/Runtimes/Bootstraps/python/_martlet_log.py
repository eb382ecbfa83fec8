# SPDX-License-Identifier: Apache-2.0
"""Where a Python function's output goes, and Lambda's configuration of `logging`."""

import io
import os
import sys
import time
from _thread import RLock

_TEXT_FRAME = 0xA55A0003
_JSON_FRAME = 0xA55A0002
_ERROR = 40
# A line without an end is passed on in pieces of this size; also what CloudWatch Logs takes as one event.
_LINE_BYTES_MAX = 256 * 1024
_NO_BREAK_SPACE = "\u00a0"


class LogChannel:
    """Writes log messages: framed to the platform's descriptor where it gave one, else to standard output.

    A frame is 4 bytes of type, 4 of length, 8 of microseconds since the epoch, all big-endian, then the message
    without the newline at its end. Frames keep a message of several lines together. Should the descriptor fail, the
    function may have closed it, and output goes on to standard output.
    """

    def __init__(self, descriptor):
        self._descriptor = None
        self._lock = RLock()
        self._streams = []
        self.request_id = ""
        self.tenant_id = None
        self.json = (os.environ.get("AWS_LAMBDA_LOG_FORMAT") or "").upper() == "JSON"
        if descriptor is not None and descriptor.isdigit():
            try:
                os.set_inheritable(int(descriptor), False)
                self._descriptor = int(descriptor)
            except OSError:
                # Not open: standard output it is.
                pass

    def begin(self, request_id, tenant_id):
        self.request_id = request_id
        self.tenant_id = tenant_id

    def capture_standard_streams(self):
        """Replaces sys.stdout and sys.stderr by streams that pass each line to `write_line`.

        Their `fileno` stays 1 and 2, for child processes; what is written to those directly isn't framed.
        """
        if self._descriptor is None:
            sys.stdout.reconfigure(line_buffering=True)
            sys.stderr.reconfigure(line_buffering=True)
            return
        sys.stdout = self._stream(1)
        sys.stderr = self._stream(2)

    def _stream(self, number):
        raw = _LineStream(self, number)
        self._streams.append(raw)
        # Parts of a line wait in the text stream, in C; to who writes it is one without a buffer, as with `python -u`.
        # Nothing may wait there where what another thread adds while it is written can be lost (gh-119506, mended in 3.13).
        stream = raw.text = io.TextIOWrapper(
            raw, "utf-8", "backslashreplace", newline="\n", line_buffering=True, write_through=sys.version_info < (3, 13)
        )
        stream.mode = "w"
        return stream

    def detach(self):
        """In a forked child: frames of two processes could interleave, so it writes to standard output."""
        self._descriptor = None
        self._lock = RLock()
        for stream in self._streams:
            stream.forget()

    def write_message(self, message, kind=_TEXT_FRAME):
        """Writes one message, kept together where there are frames; `kind` is the frame's type."""
        if self._descriptor is None:
            sys.stdout.write(message)
            sys.stdout.flush()
            return
        self._flush_lines()
        self.write_line(message.encode("utf-8", "backslashreplace"), 1, kind)

    def write_line(self, data, number, kind=_TEXT_FRAME):
        """Writes `data`, without the newline it ends with, as a frame; or raw to descriptor `number`."""
        descriptor = self._descriptor
        if descriptor is not None:
            if data.endswith(b"\n"):
                data = data[:-1]
            # From time(), not time_ns(): 53 bits hold microseconds until the year 2255.
            now = int(time.time() * 1_000_000)
            frame = (kind << 96 | len(data) << 64 | now).to_bytes(16, "big") + data
            try:
                with self._lock:
                    _write_all(descriptor, frame)
                return
            except OSError:
                self._descriptor = None
        _write_all(number, data if data.endswith(b"\n") else data + b"\n")

    def write_error(self, report):
        """Logs an error report as Lambda does: one event, in the function's log format."""
        self._flush_lines()
        if self.json:
            import json

            entry = {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "level": "ERROR"}
            entry.update(report)
            text = json.dumps(entry, ensure_ascii=sys.version_info < (3, 12))
        else:
            # Without frames a carriage return keeps the lines together.
            text = _error_text(report, "\n" if self._descriptor is not None else "\r")
        if self._descriptor is None:
            text += "\n"
        self.write_message(text, _frame_type(_JSON_FRAME if self.json else _TEXT_FRAME, _ERROR))

    def flush(self):
        """Before an answer: nothing that was printed may be left for the next invocation."""
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (AttributeError, OSError, ValueError):
                # The function may have closed or replaced it; what it printed is its own affair then.
                continue
        self._flush_lines()

    def _flush_lines(self):
        for stream in self._streams:
            stream.pass_on()


def _write_all(descriptor, data):
    written = os.write(descriptor, data)
    while written < len(data):
        data = data[written:]
        written = os.write(descriptor, data)


def _frame_type(kind, level):
    """`kind` with the number of a level of `logging`, from 2 for DEBUG to 6, above its two lowest bits."""
    step = min(50, max(0, level)) // 10
    return kind | (step + 1) << 2 if step else kind


def _error_text(report, separator):
    lines = ["[ERROR] %s" % report["errorType"]]
    if report["errorMessage"]:
        lines[0] += ": " + report["errorMessage"]
    lines.append("Traceback (most recent call last):")
    for entry in report["stackTrace"]:
        for line in entry.splitlines():
            text = line.lstrip(" ")
            # Lambda's logs have no-break spaces here: CloudWatch would trim the others.
            lines.append(_NO_BREAK_SPACE * (len(line) - len(text)) + text)
    return separator.join(lines)


class _LineStream(io.RawIOBase):
    """The raw end of sys.stdout or sys.stderr: cuts what is written into lines."""

    def __init__(self, channel, number):
        super().__init__()
        self._channel = channel
        self._number = number
        self._rest = b""
        self._lock = RLock()
        # The text stream that writes here: what is in it was written before anything else that comes.
        self.text = None

    def writable(self):
        return True

    def fileno(self):
        return self._number

    def isatty(self):
        return False

    def _take_text(self):
        try:
            self.text.flush()
        except ValueError:
            # The function closed it, or took it apart.
            pass

    def write(self, data):
        data = bytes(data)
        # Nothing where it is the text stream itself that writes.
        self._take_text()
        with self._lock:
            *lines, rest = (self._rest + data).split(b"\n")
            while len(rest) > _LINE_BYTES_MAX:
                lines.append(rest[:_LINE_BYTES_MAX])
                rest = rest[_LINE_BYTES_MAX:]
            self._rest = rest
            for line in lines:
                self._channel.write_line(line, self._number)
        return len(data)

    def pass_on(self):
        self._take_text()
        with self._lock:
            rest, self._rest = self._rest, b""
            if rest:
                self._channel.write_line(rest, self._number)

    def forget(self):
        """In a forked child: the line begun is the parent's, and so may be the lock."""
        self._lock = RLock()
        self._take_text()
        self._rest = b""


# --- logging ------------------------------------------------------------------------------------------------------


class _ConfiguredLoader:
    """Loads `logging` with its own loader and then configures it."""

    def __init__(self, loader, log):
        self._loader = loader
        self._log = log

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        _configure(module, self._log)


class _LoggingFinder:
    """Finds `logging` in the standard library, once, wherever the function's own path would lead."""

    def __init__(self, log):
        self._log = log

    def find_spec(self, name, path=None, target=None):
        if name != "logging":
            return None
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        library = [os.path.dirname(os.__file__)]
        for finder in sys.meta_path:
            spec = finder.find_spec(name, library, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _ConfiguredLoader(spec.loader, self._log)
                return spec
        return None


def configure_logging_on_import(log):
    """Configures the root logger as Lambda does, now or when the function imports `logging`: most never do."""
    if "logging" in sys.modules:
        logging = sys.modules["logging"]
        # A record's relativeCreated counts from here.
        logging._startTime = time.time_ns() if sys.version_info >= (3, 13) else time.time()
        _configure(logging, log)
    else:
        sys.meta_path.insert(0, _LoggingFinder(log))


def _configure(logging, log):
    level = (os.environ.get("AWS_LAMBDA_LOG_LEVEL") or "").upper()
    shows_level = log.json or level != ""

    class LambdaLoggerHandler(logging.Handler):
        """The root handler: one message, one event."""

        def emit(self, record):
            try:
                text = self.format(record)
            except Exception:
                self.handleError(record)
                return
            if not shows_level:
                log.write_message(text)
                return
            kind = getattr(record, "_frame_type", None)
            log.write_message(text, _frame_type(_TEXT_FRAME, record.levelno) if kind is None else kind)

    class LambdaLoggerFilter(logging.Filter):
        def filter(self, record):
            record.aws_request_id = log.request_id
            record.tenant_id = log.tenant_id
            return True

    logging.Formatter.converter = time.gmtime
    handler = LambdaLoggerHandler()
    handler.addFilter(LambdaLoggerFilter())
    if log.json:
        handler.setFormatter(_json_formatter(logging))
    else:
        pattern = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
        handler.setFormatter(logging.Formatter(pattern, "%Y-%m-%dT%H:%M:%S"))
    root = logging.getLogger()
    level = "DEBUG" if level == "TRACE" else level
    if level in ("NOTSET", "DEBUG", "INFO", "WARN", "WARNING", "ERROR", "FATAL", "CRITICAL"):
        root.setLevel(level)
    root.addHandler(handler)


def _json_formatter(logging):
    import json
    import traceback

    # Whatever a record has beyond these is shown: what came in by `extra`, and the name of the asyncio task.
    own = set(vars(logging.makeLogRecord({}))) - {"taskName"} | {"aws_request_id", "tenant_id", "_frame_type"}

    class JsonFormatter(logging.Formatter):
        def format(self, record):
            record.levelno = min(50, max(0, record.levelno)) // 10 * 10
            record.levelname = logging.getLevelName(record.levelno)
            record._frame_type = _frame_type(_JSON_FRAME, record.levelno)
            kind, error, trace = record.exc_info or (None, None, None)
            plain = isinstance(record.msg, dict) and not record.args
            entry = {
                "timestamp": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
                "level": record.levelname,
                "message": record.msg if plain else record.getMessage(),
                "logger": record.name,
                "stackTrace": traceback.format_tb(trace) if kind else None,
                "errorType": kind.__name__ if kind else None,
                "errorMessage": str(error) if kind else None,
                "requestId": getattr(record, "aws_request_id", None),
                "location": "%s:%s:%s" % (record.pathname, record.funcName, record.lineno) if kind else None,
            }
            tenant = getattr(record, "tenant_id", None)
            if tenant is not None:
                entry["tenantId"] = tenant
            for name, value in vars(record).items():
                if name not in own and name not in entry:
                    entry[name] = value
            entry = {name: value for name, value in entry.items() if value is not None}
            return json.dumps(entry, ensure_ascii=False, default=str) + "\n"

    return JsonFormatter()
