/** One topic: its messages, partitions, configs and groups, and a form to produce. */

import { eachOf, history, inCluster, inParallel, logDirs, request, sizesOnDisk } from "./api.js";
import { chart, perSecond } from "./charts.js";
import { bytes, field, h, link, number, openDialog, redraw, table } from "./dom.js";
import { groupPath } from "./groups.js";
import { messagesView } from "./messages.js";
import { produceView } from "./produce.js";
import { timestampOf } from "./time.js";
import { createTopic, topicPath } from "./topics.js";

const REFRESH_MS = 10_000;
/** Most partitions whose offsets are looked up for a page, and most groups. */
const MAX_PARTITIONS = 200;
const MAX_GROUPS = 200;

const VIEWS = {
  messages: messagesOf,
  partitions: partitionsOf,
  configs: configsOf,
  groups: groupsOf,
  produce: ({ params }, name) => produceView(name, params),
};

export async function topic(context, name, tab) {
  if (!Object.hasOwn(VIEWS, tab)) throw new Error("There is no such page");
  const at = `/topics/${encodeURIComponent(name)}`;
  const tabs = h(
    "nav",
    { class: "tabs", "aria-label": "Topic" },
    Object.keys(VIEWS).map((one) =>
      h(
        "a",
        { href: topicPath(name, one), "aria-current": one === tab && "page" },
        one[0].toUpperCase() + one.slice(1),
      )
    ),
    h(
      "span",
      { class: "buttons" },
      h("button", { class: "small", onclick: () => clone(context, name) }, "Clone…"),
      h("button", { class: "danger small", onclick: () => deleteTopic(context, name) }, "Delete…"),
    ),
  );
  return { title: name, content: [tabs, await VIEWS[tab](context, name, at)] };
}

/** Opens the dialog for a new topic with the configs of this one. */
async function clone({ go }, name) {
  const at = `/topics/${encodeURIComponent(name)}`;
  const [described, { data }] = await Promise.all([
    inCluster("GET", at),
    inCluster("GET", `${at}/configs`),
  ]);
  createTopic(go, {
    name,
    partitions: described.partitions_count,
    replicas: described.replication_factor,
    configs: data.filter(({ source }) => source === "DYNAMIC_TOPIC_CONFIG"),
  });
}

/** What is in a topic, in words: its records, bytes, and the groups that read it. */
async function contentsOf(name) {
  const at = `/topics/${encodeURIComponent(name)}`;
  const { data: plan } = await inCluster("POST", `${at}/records:delete`, {
    before: "end",
    dry_run: true,
  }).catch(() => ({ data: [] }));
  const records = plan.reduce((all, row) => all + row.records_count, 0);
  const [sizes, readers] = await Promise.all([
    sizesOnDisk().catch(() => new Map()),
    readersOf(name).catch(() => []),
  ]);
  const groups = readers.map(({ group }) => group.consumer_group_id);
  return `It has about ${records.toLocaleString("en-US")} records, ${
    bytes(sizes.get(name))
  } on disk. ` +
    (groups.length === 0
      ? "No group reads it."
      : `Groups that read it: ${groups.slice(0, 5).join(", ")}${groups.length > 5 ? ", …" : ""}.`);
}

/** A paragraph with what is in a topic, once that is known. */
function contentsNote(name) {
  const note = h("p", {}, "…");
  contentsOf(name).then((text) => note.textContent = text, () => note.remove());
  return note;
}

function deleteTopic({ go }, name) {
  const typed = h("input", {});
  openDialog(
    `Delete ${name}`,
    [
      h("p", {}, "All its records will be gone."),
      contentsNote(name),
      field("Type its name", typed),
    ],
    "Delete",
    async () => {
      if (typed.value !== name) throw new Error("That is not its name");
      await inCluster("DELETE", `/topics/${encodeURIComponent(name)}`);
      go("/ui/topics");
    },
    true,
  );
}

const PLACES = [
  ["end", "All that are there now"],
  ["time", "Those before a time…"],
  ["offset", "Those before an offset…"],
];

function deleteRecords(at, name, reload) {
  const place = h("select", {}, PLACES.map(([value, text]) => h("option", { value }, text)));
  const time = h("input", { type: "datetime-local", step: "1" });
  const offset = h("input", { type: "number", min: 0 });
  const partition = h("input", { placeholder: "all, or such as 0,2", class: "data" });
  const extra = { time: field("Time", time), offset: field("Offset", offset) };
  const shown = h("div", { role: "status" });
  const typed = h("input", {});
  let plan;
  const body = () => {
    const ids = partition.value.split(",").map((one) => one.trim()).filter((one) => one !== "");
    if (!ids.every((one) => /^\d+$/.test(one))) throw new Error("Partitions are numbers");
    const ms = timestampOf(time.value);
    if (place.value === "time" && Number.isNaN(ms)) throw new Error("Say before which time");
    if (place.value === "offset" && offset.value === "") throw new Error("Say before which offset");
    return {
      ...(ids.length === 0 ? {} : { partition_ids: ids.map(Number) }),
      before: place.value === "end" ? "end" : place.value === "time" ? `@${ms}` : offset.value,
    };
  };
  const forget = () => {
    plan = undefined;
    shown.replaceChildren();
    for (const [value, one] of Object.entries(extra)) one.hidden = place.value !== value;
  };
  forget();
  for (const one of [place, time, offset, partition]) one.oninput = forget;
  const preview = h("button", {
    type: "button",
    onclick: async () => {
      try {
        plan = (await inCluster("POST", `${at}/records:delete`, { ...body(), dry_run: true })).data;
        const right = (text) => ({ text, class: "number" });
        shown.replaceChildren(table(
          [right("Partition"), right("Start"), right("New start"), right("Deleted")],
          plan.map((row) => [
            number(row.partition_id),
            number(row.earliest_offset),
            number(row.new_earliest_offset),
            number(row.records_count),
          ]),
        ));
      } catch (error) {
        forget();
        shown.replaceChildren(h("p", { class: "bad" }, error.message));
      }
    },
  }, "Show what will be deleted");
  openDialog(
    "Delete records",
    [
      field("Which", place),
      Object.values(extra),
      field("Partitions", partition),
      h("div", { class: "row" }, preview),
      shown,
      field("Type the topic's name", typed),
    ],
    "Delete",
    async () => {
      if (plan === undefined) throw new Error("Show what will be deleted first");
      if (typed.value !== name) throw new Error("That is not its name");
      await inCluster("POST", `${at}/records:delete`, body());
      reload();
    },
    true,
  );
}

async function messagesOf(context, name, at) {
  const { data } = await inCluster("GET", `${at}/partitions`);
  return messagesView(name, data, context);
}

async function partitionsOf({ onLeave, reload }, name, at) {
  const charts = h("div", { class: "charts" });
  const rows = h("div");
  const refresh = async () => {
    const [old, folders, [samples]] = await Promise.all([
      request("GET", `/topics/${encodeURIComponent(name)}/partitions`),
      logDirs(),
      history(new URLSearchParams({ kind: "topic", name })),
    ]);
    redraw(charts, ...chartsOf(samples));
    redraw(rows, await partitionTable(at, old, sizesOf(name, folders)));
  };
  await refresh();
  eachOf(REFRESH_MS, refresh, onLeave);
  return [
    charts,
    h(
      "div",
      { class: "row" },
      h("button", { onclick: () => addPartitions(at, reload) }, "Add partitions…"),
      h(
        "button",
        { class: "danger", onclick: () => deleteRecords(at, name, reload) },
        "Delete records…",
      ),
    ),
    rows,
  ];
}

function chartsOf(samples) {
  if (samples === undefined) return [];
  const { series, step_ms: stepMs, last } = samples;
  const of = (title, kind, format) =>
    chart({
      title,
      lines: [
        { name: "in", values: series[`${kind}_in`] },
        { name: "out", values: series[`${kind}_out`] },
      ],
      stepMs,
      lastMs: Date.parse(last),
      format,
      isBinary: kind === "bytes",
    });
  return [
    of("Records", "records", perSecond),
    of("Bytes", "bytes", (value) => `${bytes(value)}/s`),
  ];
}

/** Bytes of each replica, by `PARTITION BROKER`. */
function sizesOf(name, folders) {
  const sizes = new Map();
  for (const { broker_id: id, replicas } of folders) {
    for (const { topic_name: topic, partition_id: partition, size_bytes: size } of replicas) {
      if (topic === name) sizes.set(`${partition} ${id}`, size);
    }
  }
  return sizes;
}

async function partitionTable(at, partitions, sizes) {
  const rows = await inParallel(partitions.slice(0, MAX_PARTITIONS), async (partition) => {
    const { partition: id, leader, replicas } = partition;
    const ends = await inCluster("GET", `${at}/partitions/${id}/offset`).catch(() => undefined);
    const missing = replicas.filter((replica) => !replica.in_sync).map(({ broker }) => broker);
    return [
      String(id),
      leader < 0 ? { text: "▲ none", class: "bad" } : String(leader),
      replicas.map(({ broker }) => broker).join(", "),
      missing.length === 0
        ? { text: "● all", class: "ok" }
        : { text: `▲ not ${missing.join(", ")}`, class: "warn" },
      number(ends?.earliest_offset),
      number(ends?.latest_offset),
      number(ends && ends.latest_offset - ends.earliest_offset),
      { text: bytes(sizes.get(`${id} ${leader}`)), class: "number" },
    ];
  }, 8);
  const right = (text) => ({ text, class: "number" });
  const heads = [
    "Partition",
    "Leader",
    "Replicas",
    "In sync",
    right("Start"),
    right("End"),
    right("Records"),
    right("Size"),
  ];
  return h(
    "div",
    {},
    table(heads, rows),
    partitions.length > MAX_PARTITIONS &&
      h("p", { class: "dim" }, `The first ${MAX_PARTITIONS} of ${partitions.length} are shown.`),
  );
}

function addPartitions(at, reload) {
  const count = h("input", { type: "number", min: 1, required: true, autofocus: true });
  openDialog(
    "Add partitions",
    [
      h("p", {}, "Keys move to other partitions: messages of one key are then in two of them."),
      field("New number of partitions", count),
    ],
    "Add",
    async () => {
      await inCluster("PATCH", at, { partitions_count: Number(count.value) });
      reload();
    },
  );
}

async function configsOf({ reload }, _name, at) {
  const { data } = await inCluster("GET", `${at}/configs?include_documentation=true`);
  const isOwn = ({ source }) => source === "DYNAMIC_TOPIC_CONFIG";
  const search = h("input", { type: "search", oninput: () => draw() });
  const own = h("input", { type: "checkbox", onchange: () => draw() });
  const list = h("div");
  const draw = () => {
    const rows = data.filter((config) =>
      (!own.checked || isOwn(config)) && config.name.includes(search.value)
    ).sort((a, b) => Number(isOwn(b)) - Number(isOwn(a)) || (a.name < b.name ? -1 : 1)).map((
      config,
    ) => [
      h("span", {}, config.name, h("small", { class: "dim block" }, config.documentation)),
      { text: config.value ?? "–", class: "data" },
      isOwn(config)
        ? h("strong", {}, "this topic")
        : config.source === "DEFAULT_CONFIG"
        ? "default"
        : "broker",
      config.is_read_only ? "" : h(
        "span",
        { class: "buttons" },
        h("button", { "aria-label": `Edit ${config.name}`, onclick: () => edit(config) }, "Edit"),
        isOwn(config) &&
          h(
            "button",
            { "aria-label": `Reset ${config.name}`, onclick: () => reset(config) },
            "Reset",
          ),
      ),
    ]);
    redraw(list, table(["Name", "Value", "From", ""], rows));
  };
  const edit = (config) => {
    const value = h("input", { value: config.value ?? "", class: "data" });
    const others = config.synonyms.find(({ source }) => source !== "DYNAMIC_TOPIC_CONFIG");
    openDialog(
      config.name,
      [
        h("p", {}, config.documentation),
        h("p", { class: "dim" }, `Otherwise: ${others?.value ?? "–"}`),
        field("Value", value),
      ],
      "Save",
      async () => {
        await inCluster("PUT", `${at}/configs/${encodeURIComponent(config.name)}`, {
          value: value.value,
        });
        reload();
      },
    );
  };
  const reset = async (config) => {
    await inCluster("DELETE", `${at}/configs/${encodeURIComponent(config.name)}`);
    reload();
  };
  draw();
  return [
    h(
      "div",
      { class: "row" },
      field("Search", search),
      h("label", { class: "check" }, own, "Only what differs"),
    ),
    list,
  ];
}

/** The groups that have offsets of the topic, with how far they are behind on it, the furthest first. */
async function readersOf(name) {
  const { data } = await inCluster("GET", "/consumer-groups");
  const lags = await inParallel(data.slice(0, MAX_GROUPS), async (group) => {
    const path = `/consumer-groups/${encodeURIComponent(group.consumer_group_id)}/lags`;
    const { data } = await inCluster("GET", path).catch(() => ({ data: [] }));
    const here = data.filter((lag) => lag.topic_name === name);
    return { group, here, lag: here.reduce((all, one) => all + one.lag, 0) };
  });
  return lags.filter(({ here }) => here.length > 0).sort((a, b) => b.lag - a.lag);
}

async function groupsOf(_context, name) {
  const rows = (await readersOf(name)).map(({ group, here, lag }) => [
    link(groupPath(group.consumer_group_id), group.consumer_group_id),
    group.state.toLowerCase().replaceAll("_", " "),
    number(here.length),
    number(lag),
  ]);
  if (rows.length === 0) {
    return h("p", { class: "dim" }, "No group has committed offsets of this topic.");
  }
  return table(
    ["Group", "State", { text: "Partitions", class: "number" }, { text: "Lag", class: "number" }],
    rows,
  );
}
