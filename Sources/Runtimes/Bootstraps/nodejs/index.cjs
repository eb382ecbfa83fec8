// SPDX-License-Identifier: Apache-2.0
//
// The process of a nodejsNN.x function: `node /var/rapid/nodejs/index.cjs`. Node.js 16 and later.
//
// CommonJS: a function that is CommonJS too starts without the loader of ES modules. The Runtime API is spoken over
// one keep-alive socket. The socket doesn't keep the event loop alive while a handler runs, so that `beforeExit`
// means what Lambda documents: the handler has nothing left to wait for.
"use strict";

const fs = require("fs");
const net = require("net");
const path = require("path");
const util = require("util");

const API = "/2018-06-01/runtime/";
const HEAD_BYTES_MAX = 256 * 1024;
const BODY_BYTES_MAX = 64 * 1024 * 1024;
const FRAME_TYPE = 0xa55a0003;
// What AWS's runtime exits with after it has reported these.
const EXIT_UNHANDLED_REJECTION = 128;
const EXIT_UNCAUGHT_EXCEPTION = 129;

class RuntimeAPIError extends Error {}

/** One HTTP/1.1 connection; requests may be pipelined, and answers come in their order. */
class Connection {
  constructor(address, failed) {
    const colon = address.lastIndexOf(":");
    const host = address.slice(0, colon).replace(/^\[|\]$/g, "");
    if (colon < 1 || !/^\d+$/.test(address.slice(colon + 1))) {
      throw new RuntimeAPIError(`AWS_LAMBDA_RUNTIME_API is not HOST:PORT: ${address}`);
    }
    this.common = `Host: ${address}\r\nUser-Agent: martlet-nodejs/${process.versions.node}\r\n`;
    this.chunks = [];
    this.have = 0;
    this.head = null;
    this.waiting = [];
    this.failed = failed;
    this.socket = net.connect({ host, port: Number(address.slice(colon + 1)), noDelay: true });
    this.socket.setNoDelay(true);
    this.socket.on("data", (data) => this.received(data));
    // The platform's side is gone: it is ending this environment, and nobody is left to tell.
    this.socket.on("end", () => failed(null));
    this.socket.on("error", () => failed(null));
  }

  get(name) {
    return Buffer.from(`GET ${API}${name} HTTP/1.1\r\n${this.common}\r\n`, "latin1");
  }

  post(name, body, errorType) {
    const payload = Buffer.from(body, "utf8");
    const extra = errorType ? `Lambda-Runtime-Function-Error-Type: ${headerValue(errorType)}\r\n` : "";
    const head =
      `POST ${API}${name} HTTP/1.1\r\n${this.common}Content-Type: application/json\r\n${extra}` +
      `Content-Length: ${payload.length}\r\n\r\n`;
    return Buffer.concat([Buffer.from(head, "latin1"), payload]);
  }

  send(request) {
    this.socket.write(request);
  }

  /** Keeps the process alive until the next answer or not. */
  hold(yes) {
    if (yes) this.socket.ref();
    else this.socket.unref();
  }

  /** Calls `then(status, headers, body)` with the next answer. */
  response(then) {
    this.waiting.push(then);
    this.advance();
  }

  received(data) {
    this.chunks.push(data);
    this.have += data.length;
    this.advance();
  }

  advance() {
    try {
      while (this.waiting.length > 0) {
        const answer = this.parse();
        if (answer === null) return;
        this.waiting.shift()(answer.status, answer.headers, answer.body);
      }
    } catch (error) {
      if (!(error instanceof RuntimeAPIError)) throw error;
      this.failed(error);
    }
  }

  parse() {
    if (this.head === null) {
      if (this.have === 0) return null;
      const data = this.join();
      const end = data.indexOf("\r\n\r\n");
      if (end < 0) {
        if (data.length > HEAD_BYTES_MAX) {
          throw new RuntimeAPIError(`the head of an answer is over ${HEAD_BYTES_MAX} bytes`);
        }
        return null;
      }
      this.head = parseHead(data.toString("utf8", 0, end));
      this.replace(data.subarray(end + 4));
    }
    if (this.have < this.head.length) return null;
    const data = this.join();
    const answer = { status: this.head.status, headers: this.head.headers, body: data.subarray(0, this.head.length) };
    this.replace(data.subarray(this.head.length));
    this.head = null;
    return answer;
  }

  join() {
    const data = this.chunks.length === 1 ? this.chunks[0] : Buffer.concat(this.chunks);
    this.chunks = [data];
    return data;
  }

  replace(data) {
    this.chunks = data.length > 0 ? [data] : [];
    this.have = data.length;
  }
}

function parseHead(text) {
  const lines = text.split("\r\n");
  const match = /^HTTP\/1\.1 (\d{3})(?: |$)/.exec(lines[0]);
  if (!match) throw new RuntimeAPIError(`an answer that is not HTTP/1.1: ${lines[0].slice(0, 80)}`);
  // Without a prototype: a header may have any name.
  const headers = Object.create(null);
  for (const line of lines.slice(1)) {
    const parts = /^([^\s:]+):[ \t]*(.*?)[ \t]*$/.exec(line);
    if (!parts) throw new RuntimeAPIError(`a malformed header line: ${line.slice(0, 80)}`);
    const name = parts[1].toLowerCase();
    if (name === "content-length" && name in headers) throw new RuntimeAPIError("two Content-Length headers");
    headers[name] = parts[2];
  }
  const length = headers["content-length"];
  if ("transfer-encoding" in headers || !/^\d{1,15}$/.test(length || "")) {
    throw new RuntimeAPIError("an answer without a valid Content-Length");
  }
  if (Number(length) > BODY_BYTES_MAX) {
    throw new RuntimeAPIError(`the body of an answer is over ${BODY_BYTES_MAX} bytes`);
  }
  return { status: Number(match[1]), headers, length: Number(length) };
}

function headerValue(text) {
  return String(text).slice(0, 256).replace(/[^ -~]/g, "?");
}

// --- Logging ---------------------------------------------------------------------------------------------------------

/**
 * Where console output goes: framed to the platform's descriptor where it gave one, else to standard output.
 *
 * A frame is 4 bytes of type, 4 of length, 8 of microseconds since the epoch, all big-endian, then the message.
 */
class LogChannel {
  constructor(environment) {
    const descriptor = environment._LAMBDA_TELEMETRY_LOG_FD;
    delete environment._LAMBDA_TELEMETRY_LOG_FD;
    // Node.js has made every descriptor that it inherited close-on-exec before this runs.
    this.descriptor = /^\d{1,9}$/.test(descriptor || "") ? Number(descriptor) : null;
    this.json = (environment.AWS_LAMBDA_LOG_FORMAT || "").toUpperCase() === "JSON";
    this.requestID = undefined;
    this.tenantID = undefined;
    this.level = environment.AWS_LAMBDA_LOG_LEVEL;
  }

  patchConsole() {
    const methods = [
      ["trace", "TRACE"], ["debug", "DEBUG"], ["log", "INFO"], ["info", "INFO"],
      ["warn", "WARN"], ["error", "ERROR"], ["fatal", "FATAL"],
    ];
    const names = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
    const least = this.json ? names.indexOf((this.level || "").toUpperCase()) : -1;
    for (const [method, level] of methods) {
      const shown = names.indexOf(level) >= least;
      console[method] = shown ? (...parameters) => this.log(level, parameters) : () => {};
    }
  }

  log(level, parameters) {
    const time = new Date().toISOString();
    if (this.json) {
      this.write(this.jsonLine(time, level, parameters));
      return;
    }
    const text = `${time}\t${this.requestID}\t${level}\t${util.format(...parameters)}`;
    // Without frames a carriage return keeps the lines together.
    this.write(this.descriptor === null ? text.replace(/\n/g, "\r") : text);
  }

  jsonLine(timestamp, level, parameters) {
    const entry = { timestamp, level, requestId: this.requestID };
    if (this.tenantID !== undefined) entry.tenantId = this.tenantID;
    if (parameters.length === 1) {
      entry.message = parameters[0];
      try {
        return JSON.stringify(entry, (_, value) => (value instanceof Error ? jsonOfError(value) : value));
      } catch {
        // A cycle or a BigInt.
        entry.message = util.format(parameters[0]);
        return JSON.stringify(entry);
      }
    }
    entry.message = util.format(...parameters);
    const error = parameters.find((parameter) => parameter instanceof Error);
    if (error) {
      const { errorType, errorMessage, stackTrace } = jsonOfError(error);
      Object.assign(entry, { errorType, errorMessage, stackTrace });
    }
    return JSON.stringify(entry);
  }

  write(text) {
    if (this.descriptor !== null) {
      const message = Buffer.from(text, "utf8");
      const head = Buffer.alloc(16);
      head.writeUInt32BE(FRAME_TYPE, 0);
      head.writeUInt32BE(message.length, 4);
      head.writeBigUInt64BE(BigInt(Date.now()) * 1000n, 8);
      try {
        writeAll(this.descriptor, Buffer.concat([head, message]));
        return;
      } catch {
        // The function may have closed it.
        this.descriptor = null;
      }
    }
    try {
      writeAll(1, Buffer.from(text + "\n", "utf8"));
    } catch {
      // Standard output is closed: there is nowhere left to write.
    }
  }

  error(title, error) {
    if (this.json) this.log("ERROR", [error]);
    else this.log("ERROR", [title, "\t" + errorForLog(error)]);
  }
}

function writeAll(descriptor, data) {
  for (let start = 0; start < data.length; ) {
    try {
      start += fs.writeSync(descriptor, data, start);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      // The pipe is full and not blocking: wait a millisecond for its reader.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

function jsonOfError(error) {
  return {
    errorType: (error.constructor && error.constructor.name) || "UnknownError",
    errorMessage: error.message,
    stackTrace: typeof error.stack === "string" ? linesOfStack(error.stack) : [],
    ...error,
  };
}

function errorForLog(error) {
  const seen = new Set();
  try {
    return JSON.stringify(asError(error), (_, value) => {
      if (!(value instanceof Error) || seen.has(value)) return value;
      seen.add(value);
      const stack = typeof value.stack === "string" ? linesOfStack(value.stack) : value.stack;
      return { errorType: value.name, errorMessage: value.message, code: value.code, ...value, name: undefined, stack };
    });
  } catch {
    return JSON.stringify(errorPayload(error));
  }
}

/** Without the frames of this file: they would tell the function's author nothing. */
function linesOfStack(stack) {
  return stack.split("\n").filter((line) => !(line.startsWith("    at ") && line.includes(__filename)));
}

function asError(error) {
  return error instanceof Error ? error : new Error(String(error));
}

// --- Errors ----------------------------------------------------------------------------------------------------------

/** A failure that Lambda names itself, with the stack of its cause. */
function fault(type, message, cause) {
  const error = new Error(message);
  error.name = type;
  const frames =
    cause && typeof cause.stack === "string" ? linesOfStack(cause.stack).filter((line) => /^\s+at /.test(line)) : [];
  Object.defineProperty(error, "stack", { value: [`${type}: ${message}`, ...frames].join("\n"), writable: true });
  return error;
}

/** The payload that a caller sees. */
function errorPayload(error) {
  try {
    if (util.types.isNativeError(error) || (error && error.name && error.message && error.stack)) {
      return { errorType: error.name, errorMessage: error.message, trace: linesOfStack(String(error.stack)) };
    }
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  } catch {
    return {
      errorType: "handled",
      errorMessage:
        "callback called with Error argument, but there was a problem while retrieving one or more of its message, " +
        "name, and stack",
    };
  }
}

// --- The handler -----------------------------------------------------------------------------------------------------

/** The function that `name`, `dir/file.export[.nested]`, stands for; rejects in Lambda's words. */
async function loadHandler(root, name) {
  if (name.includes("..")) {
    throw fault(
      "Runtime.MalformedHandlerName",
      `'${name}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`
    );
  }
  const base = path.basename(name);
  const dot = base.indexOf(".");
  if (dot < 0) throw fault("Runtime.MalformedHandlerName", "Bad handler");
  const directory = name.slice(0, name.lastIndexOf(base));
  let value;
  try {
    value = await loadModule(root, directory, base.slice(0, dot));
  } catch (error) {
    if (error instanceof SyntaxError) throw fault("Runtime.UserCodeSyntaxError", String(error), syntaxCause(error));
    if (error && (error.code === "MODULE_NOT_FOUND" || error.code === "ERR_MODULE_NOT_FOUND")) {
      throw fault("Runtime.ImportModuleError", String(error), error);
    }
    throw error;
  }
  for (const key of base.slice(dot + 1).split(".")) {
    value = value === undefined || value === null ? undefined : value[key];
  }
  if (value === undefined || value === null) {
    throw fault("Runtime.HandlerNotFound", `${name} is undefined or not exported`);
  }
  if (typeof value !== "function") throw fault("Runtime.HandlerNotFound", `${name} is not a function`);
  return value;
}

function syntaxCause(error) {
  // The place of a syntax error stands before its message: "/var/task/app.js:3".
  const place = String(error.stack).split("\n")[0];
  return { stack: (place.includes(":") && place.startsWith("/") ? `    at ${place}\n` : "") + error.stack };
}

async function loadModule(root, directory, name) {
  const file = path.resolve(root, directory, name);
  for (const extension of ["", ".js", ".mjs", ".cjs"]) {
    const candidate = file + extension;
    const stat = fs.statSync(candidate, { throwIfNoEntry: false });
    if (!stat || !stat.isFile()) continue;
    if (extension === ".mjs") return importModule(candidate);
    try {
      return require(candidate);
    } catch (error) {
      // An ES module by its package.json. Its own imports may fail alike, and then fail again.
      if (error && (error.code === "ERR_REQUIRE_ESM" || error.code === "ERR_REQUIRE_ASYNC_MODULE")) {
        return importModule(candidate);
      }
      throw error;
    }
  }
  return require(require.resolve(name, { paths: [root, path.resolve(root, directory)] }));
}

function importModule(file) {
  return import(require("url").pathToFileURL(file).href);
}

// --- Invocations -----------------------------------------------------------------------------------------------------

class Runtime {
  constructor(connection, log) {
    this.connection = connection;
    this.log = log;
    this.following = connection.get("invocation/next");
    this.handler = null;
    this.current = null;
    this.ending = false;
  }

  start(handler) {
    this.handler = handler;
    this.connection.send(this.following);
    this.awaitNext();
  }

  awaitNext() {
    this.connection.response((status, headers, body) => {
      if (status !== 200) {
        throw new RuntimeAPIError(`next was answered with ${status}: ${body.toString("utf8", 0, 200)}`);
      }
      this.connection.hold(false);
      // Not in the socket's callback: what the handler throws is not the connection's.
      setImmediate(() => this.invoke(headers, body));
    });
  }

  invoke(headers, body) {
    const id = headers["lambda-runtime-aws-request-id"];
    const invocation = { id, result: null, done: false };
    this.current = invocation;
    this.log.requestID = id;
    this.log.tenantID = headers["lambda-runtime-aws-tenant-id"];
    const trace = headers["lambda-runtime-trace-id"];
    if (trace) process.env._X_AMZN_TRACE_ID = trace;
    else delete process.env._X_AMZN_TRACE_ID;
    try {
      const waiting = { wait: true };
      const settle = (error, result, wait) => {
        if (error !== undefined && error !== null) this.fail(invocation, error);
        else if (wait) invocation.result = result;
        else setImmediate(() => this.succeed(invocation, result));
      };
      const context = makeContext(headers, waiting, (error, result) => settle(error, result, false));
      const event = JSON.parse(body.toString("utf8"));
      const handler = this.handler;
      const returned = handler(event, context, (error, result) => settle(error, result, waiting.wait));
      if (returned && typeof returned.then === "function") {
        returned.then(
          (result) => this.succeed(invocation, result),
          (error) => this.fail(invocation, error)
        );
      }
    } catch (error) {
      this.fail(invocation, error);
    }
  }

  /** The event loop is empty: what the callback was given, or null, is the answer. */
  idle() {
    if (this.current !== null && !this.ending) this.succeed(this.current, this.current.result);
  }

  succeed(invocation, result) {
    if (invocation.done || this.ending) return;
    let text;
    try {
      text = JSON.stringify(result);
    } catch {
      this.fail(invocation, new Error("Unable to stringify response body"));
      return;
    }
    const name = `invocation/${invocation.id}/response`;
    this.answer(invocation, this.connection.post(name, text === undefined ? "null" : text));
  }

  fail(invocation, error) {
    if (invocation.done || this.ending) return;
    this.log.error("Invoke Error", asError(error));
    const payload = errorPayload(error);
    const name = `invocation/${invocation.id}/error`;
    this.answer(invocation, this.connection.post(name, JSON.stringify(payload), payload.errorType));
  }

  answer(invocation, request) {
    invocation.done = true;
    this.current = null;
    this.connection.hold(true);
    // In one write: the platform has the answer and the next poll at once.
    this.connection.send(Buffer.concat([request, this.following]));
    this.connection.response((status, _, body) => {
      // 413: the platform told the caller that the answer was too large, and this process goes on.
      if (status !== 202 && status !== 413) {
        throw new RuntimeAPIError(`an answer was refused: ${status} ${body.toString("utf8", 0, 200)}`);
      }
    });
    this.awaitNext();
  }

  /** Reports what nobody caught, for the invocation or for the initialisation, and ends the process. */
  end(title, error, status) {
    if (this.ending) return;
    this.ending = true;
    this.log.error(title, error);
    if (this.handler !== null && this.current === null) process.exit(status);
    const name = this.handler === null ? "init/error" : `invocation/${this.current.id}/error`;
    const payload = errorPayload(error);
    this.connection.hold(true);
    this.connection.response(() => process.exit(status));
    this.connection.send(this.connection.post(name, JSON.stringify(payload), payload.errorType));
  }
}

function makeContext(headers, waiting, done) {
  const environment = process.env;
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  const context = {
    get callbackWaitsForEmptyEventLoop() {
      return waiting.wait;
    },
    set callbackWaitsForEmptyEventLoop(value) {
      waiting.wait = value;
    },
    succeed: (result) => done(null, result),
    fail: (error) => done(error === undefined || error === null ? "handled" : error),
    done,
    functionVersion: environment.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: environment.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: environment.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: environment.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parseHeader(headers, "lambda-runtime-client-context", "ClientContext"),
    identity: parseHeader(headers, "lambda-runtime-cognito-identity", "CognitoIdentity"),
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    tenantId: headers["lambda-runtime-aws-tenant-id"],
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
  return context;
}

function parseHeader(headers, name, title) {
  const text = headers[name];
  if (text === undefined || text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`Cannot parse ${title} as json: ${error}`);
  }
}

function unhandledRejection(reason, promise) {
  const error = fault("Runtime.UnhandledPromiseRejection", String(reason), reason);
  error.reason = reason;
  error.promise = promise;
  return error;
}

function main() {
  const environment = process.env;
  const log = new LogChannel(environment);
  log.patchConsole();
  const connection = new Connection(environment.AWS_LAMBDA_RUNTIME_API || "", (error) => {
    if (error !== null) log.log("ERROR", [`martlet runtime: ${error.message}`]);
    process.exit(1);
  });
  const runtime = new Runtime(connection, log);
  process.on("beforeExit", () => runtime.idle());
  process.on("uncaughtException", (error) => runtime.end("Uncaught Exception", error, EXIT_UNCAUGHT_EXCEPTION));
  process.on("unhandledRejection", (reason, promise) =>
    runtime.end("Unhandled Promise Rejection", unhandledRejection(reason, promise), EXIT_UNHANDLED_REJECTION)
  );
  loadHandler(environment.LAMBDA_TASK_ROOT || "/var/task", environment._HANDLER || "").then(
    (handler) => runtime.start(handler),
    (error) => runtime.end("Uncaught Exception", error, EXIT_UNCAUGHT_EXCEPTION)
  );
}

main();
