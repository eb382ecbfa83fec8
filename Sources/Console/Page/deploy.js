// SPDX-License-Identifier: Apache-2.0
// A new function, or new code for one, from a zip or a folder.

import { base64, functionPath, lambda, settled } from "./api.js";
import { announce, button, failure, field, h, replace, whileOff } from "./dom.js";
import { bytes } from "./format.js";
import { inFolder, zip } from "./archive.js";
import { hashOf } from "./functions.js";

const runtimes = [
  "python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "nodejs24.x", "nodejs22.x", "nodejs20.x", "nodejs18.x",
  "provided.al2023",
];

/** What a zip is chosen with; `chosen()` is its bytes. */
export function codePicker() {
  const file = h("input", { type: "file", accept: ".zip,application/zip", id: "code-zip" });
  const folder = h("input", { type: "file", webkitdirectory: true, id: "code-folder" });
  const told = h("p", { class: "hint", role: "status" });
  file.addEventListener("change", () => {
    folder.value = "";
    told.textContent = file.files[0] ? `${file.files[0].name}, ${bytes(file.files[0].size)}` : "";
  });
  folder.addEventListener("change", () => {
    file.value = "";
    const entries = inFolder(folder.files);
    told.textContent = `${entries.length} files, ${bytes(entries.reduce((sum, entry) => sum + entry.file.size, 0))}`;
  });
  return {
    element: h("fieldset", {}, h("legend", {}, "Code"), h("div", { class: "columns" },
      field("Zip", file), field("or a folder", folder, "Its files are packed here, in the browser.")), told),
    async chosen() {
      if (file.files[0]) return new Uint8Array(await file.files[0].arrayBuffer());
      const entries = inFolder(folder.files);
      if (entries.length === 0) throw Object.assign(new Error("Choose a zip or a folder."), { name: "No code" });
      return zip(entries);
    },
  };
}

/** A form whose button is not to be pressed twice, and that says what it does. */
export function deed(label, busyLabel, content, act) {
  const said = h("div", {});
  const submit = h("button", { type: "submit", class: "primary" }, label);
  return h("form", { class: "stack", on: { submit: (event) => {
    event.preventDefault();
    replace(said);
    return whileOff(submit, busyLabel, async () => {
      try {
        await act(said);
      } catch (error) {
        if (error.name !== "AbortError") replace(said, failure(error));
      }
    });
  } } }, content, said, h("div", { class: "actions" }, submit));
}

export async function deployView({ signal, user }) {
  const name = h("input", { id: "function-name", required: true, maxlength: 64, pattern: "[A-Za-z0-9_\\-]+", autocapitalize: "off", spellcheck: "false" });
  const runtime = h("input", { id: "runtime", list: "runtimes", required: true, value: "python3.12", spellcheck: "false" });
  const handler = h("input", { id: "handler", required: true, value: "app.handler", spellcheck: "false" });
  const memory = h("input", { id: "memory", type: "number", required: true, min: 128, max: 10_240, value: 128 });
  const timeout = h("input", { id: "timeout", type: "number", required: true, min: 1, max: 900, value: 3 });
  const role = h("input", { id: "role", required: true, value: `arn:aws:iam::${user.AccountId}:role/lambda`, spellcheck: "false" });
  const code = codePicker();
  const form = deed("Create function", "Creating…", [
    h("div", { class: "columns" },
      field("Name", name, "Letters, digits, - and _."),
      field("Runtime", runtime)),
    h("datalist", { id: "runtimes" }, runtimes.map((value) => h("option", { value }))),
    h("div", { class: "columns" },
      field("Handler", handler, "File and function, such as app.handler or index.handler."),
      field("Role", role, "Its ARN is kept and shown, and gives no rights here.")),
    h("div", { class: "columns" }, field("Memory, MB", memory), field("Timeout, seconds", timeout)),
    code.element,
  ], async () => {
    const archive = await code.chosen();
    const named = name.value.trim();
    await lambda("POST", "/2015-03-31/functions", { signal, input: {
      FunctionName: named, Runtime: runtime.value.trim(), Handler: handler.value.trim(), Role: role.value.trim(),
      MemorySize: Number(memory.value), Timeout: Number(timeout.value), Code: { ZipFile: base64(archive) },
    } });
    const made = await settled(named, { signal });
    announce(`${named} is ${made.State}.`);
    location.hash = `#${hashOf(named, "invoke")}`;
  });
  return h("div", {}, h("div", { class: "head" }, h("h1", {}, "Create function"),
    button("Back", () => { location.hash = "#/functions"; })), h("section", { class: "card" }, form));
}

/** New code for a function that is there. */
export function codeForm(name, { signal, refresh }) {
  const code = codePicker();
  const publish = h("input", { type: "checkbox", id: "publish" });
  return deed("Upload", "Uploading…", [
    code.element, h("label", { class: "check" }, publish, "Publish a version of it"),
  ], async () => {
    const archive = await code.chosen();
    await lambda("PUT", functionPath(name, "/code"), {
      signal, input: { ZipFile: base64(archive), Publish: publish.checked },
    });
    const made = await settled(name, { signal });
    announce(made.LastUpdateStatus === "Failed" ? `The update failed: ${made.LastUpdateStatusReason}` : "The code is in use.");
    refresh();
  });
}
