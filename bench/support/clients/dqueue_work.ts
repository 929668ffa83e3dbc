/**
 * The work of this project's SDK.
 *
 * @module
 */

import { Client, type Consumer, type OutgoingMessage, type Producer } from "../../../client/mod.ts";
import { BATCH_COUNT, FILLING, keepSending, type Task, touch, type Works } from "./client_work.ts";

/** Yields to other tasks; the messages are available already. */
const NO_WAIT = { timeoutMs: 0 };

export const works: Works = {
  produce: (task) => sendBatches(task, new Uint8Array(task.size).fill(FILLING)),
  "produce text": (task) => sendBatches(task, String.fromCharCode(FILLING).repeat(task.size)),
  "produce each": sendEach,
  consume: poll,
  "consume each": iterate,
};

function sendBatches(task: Task, value: Uint8Array | string): Promise<void> {
  return withProducer(task, async (producer) => {
    const message: OutgoingMessage = { topic: task.topic, value };
    const messages = Array.from({ length: BATCH_COUNT }, () => message);
    await keepSending(task, () => producer.sendBatch(messages));
  });
}

function sendEach(task: Task): Promise<void> {
  return withProducer(task, async (producer) => {
    const message: OutgoingMessage = {
      topic: task.topic,
      value: new Uint8Array(task.size).fill(FILLING),
    };
    await keepSending(task, () => {
      for (let i = 1; i < BATCH_COUNT; i++) producer.send(message);
      return producer.send(message);
    });
  });
}

function poll(task: Task): Promise<void> {
  return withConsumer(task, async (consumer) => {
    while (!task.isOver) {
      const messages = await consumer.poll(BATCH_COUNT, NO_WAIT);
      for (const message of messages) touch(message.value, task.size);
      task.count += messages.length;
      await startOver(consumer, task);
    }
  });
}

function iterate(task: Task): Promise<void> {
  return withConsumer(task, async (consumer) => {
    while (!task.isOver) {
      let left = BATCH_COUNT;
      for await (const message of consumer) {
        touch(message.value, task.size);
        if (--left === 0) break;
      }
      task.count += BATCH_COUNT;
      await startOver(consumer, task);
    }
  });
}

/** Seeks back to the start at the end, so that there is always more to read. */
async function startOver(consumer: Consumer, { topic }: Task): Promise<void> {
  const position = consumer.position(topic, 0) ?? 0;
  if (position + BATCH_COUNT > (consumer.highWatermark(topic, 0) ?? Infinity)) {
    await consumer.seek(topic, 0, "earliest");
  }
}

async function withProducer(task: Task, use: (producer: Producer) => Promise<void>): Promise<void> {
  await using resources = new AsyncDisposableStack();
  const client = resources.use(new Client({ brokers: task.address }));
  await use(resources.use(client.producer()));
}

async function withConsumer(task: Task, use: (consumer: Consumer) => Promise<void>): Promise<void> {
  await using resources = new AsyncDisposableStack();
  const client = resources.use(new Client({ brokers: task.address }));
  const consumer = resources.use(client.consumer());
  await consumer.subscribe(task.topic);
  await use(consumer);
}
