// SPDX-License-Identifier: Apache-2.0
//
// A streamed response: chunked, on a connection of its own, with trailers that tell a failure midway.
//
// Loaded only for a handler that streams.
"use strict";

const { Writable } = require("stream");

const { Connection, headerValue } = require("./connection.cjs");
const { asError, errorPayload, fault } = require("./errors.cjs");

const TRAILER_NAMES = "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body";
const LAST_CHUNK = Buffer.from("0\r\n", "latin1");
const LINE_END = Buffer.from("\r\n", "latin1");

/** The request that carries one streamed response. */
class StreamedResponse {
  /** `answered(status, text)` is called once: with the platform's answer, or with 0 if the connection is lost. */
  constructor(address, name, answered) {
    this.name = name;
    this.contentType = "application/octet-stream";
    /** Whether the handler has written or ended: too late for another answer. */
    this.touched = false;
    this.ended = false;
    /** What the trailers tell. */
    this.failure = null;
    this.prelude = [];
    this.hasHead = false;
    this.answered = (status, text) => {
      this.answered = () => {};
      this.connection.socket.destroy();
      answered(status, text);
    };
    this.connection = new Connection(address, () => this.answered(0, "the connection to the Runtime API was lost"));
    this.connection.response((status, _, body) => this.answered(status, body.toString("utf8", 0, 200)));
  }

  /** Sends what came together as one chunk; `then` is called when the kernel has it. */
  send(buffers, then) {
    this.write(this.chunk(buffers), then);
  }

  /** Ends the response, with `error` if there is one. */
  finish(error, then) {
    this.ended = true;
    const last = [...this.chunk([]), LAST_CHUNK];
    if (error !== null) {
      const body = Buffer.from(JSON.stringify(error), "utf8").toString("base64");
      last.push(
        Buffer.from(
          `Lambda-Runtime-Function-Error-Type: ${headerValue(error.errorType)}\r\n` +
            `Lambda-Runtime-Function-Error-Body: ${body}\r\n`,
          "latin1"
        )
      );
    }
    this.write([...last, LINE_END], then);
  }

  chunk(buffers) {
    const all = [...this.prelude, ...buffers];
    this.prelude = [];
    const length = all.reduce((sum, buffer) => sum + buffer.length, 0);
    // A chunk of no bytes would be the last.
    return length > 0 ? [Buffer.from(`${length.toString(16)}\r\n`, "latin1"), ...all, LINE_END] : [];
  }

  write(buffers, then) {
    const socket = this.connection.socket;
    const all = this.hasHead ? buffers : [this.head(), ...buffers];
    this.hasHead = true;
    if (all.length === 0) {
      then();
      return;
    }
    // One system call for all of them, without a copy.
    socket.cork();
    all.slice(0, -1).forEach((buffer) => socket.write(buffer));
    socket.write(all[all.length - 1], then);
    socket.uncork();
  }

  head() {
    return Buffer.from(
      `${this.connection.postLine(this.name)}Content-Type: ${this.contentType}\r\n` +
        "Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n" +
        `Trailer: ${TRAILER_NAMES}\r\n\r\n`,
      "latin1"
    );
  }

  /** Takes back a response of which nothing was sent. */
  abandon() {
    this.answered = () => {};
    this.connection.failed = () => {};
    this.connection.socket.destroy();
  }
}

/** What a handler writes its response to. */
class ResponseStream extends Writable {
  #response;

  constructor(response, options) {
    super({ ...options, decodeStrings: true });
    this.#response = response;
    // The invocation's failure tells it too: a handler that doesn't listen isn't ended by it.
    this.on("error", () => {});
  }

  setContentType(contentType) {
    if (this.#response.touched) {
      throw fault("Runtime.InvalidStreamingOperation", "Cannot set content-type, too late.");
    }
    if (/[^\t -~]/.test(contentType)) throw new TypeError("a content type has a character that no header may have");
    this.#response.contentType = String(contentType);
  }

  write(chunk, encoding, callback) {
    this.#begin();
    return super.write(bytesOrText(chunk), encoding, callback);
  }

  end(chunk, encoding, callback) {
    if (typeof chunk === "function") return this.end(undefined, undefined, chunk);
    if (typeof encoding === "function") return this.end(chunk, undefined, encoding);
    this.#begin();
    const given = chunk !== undefined && chunk !== null;
    return super.end(given ? bytesOrText(chunk) : undefined, encoding, callback);
  }

  #begin() {
    if (this.#response.touched || this.destroyed) return;
    this.#response.touched = true;
    if (typeof this._onBeforeFirstWrite !== "function") return;
    // With the first data, in one chunk.
    this._onBeforeFirstWrite((data) => this.#response.prelude.push(Buffer.from(bytesOrText(data))));
  }

  _write(chunk, _, callback) {
    this.#response.send([chunk], callback);
  }

  _writev(entries, callback) {
    this.#response.send(
      entries.map((entry) => entry.chunk),
      callback
    );
  }

  _final(callback) {
    this.#response.finish(this.#response.failure, callback);
  }
}

function bytesOrText(chunk) {
  return typeof chunk === "string" || chunk instanceof Uint8Array ? chunk : JSON.stringify(chunk);
}

/**
 * One invocation of a streaming handler, from the call to the platform's answer.
 *
 * Over when the handler has settled and the response is answered, so a handler that never ends its stream runs into
 * its timeout, as on AWS.
 */
class StreamedInvocation {
  /** `done(error, told)` is called once, with null or what failed, and whether the platform knows of it. */
  constructor(address, id, options, done) {
    this.done = done;
    this.answer = null;
    this.settled = false;
    this.error = null;
    this.response = new StreamedResponse(address, `invocation/${id}/response`, (status, text) => {
      this.answer = status;
      if (status !== 202 || !this.response.ended) {
        const error = new Error(`The response stream was refused: ${status} ${text}`);
        if (this.error === null) this.error = error;
        this.stream.destroy(error);
      }
      this.advance();
    });
    this.stream = new ResponseStream(this.response, options);
  }

  call(handler, event, context) {
    const returned = handler(event, this.stream, context);
    if (!returned || typeof returned.then !== "function") {
      throw new Error("Streaming does not support non-async handlers.");
    }
    returned.then(
      (result) => {
        if (result !== undefined) console.warn("Streaming handlers ignore return values.");
        this.settled = true;
        const isOpen = this.answer === null || !this.response.touched;
        if (this.stream.destroyed && !this.response.ended && isOpen) {
          this.fail(this.stream.errored || new Error("Response stream is not finished."));
        } else {
          this.advance();
        }
      },
      (error) => this.fail(error)
    );
  }

  /** The handler, or code that it left running, failed with `error`. */
  fail(error) {
    this.settled = true;
    if (this.error === null) this.error = error === undefined || error === null ? asError(error) : error;
    if (!this.response.touched) {
      this.response.abandon();
      this.stream.destroy();
      this.over(false);
      return;
    }
    if (this.answer === null && !this.response.ended && !this.stream.writableEnded) {
      this.response.failure = errorPayload(this.error);
      // After what the handler has written, unless it gave that up.
      if (this.stream.destroyed) this.response.finish(this.response.failure, () => {});
      else this.stream.end();
    }
    this.advance();
  }

  advance() {
    if (this.settled && this.answer !== null) this.over(true);
  }

  over(told) {
    const done = this.done;
    this.done = () => {};
    done(this.error, told);
  }
}

module.exports = { StreamedInvocation };
