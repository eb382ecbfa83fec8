// SPDX-License-Identifier: Apache-2.0
// What ran in a month, and what AWS would charge for it.

import { lambda, usage } from "./api.js";
import { badge, button, empty, failure, h, link, replace, table } from "./dom.js";
import { bytes, count, dollars, milliseconds } from "./format.js";
import { hashOf } from "./functions.js";

// As `martlet usage` has them: docs/billing.md.
const perRequest = 0.2 / 1e6;
const perGBSecond = (architecture) => (architecture === "arm64" ? 0.0000133334 : 0.0000166667);
const price = (line) => line.requests * perRequest + line.gbSeconds * perGBSecond(line.architecture);

const fraction = (value) => value.toLocaleString("en-US", { minimumFractionDigits: 3, maximumFractionDigits: 3 });
const monthOf = (time) => time.toISOString().slice(0, 7);

/** What functions may use, and how it stands; nothing where there are no budgets. */
async function budgets(signal) {
  let found;
  try {
    found = (await lambda("GET", "/_martlet/budgets", { signal })).Budgets;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return undefined;
  }
  if (!found?.length) return undefined;
  const words = { requests: "requests", "gb-seconds": "GB-seconds", usd: "dollars" };
  return [h("h2", {}, "Budgets"), table("Budgets", [
    { name: "Budget", value: (item) => item.Name },
    { name: "For", value: (item) => (item.Function ? link(item.Function, hashOf(item.Function)) : `${item.TagKey}=${item.TagValue}`) },
    { name: "Used", number: true, value: (item) => item.Used },
    { name: "Limit", number: true, value: (item) => `${item.Limit} ${words[item.Unit] ?? item.Unit} a ${item.Period}` },
    { name: "State", value: (item) => (item.IsReached ? badge("reached", "bad") : badge("within", "good")) },
    { name: "Then", value: (item) => (item.StoppedFunctions?.length ? `stopped: ${item.StoppedFunctions.join(", ")}` : item.Action) },
  ], found)];
}

export async function usageView({ signal }) {
  const month = h("input", { type: "month", id: "month", value: monthOf(new Date()), pattern: "[0-9]{4}-[0-9]{2}", "aria-label": "Month" });
  const place = h("div", {});
  const load = async () => {
    let lines;
    try {
      lines = await usage(month.value, { signal });
    } catch (error) {
      if (error.name !== "AbortError") replace(place, failure(error));
      return;
    }
    if (lines.length === 0) {
      replace(place, empty("Nothing ran in this month, so there is nothing to pay."));
      return;
    }
    const sum = (value) => lines.reduce((total, line) => total + value(line), 0);
    lines.sort((one, other) => price(other) - price(one));
    replace(place,
      h("dl", { class: "tiles" }, [
        ["Price", dollars(sum(price))], ["Requests", count(sum((line) => line.requests))],
        ["GB-seconds", fraction(sum((line) => line.gbSeconds))], ["Billed", milliseconds(sum((line) => line.billedMilliseconds))],
        ["Errors", count(sum((line) => line.errors + line.timeouts))], ["Egress", bytes(sum((line) => line.egressBytes))],
      ].map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
      table("Usage by function and version", [
        { name: "Function", value: (line) => link(line.function, hashOf(line.function)) },
        { name: "Version", value: (line) => line.version },
        { name: "Memory", number: true, value: (line) => `${line.memoryMiB} MB` },
        { name: "Requests", number: true, value: (line) => count(line.requests) },
        { name: "Errors", number: true, value: (line) => count(line.errors + line.timeouts) },
        { name: "Billed", number: true, value: (line) => milliseconds(line.billedMilliseconds) },
        { name: "GB-seconds", number: true, value: (line) => fraction(line.gbSeconds) },
        { name: "Price", number: true, value: (line) => dollars(price(line)) },
      ], lines));
  };
  month.addEventListener("change", load);
  const [limits] = await Promise.all([budgets(signal), load()]);
  return h("div", {}, h("div", { class: "head" }, h("h1", {}, "Usage")),
    h("div", { class: "tools" }, month, button("Refresh", load)), place, limits,
    h("p", { class: "hint" }, "A calendar month in UTC. Prices are AWS's of us-east-1, first tier, without the free tier: $0.20 for a million requests, "
      + "$0.0000166667 for a GB-second (arm64: $0.0000133334). Nothing is charged here."));
}
