import { assertEquals, assertRejects } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { fetch, listOffsets } from "../../protocol/messages/mod.ts";
import { RecordBatch } from "../../protocol/records/record_batch.ts";
import { RecordBatchBuilder } from "../../protocol/records/record_batch_builder.ts";
import { KafkaError, ProtocolError, TimeoutError, UsageError } from "../errors.ts";
import type { Message } from "./message.ts";
import { PATIENT_RETRIES, pollAll, setup, texts, write } from "../testing/client_setup.ts";
import { DISCONNECT } from "../testing/fake_cluster.ts";
import { Random } from "../../protocol/random_testing.ts";
import { eachSeed } from "../../protocol/seeds_testing.ts";

/** A batch of a transaction. */
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

Deno.test("Consumer continues at the start when its position is out of range", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["0"]);
  write(test.cluster, "a", 0, ["1"]);
  test.cluster.log("a").logStartOffset = 1;
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  await consumer.seek("a", 0, 0);
  assertEquals(texts(await pollAll(consumer, 1)), ["1"]);
});

Deno.test("Consumer with autoOffsetReset none throws without a position and out of range", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["0"]);
  const consumer = test.client.consumer({ autoOffsetReset: "none" });
  await consumer.subscribe("a");
  await assertRejects(() => consumer.poll(), UsageError, 'Cannot read "a-0": it has no position');
  write(test.cluster, "a", 0, ["1"]);
  test.cluster.log("a").logStartOffset = 1;
  await consumer.seek("a", 0, 0);
  const error = await assertRejects(() => consumer.poll(), KafkaError);
  assertEquals(error.code, "OFFSET_OUT_OF_RANGE");
  assertEquals(
    error.message,
    'Cannot fetch from "a-0" at offset 0: OFFSET_OUT_OF_RANGE',
  );
  await consumer.seek("a", 0, 1);
  assertEquals(texts(await pollAll(consumer, 1)), ["1"]);
});

Deno.test("Consumer continues after a lost connection", async () => {
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

Deno.test("Consumer goes to a new leader at once, however long its back-off is", async (t) => {
  const options = { brokers: 2, topics: { a: 1 } };
  await t.step("refused without the name of the leader", async () => {
    const maxVersions = { [fetch.key]: 11 };
    await using test = setup({ ...options, maxVersions }, { retry: PATIENT_RETRIES });
    write(test.cluster, "a", 0, ["1"]);
    await using consumer = test.client.consumer();
    await consumer.subscribe("a");
    assertEquals(texts(await consumer.poll(1)), ["1"]);
    test.cluster.moveLeader("a", 0, 1);
    write(test.cluster, "a", 0, ["2"]);
    assertEquals(texts(await pollAll(consumer, 1)), ["2"]);
  });
  await t.step("after a lost connection", async () => {
    await using test = setup(options, { retry: PATIENT_RETRIES });
    write(test.cluster, "a", 0, ["1"]);
    await using consumer = test.client.consumer();
    await consumer.subscribe("a");
    assertEquals(texts(await consumer.poll(1)), ["1"]);
    test.cluster.moveLeader("a", 0, 1);
    test.cluster.disconnect(0);
    write(test.cluster, "a", 0, ["2"]);
    assertEquals(texts(await pollAll(consumer, 1)), ["2"]);
  });
});

Deno.test("Consumer reads from the other brokers while one is down", async () => {
  await using test = setup({ brokers: 2, topics: { a: 2 } });
  write(test.cluster, "a", 1, ["1"]);
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  test.cluster.down.add(0);
  test.cluster.disconnect(0);
  assertEquals(texts(await pollAll(consumer, 1)), ["1"]);
});

Deno.test("Consumer.poll() throws when a partition cannot be read within its timeout", async () => {
  await using test = setup({ topics: { a: 1 } }, { timeoutMs: 50 });
  const { client, cluster } = test;
  const consumer = client.consumer();
  await consumer.subscribe("a");
  cluster.on(fetch, () => DISCONNECT);
  const error = await assertRejects(() => consumer.poll(1, { timeoutMs: 5000 }), TimeoutError);
  assertEquals(error.message.startsWith('Cannot fetch from "a-0" for 50 ms'), true);
});

Deno.test("Consumer.poll() throws when its topic was deleted", async () => {
  await using test = setup();
  const consumer = test.client.consumer({ maxWaitMs: 5 });
  await consumer.subscribe("a");
  test.cluster.topics.delete("a");
  const error = await assertRejects(() => consumer.poll(1, { timeoutMs: 5000 }), KafkaError);
  assertEquals(error.code, "UNKNOWN_TOPIC_OR_PARTITION");
});

Deno.test("Consumer reads partitions that are added", async () => {
  await using test = setup({ topics: { a: 1 } }, { metadataMaxAgeMs: 10 });
  const { client, cluster } = test;
  const consumer = client.consumer({ maxWaitMs: 5, autoOffsetReset: "latest" });
  await consumer.subscribe("a");
  cluster.addPartitions("a", 2);
  write(cluster, "a", 1, ["in the new one"]);
  assertEquals(texts(await pollAll(consumer, 1)), ["in the new one"]);
  assertEquals(consumer.assignment.length, 2);
});

Deno.test("Consumer reads a topic that was deleted and created again from its start", async () => {
  await using test = setup();
  const { client, cluster } = test;
  write(cluster, "a", 0, ["old", "old"]);
  const consumer = client.consumer({ maxWaitMs: 5 });
  await consumer.subscribe("a");
  await pollAll(consumer, 2);
  cluster.createTopic("a", 1);
  write(cluster, "a", 0, ["new"]);
  assertEquals(texts(await pollAll(consumer, 1)), ["new"]);
});

Deno.test("Consumer skips control batches", async () => {
  await using test = setup();
  const log = test.cluster.log("a");
  log.appendAsIs(transactional(1, ["committed"]));
  log.appendAsIs(marker(1, "commit"));
  const consumer = test.client.consumer({ maxWaitMs: 5 });
  await consumer.subscribe("a");
  assertEquals(texts(await pollAll(consumer, 1)), ["committed"]);
  assertEquals(consumer.position("a", 0), 2);
  log.appendAsIs(marker(1, "commit"));
  await consumer.poll(1, { timeoutMs: 30 });
  assertEquals(consumer.position("a", 0), 3);
});

Deno.test("Consumer with isolation level read_committed skips aborted transactions", async () => {
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

Deno.test("Consumer throws for a corrupt batch, and skips it with onCorruptBatch", async () => {
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

Deno.test("Consumer with checkCrcs false does not verify CRCs", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["damaged"]);
  const { bytes } = test.cluster.log("a").batches[0]!;
  bytes[bytes.length - 2]! ^= 1;
  const consumer = test.client.consumer({ checkCrcs: false });
  await consumer.subscribe("a");
  assertEquals((await consumer.poll()).length, 1);
});

Deno.test("Consumer does not delay a busy partition by the fetch of an idle one", async () => {
  await using test = setup({ topics: { busy: 1, idle: 1 } });
  for (let i = 0; i < 50; i++) write(test.cluster, "busy", 0, ["x".repeat(500)]);
  const consumer = test.client.consumer({ maxWaitMs: 60_000, maxPartitionBytes: 1000 });
  await consumer.subscribe(["idle", "busy"]);
  assertEquals((await pollAll(consumer, 50)).length, 50);
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

Deno.test("Consumer identifies topics by name where the broker has no ids (Fetch before 13)", async (t) => {
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

Deno.test("Consumer retries a fetch that the broker refuses temporarily", async () => {
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

Deno.test("Consumer reads each message once and in order under random failures", async (t) => {
  await eachSeed(t, 1, async (seed) => {
    const random = new Random(seed);
    await using test = setup({ brokers: 3, topics: { a: 3, b: 2 } });
    const consumer = test.client.consumer({ maxPartitionBytes: 300, maxWaitMs: 5 });
    await consumer.subscribe(["a", "b"]);
    test.cluster.on(fetch, async (_request, { usual, nodeId }) => {
      const dice = random.next();
      if (dice < 0.05) return DISCONNECT;
      if (dice < 0.1) test.cluster.disconnect(nodeId);
      if (dice < 0.15) {
        test.cluster.moveLeader("a", Math.floor(random.next() * 3), Math.floor(random.next() * 3));
      }
      if (dice < 0.3) await new Promise((resolve) => setTimeout(resolve, random.next() * 2));
      return await usual();
    });
    const places = [["a", 0], ["a", 1], ["a", 2], ["b", 0], ["b", 1]] as const;
    const written = new Map(places.map(([topic, partition]) => [`${topic}-${partition}`, 0]));
    const read = new Map(written);
    let left = 0;
    for (let round = 0; round < 300; round++) {
      const [topic, partition] = places[Math.floor(random.next() * places.length)]!;
      const count = Math.ceil(random.next() * 5);
      const key = `${topic}-${partition}`;
      const first = written.get(key)!;
      write(
        test.cluster,
        topic,
        partition,
        Array.from({ length: count }, (_, i) => `${first + i}`),
      );
      written.set(key, first + count);
      left += count;
      if (random.next() < 0.1) consumer.pause(topic, partition);
      if (random.next() < 0.3) consumer.resume(topic);
      const messages = await consumer.poll(Math.ceil(random.next() * 20), { timeoutMs: 0 });
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
});
