/**
 * Checks that the dashboard and the alerts in `examples/monitoring/` use metrics that exist.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { METRICS } from "../../broker/http/metrics/mod.ts";
import { ROOT } from "../support/broker/dqueue.ts";
import { testWith } from "../support/outside.ts";
import { runWith } from "../support/prometheus.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const FOLDER = `${ROOT}examples/monitoring/`;

/** Metrics that the dashboards made for kafka_exporter use. */
const OF_KAFKA_EXPORTER = [
  "kafka_brokers",
  "kafka_broker_info",
  "kafka_topic_partitions",
  "kafka_topic_partition_current_offset",
  "kafka_topic_partition_oldest_offset",
  "kafka_topic_partition_in_sync_replica",
  "kafka_topic_partition_leader",
  "kafka_topic_partition_leader_is_preferred",
  "kafka_topic_partition_replicas",
  "kafka_topic_partition_under_replicated_partition",
  "kafka_consumergroup_current_offset",
  "kafka_consumergroup_current_offset_sum",
  "kafka_consumergroup_lag",
  "kafka_consumergroup_lag_sum",
  "kafka_consumergroup_members",
];

const names: ReadonlySet<string> = new Set(Object.values(METRICS).map(({ name }) => name));

/** The metrics that a file names, without the suffixes of a histogram's series. */
async function namesIn(file: string): Promise<string[]> {
  const text = await Deno.readTextFile(`${FOLDER}${file}`);
  const found = new Set(Array.from(text.matchAll(/\b(?:dqueue|kafka)_\w+/g), ([name]) => name));
  return Array.from(
    found,
    (name) => names.has(name) ? name : name.replace(/_(bucket|sum|count)$/, ""),
  );
}

for (const file of ["alerts.yaml", "alerts_test.yaml", "dashboard.json"]) {
  Deno.test(`examples/monitoring/${file} names only metrics that exist`, async () => {
    const used = await namesIn(file);
    assert(used.length > 5);
    assertEquals(used.filter((name) => !names.has(name)), []);
  });
}

Deno.test("METRICS has those of kafka_exporter", () => {
  assertEquals(OF_KAFKA_EXPORTER.filter((name) => !names.has(name)), []);
});

Deno.test("examples/monitoring/dashboard.json shows almost every metric", async () => {
  const used = new Set(await namesIn("dashboard.json"));
  const unused = [...names].filter((name) => !used.has(name));
  assertEquals(
    unused.sort(),
    [
      "dqueue_start_time_seconds",
      "dqueue_connections_closed_total",
      "dqueue_metrics_series",
      "dqueue_metrics_series_limit",
      ...OF_KAFKA_EXPORTER.filter((name) => !used.has(name)),
    ].sort(),
  );
});

testWith("promtool", "promtool accepts the alerts, and their tests pass", async (promtool) => {
  for (const args of [["check", "rules", "alerts.yaml"], ["test", "rules", "alerts_test.yaml"]]) {
    const [verb, noun, file] = args;
    const { code, output } = await runWith(promtool, [verb!, noun!, `${FOLDER}${file}`], "");
    assertEquals(code, 0, output);
  }
});

testWith("promtool", "promtool parses every expression of the dashboard", async (promtool) => {
  const dashboard = JSON.parse(await Deno.readTextFile(`${FOLDER}dashboard.json`));
  const expressions: string[] = dashboard.panels.flatMap((
    { targets = [] }: { targets?: { expr: string }[] },
  ) => targets.map(({ expr }) => expr));
  assert(expressions.length > 30);
  const rules = expressions.map((expr, i) => ({
    record: `panel_${i}`,
    expr: expr.replaceAll("$__rate_interval", "1m"),
  }));
  // JSON is YAML.
  const text = JSON.stringify({ groups: [{ name: "panels", rules }] });
  await using folder = await TemporaryFolder.create();
  const path = folder.join("panels.json");
  await Deno.writeTextFile(path, text);
  const { code, output } = await runWith(promtool, ["check", "rules", path], "");
  assertEquals(code, 0, output);
});
