/** Events of the cluster, the newest first. */

import { eachOf, inCluster } from "./api.js";
import { field, h, link, redraw, table } from "./dom.js";
import { partsOf } from "./time.js";

const REFRESH_MS = 3000;
const MAX_ROWS = 500;
const TYPES = ["broker", "controller", "leader", "isr", "topic", "config"];

export async function events({ params, onLeave }) {
  const type = h(
    "select",
    { onchange: () => draw() },
    h("option", { value: "" }, "all"),
    TYPES.map((one) => h("option", { value: one, selected: params.get("type") === one }, one)),
  );
  const search = h("input", {
    type: "search",
    value: params.get("q") ?? "",
    oninput: () => draw(),
  });
  const warnings = h("input", { type: "checkbox", onchange: () => draw() });
  const list = h("div");
  const count = h("p", { role: "status", class: "dim" });
  /** By number: an event that grew comes again with another one, and replaces the one before. */
  let all = [];
  const draw = () => {
    const shown = all.filter((event) =>
      (type.value === "" || event.type === type.value) &&
      (!warnings.checked || event.is_warning) &&
      `${event.object} ${event.text}`.includes(search.value)
    );
    count.textContent = all.length === 0
      ? "Nothing has happened since this broker's HTTP port was opened."
      : `${shown.length.toLocaleString("en-US")} of ${all.length.toLocaleString("en-US")} events`;
    const rows = shown.slice(-MAX_ROWS).reverse().map((event) => [
      timeCell(Date.parse(event.time)),
      event.is_warning ? { text: `▲ ${event.type}`, class: "warn" } : event.type,
      objectOf(event),
      { text: event.text, class: "wrap" },
    ]);
    redraw(list, table(["Time", "What", "Of", ""], rows));
  };
  const refresh = async () => {
    const { data } = await inCluster("GET", "/events");
    if (data.at(-1)?.sequence === all.at(-1)?.sequence && all.length > 0) return;
    all = data;
    draw();
  };
  await refresh();
  draw();
  eachOf(REFRESH_MS, refresh, onLeave);
  return {
    title: "Events",
    content: [
      h(
        "div",
        { class: "row" },
        field("What", type),
        field("Search", search),
        h("label", { class: "check" }, warnings, "Only warnings"),
      ),
      count,
      list,
    ],
  };
}

function timeCell(ms) {
  const { date, time } = partsOf(ms);
  return h("span", {}, h("span", { class: "day" }, `${date} `), time);
}

function objectOf({ type, object, text }) {
  const [, broker] = /^broker (\d+)$/.exec(object) ?? [];
  if (broker !== undefined) return link(`/ui/brokers/${broker}`, object);
  if (object === "cluster" || text === "Was deleted") return object;
  const tab = type === "config" ? "configs" : "partitions";
  return link(`/ui/topics/${encodeURIComponent(object)}/${tab}`, object);
}
