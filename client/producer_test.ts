import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { ErrorCode } from "../protocol/errors.ts";
import { initProducerId, metadata, produce } from "../protocol/messages/mod.ts";
import { RecordBatch } from "../protocol/records/record_batch.ts";
import { Client } from "./client.ts";
import { SendBatchError } from "./delivery.ts";
import { ClosedError, KafkaError, SerializationError, TimeoutError, UsageError } from "./errors.ts";
import type { ProducerOptions } from "./producer_options.ts";
import { seededRandom } from "./testing/seeded_random.ts";
import {
  DISCONNECT,
  FakeCluster,
  type FakeClusterOptions,
  NO_ANSWER,
} from "./testing/fake_cluster.ts";

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

interface ProducedPartition {
  readonly index: number;
  readonly records: Uint8Array | null;
}

/** The answer to a Produce request that refuses all its batches. */
function refuse(errorCode: number) {
  return (
    request: { topicData: { name: string; topicId: string; partitionData: { index: number }[] }[] },
  ) => ({
    responses: request.topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => ({ index, errorCode, baseOffset: -1 })),
    })),
  });
}

Deno.test("Producer.send() tells where the message was written", async () => {
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

Deno.test("Producer.send() takes bytes, text and null as key and value", async () => {
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

Deno.test("Producer.sendBatch() says which messages failed", async () => {
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

Deno.test("Producer sends batches for several partitions in one request for each broker", async () => {
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

Deno.test("Producer numbers batches as an idempotent producer does (KIP-98)", async () => {
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

Deno.test("Producer without idempotence asks for no producer id", async () => {
  await using test = setup();
  const producer = test.client.producer({ acks: 1 });
  await producer.send({ topic: "a", value: "v" });
  assertEquals(test.cluster.received(initProducerId).length, 0);
  assertEquals(test.cluster.log("a").batches[0]!.producerId, -1);
  assertEquals(test.cluster.received(produce)[0]!.body.acks, 1);
});

Deno.test("Producer with acks 0 does not wait for an answer", async () => {
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

Deno.test("Producer refuses options that contradict each other", () => {
  const client = new Client({ broker: new FakeCluster() });
  const refused: [ProducerOptions, string][] = [
    [{ acks: 1, idempotence: true }, "Cannot use idempotence with acks of 1"],
    [{ maxInFlight: 6 }, "the most is 5"],
    [{ compression: "brotli" as "gzip" }, 'Cannot use compression of "brotli"'],
    [{ acks: 2 as 1 }, 'Cannot use acks of "2"'],
    [{ batchSize: 0 }, "Cannot use batchSize of 0: the least is 1"],
  ];
  for (const [options, message] of refused) {
    assertThrows(() => client.producer(options), UsageError, message);
  }
});

Deno.test("Producer sends again after a lost connection, and writes each message once", async (t) => {
  for (const isWritten of [false, true]) {
    await t.step(isWritten ? "lost after the write" : "lost before the write", async () => {
      await using test = setup();
      const producer = test.client.producer();
      test.cluster.once(produce, async (_request, { usual }) => {
        if (isWritten) await usual();
        return DISCONNECT;
      });
      const first = producer.send({ topic: "a", value: "1" });
      await test.client.discoverController();
      const second = producer.send({ topic: "a", value: "2" });
      assertEquals((await first).offset, 0);
      assertEquals((await second).offset, 1);
      assertEquals(test.cluster.log("a").values(), ["1", "2"]);
    });
  }
});

Deno.test("Producer keeps order when the first of several batches in flight fails", async () => {
  await using test = setup();
  const producer = test.client.producer({ batchSize: 200, linger: 0 });
  test.cluster.once(produce, refuse(ErrorCode.NOT_ENOUGH_REPLICAS));
  const values = Array.from({ length: 40 }, (_, i) => `value number ${i} of many`);
  await producer.sendBatch(values.map((value) => ({ topic: "a", value })));
  assertEquals(test.cluster.log("a").values(), values);
  assert(test.cluster.received(produce).length > test.cluster.log("a").batches.length);
});

Deno.test("Producer without idempotence keeps order on retry with one request in flight", async () => {
  await using test = setup();
  const producer = test.client.producer({ idempotence: false, maxInFlight: 1, batchSize: 200 });
  test.cluster.once(produce, refuse(ErrorCode.NOT_ENOUGH_REPLICAS));
  const values = Array.from({ length: 40 }, (_, i) => `value number ${i} of many`);
  await producer.sendBatch(values.map((value) => ({ topic: "a", value })));
  assertEquals(test.cluster.log("a").values(), values);
});

Deno.test("Producer follows the leader of a partition", async () => {
  await using test = setup({ brokers: 2, topics: { a: 1 } });
  const producer = test.client.producer();
  await producer.send({ topic: "a", value: "1" });
  test.cluster.moveLeader("a", 0, 1);
  await producer.send({ topic: "a", value: "2" });
  assertEquals(test.cluster.log("a").values(), ["1", "2"]);
  assertEquals(test.cluster.received(produce).map(({ nodeId }) => nodeId), [0, 0, 1]);
});

Deno.test("Producer goes to the leader that an answer names without asking for metadata (KIP-951)", async () => {
  await using test = setup({ brokers: 2, topics: { a: 1 } });
  const producer = test.client.producer();
  await producer.send({ topic: "a", value: "1" });
  test.cluster.moveLeader("a", 0, 1);
  const before = test.cluster.received(metadata).length;
  test.cluster.once(produce, (request) => ({
    responses: [{
      name: request.topicData[0]!.name,
      topicId: request.topicData[0]!.topicId,
      partitionResponses: [{
        index: 0,
        errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
        baseOffset: -1,
        currentLeader: { leaderId: 1, leaderEpoch: 1 },
      }],
    }],
    nodeEndpoints: [{ nodeId: 1, host: "broker-1", port: 9092, rack: null }],
  }));
  await producer.send({ topic: "a", value: "2" });
  assertEquals(test.cluster.log("a").values(), ["1", "2"]);
  assertEquals(test.cluster.received(metadata).length, before);
});

Deno.test("Producer moves on to another broker when one goes down", async () => {
  await using test = setup({ brokers: 2, topics: { a: 1 } });
  const producer = test.client.producer();
  await producer.send({ topic: "a", value: "1" });
  test.cluster.down.add(0);
  test.cluster.disconnect(0);
  const sent = producer.send({ topic: "a", value: "2" });
  test.cluster.moveLeader("a", 0, 1);
  assertEquals((await sent).offset, 1);
});

Deno.test("Producer splits a batch that the broker finds too large", async () => {
  await using test = setup();
  test.cluster.log("a").maxMessageBytes = 400;
  const producer = test.client.producer({ linger: 0 });
  const values = Array.from({ length: 20 }, (_, i) => `${i}`.padStart(60, "."));
  const first = producer.sendBatch(values.map((value) => ({ topic: "a", value })));
  const results = await first;
  assertEquals(results.map(({ offset }) => offset), values.map((_, i) => i));
  assertEquals(test.cluster.log("a").values(), values);
  assertEquals((await producer.send({ topic: "a", value: "after" })).offset, 20);
});

Deno.test("Producer fails a message that is too large and sends those around it", async () => {
  await using test = setup();
  test.cluster.log("a").maxMessageBytes = 400;
  const producer = test.client.producer();
  const sent = ["before", "x".repeat(1000), "after"]
    .map((value) => producer.send({ topic: "a", value }));
  const [before, large, after] = await Promise.allSettled(sent);
  assertEquals(before!.status, "fulfilled");
  assertEquals(after!.status, "fulfilled");
  const { reason } = large as PromiseRejectedResult;
  assertInstanceOf(reason, KafkaError);
  assertEquals(reason.code, "MESSAGE_TOO_LARGE");
  assertStringIncludes(reason.message, 'Cannot append to "a-0"');
  assertEquals(test.cluster.log("a").values(), ["before", "after"]);
});

Deno.test("Producer raises its epoch when a batch was given up (KIP-360)", async () => {
  await using test = setup();
  const producer = test.client.producer({ linger: 0 });
  await producer.send({ topic: "a", value: "1" });
  test.cluster.once(produce, refuse(ErrorCode.INVALID_RECORD));
  await assertRejects(
    () => producer.send({ topic: "a", value: "bad" }),
    KafkaError,
    "INVALID_RECORD",
  );
  await producer.send({ topic: "a", value: "2" });
  assertEquals(test.cluster.log("a").values(), ["1", "2"]);
  assertEquals(
    test.cluster.log("a").batches.map((batch) => [batch.producerEpoch, batch.baseSequence]),
    [[0, 0], [1, 0]],
  );
  assertEquals(test.cluster.received(initProducerId).length, 1);
});

Deno.test("Producer recovers when the broker has forgotten it", async (t) => {
  for (
    const name of [
      "UNKNOWN_PRODUCER_ID",
      "OUT_OF_ORDER_SEQUENCE_NUMBER",
      "INVALID_PRODUCER_EPOCH",
    ] as const
  ) {
    await t.step(name, async () => {
      await using test = setup();
      const producer = test.client.producer();
      await producer.send({ topic: "a", value: "1" });
      test.cluster.once(produce, refuse(ErrorCode[name]));
      assertEquals((await producer.send({ topic: "a", value: "2" })).offset, 1);
      const [, batch] = test.cluster.log("a").batches;
      assertEquals([batch!.producerEpoch, batch!.baseSequence], [1, 0]);
      assert(batch!.isCrcValid());
    });
  }
});

Deno.test("Producer takes DUPLICATE_SEQUENCE_NUMBER for success with an unknown offset", async () => {
  await using test = setup();
  const producer = test.client.producer();
  test.cluster.once(produce, refuse(ErrorCode.DUPLICATE_SEQUENCE_NUMBER));
  assertEquals(await producer.send({ topic: "a", value: "1", timestamp: 5 }), {
    topic: "a",
    partition: 0,
    offset: -1,
    timestamp: 5,
  });
});

Deno.test("Producer reports the timestamp that the broker has set", async () => {
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

Deno.test("Producer fails a message at once that the broker refuses for good", async () => {
  await using test = setup();
  const producer = test.client.producer();
  test.cluster.once(produce, (request) => ({
    responses: [{
      name: request.topicData[0]!.name,
      topicId: request.topicData[0]!.topicId,
      partitionResponses: [{
        index: 0,
        errorCode: ErrorCode.INVALID_RECORD,
        baseOffset: -1,
        errorMessage: "one record is bad",
        recordErrors: [{ batchIndex: 0, batchIndexErrorMessage: "it has no key" }],
      }],
    }],
  }));
  const error = await assertRejects(() => producer.send({ topic: "a", value: "1" }), KafkaError);
  assertEquals(error.message, 'Cannot append to "a-0": it has no key (INVALID_RECORD)');
  assertEquals(error.errorCode, 87);
  assert(!error.retriable);
});

Deno.test("Producer.send() to a topic that does not exist fails soon", async () => {
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

Deno.test("Producer fails messages to a topic that was deleted", async () => {
  await using test = setup();
  const producer = test.client.producer();
  await producer.send({ topic: "a", value: "1" });
  test.cluster.topics.delete("a");
  const error = await assertRejects(() => producer.send({ topic: "a", value: "2" }), KafkaError);
  assertEquals(error.code, "UNKNOWN_TOPIC_OR_PARTITION");
});

Deno.test("Producer.send() checks the partition, looking for new ones first", async () => {
  await using test = setup();
  const producer = test.client.producer();
  await producer.send({ topic: "a", value: "1" });
  test.cluster.addPartitions("a", 3);
  assertEquals((await producer.send({ topic: "a", partition: 2, value: "2" })).partition, 2);
  await assertRejects(
    () => producer.send({ topic: "a", partition: 3, value: "3" }),
    KafkaError,
    "it has 3 partitions, none is number 3",
  );
  await assertRejects(
    () => producer.send({ topic: "a", partition: -1, value: "3" }),
    UsageError,
    "partition is -1",
  );
});

Deno.test("Producer uses the partitioner it is given", async () => {
  await using test = setup({ topics: { a: 3 } });
  const producer = test.client.producer({
    partitioner: ({ key }, count) => key === "last" ? count - 1 : undefined,
  });
  assertEquals((await producer.send({ topic: "a", key: "last", value: "v" })).partition, 2);
  // By murmur2, as the Java client has it: hash 479470107 of "abc".
  assertEquals(
    (await producer.send({ topic: "a", key: "abc", value: "v" })).partition,
    479470107 % 3,
  );
});

Deno.test("Producer keeps to one partition without keys until a batch is full", async () => {
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
  const producer = test.client.producer({ bufferMemory: 1000, linger: 0 });
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

Deno.test("Producer gives up messages after deliveryTimeout", async (t) => {
  await t.step("sent and not answered", async () => {
    await using test = setup();
    const producer = test.client.producer({ deliveryTimeout: 30 });
    test.cluster.on(produce, () => NO_ANSWER);
    const error = await assertRejects(
      () => producer.send({ topic: "a", value: "1" }),
      TimeoutError,
    );
    assertStringIncludes(error.message, 'Cannot append to "a-0" within 30 ms');
    await producer.close();
  });
  await t.step("refused again and again", async () => {
    await using test = setup();
    const producer = test.client.producer({ deliveryTimeout: 30 });
    test.cluster.on(produce, refuse(ErrorCode.NOT_ENOUGH_REPLICAS));
    const error = await assertRejects(
      () => producer.send({ topic: "a", value: "1" }),
      TimeoutError,
    );
    assertInstanceOf(error.cause, KafkaError);
    assertEquals((error.cause as KafkaError).code, "NOT_ENOUGH_REPLICAS");
  });
  await t.step("never sent for lack of a topic", async () => {
    await using test = setup();
    const producer = test.client.producer({ deliveryTimeout: 30 });
    test.cluster.on(metadata, () => NO_ANSWER);
    await assertRejects(
      () => producer.send({ topic: "a", value: "1" }),
      TimeoutError,
      "its partitions are not known yet",
    );
  });
});

Deno.test("Producer numbers rightly after a batch was given up that had been written", async () => {
  await using test = setup();
  const producer = test.client.producer({ deliveryTimeout: 40, linger: 0 });
  test.cluster.once(produce, async (_request, { usual }) => {
    await usual();
    return NO_ANSWER;
  });
  await assertRejects(() => producer.send({ topic: "a", value: "1" }), TimeoutError);
  // The answer never comes; the connection is given up, and what follows goes on under a new epoch.
  test.cluster.disconnect();
  assertEquals((await producer.send({ topic: "a", value: "2" })).offset, 1);
  assertEquals(test.cluster.log("a").values(), ["1", "2"]);
});

Deno.test("Producer.flush() sends without lingering and waits for all messages", async () => {
  await using test = setup();
  const producer = test.client.producer({ linger: 60_000 });
  let written = 0;
  for (let i = 0; i < 3; i++) producer.send({ topic: "a", value: `${i}` }).then(() => written++);
  await producer.flush();
  assertEquals(written, 3);
});

Deno.test("Producer.flush() can be given up", async () => {
  await using test = setup();
  const producer = test.client.producer({ deliveryTimeout: 100 });
  test.cluster.on(produce, () => NO_ANSWER);
  const sent = producer.send({ topic: "a", value: "1" });
  const reason = new Error("enough");
  const controller = new AbortController();
  const flushed = producer.flush({ signal: controller.signal });
  controller.abort(reason);
  assertEquals(await assertRejects(() => flushed), reason);
  await assertRejects(() => sent, TimeoutError);
});

Deno.test("Producer.close() sends what waits, then refuses more", async () => {
  await using test = setup();
  const producer = test.client.producer({ linger: 60_000 });
  const sent = producer.send({ topic: "a", value: "1" });
  await producer.close();
  assertEquals((await sent).offset, 0);
  await assertRejects(() => producer.send({ topic: "a", value: "2" }), ClosedError);
  await assertRejects(() => producer.flush(), ClosedError);
  await producer.close();
});

Deno.test("Producer.close() with a timeout fails what could not be sent", async () => {
  await using test = setup();
  const producer = test.client.producer();
  test.cluster.on(produce, () => NO_ANSWER);
  const sent = producer.send({ topic: "a", value: "1" });
  await Promise.all([
    producer.close({ timeout: 10 }),
    assertRejects(() => sent, ClosedError),
  ]);
});

Deno.test("Client.close() closes its producers first", async () => {
  const { cluster, client } = setup();
  const sent = client.producer({ linger: 60_000 }).send({ topic: "a", value: "1" });
  await client.close();
  assertEquals((await sent).offset, 0);
  assertEquals(cluster.connectionCount, 0);
  assertThrows(() => client.producer(), ClosedError);
});

Deno.test("Producer.writable() sends what is written to it", async () => {
  await using test = setup();
  const producer = test.client.producer();
  await ReadableStream.from([
    "text",
    Uint8Array.of(98),
    { key: "k", value: "message" },
  ]).pipeTo(producer.writable("a"));
  assertEquals(test.cluster.log("a").values(), ["text", "b", "message"]);
});

Deno.test("Producer.writable() holds the writer back while the buffer memory is full", async () => {
  await using test = setup();
  const producer = test.client.producer({ bufferMemory: 500, linger: 0 });
  const values = Array.from({ length: 100 }, (_, i) => `${i}`.padStart(100, "."));
  await ReadableStream.from(values).pipeTo(producer.writable("a"));
  assertEquals(test.cluster.log("a").values(), values);
});

Deno.test("Producer.writable() fails with the error of a message", async () => {
  await using test = setup();
  const producer = test.client.producer();
  test.cluster.on(produce, refuse(ErrorCode.TOPIC_AUTHORIZATION_FAILED));
  const writer = producer.writable("a").getWriter();
  await writer.write("1");
  const error = await assertRejects(() => writer.close(), KafkaError);
  assertEquals(error.code, "TOPIC_AUTHORIZATION_FAILED");
  await assertRejects(() => writer.closed, KafkaError);
});

Deno.test("Producer honours the throttle time of an answer (KIP-219)", async () => {
  await using test = setup();
  const producer = test.client.producer({ linger: 0 });
  test.cluster.once(produce, async (_request, { usual }) => ({
    ...await usual(),
    throttleTimeMs: 100,
  }));
  await producer.send({ topic: "a", value: "1" });
  const second = producer.send({ topic: "a", value: "2" });
  await test.client.discoverController();
  assertEquals(test.cluster.received(produce).length, 1);
  assertEquals((await second).offset, 1);
});

Deno.test("Producer names topics by name where the broker has no ids (Produce before 13)", async (t) => {
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

Deno.test("Producer writes each message once and in order whatever goes wrong", async () => {
  const seed = Deno.env.get("DQUEUE_TEST_SEED") ?? String(Math.floor(Math.random() * 2 ** 32));
  console.log(`seed ${seed}`);
  const random = seededRandom(Number(seed));
  await using test = setup({ brokers: 3, topics: { a: 4 } });
  // One batch in each request, so that a bad one is refused alone.
  const producer = test.client.producer({
    batchSize: 300,
    bufferMemory: 20_000,
    maxRequestSize: 1,
  });
  test.cluster.on(produce, async (request, { usual, nodeId }) => {
    // Which batches are refused for good depends on what is in them, as with a real broker.
    const [{ index, records }] = request.topicData[0]!.partitionData as [ProducedPartition];
    const isBad = new TextDecoder().decode(records!).includes("bad");
    const answer = () =>
      isBad && test.cluster.log("a", index).leaderId === nodeId
        ? refuse(ErrorCode.INVALID_RECORD)(request)
        : usual();
    const dice = random();
    if (dice < 0.05) return refuse(ErrorCode.NOT_ENOUGH_REPLICAS)(request);
    if (dice < 0.1) return DISCONNECT;
    if (dice < 0.15) {
      await answer();
      return DISCONNECT;
    }
    if (dice < 0.2) {
      test.cluster.moveLeader("a", Math.floor(random() * 4), Math.floor(random() * 3));
    }
    if (dice < 0.25) test.cluster.disconnect(nodeId);
    if (dice < 0.5) await new Promise((resolve) => setTimeout(resolve, random() * 2));
    return await answer();
  });
  const sent: { value: string; partition: number; result: Promise<unknown> }[] = [];
  for (let i = 0; i < 3000; i++) {
    const partition = Math.floor(random() * 4);
    const value = `${random() < 0.01 ? "bad" : "good"} ${i}`.padStart(20, "0");
    const result = producer.send({ topic: "a", partition, value }).catch((error) => error);
    sent.push({ value, partition, result });
    if (random() < 0.02) await sent[Math.floor(random() * sent.length)]!.result;
  }
  const written: string[][] = [[], [], [], []];
  for (const { value, partition, result } of sent) {
    const outcome = await result;
    if (outcome instanceof KafkaError) assertEquals(outcome.code, "INVALID_RECORD");
    else written[partition]!.push(value);
  }
  for (let partition = 0; partition < 4; partition++) {
    const found = test.cluster.log("a", partition).values();
    const differs = found.findIndex((value, index) => value !== written[partition]![index]);
    assertEquals([found.length, differs], [written[partition]!.length, -1]);
  }
});

Deno.test("Producer's batches are whole and carry valid checksums when sent again", async () => {
  await using test = setup();
  const producer = test.client.producer();
  const seen: number[] = [];
  let left = 3;
  test.cluster.on(produce, (request, { usual }) => {
    const batch = new RecordBatch(request.topicData[0]!.partitionData[0]!.records!);
    assert(batch.isCrcValid());
    seen.push(batch.baseSequence);
    return left-- > 0 ? refuse(ErrorCode.NOT_ENOUGH_REPLICAS)(request) : usual();
  });
  await producer.send({ topic: "a", value: "1" });
  assertEquals(seen, [0, 0, 0, 0]);
});
