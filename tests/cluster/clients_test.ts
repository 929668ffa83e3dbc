/**
 * Tests of clients that continue while a broker of their cluster is stopped and started again.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Cluster } from "../../broker/mod.ts";
import { partitionOf } from "../../broker/coordinators/coordinator_topic.ts";
import { Client, type GroupConsumer } from "../../client/mod.ts";
import { kafkaJs } from "../support/clients/kafkajs.ts";
import { within } from "../support/within.ts";

const CONFIG = { "offsets.topic.num.partitions": 6 } as const;
const TOPIC = "orders";
const PARTITIONS = 12;

/** A cluster with a topic whose partitions are spread evenly, and a client. */
async function start(resources: AsyncDisposableStack) {
  const cluster = resources.use(await Cluster.start({ brokers: 3, config: CONFIG }));
  const retry = { initialBackoffMs: 5, maxBackoffMs: 50 };
  const client = resources.use(new Client({ brokers: cluster.addresses, retry }));
  await client.admin().createTopic({ name: TOPIC, partitions: PARTITIONS });
  return { cluster, client };
}

/** The partitions of a topic that each broker leads. */
async function ledBy(client: Client, nodeId: number, topic = TOPIC): Promise<number[]> {
  const { partitions } = await client.admin().describeTopic(topic);
  return partitions.filter(({ leaderId }) => leaderId === nodeId).map(({ partition }) => partition);
}

/** A group that a broker coordinates. */
async function groupOf(client: Client, nodeId: number): Promise<string> {
  await using first = client.groupConsumer({ groupId: "first", topics: TOPIC });
  await first.joinGroup();
  const led = await ledBy(client, nodeId, "__consumer_offsets");
  const isThere = (id: string) => led.includes(partitionOf(id, 6));
  return Array.from({ length: 1000 }, (_, i) => `group-${i}`).find(isThere)!;
}

async function produce(client: Client, partitions: readonly number[], value: string) {
  const sent = partitions.map((partition) => ({ topic: TOPIC, partition, value }));
  await client.producer().sendBatch(sent);
}

/** Polls until a number of messages with a value have arrived. */
async function pollUntil(consumer: GroupConsumer, value: string, count: number): Promise<void> {
  for (let seen = 0; seen < count;) {
    for (const message of await consumer.poll(1000)) if (message.text() === value) seen++;
  }
}

Deno.test("kafkajs creates topics, produces and consumes in a group through any broker of a cluster", async () => {
  await using cluster = await Cluster.start({ brokers: 3, config: CONFIG });
  for (const [at, address] of cluster.addresses.entries()) {
    const topic = `topic-${at}`;
    const kafka = kafkaJs(address);
    const admin = kafka.admin();
    const producer = kafka.producer();
    const consumer = kafka.consumer({ groupId: `group-${at}`, maxWaitTimeInMs: 100 });
    try {
      await admin.connect();
      await admin.createTopics({ topics: [{ topic, numPartitions: 6 }] });
      await producer.connect();
      const messages = Array.from({ length: 6 }, (_, i) => ({ value: `v${i}`, partition: i }));
      await producer.send({ topic, messages });
      const values: string[] = [];
      const all = Promise.withResolvers<void>();
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({
        eachMessage: ({ message }) => {
          values.push(`${message.value}`);
          if (values.length === messages.length) all.resolve();
          return Promise.resolve();
        },
      });
      await within(all.promise, "all messages");
      assertEquals(values.sort(), messages.map(({ value }) => value));
    } finally {
      await consumer.disconnect();
      await producer.disconnect();
      await admin.disconnect();
    }
  }
});

Deno.test("GroupConsumer continues with the other partitions while a broker that is not its coordinator is stopped", async () => {
  await using resources = new AsyncDisposableStack();
  const { cluster, client } = await start(resources);
  const groupId = await groupOf(client, 1);
  const consumer = resources.use(client.groupConsumer({ groupId, topics: TOPIC }));
  const all = Array.from({ length: PARTITIONS }, (_, i) => i);
  await produce(client, all, "before");
  await within(pollUntil(consumer, "before", PARTITIONS), "messages of all brokers");
  const gone = await ledBy(client, 2);
  assertEquals(gone.length, 4);
  await cluster.stopBroker(2);
  const left = all.filter((partition) => !gone.includes(partition));
  await produce(client, left, "during");
  await within(pollUntil(consumer, "during", left.length), "messages of the other brokers");
  await consumer.commit();
  await cluster.startBroker(2);
  await produce(client, all, "after");
  await within(pollUntil(consumer, "after", PARTITIONS), "messages of all brokers");
});

Deno.test("GroupConsumer rejoins and commits after its coordinator was stopped and started", async () => {
  await using resources = new AsyncDisposableStack();
  const { cluster, client } = await start(resources);
  const groupId = await groupOf(client, 3);
  const consumer = resources.use(client.groupConsumer({ groupId, topics: TOPIC }));
  const all = Array.from({ length: PARTITIONS }, (_, i) => i);
  await produce(client, all, "before");
  await within(pollUntil(consumer, "before", PARTITIONS), "messages before");
  await consumer.commit();
  await cluster.stopBroker(3);
  await cluster.startBroker(3);
  await produce(client, all, "after");
  await within(pollUntil(consumer, "after", PARTITIONS), "messages after");
  await consumer.commit();
  const offsets = await client.admin().listGroupOffsets(groupId);
  assertEquals(offsets.map(({ offset }) => offset), new Array(PARTITIONS).fill(2));
});

for (const way of ["stopBroker", "killBroker"] as const) {
  Deno.test(`Producer with idempotence keeps order and repeats nothing across Cluster.${way}() of the controller`, async () => {
    await using resources = new AsyncDisposableStack();
    const { cluster, client } = await start(resources);
    const { id } = await client.discoverController();
    const producer = resources.use(client.producer({ idempotence: true }));
    const sending: Promise<unknown>[] = [];
    let stopped: Promise<unknown> | undefined;
    for (let i = 0; i < 300; i++) {
      sending.push(producer.send({ topic: TOPIC, partition: i % PARTITIONS, value: `${i}` }));
      if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve));
      if (i === 100) stopped = cluster[way](id).then(() => cluster.startBroker(id));
    }
    await within(Promise.all(sending), "all sent");
    await stopped;
    const consumer = resources.use(client.consumer());
    await consumer.subscribe(TOPIC);
    const read = Array.from({ length: PARTITIONS }, (): number[] => []);
    for (let count = 0; count < 300;) {
      for (const message of await consumer.poll(1000)) {
        read[message.partition]!.push(Number(message.text()));
        count++;
      }
    }
    for (const [partition, values] of read.entries()) {
      const expected = Array.from({ length: 25 }, (_, i) => i * PARTITIONS + partition);
      assertEquals(values, expected);
    }
    assert((await client.discoverController()).id > 0);
  });
}

Deno.test("Records and commits that were acknowledged are there after Cluster.killBroker() of all brokers in turn", async () => {
  await using resources = new AsyncDisposableStack();
  const { cluster, client } = await start(resources);
  const all = Array.from({ length: PARTITIONS }, (_, i) => i);
  for (const nodeId of [1, 2, 3]) {
    const groupId = await groupOf(client, nodeId);
    await using consumer = client.groupConsumer({ groupId, topics: TOPIC });
    await produce(client, all, `round-${nodeId}`);
    await within(pollUntil(consumer, `round-${nodeId}`, PARTITIONS), "messages");
    await consumer.commit();
    await cluster.killBroker(nodeId);
    assertEquals(cluster.broker(nodeId), undefined);
    await cluster.startBroker(nodeId);
    const offsets = await client.admin().listGroupOffsets(groupId);
    assertEquals(offsets.map(({ offset }) => offset), new Array(PARTITIONS).fill(nodeId));
  }
  const ends = await client.admin().listOffsets(TOPIC, "latest");
  assertEquals(ends.map(({ offset }) => offset), new Array(PARTITIONS).fill(3));
});

Deno.test("Client works with one address of three, while the others refuse or are silent", async () => {
  await using cluster = await Cluster.start({ brokers: 1, config: CONFIG });
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const gone = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  gone.close();
  const dead = [silent, gone].map(({ addr }) => `127.0.0.1:${(addr as Deno.NetAddr).port}`);
  // The silent address alone would take an hour.
  await using client = new Client({
    brokers: [...dead, ...cluster.addresses],
    connectTimeoutMs: 3_600_000,
    timeoutMs: 3_600_000,
  });
  assertEquals((await within(client.discoverController(), "the controller")).id, 1);
  await client.admin().createTopic({ name: TOPIC, partitions: 1 });
});
