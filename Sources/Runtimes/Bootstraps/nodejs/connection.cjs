// SPDX-License-Identifier: Apache-2.0
//
// Connections to the Runtime API.
"use strict";

const net = require("net");

const API = "/2018-06-01/runtime/";
const HEAD_BYTES_MAX = 256 * 1024;
const BODY_BYTES_MAX = 64 * 1024 * 1024;

class RuntimeAPIError extends Error {}

/** One HTTP/1.1 connection; requests may be pipelined, and answers come in their order. */
class Connection {
  /**
   * `failed` is called with what was wrong with an answer, or with null when the connection is gone; `socket` is one that is there
   * already.
   */
  constructor(address, failed, socket) {
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
    this.socket = socket || net.connect({ host, port: Number(address.slice(colon + 1)), noDelay: true });
    this.socket.setNoDelay(true);
    this.socket.on("data", (data) => this.received(data));
    // The platform's side is gone: it is ending this environment, and nobody is left to tell.
    this.socket.on("end", () => this.failed(null));
    this.socket.on("error", () => this.failed(null));
  }

  get(name) {
    return Buffer.from(`GET ${API}${name} HTTP/1.1\r\n${this.common}\r\n`, "latin1");
  }

  /** The first lines of a POST. */
  postLine(name) {
    return `POST ${API}${name} HTTP/1.1\r\n${this.common}`;
  }

  post(name, body, errorType) {
    const payload = Buffer.from(body, "utf8");
    const extra = errorType ? `Lambda-Runtime-Function-Error-Type: ${headerValue(errorType)}\r\n` : "";
    const head =
      `${this.postLine(name)}Content-Type: application/json\r\n${extra}` +
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

module.exports = { Connection, RuntimeAPIError, headerValue };
