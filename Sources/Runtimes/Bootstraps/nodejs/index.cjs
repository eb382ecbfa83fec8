// SPDX-License-Identifier: Apache-2.0
//
// The process of a nodejsNN.x function: `node /var/rapid/nodejs/index.cjs`. Node.js 16 and later.
//
// CommonJS: a function that is CommonJS too starts without the loader of ES modules. The Runtime API is spoken over
// one keep-alive socket. The socket doesn't keep the event loop alive while a handler runs, so that `beforeExit`
// means what Lambda documents: the handler has nothing left to wait for.
//
// AWS's own client was written anew for nodejs24.x, without callbacks; `modern` stands for that one's behaviour.
"use strict";

const { Connection, RuntimeAPIError } = require("./connection.cjs");
const { errorPayload, fault, unhandledRejection } = require("./errors.cjs");
const { InvokeStore, defineGlobal, loadHandler, streamOptions } = require("./handler.cjs");
const { LogChannel } = require("./log.cjs");

// What AWS's runtime exits with after it has reported these.
const EXIT_UNHANDLED_REJECTION = 128;
const EXIT_UNCAUGHT_EXCEPTION = 129;
const W3C_FIELDS = ["traceparent", "tracestate", "baggage"];
const CALLBACKS_REMOVED =
  "ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to " +
  "modify this function to use a supported handler signature to use Node.js 24 or later. For more information see " +
  "https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.";
const NEVER_SETTLED =
  "The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise " +
  "that was never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#exit-codes";

class Runtime {
  constructor(connection, log, modern, store) {
    this.connection = connection;
    this.log = log;
    this.modern = modern;
    this.store = store;
    this.following = connection.get("invocation/next");
    this.handler = null;
    this.streaming = null;
    this.current = null;
    this.resting = false;
    this.ending = false;
  }

  start(handler) {
    this.handler = handler;
    this.poll();
  }

  /** Makes `handler` the function's; throws if it is of a kind that can't be called. */
  accept(handler) {
    this.streaming = streamOptions(handler);
    if (this.modern && this.streaming === null && handler.length >= 3) {
      throw fault("Runtime.CallbackHandlerDeprecated", CALLBACKS_REMOVED);
    }
    this.isAsync = handler.constructor !== undefined && handler.constructor.name === "AsyncFunction";
    this.start(handler);
  }

  poll() {
    this.connection.hold(true);
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
    const tenant = headers["lambda-runtime-aws-tenant-id"];
    const trace = headers["lambda-runtime-trace-id"];
    const invocation = { id, result: undefined, called: false, done: false, streamed: null, waits: true };
    this.current = invocation;
    this.log.begin(id, tenant);
    if (trace) process.env._X_AMZN_TRACE_ID = trace;
    else delete process.env._X_AMZN_TRACE_ID;
    if (this.store !== null) this.store.begin(id, trace, tenant);
    if (this.streaming !== null) this.stream(invocation, headers, body);
    else if (this.modern) this.call(invocation, headers, body);
    else this.callWithCallbacks(invocation, headers, body);
  }

  call(invocation, headers, body) {
    let returned;
    try {
      const context = this.context(headers);
      const event = JSON.parse(body.toString("utf8"));
      const handler = this.handler;
      returned = handler(event, context);
    } catch (error) {
      this.fail(invocation, error);
      return;
    }
    if (!returned || typeof returned.then !== "function") {
      this.succeed(invocation, returned);
      return;
    }
    returned.then(
      (result) => this.succeed(invocation, result),
      (error) => this.fail(invocation, error)
    );
  }

  callWithCallbacks(invocation, headers, body) {
    const isError = (error) => error !== undefined && error !== null;
    /** Only the first call of any of them counts. */
    const first = (then) => (error, result) => {
      if (invocation.called) return;
      invocation.called = true;
      if (isError(error)) this.fail(invocation, error);
      else then(result);
    };
    // In the next turn: the rest of the handler's own turn belongs to the invocation.
    const done = first((result) => {
      const text = this.encode(invocation, result);
      if (text !== null) setImmediate(() => this.respond(invocation, text));
    });
    const callback = first((result) => {
      if (invocation.waits) {
        invocation.result = result;
        return;
      }
      const text = this.encode(invocation, result);
      if (text !== null) setImmediate(() => this.respond(invocation, text));
    });
    const settled = first((result) => this.succeed(invocation, result));
    try {
      const context = this.context(headers, invocation, done);
      const event = JSON.parse(body.toString("utf8"));
      const handler = this.handler;
      const returned = handler(event, context, callback);
      if (returned && typeof returned.then === "function") {
        returned.then(
          (result) => settled(null, result),
          (error) => settled(isError(error) ? error : "handled")
        );
      }
    } catch (error) {
      callback(error);
    }
  }

  stream(invocation, headers, body) {
    const { StreamedInvocation } = require("./stream.cjs");
    const address = process.env.AWS_LAMBDA_RUNTIME_API;
    const streamed = new StreamedInvocation(address, invocation.id, this.streaming, (error, told) => {
      if (error !== null && !told) {
        this.fail(invocation, error);
        return;
      }
      if (error !== null) this.log.error("Invoke Error", error);
      invocation.done = true;
      this.current = null;
      if (this.modern || !invocation.waits) this.poll();
      else this.resting = true;
    });
    invocation.streamed = streamed;
    try {
      const context = this.context(headers, invocation, null);
      streamed.call(this.handler, JSON.parse(body.toString("utf8")), context);
    } catch (error) {
      streamed.fail(error);
    }
  }

  /** The event loop is empty: what the callback was given, or null, is the answer. */
  idle() {
    if (this.ending) return;
    if (this.resting) {
      this.resting = false;
      this.poll();
      return;
    }
    const invocation = this.current;
    if (invocation === null || invocation.streamed !== null) return;
    if (!invocation.called && (this.modern || this.isAsync)) {
      this.fail(invocation, fault("Runtime.NodeJsExit", NEVER_SETTLED));
      return;
    }
    this.succeed(invocation, invocation.result);
  }

  succeed(invocation, result) {
    if (invocation.done || this.ending) return;
    const text = this.encode(invocation, result);
    if (text !== null) this.respond(invocation, text);
  }

  /** The JSON of `result`; null if there is none, and then the invocation has failed. */
  encode(invocation, result) {
    try {
      const text = JSON.stringify(result);
      return text === undefined ? "null" : text;
    } catch {
      const message = "Unable to stringify response body";
      this.fail(invocation, this.modern ? fault("Runtime.JSONStringifyError", message) : new Error(message));
      return null;
    }
  }

  respond(invocation, text) {
    if (invocation.done || this.ending) return;
    this.answer(invocation, this.connection.post(`invocation/${invocation.id}/response`, text));
  }

  fail(invocation, error) {
    if (invocation.done || this.ending) return;
    this.log.error("Invoke Error", error);
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
    const invocation = this.current;
    if (this.handler !== null && invocation === null) process.exit(status);
    const report = () => {
      const name = this.handler === null ? "init/error" : `invocation/${invocation.id}/error`;
      const payload = errorPayload(error);
      this.connection.hold(true);
      this.connection.response(() => process.exit(status));
      this.connection.send(this.connection.post(name, JSON.stringify(payload), payload.errorType));
    };
    if (invocation === null || invocation.streamed === null) {
      report();
      return;
    }
    // A response that has begun can only say it in its trailers.
    invocation.streamed.done = (_, told) => (told ? process.exit(status) : report());
    invocation.streamed.fail(error);
  }

  /** The handler's context object; `done` and what belongs to it are of the callbacks' time. */
  context(headers, invocation, done) {
    const environment = process.env;
    const deadline = Number(headers["lambda-runtime-deadline-ms"]);
    const context = {};
    if (!this.modern) {
      Object.defineProperty(context, "callbackWaitsForEmptyEventLoop", {
        get: () => invocation.waits,
        set: (value) => {
          invocation.waits = value;
        },
        enumerable: true,
        configurable: true,
      });
      if (done !== null) {
        context.succeed = (result) => done(null, result);
        context.fail = (error) => done(error === undefined || error === null ? "handled" : error);
        context.done = done;
      }
    }
    Object.assign(context, {
      functionVersion: environment.AWS_LAMBDA_FUNCTION_VERSION,
      functionName: environment.AWS_LAMBDA_FUNCTION_NAME,
      memoryLimitInMB: environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      logGroupName: environment.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: environment.AWS_LAMBDA_LOG_STREAM_NAME,
      clientContext: this.parseHeader(headers, "lambda-runtime-client-context", "ClientContext"),
      identity: this.parseHeader(headers, "lambda-runtime-cognito-identity", "CognitoIdentity"),
      invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
      awsRequestId: headers["lambda-runtime-aws-request-id"],
      tenantId: headers["lambda-runtime-aws-tenant-id"],
      getRemainingTimeInMillis: () => deadline - Date.now(),
    });
    if (this.modern) {
      const fields = takeW3C(context.clientContext);
      context.xRayTraceId = headers["lambda-runtime-trace-id"];
      context.w3c = () => fields;
    }
    return context;
  }

  parseHeader(headers, name, title) {
    const text = headers[name];
    if (text === undefined || text === "") return undefined;
    try {
      return JSON.parse(text);
    } catch (error) {
      if (this.modern) throw fault("Runtime.PlatformError", `Failed to parse ${name} as JSON: ${error.message}`);
      throw new Error(`Cannot parse ${title} as json: ${error}`);
    }
  }
}

/** Takes the trace context out of a client context: of its fields the known ones that are text. */
function takeW3C(clientContext) {
  if (typeof clientContext !== "object" || clientContext === null || !("w3c" in clientContext)) {
    return Object.freeze({});
  }
  const { w3c } = clientContext;
  delete clientContext.w3c;
  const given = typeof w3c === "object" && w3c !== null && !Array.isArray(w3c) ? w3c : {};
  const known = W3C_FIELDS.filter((name) => typeof given[name] === "string");
  return Object.freeze(Object.fromEntries(known.map((name) => [name, given[name]])));
}

/** The runtime's number: of the identifier that the function was created with, else of the interpreter. */
function runtimeNumber(environment) {
  const named = /^AWS_Lambda_nodejs(\d{1,3})\.x$/.exec(environment.AWS_EXECUTION_ENV || "");
  return named ? Number(named[1]) : parseInt(process.versions.node, 10);
}

function main() {
  const environment = process.env;
  let log = null;
  const address = environment.AWS_LAMBDA_RUNTIME_API || "";
  const connection = new Connection(address, (error) => {
    if (error !== null && log !== null) log.log("ERROR", [`martlet runtime: ${error.message}`]);
    process.exit(1);
  });
  const begin = (enter) => {
    log = new LogChannel(environment, isModern(environment) ? "-" : undefined);
    serve(environment, connection, log, enter);
  };
  // No function can have a variable of such a name.
  if (environment._MARTLET_BLANK === undefined) {
    begin(() => {});
    return;
  }
  const blank = require("./blank.cjs");
  blank.wait(connection, () => practise(address, isModern(environment)), () => begin(blank.enter));
}

/** Initialises and serves one invocation, of a handler and with a platform that are not there. */
async function practise(address, modern) {
  const connection = new Connection(address, () => {}, { on() {}, setNoDelay() {}, write() {}, ref() {}, unref() {} });
  const log = { begin() {}, error() {} };
  const runtime = new Runtime(connection, log, modern, modern ? new InvokeStore() : null);
  runtime.accept(await loadHandler(__dirname, "practice.handler", modern));
  const body = '{"practice":[1,"2",null,true]}';
  const head =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: 0\r\n" +
    "Lambda-Runtime-Deadline-Ms: 0\r\nLambda-Runtime-Invoked-Function-Arn: arn\r\n";
  await new Promise((resolve) => {
    connection.socket.write = resolve;
    connection.received(Buffer.from(`${head}Content-Length: ${body.length}\r\n\r\n${body}`));
  });
  connection.received(Buffer.from("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"));
}

function isModern(environment) {
  return runtimeNumber(environment) >= 24;
}

/** `enter` returns when the function's code is there. */
function serve(environment, connection, log, enter) {
  const modern = isModern(environment);
  log.patchConsole();
  const store = modern ? new InvokeStore() : null;
  const runtime = new Runtime(connection, log, modern, store);
  process.on("beforeExit", () => runtime.idle());
  process.on("uncaughtException", (error) => runtime.end("Uncaught Exception", error, EXIT_UNCAUGHT_EXCEPTION));
  process.on("unhandledRejection", (reason, promise) =>
    runtime.end("Unhandled Promise Rejection", unhandledRejection(reason, promise), EXIT_UNHANDLED_REJECTION)
  );
  defineGlobal(environment, store);
  enter();
  loadHandler(environment.LAMBDA_TASK_ROOT || "/var/task", environment._HANDLER || "", modern)
    .then((handler) => runtime.accept(handler))
    .catch((error) =>
      modern
        ? runtime.end("Init Error", error, 1)
        : runtime.end("Uncaught Exception", error, EXIT_UNCAUGHT_EXCEPTION)
    );
}

main();
