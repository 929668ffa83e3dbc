/** The overview: what needs attention, and the last hour in charts. */

import { clusterId, eachOf, history, ifAllowed, inCluster, metrics, sum } from "./api.js";
import { chart, perSecond, short, sparkline } from "./charts.js";
import { bytes, durationOf, h, link, redraw, table } from "./dom.js";
import { groupPath } from "./groups.js";
import { topicPath } from "./topics.js";

const REFRESH_MS = 10_000;
/** Lag that deserves attention, in seconds. */
const LAG_SECONDS = 60;
const MAX_ITEMS = 10;
const MAX_ROWS = 10;

export async function overview({ onLeave }) {
  const cards = h("div", { class: "cards" });
  const attention = h("div");
  const charts = h("div", { class: "charts" });
  const busiest = h("div");
  const refresh = async () => {
    const [series, health, [broker], topics, groups] = await Promise.all([
      ifAllowed(metrics(), []),
      ifAllowed(inCluster("GET", "/health"), undefined),
      history(),
      history("kind=topic"),
      history("kind=group"),
    ]);
    if (health === undefined) return redraw(attention, denied());
    redraw(cards, ...cardsOf(series, health, broker));
    redraw(attention, attentionOf(series, health));
    redraw(charts, ...chartsOf(broker));
    redraw(
      busiest,
      h(
        "div",
        { class: "columns" },
        h("section", {}, h("h2", {}, "Busiest topics"), busiestTopics(topics)),
        h("section", {}, h("h2", {}, "Groups that are behind"), slowestGroups(groups)),
      ),
    );
  };
  eachOf(REFRESH_MS, refresh, onLeave);
  await refresh();
  return {
    title: "Overview",
    content: [
      cards,
      h("h2", {}, "Needs attention"),
      attention,
      h("h2", {}, "The last hour"),
      charts,
      busiest,
      h(
        "p",
        { class: "dim" },
        `Cluster ${await clusterId()}. Problems are of the cluster, charts and rates of the broker that ` +
          "serves this page.",
      ),
    ],
  };
}

/** What who may not describe the cluster sees. */
function denied() {
  return h(
    "p",
    {},
    "You may not describe the cluster, which its overview needs: an ACL with the operation DESCRIBE on " +
      "CLUSTER kafka-cluster allows it. See your ",
    link("/ui/topics", "topics"),
    " and ",
    link("/ui/groups", "groups"),
    ".",
  );
}

function cardsOf(series, health, broker) {
  const last = (name) => broker?.series[name].at(-1);
  const free = sum(series, "dqueue_disk_free_bytes");
  const total = sum(series, "dqueue_disk_total_bytes");
  const problems = health.problems.reduce((all, { items }) => all + items.length, 0);
  return [
    card(
      "State",
      problems === 0
        ? h("span", { class: "ok" }, "● healthy")
        : h("span", { class: "bad" }, `▲ ${problems} problem${problems === 1 ? "" : "s"}`),
    ),
    card("Brokers", link("/ui/brokers", String(health.brokers.length))),
    card("Partitions", health.partitions.toLocaleString("en-US")),
    card("Records in", perSecond(last("records_in"))),
    card("Records out", perSecond(last("records_out"))),
    card("Loop delay p99", delayOf(series)),
    card("Memory", bytes(sum(series, "dqueue_process_resident_bytes"))),
    card("Disk free", total > 0 ? `${bytes(free)}, ${Math.round(100 * free / total)} %` : "–"),
  ];
}

/** The delay of the event loop that 99 of 100 are below, since the start: the bound of a bucket. */
function delayOf(series) {
  const buckets = series.filter(({ name }) => name === "dqueue_event_loop_delay_seconds_bucket")
    .map(({ labels, value }) => [labels.le === "+Inf" ? Infinity : Number(labels.le), value])
    .sort(([a], [b]) => a - b);
  const all = buckets.at(-1)?.[1] ?? 0;
  const found = buckets.find(([, count]) => count >= 0.99 * all);
  if (all === 0 || found === undefined || found[0] === Infinity) return "–";
  return `≤ ${short(1000 * found[0])} ms`;
}

function card(name, value) {
  return h("div", { class: "card" }, name, h("strong", {}, value));
}

function attentionOf(series, { problems }) {
  const items = problems.map(({ title, items }) =>
    h(
      "li",
      { class: "bad" },
      `▲ ${title} (${items.length}): ${items.slice(0, MAX_ITEMS).join(", ")}` +
        (items.length > MAX_ITEMS ? ", …" : ""),
    )
  );
  for (const { name, labels, value } of series) {
    if (name !== "kafka_consumergroup_group_lag_seconds" || value <= LAG_SECONDS) continue;
    items.push(h(
      "li",
      { class: "warn" },
      "▲ ",
      link(groupPath(labels.group), labels.group),
      ` is ${durationOf(value)} behind on `,
      link(topicPath(labels.topic), `${labels.topic}-${labels.partition}`),
    ));
  }
  const late = sum(series, "dqueue_partitions_with_late_transactions");
  if (late > 0) {
    items.push(h(
      "li",
      { class: "bad" },
      "▲ ",
      link("/ui/transactions", "Transactions"),
      ` that should have ended long ago hold back readers of ${late} partition${
        late === 1 ? "" : "s"
      }; those that are not listed hang: dqueue txn find-hanging finds them`,
    ));
  }
  if (items.length === 0) return h("p", { class: "ok" }, "● Nothing needs attention");
  const more = items.length - 2 * MAX_ITEMS;
  return h(
    "ul",
    { class: "plain" },
    items.slice(0, 2 * MAX_ITEMS),
    more > 0 && h("li", { class: "dim" }, `and ${more} more`),
  );
}

function chartsOf(broker) {
  if (broker === undefined) return [h("p", { class: "dim" }, "There are no samples yet.")];
  const { series, step_ms: stepMs, last } = broker;
  const lastMs = Date.parse(last);
  const line = (name, values) => ({ name, values: series[values] });
  const of = (title, lines, format, isBinary) =>
    chart({ title, lines, stepMs, lastMs, format, isBinary });
  const ms = (value) => `${short(value)} ms`;
  return [
    of("Records", [line("in", "records_in"), line("out", "records_out")], perSecond),
    of(
      "Bytes",
      [line("in", "bytes_in"), line("out", "bytes_out")],
      (value) => `${bytes(value)}/s`,
      true,
    ),
    of(
      "Slowest of 100",
      [line("acknowledgement", "acked_p99_ms"), line("sync", "flush_p99_ms")],
      ms,
    ),
    of("Lag of all groups", [line("records", "lag")], short),
    of("Memory", [line("resident", "resident_bytes")], bytes, true),
    of("Requests", [line("all", "requests"), line("errors", "errors")], perSecond),
  ];
}

function busiestTopics(topics) {
  const now = (one) => one.series.records_in.at(-1) ?? 0;
  const rows = topics.toSorted((a, b) => now(b) - now(a)).slice(0, MAX_ROWS).map((one) => [
    link(topicPath(one.name), one.name),
    { text: perSecond(one.series.records_in.at(-1)), class: "number" },
    sparkline(one.series.records_in),
  ]);
  if (rows.length === 0) return h("p", { class: "dim" }, "There are no topics yet.");
  return table(["Topic", { text: "In", class: "number" }, "5 minutes"], rows);
}

function slowestGroups(groups) {
  const now = (one) => one.series.lag.at(-1) ?? 0;
  const rows = groups.filter((one) => now(one) > 0).sort((a, b) => now(b) - now(a))
    .slice(0, MAX_ROWS).map((one) => [
      link(groupPath(one.name), one.name),
      { text: short(now(one)), class: "number" },
      sparkline(one.series.lag),
    ]);
  if (rows.length === 0) return h("p", { class: "ok" }, "● None is");
  return table(["Group", { text: "Lag", class: "number" }, "5 minutes"], rows);
}
