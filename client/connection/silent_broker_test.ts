import { assertEquals, assertGreater } from "@std/assert";
import { fetch, metadata, produce } from "../../protocol/messages/mod.ts";
import type { ResponseTo } from "../../protocol/schema/schema.ts";
import { concurrentSteps, type Step } from "../../tests/support/concurrent_steps.ts";
import { within } from "../../tests/support/within.ts";
import { Client } from "../client.ts";
import type { Consumer } from "../consumer/consumer.ts";
import { texts, write } from "../testing/client_setup.ts";
import { DISCONNECT, FakeCluster } from "../testing/fake_cluster.ts";

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

const LIMIT_MS = 20_000;

/** The next values, as often as it takes. */
async function next(consumer: Consumer): Promise<string[]> {
  for (;;) {
    const messages = await consumer.poll(1);
    if (messages.length > 0) return texts(messages);
  }
}

/** What a client does about it. Each waits for a broker to be silent long enough. */
const CASES: Readonly<Record<string, Step>> = {
  "Producer.send() goes to the new leader when the old one is silent and unlisted": async () => {
    await using test = setup();
    const { cluster, client } = test;
    const producer = client.producer();
    await producer.send({ topic: "a", partition: 0, value: "0" });
    test.fail();
    const values = ["1", "2"];
    const sending = values.map((value) => producer.send({ topic: "a", partition: 0, value }));
    const sent = await within(Promise.all(sending), "the new leader", LIMIT_MS);
    assertEquals(sent.map(({ offset }) => offset), [1, 2]);
    assertEquals(cluster.received(produce).map(({ nodeId }) => nodeId).at(-1), 1);
  },

  "Consumer reads from the new leader when the old one is silent and unlisted": async () => {
    await using test = setup();
    const { cluster, client } = test;
    write(cluster, "a", 0, ["0"]);
    await using consumer = client.consumer();
    await consumer.subscribe("a");
    assertEquals(texts(await consumer.poll(1)), ["0"]);
    test.fail();
    write(cluster, "a", 0, ["1"]);
    assertEquals(await within(next(consumer), "the new leader", LIMIT_MS), ["1"]);
    assertEquals(cluster.received(fetch).at(-1)!.nodeId, 1);
  },

  "Producer.send() does not return to a silent broker while the new leader is unknown":
    async () => {
      await using test = setup();
      const producer = test.client.producer();
      await producer.send({ topic: "a", partition: 0, value: "0" });
      test.fail();
      test.loseMetadata();
      const sending = producer.send({ topic: "a", partition: 0, value: "1" });
      assertEquals((await within(sending, "the new leader", LIMIT_MS)).offset, 1);
    },

  "Consumer does not return to a silent broker while the new leader is unknown": async () => {
    await using test = setup();
    const { cluster, client } = test;
    write(cluster, "a", 0, ["0"]);
    await using consumer = client.consumer();
    await consumer.subscribe("a");
    assertEquals(texts(await consumer.poll(1)), ["0"]);
    test.fail();
    test.loseMetadata();
    write(cluster, "a", 0, ["1"]);
    assertEquals(await within(next(consumer), "the new leader", LIMIT_MS), ["1"]);
  },

  "Producer.send() leaves a silent broker again that a lagging one still lists": async () => {
    await using test = setup();
    const { cluster, client } = test;
    const producer = client.producer();
    await producer.send({ topic: "a", partition: 0, value: "0" });
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
    const sending = producer.send({ topic: "a", partition: 0, value: "1" });
    assertEquals((await within(sending, "the new leader", LIMIT_MS)).offset, 1);
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
    const { cluster, client } = test;
    const producer = client.producer();
    await producer.send({ topic: "a", partition: 0, value: "0" });
    const asked = cluster.received(metadata).length;
    cluster.once(produce, async (_, { usual }) => {
      // Until the client has asked the other broker twice.
      await cluster.untilReceived(metadata, asked + 2);
      return await usual();
    });
    const { offset } = await producer.send({ topic: "a", partition: 0, value: "1" });
    assertEquals(offset, 1);
    assertEquals(cluster.received(produce).map(({ nodeId }) => nodeId), [0, 0]);
    assertGreater(cluster.received(metadata).filter(({ nodeId }) => nodeId === 1).length, 0);
  },
};

Deno.test("Client leaves a broker that is silent", (t) => concurrentSteps(t, CASES));
