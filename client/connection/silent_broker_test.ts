import { assertEquals, assertGreater } from "@std/assert";
import { fetch, metadata, produce } from "../../protocol/messages/mod.ts";
import { within } from "../../tests/support/within.ts";
import { Client } from "../client.ts";
import { texts, write } from "../testing/client_setup.ts";
import { FakeCluster } from "../testing/fake_cluster.ts";

/** Two brokers, and a client that would wait for a response for 30 s. */
function setup() {
  const cluster = new FakeCluster({ brokers: 2, topics: { a: 2 } });
  const client = new Client({ broker: cluster });
  return {
    cluster,
    client,
    /** Broker 0 takes requests and does nothing, and broker 1 gets its partition. */
    fail: () => {
      cluster.silent.add(0);
      cluster.unlisted.add(0);
      cluster.moveLeader("a", 0, 1);
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      cluster.silent.clear();
      await cluster.idle();
    },
  };
}

const LIMIT_MS = 20_000;

Deno.test("Producer.send() goes to the new leader when the old one is silent and unlisted", async () => {
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
});

Deno.test("Consumer reads from the new leader when the old one is silent and unlisted", async () => {
  await using test = setup();
  const { cluster, client } = test;
  write(cluster, "a", 0, ["0"]);
  await using consumer = client.consumer();
  await consumer.subscribe("a");
  assertEquals(texts(await consumer.poll(1)), ["0"]);
  test.fail();
  write(cluster, "a", 0, ["1"]);
  const reading = (async () => {
    for (;;) {
      const messages = await consumer.poll(1);
      if (messages.length > 0) return texts(messages);
    }
  })();
  assertEquals(await within(reading, "the new leader", LIMIT_MS), ["1"]);
  assertEquals(cluster.received(fetch).at(-1)!.nodeId, 1);
});

Deno.test("Admin asks another broker when the controller is silent and unlisted", async () => {
  await using test = setup();
  const { cluster, client } = test;
  const admin = client.admin();
  await admin.createTopic({ name: "b" });
  test.fail();
  cluster.controllerId = 1;
  await within(admin.createTopic({ name: "c" }), "the new controller", LIMIT_MS);
  assertEquals(cluster.topics.has("c"), true);
});

Deno.test("Producer.send() waits for a broker that is silent, while the cluster lists it", async () => {
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
});
