/**
 * Tests of `GET /metrics` against clients, and by Prometheus itself.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { type BrokerParts, partsOf } from "../../broker/broker.ts";
import { batchOf, endTransaction } from "../../broker/broker_testing.ts";
import { HttpServer } from "../../broker/http/mod.ts";
import { METRICS, MetricsPage } from "../../broker/http/metrics/mod.ts";
import { Health } from "../../broker/http/health.ts";
import { HttpCounters } from "../../broker/http/http_counters.ts";
import { Broker, Cluster } from "../../broker/mod.ts";
import { Client } from "../../client/mod.ts";
import { testWith } from "../support/outside.ts";
import { HttpBroker } from "../support/http.ts";
import { within } from "../support/within.ts";
import { Prometheus, runWith } from "../support/prometheus.ts";

const ADDRESS = { host: "127.0.0.1", port: 0 };
const VERSION = "1.2.3";

/** Series by name and labels. */
type Series = ReadonlyMap<string, number>;

/** Parses the text of metrics. Fails if a series comes without its type, or twice. */
function parse(text: string): Series {
  const series = new Map<string, number>();
  const types = new Map<string, string>();
  for (const line of text.trimEnd().split("\n")) {
    const [, named, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (named !== undefined) {
      assertEquals(types.has(named), false, `${named} comes in one piece`);
      types.set(named, type!);
    }
    if (line.startsWith("#")) continue;
    const [, name, value] = /^([a-z_]+(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
    assert(name !== undefined, line);
    assertEquals(series.has(name), false, name);
    const [family] = name.split("{");
    const base = family!.replace(/_(bucket|sum|count)$/, "");
    assert(types.has(family!) || types.get(base) === "histogram", `${name} has a type`);
    series.set(name, Number(value));
  }
  return series;
}

/** The metrics of a broker, without an HTTP port. */
async function metricsOf(
  broker: Broker,
  maxSeries?: number,
  parts: BrokerParts = partsOf(broker),
): Promise<string> {
  const page = new MetricsPage({
    parts,
    version: VERSION,
    health: new Health(parts),
    http: new HttpCounters(),
    ...(maxSeries === undefined ? {} : { maxSeries }),
  });
  try {
    return await page.text();
  } finally {
    page.close();
  }
}

/** Writes and reads a little, in a group that stays behind. */
async function use(broker: Broker): Promise<void> {
  await using client = new Client({ broker });
  await client.admin().createTopic({ name: "orders", partitions: 2 });
  const producer = client.producer();
  for (let i = 0; i < 5; i++) {
    await producer.send({ topic: "orders", partition: 0, value: `${i}`, timestamp: 1000 + i });
  }
  await client.consumer().fetchFrom("orders", 0, 0);
  await client.admin().alterGroupOffsets("billing", [{ topic: "orders", partition: 0, offset: 2 }]);
}

Deno.test("GET /metrics has kafka_exporter's series, with its names and labels", async () => {
  await using broker = await Broker.start({ storage: "memory" });
  await use(broker);
  const series = parse(await metricsOf(broker));
  const of = (name: string) => series.get(name);
  assertEquals(of("kafka_brokers"), 1);
  assertEquals(of('kafka_broker_info{id="1",address="embedded:0"}'), 1);
  assertEquals(of('kafka_topic_partitions{topic="orders"}'), 2);
  const partition = 'topic="orders",partition="0"';
  const expected = {
    current_offset: 5,
    oldest_offset: 0,
    in_sync_replica: 1,
    leader: 1,
    leader_is_preferred: 1,
    replicas: 1,
    under_replicated_partition: 0,
  };
  for (const [name, value] of Object.entries(expected)) {
    assertEquals(of(`kafka_topic_partition_${name}{${partition}}`), value, name);
  }
  const group = `consumergroup="billing",${partition}`;
  assertEquals(of(`kafka_consumergroup_current_offset{${group}}`), 2);
  assertEquals(of(`kafka_consumergroup_lag{${group}}`), 3);
  const sums = 'consumergroup="billing",topic="orders"';
  assertEquals(of(`kafka_consumergroup_current_offset_sum{${sums}}`), 2);
  assertEquals(of(`kafka_consumergroup_lag_sum{${sums}}`), 3);
  assertEquals(of('kafka_consumergroup_members{consumergroup="billing"}'), 0);
  const seconds = of(`kafka_consumergroup_group_lag_seconds{group="billing",${partition}}`)!;
  const expectedSeconds = (Date.now() - 1002) / 1000;
  assert(seconds > expectedSeconds - 3600 && seconds <= expectedSeconds, `${seconds}`);
});

Deno.test("GET /metrics of a cluster has each partition and group once, with lag led elsewhere", async () => {
  await using cluster = await Cluster.start({ brokers: 3 });
  await using client = new Client({ broker: cluster.brokers[0]! });
  await client.admin().createTopic({ name: "a", partitions: 6 });
  const places = Array.from({ length: 6 }, (_, partition) => ({ topic: "a", partition }));
  for (const place of places) await client.producer().send({ ...place, value: "x" });
  for (const group of ["g1", "g2", "g3"]) {
    await client.admin().alterGroupOffsets(
      group,
      places.map((place) => ({ ...place, offset: 0 })),
    );
  }
  const all: string[] = [];
  for (const broker of cluster.brokers) {
    await using server = HttpServer.start({ broker, address: ADDRESS, version: VERSION });
    const url = `http://127.0.0.1:${server.address.port}/metrics`;
    const series = parse(await (await fetch(url)).text());
    all.push(...Array.from(series, ([name, value]) => `${name} ${value}`));
  }
  const of = (prefix: string) => all.filter((line) => line.startsWith(prefix));
  assertEquals(of('kafka_topic_partition_leader{topic="a"').length, 6);
  assertEquals(of('kafka_topic_partition_current_offset{topic="a"').length, 6);
  assertEquals(of("kafka_brokers "), ["kafka_brokers 3"]);
  assertEquals(of("dqueue_controller_active 1").length, 1);
  const lags = of("kafka_consumergroup_lag{");
  assertEquals(lags.length, 18);
  assertEquals(lags.filter((line) => !line.endsWith(" 1")), []);
});

/** The series of all brokers, summed by name and labels. */
async function sumOf(brokers: readonly Broker[]): Promise<Series> {
  const sum = new Map<string, number>();
  for (const broker of brokers) {
    for (const [name, value] of parse(await metricsOf(broker))) {
      sum.set(name, (sum.get(name) ?? 0) + value);
    }
  }
  return sum;
}

/** Waits until the metrics of some brokers are as they should be. */
async function untilSum(
  brokers: readonly Broker[],
  expected: Readonly<Record<string, number>>,
): Promise<Series> {
  return await within(
    (async () => {
      for (;;) {
        const series = await sumOf(brokers);
        const isAsExpected = Object.entries(expected)
          .every(([name, value]) => series.get(name) === value);
        if (isAsExpected) return series;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })(),
    JSON.stringify(expected),
  );
}

Deno.test("GET /metrics of a replicated cluster counts what a stopped broker does to partitions", async () => {
  await using cluster = await Cluster.start({
    brokers: 3,
    config: { "replica.lag.time.max.ms": 2000 },
  });
  const { brokers } = cluster;
  await using client = new Client({ broker: brokers[0]! });
  await client.admin().createTopic({
    name: "a",
    partitions: 6,
    replicas: 3,
    configs: { "min.insync.replicas": "3" },
  });
  for (let partition = 0; partition < 6; partition++) {
    await client.producer().send({ topic: "a", partition, value: "x" });
  }
  const healthy = await untilSum(brokers, {
    dqueue_under_replicated_partitions: 0,
    dqueue_under_min_isr_partitions: 0,
    dqueue_leaderless_partitions: 0,
    dqueue_reassigning_partitions: 0,
    dqueue_fenced: 0,
  });
  const of = (prefix: string) => [...healthy.keys()].filter((name) => name.startsWith(prefix));
  const lags = of('dqueue_replica_lag_records{topic="a"');
  assertEquals(lags.length, 12, "each follower once");
  assertEquals(lags.filter((name) => healthy.get(name) !== 0), [], "acks=all is on all replicas");
  assertEquals(of("dqueue_leaderless_partitions").length, 1, "the controller says it");
  await cluster.stopBroker(3);
  const after = await untilSum(cluster.brokers, {
    dqueue_under_replicated_partitions: 6,
    dqueue_under_min_isr_partitions: 6,
    dqueue_leaderless_partitions: 0,
  });
  assert(after.get("dqueue_isr_shrinks_total")! + after.get("dqueue_leader_elections_total")! >= 6);
  assert(after.get("dqueue_leader_elections_total")! >= 2, "those that it led");
  assertEquals(after.get("dqueue_unclean_leader_elections_total"), 0);
});

Deno.test("GET /metrics counts rebalances of both kinds of groups", async () => {
  await using broker = await Broker.start({ storage: "memory" });
  await using client = new Client({ broker });
  await client.admin().createTopic({ name: "a" });
  await client.producer().send({ topic: "a", value: "x" });
  for (const protocol of ["classic", "consumer"] as const) {
    await using consumer = client.groupConsumer({
      groupId: `g-${protocol}`,
      topics: "a",
      protocol,
      autoOffsetReset: "earliest",
    });
    for await (const _message of consumer) break;
  }
  const series = parse(await metricsOf(broker));
  assertEquals(series.get("dqueue_group_rebalances_total"), 2);
  assertEquals(
    series.get("dqueue_group_rebalance_duration_seconds_count"),
    1,
    "of the classic one",
  );
});

Deno.test("GET /metrics counts what retention and compaction have done", async () => {
  await using broker = await Broker.start({
    storage: "memory",
    config: { "log.retention.check.interval.ms": 20, "log.cleaner.backoff.ms": 20 },
  });
  await using client = new Client({ broker });
  const configs = { "segment.bytes": "1048576" };
  await client.admin().createTopics([
    { name: "old", configs: { ...configs, "retention.bytes": "0", "file.delete.delay.ms": "0" } },
    {
      name: "keys",
      configs: { ...configs, "cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0" },
    },
  ]);
  const value = "x".repeat(600_000);
  for (let i = 0; i < 4; i++) {
    for (const topic of ["old", "keys"]) await client.producer().send({ topic, key: "k", value });
  }
  const series = await within(
    (async () => {
      for (;;) {
        const series = parse(await metricsOf(broker));
        const of = (name: string) => series.get(`dqueue_${name}_total`)!;
        if (of("retention_deleted_segments") >= 3 && of("compactions") > 0) return series;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })(),
    "retention and compaction",
  );
  const of = (name: string) => series.get(`dqueue_${name}_total`)!;
  assert(of("retention_deleted_bytes") >= 3 * 600_000);
  assert(of("compaction_read_bytes") > of("compaction_written_bytes"));
});

Deno.test("GET /metrics shows the state of the metadata store that brokers share", async () => {
  await using broker = await Broker.start({ storage: "memory" });
  const before = parse(await metricsOf(broker));
  assertEquals(before.has("dqueue_metadata_store_problems"), false, "its own has none");
  const parts = partsOf(broker);
  const store = Object.create(parts.store, {
    health: { value: { problems: ["etcd's database is full"], databaseRatio: 0.93 } },
  });
  const after = parse(await metricsOf(broker, undefined, { ...parts, store }));
  assertEquals(after.get("dqueue_metadata_store_problems"), 1);
  assertEquals(after.get("dqueue_metadata_store_database_ratio"), 0.93);
});

Deno.test("GET /metrics counts readers of streams, and what they were sent", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  for (let i = 0; i < 3; i++) await http.client.producer().send({ topic: "a", value: `${i}` });
  const metrics = async () => parse((await http.get("/metrics")).json);
  const path = `${http.url}/topics/a/stream?offset=start`;
  await (await fetch(`${path}&exit=1&text=2`)).text();
  const response = await fetch(path);
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (!text.includes("caught-up")) text += decoder.decode((await reader.read()).value);
  const series = await metrics();
  assertEquals(series.get('dqueue_stream_readers{kind="sse"}'), 1);
  assertEquals(series.get('dqueue_stream_readers{kind="websocket"}'), 0);
  assertEquals(series.get("dqueue_stream_records_total"), 4);
  assertEquals(series.get("dqueue_stream_scanned_records_total"), 6);
  assertEquals(series.get("dqueue_http_consumers"), 0);
  await reader.cancel();
});

Deno.test("GET /metrics counts requests, errors, records and bytes", async () => {
  await using broker = await Broker.start({ storage: "memory" });
  await use(broker);
  await using client = new Client({ broker });
  await client.consumer().fetchFrom("orders", 0, 99).catch(() => {});
  const series = parse(await metricsOf(broker));
  const of = (name: string) => series.get(name);
  assertEquals(of('dqueue_requests_total{api="Produce"}'), 5);
  assertEquals(of('dqueue_request_duration_seconds_count{api="Produce"}'), 5);
  assertEquals(of('dqueue_produce_acked_duration_seconds_count{acks="all"}'), 5);
  const outOfRange = 'dqueue_request_errors_total{api="Fetch",error="OFFSET_OUT_OF_RANGE"}';
  assert(of(outOfRange)! >= 1);
  assertEquals(of('dqueue_request_errors_total{api="Fetch",error="NONE"}'), undefined);
  assertEquals(of('dqueue_topic_records_in_total{topic="orders"}'), 5);
  assertEquals(of('dqueue_topic_records_out_total{topic="orders"}'), 5);
  const bytes = of('dqueue_topic_log_bytes{topic="orders"}')!;
  assertEquals(of('dqueue_topic_bytes_in_total{topic="orders"}'), bytes);
  assertEquals(of('dqueue_topic_bytes_out_total{topic="orders"}'), bytes);
  assertEquals(of('dqueue_groups{state="Empty"}'), 1);
  assert(of("dqueue_flush_duration_seconds_count")! >= 5);
  assertEquals(of("dqueue_ready"), 1);
  assertEquals(
    of("dqueue_connections"),
    of("dqueue_connections_opened_total")! - of("dqueue_connections_closed_total")!,
  );
});

Deno.test("GET /metrics leaves out the time that a Fetch waits for records", async () => {
  await using broker = await Broker.start({ storage: "memory" });
  await using client = new Client({ broker });
  await client.admin().createTopic({ name: "quiet" });
  await client.consumer().fetchFrom("quiet", 0, 0, { maxWaitMs: 300 });
  const series = parse(await metricsOf(broker));
  assertEquals(series.get('dqueue_request_duration_seconds_count{api="Fetch"}'), 1);
  assert(series.get('dqueue_request_duration_seconds_sum{api="Fetch"}')! < 0.3);
});

Deno.test("GET /metrics has no more series than its limit, and says what it leaves out", async () => {
  await using broker = await Broker.start({ storage: "memory" });
  await use(broker);
  await using client = new Client({ broker });
  await client.admin().createTopic({ name: "wide", partitions: 1000 });
  const limit = 600;
  const series = parse(await metricsOf(broker, limit));
  assert(series.get("dqueue_metrics_series")! <= limit);
  assertEquals(series.get("dqueue_metrics_series_limit"), limit);
  const partitions = [...series.keys()].filter((name) =>
    /^kafka_topic_partition_leader\{/.test(name)
  );
  const dropped = series.get(
    'dqueue_metrics_series_dropped{family="kafka_topic_partition_leader"}',
  )!;
  assertEquals(partitions.length + dropped, 1052, "orders, wide and __consumer_offsets");
  assert(
    series.has('kafka_topic_partition_leader{topic="orders",partition="0"}'),
    "the busiest topic comes first",
  );
  assert(series.has('dqueue_topic_log_bytes{topic="wide"}'), "series of topics stay");
});

Deno.test("GET /metrics forgets a topic at once when it is deleted", async () => {
  await using broker = await Broker.start({ storage: "memory" });
  await use(broker);
  await using client = new Client({ broker });
  await client.admin().deleteTopic("orders");
  const text = await metricsOf(broker);
  assertEquals(text.split("\n").filter((line) => line.includes('topic="orders"')), []);
});

Deno.test("MetricsPage.text() is made once for many scrapers", async () => {
  await using broker = await Broker.start({ storage: "memory" });
  await using server = HttpServer.start({ broker, address: ADDRESS, version: VERSION });
  const url = `http://127.0.0.1:${server.address.port}/metrics`;
  const texts = await Promise.all(
    Array.from({ length: 20 }, async () => await (await fetch(url)).text()),
  );
  assertEquals(new Set(texts).size, 1);
});

Deno.test("METRICS have names that follow Prometheus's conventions", () => {
  const names = Object.values(METRICS).map(({ name }) => name);
  assertEquals(new Set(names).size, names.length);
  for (const { name, type, help } of Object.values(METRICS)) {
    assert(/^(dqueue|kafka)_[a-z_]+$/.test(name), name);
    assertEquals(name.endsWith("_total"), type === "counter", name);
    if (type === "histogram") assert(name.endsWith("_seconds"), name);
    assert(/^[A-Z].*[^.]$/.test(help), help);
  }
});

testWith("promtool", "promtool finds nothing wrong with GET /metrics", async (promtool) => {
  await using broker = await Broker.start({ storage: "memory" });
  await use(broker);
  // A group may have any name.
  await using client = new Client({ broker });
  for (const groupId of ['a"b\\c\nd', "é{}", " "]) {
    await client.admin().alterGroupOffsets(groupId, [{ topic: "orders", partition: 0, offset: 1 }]);
  }
  const { code, output } = await runWith(promtool, ["check", "metrics"], await metricsOf(broker));
  assertEquals([code, output], [0, ""]);
});

testWith("prometheus", "Prometheus scrapes GET /metrics", async (prometheus) => {
  await using broker = await Broker.start({ storage: "memory" });
  await use(broker);
  await using server = HttpServer.start({ broker, address: ADDRESS, version: VERSION });
  const { port } = server.address;
  await using scraper = await Prometheus.start(prometheus, `127.0.0.1:${port}`);
  const [lag] = await scraper.until('kafka_consumergroup_lag{topic="orders",partition="0"}');
  assertEquals([lag!.labels.consumergroup, lag!.value], ["billing", 3]);
  const [up] = await scraper.until("up == 1");
  assertEquals(up!.labels.job, "dqueue");
});

Deno.test("GET /metrics reports how long transactions are open, and those that should have ended", async () => {
  await using broker = await Broker.start({ storage: "memory" });
  await using client = new Client({ broker });
  await client.admin().createTopic({ name: "a", partitions: 3 });
  const open = 'dqueue_topic_open_transaction_seconds{topic="a"}';
  const series = async () => parse(await metricsOf(broker));
  assertEquals((await series()).get(open), undefined);
  const { topics, clock, config } = partsOf(broker).context;
  const begin = async (partition: number, agoMs: number) => {
    const batch = batchOf(["x"], {
      producerId: 7,
      producerEpoch: 0,
      baseSequence: 0,
      isTransactional: true,
      timestamp: clock.now() - agoMs,
    });
    const { log } = topics.partition("a", partition)!;
    const verification = log.startVerification(7, 0, 0);
    const options = { acks: -1, nowMs: clock.now(), verification } as const;
    await topics.partition("a", partition)!.append(batch, options).committed;
  };
  await begin(0, 60_000);
  let found = await series();
  assert(found.get(open)! >= 60 && found.get(open)! < 600, `${found.get(open)}`);
  assertEquals(found.get("dqueue_partitions_with_late_transactions"), 0);
  const lateMs = config.get("transaction.max.timeout.ms") + 5 * 60_000;
  await begin(1, lateMs + 1000);
  found = await series();
  assert(found.get(open)! > lateMs / 1000);
  assertEquals(found.get("dqueue_partitions_with_late_transactions"), 1);
  for (const index of [0, 1]) {
    await endTransaction(topics.partition("a", index)!, false, { producerId: 7 }).committed;
  }
  found = await series();
  assertEquals(found.get(open), undefined);
  assertEquals(found.get("dqueue_partitions_with_late_transactions"), 0);
});
