// SPDX-License-Identifier: Apache-2.0
// The same operations as any SDK calls, under /console/api: the session stands in for the signature.

export class ApiError extends Error {
  constructor(status, name, message) {
    super(message);
    this.status = status;
    this.name = name;
  }

  /** Whether it is the key that may not: asked again, the answer is the same. */
  get isRefusal() {
    return this.status === 403 || this.name.includes("AccessDenied");
  }
}

/** Told when the session is over. */
export const session = new EventTarget();

async function send(method, path, { query, body, headers, background, signal } = {}) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== "") parameters.append(name, value);
  }
  const address = parameters.size ? `${path}?${parameters}` : path;
  let response;
  try {
    response = await fetch(address, {
      method, body, signal, cache: "no-store", credentials: "same-origin", redirect: "error",
      headers: { "X-Martlet-Console": background ? "background" : "user", ...headers },
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "No answer", "The server can't be reached.");
  }
  if (response.status === 401) session.dispatchEvent(new Event("over"));
  return response;
}

async function refusal(response) {
  const text = await response.text();
  let message = text.slice(0, 2_000);
  let name = response.headers.get("x-amzn-ErrorType");
  try {
    const members = JSON.parse(text);
    message = members.message ?? members.Message ?? message;
    name ??= members.__type?.split("#").pop();
  } catch { /* The text itself is what there is to say. */ }
  return new ApiError(response.status, name ?? `HTTP ${response.status}`, message || "There is no reason given.");
}

async function json(method, path, options = {}) {
  const headers = { ...options.headers };
  if (options.input !== undefined) {
    options.body = JSON.stringify(options.input);
    headers["Content-Type"] ??= "application/json";
  }
  const response = await send(method, path, { ...options, headers });
  if (!response.ok) throw await refusal(response);
  const text = await response.text();
  return text === "" ? undefined : JSON.parse(text);
}

export const signIn = (key, secret, region) => json("POST", "/console/session",
  { input: { AccessKeyId: key, SecretAccessKey: secret, Region: region } });
export const signOut = () => json("DELETE", "/console/session");
export const whoIs = () => json("GET", "/console/session");

const API = "/console/api";

/** A call of Lambda's REST API. */
export const lambda = (method, path, options) => json(method, `${API}${path}`, options);

const functions = "/2015-03-31/functions";
/** The path of a function, or of something below it. */
export const functionPath = (name, rest = "", version = functions) => `${version}/${encodeURIComponent(name)}${rest}`;

/** Everything of a list that comes in pages, up to a number of them. */
export async function all(path, member, { query = {}, pages = 20, ...options } = {}) {
  const found = [];
  let marker;
  for (let page = 0; page < pages; page++) {
    const answer = await lambda("GET", path, { ...options, query: { ...query, Marker: marker } });
    found.push(...(answer[member] ?? []));
    marker = answer.NextMarker;
    if (!marker) break;
  }
  return found;
}

/** An operation of a service that speaks JSON and names its operations in a header. */
const service = (prefix, version) => (operation, input, options = {}) => json("POST", `${API}/`, {
  ...options, input, headers: { "X-Amz-Target": `${prefix}.${operation}`, "Content-Type": `application/x-amz-json-${version}` },
});
export const logs = service("Logs_20140328", "1.1");
export const sqs = service("AmazonSQS", "1.0");
export const kinesis = service("Kinesis_20131202", "1.1");
export const cloudWatch = service("GraniteServiceVersion20100801", "1.0");

/** Invokes; what came back, with its headers. */
export async function invoke(name, { qualifier, type, payload, signal }) {
  const started = performance.now();
  const response = await send("POST", `${API}${functionPath(name, "/invocations")}`, {
    query: { Qualifier: qualifier }, body: payload, signal,
    headers: { "X-Amz-Invocation-Type": type, "X-Amz-Log-Type": "Tail", "Content-Type": "application/json" },
  });
  if (!response.ok) throw await refusal(response);
  const text = await response.text();
  const log = response.headers.get("X-Amz-Log-Result");
  return {
    status: response.status, text, took: performance.now() - started,
    error: response.headers.get("X-Amz-Function-Error"), version: response.headers.get("X-Amz-Executed-Version"),
    requestID: response.headers.get("x-amzn-RequestId"),
    log: log === null ? "" : new TextDecoder().decode(Uint8Array.from(atob(log), (character) => character.charCodeAt(0))),
  };
}

/** The lines of a month's usage; undefined where the key may not see it. */
export async function usage(month, options = {}) {
  const response = await send("GET", `${API}/_martlet/usage`, { query: { month }, ...options });
  if (!response.ok) throw await refusal(response);
  return (await response.text()).split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** Bytes as base64, in pieces that fit a call. */
export function base64(bytes) {
  let text = "";
  for (let start = 0; start < bytes.length; start += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  }
  return btoa(text);
}

/** Waits until a function is ready to be used; the configuration as it is then. */
export async function settled(name, { signal } = {}) {
  for (let attempt = 0; ; attempt++) {
    const shown = await lambda("GET", functionPath(name, "/configuration"), { signal });
    const isBusy = shown.State === "Pending" || shown.LastUpdateStatus === "InProgress";
    if (!isBusy || attempt > 600) return shown;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
