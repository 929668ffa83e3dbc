/**
 * Tests of replicas that are moved between the brokers of a cluster.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Cluster } from "../../broker/mod.ts";
import { Client, KafkaError, type TopicDescription } from "../../client/mod.ts";
import { replicaOf, until } from "../../broker/replication/cluster_testing.ts";
import { within } from "../support/within.ts";

const TOPIC = "orders";

/** Resolves with the topic's description once it is as wanted. */
function described(
  client: Client,
  isWanted: (topic: TopicDescription) => boolean,
): Promise<TopicDescription> {
  const waiting = (async () => {
    for (;;) {
      const topic = await client.admin().describeTopic(TOPIC);
      if (isWanted(topic)) return topic;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return within(waiting, "the topic");
}

async function untilMoved(client: Client, replicas: readonly (readonly number[])[]) {
  const topic = await described(
    client,
    ({ partitions }) =>
      partitions.every((state, i) =>
        `${state.replicas}` === `${replicas[i]}` && state.isr.length === replicas[i]!.length
      ),
  );
  assertEquals(await client.admin().listReassignments(), []);
  return topic;
}

async function send(client: Client, partitions: number, value: string) {
  const sent = Array.from({ length: partitions }, (_, partition) => partition);
  await client.producer().sendBatch(
    sent.map((partition) => ({ topic: TOPIC, partition, value })),
  );
}

async function valuesOf(client: Client, count: number): Promise<string[]> {
  await using consumer = client.consumer({ autoOffsetReset: "earliest" });
  await consumer.subscribe(TOPIC);
  const values: string[] = [];
  while (values.length < count) {
    for (const message of await consumer.poll(1000, { timeoutMs: 10_000 })) {
      values.push(message.text());
    }
  }
  return values.sort();
}

function plans(replicas: readonly (readonly number[] | null)[]) {
  return replicas.map((each, partition) => ({ topic: TOPIC, partition, replicas: each }));
}

async function reassign(client: Client, replicas: readonly (readonly number[] | null)[]) {
  for (const { error } of await client.admin().reassignPartitions(plans(replicas))) {
    if (error !== undefined) throw error;
  }
}

Deno.test("Reassignment moves replicas while they are written, through any broker, and loses nothing (KIP-455)", async () => {
  await using cluster = await Cluster.start({ brokers: 4 });
  const configs = { "min.insync.replicas": "2" };
  await using client = new Client({ brokers: cluster.addresses });
  const assignments = [[1, 2], [2, 3], [3, 1]];
  await client.admin().createTopic({ name: TOPIC, assignments, configs });
  let sent = 0;
  let isMoving = true;
  const writing = (async () => {
    while (isMoving) {
      await send(client, 3, `${sent}`);
      sent++;
    }
  })();
  // Moved entirely, in part, and by order alone.
  const target = [[3, 4], [2, 4], [1, 3]];
  await using other = new Client({ brokers: cluster.addresses[3]! });
  await reassign(other, target);
  const moved = await untilMoved(client, target);
  assertEquals(moved.partitions[0]!.leaderId, 3);
  assertEquals(moved.partitions[1]!.leaderId, 2);
  isMoving = false;
  await writing;
  const expected = Array.from({ length: sent }, (_, i) => [`${i}`, `${i}`, `${i}`]).flat().sort();
  assertEquals(await valuesOf(client, 3 * sent), expected);
  // The old copies are gone, the new ones are enough.
  await cluster.stopBroker(2);
  await described(client, ({ partitions }) => partitions[1]!.leaderId === 4);
  assertEquals(await valuesOf(client, 3 * sent), expected);
});

Deno.test("A broker without a replica of a partition describes its changes, too", async () => {
  await using cluster = await Cluster.start({ brokers: 3 });
  await using client = new Client({ brokers: cluster.addresses[2]! });
  await client.admin().createTopic({ name: TOPIC, assignments: [[1, 2], [3, 1]] });
  await cluster.stopBroker(2);
  await described(client, ({ partitions }) => partitions[0]!.isr.length === 1);
  await cluster.startBroker(2);
  await described(client, ({ partitions }) => partitions[0]!.isr.length === 2);
  await reassign(client, [[2, 1]]);
  await untilMoved(client, [[2, 1], [3, 1]]);
});

Deno.test("Reassignment changes the number of replicas, from one to three and back", async () => {
  await using cluster = await Cluster.start({ brokers: 3 });
  await using client = new Client({ brokers: cluster.addresses });
  await client.admin().createTopic({ name: TOPIC, assignments: [[1], [2]] });
  await send(client, 2, "a");
  await reassign(client, [[1, 2, 3], [3, 2, 1]]);
  const grown = await untilMoved(client, [[1, 2, 3], [3, 2, 1]]);
  assertEquals(grown.partitions.map(({ leaderId }) => leaderId), [1, 2]);
  await send(client, 2, "b");
  // What was copied is there without those who had it first.
  await reassign(client, [[3], [1]]);
  const shrunk = await untilMoved(client, [[3], [1]]);
  assertEquals(shrunk.partitions.map(({ leaderId }) => leaderId), [3, 1]);
  await send(client, 2, "c");
  await cluster.stopBroker(2);
  assertEquals(await valuesOf(client, 6), ["a", "a", "b", "b", "c", "c"]);
});

Deno.test("Reassignment waits while there is nobody to copy from, and can be replaced or cancelled meanwhile", async () => {
  await using cluster = await Cluster.start({ brokers: 3 });
  await using client = new Client({ brokers: cluster.addresses.slice(1) });
  const admin = client.admin();
  await admin.createTopic({ name: TOPIC, assignments: [[1]] });
  await send(client, 1, "a");
  await cluster.stopBroker(1);
  const listed = async () =>
    (await admin.listReassignments()).map(({ topic, partition, adding, removing, replicas }) => {
      return [`${topic}-${partition}`, replicas, adding, removing];
    });
  await reassign(client, [[2]]);
  assertEquals(await listed(), [["orders-0", [2, 1], [2], [1]]]);
  const other = [{ topic: TOPIC, partition: 1 }, { topic: "missing", partition: 0 }];
  assertEquals(await admin.listReassignments(other), []);
  await reassign(client, [[3, 1]]);
  assertEquals(await listed(), [["orders-0", [3, 1], [3], []]]);
  await reassign(client, [null]);
  assertEquals(await listed(), []);
  const error = await assertRejects(() => reassign(client, [null]), KafkaError);
  assertEquals(error.code, "NO_REASSIGNMENT_IN_PROGRESS");
  await reassign(client, [[2]]);
  await cluster.startBroker(1);
  await untilMoved(client, [[2]]);
  assertEquals(await valuesOf(client, 1), ["a"]);
});

Deno.test("Reassignment refuses what cannot be, for each partition by itself", async () => {
  await using cluster = await Cluster.start({ brokers: 3 });
  await using client = new Client({ brokers: cluster.addresses });
  const admin = client.admin();
  await admin.createTopic({ name: TOPIC, assignments: [[1, 2], [2, 3], [3, 1], [1, 2]] });
  const results = await admin.reassignPartitions([
    ...plans([[1, 9], [], [3, 3], [2, 1]]),
    { topic: TOPIC, partition: 7, replicas: [1] },
    { topic: "missing", partition: 0, replicas: [1] },
  ]);
  assertEquals(results.map(({ partition, error }) => [partition, error?.code]), [
    [0, "INVALID_REPLICA_ASSIGNMENT"],
    [1, "INVALID_REPLICA_ASSIGNMENT"],
    [2, "INVALID_REPLICA_ASSIGNMENT"],
    [3, undefined],
    [7, "UNKNOWN_TOPIC_OR_PARTITION"],
    [0, "UNKNOWN_TOPIC_OR_PARTITION"],
  ]);
  const options = { allowReplicationFactorChange: false };
  const [fixed] = await admin.reassignPartitions(plans([[1, 2, 3]]), options);
  assertEquals(fixed!.error?.code, "INVALID_REPLICATION_FACTOR");
  const { partitions } = await admin.describeTopic(TOPIC);
  assertEquals(partitions.map(({ replicas }) => replicas), [[1, 2], [2, 3], [3, 1], [2, 1]]);
});

Deno.test("Reassignment copies no faster than the throttled rate, until that is removed (KIP-73)", async () => {
  await using cluster = await Cluster.start({ brokers: 3 });
  await using client = new Client({ brokers: cluster.addresses });
  const admin = client.admin();
  const broker = { type: "broker", name: "3" } as const;
  const topic = { type: "topic", name: TOPIC } as const;
  const sides = { follower: ["0:3", broker], leader: ["0:1", { ...broker, name: "1" }] } as const;
  for (const [side, [replica, limited]] of Object.entries(sides)) {
    await admin.createTopic({ name: TOPIC, assignments: [[1, 2]] });
    const value = new Uint8Array(500_000);
    for (let i = 0; i < 6; i++) await client.producer().send({ topic: TOPIC, value });
    const rate = `${side}.replication.throttled.rate`;
    await admin.alterConfigs(limited, { [rate]: 1 });
    await admin.alterConfigs(topic, { [`${side}.replication.throttled.replicas`]: replica });
    await reassign(client, [[1, 3]]);
    await until(() => (replicaOf(cluster, 3, TOPIC)?.log.logEndOffset ?? 0) > 0);
    const { logEndOffset } = replicaOf(cluster, 3, TOPIC)!.log;
    assert(logEndOffset < 6, `${logEndOffset} of 6 were copied`);
    // What is in sync is not throttled.
    await client.producer().send({ topic: TOPIC, value: "acknowledged" });
    assertEquals(replicaOf(cluster, 3, TOPIC)!.log.logEndOffset, logEndOffset);
    assertEquals((await admin.listReassignments()).length, 1);
    await admin.alterConfigs(limited, { [rate]: null });
    await untilMoved(client, [[1, 3]]);
    await admin.deleteTopic(TOPIC);
  }
});

Deno.test("Admin.unregisterBroker() forgets a stopped broker without replicas, and its number is free", async () => {
  await using cluster = await Cluster.start({ brokers: 3 });
  await using client = new Client({ brokers: cluster.addresses });
  const admin = client.admin();
  await admin.createTopic({ name: TOPIC, assignments: [[3, 1]] });
  const codeOf = async (id: number) =>
    (await assertRejects(() => admin.unregisterBroker(id), KafkaError)).code;
  assertEquals(await codeOf(9), "BROKER_ID_NOT_REGISTERED");
  assertEquals(await codeOf(3), "INVALID_REQUEST");
  await cluster.stopBroker(3);
  const error = await assertRejects(() => admin.unregisterBroker(3), KafkaError, "of 1 partitions");
  assertEquals(error.code, "INVALID_REQUEST");
  await reassign(client, [[1, 2]]);
  await untilMoved(client, [[1, 2]]);
  await admin.unregisterBroker(3);
  assertEquals(await codeOf(3), "BROKER_ID_NOT_REGISTERED");
});
