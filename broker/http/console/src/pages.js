/** The pages besides messages. Each returns its title and content. */

import { clusterId, inCluster, metrics, request, sum } from "./api.js";
import { bytes, field, h, link, number, openDialog, table } from "./dom.js";
import { messagesView } from "./messages.js";

/** How often numbers are read again. */
const REFRESH_MS = 5000;
/** Lag that deserves attention, in seconds. */
const LAG_SECONDS = 60;

const topicPath = (name, tab = "messages") => `/ui/topics/${encodeURIComponent(name)}/${tab}`;
const groupPath = (id) => `/ui/groups/${encodeURIComponent(id)}`;

export async function overview({ onLeave }) {
  const cards = h("div", { class: "cards" });
  const attention = h("div");
  const busiest = h("div");
  let before;
  const refresh = async () => {
    const [series, ready] = await Promise.all([
      metrics(),
      fetch("/readyz").then((response) => response.json()),
    ]);
    const nowMs = performance.now();
    const now = {
      ms: nowMs,
      in: sum(series, "dqueue_topic_records_in_total"),
      out: sum(series, "dqueue_topic_records_out_total"),
    };
    const rate = (name) =>
      before === undefined
        ? "…"
        : `${
          Math.round((now[name] - before[name]) * 1000 / (now.ms - before.ms)).toLocaleString(
            "en-US",
          )
        }/s`;
    const free = sum(series, "dqueue_disk_free_bytes");
    const total = sum(series, "dqueue_disk_total_bytes");
    cards.replaceChildren(
      card(
        "State",
        ready.status === "ready"
          ? h("span", { class: "ok" }, "● ready")
          : h("span", { class: "bad" }, "▲ not ready"),
      ),
      card("Records in", rate("in")),
      card("Records out", rate("out")),
      card("Connections", sum(series, "dqueue_connections")),
      card("Memory", bytes(sum(series, "dqueue_process_resident_bytes"))),
      card("Disk free", total > 0 ? `${bytes(free)}, ${Math.round(100 * free / total)} %` : "–"),
    );
    before = now;
    const items = ready.checks.filter(({ ok }) => !ok)
      .map(({ name, detail }) => h("li", { class: "bad" }, `▲ ${name}: ${detail}`));
    for (const { name, labels, value } of series) {
      if (name === "kafka_consumergroup_group_lag_seconds" && value > LAG_SECONDS) {
        items.push(
          h(
            "li",
            { class: "warn" },
            "▲ ",
            link(groupPath(labels.group), labels.group),
            ` is ${Math.round(value)} s behind on ${labels.topic}-${labels.partition}`,
          ),
        );
      }
    }
    const under = sum(series, "kafka_topic_partition_under_replicated_partition");
    if (under > 0) {
      items.push(h("li", { class: "warn" }, `▲ ${under} partitions are under-replicated`));
    }
    attention.replaceChildren(
      items.length === 0
        ? h("p", { class: "ok" }, "● Nothing needs attention")
        : h("ul", {}, items.slice(0, 20)),
    );
    const topics = series.filter(({ name }) => name === "dqueue_topic_records_in_total")
      .sort((a, b) => b.value - a.value).slice(0, 10);
    busiest.replaceChildren(table(
      ["Topic", { text: "Records since the start", class: "number" }, {
        text: "Size",
        class: "number",
      }],
      topics.map(({ labels: { topic }, value }) => [
        link(topicPath(topic), topic),
        number(value),
        { text: bytes(sum(series, "dqueue_topic_log_bytes", { topic })), class: "number" },
      ]),
    ));
  };
  every(refresh, onLeave);
  await refresh();
  return {
    title: "Overview",
    content: [
      h(
        "p",
        { class: "dim" },
        `Cluster ${await clusterId()}. Numbers are of the broker that serves this page.`,
      ),
      cards,
      h("h2", {}, "Needs attention"),
      attention,
      h("h2", {}, "Busiest topics"),
      busiest,
    ],
  };
}

function card(name, value) {
  return h("div", { class: "card" }, name, h("strong", {}, value));
}

function every(refresh, onLeave) {
  const timer = setInterval(() => refresh().catch(() => {}), REFRESH_MS);
  onLeave(() => clearInterval(timer));
}

export async function topics({ params, go }) {
  const [{ data }, series] = await Promise.all([inCluster("GET", "/topics"), metrics()]);
  const sizes = new Map();
  for (const { name, labels, value } of series) {
    if (name === "dqueue_topic_log_bytes") sizes.set(labels.topic, value);
  }
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
  const draw = () => {
    const shown = data.filter(({ topic_name: name, is_internal: isInternal }) =>
      (internal.checked || !isInternal) && name.includes(search.value)
    ).sort((a, b) => a.topic_name < b.topic_name ? -1 : 1);
    const address = new URLSearchParams();
    if (search.value !== "") address.set("q", search.value);
    if (internal.checked) address.set("internal", "1");
    history.replaceState(null, "", `?${address}`);
    count.textContent = data.length === 0
      ? "No topics yet. Create one here, or with: dqueue topic create NAME"
      : `${data.length.toLocaleString("en-US")} topics, ${
        shown.length.toLocaleString("en-US")
      } shown`;
    list.replaceChildren(table(
      ["Name", { text: "Partitions", class: "number" }, { text: "Replicas", class: "number" }, {
        text: "Size",
        class: "number",
      }],
      shown.slice(0, 1000).map((topic) => [
        link(topicPath(topic.topic_name), topic.topic_name),
        number(topic.partitions_count),
        number(topic.replication_factor),
        { text: bytes(sizes.get(topic.topic_name)), class: "number" },
      ]),
    ));
  };
  draw();
  return {
    title: "Topics",
    content: [
      h(
        "div",
        { class: "row" },
        field("Search", search),
        h("label", {}, "Internal ones", internal),
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
  const cleanup = h(
    "select",
    {},
    h("option", { value: "" }, "delete old records"),
    h("option", { value: "compact" }, "keep the last of each key"),
  );
  const retention = h("input", { placeholder: "604800000 (7 days)" });
  openDialog(
    "New topic",
    [
      field("Name", name),
      field("Partitions", partitions),
      field("Old records", cleanup),
      field("retention.ms", retention),
    ],
    "Create",
    async () => {
      const configs = [];
      if (cleanup.value !== "") configs.push({ name: "cleanup.policy", value: cleanup.value });
      if (retention.value !== "") configs.push({ name: "retention.ms", value: retention.value });
      await inCluster("POST", "/topics", {
        topic_name: name.value,
        partitions_count: Number(partitions.value),
        configs,
      });
      go(topicPath(name.value));
    },
  );
}

export async function topic(context, name, tab) {
  const at = `/topics/${encodeURIComponent(name)}`;
  const tabs = h(
    "nav",
    { class: "tabs", "aria-label": "Topic" },
    ["messages", "partitions", "configs", "produce"].map((one) =>
      h("a", { href: topicPath(name, one), "aria-current": one === tab && "page" }, one)
    ),
    h("button", { class: "danger", onclick: () => deleteTopic(context, name) }, "Delete"),
  );
  const views = { messages: messagesOf, partitions: partitionsOf, configs: configsOf, produce };
  const view = views[tab];
  if (view === undefined) throw new Error("There is no such page");
  return { title: name, content: [tabs, await view(context, name, at)] };
}

function deleteTopic({ go }, name) {
  const typed = h("input", {});
  openDialog(
    `Delete ${name}`,
    [h("p", {}, "All its records will be gone."), field("Type its name", typed)],
    "Delete",
    async () => {
      if (typed.value !== name) throw new Error("That is not its name");
      await inCluster("DELETE", `/topics/${encodeURIComponent(name)}`);
      go("/ui/topics");
    },
    true,
  );
}

async function messagesOf({ params, onLeave }, name, at) {
  const { data } = await inCluster("GET", `${at}/partitions`);
  return messagesView(name, data, params, onLeave);
}

async function partitionsOf(_context, name, at) {
  const [{ data }, old] = await Promise.all([
    inCluster("GET", `${at}/partitions`),
    request("GET", `/topics/${encodeURIComponent(name)}/partitions`),
  ]);
  const rows = await Promise.all(
    data.slice(0, 200).map(async ({ partition_id: id }) => {
      const ends = await inCluster("GET", `${at}/partitions/${id}/offset`).catch(() => undefined);
      const { leader, replicas } = old[id];
      const inSync = replicas.filter((replica) => replica.in_sync);
      return [
        number(id),
        leader < 0 ? { text: "▲ none", class: "bad" } : String(leader),
        replicas.map(({ broker }) => broker).join(", "),
        inSync.length < replicas.length
          ? { text: `▲ ${inSync.map(({ broker }) => broker).join(", ")}`, class: "warn" }
          : inSync.map(({ broker }) => broker).join(", "),
        number(ends?.earliest_offset),
        number(ends?.latest_offset),
      ];
    }),
  );
  return table([{ text: "Partition", class: "number" }, "Leader", "Replicas", "In sync", {
    text: "Start",
    class: "number",
  }, { text: "End", class: "number" }], rows);
}

async function configsOf({ reload }, _name, at) {
  const { data } = await inCluster("GET", `${at}/configs`);
  const edit = (config) => {
    const value = h("input", { value: config.value ?? "", class: "data" });
    openDialog(config.name, [field("Value", value)], "Save", async () => {
      await inCluster("PUT", `${at}/configs/${encodeURIComponent(config.name)}`, {
        value: value.value,
      });
      reload();
    });
  };
  const reset = async (config) => {
    await inCluster("DELETE", `${at}/configs/${encodeURIComponent(config.name)}`);
    reload();
  };
  const isOwn = ({ source }) => source === "DYNAMIC_TOPIC_CONFIG";
  return table(
    ["Name", "Value", "From", ""],
    data.sort((a, b) => Number(isOwn(b)) - Number(isOwn(a)) || (a.name < b.name ? -1 : 1)).map((
      config,
    ) => [
      config.name,
      { text: config.value ?? "–", class: "data" },
      isOwn(config)
        ? h("strong", {}, "this topic")
        : config.source === "DEFAULT_CONFIG"
        ? "default"
        : "broker",
      config.is_read_only ? "" : h(
        "span",
        {},
        h("button", { "aria-label": `Edit ${config.name}`, onclick: () => edit(config) }, "Edit"),
        " ",
        isOwn(config) &&
          h(
            "button",
            { "aria-label": `Reset ${config.name}`, onclick: () => reset(config) },
            "Reset",
          ),
      ),
    ]),
  );
}

function produce({ params }, name, at) {
  const key = h("input", { value: params.get("key") ?? "", class: "data" });
  const hasKey = h("input", {
    type: "checkbox",
    checked: params.has("key") || !params.has("value") && false,
  });
  const value = h("textarea", { value: params.get("value") ?? "" });
  const isNull = h("input", { type: "checkbox" });
  const headers = h("input", { value: params.get("headers") ?? "{}", class: "data" });
  const partition = h("input", { type: "number", min: 0, placeholder: "auto" });
  const result = h("p", { role: "status" });
  const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  return h(
    "form",
    {
      async onsubmit(event) {
        event.preventDefault();
        result.className = "dim";
        result.textContent = "Sending…";
        try {
          const list = Object.entries(JSON.parse(headers.value || "{}"))
            .map(([one, text]) => ({
              name: one,
              value: text === null ? null : base64(String(text)),
            }));
          const report = await inCluster("POST", `${at}/records`, {
            ...(partition.value === "" ? {} : { partition_id: Number(partition.value) }),
            ...(hasKey.checked ? { key: { type: "STRING", data: key.value } } : {}),
            value: isNull.checked ? null : { type: "STRING", data: value.value },
            headers: list,
          });
          if (report.error_code !== 200) throw new Error(report.message);
          result.className = "ok";
          result.replaceChildren(
            "● Written to partition ",
            String(report.partition_id),
            ", offset ",
            String(report.offset),
            ". ",
            link(topicPath(name), "Messages"),
          );
        } catch (error) {
          result.className = "bad";
          result.textContent = error.message;
        }
      },
    },
    h(
      "div",
      { class: "row" },
      field("Partition", partition),
      h("label", {}, "With a key", hasKey),
      field("Key", key),
    ),
    field("Headers, as JSON", headers),
    field("Value", value),
    h("label", {}, "Null (a tombstone)", isNull),
    h("div", { class: "row" }, h("button", { class: "primary" }, "Send")),
    result,
  );
}

export async function groups() {
  const [{ data }, series] = await Promise.all([inCluster("GET", "/consumer-groups"), metrics()]);
  const rows = data.map((group) => {
    const id = group.consumer_group_id;
    return [
      link(groupPath(id), id),
      group.state.toLowerCase(),
      number(sum(series, "kafka_consumergroup_members", { consumergroup: id })),
      number(sum(series, "kafka_consumergroup_lag_sum", { consumergroup: id })),
    ];
  });
  return {
    title: "Groups",
    content: [
      data.length === 0 &&
      h("p", { class: "dim" }, "No groups yet. A consumer with a group id makes one."),
      table(["Group", "State", { text: "Members", class: "number" }, {
        text: "Lag",
        class: "number",
      }], rows),
    ],
  };
}

export async function group({ onLeave, reload }, id) {
  const at = `/consumer-groups/${encodeURIComponent(id)}`;
  const state = h("p", {});
  const lags = h("div");
  const members = h("div");
  const chart = h("div");
  const history = [];
  let data = [];
  const refresh = async () => {
    const [described, list, consumers] = await Promise.all([
      inCluster("GET", at),
      inCluster("GET", `${at}/lags`),
      inCluster("GET", `${at}/consumers`),
    ]);
    data = list.data;
    const total = data.reduce((all, { lag }) => all + lag, 0);
    history.push({ ms: Date.now(), total });
    state.replaceChildren(
      described.state === "STABLE"
        ? h("span", { class: "ok" }, "● stable")
        : described.state.toLowerCase(),
      `, ${consumers.data.length} members, lag ${total.toLocaleString("en-US")}`,
    );
    chart.replaceChildren(chartOf(history));
    lags.replaceChildren(table(
      [
        "Topic",
        { text: "Partition", class: "number" },
        { text: "Committed", class: "number" },
        { text: "End", class: "number" },
        { text: "Lag", class: "number" },
        "Member",
      ],
      data.map((
        row,
      ) => [
        link(topicPath(row.topic_name), row.topic_name),
        number(row.partition_id),
        number(row.current_offset),
        number(row.log_end_offset),
        number(row.lag),
        row.client_id,
      ]),
    ));
    members.replaceChildren(
      table(["Client", "Member"], consumers.data.map((one) => [one.client_id, one.consumer_id])),
    );
  };
  every(refresh, onLeave);
  await refresh();
  return {
    title: id,
    content: [
      state,
      h("button", { onclick: () => resetOffsets(at, data, reload) }, "Reset offsets…"),
      chart,
      h("h2", {}, "Partitions"),
      lags,
      h("h2", {}, "Members"),
      members,
    ],
  };
}

/** Lag since the page was opened, with the numbers as a sentence for those who do not see it. */
function chartOf(history) {
  const most = Math.max(1, ...history.map(({ total }) => total));
  const [first] = history;
  const span = Math.max(1, history.at(-1).ms - first.ms);
  const points = history.map(({ ms, total }) =>
    `${(600 * (ms - first.ms) / span).toFixed(1)},${(80 - 76 * total / most).toFixed(1)}`
  );
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 600 82");
  svg.setAttribute("role", "img");
  svg.setAttribute("width", "100%");
  svg.setAttribute("height", "82");
  svg.setAttribute(
    "aria-label",
    `Lag was ${first.total} at ${new Date(first.ms).toLocaleTimeString()} and is ${
      history.at(-1).total
    } now; at most ${most}`,
  );
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  line.setAttribute("points", points.join(" "));
  line.setAttribute("fill", "none");
  line.setAttribute("stroke", "currentColor");
  line.setAttribute("stroke-width", "2");
  svg.append(line);
  return h(
    "figure",
    {},
    svg,
    h(
      "figcaption",
      { class: "dim" },
      `Lag since ${new Date(first.ms).toLocaleTimeString()}, at most ${
        most.toLocaleString("en-US")
      }`,
    ),
  );
}

function resetOffsets(at, data, reload) {
  const names = [...new Set(data.map((row) => row.topic_name))];
  const name = h("select", {}, names.map((one) => h("option", { value: one }, one)));
  const to = h("input", { value: "start", placeholder: "start, end, 42, -10, @-1h, @2026-01-31" });
  const rows = h("div", { role: "status" });
  let plan;
  const body = () => ({ topic_name: name.value, to: to.value });
  const preview = h("button", {
    type: "button",
    onclick: async () => {
      try {
        plan = (await inCluster("POST", `${at}/offsets:reset`, { ...body(), dry_run: true })).data;
        rows.replaceChildren(table(
          [{ text: "Partition", class: "number" }, { text: "Current", class: "number" }, {
            text: "New",
            class: "number",
          }, { text: "Lag after", class: "number" }],
          plan.map((
            row,
          ) => [
            number(row.partition_id),
            number(row.current_offset),
            number(row.new_offset),
            number(row.lag_after),
          ]),
        ));
      } catch (error) {
        plan = undefined;
        rows.replaceChildren(h("p", { class: "bad" }, error.message));
      }
    },
  }, "Show the plan");
  const forget = () => {
    plan = undefined;
    rows.replaceChildren();
  };
  name.onchange = to.oninput = forget;
  openDialog(
    "Reset offsets",
    [field("Topic", name), field("To", to), h("div", { class: "row" }, preview), rows],
    "Apply",
    async () => {
      if (plan === undefined) {
        throw new Error("Show the plan first");
      }
      const expected = plan.map(({ partition_id, current_offset }) => ({
        partition_id,
        current_offset,
      }));
      await inCluster("POST", `${at}/offsets:reset`, { ...body(), expected });
      reload();
    },
  );
}

export async function brokers() {
  const [{ data }, cluster] = await Promise.all([
    inCluster("GET", "/brokers"),
    inCluster("GET", ""),
  ]);
  const controller = cluster.controller?.related.split("/").at(-1);
  const rows = await Promise.all(data.map(async (broker) => {
    const replicas = await inCluster("GET", `/brokers/${broker.broker_id}/partition-replicas`);
    return [
      String(broker.broker_id),
      `${broker.host}:${broker.port}`,
      broker.rack ?? "–",
      String(broker.broker_id) === controller ? "● controller" : "",
      number(replicas.data.filter((replica) => replica.is_leader).length),
      number(replicas.data.length),
    ];
  }));
  return {
    title: "Brokers",
    content: [
      table(["Id", "Address", "Rack", "", { text: "Leaders", class: "number" }, {
        text: "Replicas",
        class: "number",
      }], rows),
    ],
  };
}
