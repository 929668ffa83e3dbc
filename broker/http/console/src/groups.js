/** Consumer groups: the list, one group with its lag over time, and the reset of its offsets. */

import { eachOf, history, ifAllowed, inCluster, inParallel, metrics } from "./api.js";
import { chart, short, sparkline } from "./charts.js";
import {
  copy,
  durationOf,
  field,
  h,
  link,
  number,
  openDialog,
  Order,
  redraw,
  sortedTable,
  table,
} from "./dom.js";
import { timestampOf } from "./time.js";

const REFRESH_MS = 5000;
/** Most groups whose lag is looked up for the list. */
const MAX_GROUPS = 200;

export const groupPath = (id) => `/ui/groups/${encodeURIComponent(id)}`;
/** By group: the last reset of its offsets in this tab, to be undone. */
const resets = new Map();
const topicPath = (name) => `/ui/topics/${encodeURIComponent(name)}/messages`;
const stateOf = (state) =>
  state === "STABLE" ? { text: "● stable", class: "ok" } : state.toLowerCase().replaceAll("_", " ");

export async function groups({ params, onLeave }) {
  const search = h("input", {
    type: "search",
    value: params.get("q") ?? "",
    oninput: () => draw(),
  });
  const state = h(
    "select",
    { onchange: () => draw() },
    [["", "all"], ["STABLE", "stable"], ["EMPTY", "empty"], ["other", "rebalancing or dead"]].map((
      [value, text],
    ) => h("option", { value, selected: params.get("state") === value }, text)),
  );
  const list = h("div");
  const count = h("p", { role: "status", class: "dim" });
  let data = [];
  let lags = new Map();
  let samples = new Map();
  let seconds = new Map();
  const order = new Order(params.get("sort") ?? "group", () => draw());
  const idOf = (group) => group.consumer_group_id;
  const lagOf = (group) => lags.get(idOf(group));
  const columns = [
    {
      name: "group",
      text: "Group",
      value: idOf,
      cell: (group) => ({ text: link(groupPath(idOf(group)), idOf(group)), class: "name" }),
    },
    {
      name: "state",
      text: "State",
      value: (group) => group.state,
      cell: (group) => stateOf(group.state),
    },
    {
      name: "members",
      text: "Members",
      class: "number",
      value: (group) => lagOf(group)?.members,
      cell: (group) => number(lagOf(group)?.members),
    },
    {
      name: "lag",
      text: "Lag",
      class: "number",
      value: (group) => lagOf(group)?.total,
      cell: (group) => number(lagOf(group)?.total),
    },
    {
      name: "time",
      text: "Behind by",
      class: "number",
      value: (group) => seconds.get(idOf(group)),
      cell: (group) => ({
        text: seconds.has(idOf(group)) ? durationOf(seconds.get(idOf(group))) : "–",
        class: "number",
      }),
    },
    {
      name: "chart",
      text: "5 minutes",
      class: "wide",
      cell: (group) => ({
        text: samples.has(idOf(group)) ? sparkline(samples.get(idOf(group))) : "",
        class: "wide",
      }),
    },
    {
      name: "topic",
      text: "Furthest behind on",
      cell: (group) => {
        const { topic, partition } = lagOf(group) ?? {};
        if (topic === undefined) return "";
        return { text: link(topicPath(topic), `${topic}-${partition}`), class: "name" };
      },
    },
  ];
  const isShown = (group) =>
    idOf(group).includes(search.value) &&
    (state.value === "" || group.state === state.value ||
      (state.value === "other" && group.state !== "STABLE" && group.state !== "EMPTY"));
  const draw = () => {
    const shown = data.filter(isShown);
    const address = new URLSearchParams();
    if (search.value !== "") address.set("q", search.value);
    if (state.value !== "") address.set("state", state.value);
    if (order.text !== "group") address.set("sort", order.text);
    globalThis.history.replaceState(null, "", address.size === 0 ? "?" : `?${address}`);
    count.textContent = data.length === 0
      ? "No groups yet. A consumer with a group id makes one."
      : `${data.length.toLocaleString("en-US")} groups, ${
        shown.length.toLocaleString("en-US")
      } found` +
        (shown.length > MAX_GROUPS ? `, ${MAX_GROUPS} shown: search for the others` : "");
    redraw(list, sortedTable(columns, shown, order, MAX_GROUPS));
  };
  const refresh = async () => {
    data = (await inCluster("GET", "/consumer-groups")).data;
    draw();
    const ids = order.sorted(data.filter(isShown), columns).slice(0, MAX_GROUPS).map(idOf);
    const [found, histories, series] = await Promise.all([
      inParallel(ids, async (id) => {
        const at = `/consumer-groups/${encodeURIComponent(id)}`;
        const [summary, consumers] = await Promise.all([
          inCluster("GET", `${at}/lag-summary`).catch(() => undefined),
          inCluster("GET", `${at}/consumers`).catch(() => undefined),
        ]);
        return [id, {
          members: consumers?.data.length,
          total: summary?.total_lag,
          topic: summary?.max_lag > 0 ? summary.max_lag_topic_name : undefined,
          partition: summary?.max_lag_partition_id,
        }];
      }),
      history("kind=group"),
      ifAllowed(metrics(), []),
    ]);
    lags = new Map(found);
    samples = new Map(histories.map(({ name, series }) => [name, series.lag]));
    seconds = secondsOf(series);
    draw();
  };
  await refresh();
  eachOf(REFRESH_MS, refresh, onLeave);
  return {
    title: "Groups",
    content: [
      h("div", { class: "row" }, field("Search", search), field("State", state)),
      count,
      list,
    ],
  };
}

/** By group: how long the record at its offset has been there, where that is longest. */
function secondsOf(series) {
  const seconds = new Map();
  for (const { name, labels, value } of series) {
    if (name !== "kafka_consumergroup_group_lag_seconds") continue;
    seconds.set(labels.group, Math.max(seconds.get(labels.group) ?? 0, value));
  }
  return seconds;
}

export async function group({ onLeave, reload, go }, id) {
  const at = `/consumer-groups/${encodeURIComponent(id)}`;
  const onReset = (plan) => {
    resets.set(id, plan);
    reload();
  };
  const state = h("p", {});
  const lags = h("div");
  const members = h("div");
  const figure = h("div");
  let data = [];
  const refresh = async () => {
    const [described, list, consumers, [samples]] = await Promise.all([
      inCluster("GET", at),
      inCluster("GET", `${at}/lags`),
      inCluster("GET", `${at}/consumers`),
      history(new URLSearchParams({ kind: "group", name: id })),
    ]);
    data = list.data;
    const total = data.reduce((all, { lag }) => all + lag, 0);
    const count = consumers.data.length;
    redraw(
      state,
      described.state === "STABLE"
        ? h("span", { class: "ok" }, "● stable")
        : described.state.toLowerCase().replaceAll("_", " "),
      `, ${count} member${count === 1 ? "" : "s"}, lag ${total.toLocaleString("en-US")}`,
    );
    redraw(
      figure,
      samples === undefined ? note() : chart({
        title: "Lag",
        lines: [{ name: "records", values: samples.series.lag }],
        stepMs: samples.step_ms,
        lastMs: Date.parse(samples.last),
        format: short,
      }),
    );
    redraw(lags, lagTable(data));
    redraw(members, memberTable(consumers.data, data));
  };
  eachOf(REFRESH_MS, refresh, onLeave);
  await refresh();
  return {
    title: id,
    content: [
      state,
      resets.has(id) && undoBar(id, at, reload),
      h(
        "div",
        { class: "row" },
        h("button", { onclick: () => resetOffsets(at, id, data, onReset) }, "Reset offsets…"),
        h("button", { class: "danger", onclick: () => deleteGroup(at, id, go) }, "Delete…"),
      ),
      figure,
      h("h2", {}, "Partitions"),
      lags,
      h("h2", {}, "Members"),
      members,
    ],
  };
}

function note() {
  return h(
    "p",
    { class: "dim" },
    "There is no chart here yet: the broker that coordinates the group has its samples.",
  );
}

function lagTable(data) {
  const right = (text) => ({ text, class: "number" });
  const heads = [
    "Topic",
    right("Partition"),
    right("Committed"),
    right("End"),
    right("Lag"),
    "Member",
  ];
  return table(
    heads,
    data.map((row) => [
      link(topicPath(row.topic_name), row.topic_name),
      number(row.partition_id),
      number(row.current_offset),
      number(row.log_end_offset),
      number(row.lag),
      row.client_id ?? "",
    ]),
  );
}

function memberTable(consumers, lags) {
  if (consumers.length === 0) return h("p", { class: "dim" }, "Nobody is in the group now.");
  return table(
    ["Client", "Member", { text: "Partitions", class: "number" }],
    consumers.map((one) => [
      one.client_id,
      { text: one.consumer_id, class: "data" },
      number(lags.filter(({ consumer_id: id }) => id === one.consumer_id).length),
    ]),
  );
}

function deleteGroup(at, id, go) {
  openDialog(
    `Delete ${id}`,
    [h("p", {}, "Its committed offsets will be gone. It must have no members.")],
    "Delete",
    async () => {
      await inCluster("DELETE", at);
      go("/ui/groups");
    },
    true,
  );
}

const TARGETS = [
  ["start", "Start"],
  ["end", "End"],
  ["time", "A time…"],
  ["other", "Offset, or ±N…"],
  ["shift", "Forward or back by…"],
];

/** What was reset, with a button that commits the offsets from before, unless the group has moved since. */
function undoBar(id, at, reload) {
  const plan = resets.get(id);
  const topic = plan[0].topic_name;
  const problem = h("span", { class: "bad", role: "alert" });
  const forget = () => {
    resets.delete(id);
    reload();
  };
  const undo = async () => {
    problem.textContent = "";
    try {
      await inCluster("POST", `${at}/offsets:reset`, {
        topic_name: topic,
        offsets: plan.map((row) => ({
          partition_id: row.partition_id,
          offset: row.current_offset,
        })),
        expected: plan.map((row) => ({
          partition_id: row.partition_id,
          current_offset: row.new_offset,
        })),
      });
      forget();
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  return h(
    "div",
    { class: "row notice", role: "status" },
    `Offsets of ${topic} were reset in ${plan.length} partition${plan.length === 1 ? "" : "s"}.`,
    h("button", { onclick: undo }, "Undo"),
    h("button", { onclick: forget, "aria-label": "Forget the reset" }, "✕"),
    problem,
  );
}

function resetOffsets(at, id, data, onReset) {
  const names = [...new Set(data.map((row) => row.topic_name))];
  const list = h(
    "datalist",
    { id: "topics-of-group" },
    names.map((one) => h("option", { value: one })),
  );
  const name = h("input", {
    value: names[0] ?? "",
    list: "topics-of-group",
    required: true,
    class: "data",
  });
  const partitions = h("input", { placeholder: "all, or such as 0,2", class: "data" });
  const target = h("select", {}, TARGETS.map(([value, text]) => h("option", { value }, text)));
  const time = h("input", { type: "datetime-local", step: "1" });
  const other = h("input", { placeholder: "42, +10, -10, @-1h, @2026-01-31", class: "data" });
  const shift = h("input", { type: "number", step: "1", placeholder: "-100" });
  const extra = {
    time: field("Time", time),
    other: field("Position", other),
    shift: field("Messages, negative for back", shift),
  };
  const rows = h("div", { role: "status" });
  let plan;
  const to = () => {
    if (target.value === "shift") {
      if (shift.value === "") throw new Error("Say by how many");
      return { shift: Number(shift.value) };
    }
    if (target.value === "other") return { to: other.value };
    if (target.value !== "time") return { to: target.value };
    const ms = timestampOf(time.value);
    if (Number.isNaN(ms)) throw new Error("Say to which time");
    return { to: `@${ms}` };
  };
  const body = () => {
    const ids = partitions.value.split(",").map((one) => one.trim()).filter((one) => one !== "");
    if (!ids.every((one) => /^\d+$/.test(one))) throw new Error("Partitions are numbers");
    return {
      topic_name: name.value,
      ...(ids.length === 0 ? {} : { partition_ids: ids.map(Number) }),
      ...to(),
    };
  };
  const preview = h("button", {
    type: "button",
    onclick: async () => {
      try {
        const asked = body();
        plan = (await inCluster("POST", `${at}/offsets:reset`, { ...asked, dry_run: true })).data;
        const command = commandOf(id, asked);
        const button = command !== undefined && h("button", {
          type: "button",
          class: "small",
          onclick: async () => button.textContent = await copy(command) ? "Copied" : command,
        }, "Copy as a command");
        rows.replaceChildren(planTable(plan), button || "");
      } catch (error) {
        plan = undefined;
        rows.replaceChildren(h("p", { class: "bad" }, error.message));
      }
    },
  }, "Show the plan");
  const forget = () => {
    plan = undefined;
    rows.replaceChildren();
    for (const [value, one] of Object.entries(extra)) one.hidden = target.value !== value;
  };
  forget();
  for (const one of [name, partitions, target, time, other, shift]) one.oninput = forget;
  openDialog(
    "Reset offsets",
    [
      list,
      field("Topic", name),
      field("Partitions", partitions),
      field("To", target),
      Object.values(extra),
      h("div", { class: "row" }, preview),
      rows,
    ],
    "Apply",
    async () => {
      if (plan === undefined) throw new Error("Show the plan first");
      const expected = plan.map(({ partition_id, current_offset }) => ({
        partition_id,
        current_offset,
      }));
      const { data } = await inCluster("POST", `${at}/offsets:reset`, { ...body(), expected });
      onReset(data);
    },
  );
}

/** What does the same on the command line, where +N and -N are shifts; undefined if nothing does. */
export function commandOf(group, { topic_name: topic, partition_ids: ids, to, shift }) {
  if (shift === undefined && /^[+-]/.test(to)) return undefined;
  const quote = (text) => /^[\w@.:,+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
  const place = shift === undefined
    ? { start: "earliest", end: "latest" }[to] ?? to
    : `${shift < 0 ? "" : "+"}${shift}`;
  const of = ids === undefined ? topic : `${topic}:${ids.join(",")}`;
  return `dqueue group reset-offsets ${quote(group)} --topic ${quote(of)} --to=${
    quote(place)
  } --execute`;
}

function planTable(plan) {
  const right = (text) => ({ text, class: "number" });
  return table(
    [right("Partition"), right("Current"), right("New"), right("Lag after")],
    plan.map((row) => [
      number(row.partition_id),
      number(row.current_offset),
      number(row.new_offset),
      number(row.lag_after),
    ]),
  );
}
