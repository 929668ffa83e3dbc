/**
 * Processes the topic `orders` together with the other members of the group `billing`, and commits
 * offsets in one of three ways. They differ in how much is processed again after a crash; nothing
 * is skipped.
 *
 * Start a broker with `deno task start`, and run this in two or more terminals. Ctrl-C shuts it
 * down cleanly:
 *
 *     deno run --allow-net examples/group_consumer.ts [message|batch|timer] [HOST:PORT]
 *
 * Send it messages:
 *
 *     seq 100 | deno task -q dqueue produce orders
 */

import { Client, type GroupConsumer, KafkaError, type Message } from "../client/mod.ts";

/** After a crash at most the current message is processed again. Each message costs a request. */
async function commitEachMessage(consumer: GroupConsumer, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    for (const message of await consumer.poll(100)) {
      await handle(message);
      await consumer.commit(message);
      if (stop.aborted) break;
    }
  }
}

/** After a crash at most a batch is processed again. Each batch costs a request. */
async function commitEachBatch(consumer: GroupConsumer, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    for (const message of await consumer.poll(100)) await handle(message);
    await consumer.commit();
  }
}

/** After a crash at most the messages of `autoCommitIntervalMs` and a batch are processed again. */
async function commitOnTimer(consumer: GroupConsumer, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    for (const message of await consumer.poll(100)) await handle(message);
  }
  // The next poll would mark this batch as processed, but there is none.
  await consumer.commit();
}

const WAYS = new Map([
  ["message", commitEachMessage],
  ["batch", commitEachBatch],
  ["timer", commitOnTimer],
]);

/** Processing must be idempotent: charging order 7 a second time must have no effect. */
function handle(message: Message): Promise<void> {
  console.log(`partition ${message.partition}, offset ${message.offset}: ${message.text()}`);
  return Promise.resolve();
}

const [way = "timer", address = "localhost:9092"] = Deno.args;
const work = WAYS.get(way);
if (work === undefined) {
  console.error(`Cannot commit by "${way}": it must be one of ${[...WAYS.keys()].join(", ")}`);
  Deno.exit(2);
}
const stopping = new AbortController();
Deno.addSignalListener("SIGINT", () => stopping.abort());

await using client = new Client({
  brokers: address,
  onStatus: ({ broker, state }) => console.error(`${broker} is ${state}`),
});
try {
  await client.admin().createTopic({ name: "orders", partitions: 4 });
} catch (error) {
  // Another member has created it.
  if (!(error instanceof KafkaError && error.code === "TOPIC_ALREADY_EXISTS")) throw error;
}
await using consumer = client.groupConsumer({
  groupId: "billing",
  topics: "orders",
  autoOffsetReset: "earliest",
  autoCommit: way === "timer",
  autoCommitIntervalMs: 1000,
  onAssigned: (partitions) => console.log(`assigned ${partitions.length} partitions`),
  onRevoked: (partitions) => console.log(`revoked ${partitions.length} partitions`),
});
await work(consumer, stopping.signal);
