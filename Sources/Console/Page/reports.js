// SPDX-License-Identifier: Apache-2.0
// REPORT lines of a function's log.

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
