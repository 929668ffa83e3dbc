import { assert, assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { getTelemetrySubscriptions } from "../../../protocol/messages/cluster/get_telemetry_subscriptions.ts";
import { pushTelemetry } from "../../../protocol/messages/cluster/push_telemetry.ts";
import type { RequestTo } from "../../../protocol/schema/schema.ts";
import { ZERO_UUID } from "../../../protocol/primitives/uuid.ts";
import { TestBroker } from "../../broker_testing.ts";
import { HandlerTable } from "../mod.ts";
import { getTelemetrySubscriptionsHandler, pushTelemetryHandler } from "./telemetry.ts";

function subscribe(broker: TestBroker, clientInstanceId: string) {
  return broker.call(getTelemetrySubscriptions, getTelemetrySubscriptionsHandler, 0, {
    clientInstanceId,
  });
}

Deno.test("GetTelemetrySubscriptions returns no metrics and a stable client instance id (KIP-714)", async () => {
  await using broker = await TestBroker.start();
  const first = await subscribe(broker, ZERO_UUID);
  assertEquals([first.errorCode, first.requestedMetrics], [ErrorCode.NONE, []]);
  assert(first.clientInstanceId !== ZERO_UUID);
  assert(first.pushIntervalMs > 0);
  assertEquals(await subscribe(broker, first.clientInstanceId), first);
  const other = await subscribe(broker, ZERO_UUID);
  assert(other.clientInstanceId !== first.clientInstanceId);
});

Deno.test("PushTelemetry validates its request", async () => {
  await using broker = await TestBroker.start();
  const { clientInstanceId, subscriptionId } = await subscribe(broker, ZERO_UUID);
  const code = async (change: Partial<RequestTo<typeof pushTelemetry>> = {}) =>
    (await broker.call(pushTelemetry, pushTelemetryHandler, 0, {
      clientInstanceId,
      subscriptionId,
      terminating: false,
      compressionType: 0,
      metrics: new Uint8Array(10),
      ...change,
    })).errorCode;
  assertEquals(await code(), ErrorCode.NONE);
  assertEquals(await code({ clientInstanceId: ZERO_UUID }), ErrorCode.INVALID_REQUEST);
  const otherId = subscriptionId === 1 ? 2 : 1;
  assertEquals(await code({ subscriptionId: otherId }), ErrorCode.UNKNOWN_SUBSCRIPTION_ID);
  assertEquals(await code({ compressionType: 9 }), ErrorCode.UNSUPPORTED_COMPRESSION_TYPE);
  const tooMuch = new Uint8Array(1024 * 1024 + 1);
  assertEquals(await code({ metrics: tooMuch }), ErrorCode.TELEMETRY_TOO_LARGE);
});

Deno.test("HandlerTable serves telemetry without advertising it", () => {
  const table = new HandlerTable();
  for (const { key } of [getTelemetrySubscriptions, pushTelemetry]) {
    const { min, max } = table.get(key)!.advertised;
    assert(max < min, `range ${min} to ${max} is empty`);
  }
});
