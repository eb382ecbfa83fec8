// SPDX-License-Identifier: Apache-2.0
//
// Where a function's console output goes.
"use strict";

const fs = require("fs");
const util = require("util");

const { asError, errorForLog, jsonOfError } = require("./errors.cjs");

const TEXT_FRAME = 0xa55a0003;
const JSON_FRAME = 0xa55a0002;
/** By weight; a frame's type has the level's number, from 1, above its two lowest bits. */
const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
// Where libraries look for the invocation's ids.
const REQUEST_ID = Symbol.for("aws.lambda.runtime.requestId");
const TENANT_ID = Symbol.for("aws.lambda.runtime.tenantId");

/**
 * Console output: framed to the platform's descriptor where it gave one, else to standard output.
 *
 * A frame is 4 bytes of type, 4 of length, 8 of microseconds since the epoch, all big-endian, then the message.
 */
class LogChannel {
  /** `idless` stands for the request id where there is no invocation. */
  constructor(environment, idless) {
    const descriptor = environment._LAMBDA_TELEMETRY_LOG_FD;
    delete environment._LAMBDA_TELEMETRY_LOG_FD;
    // Node.js has made every descriptor that it inherited close-on-exec before this runs.
    this.descriptor = /^\d{1,9}$/.test(descriptor || "") ? Number(descriptor) : null;
    this.json = (environment.AWS_LAMBDA_LOG_FORMAT || "").toUpperCase() === "JSON";
    this.least = Math.max(0, LEVELS.indexOf((environment.AWS_LAMBDA_LOG_LEVEL || "").toUpperCase()));
    this.requestID = idless;
    this.tenantID = undefined;
  }

  begin(requestID, tenantID) {
    this.requestID = globalThis[REQUEST_ID] = requestID;
    this.tenantID = globalThis[TENANT_ID] = tenantID;
  }

  patchConsole() {
    for (const level of LEVELS) {
      const shown = LEVELS.indexOf(level) >= this.least;
      // Without a parameter the message is `undefined`, as on AWS.
      console[level.toLowerCase()] = shown
        ? (message, ...parameters) => this.log(level, [message, ...parameters])
        : () => {};
    }
    console.log = console.info;
  }

  log(level, parameters) {
    const now = Date.now();
    const time = new Date(now).toISOString();
    if (this.json) {
      this.write(this.jsonLine(time, level, parameters), JSON_FRAME, level, now);
      return;
    }
    const text = `${time}\t${this.requestID}\t${level}\t${util.format(...parameters)}`;
    // Without frames a carriage return keeps the lines together.
    this.write(this.descriptor === null ? text.replace(/\n/g, "\r") : text, TEXT_FRAME, level, now);
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

  write(text, type, level, now) {
    if (this.descriptor !== null) {
      const message = Buffer.from(text, "utf8");
      const head = Buffer.alloc(16);
      head.writeUInt32BE((type | ((LEVELS.indexOf(level) + 1) << 2)) >>> 0, 0);
      head.writeUInt32BE(message.length, 4);
      head.writeBigUInt64BE(BigInt(now) * 1000n, 8);
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
    if (LEVELS.indexOf("ERROR") < this.least) return;
    if (this.json) this.log("ERROR", [asError(error)]);
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

module.exports = { LogChannel };
