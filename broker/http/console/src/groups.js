/** Consumer groups: the list, one group with its lag over time, and the reset of its offsets. */

import { eachOf, history, inCluster, inParallel } from "./api.js";
import { chart, short } from "./charts.js";
import { field, h, link, number, openDialog, table } from "./dom.js";
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
  const list = h("div");
  const count = h("p", { role: "status", class: "dim" });
  let data = [];
  let lags = new Map();
  const draw = () => {
    const shown = data.filter(({ consumer_group_id: id }) => id.includes(search.value));
    const address = search.value === "" ? "?" : `?${new URLSearchParams({ q: search.value })}`;
    globalThis.history.replaceState(null, "", address);
    count.textContent = data.length === 0
      ? "No groups yet. A consumer with a group id makes one."
      : `${data.length.toLocaleString("en-US")} groups, ${
        shown.length.toLocaleString("en-US")
      } found`;
    const right = (text) => ({ text, class: "number" });
    const rows = shown.slice(0, MAX_GROUPS).map((group) => {
      const id = group.consumer_group_id;
      const lag = lags.get(id);
      return [
        link(groupPath(id), id),
        stateOf(group.state),
        number(lag?.members),
        number(lag?.total),
        lag?.topic === undefined ? "" : link(topicPath(lag.topic), `${lag.topic}-${lag.partition}`),
      ];
    });
    list.replaceChildren(
      table(["Group", "State", right("Members"), right("Lag"), "Furthest behind on"], rows),
    );
  };
  const refresh = async () => {
    data = (await inCluster("GET", "/consumer-groups")).data
      .sort((a, b) => a.consumer_group_id < b.consumer_group_id ? -1 : 1);
    draw();
    const ids = data.map(({ consumer_group_id: id }) => id)
      .filter((id) => id.includes(search.value)).slice(0, MAX_GROUPS);
    const found = await inParallel(ids, async (id) => {
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
    });
    lags = new Map(found);
    draw();
  };
  await refresh();
  eachOf(REFRESH_MS, refresh, onLeave);
  return {
    title: "Groups",
    content: [h("div", { class: "row" }, field("Search", search)), count, list],
  };
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
    state.replaceChildren(
      described.state === "STABLE"
        ? h("span", { class: "ok" }, "● stable")
        : described.state.toLowerCase().replaceAll("_", " "),
      `, ${count} member${count === 1 ? "" : "s"}, lag ${total.toLocaleString("en-US")}`,
    );
    figure.replaceChildren(
      samples === undefined ? note() : chart({
        title: "Lag",
        lines: [{ name: "records", values: samples.series.lag }],
        stepMs: samples.step_ms,
        lastMs: Date.parse(samples.last),
        format: short,
      }),
    );
    lags.replaceChildren(lagTable(data));
    members.replaceChildren(memberTable(consumers.data, data));
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
        h("button", { onclick: () => resetOffsets(at, data, onReset) }, "Reset offsets…"),
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

function resetOffsets(at, data, onReset) {
  const names = [...new Set(data.map((row) => row.topic_name))];
  const name = h("select", {}, names.map((one) => h("option", { value: one }, one)));
  const target = h("select", {}, TARGETS.map(([value, text]) => h("option", { value }, text)));
  const time = h("input", { type: "datetime-local", step: "1" });
  const other = h("input", { placeholder: "42, +10, -10, @-1h, @2026-01-31", class: "data" });
  const timeField = field("Time", time);
  const otherField = field("Position", other);
  const rows = h("div", { role: "status" });
  let plan;
  const to = () => {
    if (target.value === "other") return other.value;
    if (target.value !== "time") return target.value;
    const ms = timestampOf(time.value);
    if (Number.isNaN(ms)) throw new Error("Say to which time");
    return `@${ms}`;
  };
  const body = () => ({ topic_name: name.value, to: to() });
  const preview = h("button", {
    type: "button",
    onclick: async () => {
      try {
        plan = (await inCluster("POST", `${at}/offsets:reset`, { ...body(), dry_run: true })).data;
        rows.replaceChildren(planTable(plan));
      } catch (error) {
        plan = undefined;
        rows.replaceChildren(h("p", { class: "bad" }, error.message));
      }
    },
  }, "Show the plan");
  const forget = () => {
    plan = undefined;
    rows.replaceChildren();
    timeField.hidden = target.value !== "time";
    otherField.hidden = target.value !== "other";
  };
  forget();
  name.onchange =
    target.onchange =
    time.oninput =
    other.oninput =
      forget;
  openDialog(
    "Reset offsets",
    [
      field("Topic", name),
      field("To", target),
      timeField,
      otherField,
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
