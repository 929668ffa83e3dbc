import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { ErrorCode } from "../protocol/errors.ts";
import { fetch, listOffsets, metadata } from "../protocol/messages/mod.ts";
import { RecordBatch } from "../protocol/records/record_batch.ts";
import { RecordBatchBuilder } from "../protocol/records/record_batch_builder.ts";
import { Client } from "./client.ts";
import type { Consumer } from "./consumer.ts";
import { ClosedError, KafkaError, ProtocolError, TimeoutError, UsageError } from "./errors.ts";
import type { Message } from "./message.ts";
import { seededRandom } from "./testing/seeded_random.ts";
import { DISCONNECT, FakeCluster, type FakeClusterOptions } from "./testing/fake_cluster.ts";

const QUICK = { initialBackoff: 1, maxBackoff: 4 };

interface Setup extends AsyncDisposable {
  readonly cluster: FakeCluster;
  readonly client: Client;
}

function setup(options: FakeClusterOptions = { topics: { a: 1 } }): Setup {
  const cluster = new FakeCluster(options);
  const client = new Client({ broker: cluster, timeout: 5000, retry: QUICK });
  return {
    cluster,
    client,
    async [Symbol.asyncDispose]() {
      await client.close();
      await cluster.idle();
    },
  };
}

/** Appends one batch with the values. */
function write(
  cluster: FakeCluster,
  topic: string,
  partition: number,
  values: readonly string[],
  timestamp = 1,
): void {
  const builder = new RecordBatchBuilder();
  for (const value of values) builder.append(timestamp, null, value);
  cluster.log(topic, partition).append(builder.build());
}

/** The bytes of a batch written in a transaction. */
function transactional(producerId: number, values: readonly string[]): RecordBatch {
  const builder = new RecordBatchBuilder({
    producerId,
    producerEpoch: 0,
    baseSequence: 0,
    isTransactional: true,
  });
  for (const value of values) builder.append(1, null, value);
  return new RecordBatch(builder.build());
}

/** The control batch that ends a transaction. */
function marker(producerId: number, type: "commit" | "abort"): RecordBatch {
  const builder = new RecordBatchBuilder({
    producerId,
    producerEpoch: 0,
    isTransactional: true,
    isControl: true,
  });
  builder.append(1, Uint8Array.of(0, 0, 0, type === "commit" ? 1 : 0), new Uint8Array(6));
  return new RecordBatch(builder.build());
}

function texts(messages: readonly Message[]): string[] {
  return messages.map((message) => message.text());
}

/** Polls until so many messages have come. */
async function pollAll(consumer: Consumer, count: number): Promise<Message[]> {
  const messages: Message[] = [];
  while (messages.length < count) {
    messages.push(...await consumer.poll(count - messages.length, { timeout: 5000 }));
  }
  return messages;
}

Deno.test("Consumer.poll() returns messages with all they hold", async () => {
  await using test = setup();
  const producer = test.client.producer();
  const headers = { trace: ["a", "b"], empty: null };
  await producer.send({ topic: "a", key: "k", value: '{"n":1}', headers, timestamp: 77 });
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  const [message] = await consumer.poll();
  assertEquals(
    [message!.topic, message!.partition, message!.offset, message!.timestamp],
    ["a", 0, 0, 77],
  );
  assertEquals(message!.timestampType, "CreateTime");
  assertEquals(message!.leaderEpoch, 0);
  assertEquals(message!.keyText(), "k");
  assertEquals(message!.text(), '{"n":1}');
  assertEquals(message!.json<{ n: number }>().n, 1);
  assertEquals(message!.headers.text("trace"), "b");
  assertEquals(message!.headers.getAll("trace").length, 2);
  assertEquals(message!.headers.get("empty"), null);
  assertEquals(message!.headers.get("other"), undefined);
  assertEquals(consumer.position("a", 0), 1);
  assertEquals(consumer.highWatermark("a", 0), 1);
});

Deno.test("Consumer.poll() returns at most as many messages as asked for, in order", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["0", "1", "2"]);
  write(test.cluster, "a", 0, ["3", "4"]);
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  assertEquals(texts(await pollAll(consumer, 2)), ["0", "1"]);
  assertEquals(consumer.position("a", 0), 2);
  assertEquals(texts(await pollAll(consumer, 3)), ["2", "3", "4"]);
});

Deno.test("Consumer.poll() returns nothing when nothing comes in time", async () => {
  await using test = setup();
  const consumer = test.client.consumer({ maxWait: 5 });
  await consumer.subscribe("a");
  assertEquals(await consumer.poll(10, { timeout: 20 }), []);
  assertEquals(await consumer.poll(10, { timeout: 0 }), []);
});

Deno.test("Consumer.poll() wakes up when messages come", async () => {
  await using test = setup();
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  const polled = consumer.poll(10, { timeout: 5000 });
  await test.client.discoverController();
  write(test.cluster, "a", 0, ["late"]);
  assertEquals(texts(await polled), ["late"]);
});

Deno.test("Consumer.poll() can be given up", async () => {
  await using test = setup();
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  const controller = new AbortController();
  const polled = consumer.poll(1, { timeout: 5000, signal: controller.signal });
  const reason = new Error("enough");
  controller.abort(reason);
  assertEquals(await assertRejects(() => polled), reason);
  assertEquals(await assertRejects(() => consumer.poll(1, { signal: controller.signal })), reason);
});

Deno.test("Consumer.poll() goes round all partitions of all topics", async () => {
  await using test = setup({ brokers: 2, topics: { a: 2, b: 2 } });
  for (const topic of ["a", "b"]) {
    for (const partition of [0, 1]) {
      write(test.cluster, topic, partition, Array.from({ length: 100 }, (_, i) => `${i}`));
    }
  }
  const consumer = test.client.consumer();
  await consumer.subscribe(["a", "b"]);
  const seen = new Map<string, number[]>();
  for (const message of await pollAll(consumer, 400)) {
    const key = `${message.topic}-${message.partition}`;
    seen.set(key, [...seen.get(key) ?? [], message.offset]);
  }
  for (const offsets of seen.values()) assertEquals(offsets, offsets.map((_, i) => i));
  assertEquals(seen.size, 4);
});

Deno.test("Consumer.poll() gives each partition its share", async () => {
  await using test = setup({ topics: { a: 3 } });
  for (const partition of [0, 1, 2]) {
    write(test.cluster, "a", partition, Array.from({ length: 1000 }, (_, i) => `${i}`));
  }
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  await pollAll(consumer, 3);
  const counts = [0, 0, 0];
  for (const { partition } of await consumer.poll(30)) counts[partition]!++;
  assertEquals(counts, [10, 10, 10]);
  for (let i = 0; i < 3; i++) {
    for (const { partition } of await consumer.poll(1)) counts[partition]!++;
  }
  assertEquals(counts, [11, 11, 11]);
});

Deno.test("Consumer.subscribe() replaces the subscription and keeps positions of what stays", async () => {
  await using test = setup({ topics: { a: 1, b: 1, c: 1 } });
  for (const topic of ["a", "b", "c"]) write(test.cluster, topic, 0, ["0", "1", "2"]);
  const consumer = test.client.consumer();
  await consumer.subscribe(["a", "b"]);
  await consumer.seek("b", 0, 2);
  await consumer.subscribe(["b", "c"]);
  assertEquals(consumer.topics, ["b", "c"]);
  assertEquals(consumer.assignment, [{ topic: "b", partition: 0 }, { topic: "c", partition: 0 }]);
  assertEquals(consumer.position("b", 0), 2);
  assertEquals(consumer.position("a", 0), undefined);
  await consumer.addTopics("a");
  assertEquals(consumer.topics, ["b", "c", "a"]);
  assertEquals(consumer.position("b", 0), 2);
  await consumer.removeTopics(["b", "c"]);
  assertEquals(texts(await pollAll(consumer, 3)), ["0", "1", "2"]);
});

Deno.test("Consumer.subscribe() to a topic that does not exist changes nothing", async () => {
  await using test = setup();
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  const error = await assertRejects(() => consumer.subscribe(["a", "missing"]), KafkaError);
  assertEquals(error.code, "UNKNOWN_TOPIC_OR_PARTITION");
  assertEquals(consumer.topics, ["a"]);
  assert(test.cluster.received(metadata).every(({ body }) => !body.allowAutoTopicCreation));
});

Deno.test("Consumer.subscribe() fixes positions, so that nothing written later is missed", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["before"]);
  const consumer = test.client.consumer({ autoOffsetReset: "latest" });
  await consumer.subscribe("a");
  write(test.cluster, "a", 0, ["after"]);
  assertEquals(texts(await pollAll(consumer, 1)), ["after"]);
});

Deno.test("Consumer.subscribe() starts where it is told", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["old"], 100);
  write(test.cluster, "a", 0, ["new"], 200);
  const consumer = test.client.consumer();
  await consumer.subscribe("a", { from: { timestamp: 150 } });
  assertEquals(texts(await pollAll(consumer, 1)), ["new"]);
  await consumer.subscribe([]);
  await consumer.subscribe("a", { from: { timestamp: 300 } });
  assertEquals(consumer.position("a", 0), 2);
});

Deno.test("Consumer without a subscription cannot be polled", async () => {
  await using test = setup();
  const consumer = test.client.consumer();
  await assertRejects(() => consumer.poll(), UsageError, "subscribed to no topic");
  // A subscription that is being made is waited for.
  const subscribed = consumer.subscribe("a");
  write(test.cluster, "a", 0, ["0"]);
  assertEquals(texts(await consumer.poll()), ["0"]);
  await subscribed;
});

Deno.test("Consumer.seek() goes to an offset, an end or a time", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["0", "1"], 100);
  write(test.cluster, "a", 0, ["2", "3"], 200);
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  assertEquals(await consumer.seek("a", 0, 1), 1);
  assertEquals(texts(await consumer.poll()), ["1", "2", "3"]);
  assertEquals(await consumer.seek("a", 0, "earliest"), 0);
  assertEquals(texts(await consumer.poll(1)), ["0"]);
  assertEquals(await consumer.seek("a", 0, { timestamp: 150 }), 2);
  assertEquals(texts(await consumer.poll()), ["2", "3"]);
  assertEquals(await consumer.seek("a", 0, { timestamp: 999 }), 4);
  assertEquals(await consumer.seek("a", 0, "latest"), 4);
});

Deno.test("Consumer.seek() checks topic, partition and offset", async () => {
  await using test = setup({ topics: { a: 1, b: 1 } });
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  await assertRejects(() => consumer.seek("b", 0, 0), UsageError, "not subscribed");
  const error = await assertRejects(() => consumer.seek("a", 1, 0), KafkaError);
  assertEquals(
    error.message,
    'Cannot seek in "a-1": topic "a" has 1 partitions, none is number 1 ' +
      "(UNKNOWN_TOPIC_OR_PARTITION)",
  );
  await assertRejects(() => consumer.seek("a", 0, -1), UsageError, "offset is -1");
  await assertRejects(
    () => consumer.seek("a", 0, { timestamp: -5 }),
    UsageError,
    'Cannot look up offset at {"timestamp":-5}',
  );
});

Deno.test("Consumer.seek() takes effect while a fetch waits at the broker", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["0", "1"]);
  const consumer = test.client.consumer({ maxWait: 60_000 });
  await consumer.subscribe("a");
  await pollAll(consumer, 2);
  const polled = consumer.poll(1, { timeout: 5000 });
  await consumer.seek("a", 0, 1);
  assertEquals(texts(await polled), ["1"]);
});

Deno.test("Consumer.pause() holds a partition back until resume()", async () => {
  await using test = setup({ topics: { a: 2 } });
  write(test.cluster, "a", 0, ["0"]);
  write(test.cluster, "a", 1, ["1"]);
  const consumer = test.client.consumer({ maxWait: 5 });
  await consumer.subscribe("a");
  consumer.pause("a", 0);
  assertEquals(consumer.paused, [{ topic: "a", partition: 0 }]);
  assertEquals(texts(await pollAll(consumer, 1)), ["1"]);
  assertEquals(await consumer.poll(1, { timeout: 10 }), []);
  consumer.resume("a");
  assertEquals(consumer.paused, []);
  assertEquals(texts(await pollAll(consumer, 1)), ["0"]);
  assertThrows(() => consumer.pause("b"), UsageError, 'Cannot pause "b"');
  assertThrows(() => consumer.resume("a", 7), UsageError, 'Cannot resume "a-7"');
});

Deno.test("Consumer goes on at the start when its offset is not there any more", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["0"]);
  write(test.cluster, "a", 0, ["1"]);
  test.cluster.log("a").logStartOffset = 1;
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  await consumer.seek("a", 0, 0);
  assertEquals(texts(await pollAll(consumer, 1)), ["1"]);
});

Deno.test("Consumer with autoOffsetReset none fails without a position and out of range", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["0"]);
  const consumer = test.client.consumer({ autoOffsetReset: "none" });
  await consumer.subscribe("a");
  await assertRejects(() => consumer.poll(), UsageError, 'Cannot read "a-0": it has no position');
  await consumer.seek("a", 0, 5);
  const error = await assertRejects(() => consumer.poll(), KafkaError);
  assertEquals(error.code, "OFFSET_OUT_OF_RANGE");
  assertEquals(
    error.message,
    'Cannot fetch from "a-0" at offset 5: OFFSET_OUT_OF_RANGE',
  );
  await consumer.seek("a", 0, 0);
  assertEquals(texts(await pollAll(consumer, 1)), ["0"]);
});

Deno.test("Consumer reads on after a lost connection", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["0"]);
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  test.cluster.once(fetch, () => DISCONNECT);
  assertEquals(texts(await pollAll(consumer, 1)), ["0"]);
  test.cluster.disconnect();
  write(test.cluster, "a", 0, ["1"]);
  assertEquals(texts(await pollAll(consumer, 1)), ["1"]);
});

Deno.test("Consumer follows the leader of a partition", async () => {
  await using test = setup({ brokers: 2, topics: { a: 1 } });
  write(test.cluster, "a", 0, ["0"]);
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  await pollAll(consumer, 1);
  test.cluster.moveLeader("a", 0, 1);
  write(test.cluster, "a", 0, ["1"]);
  assertEquals(texts(await pollAll(consumer, 1)), ["1"]);
  assertEquals(test.cluster.received(fetch).at(-1)!.nodeId, 1);
});

Deno.test("Consumer reads what the other brokers have while one is down", async () => {
  await using test = setup({ brokers: 2, topics: { a: 2 } });
  write(test.cluster, "a", 1, ["1"]);
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  test.cluster.down.add(0);
  test.cluster.disconnect(0);
  assertEquals(texts(await pollAll(consumer, 1)), ["1"]);
});

Deno.test("Consumer tells when a partition cannot be read for as long as its timeout", async () => {
  const cluster = new FakeCluster({ topics: { a: 1 } });
  await using client = new Client({ broker: cluster, timeout: 50, retry: QUICK });
  const consumer = client.consumer();
  await consumer.subscribe("a");
  cluster.on(fetch, () => DISCONNECT);
  const error = await assertRejects(() => consumer.poll(1, { timeout: 5000 }), TimeoutError);
  assertEquals(error.message.startsWith('Cannot fetch from "a-0" for 50 ms'), true);
});

Deno.test("Consumer tells when its topic was deleted", async () => {
  await using test = setup();
  const consumer = test.client.consumer({ maxWait: 5 });
  await consumer.subscribe("a");
  test.cluster.topics.delete("a");
  const error = await assertRejects(() => consumer.poll(1, { timeout: 5000 }), KafkaError);
  assertEquals(error.code, "UNKNOWN_TOPIC_OR_PARTITION");
});

Deno.test("Consumer finds partitions that are added", async () => {
  const cluster = new FakeCluster({ topics: { a: 1 } });
  await using client = new Client({ broker: cluster, metadataMaxAge: 10, retry: QUICK });
  const consumer = client.consumer({ maxWait: 5, autoOffsetReset: "latest" });
  await consumer.subscribe("a");
  cluster.addPartitions("a", 2);
  write(cluster, "a", 1, ["in the new one"]);
  assertEquals(texts(await pollAll(consumer, 1)), ["in the new one"]);
  assertEquals(consumer.assignment.length, 2);
});

Deno.test("Consumer reads a topic that was deleted and made anew from its start", async () => {
  const cluster = new FakeCluster({ topics: { a: 1 } });
  await using client = new Client({ broker: cluster, retry: QUICK });
  write(cluster, "a", 0, ["old", "old"]);
  const consumer = client.consumer({ maxWait: 5 });
  await consumer.subscribe("a");
  await pollAll(consumer, 2);
  cluster.createTopic("a", 1);
  write(cluster, "a", 0, ["new"]);
  assertEquals(texts(await pollAll(consumer, 1)), ["new"]);
});

Deno.test("Consumer asks for the offset inside a batch and skips what comes before", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["0", "1", "2", "3"]);
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  await consumer.seek("a", 0, 2);
  assertEquals(texts(await pollAll(consumer, 2)), ["2", "3"]);
});

Deno.test("Consumer skips control batches and moves past them", async () => {
  await using test = setup();
  const log = test.cluster.log("a");
  log.appendAsIs(transactional(1, ["committed"]));
  log.appendAsIs(marker(1, "commit"));
  const consumer = test.client.consumer({ maxWait: 5 });
  await consumer.subscribe("a");
  assertEquals(texts(await pollAll(consumer, 1)), ["committed"]);
  assertEquals(consumer.position("a", 0), 2);
  log.appendAsIs(marker(1, "commit"));
  await consumer.poll(1, { timeout: 30 });
  assertEquals(consumer.position("a", 0), 3);
});

Deno.test("Consumer with isolation level read_committed leaves out aborted transactions", async () => {
  await using test = setup();
  const log = test.cluster.log("a");
  write(test.cluster, "a", 0, ["plain"]);
  log.appendAsIs(transactional(1, ["aborted"]));
  log.appendAsIs(transactional(2, ["kept"]));
  log.aborted.push({ producerId: 1, firstOffset: 1 });
  log.appendAsIs(marker(1, "abort"));
  log.appendAsIs(transactional(1, ["kept too"]));
  log.appendAsIs(marker(1, "commit"));
  log.appendAsIs(marker(2, "commit"));
  const committed = test.client.consumer({ isolationLevel: "read_committed" });
  await committed.subscribe("a");
  assertEquals(texts(await pollAll(committed, 3)), ["plain", "kept", "kept too"]);
  assertEquals(committed.position("a", 0), 7);
  const all = test.client.consumer();
  await all.subscribe("a");
  assertEquals(texts(await pollAll(all, 4)), ["plain", "aborted", "kept", "kept too"]);
});

Deno.test("Consumer tells of a damaged batch and reads on behind it if told to", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["good"]);
  write(test.cluster, "a", 0, ["damaged"]);
  write(test.cluster, "a", 0, ["good again"]);
  const { bytes } = test.cluster.log("a").batches[1]!;
  bytes[bytes.length - 3]! ^= 1;
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  assertEquals(texts(await consumer.poll()), ["good"]);
  const error = await assertRejects(() => consumer.poll(), ProtocolError);
  assertEquals(error.message.startsWith('Cannot read "a-0" at offset 1: '), true);
  assertEquals(consumer.position("a", 0), 1);
  await consumer.seek("a", 0, 2);
  assertEquals(texts(await consumer.poll()), ["good again"]);
});

Deno.test("Consumer can be told not to check checksums", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["damaged"]);
  const { bytes } = test.cluster.log("a").batches[0]!;
  bytes[bytes.length - 2]! ^= 1;
  const consumer = test.client.consumer({ checkCrcs: false });
  await consumer.subscribe("a");
  assertEquals((await consumer.poll()).length, 1);
});

Deno.test("Consumer reads batches larger than it asks for", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["x".repeat(5000)]);
  write(test.cluster, "a", 0, ["y".repeat(5000)]);
  const consumer = test.client.consumer({ maxPartitionBytes: 100, maxBytes: 100 });
  await consumer.subscribe("a");
  assertEquals((await pollAll(consumer, 2)).map(({ valueSize }) => valueSize), [5000, 5000]);
});

Deno.test("Consumer fetches no further ahead than prefetchBytes", async () => {
  await using test = setup();
  for (let i = 0; i < 100; i++) write(test.cluster, "a", 0, ["x".repeat(1000)]);
  const consumer = test.client.consumer({
    maxPartitionBytes: 2500,
    prefetchBytes: 5000,
    maxWait: 5,
  });
  await consumer.subscribe("a");
  await pollAll(consumer, 1);
  await consumer.poll(1, { timeout: 0 });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert(test.cluster.received(fetch).length <= 4);
  await pollAll(consumer, 97);
});

Deno.test("Consumer keeps an idle partition's fetch from delaying a busy one", async () => {
  await using test = setup({ topics: { busy: 1, idle: 1 } });
  for (let i = 0; i < 50; i++) write(test.cluster, "busy", 0, ["x".repeat(500)]);
  const consumer = test.client.consumer({ maxWait: 60_000, maxPartitionBytes: 1000 });
  await consumer.subscribe(["idle", "busy"]);
  assertEquals((await pollAll(consumer, 50)).length, 50);
});

Deno.test("Consumer is an async iterator that keeps its place when left", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["0", "1", "2", "3"]);
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  const seen: string[] = [];
  for await (const message of consumer) {
    seen.push(message.text());
    if (seen.length === 2) break;
  }
  assertEquals(seen, ["0", "1"]);
  assertEquals(consumer.position("a", 0), 2);
  assertEquals(texts(await consumer.poll()), ["2", "3"]);
});

Deno.test("Consumer's iterator goes round partitions and ends when it is closed", async () => {
  await using test = setup({ topics: { a: 2 } });
  for (const partition of [0, 1]) {
    write(test.cluster, "a", partition, Array.from({ length: 200 }, (_, i) => `${i}`));
  }
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  const counts = [0, 0];
  let longest = 0;
  let run = 0;
  let last = -1;
  for await (const { partition } of consumer) {
    counts[partition]!++;
    run = partition === last ? run + 1 : 1;
    last = partition;
    longest = Math.max(longest, run);
    if (counts[0]! + counts[1]! === 400) queueMicrotask(() => consumer.close());
  }
  assertEquals(counts, [200, 200]);
  assert(longest < 200);
});

Deno.test("Consumer.readable is a stream of messages", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["0", "1", "2"]);
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  const reader = consumer.readable.getReader();
  assertEquals((await reader.read()).value!.text(), "0");
  assertEquals((await reader.read()).value!.text(), "1");
  await reader.cancel();
  assertEquals(consumer.position("a", 0), 2);
  assertEquals(texts(await consumer.poll()), ["2"]);
  const ended = consumer.readable.getReader().read();
  await consumer.close();
  assertEquals((await ended).done, true);
});

Deno.test("Consumer.subscribe() with a handler reads one partition until its signal ends it", async () => {
  await using test = setup({ topics: { a: 2 } });
  write(test.cluster, "a", 1, ["0", "1", "2"]);
  const consumer = test.client.consumer();
  const controller = new AbortController();
  const seen: string[] = [];
  let busy = 0;
  await consumer.subscribe("a", 1, async (message) => {
    busy++;
    assertEquals(busy, 1);
    await Promise.resolve();
    seen.push(message.text());
    busy--;
    if (seen.length === 3) controller.abort();
  }, { signal: controller.signal });
  assertEquals(seen, ["0", "1", "2"]);
  assertEquals(consumer.topics, []);
});

Deno.test("Consumer.subscribe() with a handler starts where it is told and ends with the consumer", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["0", "1"]);
  const consumer = test.client.consumer();
  const seen = Promise.withResolvers<string>();
  const reading = consumer.subscribe("a", 0, (message) => seen.resolve(message.text()), {
    from: 1,
  });
  await assertRejects(
    () => consumer.subscribe("a", 0, () => {}),
    UsageError,
    'Cannot subscribe to "a-0": this consumer reads it already',
  );
  assertEquals(await seen.promise, "1");
  await consumer.close();
  await reading;
});

Deno.test("Consumer.subscribe() with a handler fails with the handler's error", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["0"]);
  const consumer = test.client.consumer();
  const failure = new Error("handler failed");
  const failing = () => {
    throw failure;
  };
  assertEquals(await assertRejects(() => consumer.subscribe("a", 0, failing)), failure);
  const error = await assertRejects(() => consumer.subscribe("a", 5, () => {}), KafkaError);
  assertEquals(error.code, "UNKNOWN_TOPIC_OR_PARTITION");
});

Deno.test("Consumer.fetchFrom() fetches once from an offset", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["0", "1", "2"]);
  write(test.cluster, "a", 0, ["3"]);
  const consumer = test.client.consumer({ maxWait: 5 });
  const first = await consumer.fetchFrom("a", 0, 1);
  assertEquals(texts(first.messages), ["1", "2", "3"]);
  assertEquals([first.nextOffset, first.highWatermark, first.logStartOffset], [4, 4, 0]);
  const some = await consumer.fetchFrom("a", 0, "earliest", { maxMessages: 2 });
  assertEquals(texts(some.messages), ["0", "1"]);
  assertEquals(some.nextOffset, 2);
  const none = await consumer.fetchFrom("a", 0, "latest");
  assertEquals([none.messages.length, none.nextOffset], [0, 4]);
  const small = await consumer.fetchFrom("a", 0, 0, { maxBytes: 10 });
  assertEquals(texts(small.messages), ["0", "1", "2"]);
});

Deno.test("Consumer.fetchFrom() says what is wrong with the offset, topic or partition", async () => {
  await using test = setup();
  const consumer = test.client.consumer();
  const codes: string[] = [];
  for (const [topic, partition, offset] of [["a", 0, 9], ["a", 7, 0], ["missing", 0, 0]] as const) {
    const error = await assertRejects(
      () => consumer.fetchFrom(topic, partition, offset),
      KafkaError,
    );
    codes.push(error.code);
  }
  assertEquals(codes, [
    "OFFSET_OUT_OF_RANGE",
    "UNKNOWN_TOPIC_OR_PARTITION",
    "UNKNOWN_TOPIC_OR_PARTITION",
  ]);
});

Deno.test("Consumer.fetchFrom() calls that wait do not hold each other up", async () => {
  await using test = setup({ topics: { a: 2 } });
  const consumer = test.client.consumer({ maxWait: 60_000 });
  const controller = new AbortController();
  const waiting = consumer.fetchFrom("a", 0, 0, { signal: controller.signal });
  write(test.cluster, "a", 1, ["1"]);
  assertEquals(texts((await consumer.fetchFrom("a", 1, 0)).messages), ["1"]);
  controller.abort(new Error("enough"));
  await assertRejects(() => waiting, Error, "enough");
});

Deno.test("Consumer.fetchFrom() follows the leader", async () => {
  await using test = setup({ brokers: 2, topics: { a: 1 } });
  write(test.cluster, "a", 0, ["0"]);
  const consumer = test.client.consumer();
  await consumer.fetchFrom("a", 0, 0);
  test.cluster.moveLeader("a", 0, 1);
  assertEquals(texts((await consumer.fetchFrom("a", 0, 0)).messages), ["0"]);
});

Deno.test("Consumer that is closed refuses to read", async () => {
  await using test = setup();
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  const polling = consumer.poll(1, { timeout: 5000 });
  await consumer.close();
  await assertRejects(() => polling, ClosedError);
  await assertRejects(() => consumer.poll(), ClosedError);
  await assertRejects(() => consumer.fetchFrom("a", 0, 0), ClosedError);
  await assertRejects(() => consumer.subscribe("a"), ClosedError);
  await assertRejects(() => consumer.seek("a", 0, 0), ClosedError);
  for await (const message of consumer) assertInstanceOf(message, Error);
  await consumer.close();
});

Deno.test("Consumer retries looking up offsets at a new leader", async () => {
  await using test = setup({ brokers: 2, topics: { a: 2 } });
  write(test.cluster, "a", 0, ["0"]);
  write(test.cluster, "a", 1, ["1"]);
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  test.cluster.moveLeader("a", 0, 1);
  assertEquals(await consumer.seek("a", 0, "latest"), 1);
  const [, , , last] = test.cluster.received(listOffsets);
  assertEquals(last!.nodeId, 1);
});

Deno.test("Consumer names topics by name where the broker has no ids (Fetch before 13)", async (t) => {
  for (
    const [version, max] of [[12, { 1: 12 }], [12, { 3: 9 }], [11, { 1: 11 }], [4, {
      1: 4,
    }]] as const
  ) {
    await t.step(`Fetch ${version}`, async () => {
      await using test = setup({ topics: { a: 1 }, maxVersions: max });
      write(test.cluster, "a", 0, ["0"]);
      const consumer = test.client.consumer();
      await consumer.subscribe("a");
      assertEquals(texts(await consumer.poll()), ["0"]);
      assertEquals(test.cluster.received(fetch)[0]!.version, version);
    });
  }
});

Deno.test("Consumer retries a fetch that the broker refuses for now", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["0"]);
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  test.cluster.once(fetch, (request) => ({
    responses: [{
      topic: "a",
      topicId: request.topics[0]!.topicId,
      partitions: [{
        partitionIndex: 0,
        errorCode: ErrorCode.KAFKA_STORAGE_ERROR,
        highWatermark: -1,
        abortedTransactions: null,
        records: null,
      }],
    }],
  }));
  assertEquals(texts(await pollAll(consumer, 1)), ["0"]);
});

Deno.test("Consumer reads each message once and in order whatever goes wrong", async () => {
  const seed = Deno.env.get("DQUEUE_TEST_SEED") ?? String(Math.floor(Math.random() * 2 ** 32));
  console.log(`seed ${seed}`);
  const random = seededRandom(Number(seed));
  await using test = setup({ brokers: 3, topics: { a: 3, b: 2 } });
  const consumer = test.client.consumer({ maxPartitionBytes: 300, maxWait: 5 });
  await consumer.subscribe(["a", "b"]);
  test.cluster.on(fetch, async (_request, { usual, nodeId }) => {
    const dice = random();
    if (dice < 0.05) return DISCONNECT;
    if (dice < 0.1) test.cluster.disconnect(nodeId);
    if (dice < 0.15) {
      test.cluster.moveLeader("a", Math.floor(random() * 3), Math.floor(random() * 3));
    }
    if (dice < 0.3) await new Promise((resolve) => setTimeout(resolve, random() * 2));
    return await usual();
  });
  const places = [["a", 0], ["a", 1], ["a", 2], ["b", 0], ["b", 1]] as const;
  const written = new Map(places.map(([topic, partition]) => [`${topic}-${partition}`, 0]));
  const read = new Map(written);
  let left = 0;
  for (let round = 0; round < 300; round++) {
    const [topic, partition] = places[Math.floor(random() * places.length)]!;
    const count = Math.ceil(random() * 5);
    const key = `${topic}-${partition}`;
    const first = written.get(key)!;
    write(test.cluster, topic, partition, Array.from({ length: count }, (_, i) => `${first + i}`));
    written.set(key, first + count);
    left += count;
    if (random() < 0.1) consumer.pause(topic, partition);
    if (random() < 0.3) consumer.resume(topic);
    const messages = await consumer.poll(Math.ceil(random() * 20), { timeout: 0 });
    left -= messages.length;
    for (const message of messages) check(message);
  }
  consumer.resume("a");
  consumer.resume("b");
  for (const message of await pollAll(consumer, left)) check(message);
  assertEquals(read, written);

  function check(message: Message): void {
    const key = `${message.topic}-${message.partition}`;
    assertEquals([key, message.text()], [key, `${read.get(key)}`]);
    read.set(key, read.get(key)! + 1);
  }
});
