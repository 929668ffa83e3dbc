/**
 * The work of `@platformatic/kafka`, with its buffers.
 *
 * @module
 */

// deno-lint-ignore no-import-prefix
import type * as PlatformaticKafka from "npm:@platformatic/kafka@2.12.1";
import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { BATCH_COUNT, FILLING, keepSending, type Task, touch, type Works } from "./client_work.ts";

type Module = typeof PlatformaticKafka;
type Stream = PlatformaticKafka.MessagesStream<Buffer, Buffer, Buffer, Buffer>;

const ALL_IN_SYNC = -1;
/**
 * The bytes that the other clients fetch from a partition. The default here is 50 MiB, and if there is as
 * much to read, this client takes seconds to assemble such an answer.
 */
const MAX_BYTES = 1024 * 1024;

export const works: Works = { produce, consume: readEvents, "consume each": iterate };

async function produce(task: Task): Promise<void> {
  const { Producer }: Module = await import(task.module);
  const producer = new Producer<Buffer, Buffer, Buffer, Buffer>(options(task));
  const message = { topic: task.topic, value: Buffer.alloc(task.size, FILLING) };
  const messages = Array.from({ length: BATCH_COUNT }, () => message);
  await keepSending(task, () => producer.send({ acks: ALL_IN_SYNC, messages }));
  await producer.close();
}

function readEvents(task: Task): Promise<void> {
  return withStreams(task, (stream, end) =>
    new Promise((resolve, reject) => {
      stream.on("error", reject);
      stream.on("data", ({ value, offset }) => {
        touch(value, task.size);
        task.count++;
        if (task.isOver || offset === end) resolve();
      });
    }));
}

function iterate(task: Task): Promise<void> {
  return withStreams(task, async (stream, end) => {
    for await (const { value, offset } of stream) {
      touch(value, task.size);
      task.count++;
      if (task.isOver || offset === end) break;
    }
  });
}

/** Reads to the end of the partition with a stream, then with another. */
async function withStreams(
  task: Task,
  read: (stream: Stream, lastOffset: bigint) => Promise<void>,
): Promise<void> {
  const { Consumer, ListOffsetTimestamps, MessagesStreamModes }: Module = await import(task.module);
  const consumer = new Consumer<Buffer, Buffer, Buffer, Buffer>({
    ...options(task),
    groupId: randomUUID(),
  });
  const { topic } = task;
  const ends = await consumer.listOffsets({
    topics: [topic],
    timestamp: ListOffsetTimestamps.LATEST,
  });
  const lastOffset = ends.get(topic)![0]! - 1n;
  while (!task.isOver) {
    const stream = await consumer.consume({
      topics: [topic],
      mode: MessagesStreamModes.EARLIEST,
      autocommit: false,
      maxBytes: MAX_BYTES,
    });
    await read(stream, lastOffset);
    await stream.close();
  }
  await consumer.close();
}

function options({ address }: Task) {
  return { clientId: "bench", bootstrapBrokers: [address] };
}
