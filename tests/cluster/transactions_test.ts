/**
 * Transactions whose partitions, coordinators and groups are on different brokers.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Cluster } from "../../broker/mod.ts";
import { replicaOf, until } from "../../broker/replication/cluster_testing.ts";
import { Client } from "../../client/mod.ts";
import { fetchedBatches } from "../../client/consumer/fetched_batches.ts";
import { fetch, IsolationLevel } from "../../protocol/messages/records/fetch.ts";
import { RawConnection } from "../support/protocol/raw_connection.ts";

const TOPIC = "out";
const PARTITIONS = [0, 1, 2];
const PRODUCERS = 2;
const TRANSACTIONS = 3;
const DECODER = new TextDecoder();

function start(): Promise<Cluster> {
  return Cluster.start({
    brokers: 3,
    config: {
      "transaction.state.log.num.partitions": 3,
      "offsets.topic.num.partitions": 3,
    },
  });
}

/** The broker that leads a partition of the topic. */
function leaderOf(cluster: Cluster, partition: number): number {
  const [id] = [1, 2, 3].filter((id) =>
    cluster.broker(id) !== undefined && replicaOf(cluster, id, TOPIC, partition)?.isServed === true
  );
  return id!;
}

/** What a reader with read_committed gets of a partition: values, and where it ends. */
async function read(cluster: Cluster, partition: number): Promise<string[]> {
  const id = leaderOf(cluster, partition);
  using connection = await RawConnection.connect(
    cluster.broker(id)!.addresses.map(
      ({ host, port }) => `${host}:${port}`,
    )[0]!,
  );
  const values: string[] = [];
  for (let offset = 0;;) {
    const { responses } = await connection.request(fetch, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      isolationLevel: IsolationLevel.readCommitted,
      topics: [{
        topic: TOPIC,
        partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: 1000 }],
      }],
    });
    const { records, abortedTransactions, lastStableOffset } = responses[0]!.partitions[0]!;
    const bytes = records ?? new Uint8Array(0);
    const { batches, nextOffset } = fetchedBatches(bytes, offset, abortedTransactions);
    for (const { batch } of batches) {
      for (const { value } of batch.records()) values.push(DECODER.decode(value!));
    }
    if (nextOffset === offset || nextOffset >= lastStableOffset!) return values;
    offset = nextOffset;
  }
}

/** Whether no transaction is open, or waits for its markers. */
function isQuiet(cluster: Cluster): boolean {
  return PARTITIONS.every((partition) => {
    const leader = replicaOf(cluster, leaderOf(cluster, partition), TOPIC, partition)!;
    return leader.lastStableOffset === leader.logEndOffset;
  });
}

Deno.test("transactions of many producers are seen whole or not at all, wherever partitions and coordinators are", async () => {
  await using cluster = await start();
  await using client = new Client({ brokers: cluster.addresses });
  await client.admin().createTopic({ name: TOPIC, partitions: PARTITIONS.length, replicas: 3 });
  const committed: string[] = [];
  await Promise.all(
    Array.from({ length: PRODUCERS }, async (_, index) => {
      await using producer = client.producer({ transactionalId: `id-${index}` });
      for (let round = 0; round < TRANSACTIONS; round++) {
        await using transaction = await producer.begin();
        const values = PARTITIONS.map((partition) => `${index}/${round}/${partition}`);
        for (const [partition, value] of values.entries()) {
          void transaction.send({ topic: TOPIC, partition, value }).catch(() => {});
        }
        if (round % 3 === 1) {
          await producer.flush();
          await transaction.abort();
        } else {
          await transaction.commit();
          committed.push(...values);
        }
      }
    }),
  );
  await until(() => isQuiet(cluster));
  const seen = (await Promise.all(PARTITIONS.map((partition) => read(cluster, partition)))).flat();
  assertEquals(seen.sort(), committed.sort());
  assertEquals(committed.length, PRODUCERS * TRANSACTIONS * 2 / 3 * PARTITIONS.length);
});

Deno.test("transactions go on when the broker stops that coordinates them, or has their partitions", async () => {
  await using cluster = await start();
  await using client = new Client({ brokers: cluster.addresses });
  await client.admin().createTopic({ name: TOPIC, partitions: PARTITIONS.length, replicas: 3 });
  const committed = new Set<string>();
  let isStopped = false;
  const work = Array.from({ length: PRODUCERS }, async (_, index) => {
    await using producer = client.producer({ transactionalId: `id-${index}` });
    for (let round = 0; !isStopped; round++) {
      const values = PARTITIONS.map((partition) => `${index}/${round}/${partition}`);
      await using transaction = await producer.begin();
      for (const [partition, value] of values.entries()) {
        void transaction.send({ topic: TOPIC, partition, value }).catch(() => {});
      }
      try {
        await transaction.commit();
      } catch {
        continue;
      }
      for (const value of values) committed.add(value);
    }
  });
  await until(() => committed.size > 0);
  await cluster.stopBroker(2);
  await until(() => PARTITIONS.every((partition) => leaderOf(cluster, partition) !== undefined));
  const before = committed.size;
  await until(() => committed.size > before + PARTITIONS.length);
  isStopped = true;
  await Promise.all(work);
  await until(() => isQuiet(cluster));
  const seen = (await Promise.all(PARTITIONS.map((partition) => read(cluster, partition)))).flat();
  assertEquals(new Set(seen).size, seen.length, "none twice");
  for (const value of committed) assert(seen.includes(value), value);
  // A commit without an answer may have been carried out, but then whole.
  const counts = new Map<string, number>();
  for (const value of seen) {
    const transaction = value.split("/", 2).join("/");
    counts.set(transaction, (counts.get(transaction) ?? 0) + 1);
  }
  for (const [transaction, count] of counts) assertEquals(count, PARTITIONS.length, transaction);
});
