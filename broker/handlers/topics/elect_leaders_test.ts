import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { electLeaders } from "../../../protocol/messages/topics/elect_leaders.ts";
import type { RequestTo } from "../../../protocol/schema/schema.ts";
import { TestBroker } from "../../broker_testing.ts";
import { electLeadersHandler } from "./elect_leaders.ts";

const PREFERRED = 0;
const UNCLEAN = 1;

function call(
  broker: TestBroker,
  apiVersion: number,
  request: RequestTo<typeof electLeaders>,
) {
  return broker.call(electLeaders, electLeadersHandler, apiVersion, request);
}

Deno.test("ElectLeaders returns ELECTION_NOT_NEEDED for existing partitions (KIP-460)", async (t) => {
  await using broker = await TestBroker.start();
  await broker.createTopic("t", { partitions: 2 });
  const topicPartitions = [
    { topic: "t", partitions: [0, 1, 2, -1] },
    { topic: "unknown", partitions: [0] },
  ];
  for (let version = 0; version <= 2; version++) {
    for (const electionType of version === 0 ? [PREFERRED] : [PREFERRED, UNCLEAN]) {
      await t.step(`version ${version}, election type ${electionType}`, async () => {
        const answer = await call(broker, version, { electionType, topicPartitions });
        assertEquals(answer.errorCode, ErrorCode.NONE);
        const outcomes = answer.replicaElectionResults.map(({ topic, partitionResult }) =>
          partitionResult.map(({ partitionId, errorCode, errorMessage }) => [
            `${topic}-${partitionId}`,
            errorCode,
            errorMessage,
          ])
        );
        const notNeeded = "Leader election not needed for topic partition.";
        assertEquals(outcomes.flat(), [
          ["t-0", ErrorCode.ELECTION_NOT_NEEDED, notNeeded],
          ["t-1", ErrorCode.ELECTION_NOT_NEEDED, notNeeded],
          ["t-2", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "No such partition as t-2"],
          ["t--1", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "No such partition as t--1"],
          ["unknown-0", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "No such topic as unknown"],
        ]);
      });
    }
  }
});

Deno.test("ElectLeaders for all partitions returns topics without partitions", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("a");
  await broker.createTopic("b");
  const answer = await call(broker, 2, { electionType: UNCLEAN, topicPartitions: null });
  assertEquals(answer.errorCode, ErrorCode.NONE);
  assertEquals(answer.replicaElectionResults, [
    { topic: "a", partitionResult: [] },
    { topic: "b", partitionResult: [] },
  ]);
});

Deno.test("ElectLeaders rejects an unknown election type", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("t");
  const all = await call(broker, 2, { electionType: 7, topicPartitions: null });
  assertEquals([all.errorCode, all.replicaElectionResults], [ErrorCode.INVALID_REQUEST, []]);
  const named = await call(broker, 2, {
    electionType: 7,
    topicPartitions: [{ topic: "t", partitions: [0] }],
  });
  assertEquals(named.errorCode, ErrorCode.INVALID_REQUEST);
  const [result] = named.replicaElectionResults[0]!.partitionResult;
  assertEquals(result?.errorMessage, "Unknown election type 7");
});
