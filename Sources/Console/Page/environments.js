// SPDX-License-Identifier: Apache-2.0
// The execution environments that are alive, and what functions have done in the last ten seconds.

import { lambda } from "./api.js";
import { badge, empty, failure, h, link, repeat, replace, table } from "./dom.js";
import { count, milliseconds } from "./format.js";
import { hashOf } from "./functions.js";

const every = 2_000;
const kinds = { busy: "busy", idle: "good", starting: "busy" };

const functionLink = (item) => link(item.FunctionName, hashOf(item.FunctionName));

const ofFunctions = [
  { name: "Function", value: functionLink },
  { name: "Running", number: true, value: (item) => count(item.ConcurrentExecutions) },
  { name: "Environments", value: (item) => Object.entries(item.Environments ?? {}).sort()
    .map(([state, number]) => badge(`${count(number)} ${state}`, kinds[state])) },
  { name: "Per second", number: true, value: (item) => count(item.InvocationsPerSecond) },
  { name: "Errors", number: true, value: (item) => (item.Errors ? h("span", { class: "alarming" }, count(item.Errors)) : "0") },
  { name: "Median", number: true, value: (item) => milliseconds(item.DurationMedianMs) },
  { name: "95th percentile", number: true, value: (item) => milliseconds(item.Duration95thPercentileMs) },
];

const ofEnvironments = [
  { name: "Environment", value: (item) => String(item.EnvironmentId) },
  { name: "Function", value: functionLink },
  { name: "Version", value: (item) => item.Version },
  { name: "State", value: (item) => [badge(item.State, kinds[item.State]), item.IsProvisioned && badge("provisioned")] },
  { name: "Memory", number: true, value: (item) => `${count(item.MemoryMiB)} MB` },
  { name: "Counts for", number: true, value: (item) => `${count(item.ReckonedMemoryMiB)} MB` },
  { name: "Log stream", value: (item) => h("code", {}, item.LogStreamName) },
];

function picture(answer) {
  const { Functions: functions = [], Environments: environments = [] } = answer;
  return [
    h("dl", { class: "tiles" }, [
      ["Environments", `${count(environments.length)}${answer.IsTruncated ? "+" : ""}`],
      ["Running invocations", count(functions.reduce((sum, item) => sum + item.ConcurrentExecutions, 0))],
      // Only an administrator is told of the machine.
      ...("MemoryMaxMiB" in answer
        ? [["Memory in use", `${count(answer.MemoryInUseMiB)} MB`], ["Memory limit", `${count(answer.MemoryMaxMiB)} MB`]]
        : []),
    ].map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    h("h2", {}, "Functions"),
    functions.length ? table("Functions", ofFunctions, functions) : empty("No function has run lately."),
    h("h2", {}, "Environments"),
    environments.length ? table("Environments", ofEnvironments, environments) : empty("No environment is alive."),
  ];
}

export async function environmentsView({ signal }) {
  const place = h("div", {});
  const load = repeat({
    every, signal, failed: (error) => replace(place, failure(error)),
    read: async (background, mayShow) => {
      const answer = await lambda("GET", "/_martlet/environments", { signal, background });
      if (mayShow(place)) replace(place, picture(answer));
    },
  });
  await load();
  return h("div", {}, h("div", { class: "head" }, h("h1", {}, "Environments")), place,
    h("p", { class: "hint" }, `Read anew every ${every / 1_000} seconds.`));
}
