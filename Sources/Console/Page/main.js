// SPDX-License-Identifier: Apache-2.0
// Who is signed in, and which view is shown.

import { session, signIn, signOut, whoIs } from "./api.js";
import { announce, button, empty, failure, field, h, link, notice, replace } from "./dom.js";
import { functionsView } from "./functions.js";
import { functionView } from "./function.js";
import { deployView } from "./deploy.js";
import { sourcesView } from "./sources.js";
import { usageView } from "./usage.js";
import { environmentsView } from "./environments.js";

const app = document.getElementById("app");
const places = [
  ["Functions", "/functions"], ["Sources", "/sources"], ["Usage", "/usage"], ["Environments", "/environments"],
];

let user;
let current;

function viewOf(parts) {
  switch (parts[0]) {
    case undefined: case "functions": return parts[1] ? functionView : functionsView;
    case "deploy": return deployView;
    case "sources": return sourcesView;
    case "usage": return usageView;
    case "environments": return environmentsView;
    default: return async () => empty("There is no such page.", link("Functions", "/functions"));
  }
}

/** `#/functions/NAME/TAB?x=y` as its parts. */
function address() {
  const [path, query = ""] = location.hash.slice(1).split("?");
  const parts = path.split("/").filter((part) => part !== "").map((part) => {
    try { return decodeURIComponent(part); } catch { return part; }
  });
  return { parts, query: new URLSearchParams(query) };
}

async function show() {
  if (!user) return;
  current?.abort();
  const controller = new AbortController();
  current = controller;
  const { parts, query } = address();
  const main = document.getElementById("main");
  for (const anchor of document.querySelectorAll("nav.places a")) {
    const isHere = anchor.hash.slice(2) === (parts[0] ?? "functions") || (parts[0] === "deploy" && anchor.hash === "#/functions");
    if (isHere) anchor.setAttribute("aria-current", "page");
    else anchor.removeAttribute("aria-current");
  }
  main.setAttribute("aria-busy", "true");
  const context = { parts, query, signal: controller.signal, user, refresh: show };
  let content;
  try {
    content = await viewOf(parts)(context);
  } catch (error) {
    if (controller.signal.aborted) return;
    content = failure(error);
  }
  if (controller.signal.aborted) return;
  main.removeAttribute("aria-busy");
  // What had the focus in the view before may be there again: a tab, say.
  const held = main.contains(document.activeElement) ? document.activeElement.id : "";
  replace(main, content);
  const heading = main.querySelector("h1");
  document.title = heading ? `${heading.textContent} · Martlet` : "Martlet";
  main.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  const target = (held && document.getElementById(held)) || heading;
  if (target && !document.querySelector("dialog[open]")) {
    if (target === heading) target.tabIndex = -1;
    target.focus({ preventScroll: target !== heading });
  }
}

function shell() {
  const skip = button("Skip to the content", () => (document.querySelector("main h1") ?? document.getElementById("main")).focus(),
    { class: "skip" });
  const leave = button("Sign out", async () => {
    leave.disabled = true;
    try {
      await signOut();
    } catch (error) {
      leave.disabled = false;
      leave.textContent = "Not signed out: try again";
      return announce(`Not signed out: ${error.message}`);
    }
    return over("Signed out.");
  }, { id: "sign-out" });
  replace(app, skip, h("div", { class: "shell" },
    h("header", { class: "top" },
      h("a", { class: "brand", href: "#/functions" }, h("img", { src: "/console/icon.svg", alt: "", width: 24, height: 24 }), "Martlet"),
      h("nav", { class: "places", "aria-label": "Console" }, places.map(([name, hash]) => link(name, hash))),
      h("div", { class: "who" },
        h("span", { class: "identity", title: user.UserArn }, user.UserArn.split(":").pop()),
        h("span", { class: "hint" }, `${user.AccountId} · ${user.Region}`), leave)),
    h("main", { id: "main", tabindex: -1 })));
  show();
}

function door(message) {
  const key = h("input", { name: "key", autocomplete: "username", required: true, autocapitalize: "off", spellcheck: "false" });
  const secret = h("input", { name: "secret", type: "password", autocomplete: "current-password", required: true });
  const region = h("input", { name: "region", placeholder: "the server's", autocapitalize: "off", spellcheck: "false" });
  const problem = h("div", {});
  const enter = h("button", { type: "submit", class: "primary", disabled: !isSecureContext }, "Sign in");
  const form = h("form", { class: "door", on: { submit: async (event) => {
    event.preventDefault();
    enter.disabled = true;
    replace(problem);
    try {
      user = await signIn(key.value.trim(), secret.value, region.value.trim() || undefined);
      shell();
      announce("Signed in.");
    } catch (error) {
      replace(problem, failure(error));
      enter.disabled = false;
      secret.focus();
      secret.select();
    }
  } } },
  h("img", { src: "/console/icon.svg", alt: "", width: 40, height: 40 }),
  h("h1", {}, "Sign in to Martlet"),
  message && notice(message),
  !isSecureContext && failure({
    name: "Not encrypted", message: "This page has come over plain HTTP from another machine: a secret would be readable on its way. Use HTTPS.",
  }),
  field("Access key id", key), field("Secret access key", secret), field("Region", region),
  problem, enter,
  h("p", { class: "hint" }, "The key is one that ", h("code", {}, "martlet env"), " or ", h("code", {}, "martlet key create"),
    " prints. The session lasts twelve hours, and half an hour without use."));
  replace(app, h("main", { id: "main", class: "threshold" }, form));
  document.title = "Sign in · Martlet";
  key.focus();
}

function over(message) {
  if (!user) return;
  user = undefined;
  current?.abort();
  for (const dialog of document.querySelectorAll("dialog")) dialog.remove();
  door(message);
  announce(message);
}

session.addEventListener("over", () => over("The session is over. Sign in again."));
addEventListener("hashchange", show);

try {
  user = await whoIs();
} catch { /* Signing in will say what is wrong. */ }
if (user) shell();
else door();
