/**
 * Tests of clusters of real processes, over a real etcd, of which a broker is killed (`kill -9`) or
 * stopped (SIGSTOP): metadata can be changed again, what the broker did not lead is served on, and
 * committed offsets are there when it is back.
 *
 * @module
 */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { partitionOf } from "../../broker/coordinators/coordinator_topic.ts";
import { Client } from "../../client/mod.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import * as messages from "../../protocol/messages/mod.ts";
import { BrokerCluster } from "../support/broker/broker_cluster.ts";
import { testWith } from "../support/outside.ts";
import { RawConnection } from "../support/protocol/raw_connection.ts";
import { within } from "../support/within.ts";

const OFFSETS_PARTITIONS = 6;
const FLAGS = [
  `--offsets-topic-num-partitions=${OFFSETS_PARTITIONS}`,
  "--group-initial-rebalance-delay-ms=0",
];
const BROKERS = [1, 2, 3];
const TOPIC = "orders";
const PARTITIONS = 12;
/** Errors of a request that was sent while the controller was dead and nobody knew. */
const TRANSIENT: ReadonlySet<number> = new Set([
  ErrorCode.NOT_CONTROLLER,
  ErrorCode.REQUEST_TIMED_OUT,
]);

type Fault = "kill" | "pause";

/** The id of the controller, as one broker names it. */
async function controllerOf(client: Client): Promise<number> {
  return (await client.discoverController()).id;
}

/** A group that a broker coordinates. It may have to lead again what it led before it failed. */
async function coordinatedBy(client: Client, nodeId: number): Promise<string> {
  for (;;) {
    const { partitions } = await client.admin().describeTopic("__consumer_offsets");
    const isThere = (id: string) =>
      partitions[partitionOf(id, OFFSETS_PARTITIONS)]!.leaderId === nodeId;
    const groupId = Array.from({ length: 1000 }, (_, i) => `group-${i}`).find(isThere);
    if (groupId !== undefined) return groupId;
    const { host, port } = await client.discoverController();
    using connection = await RawConnection.connect(`${host}:${port}`);
    await connection.request(messages.electLeaders, 2, { electionType: 0, topicPartitions: null });
  }
}

/** A group that a broker coordinates, with all messages of the topic read and committed. */
async function committedGroup(client: Client, nodeId: number, count: number): Promise<string> {
  await client.groupConsumer({ groupId: "first", topics: TOPIC }).joinGroup();
  const groupId = await coordinatedBy(client, nodeId);
  const consumer = client.groupConsumer({ groupId, topics: TOPIC, autoCommit: false });
  for (let read = 0; read < count;) read += (await consumer.poll(30_000)).length;
  await consumer.commit();
  await consumer.close();
  return groupId;
}

/** Creates a topic through a broker, as often as it takes. */
async function create(connection: RawConnection, name: string): Promise<void> {
  for (;;) {
    const { topics } = await connection.request(messages.createTopics, 7, {
      topics: [{ name, numPartitions: 4, replicationFactor: 1 }],
      timeoutMs: 10_000,
    });
    const { errorCode } = topics[0]!;
    if (errorCode === ErrorCode.NONE) return;
    assert(TRANSIENT.has(errorCode), `error ${errorCode}`);
  }
}

/** The error of describing a topic that must exist, as one broker gives it. */
async function lookUp(connection: RawConnection, name: string): Promise<number> {
  const { topics } = await connection.request(messages.metadata, 12, {
    topics: [{ name }],
    allowAutoTopicCreation: false,
  });
  return topics[0]!.errorCode;
}

/** Resolves when a broker shows these brokers. */
async function shows(client: Client, nodeIds: readonly number[]): Promise<void> {
  for (;;) {
    const { brokers } = await client.admin().describeCluster();
    if (String(brokers.map(({ id }) => id).sort()) === String(nodeIds)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Lets a broker fail and return, and checks what clients of the others may expect. */
async function failAndReturn(
  cluster: BrokerCluster,
  victim: number,
  fault: Fault,
  round: string,
): Promise<void> {
  const others = BROKERS.filter((id) => id !== victim);
  const addressOf = (id: number) => cluster.addresses[id - 1]!;
  await using resources = new AsyncDisposableStack();
  const retry = { initialBackoffMs: 5, maxBackoffMs: 50 };
  const all = resources.use(new Client({ brokers: cluster.addresses, retry }));
  const { offset } = (await all.producer().sendBatch(
    Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: TOPIC, partition, value: "v" })),
  ))[0]!;
  const committed = offset + 1;
  const groupId = await committedGroup(all, victim, committed * PARTITIONS);
  const { partitions } = await all.admin().describeTopic(TOPIC);
  const connections: RawConnection[] = [];
  for (const id of others) connections.push(await RawConnection.connect(addressOf(id)));
  resources.defer(() => connections.forEach((connection) => connection[Symbol.dispose]()));
  const rest = resources.use(new Client({ brokers: others.map(addressOf), retry }));
  await rest.admin().describeTopic(TOPIC);

  if (fault === "kill") await cluster.kill(victim);
  else cluster.broker(victim).pause();

  const created = create(connections[0]!, `created-${round}`);
  const served = partitions.filter(({ leaderId }) => leaderId !== victim);
  assertEquals(served.length, PARTITIONS - PARTITIONS / 3);
  const sent = await rest.producer().sendBatch(
    served.map(({ partition }) => ({ topic: TOPIC, partition, value: "during" })),
  );
  assertEquals(sent.length, served.length);
  await created;
  // What the controller has answered, every broker knows.
  for (const connection of connections) {
    assertEquals(await lookUp(connection, `created-${round}`), ErrorCode.NONE);
  }
  await shows(rest, others);
  const controller = await controllerOf(rest);
  assertNotEquals(controller, victim);

  if (fault === "kill") await cluster.start(victim);
  else cluster.broker(victim).resume();
  await shows(rest, BROKERS);
  assertEquals(await controllerOf(rest), controller);

  await using returned = new Client({ brokers: addressOf(victim), retry });
  const offsets = await returned.admin().listGroupOffsets(groupId);
  assertEquals(offsets.map((of) => of.offset), Array(PARTITIONS).fill(committed));
  using connection = await RawConnection.connect(addressOf(victim));
  await create(connection, `through-${round}`);
  for (const other of connections) {
    assertEquals(await lookUp(other, `through-${round}`), ErrorCode.NONE);
  }
  await returned.producer().sendBatch(
    partitions.filter(({ leaderId }) => leaderId === victim)
      .map(({ partition }) => ({ topic: TOPIC, partition, value: "after" })),
  );
  // The next round starts from equal numbers of messages.
  await returned.admin().deleteTopics([TOPIC]);
  await all.admin().createTopic({ name: TOPIC, partitions: PARTITIONS });
}

async function test(
  path: string,
  members: number,
  fault: Fault,
  t: Deno.TestContext,
): Promise<void> {
  await using cluster = await BrokerCluster.start({ etcd: path, members, flags: FLAGS });
  await using client = new Client({ brokers: cluster.addresses });
  await client.admin().createTopic({ name: TOPIC, partitions: PARTITIONS });
  for (const role of ["the controller", "another broker"]) {
    await t.step(`${role}, which coordinates a group`, async () => {
      const controller = await controllerOf(client);
      const victim = role === "the controller"
        ? controller
        : BROKERS.find((id) => id !== controller)!;
      const round = role.replaceAll(" ", "-");
      await within(failAndReturn(cluster, victim, fault, round), "the end of the round", 120_000);
    });
  }
}

testWith(
  "etcd",
  "BrokerCluster continues when a broker is killed, and has it back with its commits",
  (path, t) => test(path, 3, "kill", t),
);

testWith(
  "etcd",
  "BrokerCluster continues when a broker is stopped, and has it back with its commits",
  (path, t) => test(path, 1, "pause", t),
);
