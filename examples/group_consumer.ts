/**
 * Works on the topic `orders` together with the other members of the group `billing`, and commits how far
 * it is in one of three ways. They differ in what is done again after a crash; nothing is ever skipped.
 *
 * Start a broker with `deno task start`, and this in two terminals or more; Ctrl-C ends it in good order:
 *
 *     deno run --allow-net examples/group_consumer.ts [message|batch|timer] [HOST:PORT]
 *
 * Give it something to do:
 *
 *     seq 100 | deno task -q dqueue produce orders
 */

import { Client, type GroupConsumer, KafkaError, type Message } from "../client/mod.ts";

/** A crash repeats the message that was being worked on, at most. Each message costs a request. */
async function commitEachMessage(consumer: GroupConsumer, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    for (const message of await consumer.poll(100)) {
      await handle(message);
      await consumer.commit(message);
      if (stop.aborted) break;
    }
  }
}

/** A crash repeats a batch, at most. Each batch costs a request. */
async function commitEachBatch(consumer: GroupConsumer, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    for (const message of await consumer.poll(100)) await handle(message);
    await consumer.commit();
  }
}

/** A crash repeats the work of `autoCommitInterval`, and a batch, at most. */
async function commitOnTimer(consumer: GroupConsumer, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    for (const message of await consumer.poll(100)) await handle(message);
  }
  // The batch would count as done with the next call for messages, which there is not.
  await consumer.commit();
}

const WAYS = new Map([
  ["message", commitEachMessage],
  ["batch", commitEachBatch],
  ["timer", commitOnTimer],
]);

/** What is done twice after a crash should come to the same: charging order 7 once more must not. */
function handle(message: Message): Promise<void> {
  console.log(`partition ${message.partition}, offset ${message.offset}: ${message.text()}`);
  return Promise.resolve();
}

const [way = "timer", address = "localhost:9092"] = Deno.args;
const work = WAYS.get(way);
if (work === undefined) {
  console.error(`Cannot commit by "${way}": choose of ${[...WAYS.keys()].join(", ")}`);
  Deno.exit(2);
}
const stopping = new AbortController();
Deno.addSignalListener("SIGINT", () => stopping.abort());

await using client = new Client({ brokers: address });
try {
  await client.admin().createTopic({ name: "orders", partitions: 4 });
} catch (error) {
  // Another member was here before.
  if (!(error instanceof KafkaError && error.code === "TOPIC_ALREADY_EXISTS")) throw error;
}
await using consumer = client.groupConsumer({
  groupId: "billing",
  topics: "orders",
  autoOffsetReset: "earliest",
  autoCommit: way === "timer",
  autoCommitInterval: 1000,
  onAssigned: (partitions) => console.log(`has got ${partitions.length} partitions`),
  onRevoked: (partitions) => console.log(`has given up ${partitions.length} partitions`),
});
await work(consumer, stopping.signal);
