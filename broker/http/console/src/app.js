/** The console: finds the page for an address, and shows it. */

import { h, isTyping, openDialog, table } from "./dom.js";
import { broker, brokers } from "./brokers.js";
import { events } from "./events.js";
import { group, groups } from "./groups.js";
import { overview } from "./overview.js";
import { openPalette } from "./palette.js";
import { isUtc, setUtc, zone } from "./time.js";
import { topic } from "./topic.js";
import { topics } from "./topics.js";
import { transaction, transactions } from "./transactions.js";

const ROUTES = [
  [/^\/ui\/?$/, overview],
  [/^\/ui\/topics$/, topics],
  [
    /^\/ui\/topics\/([^/]+)(?:\/([^/]+))?$/,
    (context, name, tab) => topic(context, name, tab ?? "messages"),
  ],
  [/^\/ui\/groups$/, groups],
  [/^\/ui\/groups\/([^/]+)$/, group],
  [/^\/ui\/transactions$/, transactions],
  [/^\/ui\/transactions\/([^/]+)$/, transaction],
  [/^\/ui\/brokers$/, brokers],
  [/^\/ui\/brokers\/([^/]+)$/, broker],
  [/^\/ui\/events$/, events],
];
const KEYS = {
  o: "/ui/",
  t: "/ui/topics",
  g: "/ui/groups",
  x: "/ui/transactions",
  b: "/ui/brokers",
  e: "/ui/events",
};
const HELP = [
  ["g o, g t, g g", "Overview, topics, groups"],
  ["g x, g b, g e", "Transactions, brokers, events"],
  ["Ctrl K", "Go to a topic, group, broker or page by its name"],
  ["/", "To the search field"],
  ["j, k", "Next message, the one before"],
  ["Enter", "Open a message"],
  ["x", "Select a message"],
  ["Esc", "Close a message, or stop a search"],
  ["l", "Follow new messages"],
  ["[, ]", "The tab before, the next one"],
  ["r", "Load the page again"],
  ["?", "This list"],
];
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
    if (isHere) {
      link.setAttribute("aria-current", "page");
      // On a phone not all of them have room.
      const nav = link.parentElement;
      nav.scrollLeft = link.offsetLeft - (nav.clientWidth - link.offsetWidth) / 2;
    } else link.removeAttribute("aria-current");
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
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    return openPalette(go);
  }
  if (isTyping(event)) return;
  if (isAfterG && KEYS[event.key] !== undefined) go(KEYS[event.key]);
  if (event.key === "/") {
    event.preventDefault();
    document.querySelector("input[type=search]")?.focus();
  }
  if (event.key === "[" || event.key === "]") moveTab(event.key === "]" ? 1 : -1);
  if (event.key === "r") load(false);
  if (event.key === "?") showHelp();
  isAfterG = event.key === "g" && !isAfterG;
});

function moveTab(by) {
  const tabs = [...document.querySelectorAll(".tabs a")];
  const now = tabs.findIndex((tab) => tab.hasAttribute("aria-current"));
  const next = tabs[now + by];
  if (now >= 0 && next !== undefined) go(next.getAttribute("href"));
}

function showHelp() {
  openDialog("Keys", [table(["Key", "What it does"], HELP)], "Close", () => {});
}

const zoneButton = document.getElementById("zone");
function showZone() {
  zoneButton.textContent = zone();
  zoneButton.setAttribute("aria-pressed", String(isUtc()));
}
zoneButton.addEventListener("click", () => {
  setUtc(!isUtc());
  showZone();
  load(false);
});
showZone();
document.getElementById("keys").addEventListener("click", showHelp);
document.getElementById("jump").addEventListener("click", () => openPalette(go));

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
