// SPDX-License-Identifier: Apache-2.0
//
// A process that is started before it is known whose it will be: does what needs no function, waits, becomes one's.
"use strict";

const fs = require("fs");

/** A socket; after the standard streams and the log. */
const CHANNEL = 4;
const VARIABLES_BYTES_MAX = 64 * 1024;
// What most functions load, by themselves or by the AWS SDK.
const USUAL = [
  "async_hooks", "child_process", "crypto", "dns", "events", "fs/promises", "http", "https", "os", "path", "process",
  "querystring", "stream", "stream/promises", "string_decoder", "timers/promises", "tls", "url", "util", "zlib",
];

/**
 * Calls `then` when it is known whose process this is, with the function's variables in place; `enter` has to follow.
 *
 * `practise` goes through an initialisation and an invocation: V8 compiles a function when it is first called.
 */
async function wait(connection, practise, then) {
  USUAL.forEach((name) => require(name));
  const block = environmentBlock();
  // All once: the text that they were given as is in the block, which is written over. When time counts only those are set
  // that change; of TZ alone that would take Node.js a millisecond.
  setVariables(Buffer.from(Object.entries(process.env).map(([name, value]) => `${name}=${value}\0`).join("")), () => true);
  // The loader of ES modules starts with its first use. Not with a file's: it would be read by libuv's threads, whose number the
  // function may want to set before they start.
  await import("node:path");
  await new Promise((resolve) => {
    if (connection.socket.connecting) connection.socket.once("connect", resolve);
    else resolve();
  });
  await practise();
  setImmediate(() => {
    fs.writeSync(CHANNEL, "ready");
    const variables = hear();
    setVariables(variables, (was, is) => was !== is);
    replaceBlock(block, variables);
    then();
  });
}

/** Returns when the function's code is in place, and this process in it. */
function enter() {
  hear();
  fs.closeSync(CHANNEL);
  for (const name of [__filename, require.resolve("./practice.cjs")]) delete require.cache[name];
  process.chdir(process.env.LAMBDA_TASK_ROOT || "/var/task");
}

function hear() {
  const buffer = Buffer.alloc(VARIABLES_BYTES_MAX);
  const length = fs.readSync(CHANNEL, buffer, 0, buffer.length, null);
  // Nobody has use for it.
  if (length === 0) process.exit(0);
  return buffer.subarray(0, length);
}

/** Makes the process's variables those of `block`; sets those that `isToBeSet` says so of. */
function setVariables(block, isToBeSet) {
  const given = new Map();
  for (const item of block.toString("utf8").split("\0")) {
    const equals = item.indexOf("=");
    if (equals > 0) given.set(item.slice(0, equals), item.slice(equals + 1));
  }
  const environment = process.env;
  for (const name of Object.keys(environment)) {
    if (!given.has(name)) delete environment[name];
  }
  for (const [name, value] of given) {
    if (isToBeSet(environment[name], value)) environment[name] = value;
  }
}

/**
 * Where the kernel shows the process's variables, in /proc/PID/environ: as it was started with, unless written over.
 *
 * Null on a kernel that forbids it: what is shown there is nothing of any function's then.
 */
function environmentBlock() {
  try {
    const stat = fs.readFileSync("/proc/self/stat", "latin1");
    // proc_pid_stat(5): env_start and env_end are 50 and 51; the second field may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const start = Number(fields[47]);
    return { start, room: Number(fields[48]) - start, memory: fs.openSync("/proc/self/mem", "r+") };
  } catch {
    return null;
  }
}

function replaceBlock(block, variables) {
  if (block === null) return;
  try {
    const content = Buffer.alloc(block.room);
    if (variables.length <= block.room) {
      variables.copy(content);
      fs.writeSync(block.memory, content, 0, content.length, block.start);
    }
  } catch {
    // As above.
  } finally {
    fs.closeSync(block.memory);
  }
}

module.exports = { enter, wait };
