import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { initProducerId, metadata, produce } from "../../protocol/messages/mod.ts";
import { RecordBatch } from "../../protocol/records/record_batch.ts";
import { SendBatchError } from "./delivery.ts";
import { KafkaError, TimeoutError } from "../errors.ts";
import { PATIENT_RETRIES, refuse, setup } from "../testing/client_setup.ts";
import { DISCONNECT, NO_ANSWER } from "../testing/fake_cluster.ts";
import { Random } from "../../protocol/random_testing.ts";
import { eachSeed } from "../../protocol/seeds_testing.ts";

interface ProducedPartition {
  readonly index: number;
  readonly records: Uint8Array | null;
}

Deno.test("Producer retries after a lost connection and writes each message once", async (t) => {
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

Deno.test("Producer preserves order when the first of several batches in flight fails", async () => {
  await using test = setup();
  const producer = test.client.producer({ batchSize: 200, lingerMs: 0 });
  test.cluster.once(produce, refuse(ErrorCode.NOT_ENOUGH_REPLICAS));
  const values = Array.from({ length: 40 }, (_, i) => `value number ${i} of many`);
  await producer.sendBatch(values.map((value) => ({ topic: "a", value })));
  assertEquals(test.cluster.log("a").values(), values);
  assert(test.cluster.received(produce).length > test.cluster.log("a").batches.length);
});

Deno.test("Producer without idempotence preserves order on retry with one request in flight", async () => {
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

Deno.test("Producer follows the leader named in a response without requesting metadata (KIP-951)", async () => {
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

Deno.test("Producer goes to a new leader at once, however long its back-off is", async (t) => {
  const options = { brokers: 2, topics: { a: 1 } };
  await t.step("refused without the name of the leader", async () => {
    const maxVersions = { [produce.key]: 9 };
    await using test = setup({ ...options, maxVersions }, { retry: PATIENT_RETRIES });
    const producer = test.client.producer();
    await producer.send({ topic: "a", value: "1" });
    test.cluster.moveLeader("a", 0, 1);
    assertEquals((await producer.send({ topic: "a", value: "2" })).offset, 1);
  });
  await t.step("after a lost connection", async () => {
    await using test = setup(options, { retry: PATIENT_RETRIES });
    const producer = test.client.producer();
    await producer.send({ topic: "a", value: "1" });
    test.cluster.once(produce, () => {
      test.cluster.moveLeader("a", 0, 1);
      return DISCONNECT;
    });
    assertEquals((await producer.send({ topic: "a", value: "2" })).offset, 1);
  });
});

Deno.test("Producer switches to another broker when one goes down", async () => {
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
  const producer = test.client.producer({ lingerMs: 0 });
  const values = Array.from({ length: 20 }, (_, i) => `${i}`.padStart(60, "."));
  const first = producer.sendBatch(values.map((value) => ({ topic: "a", value })));
  const results = await first;
  assertEquals(results.map(({ offset }) => offset), values.map((_, i) => i));
  assertEquals(test.cluster.log("a").values(), values);
  assertEquals((await producer.send({ topic: "a", value: "after" })).offset, 20);
});

Deno.test("Producer.sendBatch() returns the right results for batches that are split", async () => {
  await using test = setup({ topics: { a: 3 } });
  const producer = test.client.producer();
  // Batches of each partition, and their halves, are rejected.
  for (let i = 0; i < 3; i++) {
    test.cluster.once(produce, refuse(ErrorCode.MESSAGE_TOO_LARGE));
  }
  const messages = Array.from({ length: 100 }, (_, i) => ({
    topic: "a",
    value: `${i}`,
    ...(i % 10 < 5 ? { partition: i % 3 } : {}),
  }));
  const results = await producer.sendBatch(messages);
  for (const [i, { partition, offset }] of results.entries()) {
    assertEquals(test.cluster.log("a", partition).values()[offset], `${i}`);
  }
  const batchCounts = [0, 1, 2].map((partition) => test.cluster.log("a", partition).batches.length);
  assert(batchCounts.some((count) => count > 1), `${batchCounts}`);
});

Deno.test("Producer rejects a message that is too large and sends those around it", async () => {
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

Deno.test("Producer bumps its epoch after a batch has failed (KIP-360)", async () => {
  await using test = setup();
  const producer = test.client.producer({ lingerMs: 0 });
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

Deno.test("Producer recovers when its producer id is unknown to the broker", async (t) => {
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

Deno.test("Producer treats DUPLICATE_SEQUENCE_NUMBER as success with an unknown offset", async () => {
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

Deno.test("Producer rejects a message immediately when the broker refuses it permanently", async () => {
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

Deno.test("Producer reports for each message of a refused batch whether it was invalid (KIP-467)", async () => {
  await using test = setup();
  const producer = test.client.producer({ lingerMs: 20 });
  const refused = (name: string, topicId: string) => ({
    responses: [{
      name,
      topicId,
      partitionResponses: [{
        index: 0,
        errorCode: ErrorCode.INVALID_RECORD,
        baseOffset: -1,
        errorMessage: "2 of 4 records are bad",
        recordErrors: [
          { batchIndex: 1, batchIndexErrorMessage: "it has no key" },
          { batchIndex: 3, batchIndexErrorMessage: null },
        ],
      }],
    }],
  });
  const other = "this message is valid, but other messages of its batch are not";
  const expected = [other, "it has no key", other, "2 of 4 records are bad"].map((text) =>
    `Cannot append to "a-0": ${text} (INVALID_RECORD)`
  );
  for (let round = 0; round < 2; round++) {
    test.cluster.once(
      produce,
      (request) => refused(request.topicData[0]!.name, request.topicData[0]!.topicId),
    );
    const messages = ["0", "1", "2", "3"].map((value) => ({ topic: "a", value }));
    if (round === 0) {
      const outcomes = await Promise.allSettled(messages.map((message) => producer.send(message)));
      assertEquals(
        outcomes.map((outcome) => outcome.status === "rejected" && outcome.reason.message),
        expected,
      );
    } else {
      const error = await assertRejects(() => producer.sendBatch(messages), SendBatchError);
      assertEquals(error.errors.map((each) => each?.message), expected);
    }
  }
});

Deno.test("Producer rejects messages to a deleted topic", async () => {
  await using test = setup();
  const producer = test.client.producer();
  await producer.send({ topic: "a", value: "1" });
  test.cluster.topics.delete("a");
  const error = await assertRejects(() => producer.send({ topic: "a", value: "2" }), KafkaError);
  assertEquals(error.code, "UNKNOWN_TOPIC_OR_PARTITION");
});

Deno.test("Producer times out messages after deliveryTimeoutMs", async (t) => {
  await t.step("sent without response", async () => {
    await using test = setup();
    const producer = test.client.producer({ deliveryTimeoutMs: 30 });
    test.cluster.on(produce, () => NO_ANSWER);
    const error = await assertRejects(
      () => producer.send({ topic: "a", value: "1" }),
      TimeoutError,
    );
    assertStringIncludes(error.message, 'Cannot append to "a-0" within 30 ms');
    await producer.close();
  });
  await t.step("refused repeatedly", async () => {
    await using test = setup();
    const producer = test.client.producer({ deliveryTimeoutMs: 30 });
    test.cluster.on(produce, refuse(ErrorCode.NOT_ENOUGH_REPLICAS));
    const error = await assertRejects(
      () => producer.send({ topic: "a", value: "1" }),
      TimeoutError,
    );
    assertInstanceOf(error.cause, KafkaError);
    assertEquals((error.cause as KafkaError).code, "NOT_ENOUGH_REPLICAS");
  });
  await t.step("never sent because the topic is unknown", async () => {
    await using test = setup();
    const producer = test.client.producer({ deliveryTimeoutMs: 30 });
    test.cluster.on(metadata, () => NO_ANSWER);
    await assertRejects(
      () => producer.send({ topic: "a", value: "1" }),
      TimeoutError,
      "its partitions are not known yet",
    );
  });
});

Deno.test("Producer continues with correct numbers after a batch timed out that had been written", async () => {
  await using test = setup();
  const producer = test.client.producer({ deliveryTimeoutMs: 40, lingerMs: 0 });
  test.cluster.once(produce, async (_request, { usual }) => {
    await usual();
    return NO_ANSWER;
  });
  await assertRejects(() => producer.send({ topic: "a", value: "1" }), TimeoutError);
  // The response never comes; the connection is closed, and later messages use a new epoch.
  test.cluster.disconnect();
  assertEquals((await producer.send({ topic: "a", value: "2" })).offset, 1);
  assertEquals(test.cluster.log("a").values(), ["1", "2"]);
});

Deno.test("Producer honours the throttle time of a response (KIP-219)", async () => {
  await using test = setup();
  const producer = test.client.producer({ lingerMs: 0 });
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

Deno.test("Producer writes each message once and in order under random failures", async (t) => {
  await eachSeed(t, 1, async (seed) => {
    const random = new Random(seed);
    await using test = setup({ brokers: 3, topics: { a: 4 } });
    // One batch per request, so that a bad one is refused alone.
    const producer = test.client.producer({
      batchSize: 300,
      bufferMemory: 20_000,
      maxRequestSize: 1,
    });
    test.cluster.on(produce, async (request, { usual, nodeId }) => {
      // Whether a batch is refused permanently depends on its content, as with a real broker.
      const [{ index, records }] = request.topicData[0]!.partitionData as [ProducedPartition];
      const isBad = new TextDecoder().decode(records!).includes("bad");
      const answer = () =>
        isBad && test.cluster.log("a", index).leaderId === nodeId
          ? refuse(ErrorCode.INVALID_RECORD)(request)
          : usual();
      const dice = random.next();
      if (dice < 0.05) return refuse(ErrorCode.NOT_ENOUGH_REPLICAS)(request);
      if (dice < 0.1) return DISCONNECT;
      if (dice < 0.15) {
        await answer();
        return DISCONNECT;
      }
      if (dice < 0.2) {
        test.cluster.moveLeader("a", Math.floor(random.next() * 4), Math.floor(random.next() * 3));
      }
      if (dice < 0.25) test.cluster.disconnect(nodeId);
      if (dice < 0.5) await new Promise((resolve) => setTimeout(resolve, random.next() * 2));
      return await answer();
    });
    const sent: { value: string; partition: number; result: Promise<unknown> }[] = [];
    for (let i = 0; i < 3000; i++) {
      const partition = Math.floor(random.next() * 4);
      const value = `${random.next() < 0.01 ? "bad" : "good"} ${i}`.padStart(20, "0");
      const result = producer.send({ topic: "a", partition, value }).catch((error) => error);
      sent.push({ value, partition, result });
      if (random.next() < 0.02) await sent[Math.floor(random.next() * sent.length)]!.result;
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
});

Deno.test("Producer retries complete batches with valid CRCs", async () => {
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
