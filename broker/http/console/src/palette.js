/** A dialog that finds pages, topics, groups and brokers by name: Ctrl+K. */

import { inCluster } from "./api.js";
import { h } from "./dom.js";

const PAGES = [
  ["Overview", "page", "/ui/"],
  ["Topics", "page", "/ui/topics"],
  ["Groups", "page", "/ui/groups"],
  ["Transactions", "page", "/ui/transactions"],
  ["Brokers", "page", "/ui/brokers"],
  ["Events", "page", "/ui/events"],
  ["ACLs", "page", "/ui/access/acls"],
  ["Users", "page", "/ui/access/users"],
  ["Quotas", "page", "/ui/access/quotas"],
];
const MAX_SHOWN = 12;

/** The places whose name has all the words, best first: those that begin with the text, then the shortest. */
export function matches(places, text) {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const found = places.filter(([name, kind]) => {
    const whole = `${kind} ${name}`.toLowerCase();
    return words.every((word) => whole.includes(word));
  });
  const rank = ([name]) => words.length > 0 && name.toLowerCase().startsWith(words[0]) ? 0 : 1;
  if (words.length === 0) return found;
  return found.sort((a, b) => rank(a) - rank(b) || a[0].length - b[0].length);
}

async function placesOfCluster() {
  const none = () => ({ data: [] });
  const [topics, groups, brokers] = await Promise.all(
    ["/topics", "/consumer-groups", "/brokers"].map((path) => inCluster("GET", path).catch(none)),
  );
  return [
    ...topics.data.flatMap(({ topic_name: name }) => {
      const path = `/ui/topics/${encodeURIComponent(name)}`;
      return [
        [name, "topic", `${path}/messages`],
        [name, "produce to", `${path}/produce`],
        [name, "configs of", `${path}/configs`],
      ];
    }),
    ...groups.data.map(({ consumer_group_id: id }) => [
      id,
      "group",
      `/ui/groups/${encodeURIComponent(id)}`,
    ]),
    ...brokers.data.map(({ broker_id: id }) => [String(id), "broker", `/ui/brokers/${id}`]),
  ];
}

/** Opens the dialog. `go(path)` is called with the page that was chosen. */
export function openPalette(go) {
  if (document.querySelector("dialog") !== null) return;
  let places = PAGES;
  let shown = [];
  let chosen = 0;
  const list = h("ul", { role: "listbox", id: "palette-list", "aria-label": "Places" });
  const input = h("input", {
    role: "combobox",
    "aria-label": "Go to",
    "aria-controls": "palette-list",
    "aria-expanded": "true",
    "aria-autocomplete": "list",
    autocomplete: "off",
    placeholder: "A topic, a group, a broker, a page",
    autofocus: true,
    oninput: () => {
      chosen = 0;
      draw();
    },
    onkeydown: (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        choose(chosen);
      } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        const by = event.key === "ArrowDown" ? 1 : shown.length - 1;
        chosen = (chosen + by) % Math.max(1, shown.length);
        draw();
      }
    },
  });
  const status = h("p", { class: "dim", role: "status" });
  const choose = (index) => {
    const place = shown[index];
    if (place === undefined) return;
    dialog.close();
    go(place[2]);
  };
  const draw = () => {
    const found = matches(places, input.value);
    shown = found.slice(0, MAX_SHOWN);
    status.textContent = found.length === 0
      ? "Nothing has this name"
      : found.length > MAX_SHOWN
      ? `${MAX_SHOWN} of ${found.length.toLocaleString("en-US")}`
      : "";
    list.replaceChildren(...shown.map(([name, kind], i) =>
      h(
        "li",
        {
          role: "option",
          id: `place-${i}`,
          "aria-selected": String(i === chosen),
          onclick: () => choose(i),
        },
        name,
        h("span", {}, kind),
      )
    ));
    if (shown.length === 0) input.removeAttribute("aria-activedescendant");
    else input.setAttribute("aria-activedescendant", `place-${chosen}`);
    list.children[chosen]?.scrollIntoView({ block: "nearest" });
  };
  const dialog = h(
    "dialog",
    { class: "palette", "aria-label": "Go to", onclose: () => dialog.remove() },
    input,
    list,
    status,
  );
  document.body.append(dialog);
  dialog.showModal();
  draw();
  placesOfCluster().then((more) => {
    places = [...PAGES, ...more];
    draw();
  });
}
