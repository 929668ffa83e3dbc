/**
 * Tests of group members that change their topics while they read, in both protocols.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { Broker } from "../../broker/mod.ts";
import {
  Client,
  type GroupConsumer,
  type GroupConsumerOptions,
  KafkaError,
} from "../../client/mod.ts";
import { within } from "../support/within.ts";

const PROTOCOLS: Record<string, Partial<GroupConsumerOptions>> = {
  "classic": { protocol: "classic" },
  "classic, cooperative": { protocol: "classic", assignors: ["cooperative-sticky"] },
  "KIP-848": { protocol: "consumer" },
};

/** A broker with topics `a`, `b` and `c` of two partitions each, and a client. */
async function setup() {
  const broker = await Broker.start({
    storage: "memory",
    config: {
      "group.initial.rebalance.delay.ms": 0,
      "group.consumer.min.heartbeat.interval.ms": 10,
      "group.consumer.heartbeat.interval.ms": 20,
    },
  });
  const client = new Client({ broker });
  const admin = client.admin();
  for (const name of ["a", "b", "c"]) await admin.createTopic({ name, partitions: 2 });
  return {
    client,
    member: (options: Partial<GroupConsumerOptions>) =>
      client.groupConsumer({
        groupId: "g",
        topics: "a",
        heartbeatIntervalMs: 10,
        onStatus() {},
        ...options,
      }),
    send: (topic: string, value: string, partition = 0) =>
      client.producer().send({ topic, partition, value }),
    async [Symbol.asyncDispose]() {
      await client.close();
      await broker.close();
    },
  };
}

async function read(consumer: GroupConsumer, count: number): Promise<string[]> {
  const values: string[] = [];
  while (values.length < count) {
    const messages = await consumer.poll(count - values.length, { timeoutMs: 60_000 });
    values.push(...messages.map((message) => message.text()));
  }
  return values.sort();
}

/** Polls until members have the expected partitions. */
async function until(condition: () => boolean, ...members: GroupConsumer[]): Promise<void> {
  await within(
    (async () => {
      while (!condition()) {
        await Promise.all(members.map((member) => member.poll(1, { timeoutMs: 20 })));
      }
    })(),
    "the members to hold their partitions",
  );
}

function topicsOf(...members: GroupConsumer[]): string[] {
  return members.flatMap(({ assignment }) => assignment)
    .map(({ topic, partition }) => `${topic}-${partition}`).sort();
}

Deno.test("GroupConsumer.addTopics() and removeTopics() change what a member reads", async (t) => {
  for (const [name, options] of Object.entries(PROTOCOLS)) {
    await t.step(name, async () => {
      await using test = await setup();
      await using consumer = test.member(options);
      await test.send("a", "a1");
      assertEquals(await read(consumer, 1), ["a1"]);

      await consumer.addTopics(["b", "a"]);
      assertEquals(consumer.topics, ["a", "b"]);
      await test.send("b", "b1");
      await test.send("a", "a2");
      assertEquals(await read(consumer, 2), ["a2", "b1"]);
      assertEquals(topicsOf(consumer), ["a-0", "a-1", "b-0", "b-1"]);

      await test.send("a", "a3");
      await consumer.removeTopics("a");
      assertEquals(consumer.topics, ["b"]);
      await test.send("a", "a4");
      await test.send("b", "b2");
      assertEquals(await read(consumer, 1), ["b2"]);
      await until(() => topicsOf(consumer).join() === "b-0,b-1", consumer);

      // Messages that were not handed out are read when the topic is added again.
      await consumer.addTopics("a");
      assertEquals(await read(consumer, 2), ["a3", "a4"]);
    });
  }
});

Deno.test("GroupConsumer.addTopics() divides the new partitions among all members", async (t) => {
  for (const [name, options] of Object.entries(PROTOCOLS)) {
    await t.step(name, async () => {
      await using test = await setup();
      await using one = test.member(options);
      await using two = test.member(options);
      await Promise.all([one.joinGroup(), two.joinGroup()]);
      await Promise.all([one.addTopics("c"), two.addTopics("c")]);
      const all = ["a-0", "a-1", "c-0", "c-1"];
      const isShared = () =>
        topicsOf(one, two).join() === all.join() && one.assignment.length === 2;
      await until(isShared, one, two);
      await two.removeTopics("c");
      const isMoved = () =>
        topicsOf(one, two).join() === all.join() && !topicsOf(two).some((of) => of.startsWith("c"));
      await until(isMoved, one, two);
    });
  }
});

Deno.test("GroupConsumer.addTopics() may be called within the loop, and before joining", async (t) => {
  for (const [name, options] of Object.entries(PROTOCOLS)) {
    await t.step(name, async () => {
      await using test = await setup();
      await using consumer = test.member(options);
      await consumer.addTopics("b");
      for (const topic of ["a", "b", "c"]) await test.send(topic, topic);
      const seen = new Set<string>();
      for await (const message of consumer) {
        if (seen.size === 0) await consumer.addTopics("c");
        seen.add(message.text());
        if (seen.size === 3) break;
      }
      assertEquals([...seen].sort(), ["a", "b", "c"]);
    });
  }
});

Deno.test("GroupConsumer.addTopics() and removeTopics() refuse invalid topics", async () => {
  await using test = await setup();
  await using consumer = test.member({});
  await consumer.joinGroup();
  const error = await assertRejects(() => consumer.addTopics(["b", "none"]), KafkaError);
  assertEquals(error.code, "UNKNOWN_TOPIC_OR_PARTITION");
  assertEquals(consumer.topics, ["a"]);
  await assertRejects(() => consumer.removeTopics("a"), Error, "needs at least one");
  await assertRejects(() => consumer.addTopics(""), Error, "Cannot use topics");
  assertEquals(topicsOf(consumer), ["a-0", "a-1"]);
});

Deno.test("GroupConsumer.commit() of a message commits its partition up to and including it", async () => {
  await using test = await setup();
  await using consumer = test.member({ autoCommit: false });
  for (const value of ["0", "1", "2"]) await test.send("a", value);
  await test.send("a", "other", 1);
  const messages = await consumer.poll(10, { timeoutMs: 60_000 });
  while (messages.length < 4) messages.push(...await consumer.poll(10, { timeoutMs: 60_000 }));
  const second = messages.find((message) => message.text() === "1")!;
  await consumer.commit(second);
  assertEquals((await consumer.fetchCommittedOffset("a", 0))?.offset, 2);
  assertEquals(await consumer.fetchCommittedOffset("a", 1), undefined);
  await consumer.commit(second, { timeoutMs: 5000 });
  await consumer.commit({ timeoutMs: 5000 });
  assertEquals((await consumer.fetchCommittedOffset("a", 0))?.offset, 3);
  assertEquals((await consumer.fetchCommittedOffset("a", 1))?.offset, 1);
});

Deno.test("GroupConsumer and Consumer have aliases that other clients use", async () => {
  await using test = await setup();
  await using consumer = test.member({});
  await consumer.join();
  assertEquals(consumer.getAssignment(), consumer.assignment);
  assertEquals(consumer.getAssignment().length, 2);
  await consumer.leave();
  assertStrictEquals(consumer.status.state, "left");
  assert((await consumer.join(), consumer.getAssignment().length === 2));
  const alone = test.client.consumer();
  await alone.subscribe("b");
  assertEquals(alone.getAssignment(), [{ topic: "b", partition: 0 }, { topic: "b", partition: 1 }]);
});
