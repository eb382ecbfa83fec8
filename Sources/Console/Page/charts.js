// SPDX-License-Identifier: Apache-2.0
// Charts over time, as SVG: bars or lines, with the figures under the pointer, or the arrow keys, and as a table.

import { h, replace, s, table } from "./dom.js";
import { clock, date } from "./format.js";

const height = 150;
const margin = { top: 10, right: 8, bottom: 22, left: 50 };

/** A round number not below `value`, and the steps to it. */
function scale(value) {
  if (!(value > 0)) return { top: 1, ticks: [0, 1] };
  const rough = value / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate * 3 >= value * 0.999);
  const ticks = [];
  for (let tick = 0; ; tick += step) {
    ticks.push(Number(tick.toPrecision(6)));
    if (tick >= value * 0.999) break;
  }
  return { top: ticks.at(-1), ticks };
}

function timeLabel(time, span) {
  const moment = new Date(time);
  if (span > 2 * 86_400_000) return date(time).slice(5, 10);
  return span >= 10 * 60_000 ? clock(moment).slice(0, 5) : clock(moment);
}

/**
 * A chart. `spans` have `from` and `to`; each of `lines` has a name, a class for its colour, and the value of a span, undefined for none.
 *
 * Bars stand before each other, the first at the back.
 */
export function chart({ title, spans, lines, kind, format }) {
  const picture = h("div", { class: "picture" });
  const told = h("p", { class: "told" });
  const legend = h("ul", { class: "legend" }, lines.map((line) => h("li", { class: line.class }, line.name)));
  const values = spans.map((span) => lines.map((line) => line.value(span)));
  const most = Math.max(0, ...values.flat().filter((value) => value !== undefined));
  let chosen;

  const describe = (index) => {
    const parts = lines.map((line, at) => `${line.name} ${values[index][at] === undefined ? "–" : format(values[index][at])}`);
    return `${date(spans[index].from).slice(5)}: ${parts.join(", ")}`;
  };

  function draw(width) {
    const inner = { width: Math.max(40, width - margin.left - margin.right), height: height - margin.top - margin.bottom };
    const { top, ticks } = scale(kind === "bars" && most > 0 ? Math.max(most, 2) : most);
    const from = spans[0].from;
    const whole = spans.at(-1).to - from;
    const x = (time) => margin.left + ((time - from) / whole) * inner.width;
    const y = (value) => margin.top + inner.height - (value / top) * inner.height;
    const marks = [];
    for (const tick of ticks) {
      marks.push(s("line", { class: "grid", x1: margin.left, x2: width - margin.right, y1: y(tick), y2: y(tick) }));
      marks.push(s("text", { class: "tick", x: margin.left - 6, y: y(tick) + 4, "text-anchor": "end" }, format(tick)));
    }
    const labels = Math.max(2, Math.min(6, Math.floor(inner.width / 80)));
    for (let index = 0; index <= labels; index++) {
      const anchor = index === 0 ? "start" : index === labels ? "end" : "middle";
      const time = from + (whole * index) / labels;
      marks.push(s("text", { class: "tick", x: x(time), y: height - 5, "text-anchor": anchor }, timeLabel(time, whole)));
    }
    lines.forEach((line, at) => {
      if (kind === "bars") {
        spans.forEach((span, index) => {
          const value = values[index][at];
          if (!value) return;
          const left = x(span.from);
          const whole = x(span.to) - left;
          const gap = Math.min(8, Math.max(1, whole / 5));
          marks.push(s("rect", {
            class: `bar ${line.class}`, x: left + gap / 2, width: Math.max(1, whole - gap), y: y(value), height: Math.max(1, y(0) - y(value)),
          }));
        });
        return;
      }
      let pieces = "";
      let isDown = false;
      spans.forEach((span, index) => {
        const value = values[index][at];
        if (value === undefined) { isDown = false; return; }
        const point = `${x((span.from + span.to) / 2).toFixed(1)} ${y(value).toFixed(1)}`;
        pieces += `${isDown ? "L" : "M"}${point}`;
        const isAlone = !isDown && (values[index + 1]?.[at] === undefined);
        if (isAlone) marks.push(s("circle", { class: `dot ${line.class}`, cx: x((span.from + span.to) / 2), cy: y(value), r: 2.5 }));
        isDown = true;
      });
      if (pieces) marks.push(s("path", { class: `line ${line.class}`, d: pieces }));
    });
    const cursor = s("line", { class: "cursor", y1: margin.top, y2: margin.top + inner.height, visibility: "hidden" });
    const picture = s("svg", {
      viewBox: `0 0 ${width} ${height}`, width, height, role: "img", tabindex: 0,
      "aria-label": `${title}: ${lines.map((line) => line.name).join(", ")}. Arrow keys read the figures.`,
    }, marks, cursor);
    const choose = (index) => {
      chosen = Math.max(0, Math.min(spans.length - 1, index));
      const middle = x((spans[chosen].from + spans[chosen].to) / 2);
      cursor.setAttribute("x1", middle);
      cursor.setAttribute("x2", middle);
      cursor.setAttribute("visibility", "visible");
      told.textContent = describe(chosen);
    };
    picture.addEventListener("pointermove", (event) => {
      const box = picture.getBoundingClientRect();
      const share = ((event.clientX - box.left) * (width / box.width) - margin.left) / inner.width;
      choose(Math.floor(share * spans.length));
    });
    picture.addEventListener("pointerleave", () => {
      cursor.setAttribute("visibility", "hidden");
      told.textContent = "";
    });
    picture.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      told.setAttribute("aria-live", "polite");
      choose(chosen === undefined ? spans.length - 1 : chosen + step);
    });
    return picture;
  }

  let drawn = 0;
  const observer = new ResizeObserver(([entry]) => {
    const width = Math.floor(entry.contentRect.width);
    if (width === drawn || width < 1) return;
    drawn = width;
    replace(picture, draw(width));
  });
  observer.observe(picture);

  const figures = h("details", {}, h("summary", {}, "Figures"));
  figures.addEventListener("toggle", () => {
    if (!figures.open || figures.children.length > 1) return;
    const rows = spans.map((span, index) => ({ span, index })).filter(({ index }) => values[index].some((value) => value !== undefined && value !== 0));
    figures.append(table(title, [
      { name: "From", value: ({ span }) => date(span.from) },
      ...lines.map((line, at) => ({
        name: line.name, number: true, value: ({ index }) => (values[index][at] === undefined ? "–" : format(values[index][at])),
      })),
    ], rows));
  });
  return h("figure", { class: "chart", "data-most": most }, h("figcaption", {}, h("h3", {}, title), legend), picture, told, figures);
}
