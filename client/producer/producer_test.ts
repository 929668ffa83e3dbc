import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { initProducerId, metadata, produce } from "../../protocol/messages/mod.ts";
import { Client } from "../client.ts";
import { SendBatchError } from "./delivery.ts";
import {
  ClosedError,
  KafkaError,
  SerializationError,
  TimeoutError,
  UsageError,
} from "../errors.ts";
import type { ProducerOptions } from "./producer_options.ts";
import { refuse, setup } from "../testing/client_setup.ts";
import { DISCONNECT, FakeCluster, NO_ANSWER } from "../testing/fake_cluster.ts";

Deno.test("Producer.send() returns where the message was written", async () => {
  await using test = setup({ topics: { a: 2 } });
  const producer = test.client.producer();
  const written = await producer.send({
    topic: "a",
    partition: 1,
    key: "k",
    value: "v",
    headers: { h: ["1", null] },
    timestamp: 1234,
  });
  assertEquals(written, { topic: "a", partition: 1, offset: 0, timestamp: 1234 });
  const [record] = test.cluster.log("a", 1).batches[0]!.records();
  assertEquals(new TextDecoder().decode(record!.key!), "k");
  assertEquals(new TextDecoder().decode(record!.value!), "v");
  assertEquals(record!.timestamp, 1234);
  assertEquals(record!.headers.map(({ key, value }) => [key, value?.length ?? null]), [
    ["h", 1],
    ["h", null],
  ]);
});

Deno.test("Producer.send() accepts bytes, text and null as key and value", async () => {
  await using test = setup();
  const producer = test.client.producer();
  await producer.send({ topic: "a", key: Uint8Array.of(1), value: Uint8Array.of(2) });
  await producer.send({ topic: "a", key: "é", value: "日本" });
  await producer.send({ topic: "a", key: null, value: null });
  const records = test.cluster.log("a").batches.flatMap((batch) => [...batch.records()]);
  assertEquals(records.map(({ key, value }) => [key?.length, value?.length]), [
    [1, 1],
    [2, 6],
    [undefined, undefined],
  ]);
  await assertRejects(
    () => producer.send({ topic: "a", value: 5 as unknown as string }),
    SerializationError,
    "Cannot send value: it is a number",
  );
});

Deno.test("Producer.send() calls made together share a batch and keep their order", async () => {
  await using test = setup();
  const producer = test.client.producer();
  const sent = Array.from({ length: 100 }, (_, i) => producer.send({ topic: "a", value: `${i}` }));
  const offsets = (await Promise.all(sent)).map(({ offset }) => offset);
  assertEquals(offsets, Array.from({ length: 100 }, (_, i) => i));
  assertEquals(test.cluster.received(produce).length, 1);
});

Deno.test("Producer.send() returns to each call of a batch its own timestamp", async () => {
  await using test = setup();
  const producer = test.client.producer();
  const timestamps = [5, 5, 7, 5, 2n, 2, 2, 2 ** 41, -1, 5, 5];
  const sent = timestamps.map((timestamp) => producer.send({ topic: "a", value: "v", timestamp }));
  const written = await Promise.all(sent);
  assertEquals(written.map(({ timestamp }) => timestamp), timestamps.map(Number));
  assertEquals(written.map(({ offset }) => offset), [...timestamps.keys()]);
  assertEquals(test.cluster.received(produce).length, 1);
});

Deno.test("Producer.send() returns to each call its own timestamp when the batch is split", async () => {
  await using test = setup();
  test.cluster.log("a").maxMessageBytes = 400;
  const producer = test.client.producer({ lingerMs: 0 });
  const timestamps = Array.from({ length: 20 }, (_, i) => Math.floor(i / 3));
  const value = "v".repeat(60);
  const sent = timestamps.map((timestamp) => producer.send({ topic: "a", value, timestamp }));
  const written = await Promise.all(sent);
  assertEquals(written.map(({ timestamp }) => timestamp), timestamps);
  assertEquals(written.map(({ offset }) => offset), [...timestamps.keys()]);
});

Deno.test("Producer.sendBatch() returns results in the order of the messages", async () => {
  await using test = setup({ brokers: 2, topics: { a: 3, b: 1 } });
  const producer = test.client.producer();
  const messages = Array.from({ length: 30 }, (_, i) => ({
    topic: i % 5 === 0 ? "b" : "a",
    partition: i % 5 === 0 ? 0 : i % 3,
    value: `${i}`,
  }));
  const results = await producer.sendBatch(messages);
  assertEquals(
    results.map(({ topic, partition, offset }) =>
      test.cluster.log(topic, partition).values()[offset]
    ),
    messages.map(({ value }) => value),
  );
  assertEquals(await producer.sendBatch([]), []);
});

Deno.test("Producer.sendBatch() preserves the order in each partition for messages of all kinds", async () => {
  await using test = setup({ topics: { a: 3 } });
  const producer = test.client.producer({ batchSize: 300 });
  const extras = [
    {},
    {},
    { key: "k" },
    {},
    { partition: 1 },
    { headers: { h: "1" } },
    { timestamp: 5 },
    {},
    {},
  ];
  const messages = Array.from({ length: 500 }, (_, i) => ({
    topic: "a",
    value: i % 7 === 0 ? new TextEncoder().encode(`${i}`) : `${i}`,
    ...extras[i % extras.length],
  }));
  const before = Date.now();
  const results = await producer.sendBatch(messages);
  for (const [i, { partition, offset, timestamp }] of results.entries()) {
    assertEquals(test.cluster.log("a", partition).values()[offset], `${i}`);
    if (i % extras.length === 6) assertEquals(timestamp, 5);
    else assert(timestamp >= before && timestamp <= Date.now());
    if (i % extras.length === 4) assertEquals(partition, 1);
  }
  for (const partition of [0, 1, 2]) {
    const values = test.cluster.log("a", partition).values().map(Number);
    assertEquals(values, values.toSorted((a, b) => a - b));
  }
  assertEquals(producer.bufferedBytes, 0);
});

Deno.test("Producer.sendBatch() uses no more than bufferMemory at a time", async () => {
  await using test = setup();
  const producer = test.client.producer({ batchSize: 1000, bufferMemory: 5000 });
  await producer.send({ topic: "a", value: "first" });
  const messages = Array.from({ length: 1000 }, (_, i) => ({ topic: "a", value: `${i}` }));
  const sent = producer.sendBatch(messages);
  assert(producer.bufferedBytes >= 5000 && producer.bufferedBytes < 5100);
  await sent;
  const values = test.cluster.log("a").values();
  assertEquals(values, ["first", ...messages.map(({ value }) => value)]);
});

Deno.test("Producer reuses the memory of batches only after they are written", async (t) => {
  for (const compression of ["none", "gzip"] as const) {
    await t.step(compression, async () => {
      await using test = setup();
      const producer = test.client.producer({ batchSize: 4000, compression });
      const expected: string[] = [];
      for (let round = 0; round < 20; round++) {
        const values = Array.from({ length: 1000 }, (_, i) => `${round}-${i}`);
        expected.push(...values);
        if (round % 3 === 1) test.cluster.once(produce, refuse(ErrorCode.NOT_ENOUGH_REPLICAS));
        if (round % 3 === 2) test.cluster.once(produce, () => DISCONNECT);
        await producer.sendBatch(values.map((value) => ({ topic: "a", value })));
      }
      assertEquals(test.cluster.log("a").values(), expected);
      for (const batch of test.cluster.log("a").batches) batch.ensureValid();
    });
  }
});

Deno.test("Producer.sendBatch() reports which messages failed", async () => {
  await using test = setup();
  const producer = test.client.producer();
  const error = await assertRejects(
    () =>
      producer.sendBatch([
        { topic: "a", value: "good" },
        { topic: "missing", value: "bad" },
        { topic: "a", partition: 9, value: "bad" },
      ]),
    SendBatchError,
    "Cannot send 2 of 3 messages",
  );
  assertEquals(error.results.map((result) => result?.offset), [0, undefined, undefined]);
  assertEquals(error.errors.map((one) => one?.code), [
    undefined,
    "UNKNOWN_TOPIC_OR_PARTITION",
    "UNKNOWN_TOPIC_OR_PARTITION",
  ]);
  assertEquals(error.code, "UNKNOWN_TOPIC_OR_PARTITION");
});

Deno.test("Producer sends batches for several partitions in one request per broker", async () => {
  await using test = setup({ brokers: 2, topics: { a: 6 } });
  const producer = test.client.producer();
  await producer.sendBatch(
    Array.from({ length: 6 }, (_, partition) => ({ topic: "a", partition, value: "v" })),
  );
  const requests = test.cluster.received(produce);
  assertEquals(
    requests.map(({ nodeId, body }) => [
      nodeId,
      body.topicData[0]!.partitionData.map(({ index }) => index).sort(),
    ]),
    [[0, [0, 2, 4]], [1, [1, 3, 5]]],
  );
});

Deno.test("Producer keeps request sizes below maxRequestSize", async () => {
  await using test = setup({ topics: { a: 4 } });
  const producer = test.client.producer({ maxRequestSize: 2500 });
  await producer.sendBatch(
    Array.from({ length: 4 }, (_, partition) => ({
      topic: "a",
      partition,
      value: new Uint8Array(1000),
    })),
  );
  const counts = test.cluster.received(produce)
    .map(({ body }) => body.topicData[0]!.partitionData.length);
  assertEquals(counts, [2, 2]);
});

Deno.test("Producer numbers batches for idempotence (KIP-98)", async () => {
  await using test = setup();
  const producer = test.client.producer();
  await producer.sendBatch([{ topic: "a", value: "0" }, { topic: "a", value: "1" }]);
  await producer.send({ topic: "a", value: "2" });
  const batches = test.cluster.log("a").batches;
  assertEquals(
    batches.map(({ producerId, producerEpoch, baseSequence }) => [
      producerId,
      producerEpoch,
      baseSequence,
    ]),
    [[1000, 0, 0], [1000, 0, 2]],
  );
  assertEquals(test.cluster.received(initProducerId).length, 1);
});

Deno.test("Producer without idempotence requests no producer id", async () => {
  await using test = setup();
  const producer = test.client.producer({ acks: 1 });
  await producer.send({ topic: "a", value: "v" });
  assertEquals(test.cluster.received(initProducerId).length, 0);
  assertEquals(test.cluster.log("a").batches[0]!.producerId, -1);
  assertEquals(test.cluster.received(produce)[0]!.body.acks, 1);
});

Deno.test("Producer with acks 0 does not wait for a response", async () => {
  await using test = setup();
  const producer = test.client.producer({ acks: 0 });
  const written = await producer.send({ topic: "a", value: "v", timestamp: 7 });
  assertEquals(written, { topic: "a", partition: 0, offset: -1, timestamp: 7 });
  await producer.close();
  assertEquals(test.cluster.log("a").values(), ["v"]);
});

Deno.test("Producer compresses batches", async (t) => {
  for (const compression of ["gzip", "snappy", "lz4", "zstd"] as const) {
    await t.step(compression, async () => {
      await using test = setup();
      const producer = test.client.producer({ compression });
      await producer.sendBatch(
        Array.from({ length: 50 }, () => ({ topic: "a", value: "the same again" })),
      );
      const [batch] = test.cluster.log("a").batches;
      assert(batch!.compression !== 0);
      assertEquals(test.cluster.log("a").values(), new Array(50).fill("the same again"));
    });
  }
});

Deno.test("Producer throws for invalid and contradictory options", () => {
  const client = new Client({ broker: new FakeCluster() });
  const refused: [ProducerOptions, string][] = [
    [{ acks: 1, idempotence: true }, "Cannot use idempotence with acks of 1"],
    [{ maxInFlight: 6 }, "it must be at most 5"],
    [{ compression: "brotli" as "gzip" }, 'Cannot use compression of "brotli"'],
    [{ acks: 2 as 1 }, 'Cannot use acks of "2"'],
    [{ batchSize: 0 }, "Cannot use batchSize of 0: it must be at least 1"],
  ];
  for (const [options, message] of refused) {
    assertThrows(() => client.producer(options), UsageError, message);
  }
});

Deno.test("Producer reports the timestamp set by the broker", async () => {
  await using test = setup();
  const producer = test.client.producer();
  test.cluster.once(produce, async (_request, { usual }) => {
    const answer = await usual();
    return {
      responses: answer.responses.map((topic) => ({
        ...topic,
        partitionResponses: topic.partitionResponses.map((partition) => ({
          ...partition,
          logAppendTimeMs: 999,
        })),
      })),
    };
  });
  assertEquals((await producer.send({ topic: "a", value: "1", timestamp: 5 })).timestamp, 999);
});

Deno.test("Producer.send() to a topic that does not exist rejects without delay", async () => {
  await using test = setup();
  const producer = test.client.producer();
  const error = await assertRejects(
    () => producer.send({ topic: "missing", value: "1" }),
    KafkaError,
  );
  assertEquals(error.code, "UNKNOWN_TOPIC_OR_PARTITION");
  assert(test.cluster.received(metadata).every(({ body }) => body.allowAutoTopicCreation));
});

Deno.test("Producer.send() waits for a topic that is being created", async () => {
  await using test = setup();
  const producer = test.client.producer();
  test.cluster.once(metadata, async (_request, { usual, cluster }) => {
    const answer = await usual();
    cluster.createTopic("new", 1);
    return answer;
  });
  assertEquals((await producer.send({ topic: "new", value: "1" })).offset, 0);
});

Deno.test("Producer.send() checks the partition after refreshing the metadata", async () => {
  await using test = setup();
  const producer = test.client.producer();
  await producer.send({ topic: "a", value: "1" });
  test.cluster.addPartitions("a", 3);
  assertEquals((await producer.send({ topic: "a", partition: 2, value: "2" })).partition, 2);
  await assertRejects(
    () => producer.send({ topic: "a", partition: 3, value: "3" }),
    KafkaError,
    "it has 3 partitions, there is no partition 3",
  );
  await assertRejects(
    () => producer.send({ topic: "a", partition: -1, value: "3" }),
    UsageError,
    "partition is -1",
  );
});

Deno.test("Producer uses a custom partitioner", async () => {
  await using test = setup({ topics: { a: 3 } });
  const producer = test.client.producer({
    partitioner: ({ key }, count) => key === "last" ? count - 1 : undefined,
  });
  assertEquals((await producer.send({ topic: "a", key: "last", value: "v" })).partition, 2);
  // By murmur2, like the Java client: the hash of "abc" is 479470107.
  assertEquals(
    (await producer.send({ topic: "a", key: "abc", value: "v" })).partition,
    479470107 % 3,
  );
});

Deno.test("Producer without keys stays on one partition until a batch is full", async () => {
  await using test = setup({ topics: { a: 8 } });
  const producer = test.client.producer({ batchSize: 1000 });
  const messages = Array.from({ length: 400 }, () => ({ topic: "a", value: new Uint8Array(100) }));
  const results = await producer.sendBatch(messages);
  let changes = 0;
  for (let i = 1; i < results.length; i++) {
    if (results[i]!.partition !== results[i - 1]!.partition) changes++;
  }
  assert(changes <= 45, `partition changed ${changes} times`);
  assert(new Set(results.map(({ partition }) => partition)).size > 1);
});

Deno.test("Producer.send() waits while the buffer memory is full", async () => {
  await using test = setup();
  const producer = test.client.producer({ bufferMemory: 1000, lingerMs: 0 });
  const held = Promise.withResolvers<void>();
  test.cluster.once(produce, async (_request, { usual }) => {
    await held.promise;
    return await usual();
  });
  const values = Array.from({ length: 20 }, (_, i) => `${i}`.padStart(200, "."));
  const sent = values.map((value) => producer.send({ topic: "a", value }));
  const all = Promise.all(sent);
  await test.client.discoverController();
  assert(producer.bufferedBytes >= 1000);
  assert(producer.bufferedBytes < 1400);
  held.resolve();
  await all;
  assertEquals(producer.bufferedBytes, 0);
  assertEquals(test.cluster.log("a").values(), values);
  await assertRejects(
    () => producer.send({ topic: "a", value: "x".repeat(1001) }),
    UsageError,
    "it is 1001 bytes, bufferMemory is 1000",
  );
});

Deno.test("Producer.flush() sends without lingering and waits for all messages", async () => {
  await using test = setup();
  const producer = test.client.producer({ lingerMs: 60_000 });
  let written = 0;
  for (let i = 0; i < 3; i++) producer.send({ topic: "a", value: `${i}` }).then(() => written++);
  await producer.flush();
  assertEquals(written, 3);
});

Deno.test("Producer.flush() can be aborted", async () => {
  await using test = setup();
  const producer = test.client.producer({ deliveryTimeoutMs: 100 });
  test.cluster.on(produce, () => NO_ANSWER);
  const sent = producer.send({ topic: "a", value: "1" });
  const reason = new Error("enough");
  const controller = new AbortController();
  const flushed = producer.flush({ signal: controller.signal });
  controller.abort(reason);
  assertEquals(await assertRejects(() => flushed), reason);
  await assertRejects(() => sent, TimeoutError);
});

Deno.test("Producer.close() sends waiting messages, then rejects new ones", async () => {
  await using test = setup();
  const producer = test.client.producer({ lingerMs: 60_000 });
  const sent = producer.send({ topic: "a", value: "1" });
  await producer.close();
  assertEquals((await sent).offset, 0);
  await assertRejects(() => producer.send({ topic: "a", value: "2" }), ClosedError);
  await assertRejects(() => producer.flush(), ClosedError);
  await producer.close();
});

Deno.test("Producer.close() with a timeout rejects messages that could not be sent", async () => {
  await using test = setup();
  const producer = test.client.producer();
  test.cluster.on(produce, () => NO_ANSWER);
  const sent = producer.send({ topic: "a", value: "1" });
  await Promise.all([
    producer.close({ timeoutMs: 10 }),
    assertRejects(() => sent, ClosedError),
  ]);
});

Deno.test("Client.close() closes its producers first", async () => {
  const { cluster, client } = setup();
  const sent = client.producer({ lingerMs: 60_000 }).send({ topic: "a", value: "1" });
  await client.close();
  assertEquals((await sent).offset, 0);
  assertEquals(cluster.connectionCount, 0);
  assertThrows(() => client.producer(), ClosedError);
});

Deno.test("Producer.writable() sends everything written to it", async () => {
  await using test = setup();
  const producer = test.client.producer();
  await ReadableStream.from([
    "text",
    Uint8Array.of(98),
    { key: "k", value: "message" },
  ]).pipeTo(producer.writable("a"));
  assertEquals(test.cluster.log("a").values(), ["text", "b", "message"]);
});

Deno.test("Producer.writable() applies backpressure while the buffer memory is full", async () => {
  await using test = setup();
  const producer = test.client.producer({ bufferMemory: 500, lingerMs: 0 });
  const values = Array.from({ length: 100 }, (_, i) => `${i}`.padStart(100, "."));
  await ReadableStream.from(values).pipeTo(producer.writable("a"));
  assertEquals(test.cluster.log("a").values(), values);
});

Deno.test("Producer.writable() errors with the error of a message", async () => {
  await using test = setup();
  const producer = test.client.producer();
  test.cluster.on(produce, refuse(ErrorCode.TOPIC_AUTHORIZATION_FAILED));
  const writer = producer.writable("a").getWriter();
  await writer.write("1");
  const error = await assertRejects(() => writer.close(), KafkaError);
  assertEquals(error.code, "TOPIC_AUTHORIZATION_FAILED");
  await assertRejects(() => writer.closed, KafkaError);
});

Deno.test("Producer identifies topics by name where the broker has no ids (Produce before 13)", async (t) => {
  for (
    const [version, max] of [[12, { 0: 12 }], [12, { 3: 9 }], [7, { 0: 7 }], [3, { 0: 3 }]] as const
  ) {
    await t.step(`Produce ${version}`, async () => {
      await using test = setup({ topics: { a: 1 }, maxVersions: max });
      await test.client.producer().send({ topic: "a", value: "1" });
      assertEquals(test.cluster.received(produce)[0]!.version, version);
      assertEquals(test.cluster.log("a").values(), ["1"]);
    });
  }
});

Deno.test("Producer uses partitions that are added", async () => {
  await using test = setup({ topics: { a: 1 } }, { metadataMaxAgeMs: 5 });
  const producer = test.client.producer({ batchSize: 1 });
  await producer.send({ topic: "a", value: "v" });
  test.cluster.addPartitions("a", 2);
  // Without a key and with such small batches, each message draws a new partition.
  for (;;) if ((await producer.send({ topic: "a", value: "v" })).partition === 1) break;
});

Deno.test("Producer lingers only while other messages are in flight", async () => {
  await using test = setup();
  const producer = test.client.producer();
  await producer.send({ topic: "a", value: "alone" });
  const held = Promise.withResolvers<void>();
  test.cluster.once(produce, async (_request, { usual }) => {
    await held.promise;
    return await usual();
  });
  const sent: Promise<unknown>[] = [producer.send({ topic: "a", value: "first" })];
  // The first was sent by the time another request is answered.
  await test.client.discoverController();
  sent.push(producer.send({ topic: "a", value: "second" }));
  for (let i = 0; i < 20; i++) await Promise.resolve();
  sent.push(producer.send({ topic: "a", value: "third" }));
  held.resolve();
  await Promise.all(sent);
  const counts = test.cluster.log("a").batches.map(({ recordCount }) => recordCount);
  assertEquals(counts, [1, 1, 2]);
});
