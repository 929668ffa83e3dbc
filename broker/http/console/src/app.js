/** The console: finds the page for an address, and shows it. */

import { h } from "./dom.js";
import * as pages from "./pages.js";

const ROUTES = [
  [/^\/ui\/?$/, (context) => pages.overview(context)],
  [/^\/ui\/topics$/, (context) => pages.topics(context)],
  [
    /^\/ui\/topics\/([^/]+)(?:\/([^/]+))?$/,
    (context, name, tab) => pages.topic(context, name, tab ?? "messages"),
  ],
  [/^\/ui\/groups$/, () => pages.groups()],
  [/^\/ui\/groups\/([^/]+)$/, (context, id) => pages.group(context, id)],
  [/^\/ui\/brokers$/, () => pages.brokers()],
];
const KEYS = { o: "/ui/", t: "/ui/topics", g: "/ui/groups", b: "/ui/brokers" };
const CHECK_MS = 5000;

const main = document.getElementById("main");
const connection = document.getElementById("connection");
let leave = [];
/** Distinguishes loads: a slow one must not replace a later one. */
let loads = 0;

async function load(isNew) {
  for (const action of leave.splice(0)) action();
  const mine = ++loads;
  const own = [];
  const context = {
    params: new URLSearchParams(location.search),
    onLeave: (action) => own.push(action),
    go,
    reload: () => load(false),
  };
  let title = "Not found";
  let content = [h("p", {}, "There is no such page. ", h("a", { href: "/ui/" }, "Overview"))];
  for (const [pattern, show] of ROUTES) {
    const match = pattern.exec(location.pathname);
    if (match === null) continue;
    try {
      ({ title, content } = await show(
        context,
        ...match.slice(1).map((part) => part && decodeURIComponent(part)),
      ));
    } catch (error) {
      title = "Cannot show this page";
      content = [
        h("p", { class: "bad", role: "alert" }, error.message),
        h("button", { onclick: () => load(false) }, "Try again"),
      ];
    }
    break;
  }
  if (mine !== loads) {
    for (const action of own) action();
    return;
  }
  leave = own;
  document.title = `${title} · Deno Queue`;
  main.replaceChildren(h("h1", {}, title), ...[content].flat(3).filter((child) => child));
  for (const link of document.querySelectorAll("header nav a")) {
    const path = link.getAttribute("href");
    const isHere = path === "/ui/"
      ? location.pathname === path
      : location.pathname.startsWith(path);
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (isNew) main.focus();
}

function go(path) {
  history.pushState(null, "", path);
  load(true);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href^='/ui']");
  if (
    link === null || link === undefined || event.metaKey || event.ctrlKey ||
    link.hasAttribute("download")
  ) return;
  event.preventDefault();
  go(link.getAttribute("href"));
});
addEventListener("popstate", () => load(true));

let isAfterG = false;
document.addEventListener("keydown", (event) => {
  if (
    event.target.closest("input, textarea, select, dialog") || event.metaKey || event.ctrlKey ||
    event.altKey
  ) return;
  if (isAfterG && KEYS[event.key] !== undefined) go(KEYS[event.key]);
  if (event.key === "/") {
    event.preventDefault();
    document.querySelector("input[type=search]")?.focus();
  }
  isAfterG = event.key === "g" && !isAfterG;
});

async function check() {
  try {
    await fetch("/livez");
    connection.replaceChildren(h("span", { class: "ok" }, "● connected"));
  } catch {
    connection.replaceChildren(h("span", { class: "bad" }, "▲ not connected, trying again"));
  }
}
setInterval(check, CHECK_MS);
check();
load(false);
