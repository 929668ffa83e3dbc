import { assertEquals } from "@std/assert";
import { Client } from "../../../client/mod.ts";
import { ErrorCode } from "../../../protocol/errors.ts";
import { fetch } from "../../../protocol/messages/records/fetch.ts";
import { recordBatches } from "../../../protocol/records/mod.ts";
import { RawConnection } from "../../../tests/support/protocol/raw_connection.ts";
import { Cluster } from "../../cluster.ts";
import { replicaOf, until } from "../../replication/cluster_testing.ts";

const TOPIC = "orders";
const LEADER = -1;

/** Runs `use` with three brokers in racks a, b and c, and a topic led by broker 1. */
async function withRacks(
  use: (
    cluster: Cluster,
    ask: (
      nodeId: number,
      rackId: string,
      offset?: number,
      version?: number,
    ) => Promise<[number, number, string[]]>,
  ) => Promise<void>,
): Promise<void> {
  await using cluster = await Cluster.start({ brokers: 3, racks: ["a", "b", "c"] });
  await using client = new Client({ brokers: cluster.addresses });
  await client.admin().createTopic({ name: TOPIC, assignments: [[1, 2, 3]] });
  for (const value of ["x", "y"]) await client.producer().send({ topic: TOPIC, value });
  const ids = [1, 2, 3];
  await until(() => ids.every((id) => replicaOf(cluster, id, TOPIC)?.highWatermark === 2));
  await use(cluster, async (nodeId, rackId, offset = 0, version = 12) => {
    using connection = await RawConnection.connect(cluster.addresses[nodeId - 1]!);
    const { responses } = await connection.request(fetch, version, {
      maxWaitMs: 60_000,
      minBytes: 1,
      rackId,
      topics: [{
        topic: TOPIC,
        partitions: [{
          partition: 0,
          fetchOffset: offset,
          currentLeaderEpoch: 0,
          partitionMaxBytes: 1 << 20,
        }],
      }],
    });
    const { errorCode, preferredReadReplica, records } = responses[0]!.partitions[0]!;
    const values: string[] = [];
    for (const batch of recordBatches(records ?? new Uint8Array(0))) {
      for (const { value } of batch.records()) values.push(new TextDecoder().decode(value!));
    }
    return [errorCode, preferredReadReplica, values];
  });
}

Deno.test("Fetch sends a consumer to the in-sync replica of its rack (KIP-392)", async () => {
  await withRacks(async (cluster, ask) => {
    assertEquals(await ask(1, "b"), [ErrorCode.NONE, 2, []]);
    assertEquals(await ask(1, "c"), [ErrorCode.NONE, 3, []]);
    for (const rack of ["a", "elsewhere", ""]) {
      assertEquals(await ask(1, rack), [ErrorCode.NONE, LEADER, ["x", "y"]]);
    }
    // Version 10 knows no racks.
    assertEquals(await ask(1, "", 0, 10), [ErrorCode.NONE, LEADER, ["x", "y"]]);
    await cluster.stopBroker(3);
    await until(() => replicaOf(cluster, 1, TOPIC)!.isr.length === 2);
    assertEquals(await ask(1, "c"), [ErrorCode.NONE, LEADER, ["x", "y"]]);
  });
});

Deno.test("Fetch of a consumer in a rack reads from a follower what is committed (KIP-392)", async () => {
  await withRacks(async (_, ask) => {
    assertEquals(await ask(2, "b"), [ErrorCode.NONE, LEADER, ["x", "y"]]);
    assertEquals(await ask(2, "b", 1), [ErrorCode.NONE, LEADER, ["y"]]);
    assertEquals(await ask(2, "b", 3), [ErrorCode.OFFSET_NOT_AVAILABLE, LEADER, []]);
    // Without a rack, a client has old metadata and must look the leader up.
    assertEquals(await ask(2, ""), [ErrorCode.NOT_LEADER_OR_FOLLOWER, LEADER, []]);
  });
});
