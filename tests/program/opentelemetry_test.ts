/**
 * The program with OpenTelemetry switched on: what reaches a collector.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Client } from "../../client/mod.ts";
import { BrokerProcess } from "../support/broker/broker_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { within } from "../support/within.ts";

/** Of OTLP in JSON, what the test looks at. */
interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string };
}

interface Point {
  readonly asDouble?: number;
  readonly asInt?: string | number;
  readonly attributes?: readonly Attribute[];
}

interface OtlpMetric {
  readonly name: string;
  readonly sum?: { readonly dataPoints: readonly Point[]; readonly isMonotonic?: boolean };
  readonly gauge?: { readonly dataPoints: readonly Point[] };
}

interface OtlpSpan {
  readonly name: string;
  readonly traceId: string;
  readonly kind: number;
}

/** A collector, which keeps the last value of each series and all spans. */
class Collector implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  /** By `name{label="value",…}`. */
  readonly values: Map<string, number> = new Map();
  readonly counters: Set<string> = new Set();
  readonly spans: OtlpSpan[] = [];
  #exports = 0;
  #waiting: (() => void)[] = [];

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        const body = await request.json();
        for (const { scopeMetrics } of body.resourceMetrics ?? []) {
          for (const { metrics } of scopeMetrics) {
            metrics.forEach((one: OtlpMetric) => this.#add(one));
          }
          this.#exports++;
        }
        for (const { scopeSpans } of body.resourceSpans ?? []) {
          for (const { spans } of scopeSpans) this.spans.push(...spans);
        }
        for (const wake of this.#waiting.splice(0)) wake();
        return Response.json({});
      },
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Resolves when what it has fulfils a condition. */
  async until(what: string, isSo: () => boolean): Promise<void> {
    await within(
      (async () => {
        while (!isSo()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
      })(),
      what,
    );
  }

  #add({ name, sum, gauge }: OtlpMetric): void {
    if (sum?.isMonotonic === true) this.counters.add(name);
    for (const { attributes = [], asDouble, asInt } of (sum ?? gauge)?.dataPoints ?? []) {
      const labels = attributes.map(({ key, value }) => `${key}="${value.stringValue}"`).sort();
      this.values.set(`${name}{${labels.join()}}`, asDouble ?? Number(asInt));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

async function start(
  data: string,
  collector: Collector,
  http: string,
  workers = 1,
): Promise<BrokerProcess> {
  return await BrokerProcess.start({
    data,
    flags: ["--http", http, "--workers", `${workers}`],
    ...(workers > 1 ? { listen: "127.0.0.1:0" } : {}),
    env: {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_METRIC_EXPORT_INTERVAL: "100",
      OTEL_BSP_SCHEDULE_DELAY: "100",
      OTEL_DENO_CONSOLE: "ignore",
    },
  });
}

Deno.test("dqueue serve exports its metrics by OpenTelemetry, and traces records that come over HTTP", async () => {
  await using folder = await TemporaryFolder.create();
  await using collector = new Collector();
  await using broker = await start(folder.join("data"), collector, "127.0.0.1:0");
  await using client = new Client({ brokers: broker.address });
  await client.admin().createTopic({ name: "orders" });
  await client.producer().sendBatch([1, 2, 3].map((i) => ({ topic: "orders", value: `${i}` })));
  const expected = {
    'dqueue_topic_records_in_total{broker="1",topic="orders"}': 3,
    'dqueue_ready{broker="1"}': 1,
    'kafka_topic_partition_current_offset{broker="1",partition="0",topic="orders"}': 3,
    'dqueue_request_duration_seconds_count{api="Produce",broker="1"}': 1,
    'dqueue_request_duration_seconds_bucket{api="Produce",broker="1",le="+Inf"}': 1,
  };
  // A request may have been sent again.
  const isExpected = () =>
    Object.entries(expected).every(([name, value]) => collector.values.get(name)! >= value);
  await collector.until(JSON.stringify(expected), isExpected);
  assert(collector.counters.has("dqueue_topic_records_in_total"));
  assert(!collector.counters.has("dqueue_ready"));

  const url = broker.log.join("\n").match(/Serving HTTP url=(\S+)/)![1];
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const answer = await fetch(`${url}/topics/orders`, {
    method: "POST",
    headers: {
      "content-type": "application/vnd.kafka.json.v2+json",
      traceparent: `00-${traceId}-b7ad6b7169203331-01`,
    },
    body: JSON.stringify({ records: [{ value: 4 }] }),
  });
  assertEquals((await answer.json()).offsets[0].offset, 3);
  const { messages } = await client.consumer().fetchFrom("orders", 0, 3);
  assertMatch(
    messages[0]!.headers.text("traceparent")!,
    new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`),
  );
  const isSend = ({ name, traceId: id }: OtlpSpan) => name === "send orders" && id === traceId;
  await collector.until("the span of sending", () => collector.spans.some(isSend));
  await broker.stop();
});

Deno.test("dqueue serve exports its metrics without an HTTP port, too", async () => {
  await using folder = await TemporaryFolder.create();
  await using collector = new Collector();
  await using broker = await start(folder.join("data"), collector, "off");
  await collector.until("metrics", () => collector.values.get('dqueue_ready{broker="1"}') === 1);
  await broker.stop();
});

for (const http of ["off", "127.0.0.1:0"]) {
  Deno.test(`dqueue serve exports the metrics of all its workers: --http ${http}`, async () => {
    await using folder = await TemporaryFolder.create();
    await using collector = new Collector();
    await using brokers = await start(folder.join("data"), collector, http, 3);
    const isReady = (id: number) => collector.values.get(`dqueue_ready{broker="${id}"}`) === 1;
    await collector.until("metrics of all", () => [1, 2, 3].every(isReady));
    const processes = [...collector.values.keys()].filter((name) =>
      name.startsWith("dqueue_process_resident_bytes{")
    );
    assertEquals(processes, ['dqueue_process_resident_bytes{broker="1"}']);
    await brokers.stop();
  });
}
