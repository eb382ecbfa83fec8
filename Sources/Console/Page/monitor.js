// SPDX-License-Identifier: Apache-2.0
// A function's charts over a time that is chosen: what CloudWatch's GetMetricData has of it.

import { cloudWatch } from "./api.js";
import { button, empty, failure, field, h, repeat, replace } from "./dom.js";
import { count, local, milliseconds } from "./format.js";
import { chart } from "./charts.js";

const minute = 60_000;
const keptFor = 15 * 1_440 * minute;
const ranges = [
  ["15 minutes", 15], ["1 hour", 60], ["3 hours", 180], ["12 hours", 720], ["24 hours", 1_440], ["7 days", 10_080], ["15 days", 21_600],
].map(([name, minutes]) => [name, minutes * minute]);
// How many minutes a span may have.
const steps = [1, 2, 3, 5, 10, 15, 30, 60, 120, 180, 360];
const spansMax = 60;
const refreshEvery = 5_000;

// What each span has: a metric, and a statistic of it.
const wanted = {
  invocations: ["Invocations", "Sum"], errors: ["Errors", "Sum"], throttles: ["Throttles", "Sum"],
  p50: ["Duration", "p50"], p90: ["Duration", "p90"], p99: ["Duration", "p99"],
  most: ["ConcurrentExecutions", "Maximum"],
  cold: ["InitDuration", "SampleCount"], init50: ["InitDuration", "p50"], init99: ["InitDuration", "p99"],
};
// What can't be added up from spans.
const ofWhole = ["p50", "p99"];

const named = (Name, Value) => ({ Name, Value });

function dimensions(metric, name, qualifier) {
  const own = [named("FunctionName", name)];
  // How many run at once is known of a function as a whole.
  return qualifier && metric !== "ConcurrentExecutions" ? [...own, named("Resource", `${name}:${qualifier}`)] : own;
}

/** The spans, in milliseconds since 1970, in which a time is shown: of whole minutes, none more than `spansMax` and one. */
export function spansOf(from, to) {
  const step = minute * (steps.find((each) => (to - from) / (each * minute) <= spansMax) ?? steps.at(-1));
  const end = Math.ceil(to / step) * step;
  const first = Math.min(end - step, Math.floor(from / step) * step);
  return { step, spans: Array.from({ length: (end - first) / step }, (_, index) => ({ from: first + index * step, to: first + (index + 1) * step })) };
}

/** Puts results of GetMetricData into their spans; those of the whole time are what is answered. */
export function place(results, spans, step) {
  const whole = {};
  for (const { Id: id, Timestamps: times, Values: values } of results) {
    if (id.startsWith("whole_")) {
      whole[id.slice(6)] = values[0];
      continue;
    }
    times.forEach((time, index) => {
      const span = spans[Math.floor((time * 1_000 - spans[0].from) / step)];
      if (span) span[id] = values[index];
    });
  }
  for (const id of ["invocations", "errors", "throttles", "cold"]) whole[id] = spans.reduce((sum, span) => sum + (span[id] ?? 0), 0);
  return whole;
}

async function measured(name, qualifier, [from, to], options) {
  const { step, spans } = spansOf(from, to);
  const query = (id, key, period) => {
    const [metric, Stat] = wanted[key];
    const Namespace = metric === "InitDuration" ? "Martlet/Lambda" : "AWS/Lambda";
    const Metric = { Namespace, MetricName: metric, Dimensions: dimensions(metric, name, qualifier) };
    return { Id: id, MetricStat: { Metric, Period: period / 1_000, Stat } };
  };
  const [start, end] = [spans[0].from, spans.at(-1).to];
  const answer = await cloudWatch("GetMetricData", {
    StartTime: start / 1_000, EndTime: end / 1_000,
    MetricDataQueries: [
      ...Object.keys(wanted).map((key) => query(key, key, step)), ...ofWhole.map((key) => query(`whole_${key}`, key, end - start)),
    ],
  }, options);
  return { spans, step, whole: place(answer.MetricDataResults, spans, step) };
}

const lines = (...entries) => entries.map(([name, color, key]) => ({ name, class: color, value: (span) => span[key] }));

function pictures(spans) {
  const bars = (title, ...entries) => chart({ title, spans, kind: "bars", format: count, lines: lines(...entries) });
  const curves = (title, ...entries) => chart({ title, spans, kind: "lines", format: milliseconds, lines: lines(...entries) });
  return [
    bars("Invocations", ["Invocations", "one", "invocations"], ["Errors", "alarm", "errors"]),
    curves("Duration", ["p99", "three", "p99"], ["p90", "two", "p90"], ["p50", "one", "p50"]),
    bars("Concurrent executions", ["Most at once", "two", "most"]),
    bars("Throttles", ["Refused", "alarm", "throttles"]),
    bars("Cold starts", ["Cold starts", "three", "cold"]),
    curves("Initialisation", ["p99", "three", "init99"], ["p50", "one", "init50"]),
  ];
}

const share = (part, whole) => (part && whole ? ` (${(100 * part / whole).toFixed(part / whole < 0.1 ? 1 : 0)} %)` : "");
const length = (time) => (time < 60 * minute ? `${time / minute} min` : `${time / minute / 60} h`);

export function monitorTab(configuration, { signal, qualifier, qualifiers }) {
  const charts = h("div", { class: "charts" });
  const said = h("div", {});
  const note = h("p", { class: "hint" });
  const choice = h("select", { id: "range" }, ranges.map(([name, time]) => h("option", { value: time }, `Last ${name}`)),
    h("option", { value: "custom" }, "From … to …"));
  const names = qualifiers.filter((name) => name !== "$LATEST");
  const whose = h("select", { id: "whose", "aria-label": "Version or alias" }, h("option", { value: "" }, "All of the function"),
    names.map((name) => h("option", { value: name, selected: name === qualifier }, `Invoked as ${name}`)));
  const from = h("input", { type: "datetime-local", id: "from", value: local(new Date(Date.now() - 60 * minute)) });
  const to = h("input", { type: "datetime-local", id: "to", value: local(new Date()) });
  const custom = h("div", { class: "columns", hidden: true }, field("From", from), field("To", to));
  const live = h("input", { type: "checkbox", id: "live-charts", checked: true });
  const tiles = h("dl", { class: "tiles" });
  let due = 0;

  function range() {
    const now = Date.now();
    if (choice.value !== "custom") {
      const { step } = spansOf(now - Number(choice.value), now);
      const end = Math.ceil(now / step) * step;
      return [end - Number(choice.value), end];
    }
    const start = Math.max(new Date(from.value).getTime(), now - keptFor);
    const end = Math.min(new Date(to.value).getTime(), now);
    if (!(start < end)) throw Object.assign(new Error("The end has to be after the beginning, and in the last 15 days."), { name: "No such time" });
    return [start, end];
  }

  function show({ spans, step, whole }) {
    replace(tiles, [
      ["Invocations", count(whole.invocations)], ["Errors", `${count(whole.errors)}${share(whole.errors, whole.invocations)}`],
      ["Throttles", count(whole.throttles)], ["Cold starts", `${count(whole.cold)}${share(whole.cold, whole.invocations)}`],
      ["Median duration", milliseconds(whole.p50)], ["99th percentile", milliseconds(whole.p99)],
    ].map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
    const open = [...charts.querySelectorAll("details")].map((details) => details.open);
    const isEmpty = !whole.invocations && !whole.throttles;
    replace(charts, !isEmpty && pictures(spans));
    [...charts.querySelectorAll("details")].forEach((details, index) => { details.open = open[index] ?? false; });
    replace(said, isEmpty && empty("Nothing was invoked in this time."));
    replace(note, `Each span is ${length(step)}. The values are CloudWatch's, kept by the minute for 15 days. A cold start is an invocation that waited for `
      + "its environment's initialisation.", whose.value && " Concurrent executions are those of the function as a whole.");
  }

  const load = repeat({
    every: refreshEvery, signal, failed: (error) => replace(said, failure(error)),
    isWanted: () => live.checked && choice.value !== "custom" && Date.now() >= due - 500,
    read: async (background, mayShow) => {
      const found = await measured(configuration.FunctionName, whose.value, range(), { signal, background });
      // A picture that somebody reads by the keyboard stays.
      if (!mayShow(charts)) return;
      show(found);
      // What is shown in hours does not change in seconds.
      due = Date.now() + Math.min(60_000, found.step / 12);
    },
  });

  choice.addEventListener("change", () => {
    custom.hidden = choice.value !== "custom";
    load();
  });
  for (const input of [from, to, whose]) input.addEventListener("change", load);
  load();
  return h("section", {}, h("div", { class: "tools" }, h("label", { class: "unseen", for: "range" }, "Time"), choice, names.length > 0 && whose,
    h("label", { class: "check" }, live, "Live"), button("Refresh", load)), custom, tiles, said, charts, note);
}
