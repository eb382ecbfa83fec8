// SPDX-License-Identifier: Apache-2.0
// REPORT lines of a function's log, and what they add up to over time.

import { logs } from "./api.js";

/** No more reports than that are looked at for one picture. */
export const reportsMax = 20_000;
const pagesMax = 40;

const number = (text, name) => {
  const found = text.match(new RegExp(`(?:^|\\t)${name}: ([0-9.]+) `));
  return found ? Number(found[1]) : undefined;
};

/** A REPORT line, of either log format; undefined for any other. */
export function report(text) {
  if (text.startsWith("REPORT RequestId: ")) {
    return {
      requestID: text.slice(18).split(/\s/)[0],
      duration: number(text, "Duration"), billed: number(text, "Billed Duration"), memory: number(text, "Memory Size"),
      used: number(text, "Max Memory Used"), init: number(text, "Init Duration"), restore: number(text, "Restore Duration"),
      status: text.match(/\tStatus: (\w+)/)?.[1], errorType: text.match(/\tError Type: (\S+)/)?.[1],
    };
  }
  if (!text.startsWith("{") || !text.includes("platform.report")) return undefined;
  try {
    const line = JSON.parse(text);
    const { record } = line;
    if (line.type !== "platform.report" || typeof record.metrics.durationMs !== "number") return undefined;
    return {
      requestID: record.requestId, duration: record.metrics.durationMs, billed: record.metrics.billedDurationMs,
      memory: record.metrics.memorySizeMB, used: record.metrics.maxMemoryUsedMB, init: record.metrics.initDurationMs,
      restore: record.metrics.restoreDurationMs, status: record.status === "success" ? undefined : record.status,
      errorType: record.errorType,
    };
  } catch {
    return undefined;
  }
}

/** Whether a line is a runtime's word that the handler failed: a REPORT in text does not say so. */
const saysFailed = (text) => text.startsWith("[ERROR] ") || text.includes("\tERROR\tInvoke Error") || text.includes("\tERROR\tUncaught");

const pattern = '?"REPORT RequestId" ?"[ERROR]" ?"Invoke Error" ?"Uncaught" ?"platform.report"';

/**
 * The reports of a group between two times, in milliseconds since 1970, and whether there are more.
 *
 * A log group that several functions share has the function's name in its streams'.
 */
export async function reports(group, from, to, { signal, background } = {}) {
  const found = [];
  const failed = new Set();
  let nextToken;
  for (let page = 0; page < pagesMax; page++) {
    let answer;
    try {
      answer = await logs("FilterLogEvents", {
        logGroupName: group, startTime: Math.floor(from), endTime: Math.ceil(to), filterPattern: pattern, limit: 10_000, nextToken,
      }, { signal, background });
    } catch (error) {
      if (error.name === "ResourceNotFoundException") return { reports: [], isWhole: true };
      throw error;
    }
    for (const event of answer.events) {
      const line = report(event.message);
      if (!line) {
        if (saysFailed(event.message)) failed.add(event.logStreamName);
        continue;
      }
      const hasFailed = failed.delete(event.logStreamName) || line.status !== undefined;
      if (line.duration !== undefined) found.push({ ...line, at: event.timestamp, hasFailed });
    }
    nextToken = answer.nextToken;
    if (!nextToken) return { reports: found, isWhole: true };
    if (found.length >= reportsMax) break;
  }
  return { reports: found, isWhole: false };
}

const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];

/** Equal spans of time with what happened in each. */
export function series(found, from, to, count) {
  const step = (to - from) / count;
  const spans = Array.from({ length: count }, (_, index) => ({
    from: from + index * step, to: from + (index + 1) * step, invocations: 0, errors: 0, cold: 0, durations: [], most: 0,
  }));
  const place = (time) => Math.min(count - 1, Math.max(0, Math.floor((time - from) / step)));
  const edges = [];
  for (const line of found) {
    const span = spans[place(line.at)];
    span.invocations++;
    if (line.hasFailed) span.errors++;
    if (line.init !== undefined || line.restore !== undefined) span.cold++;
    span.durations.push(line.duration);
    edges.push([line.at - line.duration, 1], [line.at, -1]);
  }
  // Of what ends and begins at one time, the end comes first.
  edges.sort((one, other) => one[0] - other[0] || one[1] - other[1]);
  let running = 0;
  let reached = 0;
  for (const [time, change] of edges) {
    const index = place(time);
    for (; reached < index; reached++) spans[reached + 1].most = Math.max(spans[reached + 1].most, running);
    running += change;
    spans[index].most = Math.max(spans[index].most, running);
  }
  for (const span of spans) {
    const sorted = span.durations.sort((one, other) => one - other);
    span.percentiles = sorted.length ? { p50: at(sorted, 0.5), p90: at(sorted, 0.9), p99: at(sorted, 0.99) } : undefined;
    delete span.durations;
  }
  return { spans, step };
}

/** The same of all of them together. */
export function summary(found) {
  const sorted = found.map((line) => line.duration).sort((one, other) => one - other);
  return {
    invocations: found.length, errors: found.filter((line) => line.hasFailed).length,
    cold: found.filter((line) => line.init !== undefined || line.restore !== undefined).length,
    p50: at(sorted, 0.5), p99: at(sorted, 0.99),
    used: found.reduce((most, line) => Math.max(most, line.used ?? 0), 0),
  };
}
