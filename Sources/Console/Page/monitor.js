// SPDX-License-Identifier: Apache-2.0
// A function's charts over a time that is chosen.

import { button, empty, failure, field, h, notice, repeat, replace } from "./dom.js";
import { count, date, local, milliseconds } from "./format.js";
import { chart } from "./charts.js";
import { reports, reportsMax, series, summary } from "./reports.js";

const minute = 60_000;
const ranges = [
  ["5 minutes", 5 * minute], ["15 minutes", 15 * minute], ["1 hour", 60 * minute], ["3 hours", 180 * minute], ["24 hours", 1_440 * minute], ["7 days", 10_080 * minute],
];
const spanCount = 60;
const span = (time) => (time < 2 * minute ? `${Math.round(time / 1_000)} seconds` : `${Math.round(time / minute)} minutes`);
const refreshEvery = 5_000;

export function monitorTab(configuration, { signal }) {
  const group = configuration.LoggingConfig?.LogGroup ?? `/aws/lambda/${configuration.FunctionName}`;
  const charts = h("div", { class: "charts" });
  const said = h("div", {});
  const note = h("div", {});
  const choice = h("select", { id: "range" }, ranges.map(([name, time]) => h("option", { value: time, selected: time === 15 * minute }, `Last ${name}`)),
    h("option", { value: "custom" }, "From … to …"));
  const from = h("input", { type: "datetime-local", id: "from", value: local(new Date(Date.now() - 60 * minute)) });
  const to = h("input", { type: "datetime-local", id: "to", value: local(new Date()) });
  const custom = h("div", { class: "columns", hidden: true }, field("From", from), field("To", to));
  const live = h("input", { type: "checkbox", id: "live-charts", checked: true });
  const tiles = h("dl", { class: "tiles" });
  let isLoading = false;

  const range = () => {
    if (choice.value !== "custom") {
      const now = Date.now();
      return [now - Number(choice.value), now];
    }
    return [new Date(from.value).getTime(), new Date(to.value).getTime()];
  };

  function picture([start, end], { reports: found, isWhole }) {
    const whole = summary(found);
    replace(tiles, [
      ["Invocations", count(whole.invocations)], ["Errors", count(whole.errors)], ["Cold starts", count(whole.cold)],
      ["Median duration", milliseconds(whole.p50)], ["99th percentile", milliseconds(whole.p99)],
      ["Most memory used", whole.used ? `${whole.used} MB` : "–"],
    ].map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
    const { spans, step } = series(found, start, end, spanCount);
    replace(charts,
      chart({ title: "Invocations", spans, kind: "bars", format: count, lines: [
        { name: "Invocations", class: "one", value: (span) => span.invocations },
        { name: "Errors", class: "alarm", value: (span) => span.errors },
      ] }),
      chart({ title: "Duration", spans, kind: "lines", format: milliseconds, lines: [
        { name: "p99", class: "three", value: (span) => span.percentiles?.p99 },
        { name: "p90", class: "two", value: (span) => span.percentiles?.p90 },
        { name: "p50", class: "one", value: (span) => span.percentiles?.p50 },
      ] }),
      chart({ title: "Concurrent executions", spans, kind: "bars", format: count, lines: [
        { name: "Most at once", class: "two", value: (span) => span.most },
      ] }),
      chart({ title: "Cold starts", spans, kind: "bars", format: count, lines: [
        { name: "Cold starts", class: "three", value: (span) => span.cold },
      ] }));
    replace(said,
      !isWhole && notice(`There is more than is shown: the first ${count(found.length)} of this time, up to ${date(found.at(-1)?.at)}.`),
      found.length === 0 && empty("No invocation has ended in this time."));
    replace(note, h("p", { class: "hint" }, `Each span is ${span(step)}, from the REPORT lines in ${group}, ${count(reportsMax)} at most. `
        + "Errors are those that the platform or the runtime wrote there; a custom runtime may write none."));
  }

  async function load(background) {
    if (isLoading) return;
    isLoading = true;
    const chosen = range();
    try {
      if (!(chosen[0] < chosen[1])) throw Object.assign(new Error("The end has to be after the beginning."), { name: "No such time" });
      const found = await reports(group, chosen[0], chosen[1], { signal, background });
      // A picture that somebody reads by the keyboard stays.
      if (background && charts.contains(document.activeElement)) return;
      const open = [...charts.querySelectorAll("details")].map((details) => details.open);
      picture(chosen, found);
      [...charts.querySelectorAll("details")].forEach((details, index) => { details.open = open[index] ?? false; });
    } catch (error) {
      if (error.name !== "AbortError") replace(said, failure(error));
    } finally {
      isLoading = false;
    }
  }

  choice.addEventListener("change", () => {
    custom.hidden = choice.value !== "custom";
    load(false);
  });
  for (const input of [from, to]) input.addEventListener("change", () => load(false));
  repeat(refreshEvery, signal, () => { if (live.checked && choice.value !== "custom") load(true); });
  load(false);
  return h("section", {}, h("div", { class: "tools" }, h("label", { class: "unseen", for: "range" }, "Time"), choice,
    h("label", { class: "check" }, live, "Live"), button("Refresh", () => load(false))), custom, tiles, said, charts, note);
}
