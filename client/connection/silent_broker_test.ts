import { assertEquals, assertGreater } from "@std/assert";
import { fetch, metadata, produce } from "../../protocol/messages/mod.ts";
import type { ResponseTo } from "../../protocol/schema/schema.ts";
import { concurrentSteps, type Step } from "../../tests/support/concurrent_steps.ts";
import { within } from "../../tests/support/within.ts";
import { Client } from "../client.ts";
import type { Consumer } from "../consumer/consumer.ts";
import type { Producer } from "../producer/producer.ts";
import { texts, write } from "../testing/client_setup.ts";
import { DISCONNECT, FakeCluster } from "../testing/fake_cluster.ts";

type Test = ReturnType<typeof setup>;

/** Two brokers, and a client that would wait for a response, or to connect, for 30 s. */
function setup() {
  const cluster = new FakeCluster({ brokers: 2, topics: { a: 2 } });
  const client = new Client({ broker: cluster, connectTimeoutMs: 30_000 });
  return {
    cluster,
    client,
    /** Broker 0 takes requests and does nothing, and broker 1 gets its partition. */
    fail: () => {
      cluster.silent.add(0);
      cluster.unlisted.add(0);
      cluster.moveLeader("a", 0, 1);
    },
    /** Broker 1 closes connections instead of describing the topic, a few times. */
    loseMetadata: () => {
      let left = 2;
      cluster.on(metadata, async ({ topics }, { usual }) => {
        return topics?.length === 0 || left-- <= 0 ? await usual() : DISCONNECT;
      });
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      cluster.silent.clear();
      await cluster.idle();
    },
  };
}

/** How long a client may need to leave a broker. */
const LIMIT_MS = 20_000;

/** A producer that has written a message to broker 0. */
async function producerOf({ client }: Test): Promise<Producer> {
  const producer = client.producer();
  assertEquals(await send(producer, "0"), 0);
  return producer;
}

/** Returns the offset of a message to the partition that broker 0 led. */
async function send(producer: Producer, value: string): Promise<number> {
  const sending = producer.send({ topic: "a", partition: 0, value });
  return (await within(sending, "the new leader", LIMIT_MS)).offset;
}

/** A consumer that has read a message from broker 0. */
async function consumerOf({ client, cluster }: Test): Promise<Consumer> {
  write(cluster, "a", 0, ["0"]);
  const consumer = client.consumer();
  await consumer.subscribe("a");
  assertEquals(texts(await consumer.poll(1)), ["0"]);
  return consumer;
}

/** Writes a message to the partition that broker 0 led, and reads it. */
async function readNext(consumer: Consumer, { cluster }: Test): Promise<void> {
  write(cluster, "a", 0, ["1"]);
  const reading = async () => {
    for (;;) {
      const messages = await consumer.poll(1);
      if (messages.length > 0) return texts(messages);
    }
  };
  assertEquals(await within(reading(), "the new leader", LIMIT_MS), ["1"]);
}

/** What a client does about it. Each waits for a broker to be silent long enough. */
const CASES: Readonly<Record<string, Step>> = {
  "Producer.send() goes to the new leader when the old one is silent and unlisted": async () => {
    await using test = setup();
    const producer = await producerOf(test);
    test.fail();
    assertEquals(await Promise.all(["1", "2"].map((value) => send(producer, value))), [1, 2]);
    assertEquals(test.cluster.received(produce).map(({ nodeId }) => nodeId).at(-1), 1);
  },

  "Consumer reads from the new leader when the old one is silent and unlisted": async () => {
    await using test = setup();
    await using consumer = await consumerOf(test);
    test.fail();
    await readNext(consumer, test);
    assertEquals(test.cluster.received(fetch).at(-1)!.nodeId, 1);
  },

  "Producer.send() does not return to a silent broker while the new leader is unknown":
    async () => {
      await using test = setup();
      const producer = await producerOf(test);
      test.fail();
      test.loseMetadata();
      assertEquals(await send(producer, "1"), 1);
    },

  "Consumer does not return to a silent broker while the new leader is unknown": async () => {
    await using test = setup();
    await using consumer = await consumerOf(test);
    test.fail();
    test.loseMetadata();
    await readNext(consumer, test);
  },

  "Producer.send() leaves a silent broker again that a lagging one still lists": async () => {
    await using test = setup();
    const { cluster, client } = test;
    const producer = await producerOf(test);
    const before = await new Promise<ResponseTo<typeof metadata>>((resolve) => {
      cluster.once(metadata, async (_, { usual }) => {
        const answer = await usual();
        resolve(answer as ResponseTo<typeof metadata>);
        return answer;
      });
      client.admin().describeTopic("a");
    });
    test.fail();
    let left = 1;
    cluster.on(metadata, async ({ topics }, { usual }) => {
      return topics?.length === 0 || left-- <= 0 ? await usual() : before;
    });
    assertEquals(await send(producer, "1"), 1);
  },

  "Client leaves a silent broker at an address that only the options name": async () => {
    await using test = setup();
    const { cluster, client } = test;
    await client.discoverController();
    assertEquals(cluster.received(metadata).map(({ nodeId }) => nodeId), [0]);
    // The cluster lists it still, under its own name.
    cluster.silent.add(0);
    const topic = client.admin().describeTopic("a");
    assertEquals((await within(topic, "another broker", LIMIT_MS)).partitions.length, 2);
  },

  "Admin asks another broker when the controller is silent and unlisted": async () => {
    await using test = setup();
    const { cluster, client } = test;
    const admin = client.admin();
    await admin.createTopic({ name: "b" });
    test.fail();
    cluster.controllerId = 1;
    await within(admin.createTopic({ name: "c" }), "the new controller", LIMIT_MS);
    assertEquals(cluster.topics.has("c"), true);
  },

  "Producer.send() waits for a broker that is silent, while the cluster lists it": async () => {
    await using test = setup();
    const { cluster } = test;
    const producer = await producerOf(test);
    const asked = cluster.received(metadata).length;
    cluster.once(produce, async (_, { usual }) => {
      // Until the client has asked the other broker twice.
      await cluster.untilReceived(metadata, asked + 2);
      return await usual();
    });
    assertEquals(await send(producer, "1"), 1);
    assertEquals(cluster.received(produce).map(({ nodeId }) => nodeId), [0, 0]);
    assertGreater(cluster.received(metadata).filter(({ nodeId }) => nodeId === 1).length, 0);
  },
};

Deno.test("Client leaves a broker that is silent", (t) => concurrentSteps(t, CASES));
