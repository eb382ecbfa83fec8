// SPDX-License-Identifier: Apache-2.0
// The list of functions.

import { all, usage } from "./api.js";
import { badge, empty, h, link, replace, table } from "./dom.js";
import { ago, bytes, count, date } from "./format.js";

export const hashOf = (name, tab = "") => `/functions/${encodeURIComponent(name)}${tab && `/${tab}`}`;

/** Requests and errors of each function in the month that is now; nothing where the key may not see them. */
async function uses(signal) {
  const found = new Map();
  try {
    for (const line of await usage(undefined, { signal })) {
      const sum = found.get(line.function) ?? { requests: 0, errors: 0 };
      sum.requests += line.requests;
      sum.errors += line.errors + line.timeouts;
      found.set(line.function, sum);
    }
    return found;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return undefined;
  }
}

export async function functionsView({ signal }) {
  const [functions, used] = await Promise.all([
    all("/2015-03-31/functions/", "Functions", { query: { MaxItems: 50 }, pages: 40, signal }), uses(signal),
  ]);
  const head = h("div", { class: "head" }, h("h1", {}, "Functions"),
    link("Create function", "/deploy", { class: "button primary", id: "create-function" }));
  if (functions.length === 0) {
    return h("div", {}, head, empty("No functions yet.",
      h("p", {}, "Upload a zip or a folder here, or use ", h("code", {}, "martlet deploy"), ", the AWS CLI or SAM.")));
  }
  const place = h("div", {});
  const shown = h("p", { class: "hint", role: "status" });
  const filter = h("input", { type: "search", id: "filter", placeholder: "Filter by name or runtime", "aria-label": "Filter functions" });
  const columns = [
    { name: "Name", value: (item) => [link(item.FunctionName, hashOf(item.FunctionName)), stateOf(item)] },
    { name: "Runtime", value: (item) => item.Runtime ?? item.PackageType ?? "–" },
    { name: "Memory", number: true, value: (item) => `${item.MemorySize} MB` },
    { name: "Timeout", number: true, value: (item) => `${item.Timeout} s` },
    { name: "Code", number: true, value: (item) => bytes(item.CodeSize) },
    ...(used ? [
      { name: "Invocations", number: true, value: (item) => count(used.get(item.FunctionName)?.requests) },
      { name: "Errors", number: true, value: (item) => errors(used.get(item.FunctionName)) },
    ] : []),
    { name: "Modified", value: (item) => h("time", { title: date(item.LastModified) }, ago(item.LastModified)) },
  ];
  const fill = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter((word) => word);
    const matching = functions.filter((item) => words.every((word) =>
      `${item.FunctionName} ${item.Runtime ?? ""}`.toLowerCase().includes(word)));
    replace(place, matching.length ? table("Functions", columns, matching) : empty("No function matches."));
    shown.textContent = `${count(matching.length)} of ${count(functions.length)} functions`
      + (used ? "; invocations and errors of this month (UTC)" : "");
  };
  filter.addEventListener("input", fill);
  functions.sort((one, other) => (one.FunctionName < other.FunctionName ? -1 : 1));
  fill();
  return h("div", {}, head, h("div", { class: "tools" }, filter), place, shown);
}

const errors = (sum) => (sum?.errors ? h("span", { class: "alarming" }, count(sum.errors)) : "0");

export function stateOf(configuration) {
  if (configuration.State === "Failed" || configuration.LastUpdateStatus === "Failed") return badge("Failed", "bad");
  if (configuration.State === "Pending" || configuration.LastUpdateStatus === "InProgress") return badge("Pending", "busy");
  if (configuration.State === "Inactive") return badge("Inactive");
  return null;
}
