/**
 * Load by kafkajs: an idempotent producer, and a group of two members.
 *
 * @module
 */

import { type Consumer, Kafka, logLevel, type Producer } from "../../../support/clients/kafkajs.ts";
import { loadArguments, Orders, Progress, tell, writeLine } from "./load_program.ts";

const { addresses, topic, partitions, name, pauseMs } = loadArguments();
const orders = new Orders();
const progress = new Progress(orders);
// If it gave up a request, its producer would go on with the same sequence numbers.
const RETRY = { initialRetryTime: 50, maxRetryTime: 500, retries: 1000 };
// After a timeout it asks nobody for the leader until its metadata are so old.
const METADATA_MAX_AGE_MS = 1000;
const kafka = new Kafka({
  clientId: name,
  brokers: [...addresses],
  retry: RETRY,
  connectionTimeout: 1000,
  // It waits so long for a broker that does not respond before it asks another for the leader.
  requestTimeout: 1500,
  logLevel: logLevel.NOTHING,
});

// It asks for metadata in the background, too, and nobody handles the failure.
globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  console.error(`${event.reason}`);
});

async function newProducer(): Promise<Producer> {
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    retry: RETRY,
    metadataMaxAge: METADATA_MAX_AGE_MS,
  });
  await connected(() => producer.connect());
  return producer;
}

async function produce(): Promise<void> {
  const producers = [newProducer()];
  /** One request after another to each partition, so that one that is unavailable stops no other. */
  const send = async (partition: number) => {
    for (let count = 0; !orders.isDraining; count++) {
      const value = `${name}/${partition}/${count}`;
      const number = producers.length;
      const producer = await producers[number - 1]!;
      // Only the values of one producer are in the order of its sends.
      const client = `${name}-producer-${number}`;
      tell({ type: "send", client, partition, value, time: Date.now() });
      try {
        const [sent] = await producer.send({ topic, acks: -1, messages: [{ value, partition }] });
        // When brokers change places, it may mistake one for another: it sends nothing, and says nothing.
        if (sent === undefined) throw new Error("kafkajs sent nothing");
        const offset = Number(sent.baseOffset);
        tell({ type: "sent", value, partition, offset, time: Date.now() });
      } catch (error) {
        tell({ type: "failed", value, isDefinite: false, error: `${error}`, time: Date.now() });
        // It would use the sequence again, and take a duplicate's answer for an acknowledgement.
        if (producers.length === number) producers.push(newProducer());
      }
      await orders.pause(pauseMs);
    }
  };
  await Promise.all(Array.from({ length: partitions }, (_, partition) => send(partition)));
  for (const producer of producers) await (await producer).disconnect();
}

/** It gives up connecting after one attempt to get a producer id. */
async function connected(connect: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await connect();
    } catch (error) {
      console.error(`${error}`);
    }
  }
}

async function consume(id: string): Promise<Consumer> {
  const consumer = kafka.consumer({
    groupId: name,
    sessionTimeout: 6000,
    heartbeatInterval: 500,
    maxWaitTimeInMs: 500,
    metadataMaxAge: METADATA_MAX_AGE_MS,
    retry: RETRY,
  });
  const event = { group: name, client: id } as const;
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    const assigned = payload.memberAssignment[topic] ?? [];
    tell({ type: "assigned", ...event, partitions: assigned, time: Date.now() });
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommitInterval: 200,
    eachBatch: async ({ batch: { partition, messages }, ...batch }) => {
      for (const message of messages) {
        if (!batch.isRunning() || batch.isStale()) return;
        const offset = Number(message.offset);
        const value = `${message.value}`;
        tell({ type: "polled", ...event, partition, offset, value, time: Date.now() });
        batch.resolveOffset(message.offset);
        progress.note(partition, offset);
      }
      await batch.commitOffsetsIfNecessary();
      await batch.heartbeat();
    },
  });
  return consumer;
}

const consumers = await Promise.all([consume(`${name}-1`), consume(`${name}-2`)]);
await produce();
writeLine("drained");
await progress.done;
await Promise.all(consumers.map((consumer) => consumer.disconnect()));
Deno.exit(0);
