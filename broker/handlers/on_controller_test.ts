import { assert, assertEquals } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import {
  ConfigResourceType,
  incrementalAlterConfigs,
} from "../../protocol/messages/configs/mod.ts";
import { metadata } from "../../protocol/messages/topics/metadata.ts";
import { TestBroker } from "../broker_testing.ts";
import { setText } from "../metadata/metadata_store_contract_testing.ts";
import { HandlerTable } from "./mod.ts";

/** A broker of a cluster whose controller is away. */
async function withoutController(): Promise<TestBroker> {
  const broker = await TestBroker.start();
  const revision = await broker.store.commit([
    setText("controller", JSON.stringify({ brokerId: 2 })),
  ]);
  await broker.cluster.caughtUp(revision);
  return broker;
}

/** Moves the clock until a promise is settled. Returns how long that took. */
async function advanceUntil(promise: Promise<unknown>, { clock }: TestBroker): Promise<number> {
  const startMs = clock.monotonic();
  let isSettled = false;
  promise.finally(() => isSettled = true);
  while (!isSettled) {
    clock.advance(10);
    await new Promise((resolve) => setTimeout(resolve));
  }
  return clock.monotonic() - startMs;
}

Deno.test("Metadata waits for the controller once, however many topics are to be created", async () => {
  await using broker = await withoutController();
  const handler = new HandlerTable().get(metadata.key)!;
  const asked = broker.call(metadata, handler, 12, {
    topics: ["a", "b", "c"].map((name) => ({ name })),
    allowAutoTopicCreation: true,
  });
  const tookMs = await advanceUntil(asked, broker);
  assert(tookMs >= 2000 && tookMs < 4000, `took ${tookMs} ms`);
  assertEquals((await asked).topics.map(({ errorCode }) => errorCode), [
    ErrorCode.LEADER_NOT_AVAILABLE,
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ]);
});

Deno.test("IncrementalAlterConfigs changes this broker's logger without the controller", async () => {
  await using broker = await withoutController();
  const handler = new HandlerTable().get(incrementalAlterConfigs.key)!;
  const altered = await broker.call(incrementalAlterConfigs, handler, 1, {
    resources: [{
      resourceType: ConfigResourceType.brokerLogger,
      resourceName: "1",
      configs: [{ name: "none", configOperation: 0, value: "INFO" }],
    }],
  });
  // Refused by this broker, since it has no such logger.
  assertEquals(altered.responses[0]!.errorCode, ErrorCode.INVALID_CONFIG);
});
