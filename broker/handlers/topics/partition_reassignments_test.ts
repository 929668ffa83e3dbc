import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { alterPartitionReassignments } from "../../../protocol/messages/topics/alter_partition_reassignments.ts";
import { listPartitionReassignments } from "../../../protocol/messages/topics/list_partition_reassignments.ts";
import { TestBroker } from "../../broker_testing.ts";
import {
  alterPartitionReassignmentsHandler,
  listPartitionReassignmentsHandler,
} from "./partition_reassignments.ts";

async function reassign(
  broker: TestBroker,
  apiVersion: number,
  replicas: number[] | null,
  { name = "t", partitionIndex = 0, allowReplicationFactorChange = true } = {},
): Promise<(number | string | null)[]> {
  const { errorCode, responses } = await broker.call(
    alterPartitionReassignments,
    alterPartitionReassignmentsHandler,
    apiVersion,
    {
      topics: [{ name, partitions: [{ partitionIndex, replicas }] }],
      ...(apiVersion > 0 ? { allowReplicationFactorChange } : {}),
    },
  );
  assertEquals([errorCode, responses.length], [ErrorCode.NONE, 1]);
  const [partition] = responses[0]!.partitions;
  return [partition!.errorCode, partition!.errorMessage];
}

const BAD = ErrorCode.INVALID_REPLICA_ASSIGNMENT;
const INCLUDES = "The manual partition assignment includes";

Deno.test("AlterPartitionReassignments accepts only the current assignment (KIP-455)", async (t) => {
  await using broker = await TestBroker.start();
  await broker.createTopic("t");
  for (const version of [0, 1]) {
    await t.step(`version ${version}`, async () => {
      const to = (replicas: number[] | null, options = {}) =>
        reassign(broker, version, replicas, options);
      assertEquals(await to([1]), [ErrorCode.NONE, null]);
      assertEquals(await to([2]), [
        BAD,
        `${INCLUDES} broker 2, but no such broker is registered.`,
      ]);
      assertEquals((await to([1, 2]))[0], BAD);
      assertEquals((await to([-1]))[0], BAD);
      assertEquals(await to([1, 1]), [BAD, `${INCLUDES} the broker 1 more than once.`]);
      assertEquals(await to([]), [BAD, `${INCLUDES} an empty replica list.`]);
      assertEquals(await to(null), [ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, null]);
      const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
      for (const replicas of [[1], null]) {
        assertEquals(await to(replicas, { name: "other" }), [
          unknown,
          "Unable to find a topic named other.",
        ]);
        assertEquals(await to(replicas, { partitionIndex: 9 }), [
          unknown,
          "Unable to find partition t:9.",
        ]);
      }
    });
  }
  assertEquals(broker.cluster.topic("t")!.partitions[0]!.replicas, [1]);
});

Deno.test("ListPartitionReassignments returns none", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("t");
  for (const topics of [null, [], [{ name: "t", partitionIndexes: [0, 9] }]]) {
    const answer = await broker.call(
      listPartitionReassignments,
      listPartitionReassignmentsHandler,
      0,
      { topics },
    );
    assertEquals([answer.errorCode, answer.topics], [ErrorCode.NONE, []]);
  }
});
