/** The list of topics, and the dialog that creates one. */

import { eachOf, history, inCluster, sizesOnDisk } from "./api.js";
import { perSecond, sparkline } from "./charts.js";
import { bytes, field, h, link, number, openDialog, Order, redraw, sortedTable } from "./dom.js";

/** Most rows that are drawn; the search finds the others. */
const MAX_ROWS = 500;
const REFRESH_MS = 10_000;

export const topicPath = (name, tab = "messages") =>
  `/ui/topics/${encodeURIComponent(name)}/${tab}`;

/** Presets of a new topic: settings by what it is for. */
const PRESETS = [
  ["Events, kept for 7 days", {}],
  ["Events, kept for 1 day", { "retention.ms": "86400000" }],
  ["Events, kept forever", { "retention.ms": "-1" }],
  ["State, the last message of each key", { "cleanup.policy": "compact" }],
  ["State, and the rest for 7 days", { "cleanup.policy": "compact,delete" }],
];

export async function topics({ params, go, onLeave }) {
  const { data } = await inCluster("GET", "/topics");
  const search = h("input", {
    type: "search",
    value: params.get("q") ?? "",
    oninput: () => draw(),
  });
  const internal = h("input", {
    type: "checkbox",
    checked: params.get("internal") === "1",
    onchange: () => draw(),
  });
  const list = h("div");
  const count = h("p", { role: "status", class: "dim" });
  let rates = new Map();
  let sizes = new Map();
  const order = new Order(params.get("sort") ?? "name", () => draw());
  const rateOf = ({ topic_name: name }) => rates.get(name)?.at(-1);
  const right = (text) => ({ text, class: "number" });
  const columns = [
    {
      name: "name",
      text: "Name",
      value: (topic) => topic.topic_name,
      cell: ({ topic_name: name }) => ({ text: link(topicPath(name), name), class: "name" }),
    },
    {
      name: "partitions",
      text: "Partitions",
      class: "number",
      value: (topic) => topic.partitions_count,
      cell: (topic) => number(topic.partitions_count),
    },
    {
      name: "replicas",
      text: "Replicas",
      class: "number wide",
      value: (topic) => topic.replication_factor,
      cell: (topic) => ({ text: topic.replication_factor, class: "number wide" }),
    },
    {
      name: "size",
      text: "On disk",
      class: "number",
      value: (topic) => sizes.get(topic.topic_name),
      cell: (topic) => right(bytes(sizes.get(topic.topic_name))),
    },
    {
      name: "in",
      text: "In",
      class: "number",
      value: rateOf,
      cell: (topic) => right(perSecond(rateOf(topic))),
    },
    {
      name: "chart",
      text: "5 minutes",
      class: "wide",
      cell: ({ topic_name: name }) => ({
        text: rates.has(name) ? sparkline(rates.get(name)) : "",
        class: "wide",
      }),
    },
  ];
  const draw = () => {
    const shown = data.filter(({ topic_name: name, is_internal: isInternal }) =>
      (internal.checked || !isInternal) && name.includes(search.value)
    );
    const address = new URLSearchParams();
    if (search.value !== "") address.set("q", search.value);
    if (internal.checked) address.set("internal", "1");
    if (order.text !== "name") address.set("sort", order.text);
    globalThis.history.replaceState(null, "", address.size === 0 ? "?" : `?${address}`);
    count.textContent = data.length === 0
      ? "No topics yet. Create one here, or with: dqueue topic create NAME"
      : `${data.length.toLocaleString("en-US")} topics, ${
        shown.length.toLocaleString("en-US")
      } found` +
        (shown.length > MAX_ROWS ? `, ${MAX_ROWS} shown: search for the others` : "");
    redraw(list, sortedTable(columns, shown, order, MAX_ROWS));
  };
  const refresh = async () => {
    const [histories, onDisk] = await Promise.all([history("kind=topic"), sizesOnDisk()]);
    rates = new Map(histories.map(({ name, series }) => [name, series.records_in]));
    sizes = onDisk;
    draw();
  };
  draw();
  refresh().catch(() => {});
  eachOf(REFRESH_MS, refresh, onLeave);
  return {
    title: "Topics",
    content: [
      h(
        "div",
        { class: "row" },
        field("Search", search),
        h("label", { class: "check" }, internal, "Internal ones"),
        h("button", { class: "primary", onclick: () => createTopic(go) }, "New topic"),
      ),
      count,
      list,
    ],
  };
}

/** Opens the dialog. A topic that is `like` another has its partitions, replicas and configs. */
export function createTopic(go, like) {
  const name = h("input", { required: true, autofocus: true });
  const partitions = h("input", { type: "number", min: 1, value: like?.partitions ?? 1 });
  const replicas = h("input", {
    type: "number",
    min: 1,
    value: like?.replicas ?? "",
    placeholder: "as the broker is set",
  });
  const preset = h("select", {}, PRESETS.map(([text], i) => h("option", { value: i }, text)));
  const configs = h("textarea", {
    class: "data",
    value: (like?.configs ?? []).map(({ name, value }) => `${name}=${value}`).join("\n"),
    placeholder: "max.message.bytes=2097152",
  });
  openDialog(
    like === undefined ? "New topic" : `New topic like ${like.name}`,
    [
      field("Name", name),
      field("Partitions", partitions),
      field("Replicas", replicas),
      like === undefined && field("For", preset),
      field("Further configs, one a line", configs),
    ],
    "Create",
    async () => {
      const all = {
        ...(like === undefined ? PRESETS[Number(preset.value)][1] : {}),
        ...linesOf(configs.value),
      };
      await inCluster("POST", "/topics", {
        topic_name: name.value,
        partitions_count: Number(partitions.value),
        ...(replicas.value === "" ? {} : { replication_factor: Number(replicas.value) }),
        configs: Object.entries(all).map(([name, value]) => ({ name, value })),
      });
      go(topicPath(name.value));
    },
  );
}

function linesOf(text) {
  const configs = {};
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const at = line.indexOf("=");
    if (at < 1) throw new Error(`"${line}" is not NAME=VALUE`);
    configs[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return configs;
}
