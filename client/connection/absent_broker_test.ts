import { assert, assertEquals, assertRejects } from "@std/assert";
import { fetch, metadata, produce } from "../../protocol/messages/mod.ts";
import { Client } from "../client.ts";
import type { ConsumerStatus } from "../consumer/consumer_status.ts";
import { TimeoutError } from "../errors.ts";
import type { GroupConsumerStatus } from "../group/group_consumer_options.ts";
import { pollAll, QUICK_RETRIES, setup, texts, write } from "../testing/client_setup.ts";
import { FakeClassicGroup } from "../testing/fake_classic_group.ts";
import { DISCONNECT, FakeCluster } from "../testing/fake_cluster.ts";

/** Makes time pass a thousand times as fast: the default 30 s take 30 ms. */
class FastTime implements Disposable {
  readonly #setTimeout = globalThis.setTimeout;
  readonly #now = performance.now;

  constructor() {
    const setTimeout = this.#setTimeout;
    const now = this.#now.bind(performance);
    globalThis.setTimeout =
      ((callback: () => void, ms = 0) =>
        setTimeout(callback, ms / 1000)) as typeof globalThis.setTimeout;
    performance.now = () => now() * 1000;
  }

  [Symbol.dispose](): void {
    globalThis.setTimeout = this.#setTimeout;
    performance.now = this.#now;
  }
}

/** A cluster that is down, and a client with the default timeout. */
function absent(options: { readonly timeoutMs?: number } = {}) {
  const cluster = new FakeCluster({ topics: { a: 1 } });
  write(cluster, "a", 0, ["0"]);
  cluster.down.add(0);
  const client = new Client({ broker: cluster, ...options });
  return {
    cluster,
    client,
    async [Symbol.asyncDispose]() {
      await client.close();
      await cluster.idle();
    },
  };
}

/**
 * Records statuses. `failed` resolves after `count` errors, `recovered` with the first status
 * without an error after that.
 */
function listener<Status extends ConsumerStatus | GroupConsumerStatus>(count: number) {
  const { promise: failed, resolve } = Promise.withResolvers<void>();
  const { promise: recovered, resolve: recover } = Promise.withResolvers<void>();
  const reported: Status[] = [];
  let errors = 0;
  const onStatus = (status: Status) => {
    reported.push(status);
    if (status.error !== undefined && ++errors === count) resolve();
    if (status.error === undefined && errors >= count) recover();
  };
  return { failed, recovered, reported, onStatus };
}

/** A number of failures that takes longer than 30 s with the default back-off of at most 1 s. */
const MANY = 60;

Deno.test("Consumer.subscribe() waits for an unreachable broker longer than any default, and reports it", async () => {
  using _fast = new FastTime();
  await using test = absent();
  const { failed, recovered, reported, onStatus } = listener<ConsumerStatus>(MANY);
  const consumer = test.client.consumer({ onStatus });
  const subscribed = consumer.subscribe("a");
  await failed;
  assertEquals(consumer.status.state, "retrying");
  assertEquals(consumer.status.waitingFor, "a reachable broker");
  assert(reported.at(-1)!.error!.message.includes("Connection refused"));
  test.cluster.down.clear();
  await subscribed;
  assertEquals(texts(await consumer.poll(1, { timeoutMs: Infinity })), ["0"]);
  await recovered;
  assertEquals([consumer.status.state, consumer.status.error], ["reading", undefined]);
});

Deno.test("Consumer continues after an outage longer than any default", async () => {
  using _fast = new FastTime();
  await using test = absent();
  test.cluster.down.clear();
  const { failed, recovered, onStatus } = listener<ConsumerStatus>(MANY);
  const consumer = test.client.consumer({ onStatus });
  await consumer.subscribe("a");
  assertEquals(texts(await consumer.poll(1, { timeoutMs: Infinity })), ["0"]);
  test.cluster.down.add(0);
  test.cluster.disconnect();
  await failed;
  assertEquals(consumer.status.state, "retrying");
  test.cluster.down.clear();
  write(test.cluster, "a", 0, ["1"]);
  assertEquals(texts(await consumer.poll(1, { timeoutMs: Infinity })), ["1"]);
  await recovered;
  assertEquals(consumer.status.state, "reading");
});

Deno.test("GroupConsumer waits for an unreachable broker longer than any default, and reports it", async () => {
  using _fast = new FastTime();
  await using test = absent();
  new FakeClassicGroup(test.cluster);
  const { failed, reported, onStatus } = listener<GroupConsumerStatus>(MANY);
  const options = { groupId: "g", topics: "a", onStatus };
  await using consumer = test.client.groupConsumer(options);
  const joined = consumer.joinGroup();
  await failed;
  assertEquals(consumer.status.state, "retrying");
  assert(reported.at(-1)!.error!.message.includes("Connection refused"));
  test.cluster.down.clear();
  await joined;
  assertEquals(texts(await consumer.poll(1, { timeoutMs: Infinity })), ["0"]);
});

Deno.test("Consumer waits no longer than its signal or an explicit limit", async (t) => {
  await t.step("the client's timeout", async () => {
    await using test = absent({ timeoutMs: 20 });
    const consumer = test.client.consumer({ onStatus() {} });
    await assertRejects(() => consumer.subscribe("a"), TimeoutError, "within 20 ms");
    assertEquals(consumer.status.state, "idle");
    await using member = test.client.groupConsumer({ groupId: "g", topics: "a", onStatus() {} });
    await assertRejects(() => member.joinGroup(), TimeoutError, "within 20 ms");
  });
  await t.step("the call's timeout", async () => {
    await using test = absent();
    const consumer = test.client.consumer({ onStatus() {} });
    const limit = { timeoutMs: 20 };
    await assertRejects(() => consumer.subscribe("a", limit), TimeoutError, "within 20 ms");
    await using member = test.client.groupConsumer({ groupId: "g", topics: "a", onStatus() {} });
    await assertRejects(() => member.joinGroup(limit), TimeoutError, "within 20 ms");
  });
  await t.step("a signal", async () => {
    await using test = absent();
    const stop = new AbortController();
    const consumer = test.client.consumer({ onStatus: () => stop.abort(new Error("enough")) });
    await assertRejects(() => consumer.subscribe("a", { signal: stop.signal }), Error, "enough");
  });
});

Deno.test("GroupConsumer reports that a leader is unreachable, and that it is back", async () => {
  await using test = setup({ brokers: 2, topics: { a: 1 } });
  new FakeClassicGroup(test.cluster);
  test.cluster.moveLeader("a", 0, 1);
  const { failed, recovered, reported, onStatus } = listener<GroupConsumerStatus>(1);
  const options = { groupId: "g", topics: "a", onStatus };
  await using consumer = test.client.groupConsumer(options);
  await consumer.joinGroup();
  test.cluster.down.add(1);
  test.cluster.disconnect(1);
  await failed;
  const failing = reported.find(({ error }) => error !== undefined)!;
  assertEquals([failing.state, failing.waitingFor], ["reading", 'the leader of "a-0"']);
  test.cluster.down.clear();
  write(test.cluster, "a", 0, ["0"]);
  while ((await consumer.poll(1)).length === 0);
  await recovered;
  assertEquals(reported.at(-1)!.error, undefined);
});

Deno.test("Consumer without onStatus warns once on the console of a long outage", async () => {
  using _fast = new FastTime();
  await using test = absent();
  const { promise: warned, resolve } = Promise.withResolvers<void>();
  const warnings: string[] = [];
  const { warn } = console;
  console.warn = (text: string) => {
    warnings.push(text);
    resolve();
  };
  try {
    const consumer = test.client.consumer();
    const subscribed = consumer.subscribe("a");
    await warned;
    test.cluster.down.clear();
    await subscribed;
  } finally {
    console.warn = warn;
  }
  assertEquals(warnings.length, 1);
  assert(warnings[0]!.startsWith("Warning: Consumer waits for a reachable broker: "));
});

Deno.test("Producer.send() waits the full deliveryTimeoutMs for a topic's metadata, even beyond the client's timeout", async () => {
  await using test = setup({ topics: { a: 1 } }, { timeoutMs: 5 });
  // With waits of 1 to 5 ms, as many failures take longer than the client's timeout.
  for (let i = 0; i < 30; i++) test.cluster.once(metadata, () => DISCONNECT);
  const producer = test.client.producer({ deliveryTimeoutMs: 60_000 });
  const { offset } = await producer.send({ topic: "a", value: "1" });
  assertEquals(offset, 0);
  assertEquals(test.cluster.received(produce).length, 1);
});

Deno.test("Producer.send() names the failure that kept it from sending", async () => {
  await using test = setup();
  test.cluster.down.add(0);
  const producer = test.client.producer({ deliveryTimeoutMs: 30 });
  const error = await assertRejects(
    () => producer.send({ topic: "a", value: "1" }),
    TimeoutError,
    'Cannot send message to "a" within 30 ms: its partitions are not known yet: Cannot ',
  );
  assert(error.message.includes("Connection refused"), error.message);
  // The topic is no longer requested once no message waits for it; a new message requests it again.
  test.cluster.down.clear();
  const again = test.client.producer();
  assertEquals((await again.send({ topic: "a", value: "2" })).offset, 0);
});

Deno.test("Consumer continues after describing a topic failed for a while", async () => {
  await using test = setup({ topics: { a: 1 } }, { timeoutMs: 5000, metadataMaxAgeMs: 0 });
  write(test.cluster, "a", 0, ["0"]);
  const consumer = test.client.consumer({ maxWaitMs: 1, onStatus() {} });
  await consumer.subscribe("a");
  for (let i = 0; i < 5; i++) test.cluster.once(metadata, () => DISCONNECT);
  for (let i = 0; i < 3; i++) test.cluster.once(fetch, () => DISCONNECT);
  assertEquals(texts(await pollAll(consumer, 1)), ["0"]);
  await test.cluster.untilReceived(fetch, test.cluster.received(fetch).length + 10);
  assertEquals(QUICK_RETRIES.maxBackoffMs, 4);
  while (consumer.status.state !== "reading") {
    await test.cluster.untilReceived(fetch, test.cluster.received(fetch).length + 1);
  }
});
