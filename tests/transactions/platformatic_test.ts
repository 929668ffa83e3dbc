/**
 * Tests of transactions of `@platformatic/kafka`.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  Consumer,
  FetchIsolationLevels,
  platformaticOptions,
  Producer,
  stringDeserializers,
  stringSerializers,
} from "../support/clients/platformatic.ts";
import { TransactionBroker } from "../support/broker/transaction_broker.ts";

/** The id and epoch of a producer that has none; the default of this client is id 0 and epoch 0. */
const NOBODY = { producerId: -1n, producerEpoch: -1 };

function producerOf(
  { address, topic }: TransactionBroker,
  name: string,
  { timeout = 60_000, ...claimed }: {
    timeout?: number;
    producerId?: bigint;
    producerEpoch?: number;
  } = NOBODY,
) {
  const producer = new Producer({
    ...platformaticOptions(address),
    retries: 20,
    retryDelay: 20,
    timeout,
    transactionalId: `${topic}-${name}`,
    idempotent: true,
    ...claimed,
    serializers: stringSerializers,
  });
  return Object.assign(producer, { [Symbol.asyncDispose]: () => producer.close() });
}

/** The names of the protocol's errors within an error. */
function namesOf(error: unknown): string[] {
  const { apiId, errors = [], cause } = error as {
    apiId?: string;
    errors?: unknown[];
    cause?: unknown;
  };
  return [
    ...apiId === undefined ? [] : [apiId],
    ...errors.flatMap(namesOf),
    ...cause === undefined ? [] : namesOf(cause),
  ];
}

async function errorOf(promise: Promise<unknown>): Promise<string | undefined> {
  return namesOf(await assertRejects(() => promise))[0];
}

Deno.test("platformatic's transactions are committed or aborted as one", async () => {
  await using broker = await TransactionBroker.start();
  const { topic } = broker;
  await using producer = producerOf(broker, "plain");
  const committed = await producer.beginTransaction();
  await committed.send({
    messages: [{ topic, partition: 0, value: "a" }, { topic, partition: 1, value: "b" }],
  });
  assertEquals(await broker.read("read_committed"), [[], []]);
  await committed.commit();
  const aborted = await producer.beginTransaction();
  await aborted.send({ messages: [{ topic, partition: 0, value: "no" }] });
  await aborted.abort();
  const last = await producer.beginTransaction();
  await last.send({ messages: [{ topic, partition: 1, value: "c" }] });
  await last.commit();
  await broker.settled();
  assertEquals(await broker.read("read_committed"), [["a"], ["b", "c"]]);
  assertEquals(await broker.read("read_uncommitted"), [["a", "no"], ["b", "c"]]);
});

Deno.test("platformatic's producer is fenced by a new one with its transactional id", async () => {
  await using broker = await TransactionBroker.start();
  const { topic } = broker;
  await using zombie = producerOf(broker, "fenced");
  const fenced = await zombie.beginTransaction();
  await fenced.send({ messages: [{ topic, partition: 0, value: "no" }] });
  await using successor = producerOf(broker, "fenced");
  const transaction = await successor.beginTransaction();
  assertEquals(
    await errorOf(fenced.send({ messages: [{ topic, partition: 0, value: "no" }] })),
    "INVALID_PRODUCER_EPOCH",
  );
  assertEquals(await errorOf(fenced.commit()), "PRODUCER_FENCED");
  await transaction.send({ messages: [{ topic, partition: 0, value: "yes" }] });
  await transaction.commit();
  await broker.settled();
  assertEquals(await broker.read("read_committed"), [["yes"], []]);
});

Deno.test("platformatic's producer is refused if it claims an id and epoch that are not its own", async () => {
  await using broker = await TransactionBroker.start();
  const { topic } = broker;
  await using producer = producerOf(broker, "claimed");
  const transaction = await producer.beginTransaction();
  await transaction.send({ messages: [{ topic, partition: 0, value: "yes" }] });
  const claimed = { producerId: 987_654n, producerEpoch: 3 };
  await using other = producerOf(broker, "claimed", claimed);
  assertEquals(await errorOf(other.beginTransaction()), "PRODUCER_FENCED");
  await transaction.commit();
  await broker.settled();
  assertEquals(await broker.read("read_committed"), [["yes"], []]);
});

Deno.test("platformatic's transaction is aborted when it times out", async () => {
  await using broker = await TransactionBroker.start();
  const { topic } = broker;
  await using producer = producerOf(broker, "late", { ...NOBODY, timeout: 500 });
  const late = await producer.beginTransaction();
  await late.send({ messages: [{ topic, partition: 0, value: "no" }] });
  await broker.settled();
  assertEquals(await errorOf(late.commit()), "PRODUCER_FENCED");
  await using successor = producerOf(broker, "late");
  const transaction = await successor.beginTransaction();
  await transaction.send({ messages: [{ topic, partition: 0, value: "yes" }] });
  await transaction.commit();
  await broker.settled();
  assertEquals(await broker.read("read_committed"), [["yes"], []]);
});

Deno.test("platformatic's offsets are committed with their transaction", async () => {
  await using broker = await TransactionBroker.start();
  const { topic, input, address } = broker;
  await using filler = producerOf(broker, "filler");
  const filling = await filler.beginTransaction();
  await filling.send({
    messages: Array.from({ length: 4 }, (_, i) => ({ topic: input, value: `input ${i}` })),
  });
  await filling.commit();
  const groupId = `${topic}-group`;
  const consumer = new Consumer({
    ...platformaticOptions(address),
    retries: 20,
    groupId,
    deserializers: stringDeserializers,
  });
  try {
    const stream = await consumer.consume({
      topics: [input],
      mode: "earliest",
      autocommit: false,
      isolationLevel: FetchIsolationLevels.READ_COMMITTED,
    });
    await using producer = producerOf(broker, "transform");
    let count = 0;
    for await (const message of stream) {
      const transaction = await producer.beginTransaction();
      await transaction.addConsumer(consumer);
      const value = `transformed ${message.value}`;
      await transaction.send({ messages: [{ topic, partition: 0, value }] });
      await transaction.addOffset(message);
      // Every other is aborted, as if the application had failed, and then done again.
      await transaction.abort();
      const again = await producer.beginTransaction();
      await again.addConsumer(consumer);
      await again.send({ messages: [{ topic, partition: 0, value }] });
      await again.addOffset(message);
      await again.commit();
      if (++count === 4) break;
    }
    await broker.settled();
    assert(await broker.committed(groupId) >= 4);
    const values = Array.from({ length: 4 }, (_, i) => `transformed input ${i}`);
    assertEquals(await broker.read("read_committed"), [values, []]);
  } finally {
    await consumer.close(true);
  }
});
