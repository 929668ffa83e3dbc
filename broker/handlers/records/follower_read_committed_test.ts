import { assertEquals } from "@std/assert";
import { Client } from "../../../client/mod.ts";
import { ErrorCode } from "../../../protocol/errors.ts";
import { fetch, IsolationLevel } from "../../../protocol/messages/records/fetch.ts";
import { recordBatches } from "../../../protocol/records/mod.ts";
import { RawConnection } from "../../../tests/support/protocol/raw_connection.ts";
import { appendInTransaction, endTransaction } from "../../broker_testing.ts";
import { Cluster } from "../../cluster.ts";
import { replicaOf, until } from "../../replication/cluster_testing.ts";

const TOPIC = "orders";
const IDS = [1, 2, 3];
const RACKS = ["a", "b", "c"];
const A = { producerId: 7 };
const B = { producerId: 8 };

async function start(): Promise<Cluster> {
  const cluster = await Cluster.start({ brokers: 3, racks: RACKS });
  await using client = new Client({ brokers: cluster.addresses });
  await client.admin().createTopic({ name: TOPIC, assignments: [IDS] });
  return cluster;
}

/** Reads with read_committed from a broker: the ends of batches, the aborted list, the bounds. */
async function read(cluster: Cluster, nodeId: number, replicaId = -1) {
  using connection = await RawConnection.connect(cluster.addresses[nodeId - 1]!);
  const { responses } = await connection.request(fetch, 12, {
    replicaId,
    maxWaitMs: 0,
    minBytes: 1,
    rackId: nodeId === 1 ? "" : RACKS[nodeId - 1]!,
    isolationLevel: IsolationLevel.readCommitted,
    topics: [{
      topic: TOPIC,
      partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }],
    }],
  });
  const found = responses[0]!.partitions[0]!;
  return {
    errorCode: found.errorCode,
    ends: [...recordBatches(found.records ?? new Uint8Array(0))].map((batch) => batch.lastOffset),
    aborted: found.abortedTransactions?.map((each) => [each.producerId, each.firstOffset]),
    stable: [found.lastStableOffset, found.highWatermark],
  };
}

Deno.test("Fetch with read_committed gets the same from leader and followers (KIP-392)", async () => {
  await using cluster = await start();
  const partition = (id: number) => replicaOf(cluster, id, TOPIC)!;
  const leader = partition(1);
  await appendInTransaction(leader, ["a0"], A).committed;
  await appendInTransaction(leader, ["b1"], B).committed;
  await endTransaction(leader, false, A).committed;
  await until(() => IDS.every((id) => partition(id)?.highWatermark === 3));
  for (const id of IDS) {
    assertEquals(await read(cluster, id), {
      errorCode: ErrorCode.NONE,
      ends: [0],
      aborted: [[7, 0]],
      stable: [1, 3],
    });
  }
  await endTransaction(leader, true, B).committed;
  await until(() => IDS.every((id) => partition(id).highWatermark === 4));
  for (const id of IDS) {
    const { ends, aborted, stable } = await read(cluster, id);
    assertEquals([ends, aborted, stable], [[0, 1, 2, 3], [[7, 0]], [4, 4]]);
  }
});

Deno.test("Partition.lastStableOffset and aborted transactions are known to a follower that is elected", async () => {
  await using cluster = await start();
  const partition = (id: number) => replicaOf(cluster, id, TOPIC)!;
  await appendInTransaction(partition(1), ["a0"], A).committed;
  await endTransaction(partition(1), false, A).committed;
  await appendInTransaction(partition(1), ["b2"], B).committed;
  await until(() => IDS.every((id) => partition(id)?.highWatermark === 3));
  await cluster.stopBroker(1);
  await until(() => [2, 3].some((id) => partition(id).isServed));
  const elected = partition(2).isServed ? partition(2) : partition(3);
  await until(() => elected.isEstablished);
  assertEquals([elected.lastStableOffset, elected.highWatermark], [2, 3]);
  assertEquals(elected.log.abortedTransactions(0, 2).map(({ producerId }) => producerId), [7]);
  // The transaction is open here: the producer needs no answer of the coordinator.
  assertEquals(elected.log.startVerification(B.producerId, 0, 1), undefined);
  await endTransaction(elected, true, B).committed;
  assertEquals(elected.lastStableOffset, 4);
});
