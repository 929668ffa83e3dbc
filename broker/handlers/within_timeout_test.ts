import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { createPartitions } from "../../protocol/messages/topics/create_partitions.ts";
import { createTopics } from "../../protocol/messages/topics/create_topics.ts";
import { deleteRecords } from "../../protocol/messages/records/delete_records.ts";
import { deleteTopics } from "../../protocol/messages/topics/delete_topics.ts";
import { batchOf, TestBroker } from "../broker_testing.ts";
import { HeldSyncFileSystem } from "../held_sync_testing.ts";
import { createPartitionsHandler } from "./topics/create_partitions.ts";
import { createTopicsHandler } from "./topics/create_topics.ts";
import { deleteRecordsHandler } from "./records/delete_records.ts";
import { deleteTopicsHandler } from "./topics/delete_topics.ts";

const HOUR_MS = 60 * 60 * 1000;

/** Changes a broker's topics with every API that has a timeout; returns the error codes. */
async function changeTopics(broker: TestBroker, timeoutMs: number): Promise<number[]> {
  const partition = await broker.createTopic("records");
  await broker.createTopic("grown");
  await broker.createTopic("deleted");
  partition.append(batchOf(["one", "two"]), { acks: 1, nowMs: broker.clock.now() });
  const fs = broker.directory.fs as HeldSyncFileSystem;
  fs.hold();
  const answers = Promise.all([
    broker.call(createTopics, createTopicsHandler, 7, {
      topics: [{
        name: "created",
        numPartitions: 2,
        replicationFactor: 1,
        assignments: [],
        configs: [],
      }],
      timeoutMs,
    }).then(({ topics }) => topics[0]!.errorCode),
    broker.call(createPartitions, createPartitionsHandler, 3, {
      topics: [{ name: "grown", count: 3, assignments: null }],
      timeoutMs,
      validateOnly: false,
    }).then(({ results }) => results[0]!.errorCode),
    broker.call(deleteTopics, deleteTopicsHandler, 5, { topicNames: ["deleted"], timeoutMs })
      .then(({ responses }) => responses[0]!.errorCode),
    broker.call(deleteRecords, deleteRecordsHandler, 2, {
      topics: [{ name: "records", partitions: [{ partitionIndex: 0, offset: 1 }] }],
      timeoutMs,
    }).then(({ topics }) => topics[0]!.partitions[0]!.errorCode),
  ]);
  // Wait until all have begun.
  for (let round = 0; round < 50; round++) await broker.clock.yield();
  broker.clock.advance(HOUR_MS);
  fs.release();
  return await answers;
}

Deno.test("withinTimeout() waits without limit for a timeout of 0 or less", async () => {
  for (const timeoutMs of [0, -1, -(2 ** 31)]) {
    const fs = new HeldSyncFileSystem();
    fs.holdsMetadata = true;
    await using broker = await TestBroker.start({ fs });
    assertEquals(await changeTopics(broker, timeoutMs), [0, 0, 0, 0], `timeoutMs ${timeoutMs}`);
    assertEquals(broker.topics.get("created")?.partitions.length, 2);
    assertEquals(broker.topics.get("grown")?.partitions.length, 3);
    assertEquals(broker.topics.get("deleted"), undefined);
    assertEquals(broker.topics.partition("records", 0)?.logStartOffset, 1);
  }
});

Deno.test("withinTimeout() rejects with REQUEST_TIMED_OUT while the work continues", async () => {
  const fs = new HeldSyncFileSystem();
  fs.holdsMetadata = true;
  await using broker = await TestBroker.start({ fs });
  const codes = await changeTopics(broker, 1);
  assertEquals(codes.slice(0, 3), Array(3).fill(ErrorCode.REQUEST_TIMED_OUT));
  // Changes of a topic are applied in order.
  await broker.topics.createTopic({ name: "last" });
  assertEquals(broker.topics.get("grown")?.partitions.length, 3);
  assertEquals(broker.topics.get("deleted"), undefined);
});
