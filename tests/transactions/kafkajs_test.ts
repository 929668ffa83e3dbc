/**
 * Tests of transactions of kafkajs.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import { kafkaJs, type KafkaJSProtocolError, Partitioners } from "../support/clients/kafkajs.ts";
import { TransactionBroker } from "../support/broker/transaction_broker.ts";

async function producerOf({ address, topic }: TransactionBroker, name: string, timeout = 60_000) {
  const producer = kafkaJs(address).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    transactionalId: `${topic}-${name}`,
    transactionTimeout: timeout,
    idempotent: true,
    maxInFlightRequests: 1,
    retry: { retries: 10, initialRetryTime: 20 },
  });
  await producer.connect();
  return { ...producer, [Symbol.asyncDispose]: () => producer.disconnect() };
}

function message(partition: number, value: string) {
  return { partition, value };
}

async function errorOf(promise: Promise<unknown>): Promise<string> {
  const error = await assertRejects(() => promise);
  return (error as KafkaJSProtocolError).type;
}

Deno.test("kafkajs's transactions are committed or aborted as one", async () => {
  await using broker = await TransactionBroker.start();
  const { topic } = broker;
  await using producer = await producerOf(broker, "plain");
  const committed = await producer.transaction();
  await committed.send({ topic, messages: [message(0, "a"), message(1, "b")] });
  assertEquals(await broker.read("read_committed"), [[], []]);
  assertEquals(await broker.read("read_uncommitted"), [["a"], ["b"]]);
  await committed.commit();
  const aborted = await producer.transaction();
  await aborted.send({ topic, messages: [message(0, "no"), message(1, "no")] });
  await aborted.abort();
  const last = await producer.transaction();
  await last.send({ topic, messages: [message(1, "c")] });
  await last.send({ topic, messages: [message(0, "d")] });
  await last.commit();
  await broker.settled();
  assertEquals(await broker.read("read_committed"), [["a", "d"], ["b", "c"]]);
  assertEquals(await broker.read("read_uncommitted"), [["a", "no", "d"], ["b", "no", "c"]]);
});

Deno.test("kafkajs's producer is fenced by a new one with its transactional id", async () => {
  await using broker = await TransactionBroker.start();
  const { topic } = broker;
  await using zombie = await producerOf(broker, "fenced");
  const fenced = await zombie.transaction();
  await fenced.send({ topic, messages: [message(0, "no")] });
  await using successor = await producerOf(broker, "fenced");
  const transaction = await successor.transaction();
  assertEquals(
    await errorOf(fenced.send({ topic, messages: [message(0, "no")] })),
    "INVALID_PRODUCER_EPOCH",
  );
  assertEquals(await errorOf(fenced.commit()), "INVALID_PRODUCER_EPOCH");
  await transaction.send({ topic, messages: [message(0, "yes")] });
  await transaction.commit();
  await broker.settled();
  assertEquals(await broker.read("read_committed"), [["yes"], []]);
});

Deno.test("kafkajs's transaction is aborted when it times out", async () => {
  await using broker = await TransactionBroker.start();
  const { topic } = broker;
  await using producer = await producerOf(broker, "late", 300);
  const late = await producer.transaction();
  await late.send({ topic, messages: [message(0, "no")] });
  await broker.settled();
  assertEquals(await errorOf(late.commit()), "INVALID_PRODUCER_EPOCH");
  await using successor = await producerOf(broker, "late", 10_000);
  const transaction = await successor.transaction();
  await transaction.send({ topic, messages: [message(0, "yes")] });
  await transaction.commit();
  await broker.settled();
  assertEquals(await broker.read("read_committed"), [["yes"], []]);
});

Deno.test("kafkajs's offsets are committed with their transaction", async () => {
  await using broker = await TransactionBroker.start();
  const { topic, input } = broker;
  await using producer = await producerOf(broker, "transform");
  const consumerGroupId = `${topic}-group`;
  const commit = async (offset: string, end: "commit" | "abort") => {
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [message(0, `${end} ${offset}`)] });
    const topics = [{ topic: input, partitions: [{ partition: 0, offset }] }];
    await transaction.sendOffsets({ consumerGroupId, topics });
    await transaction[end]();
  };
  await commit("3", "abort");
  assertEquals(await broker.committed(consumerGroupId), -1);
  await commit("5", "commit");
  await commit("7", "abort");
  await broker.settled();
  assertEquals(await broker.committed(consumerGroupId), 5);
  assertEquals(await broker.read("read_committed"), [["commit 5"], []]);
});

Deno.test("kafkajs's consumer reads what is committed only", async () => {
  await using broker = await TransactionBroker.start();
  const { topic, address } = broker;
  await using first = await producerOf(broker, "first");
  await using second = await producerOf(broker, "second");
  // Transactions of two producers lie within each other.
  const [one, two] = [await first.transaction(), await second.transaction()];
  for (let i = 0; i < 3; i++) {
    await one.send({ topic, messages: [message(0, `yes ${i}`)] });
    await two.send({ topic, messages: [message(0, `no ${i}`)] });
  }
  await two.abort();
  await one.commit();
  const last = await second.transaction();
  await last.send({ topic, messages: [message(0, "last")] });
  await last.commit();
  const consumer = kafkaJs(address).consumer({
    groupId: `${topic}-readers`,
    readUncommitted: false,
  });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    const values: string[] = [];
    const done = Promise.withResolvers<void>();
    await consumer.run({
      eachMessage: ({ message: { value } }) => {
        values.push(value!.toString());
        if (values.at(-1) === "last") done.resolve();
        return Promise.resolve();
      },
    });
    await done.promise;
    assertEquals(values, ["yes 0", "yes 1", "yes 2", "last"]);
  } finally {
    await consumer.disconnect();
  }
});
