// SPDX-License-Identifier: Apache-2.0
// Invoking a function with an event, kept in this browser where one likes, and what came of it.

import { invoke } from "./api.js";
import { announce, badge, button, facts, failure, field, h, notice, replace, whileOff } from "./dom.js";
import { bytes, milliseconds, pretty } from "./format.js";
import { report } from "./reports.js";

const eventsMax = 50;
const eventBytesMax = 262_144;

/** Events by name, in this browser's storage. */
function shelf(key) {
  const read = () => {
    try {
      const kept = JSON.parse(localStorage.getItem(key) ?? "{}");
      return Object.fromEntries(Object.entries(kept).filter(([, text]) => typeof text === "string"));
    } catch {
      return {};
    }
  };
  const write = (events) => localStorage.setItem(key, JSON.stringify(events));
  return {
    read,
    save(name, text) {
      const events = read();
      if (!(name in events) && Object.keys(events).length >= eventsMax) throw new Error(`${eventsMax} events are kept of a function.`);
      if (text.length > eventBytesMax) throw new Error(`An event of up to ${bytes(eventBytesMax)} is kept.`);
      write({ ...events, [name]: text });
    },
    remove(name) {
      const events = read();
      delete events[name];
      write(events);
    },
  };
}

/** How long each phase took, to scale. */
function phases(line) {
  const parts = [
    line.init !== undefined && ["Init", line.init, "three"],
    line.restore !== undefined && ["Restore", line.restore, "three"],
    ["Invoke", line.duration, "one"],
  ].filter((part) => part);
  const whole = parts.reduce((sum, part) => sum + part[1], 0) || 1;
  const bar = h("div", { class: "phases", "aria-hidden": "true" }, parts.map(([, value, color]) => {
    const piece = h("span", { class: color });
    piece.style.flexGrow = Math.max(value / whole, 0.01);
    return piece;
  }));
  return h("div", {}, bar, h("ul", { class: "legend" }, parts.map(([name, value, color]) =>
    h("li", { class: color }, `${name} ${milliseconds(value)}`))));
}

function outcome(answer, type) {
  if (type === "Event") return notice(h("strong", {}, "Accepted. "), "The event waits for its turn; the log shows what becomes of it.");
  if (type === "DryRun") return notice(h("strong", {}, "Allowed. "), "This key may invoke the function.");
  const line = answer.log.split("\n").map(report).filter((found) => found).at(-1);
  const shown = pretty(answer.text);
  return h("div", { class: answer.error ? "result bad" : "result" },
    h("div", { class: "head" }, h("h3", {}, "Result"), answer.error ? badge(`Error: ${answer.error}`, "bad") : badge("Succeeded", "good")),
    h("pre", { tabindex: 0, id: "result", "aria-label": "Result" }, shown.length > 200_000 ? `${shown.slice(0, 200_000)}\n… ${bytes(answer.text.length)} in all` : shown),
    line && phases(line),
    facts([
      ["Duration", line && milliseconds(line.duration)], ["Billed", line && milliseconds(line.billed)],
      ["Init", line?.init !== undefined ? milliseconds(line.init) : undefined],
      ["Memory used", line && `${line.used} of ${line.memory} MB`],
      ["Round trip", milliseconds(answer.took)], ["Version", answer.version ?? undefined], ["Request id", answer.requestID],
    ]),
    h("h3", {}, "Log tail"),
    h("pre", { class: "log", tabindex: 0, id: "log-tail", "aria-label": "Log tail" }, answer.log || "Nothing was written."));
}

export function invokeTab(configuration, { signal, user, qualifiers, qualifier }) {
  const events = shelf(`martlet.events/${user.AccountId}/${user.Region}/${configuration.FunctionName}`);
  const text = h("textarea", { id: "event", rows: 10, spellcheck: "false", autocapitalize: "off", value: "{\n  \"name\": \"world\"\n}" });
  const saved = h("select", { id: "saved" });
  const eventName = h("input", { id: "event-name", maxlength: 64, placeholder: "Name" });
  const version = h("select", { id: "qualifier" }, qualifiers.map((name) => h("option", { value: name, selected: name === qualifier }, name)));
  const type = h("select", { id: "type" },
    [["RequestResponse", "Synchronous"], ["Event", "Asynchronous"], ["DryRun", "Dry run"]].map(([value, name]) => h("option", { value }, name)));
  const problem = h("div", {});
  const result = h("div", { id: "outcome" });
  const listSaved = (chosen = "") => replace(saved, h("option", { value: "" }, "Saved events"),
    Object.keys(events.read()).sort().map((name) => h("option", { value: name, selected: name === chosen }, name)));
  listSaved();
  saved.addEventListener("change", () => {
    if (!saved.value) return;
    text.value = events.read()[saved.value] ?? text.value;
    eventName.value = saved.value;
  });
  const checked = () => {
    if (text.value.trim() === "") return "";
    JSON.parse(text.value);
    return text.value;
  };
  const trying = (act) => () => {
    replace(problem);
    try { act(); } catch (error) { replace(problem, failure({ name: error instanceof SyntaxError ? "No JSON" : "Not saved", message: error.message })); }
  };
  const save = trying(() => {
    const name = eventName.value.trim();
    if (!name) throw new Error("The event needs a name.");
    events.save(name, text.value);
    listSaved(name);
    announce(`${name} is saved in this browser.`);
  });
  const remove = trying(() => {
    events.remove(saved.value);
    listSaved();
  });
  const tidy = trying(() => { text.value = JSON.stringify(JSON.parse(text.value), null, 2); });
  const submit = h("button", { type: "submit", class: "primary", id: "invoke" }, "Invoke");
  const form = h("form", { class: "stack", on: { submit: async (event) => {
    event.preventDefault();
    replace(problem);
    let payload;
    try { payload = checked(); } catch (error) {
      replace(problem, failure({ name: "No JSON", message: error.message }));
      return;
    }
    result.setAttribute("aria-busy", "true");
    await whileOff(submit, "Running…", async () => {
      try {
        const answer = await invoke(configuration.FunctionName, {
          qualifier: version.value === "$LATEST" ? undefined : version.value, type: type.value, payload: payload || undefined, signal,
        });
        replace(result, outcome(answer, type.value));
        announce(answer.error ? `The function failed: ${answer.error}.` : "The function has answered.");
      } catch (error) {
        if (error.name !== "AbortError") replace(result, failure(error));
      }
    });
    result.removeAttribute("aria-busy");
  } } },
  h("div", { class: "columns three-up" }, field("Version or alias", version), field("How", type), field("Event from", saved)),
  field("Event, JSON", text), problem,
  h("div", { class: "actions" }, submit, button("Tidy", tidy), h("span", { class: "gap" }),
    h("label", { class: "unseen", for: "event-name" }, "Name of the event"), eventName, button("Save", save), button("Remove", remove)),
  h("p", { class: "hint" }, "Events are saved in this browser, for this function, and nowhere else."));
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  return h("section", { class: "split" }, h("div", { class: "card" }, form), h("div", { class: "card" }, result));
}
