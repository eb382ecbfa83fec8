// SPDX-License-Identifier: Apache-2.0
// Elements. All that is shown goes in as text: there is no way here to have it read as HTML.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") {
      for (const [event, handler] of Object.entries(value)) element.addEventListener(event, handler);
    } else if (name === "value" || name === "checked" || name === "selected") {
      element[name] = value;
    } else if (name.startsWith("on") || name === "style" || name === "srcdoc") {
      throw new Error(`${name} is not an attribute to be set`);
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** An element: `on` has its handlers, the rest of `attributes` are its attributes, children are nodes or text. */
export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);

/** The same of SVG. */
export const s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

export function replace(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

/** Says something to who does not see the page. */
export function announce(text) {
  const announcer = document.getElementById("announcer");
  announcer.textContent = "";
  // The same text twice is said twice only if there was another between.
  setTimeout(() => { announcer.textContent = text; }, 50);
}

/**
 * Reads again and again in the background until its view is left; the function that comes back reads at once.
 *
 * Not for a page that nobody sees, not under a dialog, not while it is still reading, and not after the key was refused. `read` is
 * told whether it is in the background, and asks before it shows something: what was begun earlier may not, and nothing in the
 * background replaces what has the focus. A failure that goes on is told once.
 */
export function repeat({ every, signal, read, failed, isWanted = () => true }) {
  let round = 0;
  let isReading = false;
  let isRefused = false;
  let told = "";
  const load = async (background) => {
    const mine = ++round;
    isReading = true;
    try {
      await read(background, (place) => mine === round && !(background && place?.contains(document.activeElement)));
      if (mine === round) [isRefused, told] = [false, ""];
    } catch (error) {
      if (error.name === "AbortError" || mine !== round) return;
      isRefused = error.isRefusal === true;
      // An internal error has the request's own number in its text.
      const said = `${error.name} ${error.message}`.replace(/Request id: \S+/, "");
      if (background && said === told) return;
      told = said;
      failed(error);
    } finally {
      if (mine === round) isReading = false;
    }
  };
  if (!signal.aborted) {
    const timer = setInterval(() => {
      if (!isReading && !isRefused && !document.hidden && !document.querySelector("dialog[open]") && isWanted()) load(true);
    }, every);
    signal.addEventListener("abort", () => clearInterval(timer));
  }
  return () => load(false);
}

let identifiers = 0;

/** A label with what it is for, and a hint below that is read with it. */
export function field(label, control, hint) {
  control.id ||= `field-${++identifiers}`;
  const parts = [h("label", { for: control.id }, label), control];
  if (hint) {
    const id = `${control.id}-hint`;
    control.setAttribute("aria-describedby", id);
    parts.push(h("p", { class: "hint", id }, hint));
  }
  return h("div", { class: "field" }, parts);
}

export const button = (label, handler, attributes = {}) =>
  h("button", { type: "button", ...attributes, on: { click: handler } }, label);

/** Switches a button off while something is done; the focus that it had it has again afterwards. */
export async function whileOff(control, label, act) {
  const [before, hadFocus] = [control.textContent, document.activeElement === control];
  control.disabled = true;
  control.textContent = label;
  try {
    await act();
  } finally {
    control.disabled = false;
    control.textContent = before;
    if (hadFocus && document.activeElement === document.body) control.focus();
  }
}

export const link = (label, hash, attributes = {}) => h("a", { href: `#${hash}`, ...attributes }, label);

/** What went wrong, said at once. */
export const failure = (error) =>
  h("div", { class: "notice bad", role: "alert" }, h("strong", {}, error.name ?? "Error"), " ", error.message ?? String(error));

export const notice = (...children) => h("div", { class: "notice" }, children);

export const empty = (title, ...children) => h("div", { class: "empty" }, h("p", { class: "title" }, title), children);

export const badge = (text, kind = "") => h("span", { class: `badge ${kind}` }, text);

/** A table whose cells know their column's name, so that a narrow screen can show each row as a card. */
export function table(caption, columns, rows) {
  const head = columns.map((column) => h("th", { scope: "col", class: column.number && "number" }, column.name));
  const body = rows.map((row) => h("tr", {}, columns.map((column, index) => {
    const value = column.value(row);
    const attributes = { "data-name": column.name, class: column.number && "number" };
    return index === 0 ? h("th", { scope: "row", ...attributes }, value) : h("td", attributes, value);
  })));
  return h("div", { class: "scroll" }, h("table", {}, h("caption", { class: "unseen" }, caption),
    h("thead", {}, h("tr", {}, head)), h("tbody", {}, body)));
}

/** Names beside values. */
export const facts = (pairs) => h("dl", { class: "facts" }, pairs.filter((pair) => pair && pair[1] !== undefined)
  .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));

/** Asks before something is done that can't be undone; whether it is to be done. */
export function confirm(title, text, action) {
  return new Promise((resolve) => {
    const dialog = h("dialog", { "aria-labelledby": "dialog-title" },
      h("h2", { id: "dialog-title" }, title), h("p", {}, text),
      h("div", { class: "actions" },
        button("Cancel", () => dialog.close("")), button(action, () => dialog.close("yes"), { class: "danger" })));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
