/**
 * The program with OpenTelemetry switched on: what reaches a collector.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { toFileUrl } from "@std/path";
import { Client } from "../../client/mod.ts";
import { BrokerProcess } from "../support/broker/broker_process.ts";
import { attempt, ROOT } from "../support/broker/dqueue.ts";
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

  /** @param takesMs How long it takes to take spans, in milliseconds. */
  constructor(takesMs = 0) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        const body = await request.json();
        if (takesMs > 0 && body.resourceSpans !== undefined) {
          await new Promise((resolve) => setTimeout(resolve, takesMs));
        }
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
  collector: { readonly url: string },
  http: string,
  workers = 1,
  env: Readonly<Record<string, string>> = {},
): Promise<BrokerProcess> {
  return await BrokerProcess.start({
    data,
    flags: ["--http", http, "--workers", `${workers}`],
    ...(workers > 1 ? { listen: "127.0.0.1:0" } : {}),
    env: { ...variables(collector.url), ...env },
  });
}

function variables(url: string): Record<string, string> {
  return {
    OTEL_DENO: "true",
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_METRIC_EXPORT_INTERVAL: "100",
    OTEL_BSP_SCHEDULE_DELAY: "100",
    OTEL_DENO_CONSOLE: "ignore",
  };
}

/** Metrics are due many times while the last spans are exported, which is at the end. */
const DUE_AT_THE_END = { OTEL_METRIC_EXPORT_INTERVAL: "10", OTEL_BSP_SCHEDULE_DELAY: "600000" };

/** The URL of a broker's HTTP port, once it is open. */
async function urlOf({ log }: BrokerProcess): Promise<string> {
  const find = async () => {
    for (;;) {
      const [, url] = log.join("\n").match(/Serving HTTP url=(\S+)/) ?? [];
      if (url !== undefined) return url;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  return await within(find(), "the HTTP port");
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

  const url = await urlOf(broker);
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

for (const workers of [1, 2]) {
  Deno.test(`dqueue serve ends while metrics are due and spans are exported: --workers ${workers}`, async () => {
    await using folder = await TemporaryFolder.create();
    await using collector = new Collector(300);
    const http = "127.0.0.1:0";
    await using broker = await start(
      folder.join("data"),
      collector,
      http,
      workers,
      DUE_AT_THE_END,
    );
    await (await fetch(`${await urlOf(broker)}/topics`)).body?.cancel();
    await collector.until("metrics", () => collector.values.get('dqueue_ready{broker="1"}') === 1);
    assertEquals(collector.spans, []);
    await broker.stop();
    assert(collector.spans.length > 0);
  });
}

Deno.test({
  name: "dqueue serve ends when the collector does not answer",
  // The runtime of Deno 2.6 waits for the collector without a limit.
  ignore: Deno.version.deno.startsWith("2.6."),
  async fn() {
    await using folder = await TemporaryFolder.create();
    // It takes connections and never reads.
    using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = silent.addr;
    await using broker = await start(
      folder.join("data"),
      { url: `http://127.0.0.1:${port}` },
      "127.0.0.1:0",
      1,
      { ...DUE_AT_THE_END, OTEL_EXPORTER_OTLP_TIMEOUT: "200" },
    );
    await (await fetch(`${await urlOf(broker)}/topics`)).body?.cancel();
    await broker.stop();
  },
});

Deno.test("dqueue ends with its exit code while metrics are due", async () => {
  await using folder = await TemporaryFolder.create();
  await using collector = new Collector();
  const env = { ...variables(collector.url), OTEL_METRIC_EXPORT_INTERVAL: "1" };
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serve = ["serve", "--listen", `127.0.0.1:${taken.addr.port}`, "--http", "off"];
  const refused = await attempt([...serve, "--data", folder.join("data")], { env });
  assertEquals(refused.code, 1, refused.stderr);
  const unknown = await attempt(["unknown"], { env });
  assertEquals(unknown.code, 2, unknown.stderr);
  const version = await attempt(["--version"], { env });
  assertEquals(version.code, 0, version.stderr);
});

Deno.test("OtelExport exports again after its reader failed", async () => {
  await using collector = new Collector();
  const exporter = toFileUrl(`${ROOT}broker/http/metrics/otel_export.ts`).href;
  const program = {
    path: Deno.execPath(),
    args: ["run", "--quiet", "-A", `--config=${ROOT}deno.json`, "-"],
  };
  const input = `
    import { OtelExport } from "${exporter}";
    let calls = 0;
    const collect = () => ++calls < 3 ? Promise.reject(new Error("no disk")) : Promise.resolve();
    using _export = new OtelExport({ collect }, 1, "1.2.3");
    while (calls < 4) await new Promise((resolve) => setTimeout(resolve, 5));
  `;
  const { code, stderr } = await attempt([], { program, input, env: variables(collector.url) });
  assertEquals(code, 0, stderr);
});
