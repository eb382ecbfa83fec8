// SPDX-License-Identifier: Apache-2.0
//
// What became of a function's failures: payloads for callers, and text for the log.
"use strict";

const path = require("path");
const util = require("util");

const OWN_FRAMES = __dirname + path.sep;

/** Without the frames of these files: they would tell the function's author nothing. */
function linesOfStack(stack) {
  return stack.split("\n").filter((line) => !(line.startsWith("    at ") && line.includes(OWN_FRAMES)));
}

function asError(error) {
  return error instanceof Error ? error : new Error(String(error));
}

/** A failure that Lambda names itself, with the stack of its cause. */
function fault(type, message, cause) {
  const error = new Error(message);
  Object.defineProperty(error, "name", { value: type, writable: true, configurable: true });
  const frames =
    cause && typeof cause.stack === "string" ? linesOfStack(cause.stack).filter((line) => /^\s+at /.test(line)) : [];
  Object.defineProperty(error, "stack", { value: [`${type}: ${message}`, ...frames].join("\n"), writable: true });
  return error;
}

function isErrorLike(error) {
  if (util.types.isNativeError(error) || error instanceof Error) return true;
  if (typeof error !== "object" || error === null) return false;
  return [error.name, error.message, error.stack].every((text) => typeof text === "string" && text !== "");
}

// Lambda writes the DEL character so: a header may not hold it.
function withoutDelete(text) {
  return text.replace(/\x7f/g, "%7F");
}

/** The payload that a caller sees. */
function errorPayload(error) {
  try {
    if (isErrorLike(error)) {
      return {
        errorType: withoutDelete(error.name),
        errorMessage: withoutDelete(error.message),
        trace: typeof error.stack === "string" ? linesOfStack(withoutDelete(error.stack)) : [],
      };
    }
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  } catch {
    return {
      errorType: "handled",
      errorMessage:
        "callback called with Error argument, but there was a problem while retrieving one or more of its message, " +
        "name, and stack",
      trace: [],
    };
  }
}

/** An error in a message of the JSON log format. */
function jsonOfError(error) {
  return {
    errorType: (error.constructor && error.constructor.name) || "UnknownError",
    errorMessage: error.message,
    stackTrace: typeof error.stack === "string" ? linesOfStack(error.stack) : [],
    ...error,
  };
}

/** An error in a line of the text log format. */
function errorForLog(error) {
  const seen = new Set();
  try {
    return JSON.stringify(asError(error), (_, value) => {
      if (!(value instanceof Error) || seen.has(value)) return value;
      seen.add(value);
      const shown = { errorType: value.name, errorMessage: value.message, code: value.code, ...value };
      if (typeof value.stack === "string") shown.stack = linesOfStack(value.stack);
      return shown;
    });
  } catch {
    return JSON.stringify(errorPayload(error));
  }
}

function unhandledRejection(reason, promise) {
  let text = "";
  try {
    text = String(reason);
  } catch {
    // An object that can't be made a string.
  }
  const error = fault("Runtime.UnhandledPromiseRejection", text, reason);
  error.reason = reason;
  error.promise = promise;
  return error;
}

module.exports = { asError, errorForLog, errorPayload, fault, jsonOfError, linesOfStack, unhandledRejection };
