// SPDX-License-Identifier: Apache-2.0
// What ran in a month, and what AWS would charge for it.

import { all, lambda, usage } from "./api.js";
import { announce, badge, button, confirm, empty, failure, field, h, link, repeat, replace, table } from "./dom.js";
import { bytes, count, date, dollars, milliseconds } from "./format.js";
import { deed } from "./deploy.js";
import { hashOf } from "./functions.js";

const path = "/_martlet/budgets";
const budgetsEvery = 5_000;

// As `martlet usage` has them: docs/billing.md. Dollars a request and a GB-second.
const perRequest = 0.2 / 1e6;
const perTmpGBSecond = 0.0000000309;
const perGBSecond = {
  x86_64: { onDemand: 0.0000166667, inProvisioned: 0.0000097222, provisioned: 0.0000041667 },
  arm64: { onDemand: 0.0000133334, inProvisioned: 0.0000077778, provisioned: 0.0000033334 },
};

function price(line) {
  const prices = perGBSecond[line.architecture] ?? perGBSecond.x86_64;
  const inProvisioned = (line.memoryMiB * line.provisionedBilledMilliseconds) / 1_024_000;
  return line.requests * perRequest + (line.gbSeconds - inProvisioned) * prices.onDemand + inProvisioned * prices.inProvisioned
    + line.provisionedGBSeconds * prices.provisioned + line.ephemeralGBSeconds * perTmpGBSecond;
}

const fraction = (value) => value.toLocaleString("en-US", { minimumFractionDigits: 3, maximumFractionDigits: 3 });
const monthOf = (time) => time.toISOString().slice(0, 7);

/** `12 of 40 requests a day`. */
export function useOf({ Used: used, Limit: limit, Unit: unit, Period: period }) {
  const plain = (value) => Number(value).toLocaleString("en-US", { maximumFractionDigits: 3 });
  switch (unit) {
    case "usd": return `${dollars(Number(used))} of ${dollars(Number(limit))} a ${period}`;
    case "gb-seconds": return `${plain(used)} of ${plain(limit)} GB-seconds a ${period}`;
    default: return `${plain(used)} of ${plain(limit)} requests a ${period}`;
  }
}

/** What functions may use, and how it stands. */
export const budgets = async (options) => (await lambda("GET", path, options)).Budgets;

function budgetTable(found, attempt) {
  const share = (item) => Math.min(1, Number(item.Limit) > 0 ? Number(item.Used) / Number(item.Limit) : 1);
  return table("Budgets", [
    { name: "Budget", value: (item) => item.Name },
    { name: "For", value: (item) => (item.Function ? link(item.Function, hashOf(item.Function)) : `${item.TagKey}=${item.TagValue}`) },
    { name: "Used", value: (item) => h("div", {}, useOf(item),
      h("progress", { class: item.IsReached && "reached", max: 1, value: share(item), "aria-label": `Used of ${item.Name}` })) },
    { name: "State", value: (item) => [item.IsReached ? badge("Reached", "bad") : badge("Within", "good"),
      item.StoppedFunctions.length > 0 && ["Stopped: ", item.StoppedFunctions.map((name, index) => [index > 0 && ", ", link(name, hashOf(name))])]] },
    { name: "Action", value: (item) => (item.Action === "stop" ? "Stop" : "Warn") },
    { name: "Until", value: (item) => date(item.PeriodEnd).slice(0, 16) },
    { name: "Change", value: (item) => button("Delete", attempt(async () => {
      if (!await confirm(`Delete the budget ${item.Name}?`, "Functions that it has stopped are let in again.", "Delete")) return;
      await lambda("DELETE", `${path}/${encodeURIComponent(item.Name)}`);
      announce(`The budget ${item.Name} is deleted.`);
    }), { "aria-label": `Delete the budget ${item.Name}` }) },
  ], found);
}

function budgetForm(names, { signal, load }) {
  const choose = (id, pairs) => h("select", { id }, pairs.map(([value, name]) => h("option", { value }, name)));
  const name = h("input", { id: "budget-name", required: true, maxlength: 64, pattern: "[A-Za-z0-9_\\-]+", autocapitalize: "off", spellcheck: "false" });
  const target = h("input", { id: "budget-for", required: true, list: "budget-functions", autocapitalize: "off", spellcheck: "false" });
  const limit = h("input", { id: "budget-limit", required: true, inputmode: "decimal", pattern: "[0-9]{1,12}(\\.[0-9]{1,6})?" });
  const unit = choose("budget-unit", [["usd", "dollars"], ["gb-seconds", "GB-seconds"], ["requests", "requests"]]);
  const period = choose("budget-period", [["month", "a month"], ["day", "a day"]]);
  const action = choose("budget-action", [["warn", "Warn in the server's log"], ["stop", "Stop its functions"]]);
  const form = deed("Set budget", "Setting…", [
    h("div", { class: "columns" }, field("Name", name, "A budget of that name is replaced."),
      field("For", target, "A function's name, or KEY=VALUE: all functions with that tag.")),
    h("datalist", { id: "budget-functions" }, names.map((value) => h("option", { value }))),
    h("div", { class: "columns three-up" }, field("Limit", limit), field("Of", unit), field("In", period), field("When it is reached", action)),
  ], async () => {
    const [key, ...rest] = target.value.split("=");
    const scope = rest.length ? { TagKey: key, TagValue: rest.join("=") } : { Function: key.trim() };
    await lambda("PUT", `${path}/${encodeURIComponent(name.value)}`, {
      signal, input: { ...scope, Limit: limit.value, Unit: unit.value, Period: period.value, Action: action.value },
    });
    announce(`The budget ${name.value} is set.`);
    form.reset();
    await load();
  });
  return h("details", { class: "card", id: "budget-form" }, h("summary", {}, "Set a budget"), form);
}

async function budgetSection({ signal }) {
  const place = h("div", {});
  const form = h("div", {});
  const problem = h("div", {});
  const load = repeat({
    every: budgetsEvery, signal,
    read: async (background, mayShow) => {
      const found = await budgets({ signal, background });
      if (!mayShow(place)) return;
      replace(place, found.length ? budgetTable(found, attempt)
        : empty("No budgets.", h("p", {}, "A budget warns of a function that uses more than it should, or stops it until the day or the month ends.")));
    },
    failed: (error) => {
      replace(place, failure(error));
      if (error.isRefusal) form.remove();
    },
  });
  const attempt = (act) => async () => {
    replace(problem);
    try { await act(); } catch (error) { replace(problem, failure(error)); }
    await load();
  };
  const functions = all("/2015-03-31/functions/", "Functions", { query: { MaxItems: 50 }, signal }).catch(() => []);
  const section = h("section", {}, h("h2", {}, "Budgets"), problem, place, form);
  await load();
  replace(form, budgetForm((await functions).map((item) => item.FunctionName), { signal, load }));
  return section;
}

export async function usageView({ signal }) {
  const month = h("input", { type: "month", id: "month", value: monthOf(new Date()), pattern: "[0-9]{4}-[0-9]{2}", "aria-label": "Month" });
  const place = h("div", {});
  let round = 0;
  const load = async () => {
    const mine = ++round;
    let lines;
    try {
      lines = await usage(month.value, { signal });
    } catch (error) {
      if (error.name !== "AbortError" && mine === round) replace(place, failure(error));
      return;
    }
    // Another month was chosen since.
    if (mine !== round) return;
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
        ...(lines.some((line) => line.provisionedGBSeconds > 0)
          ? [{ name: "Provisioned GB-s", number: true, value: (line) => fraction(line.provisionedGBSeconds) }] : []),
        { name: "Price", number: true, value: (line) => dollars(price(line)) },
      ], lines));
  };
  month.addEventListener("change", load);
  const [limits] = await Promise.all([budgetSection({ signal }), load()]);
  return h("div", {}, h("div", { class: "head" }, h("h1", {}, "Usage")),
    h("div", { class: "tools" }, month, button("Refresh", load)), place, limits,
    h("p", { class: "hint" }, "A calendar month in UTC. Prices are AWS's of us-east-1, first tier, without the free tier, as ",
      h("code", {}, "martlet usage"), " has them. Nothing is charged here."));
}
