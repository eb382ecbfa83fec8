// SPDX-License-Identifier: Apache-2.0
//
// From a handler's name to the function, and what the global `awslambda` marks it with.
"use strict";

const fs = require("fs");
const path = require("path");

const { fault } = require("./errors.cjs");

// Names that AWS's runtime and libraries share.
const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const HIGH_WATER_MARK = Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark");
const PRELUDE_TYPE = "application/vnd.awslambda.http-integration-response";
const PRELUDE_END = Buffer.alloc(8);

/** Makes a stream's data the body of an HTTP response. */
class HttpResponseStream {
  /** `prelude` (statusCode, headers, cookies) goes before the first byte of `stream`, as JSON and eight NUL bytes. */
  static from(stream, prelude) {
    stream.setContentType(PRELUDE_TYPE);
    const text = JSON.stringify(prelude);
    stream._onBeforeFirstWrite = (write) => {
      write(text);
      write(PRELUDE_END);
    };
    return stream;
  }
}

function streamifyResponse(handler, options) {
  handler[STREAMING] = "response";
  if (options && typeof options.highWaterMark === "number") {
    handler[HIGH_WATER_MARK] = parseInt(options.highWaterMark, 10);
  }
  return handler;
}

/** Of the invocation under way, for libraries that share it through `@aws/lambda-invoke-store`. */
class InvokeStore {
  constructor() {
    this.PROTECTED_KEYS = {
      REQUEST_ID: Symbol.for("_AWS_LAMBDA_REQUEST_ID"),
      X_RAY_TRACE_ID: Symbol.for("_AWS_LAMBDA_X_RAY_TRACE_ID"),
      TENANT_ID: Symbol.for("_AWS_LAMBDA_TENANT_ID"),
    };
    this.context = undefined;
  }

  begin(requestID, traceID, tenantID) {
    const keys = this.PROTECTED_KEYS;
    this.context = { [keys.REQUEST_ID]: requestID, [keys.X_RAY_TRACE_ID]: traceID, [keys.TENANT_ID]: tenantID };
  }

  run(context, then) {
    this.context = context;
    return then();
  }

  getContext() {
    return this.context;
  }

  hasContext() {
    return this.context !== undefined;
  }

  get(key) {
    return this.context === undefined ? undefined : this.context[key];
  }

  set(key, value) {
    if (Object.values(this.PROTECTED_KEYS).includes(key)) {
      throw new Error(`Cannot modify protected Lambda context field: ${String(key)}`);
    }
    this.context = this.context || {};
    this.context[key] = value;
  }

  getRequestId() {
    const id = this.get(this.PROTECTED_KEYS.REQUEST_ID);
    return id === undefined ? "-" : id;
  }

  getXRayTraceId() {
    return this.get(this.PROTECTED_KEYS.X_RAY_TRACE_ID);
  }

  getTenantId() {
    return this.get(this.PROTECTED_KEYS.TENANT_ID);
  }
}

/** Defines the global `awslambda` unless the function's environment forbids it; `store` may be null. */
function defineGlobal(environment, store) {
  if (["1", "true"].includes(environment.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) return;
  globalThis.awslambda = { ...globalThis.awslambda, streamifyResponse, HttpResponseStream };
  if (store !== null) globalThis.awslambda.InvokeStore = store;
}

/** How `handler` wants to be called: null, or the options of its response stream. */
function streamOptions(handler) {
  const mark = handler[STREAMING];
  if (mark === undefined || mark === null || mark === false) return null;
  if (mark !== "response") {
    throw fault("Runtime.MalformedStreamingHandler", "Only response streaming is supported.");
  }
  const size = parseInt(handler[HIGH_WATER_MARK], 10);
  return size >= 0 ? { highWaterMark: size } : {};
}

/**
 * The function that `name`, `dir/file.export[.nested]`, stands for; rejects in Lambda's words.
 *
 * With `viaDefault` a module's default export is searched after the module itself, as from nodejs24.x on.
 */
async function loadHandler(root, name, viaDefault) {
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
  let module;
  try {
    module = await loadModule(root, directory, base.slice(0, dot));
  } catch (error) {
    if (error instanceof SyntaxError) throw fault("Runtime.UserCodeSyntaxError", String(error), syntaxCause(error));
    // Not ERR_MODULE_NOT_FOUND, what an ES module's import fails with: Lambda passes that on as it is.
    if (error && error.code === "MODULE_NOT_FOUND") throw fault("Runtime.ImportModuleError", String(error), error);
    throw error;
  }
  const keys = base.slice(dot + 1).split(".");
  let value = find(keys, module);
  if (!value && viaDefault) value = find(keys, find(["default"], module));
  if (!value) throw fault("Runtime.HandlerNotFound", `${name} is undefined or not exported`);
  if (typeof value !== "function") throw fault("Runtime.HandlerNotFound", `${name} is not a function`);
  return value;
}

function find(keys, module) {
  return keys.reduce((value, key) => (value ? value[key] : undefined), module);
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

module.exports = { InvokeStore, defineGlobal, loadHandler, streamOptions };
