import { assert, assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { describeQuorum } from "../../../protocol/messages/cluster/describe_quorum.ts";
import { TestBroker } from "../../broker_testing.ts";
import { describeQuorumHandler } from "./describe_quorum.ts";

function describe(broker: TestBroker, apiVersion: number, topicName: string, ...indexes: number[]) {
  const partitions = indexes.map((partitionIndex) => ({ partitionIndex }));
  return broker.call(describeQuorum, describeQuorumHandler, apiVersion, {
    topics: [{ topicName, partitions }],
  });
}

Deno.test("DescribeQuorum returns the state of the metadata log of the only voter (KIP-595)", async (t) => {
  await using broker = await TestBroker.start();
  let lastEndOffset = 0;
  for (let version = 0; version <= 2; version++) {
    await t.step(`version ${version}`, async () => {
      await broker.createTopic(`t${version}`);
      const { errorCode, topics, nodes } = await describe(broker, version, "__cluster_metadata", 0);
      assertEquals(errorCode, ErrorCode.NONE);
      const [partition] = topics[0]!.partitions;
      const { logEndOffset } = broker.directory.get("__cluster_metadata-0")!;
      assert(logEndOffset > lastEndOffset);
      lastEndOffset = logEndOffset;
      assertEquals(partition?.errorCode, ErrorCode.NONE);
      assertEquals([partition!.leaderId, partition!.highWatermark], [1, logEndOffset]);
      assertEquals(partition!.observers, []);
      const time = version < 1 ? -1 : broker.clock.now();
      const [voter, ...others] = partition!.currentVoters;
      assertEquals([voter?.replicaId, voter?.logEndOffset], [1, logEndOffset]);
      assertEquals([voter!.lastFetchTimestamp, voter!.lastCaughtUpTimestamp], [time, time]);
      assertEquals(others, []);
      const listeners = [{ name: "PLAINTEXT", host: "localhost", port: 9092 }];
      assertEquals(nodes, version < 2 ? [] : [{ nodeId: 1, listeners }]);
    });
  }
});

Deno.test("DescribeQuorum rejects other partitions, and returns nothing for several", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("t");
  for (
    const [topic, ...indexes] of [
      ["t", 0],
      ["__cluster_metadata", 1],
      ["__cluster_metadata", 0, 1],
    ] as [string, ...number[]][]
  ) {
    const { topics, nodes } = await describe(broker, 2, topic, ...indexes);
    assertEquals(topics[0]!.partitions.map(({ partitionIndex }) => partitionIndex), indexes);
    for (const { errorCode, currentVoters } of topics[0]!.partitions) {
      assertEquals([errorCode, currentVoters], [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, []]);
    }
    assertEquals(nodes, []);
  }
});
