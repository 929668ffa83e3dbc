/**
 * The work of kafkajs.
 *
 * @module
 */

// deno-lint-ignore no-import-prefix
import type { Consumer, Kafka, KafkaConfig } from "npm:kafkajs@2.2.4";
import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { BATCH_COUNT, FILLING, keepSending, type Task, touch, type Works } from "./client_work.ts";

/** Its log level for no log at all. */
const NOTHING = 0;
const ALL_IN_SYNC = -1;

export const works: Works = { produce, consume: readBatches, "consume each": readEach };

async function produce(task: Task): Promise<void> {
  const producer = (await connect(task)).producer();
  await producer.connect();
  const message = { value: Buffer.alloc(task.size, FILLING) };
  const messages = Array.from({ length: BATCH_COUNT }, () => message);
  const { topic } = task;
  await keepSending(task, () => producer.send({ topic, acks: ALL_IN_SYNC, messages }));
  await producer.disconnect();
}

function readBatches(task: Task): Promise<void> {
  return withConsumer(task, async (consumer, onRead) => {
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: true,
      eachBatch: ({ batch: { messages, highWatermark } }) => {
        for (const { value } of messages) touch(value, task.size);
        onRead(messages.length, messages[messages.length - 1]!.offset, highWatermark);
        return Promise.resolve();
      },
    });
  });
}

function readEach(task: Task): Promise<void> {
  let highWatermark = "";
  return withConsumer(task, async (consumer, onRead) => {
    consumer.on(consumer.events.START_BATCH_PROCESS, ({ payload }) => {
      highWatermark = payload.highWatermark;
    });
    await consumer.run({
      autoCommit: false,
      eachMessage: ({ message }) => {
        touch(message.value, task.size);
        onRead(1, message.offset, highWatermark);
        return Promise.resolve();
      },
    });
  });
}

/** Records the messages read, the offset of the last one, and the end of the partition. */
type OnRead = (count: number, lastOffset: string, highWatermark: string) => void;

async function withConsumer(
  task: Task,
  run: (consumer: Consumer, onRead: OnRead) => Promise<void>,
): Promise<void> {
  const { topic } = task;
  const consumer = (await connect(task)).consumer({ groupId: randomUUID() });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const over = Promise.withResolvers<void>();
  await run(consumer, (count, lastOffset, highWatermark) => {
    task.count += count;
    if (task.isOver) over.resolve();
    else if (Number(lastOffset) + 1 >= Number(highWatermark)) {
      consumer.seek({ topic, partition: 0, offset: "0" });
    }
  });
  await over.promise;
  await consumer.disconnect();
}

async function connect({ address, module }: Task): Promise<Kafka> {
  const { Kafka } = (await import(module)).default as {
    Kafka: new (config: KafkaConfig) => Kafka;
  };
  return new Kafka({ clientId: "bench", brokers: [address], logLevel: NOTHING });
}
