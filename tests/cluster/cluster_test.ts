/**
 * Tests of several brokers in one cluster, in memory: clients find what they need through any of them.
 *
 * @module
 */

import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { Broker, Cluster } from "../../broker/mod.ts";
import { partitionOf } from "../../broker/coordinators/coordinator_topic.ts";
import { Client, KafkaError } from "../../client/mod.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import * as messages from "../../protocol/messages/mod.ts";
import { ZERO_UUID } from "../../protocol/primitives/uuid.ts";
import { RawConnection } from "../support/protocol/raw_connection.ts";
import { within } from "../support/within.ts";

const CONFIG = { "offsets.topic.num.partitions": 6 } as const;
const TOPIC = "orders";
const PARTITIONS = 12;

/** Calls `use` with a connection to each broker, in the order of their ids. */
async function withConnections(
  cluster: Cluster,
  use: (connections: readonly RawConnection[]) => Promise<void>,
): Promise<void> {
  const connections: RawConnection[] = [];
  try {
    for (const address of cluster.addresses) connections.push(await RawConnection.connect(address));
    await use(connections);
  } finally {
    for (const connection of connections) connection[Symbol.dispose]();
  }
}

/** Reads a number of messages in a group. */
async function readInGroup(client: Client, groupId: string, count: number): Promise<string[]> {
  const consumer = client.groupConsumer({ groupId, topics: TOPIC, autoCommit: false });
  try {
    const values: string[] = [];
    while (values.length < count) {
      for (const message of await consumer.poll(30_000)) values.push(message.text());
    }
    await consumer.commit();
    return values.sort();
  } finally {
    await consumer.close();
  }
}

async function produce(client: Client, values: readonly string[]): Promise<void> {
  await client.producer().sendBatch(
    values.map((value, at) => ({ topic: TOPIC, partition: at % PARTITIONS, value })),
  );
}

/** A group that is coordinated by a broker. */
async function groupOf(client: Client, cluster: Cluster, nodeId: number): Promise<string> {
  await using consumer = client.groupConsumer({ groupId: "first", topics: TOPIC });
  await consumer.joinGroup();
  const { partitions } = await client.admin().describeTopic("__consumer_offsets");
  assertEquals(partitions.length, CONFIG["offsets.topic.num.partitions"]);
  assert(cluster.broker(nodeId) !== undefined);
  for (let i = 0;; i++) {
    const index = partitionOf(`group-${i}`, partitions.length);
    if (partitions[index]!.leaderId === nodeId) return `group-${i}`;
  }
}

/** The id of the controller, once there is one other than `not`. */
async function controllerOf(client: Client, not?: number): Promise<number> {
  for (;;) {
    const { id } = await client.discoverController();
    if (id !== not) return id;
  }
}

Deno.test("Cluster spreads a topic of 12 partitions over 3 brokers, and each describes it alike", async () => {
  await using cluster = await Cluster.start({ brokers: 3, config: CONFIG });
  for (const address of cluster.addresses) {
    await using client = new Client({ brokers: address });
    const topic = `by-${address.replace(":", "-")}`;
    await client.admin().createTopic({ name: topic, partitions: PARTITIONS });
    for (const other of cluster.addresses) {
      await using reader = new Client({ brokers: other });
      const leaders = (await reader.admin().describeTopic(topic)).partitions.map((partition) =>
        partition.leaderId
      );
      for (const id of [1, 2, 3]) assertEquals(leaders.filter((leader) => leader === id).length, 4);
    }
  }
});

Deno.test("Cluster serves producers and groups through any bootstrap address", async () => {
  await using cluster = await Cluster.start({ brokers: 3, config: CONFIG });
  const values = Array.from({ length: 60 }, (_, i) => `v${i}`).sort();
  await using first = new Client({ brokers: cluster.addresses[0]! });
  await first.admin().createTopic({ name: TOPIC, partitions: PARTITIONS });
  await produce(first, values);
  for (const [at, address] of cluster.addresses.entries()) {
    await using client = new Client({ brokers: address });
    assertEquals(await readInGroup(client, `g${at}`, values.length), values);
  }
  const groups = await first.admin().listGroups();
  assertEquals(groups.map(({ groupId }) => groupId).sort(), ["g0", "g1", "g2"]);
});

Deno.test("Client({ broker }) of one broker of a cluster reaches the others", async () => {
  await using cluster = await Cluster.start({ brokers: 2, config: CONFIG });
  for (const broker of cluster.brokers) {
    await using client = new Client({ broker });
    const topic = `t${broker.nodeId}`;
    await client.admin().createTopic({ name: topic, partitions: 4 });
    const sent = await client.producer().sendBatch(
      [0, 1, 2, 3].map((partition) => ({ topic, partition, value: "v" })),
    );
    assertEquals(sent.length, 4);
  }
});

Deno.test("Topics are created, altered, grown and deleted through any broker, and seen there at once (KIP-590)", async () => {
  await using cluster = await Cluster.start({ brokers: 3, config: CONFIG });
  await withConnections(cluster, async (connections) => {
    for (const [at, connection] of connections.entries()) {
      const name = `topic-${at}`;
      const created = await connection.request(messages.createTopics, 7, {
        topics: [{ name, numPartitions: 2, replicationFactor: 1 }],
      });
      assertEquals(created.topics[0]!.errorCode, ErrorCode.NONE);
      const told = await connection.request(messages.metadata, 12, {
        topics: [{ name }],
        allowAutoTopicCreation: false,
      });
      assertEquals(told.topics[0]!.topicId, created.topics[0]!.topicId);
      const again = await connection.request(messages.createTopics, 7, {
        topics: [{ name, numPartitions: 2, replicationFactor: 1 }],
      });
      assertEquals(again.topics[0]!.errorCode, ErrorCode.TOPIC_ALREADY_EXISTS);
      const grown = await connection.request(messages.createPartitions, 3, {
        topics: [{ name, count: 5, assignments: null }],
        timeoutMs: 1000,
      });
      assertEquals(grown.results[0]!.errorCode, ErrorCode.NONE);
      const more = await connection.request(messages.metadata, 12, { topics: [{ name }] });
      assertEquals(more.topics[0]!.partitions.length, 5);
      const altered = await connection.request(messages.incrementalAlterConfigs, 1, {
        resources: [{
          resourceType: messages.ConfigResourceType.topic,
          resourceName: name,
          configs: [{ name: "retention.ms", configOperation: 0, value: "5000" }],
        }],
      });
      assertEquals(altered.responses[0]!.errorCode, ErrorCode.NONE);
      const described = await connection.request(messages.describeConfigs, 4, {
        resources: [{
          resourceType: messages.ConfigResourceType.topic,
          resourceName: name,
          configurationKeys: ["retention.ms"],
        }],
      });
      assertEquals(described.results[0]!.configs[0]!.value, "5000");
      const deleted = await connection.request(messages.deleteTopics, 6, {
        topics: [{ name, topicId: ZERO_UUID }],
        timeoutMs: 1000,
      });
      assertEquals(deleted.responses[0]!.errorCode, ErrorCode.NONE);
      const gone = await connection.request(messages.metadata, 12, {
        topics: [{ name }],
        allowAutoTopicCreation: false,
      });
      assertEquals(gone.topics[0]!.errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    }
  });
});

Deno.test("Settings of a broker are changed through that broker, and of all through any", async () => {
  await using cluster = await Cluster.start({ brokers: 2, config: CONFIG });
  await withConnections(cluster, async (connections) => {
    for (const [at, connection] of connections.entries()) {
      for (const resourceName of [`${at + 1}`, ""]) {
        const value = `${1000 + at}`;
        const altered = await connection.request(messages.incrementalAlterConfigs, 1, {
          resources: [{
            resourceType: messages.ConfigResourceType.broker,
            resourceName,
            configs: [{ name: "message.max.bytes", configOperation: 0, value }],
          }],
        });
        assertEquals(altered.responses[0]!.errorCode, ErrorCode.NONE);
        const described = await connection.request(messages.describeConfigs, 4, {
          resources: [{
            resourceType: messages.ConfigResourceType.broker,
            resourceName,
            configurationKeys: ["message.max.bytes"],
          }],
        });
        assertEquals(described.results[0]!.configs[0]!.value, value);
      }
    }
  });
});

Deno.test("Metadata creates a missing topic through any broker", async () => {
  await using cluster = await Cluster.start({ brokers: 3, config: CONFIG });
  await withConnections(cluster, async (connections) => {
    for (const [at, connection] of connections.entries()) {
      const { topics } = await connection.request(messages.metadata, 12, {
        topics: [{ name: `auto-${at}` }],
        allowAutoTopicCreation: true,
      });
      assertEquals([topics[0]!.errorCode, topics[0]!.partitions.length], [ErrorCode.NONE, 1]);
    }
  });
});

Deno.test("All brokers name the same controller and coordinators", async () => {
  await using cluster = await Cluster.start({ brokers: 3, config: CONFIG });
  await withConnections(cluster, async (connections) => {
    const coordinatorKeys = ["a", "b", "c", "d", "e"];
    const answers = new Set<string>();
    const seen = new Set<number>();
    for (const connection of [...connections].reverse()) {
      const found = await connection.request(messages.findCoordinator, 4, { coordinatorKeys });
      for (const { errorCode, nodeId } of found.coordinators) {
        assertEquals(errorCode, ErrorCode.NONE);
        seen.add(nodeId);
      }
      const { controllerId, brokers } = await connection.request(messages.describeCluster, 0, {});
      assertEquals(brokers.length, 3);
      answers.add(JSON.stringify([found.coordinators, controllerId]));
    }
    assertEquals(answers.size, 1);
    assert(seen.size > 1, "groups are spread");
  });
});

Deno.test("More replicas than brokers are refused", async () => {
  await using cluster = await Cluster.start({ brokers: 2, config: CONFIG });
  await using client = new Client({ brokers: cluster.addresses });
  const error = await assertRejects(
    () => client.admin().createTopic({ name: TOPIC, partitions: 1, replicas: 3 }),
    KafkaError,
  );
  assertEquals(error.code, "INVALID_REPLICATION_FACTOR");
});

Deno.test("Stopping the controller elects another, which serves changes of metadata", async () => {
  await using cluster = await Cluster.start({ brokers: 3, config: CONFIG });
  await using client = new Client({ brokers: cluster.addresses });
  const before = await controllerOf(client);
  await cluster.stopBroker(before);
  const after = await within(controllerOf(client, before), "another controller");
  assertNotEquals(after, before);
  await client.admin().createTopic({ name: TOPIC, partitions: PARTITIONS });
  const { partitions } = await client.admin().describeTopic(TOPIC);
  assert(partitions.every(({ leaderId }) => leaderId !== before && leaderId >= 1));
  await cluster.startBroker(before);
  await using returned = new Client({ brokers: cluster.addresses[before - 1]! });
  assertEquals((await returned.admin().describeTopic(TOPIC)).partitions.length, PARTITIONS);
  assertEquals(await controllerOf(returned), after);
});

Deno.test("Partitions of other brokers are served while a broker is stopped, its own afterwards", async () => {
  await using cluster = await Cluster.start({ brokers: 3, config: CONFIG });
  await using client = new Client({ brokers: cluster.addresses });
  await client.admin().createTopic({ name: TOPIC, partitions: PARTITIONS });
  await produce(client, Array.from({ length: PARTITIONS }, (_, i) => `before-${i}`));
  await cluster.stopBroker(2);
  const { partitions } = await client.admin().describeTopic(TOPIC);
  const led = partitions.filter(({ leaderId }) => leaderId > 0);
  assertEquals(led.length, 8);
  const sent = await client.producer().sendBatch(
    led.map(({ partition }) => ({ topic: TOPIC, partition, value: `during-${partition}` })),
  );
  assertEquals(sent.length, 8);
  await cluster.startBroker(2);
  const values = await readInGroup(client, "g", PARTITIONS + 8);
  assertEquals(values.filter((value) => value.startsWith("before-")).length, PARTITIONS);
});

Deno.test("Committed offsets are intact while the coordinator of the group is stopped, and after", async () => {
  await using cluster = await Cluster.start({ brokers: 3, config: CONFIG });
  await using client = new Client({ brokers: cluster.addresses });
  await client.admin().createTopic({ name: TOPIC, partitions: PARTITIONS });
  await produce(client, Array.from({ length: 24 }, (_, i) => `v${i}`));
  const group = await groupOf(client, cluster, 2);
  await readInGroup(client, group, 24);
  await cluster.stopBroker(2);
  await using connection = await RawConnection.connect(cluster.addresses[0]!);
  const found = await connection.request(messages.findCoordinator, 4, { coordinatorKeys: [group] });
  const { errorCode, nodeId } = found.coordinators[0]!;
  assertEquals(errorCode, ErrorCode.NONE);
  assertNotEquals(nodeId, 2);
  for (const isBack of [false, true]) {
    if (isBack) await cluster.startBroker(2);
    const offsets = await client.admin().listGroupOffsets(group);
    assertEquals(offsets.length, PARTITIONS);
    for (const { offset } of offsets) assertEquals(offset, 2);
  }
});

Deno.test("Cluster.startBroker() of a running broker and stopBroker() of a stopped one change nothing", async () => {
  await using cluster = await Cluster.start({ brokers: 1, config: CONFIG });
  const broker = cluster.broker(1)!;
  assert(broker instanceof Broker);
  assertEquals(await cluster.startBroker(1), broker);
  await cluster.stopBroker(1);
  await cluster.stopBroker(1);
  assertEquals([cluster.brokers.length, cluster.addresses.length], [0, 1]);
  await assertRejects(() => cluster.startBroker(2), RangeError);
});

Deno.test("A broker that was stopped learns which topics were created, grown and deleted meanwhile", async () => {
  await using cluster = await Cluster.start({ brokers: 3, config: CONFIG });
  await using client = new Client({ brokers: cluster.addresses });
  const admin = client.admin();
  await admin.createTopic({ name: "gone", partitions: 6 });
  await admin.createTopic({ name: "again", assignments: [[2]] });
  await admin.createTopic({ name: "grown", partitions: 3 });
  await client.producer().send({ topic: "again", partition: 0, value: "old" });
  await cluster.stopBroker(2);
  await admin.deleteTopics(["gone", "again"]);
  await admin.createTopic({ name: "again", assignments: [[1]] });
  await admin.createPartitions("grown", 5);
  const broker = await cluster.startBroker(2);
  await using returned = new Client({ broker });
  const names = (await returned.admin().listTopics()).map(({ name }) => name).sort();
  assertEquals(names, ["again", "grown"]);
  assertEquals((await returned.admin().describeTopic("grown")).partitions.length, 5);
  const [end] = await returned.admin().listOffsets("again", "latest");
  assertEquals(end!.offset, 0);
  await returned.admin().createTopic({ name: "gone", partitions: 3 });
  await returned.producer().sendBatch(
    [0, 1, 2].map((partition) => ({ topic: "gone", partition, value: "new" })),
  );
});

Deno.test("FindCoordinator creates __consumer_offsets with replicas on a broker that is away", async () => {
  await using cluster = await Cluster.start({ brokers: 3, config: CONFIG });
  await cluster.stopBroker(3);
  await using connection = await RawConnection.connect(cluster.addresses[0]!);
  const request = { coordinatorKeys: ["g"] };
  const { coordinators } = await connection.request(messages.findCoordinator, 4, request);
  const { errorCode, nodeId } = coordinators[0]!;
  assertEquals([errorCode, nodeId === 3], [ErrorCode.NONE, false]);
  await cluster.startBroker(3);
  await using client = new Client({ brokers: cluster.addresses });
  const isWhole = async () => {
    const { partitions } = await client.admin().describeTopic("__consumer_offsets");
    assertEquals(partitions[0]!.replicas.length, 3);
    return partitions.every(({ isr }) => isr.length === 3);
  };
  while (!await isWhole());
});

Deno.test("Metadata and FindCoordinator create topics on a broker that has just become the controller", async () => {
  const config = { ...CONFIG, "offsets.topic.replication.factor": 1 };
  await using cluster = await Cluster.start({ brokers: 2, config });
  await using client = new Client({ brokers: cluster.addresses });
  const { id } = await client.discoverController();
  const other = 3 - id;
  await using connection = await RawConnection.connect(cluster.addresses[other - 1]!);
  await cluster.stopBroker(id);
  const names = Array.from({ length: 50 }, (_, i) => `auto-${i}`);
  const { topics } = await connection.request(messages.metadata, 12, {
    topics: names.map((name) => ({ name })),
    allowAutoTopicCreation: true,
  });
  assertEquals(topics.map(({ errorCode }) => errorCode), names.map(() => ErrorCode.NONE));
  const found = await connection.request(messages.findCoordinator, 4, { coordinatorKeys: names });
  assertEquals(new Set(found.coordinators.map(({ nodeId }) => nodeId)), new Set([other]));
});
