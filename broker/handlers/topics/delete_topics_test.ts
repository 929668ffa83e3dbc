import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { deleteTopics } from "../../../protocol/messages/topics/delete_topics.ts";
import { fetch } from "../../../protocol/messages/records/fetch.ts";
import { produce } from "../../../protocol/messages/records/produce.ts";
import type { RequestTo } from "../../../protocol/schema/schema.ts";
import { ZERO_UUID } from "../../../protocol/primitives/uuid.ts";
import { batchOf, TestBroker } from "../../broker_testing.ts";
import { HeldSyncFileSystem } from "../../held_sync_testing.ts";
import { deleteTopicsHandler } from "./delete_topics.ts";
import { fetchHandler } from "../records/fetch.ts";
import { produceHandler } from "../records/produce.ts";

const UNKNOWN_ID = "xxxxxxxxxxxxxxxxxxxxxA";

function call(
  broker: TestBroker,
  apiVersion: number,
  request: Omit<RequestTo<typeof deleteTopics>, "timeoutMs">,
) {
  return broker.call(deleteTopics, deleteTopicsHandler, apiVersion, {
    timeoutMs: 1000,
    ...request,
  });
}

Deno.test("DeleteTopics returns each topic in request order, in every version", async (t) => {
  for (let version = 0; version <= 6; version++) {
    await t.step(`version ${version}`, async () => {
      await using broker = await TestBroker.start();
      await broker.createTopic("a");
      await broker.createTopic("b");
      const names = ["b", "gone", "a"];
      const { responses } = await call(
        broker,
        version,
        version < 6
          ? { topicNames: names }
          : { topics: names.map((name) => ({ name, topicId: ZERO_UUID })) },
      );
      assertEquals(responses.map(({ name, errorCode }) => [name, errorCode]), [
        ["b", ErrorCode.NONE],
        ["gone", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
        ["a", ErrorCode.NONE],
      ]);
      assertEquals([...broker.topics.all()], []);
    });
  }
});

Deno.test("DeleteTopics deletes by id and returns the name (KIP-516)", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("a");
  const { id } = broker.topics.get("a")!;
  const { responses } = await call(broker, 6, {
    topics: [{ topicId: UNKNOWN_ID }, { topicId: id }],
  });
  assertEquals(responses.map(({ name, topicId, errorCode }) => [name, topicId, errorCode]), [
    [null, UNKNOWN_ID, ErrorCode.UNKNOWN_TOPIC_ID],
    ["a", id, ErrorCode.NONE],
  ]);
});

Deno.test("DeleteTopics rejects duplicate topics, and those with both or neither of name and id", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("a");
  await broker.createTopic("b");
  const idOf = (name: string) => broker.topics.get(name)!.id;
  const { responses } = await call(broker, 6, {
    topics: [
      { name: "a", topicId: ZERO_UUID },
      { topicId: idOf("a") },
      { name: "b", topicId: idOf("b") },
      { topicId: ZERO_UUID },
    ],
  });
  assertEquals(responses.map(({ errorCode }) => errorCode), [
    ErrorCode.INVALID_REQUEST,
    ErrorCode.INVALID_REQUEST,
    ErrorCode.INVALID_REQUEST,
  ]);
  assertEquals([...broker.topics.all()].length, 2);
});

Deno.test("DeleteTopics does not delete internal topics", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("__consumer_offsets", { isInternal: true });
  const { responses } = await call(broker, 5, { topicNames: ["__consumer_offsets"] });
  assertEquals(responses[0]!.errorCode, ErrorCode.INVALID_TOPIC_EXCEPTION);
});

Deno.test("DeleteTopics fails with delete.topic.enable=false, as each version can express", async () => {
  await using broker = await TestBroker.start({ config: { "delete.topic.enable": false } });
  await broker.createTopic("a");
  for (
    const [version, code] of [
      [2, ErrorCode.INVALID_REQUEST],
      [3, ErrorCode.TOPIC_DELETION_DISABLED],
    ] as const
  ) {
    const { responses } = await call(broker, version, { topicNames: ["a"] });
    assertEquals(responses[0]!.errorCode, code);
  }
});

Deno.test("DeleteTopics completes waiting Fetch and Produce requests immediately", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  await broker.createTopic("a");
  const fetching = broker.call(fetch, fetchHandler, 12, {
    maxWaitMs: 60_000,
    minBytes: 1,
    maxBytes: 1000,
    topics: [{
      topic: "a",
      partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }],
    }],
  });
  fs.hold();
  const producing = broker.call(produce, produceHandler, 9, {
    acks: -1,
    timeoutMs: 60_000,
    topicData: [{
      name: "a",
      partitionData: [{ index: 0, records: batchOf(["x"]).bytes }],
    }],
  });
  await broker.clock.yield();
  await call(broker, 5, { topicNames: ["a"] });
  const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  assertEquals((await fetching).responses[0]!.partitions[0]!.errorCode, unknown);
  assertEquals((await producing).responses[0]!.partitionResponses[0]!.errorCode, unknown);
  fs.release();
});
