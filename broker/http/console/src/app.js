/** The console: finds the page for an address, and shows it. */

import { access } from "./access.js";
import { inCluster } from "./api.js";
import { h, hasKeys, isTyping, openDialog, setKeys, table } from "./dom.js";
import { broker, brokers } from "./brokers.js";
import { events } from "./events.js";
import { group, groups } from "./groups.js";
import { overview } from "./overview.js";
import { openPalette } from "./palette.js";
import { fetchAs, mayAsk, onSignedIn, signOut } from "./session.js";
import { isUtc, partsOf, setUtc, zone } from "./time.js";
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
  [/^\/ui\/access(?:\/([^/]+))?$/, access],
];
const KEYS = {
  o: "/ui/",
  t: "/ui/topics",
  g: "/ui/groups",
  x: "/ui/transactions",
  b: "/ui/brokers",
  e: "/ui/events",
  a: "/ui/access",
};
const HELP = [
  ["g o, g t, g g", "Overview, topics, groups"],
  ["g x, g b, g e, g a", "Transactions, brokers, events, access"],
  ["Ctrl K", "Go to a topic, group, broker or page by its name"],
  ["/", "To the search field"],
  ["j, k", "Next message, the one before"],
  ["Enter", "Open a message"],
  ["c, y", "Copy the value of the open message, or a link to it"],
  ["e, n", "Edit and resend the open message, or write a new one"],
  ["x", "Select a message"],
  ["Esc", "Close a message, or stop a search"],
  ["l", "Follow new messages"],
  ["[, ]", "The tab before, the next one"],
  ["r", "Load the page again"],
  ["t", "Light, dark, or as the system is"],
  ["?", "This list"],
];
/** Characters of a title that is written smaller. */
const LONG = 60;
const CHECK_MS = 5000;
const RETRY_MS = 1500;

const main = document.getElementById("main");
const connection = document.getElementById("connection");
let leave = [];
/** Distinguishes loads: a slow one must not replace a later one. */
let loads = 0;
/** Whether the page could not be shown. */
let hasFailed = false;
/** How long nothing of a new page may be shown. */
const SKELETON_MS = 150;

async function load(isNew) {
  for (const action of leave.splice(0)) action();
  const mine = ++loads;
  mayAsk();
  const own = [];
  const context = {
    params: new URLSearchParams(location.search),
    onLeave: (action) => own.push(action),
    go,
    reload: () => load(false),
  };
  const skeleton = setTimeout(() => {
    if (mine === loads && isNew) {
      main.replaceChildren(
        h("p", { class: "dim", role: "status" }, "Loading…"),
        h("div", { class: "skeleton", "aria-hidden": "true" }, h("i"), h("i"), h("i"), h("i")),
      );
    }
  }, SKELETON_MS);
  let title = "Not found";
  hasFailed = false;
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
      if (mine === loads) hasFailed = true;
      title = "Cannot show this page";
      content = [
        h("p", { class: "bad", role: "alert" }, error.message),
        h("button", { onclick: () => load(false) }, "Try again"),
      ];
    }
    break;
  }
  clearTimeout(skeleton);
  if (mine !== loads) {
    for (const action of own) action();
    return;
  }
  leave = own;
  document.title = `${title} · Deno Queue`;
  main.replaceChildren(
    h("h1", { class: title.length > LONG && "long" }, title),
    ...[content].flat(3).filter((child) => child),
  );
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
  const { key } = event;
  if (isAfterG) {
    isAfterG = false;
    if (KEYS[key] !== undefined) return go(KEYS[key]);
  }
  if (key === "/") {
    event.preventDefault();
    document.querySelector("input[type=search]")?.focus();
  } else if (key === "[" || key === "]") moveTab(key === "]" ? 1 : -1);
  else if (key === "r") load(false);
  else if (key === "t") nextTheme();
  else if (key === "?") showHelp();
  else if (key === "g") isAfterG = true;
});

function moveTab(by) {
  const tabs = [...document.querySelectorAll(".tabs a")];
  const now = tabs.findIndex((tab) => tab.hasAttribute("aria-current"));
  const next = tabs[now + by];
  if (now >= 0 && next !== undefined) go(next.getAttribute("href"));
}

function showHelp() {
  const single = h("input", { type: "checkbox", checked: hasKeys() });
  openDialog(
    "Keys",
    [
      h(
        "label",
        { class: "check" },
        single,
        "Keys with a single character do something; turn them off if you speak to the browser",
      ),
      table(["Key", "What it does"], HELP),
    ],
    "Done",
    () => setKeys(single.checked),
  );
}

const THEMES = { "": "auto", light: "light", dark: "dark" };
const themeButton = document.getElementById("theme");

function nextTheme() {
  const names = Object.keys(THEMES);
  const now = document.documentElement.dataset.theme ?? "";
  const next = names[(names.indexOf(now) + 1) % names.length];
  localStorage.setItem("dqueue.theme", next);
  if (next === "") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  showTheme();
}

function showTheme() {
  const name = THEMES[document.documentElement.dataset.theme ?? ""];
  themeButton.replaceChildren("◐", h("span", { class: "word" }, ` ${name}`));
  themeButton.setAttribute("aria-label", `Theme: ${name}`);
}
themeButton.addEventListener("click", nextTheme);
showTheme();

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

/** When the broker was first not reached. */
let offlineMs;

async function check() {
  let isReached;
  try {
    await fetchAs("/livez");
    isReached = true;
  } catch {
    isReached = false;
  }
  const wasOffline = offlineMs !== undefined;
  if (isReached) {
    offlineMs = undefined;
    delete document.body.dataset.offline;
    say("ok", "●", " connected");
    // Other pages refresh themselves.
    if (wasOffline && hasFailed) load(false);
  } else {
    offlineMs ??= Date.now();
    document.body.dataset.offline = "";
    say("bad", `▲ not connected since ${partsOf(offlineMs).time.slice(0, 5)}`, ", trying again");
  }
  setTimeout(check, isReached ? CHECK_MS : RETRY_MS);
}

/** Says it only if it is something else than before, which a screen reader would repeat. */
function say(kind, text, more) {
  if (connection.textContent === text + more) return;
  connection.replaceChildren(
    h("span", { class: kind, title: text + more }, text, h("span", { class: "word" }, more)),
  );
}

/** Who is signed in, where not everyone may do everything, and whether nothing can be changed here. */
async function showUser() {
  const session = await inCluster("GET", "/session");
  const { principal, is_open: isOpen, allows_writes: allowsWrites } = session;
  const readOnly = allowsWrites ? "" : h(
    "span",
    { class: "warn", title: "Changes are switched off: --http-writes off" },
    "read only",
  );
  if (isOpen) return document.getElementById("user").replaceChildren(readOnly);
  const name = principal.replace(/^User:/, "");
  document.getElementById("user").replaceChildren(
    readOnly,
    h("a", { href: "/ui/access/users", title: principal }, name),
    h("button", { class: "small", onclick: () => signOut(inCluster) }, "Sign out"),
  );
}
onSignedIn(() => showUser().catch(() => {}));

check();
showUser().catch(() => {});
load(false);
