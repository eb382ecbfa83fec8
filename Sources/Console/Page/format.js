// SPDX-License-Identifier: Apache-2.0
// Numbers and times as people read them.

export const count = (value) => Number(value ?? 0).toLocaleString("en-US");

export function bytes(value) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let index = 0;
  for (value = Number(value ?? 0); value >= 1024 && index < units.length - 1; index++) value /= 1024;
  return `${index === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[index]}`;
}

export function milliseconds(value) {
  if (value === undefined || value === null || Number.isNaN(value)) return "–";
  if (value === 0) return "0 ms";
  if (value < 10) return `${value.toFixed(2)} ms`;
  if (value < 1_000) return `${value.toFixed(value < 100 ? 1 : 0)} ms`;
  if (value < 60_000) return `${(value / 1_000).toFixed(2)} s`;
  return `${Math.floor(value / 60_000)} min ${Math.round((value % 60_000) / 1_000)} s`;
}

export const dollars = (value) => `$${value.toFixed(value !== 0 && value < 0.1 ? 6 : 2)}`;

const pad = (value, width = 2) => String(value).padStart(width, "0");

/** Lambda's `2026-01-31T08:00:00.000+0000`, seconds since 1970, or milliseconds. */
export function moment(value) {
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value === "number") return new Date(value < 1e11 ? value * 1_000 : value);
  return new Date(value.replace(/([+-]\d\d)(\d\d)$/, "$1:$2"));
}

/** In the reader's own time zone. */
export function date(value) {
  const time = moment(value);
  if (!time || Number.isNaN(time.getTime())) return "–";
  return `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())} ${clock(time)}`;
}

export function clock(time, withMilliseconds = false) {
  const text = `${pad(time.getHours())}:${pad(time.getMinutes())}:${pad(time.getSeconds())}`;
  return withMilliseconds ? `${text}.${pad(time.getMilliseconds(), 3)}` : text;
}

export function ago(value) {
  const time = moment(value);
  if (!time || Number.isNaN(time.getTime())) return "–";
  const seconds = (Date.now() - time.getTime()) / 1_000;
  if (seconds < 60) return "just now";
  for (const [size, name] of [[86_400, "day"], [3_600, "hour"], [60, "minute"]]) {
    const number = Math.floor(seconds / size);
    if (number >= 1) return number > 30 ? date(value).slice(0, 10) : `${number} ${name}${number === 1 ? "" : "s"} ago`;
  }
  return "just now";
}

/** A time as `<input type="datetime-local">` has it. */
export const local = (time) =>
  `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())}T${pad(time.getHours())}:${pad(time.getMinutes())}`;

/** JSON with line breaks, where it is JSON and not too long to be read anyway. */
export function pretty(text) {
  if (text.length > 1_000_000) return text;
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

/** The last part of an ARN. */
export const tail = (arn) => String(arn ?? "").split(/[:/]/).pop();
