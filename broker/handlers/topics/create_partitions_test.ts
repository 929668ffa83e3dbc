import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { createPartitions } from "../../../protocol/messages/topics/create_partitions.ts";
import type { RequestTo } from "../../../protocol/schema/schema.ts";
import { TestBroker } from "../../broker_testing.ts";
import { createPartitionsHandler } from "./create_partitions.ts";

type Topic = RequestTo<typeof createPartitions>["topics"][number];

function call(broker: TestBroker, topics: Topic[], validateOnly = false, apiVersion = 3) {
  const request = { topics, timeoutMs: 1000, validateOnly };
  return broker.call(createPartitions, createPartitionsHandler, apiVersion, request);
}

Deno.test("CreatePartitions returns a full result for every topic in request order", async (t) => {
  for (let version = 0; version <= 3; version++) {
    await t.step(`version ${version}`, async () => {
      await using broker = await TestBroker.start();
      for (const name of ["a", "b", "c", "d"]) await broker.createTopic(name, { partitions: 2 });
      const { results } = await call(
        broker,
        [
          { name: "d", count: 4, assignments: null },
          { name: "gone", count: 4, assignments: null },
          { name: "a", count: 2, assignments: null },
          { name: "b", count: 1, assignments: null },
          { name: "c", count: 3, assignments: [{ brokerIds: [1] }] },
        ],
        false,
        version,
      );
      assertEquals(results.map(({ name, errorCode }) => [name, errorCode]), [
        ["d", ErrorCode.NONE],
        ["gone", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
        ["a", ErrorCode.INVALID_PARTITIONS],
        ["b", ErrorCode.INVALID_PARTITIONS],
        ["c", ErrorCode.NONE],
      ]);
      const counts = ["a", "b", "c", "d"].map((name) => broker.topics.get(name)!.partitions.length);
      assertEquals(counts, [2, 2, 3, 4]);
    });
  }
});

Deno.test("CreatePartitions rejects duplicate topics and unsuitable assignments", async () => {
  await using broker = await TestBroker.start();
  for (const name of ["a", "b", "c"]) await broker.createTopic(name);
  const { results } = await call(broker, [
    { name: "a", count: 2, assignments: null },
    { name: "a", count: 3, assignments: null },
    { name: "b", count: 3, assignments: [{ brokerIds: [1] }] },
    { name: "c", count: 2, assignments: [{ brokerIds: [9] }] },
  ]);
  assertEquals(results.map(({ name, errorCode }) => [name, errorCode]), [
    ["a", ErrorCode.INVALID_REQUEST],
    ["b", ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    ["c", ErrorCode.INVALID_REPLICA_ASSIGNMENT],
  ]);
});

Deno.test("CreatePartitions only validates with validateOnly", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("a");
  const { results } = await call(broker, [{ name: "a", count: 2, assignments: null }], true);
  assertEquals(results[0]!.errorCode, ErrorCode.NONE);
  assertEquals(broker.topics.get("a")!.partitions.length, 1);
});
