// SPDX-License-Identifier: Apache-2.0
// One function: its tabs.

import { all, functionPath, lambda } from "./api.js";
import { badge, button, confirm, failure, h, link, notice, replace } from "./dom.js";
import { configurationTab, versionsTab } from "./configuration.js";
import { hashOf, stateOf } from "./functions.js";
import { invokeTab } from "./invoke.js";
import { logsTab } from "./logs.js";
import { monitorTab } from "./monitor.js";
import { date } from "./format.js";
import { mappingsTab } from "./sources.js";
import { budgets, useOf } from "./usage.js";

const tabs = [
  ["", "Monitor"], ["invoke", "Invoke"], ["logs", "Logs"], ["configuration", "Configuration"], ["versions", "Versions"], ["sources", "Sources"],
];

/** Stops new invocations of a function, by a reserved concurrency of 0, and lets them in again. */
function brake(name, reserved, refresh) {
  const problem = h("div", {});
  const attempt = (act) => async () => {
    try {
      if (await act()) refresh();
    } catch (error) {
      replace(problem, failure(error));
    }
  };
  const stop = button("Stop", attempt(async () => {
    if (!await confirm(`Stop ${name}?`, "New invocations are refused until it is let in again; what runs goes on to its end.", "Stop")) return false;
    await lambda("PUT", functionPath(name, "/concurrency", "/2017-10-31/functions"), { input: { ReservedConcurrentExecutions: 0 } });
    return true;
  }), { class: "danger", id: "stop" });
  const start = button("Let in again", attempt(async () => {
    await lambda("DELETE", functionPath(name, "/concurrency", "/2017-10-31/functions"));
    return true;
  }), { id: "start" });
  return [reserved === 0 ? start : stop, problem];
}

export async function functionView(context) {
  const { parts: [, name, tab = ""], query, signal, refresh } = context;
  const qualifier = query.get("qualifier") ?? "$LATEST";
  const named = { Qualifier: qualifier === "$LATEST" ? undefined : qualifier };
  const optional = (promise, other) => promise.catch((error) => {
    if (error.name === "AbortError") throw error;
    return other;
  });
  const [configuration, versions, aliases, concurrency] = await Promise.all([
    lambda("GET", functionPath(name, "/configuration"), { query: named, signal }),
    optional(all(functionPath(name, "/versions"), "Versions", { signal }), []),
    optional(all(functionPath(name, "/aliases"), "Aliases", { signal }), []),
    optional(lambda("GET", functionPath(name, "/concurrency", "/2019-09-30/functions"), { signal }), {}),
  ]);
  const reserved = concurrency?.ReservedConcurrentExecutions;
  const reached = reserved === 0 ? (await optional(budgets({ signal }), [])).filter((budget) => budget.StoppedFunctions.includes(name)) : [];
  const inner = { ...context, versions, aliases, qualifier, qualifiers: [...new Set(["$LATEST", ...aliases.map((alias) => alias.Name),
    ...versions.map((version) => version.Version)])] };
  let content;
  switch (tab) {
    case "": content = monitorTab(configuration, inner); break;
    case "invoke": content = invokeTab(configuration, inner); break;
    case "logs": content = logsTab(configuration, inner); break;
    case "configuration": content = await configurationTab(configuration, inner); break;
    case "versions": content = await versionsTab(configuration, inner); break;
    case "sources": content = await mappingsTab(inner, name); break;
    default: content = failure({ name: "No such tab", message: tab });
  }
  return h("div", {},
    h("p", { class: "crumbs" }, link("Functions", "/functions")),
    h("div", { class: "head" },
      h("div", {}, h("h1", {}, name),
        h("p", { class: "hint" }, [configuration.Runtime ?? configuration.PackageType, `${configuration.MemorySize} MB`, `${configuration.Timeout} s`].join(" · "), " ",
          qualifier !== "$LATEST" && badge(`${qualifier} → version ${configuration.Version}`), stateOf(configuration),
          reserved === 0 ? badge("Stopped", "bad") : reserved !== undefined && badge(`${reserved} at once`))),
      h("div", { class: "actions" }, brake(name, reserved, refresh))),
    h("nav", { class: "tabs", "aria-label": name }, tabs.map(([path, title]) =>
      link(title, hashOf(name, path), { id: `tab-${path || "monitor"}`, "aria-current": path === tab ? "page" : undefined }))),
    reached.map((budget) => notice(h("strong", {}, "Stopped by a budget. "), "Of ", link(budget.Name, "/usage"), ", ",
      `${useOf(budget)} are used. The function is let in again on ${date(budget.PeriodEnd).slice(0, 16)}, with a higher limit, without the budget, or by hand.`)),
    content);
}
