import { assert, assertEquals } from "@std/assert";
import { compress, CompressionType } from "../../../protocol/compression/mod.ts";
import { ErrorCode } from "../../../protocol/errors.ts";
import { apiVersions } from "../../../protocol/messages/cluster/api_versions.ts";
import { getTelemetrySubscriptions } from "../../../protocol/messages/cluster/get_telemetry_subscriptions.ts";
import { pushTelemetry } from "../../../protocol/messages/cluster/push_telemetry.ts";
import type { RequestTo } from "../../../protocol/schema/schema.ts";
import { ZERO_UUID } from "../../../protocol/primitives/uuid.ts";
import { TestBroker } from "../../broker_testing.ts";
import { otlpMetrics } from "../../telemetry/otlp_testing.ts";
import { HandlerTable } from "../mod.ts";
import { getTelemetrySubscriptionsHandler, pushTelemetryHandler } from "./telemetry.ts";

function subscribe(broker: TestBroker, clientInstanceId: string = ZERO_UUID) {
  return broker.call(getTelemetrySubscriptions, getTelemetrySubscriptionsHandler, 0, {
    clientInstanceId,
  });
}

/** Makes a `client-metrics` resource. */
async function configure(broker: TestBroker, name: string, configs: Record<string, string>) {
  await broker.cluster.changeResourceConfigs(
    "client-metrics",
    name,
    () => new Map(Object.entries(configs)),
  );
}

/** Sends pushes, and returns their error codes. */
async function pusher(broker: TestBroker) {
  const { clientInstanceId, subscriptionId } = await subscribe(broker);
  return async (change: Partial<RequestTo<typeof pushTelemetry>> = {}) =>
    (await broker.call(pushTelemetry, pushTelemetryHandler, 0, {
      clientInstanceId,
      subscriptionId,
      terminating: false,
      compressionType: 0,
      metrics: otlpMetrics([{ name: "a.rate", gauge: [1] }]),
      ...change,
    })).errorCode;
}

function valuesOf({ context: { telemetry, clock } }: TestBroker) {
  return Array.from(telemetry.metrics(clock.monotonic()), ({ name, total, gauge }) => [
    name,
    total,
    gauge?.max,
    gauge?.mean,
  ]);
}

Deno.test("GetTelemetrySubscriptions returns no metrics without subscriptions, and a stable id (KIP-714)", async () => {
  await using broker = await TestBroker.start();
  const first = await subscribe(broker);
  assertEquals([first.errorCode, first.requestedMetrics], [ErrorCode.NONE, []]);
  assert(first.clientInstanceId !== ZERO_UUID);
  assertEquals(first.pushIntervalMs, 300_000);
  assertEquals(await subscribe(broker, first.clientInstanceId), first);
  const other = await subscribe(broker);
  assert(other.clientInstanceId !== first.clientInstanceId);
});

Deno.test("GetTelemetrySubscriptions joins all subscriptions that match the client", async () => {
  await using broker = await TestBroker.start();
  await configure(broker, "one", { metrics: "b.,a.", "interval.ms": "60000" });
  await configure(broker, "two", {
    metrics: "c.",
    "interval.ms": "1000",
    match: "client_id=te.t,client_source_address=test",
  });
  await configure(broker, "part", { metrics: "d.", match: "client_id=tes" });
  await configure(broker, "other", { metrics: "e.", match: "client_software_name=java" });
  const first = await subscribe(broker);
  assertEquals([first.requestedMetrics, first.pushIntervalMs], [["a.", "b.", "c."], 1000]);
  await configure(broker, "all", { metrics: "*" });
  const second = await subscribe(broker, first.clientInstanceId);
  assertEquals([second.requestedMetrics, second.pushIntervalMs], [["*"], 1000]);
  assert(second.subscriptionId !== first.subscriptionId);
});

Deno.test("PushTelemetry validates its request", async () => {
  await using broker = await TestBroker.start();
  await configure(broker, "all", { metrics: "*", "interval.ms": "1000" });
  const push = await pusher(broker);
  assertEquals(await push(), ErrorCode.NONE);
  assertEquals(await push(), ErrorCode.THROTTLING_QUOTA_EXCEEDED);
  assertEquals(await push({ terminating: true }), ErrorCode.NONE, "the last one");
  assertEquals(await push(), ErrorCode.UNKNOWN_SUBSCRIPTION_ID, "it has ended");
  assertEquals(await push({ clientInstanceId: ZERO_UUID }), ErrorCode.INVALID_REQUEST);
  assertEquals(await push({ subscriptionId: 1 }), ErrorCode.UNKNOWN_SUBSCRIPTION_ID);
  assertEquals(await push({ compressionType: 9 }), ErrorCode.UNSUPPORTED_COMPRESSION_TYPE);
  const tooMuch = new Uint8Array(1024 * 1024 + 1);
  assertEquals(await push({ metrics: tooMuch }), ErrorCode.TELEMETRY_TOO_LARGE);
  const bomb = compress(CompressionType.gzip, new Uint8Array(5 * 1024 * 1024));
  const code = await (await pusher(broker))({ metrics: bomb, compressionType: 1 });
  assertEquals(code, ErrorCode.TELEMETRY_TOO_LARGE);
  for (const metrics of [new Uint8Array([255]), new Uint8Array([10, 5, 1])]) {
    assertEquals(await (await pusher(broker))({ metrics }), ErrorCode.INVALID_RECORD);
  }
  const { accepted, rejected } = broker.context.telemetry.pushes;
  assertEquals([accepted, rejected], [2, 9]);
});

Deno.test("PushTelemetry keeps what was asked for, of each compression, over all clients", async () => {
  await using broker = await TestBroker.start();
  await configure(broker, "some", { metrics: "a.,b.", "interval.ms": "1000" });
  const types = [CompressionType.none, CompressionType.gzip, CompressionType.snappy];
  for (const [i, type] of [...types, CompressionType.lz4, CompressionType.zstd].entries()) {
    const push = await pusher(broker);
    const metrics = otlpMetrics([
      { name: "a.rate", gauge: [i, i + 0.5] },
      { name: "b.total", delta: [2, 3] },
      { name: "c.other", gauge: [1] },
    ]);
    const code = await push({ compressionType: type, metrics: compress(type, metrics) });
    assertEquals(code, ErrorCode.NONE, `${type}`);
  }
  assertEquals(valuesOf(broker), [["a.rate", undefined, 4.5, 2.5], [
    "b.total",
    25,
    undefined,
    undefined,
  ]]);
});

Deno.test("PushTelemetry is accepted again after the interval, and clients that are silent are forgotten", async () => {
  await using broker = await TestBroker.start();
  await configure(broker, "all", { metrics: "*", "interval.ms": "1000" });
  const push = await pusher(broker);
  assertEquals(await push(), ErrorCode.NONE);
  broker.clock.advance(500);
  assertEquals(await push(), ErrorCode.THROTTLING_QUOTA_EXCEEDED);
  broker.clock.advance(500);
  assertEquals(
    await push({ metrics: otlpMetrics([{ name: "a.rate", gauge: [7] }]) }),
    ErrorCode.NONE,
  );
  assertEquals(valuesOf(broker), [["a.rate", undefined, 7, 7]]);
  broker.clock.advance(3001);
  assertEquals(valuesOf(broker), [["a.rate", undefined, undefined, undefined]]);
});

Deno.test("ApiVersions lists telemetry while there are subscriptions", async () => {
  await using broker = await TestBroker.start();
  const handler = new HandlerTable().get(apiVersions.key)!;
  const keys = async () => {
    const request = { clientSoftwareName: "x", clientSoftwareVersion: "1" };
    const { apiKeys } = await broker.call(apiVersions, handler, 3, request);
    return apiKeys.map(({ apiKey }) => apiKey)
      .filter((key) => key === getTelemetrySubscriptions.key || key === pushTelemetry.key);
  };
  assertEquals(await keys(), []);
  await configure(broker, "all", { metrics: "*" });
  assertEquals(await keys(), [getTelemetrySubscriptions.key, pushTelemetry.key]);
});
