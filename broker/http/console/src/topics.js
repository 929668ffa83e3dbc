/** The list of topics, and the dialog that creates one. */

import { eachOf, history, inCluster, sizesOnDisk } from "./api.js";
import { perSecond, sparkline } from "./charts.js";
import { bytes, field, h, link, number, openDialog, table } from "./dom.js";

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
  const draw = () => {
    const shown = data.filter(({ topic_name: name, is_internal: isInternal }) =>
      (internal.checked || !isInternal) && name.includes(search.value)
    ).sort((a, b) => a.topic_name < b.topic_name ? -1 : 1);
    const address = new URLSearchParams();
    if (search.value !== "") address.set("q", search.value);
    if (internal.checked) address.set("internal", "1");
    globalThis.history.replaceState(null, "", address.size === 0 ? "?" : `?${address}`);
    count.textContent = data.length === 0
      ? "No topics yet. Create one here, or with: dqueue topic create NAME"
      : `${data.length.toLocaleString("en-US")} topics, ${
        shown.length.toLocaleString("en-US")
      } found` +
        (shown.length > MAX_ROWS ? `, ${MAX_ROWS} shown: search for the others` : "");
    const right = (text) => ({ text, class: "number" });
    list.replaceChildren(table(
      [
        "Name",
        right("Partitions"),
        right("Replicas"),
        right("On disk"),
        right("In"),
        { text: "5 minutes", class: "wide" },
      ],
      shown.slice(0, MAX_ROWS).map((topic) => {
        const name = topic.topic_name;
        const values = rates.get(name);
        return [
          link(topicPath(name), name),
          number(topic.partitions_count),
          number(topic.replication_factor),
          right(bytes(sizes.get(name))),
          right(perSecond(values?.at(-1))),
          { text: values === undefined ? "" : sparkline(values), class: "wide" },
        ];
      }),
    ));
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

function createTopic(go) {
  const name = h("input", { required: true, autofocus: true });
  const partitions = h("input", { type: "number", min: 1, value: 1 });
  const replicas = h("input", { type: "number", min: 1, placeholder: "as the broker is set" });
  const preset = h("select", {}, PRESETS.map(([text], i) => h("option", { value: i }, text)));
  const configs = h("textarea", { class: "data", placeholder: "max.message.bytes=2097152" });
  openDialog(
    "New topic",
    [
      field("Name", name),
      field("Partitions", partitions),
      field("Replicas", replicas),
      field("For", preset),
      field("Further configs, one a line", configs),
    ],
    "Create",
    async () => {
      const all = { ...PRESETS[Number(preset.value)][1], ...linesOf(configs.value) };
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
