import { assertEquals } from "@std/assert";
import { fetch } from "../../../protocol/messages/records/fetch.ts";
import { batchOf, TestBroker } from "../../broker_testing.ts";
import { fetchHandler } from "./fetch.ts";

const VERSION = 12;
const BATCH_COUNT = 10;
const NOW_MS = 1_700_000_000_000;

/** Appends batches of a little more than 10,000 bytes. */
async function withBatches(broker: TestBroker): Promise<void> {
  const partition = await broker.createTopic("t");
  for (let i = 0; i < BATCH_COUNT; i++) {
    partition.append(batchOf(["x".repeat(10_000)]), { acks: 1, nowMs: NOW_MS });
  }
}

async function fetchAll(broker: TestBroker, minBytes = 1): Promise<number> {
  const { responses } = await broker.call(fetch, fetchHandler, VERSION, {
    maxWaitMs: minBytes === 1 ? 0 : 60_000,
    minBytes,
    topics: [{
      topic: "t",
      partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 50_000_000 }],
    }],
  });
  return Math.floor((responses[0]!.partitions[0]!.records?.length ?? 0) / 10_000);
}

Deno.test("Fetch returns everything requested while clients read their responses", async () => {
  await using broker = await TestBroker.start();
  await withBatches(broker);
  assertEquals(await fetchAll(broker), BATCH_COUNT);
  assertEquals(broker.context.responseMemory.acquired, 0);
});

Deno.test("Fetch returns less as slow clients hold more memory, but never nothing", async () => {
  await using broker = await TestBroker.start({
    config: { "queued.max.response.bytes": 800_000 },
  });
  const { responseMemory } = broker.context;
  await withBatches(broker);
  assertEquals(await fetchAll(broker), 9);
  const held = responseMemory.takeShare(2_000_000, 2_000_000);
  assertEquals(await fetchAll(broker), 6);
  assertEquals(responseMemory.acquired, held);
});

Deno.test("Fetch does not wait for more data than there is memory for", async () => {
  await using broker = await TestBroker.start({
    config: { "queued.max.response.bytes": 800_000 },
  });
  await withBatches(broker);
  // The clock is manual: a waiting fetch would never be answered.
  assertEquals(await fetchAll(broker, 99_000), 9);
});
