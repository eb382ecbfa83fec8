// SPDX-License-Identifier: Apache-2.0
// What a function is set to, its variables, its versions and aliases.

import { functionPath, lambda, settled } from "./api.js";
import { announce, badge, button, confirm, empty, facts, failure, field, h, link, replace, table } from "./dom.js";
import { ago, bytes, date } from "./format.js";
import { codeForm, deed } from "./deploy.js";
import { hashOf } from "./functions.js";

const mask = "••••••••";

/** Variables, masked until they are asked for, each by itself or all. */
function variables(values) {
  const names = Object.keys(values).sort();
  if (names.length === 0) return empty("No environment variables.");
  const shown = new Set();
  const place = h("div", {});
  const fill = (focused) => {
    const all = shown.size === names.length;
    replace(place,
      table("Environment variables", [
        { name: "Name", value: (name) => h("code", {}, name) },
        { name: "Value", value: (name) => h("code", { class: "value" }, shown.has(name) ? values[name] : mask) },
        { name: "Shown", value: (name) => button(shown.has(name) ? "Hide" : "Show", () => {
          if (!shown.delete(name)) shown.add(name);
          fill(`show-${names.indexOf(name)}`);
        }, { id: `show-${names.indexOf(name)}`, "aria-label": `${shown.has(name) ? "Hide" : "Show"} ${name}` }) },
      ], names),
      button(all ? "Hide all" : "Show all", () => {
        if (all) shown.clear(); else names.forEach((name) => shown.add(name));
        fill("show-all");
      }, { id: "show-all" }));
    if (focused) document.getElementById(focused)?.focus();
  };
  fill();
  return place;
}

const kept = (text) => Object.fromEntries(text.split("\n").filter((line) => line.trim() !== "").map((line) => {
  const index = line.indexOf("=");
  if (index < 1) throw Object.assign(new Error(`“${line.slice(0, 40)}” is not NAME=VALUE.`), { name: "No variable" });
  return [line.slice(0, index).trim(), line.slice(index + 1)];
}));

function settingsForm(configuration, { signal, refresh }) {
  const name = configuration.FunctionName;
  const handler = h("input", { id: "set-handler", value: configuration.Handler ?? "" });
  const memory = h("input", { id: "set-memory", type: "number", min: 128, max: 10_240, value: configuration.MemorySize });
  const timeout = h("input", { id: "set-timeout", type: "number", min: 1, max: 900, value: configuration.Timeout });
  const description = h("input", { id: "set-description", maxlength: 256, value: configuration.Description ?? "" });
  const environment = h("textarea", { id: "set-environment", rows: 4, spellcheck: "false", autocapitalize: "off", value: "" });
  const replaces = h("input", { type: "checkbox", id: "set-variables" });
  return h("details", { class: "card" }, h("summary", {}, "Change the configuration"), deed("Save", "Saving…", [
    h("div", { class: "columns" }, field("Handler", handler), field("Memory, MB", memory), field("Timeout, seconds", timeout)),
    field("Description", description),
    h("label", { class: "check" }, replaces, "Replace all environment variables by these"),
    field("Environment variables", environment, "One NAME=VALUE a line."),
  ], async () => {
    const input = {
      Handler: handler.value || undefined, MemorySize: Number(memory.value), Timeout: Number(timeout.value), Description: description.value,
    };
    if (replaces.checked) input.Environment = { Variables: kept(environment.value) };
    await lambda("PUT", functionPath(name, "/configuration"), { signal, input });
    await settled(name, { signal });
    announce("Saved.");
    refresh();
  }));
}

export async function configurationTab(configuration, context) {
  const { signal, user } = context;
  const name = configuration.FunctionName;
  const isLatest = configuration.Version === "$LATEST";
  const tags = await lambda("GET", `/2017-03-31/tags/${encodeURIComponent(configuration.FunctionArn.split(":").slice(0, 7).join(":"))}`, { signal })
    .then((answer) => Object.entries(answer.Tags ?? {}), () => []);
  return h("section", {},
    h("div", { class: "card" }, h("h2", {}, "Configuration"), facts([
      ["ARN", h("code", {}, configuration.FunctionArn)], ["Runtime", configuration.Runtime ?? configuration.PackageType],
      ["Handler", configuration.Handler && h("code", {}, configuration.Handler)], ["Memory", `${configuration.MemorySize} MB`],
      ["Timeout", `${configuration.Timeout} s`], ["/tmp", configuration.EphemeralStorage && `${configuration.EphemeralStorage.Size} MB`],
      ["Architecture", configuration.Architectures?.join(", ")], ["Code", bytes(configuration.CodeSize)],
      ["Code's SHA-256", h("code", {}, configuration.CodeSha256)], ["Role", h("code", {}, configuration.Role)],
      ["Description", configuration.Description || undefined],
      ["Log", `${configuration.LoggingConfig?.LogFormat ?? "Text"}, ${configuration.LoggingConfig?.LogGroup ?? ""}`],
      ["Layers", configuration.Layers?.map((layer) => layer.Arn).join(", ")],
      ["Dead letters", configuration.DeadLetterConfig?.TargetArn],
      ["SnapStart", configuration.SnapStart && `${configuration.SnapStart.ApplyOn}, ${configuration.SnapStart.OptimizationStatus}`],
      ["Modified", `${date(configuration.LastModified)}, ${ago(configuration.LastModified)}`],
      ["State", configuration.State && `${configuration.State}${configuration.StateReason ? `: ${configuration.StateReason}` : ""}`],
      ["Last update", configuration.LastUpdateStatus
        && `${configuration.LastUpdateStatus}${configuration.LastUpdateStatusReason ? `: ${configuration.LastUpdateStatusReason}` : ""}`],
      ["Tags", tags.length ? tags.map(([key, value]) => badge(`${key}: ${value}`)) : undefined],
    ])),
    h("div", { class: "card" }, h("h2", {}, "Environment variables"), variables(configuration.Environment?.Variables ?? {})),
    isLatest && settingsForm(configuration, context),
    isLatest && h("div", { class: "card" }, h("h2", {}, "New code"), codeForm(name, context)),
    isLatest && h("div", { class: "card" }, h("h2", {}, "Delete"),
      h("p", { class: "hint" }, `The function with all its versions and aliases; its log stays. Account ${user.AccountId}, ${user.Region}.`),
      button("Delete function", async () => {
        if (!await confirm(`Delete ${name}?`, "All versions and aliases go with it.", "Delete")) return;
        await lambda("DELETE", functionPath(name), {});
        announce(`${name} is deleted.`);
        location.hash = "#/functions";
      }, { class: "danger" })));
}

const percent = (share) => Number((share * 100).toFixed(2));

/** How an alias shares its invocations between two versions, by a form that has what is so now. */
function sharing(aliases, versions, { name, refresh, signal }) {
  const listed = versions.map((version) => version.Version).filter((version) => version !== "$LATEST");
  // A list that was cut short has not all that aliases name.
  const named = aliases.flatMap((each) => [each.FunctionVersion, ...Object.keys(each.RoutingConfig?.AdditionalVersionWeights ?? {})]);
  const published = [...new Set([...listed, ...named])];
  const options = () => published.map((version) => h("option", { value: version }, version));
  const alias = h("select", { id: "share-alias" }, aliases.map((each) => h("option", { value: each.Name }, each.Name)));
  const version = h("select", { id: "share-version", required: true }, options());
  const additional = h("select", { id: "share-additional" }, h("option", { value: "" }, "None"), options());
  const weight = h("input", { id: "share-weight", type: "number", required: true, min: 0, max: 100, step: "any" });
  const chosen = () => aliases.find((each) => each.Name === alias.value);
  const follow = () => { weight.disabled = !additional.value; };
  const fill = () => {
    const { FunctionVersion, RoutingConfig } = chosen();
    const [[other, share]] = [...Object.entries(RoutingConfig?.AdditionalVersionWeights ?? {}), ["", 0]];
    version.value = FunctionVersion;
    additional.value = other;
    // As exact as it may be set: what is not touched stays.
    weight.value = Number((share * 100).toFixed(10));
    follow();
  };
  alias.addEventListener("change", fill);
  additional.addEventListener("change", follow);
  fill();
  return deed("Share invocations", "Sharing…", h("div", { class: "columns" },
    field("Alias", alias), field("Version", version), field("Additional version", additional),
    field("Its weight in per cent", weight, "Of the alias' invocations; the version has the rest.")), async () => {
    const weights = additional.value ? { [additional.value]: Number(weight.value) / 100 } : {};
    // Nobody's change in the meantime is undone, such as a step of a deployment.
    await lambda("PUT", functionPath(name, `/aliases/${encodeURIComponent(alias.value)}`), { signal, input: {
      FunctionVersion: version.value, RoutingConfig: { AdditionalVersionWeights: weights }, RevisionId: chosen().RevisionId,
    } });
    announce(`${alias.value} is changed.`);
    refresh();
  });
}

export async function versionsTab(configuration, context) {
  const { versions, aliases, refresh, signal } = context;
  const name = configuration.FunctionName;
  const problem = h("div", {});
  const attempt = (act) => async () => {
    replace(problem);
    try {
      await act();
      refresh();
    } catch (error) {
      replace(problem, failure(error));
    }
  };
  const aliasName = h("input", { id: "alias-name", required: true, pattern: "(?!^[0-9]+$)([a-zA-Z0-9\\-_]+)", maxlength: 128 });
  const aliasVersion = h("select", { id: "alias-version" }, versions.map((version) => h("option", { value: version.Version }, version.Version)));
  return h("section", {}, problem,
    h("div", { class: "card" }, h("div", { class: "head" }, h("h2", {}, "Aliases")),
      aliases.length ? table("Aliases", [
        { name: "Alias", value: (alias) => link(alias.Name, `${hashOf(name, "configuration")}?qualifier=${encodeURIComponent(alias.Name)}`) },
        { name: "Version", value: (alias) => versionsOf(alias) },
        { name: "Description", value: (alias) => alias.Description || "–" },
        { name: "Change", value: (alias) => {
          const target = h("select", { "aria-label": `Version of ${alias.Name}` },
            versions.map((version) => h("option", { value: version.Version, selected: version.Version === alias.FunctionVersion }, version.Version)));
          target.addEventListener("change", attempt(() =>
            lambda("PUT", functionPath(name, `/aliases/${encodeURIComponent(alias.Name)}`), { signal, input: { FunctionVersion: target.value } })));
          return target;
        } },
      ], aliases) : empty("No aliases."),
      aliases.length > 0 && versions.length > 1 && sharing(aliases, versions, { name, refresh, signal }),
      deed("Create alias", "Creating…", h("div", { class: "columns" }, field("Name", aliasName), field("Version", aliasVersion)), async () => {
        await lambda("POST", functionPath(name, "/aliases"), { signal, input: { Name: aliasName.value, FunctionVersion: aliasVersion.value } });
        refresh();
      })),
    h("div", { class: "card" }, h("div", { class: "head" }, h("h2", {}, "Versions"),
      button("Publish version", attempt(() => lambda("POST", functionPath(name, "/versions"), { signal, input: {} })), { id: "publish-version" })),
      table("Versions", [
        { name: "Version", value: (version) => link(version.Version, `${hashOf(name, "configuration")}?qualifier=${encodeURIComponent(version.Version)}`) },
        { name: "Runtime", value: (version) => version.Runtime ?? "–" },
        { name: "Memory", number: true, value: (version) => `${version.MemorySize} MB` },
        { name: "Code", number: true, value: (version) => bytes(version.CodeSize) },
        { name: "Description", value: (version) => version.Description || "–" },
        { name: "Modified", value: (version) => date(version.LastModified) },
      ], versions)));
}

function versionsOf(alias) {
  const weights = Object.entries(alias.RoutingConfig?.AdditionalVersionWeights ?? {});
  const rest = 1 - weights.reduce((sum, [, weight]) => sum + weight, 0);
  if (weights.length === 0) return alias.FunctionVersion;
  return [[alias.FunctionVersion, rest], ...weights].map(([version, weight]) => `${version} (${percent(weight)} %)`).join(", ");
}

