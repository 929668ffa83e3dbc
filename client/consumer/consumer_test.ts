import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { CountedAbortController } from "../../protocol/linked_signal_testing.ts";
import { fetch, metadata } from "../../protocol/messages/mod.ts";
import { ClosedError, KafkaError, UsageError } from "../errors.ts";
import { pollAll, setup, texts, write } from "../testing/client_setup.ts";

Deno.test("Consumer.poll() returns messages with all their content", async () => {
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

Deno.test("Consumer.poll() returns at most max messages, in order", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["0", "1", "2"]);
  write(test.cluster, "a", 0, ["3", "4"]);
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  assertEquals(texts(await pollAll(consumer, 2)), ["0", "1"]);
  assertEquals(consumer.position("a", 0), 2);
  assertEquals(texts(await pollAll(consumer, 3)), ["2", "3", "4"]);
});

Deno.test("Consumer.poll() returns an empty array when no message arrives in time", async () => {
  await using test = setup();
  const consumer = test.client.consumer({ maxWaitMs: 5 });
  await consumer.subscribe("a");
  assertEquals(await consumer.poll(10, { timeoutMs: 20 }), []);
  assertEquals(await consumer.poll(10, { timeoutMs: 0 }), []);
});

Deno.test("Consumer.poll() returns when messages arrive", async () => {
  await using test = setup();
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  const polled = consumer.poll(10, { timeoutMs: 5000 });
  await test.client.discoverController();
  write(test.cluster, "a", 0, ["late"]);
  assertEquals(texts(await polled), ["late"]);
});

Deno.test("Consumer.poll() can be aborted", async () => {
  await using test = setup();
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  const controller = new AbortController();
  const polled = consumer.poll(1, { timeoutMs: 5000, signal: controller.signal });
  const reason = new Error("enough");
  controller.abort(reason);
  assertEquals(await assertRejects(() => polled), reason);
  assertEquals(await assertRejects(() => consumer.poll(1, { signal: controller.signal })), reason);
});

Deno.test("Consumer.poll() takes from all partitions of all topics in turn", async () => {
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

Deno.test("Consumer.subscribe() replaces the subscription and keeps the positions of remaining topics", async () => {
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

Deno.test("Consumer.subscribe() to a topic that does not exist leaves the subscription unchanged", async () => {
  await using test = setup();
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  const error = await assertRejects(() => consumer.subscribe(["a", "missing"]), KafkaError);
  assertEquals(error.code, "UNKNOWN_TOPIC_OR_PARTITION");
  assertEquals(consumer.topics, ["a"]);
  assert(test.cluster.received(metadata).every(({ body }) => !body.allowAutoTopicCreation));
});

Deno.test("Consumer.subscribe() determines positions before it returns", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["before"]);
  const consumer = test.client.consumer({ autoOffsetReset: "latest" });
  await consumer.subscribe("a");
  write(test.cluster, "a", 0, ["after"]);
  assertEquals(texts(await pollAll(consumer, 1)), ["after"]);
});

Deno.test("Consumer.subscribe() starts at the place in `from`", async () => {
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

Deno.test("Consumer.poll() throws without a subscription", async () => {
  await using test = setup();
  const consumer = test.client.consumer();
  await assertRejects(() => consumer.poll(), UsageError, "not subscribed to a topic");
  // A pending subscription is awaited.
  const subscribed = consumer.subscribe("a");
  write(test.cluster, "a", 0, ["0"]);
  assertEquals(texts(await consumer.poll()), ["0"]);
  await subscribed;
});

Deno.test("Consumer.seek() accepts an offset, an end or a timestamp", async () => {
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

Deno.test("Consumer.seek() throws for an unknown topic or partition and an invalid offset", async () => {
  await using test = setup({ topics: { a: 1, b: 1 } });
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  await assertRejects(() => consumer.seek("b", 0, 0), UsageError, "not subscribed");
  const error = await assertRejects(() => consumer.seek("a", 1, 0), KafkaError);
  assertEquals(
    error.message,
    'Cannot seek in "a-1": topic "a" has 1 partitions, there is no partition 1 ' +
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
  const consumer = test.client.consumer({ maxWaitMs: 60_000 });
  await consumer.subscribe("a");
  await pollAll(consumer, 2);
  const polled = consumer.poll(1, { timeoutMs: 5000 });
  await consumer.seek("a", 0, 1);
  assertEquals(texts(await polled), ["1"]);
});

Deno.test("Consumer.pause() withholds messages of a partition until resume()", async () => {
  await using test = setup({ topics: { a: 2 } });
  write(test.cluster, "a", 0, ["0"]);
  write(test.cluster, "a", 1, ["1"]);
  const consumer = test.client.consumer({ maxWaitMs: 5 });
  await consumer.subscribe("a");
  consumer.pause("a", 0);
  assertEquals(consumer.paused, [{ topic: "a", partition: 0 }]);
  assertEquals(texts(await pollAll(consumer, 1)), ["1"]);
  assertEquals(await consumer.poll(1, { timeoutMs: 10 }), []);
  consumer.resume("a");
  assertEquals(consumer.paused, []);
  assertEquals(texts(await pollAll(consumer, 1)), ["0"]);
  assertThrows(() => consumer.pause("b"), UsageError, 'Cannot pause "b"');
  assertThrows(() => consumer.resume("a", 7), UsageError, 'Cannot resume "a-7"');
});

Deno.test("Consumer starts at an offset inside a batch", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["0", "1", "2", "3"]);
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  await consumer.seek("a", 0, 2);
  assertEquals(texts(await pollAll(consumer, 2)), ["2", "3"]);
});

Deno.test("Consumer reads batches larger than the fetch size", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["x".repeat(5000)]);
  write(test.cluster, "a", 0, ["y".repeat(5000)]);
  const consumer = test.client.consumer({ maxPartitionBytes: 100, maxBytes: 100 });
  await consumer.subscribe("a");
  assertEquals((await pollAll(consumer, 2)).map(({ valueSize }) => valueSize), [5000, 5000]);
});

Deno.test("Consumer prefetches no more than prefetchBytes", async () => {
  await using test = setup();
  for (let i = 0; i < 100; i++) write(test.cluster, "a", 0, ["x".repeat(1000)]);
  const consumer = test.client.consumer({
    maxPartitionBytes: 2500,
    prefetchBytes: 5000,
    maxWaitMs: 5,
  });
  await consumer.subscribe("a");
  await pollAll(consumer, 1);
  await consumer.poll(1, { timeoutMs: 0 });
  for (let i = 0; i < 20; i++) await test.client.discoverController();
  assert(test.cluster.received(fetch).length <= 4);
  await pollAll(consumer, 97);
});

Deno.test("Consumer is an async iterator that keeps its position after break", async () => {
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

Deno.test("Consumer's iterator takes from partitions in turn and ends when the consumer is closed", async () => {
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

Deno.test("Consumer.subscribe() with a handler reads one partition until its signal is aborted", async () => {
  await using test = setup({ topics: { a: 2 } });
  write(test.cluster, "a", 1, ["0", "1", "2"]);
  const consumer = test.client.consumer();
  const controller = new CountedAbortController();
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
  assertEquals(controller.listenerCount, 0);
});

Deno.test("Consumer.subscribe() with a handler starts at the place in `from` and ends when the consumer is closed", async () => {
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
    'Cannot subscribe to "a-0": this consumer already reads it',
  );
  assertEquals(await seen.promise, "1");
  await consumer.close();
  await reading;
});

Deno.test("Consumer.subscribe() with a handler rejects with the handler's error", async () => {
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

Deno.test("Consumer.poll() throws after close()", async () => {
  await using test = setup();
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  const polling = consumer.poll(1, { timeoutMs: 5000 });
  await consumer.close();
  await assertRejects(() => polling, ClosedError);
  await assertRejects(() => consumer.poll(), ClosedError);
  await assertRejects(() => consumer.fetchFrom("a", 0, 0), ClosedError);
  await assertRejects(() => consumer.subscribe("a"), ClosedError);
  await assertRejects(() => consumer.seek("a", 0, 0), ClosedError);
  for await (const message of consumer) assertInstanceOf(message, Error);
  await consumer.close();
});
