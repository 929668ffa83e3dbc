import { assert, assertEquals } from "@std/assert";
import { BatchMemory } from "./batch_memory.ts";
import { PartitionQueue } from "./partition_queue.ts";
import { addSequence, ProducerBatch } from "./producer_batch.ts";

const OPTIONS = { batchSize: 1000, compression: 0, compressionLevel: undefined } as const;
const IDENTITY = { producerId: 7, producerEpoch: 0 };

function batch(count = 1): ProducerBatch {
  const made = new ProducerBatch(0, OPTIONS, new BatchMemory());
  for (let i = 0; i < count; i++) made.tryAppend(1, null, `${i}`, []);
  return made;
}

function queueOf(...batches: ProducerBatch[]): PartitionQueue {
  const queue = new PartitionQueue("a", 0, true);
  for (const one of batches) queue.add(one);
  queue.prepare(IDENTITY);
  return queue;
}

/** Sends the next batch, and returns it with the identity and sequence number it was sent with. */
function send(queue: PartitionQueue): ProducerBatch {
  const next = queue.next()!;
  queue.sent(next);
  return next;
}

function states(...batches: ProducerBatch[]): [number, number][] {
  return batches.map(({ producerEpoch, baseSequence }) => [producerEpoch, baseSequence]);
}

/** A queue whose first batch is confirmed, so that several may be in flight. */
function knownQueue(...batches: ProducerBatch[]): PartitionQueue {
  const first = batch();
  const queue = queueOf(first, ...batches);
  queue.succeeded(send(queue));
  return queue;
}

Deno.test("PartitionQueue numbers records in the order of the batches", () => {
  const batches = [batch(2), batch(3), batch(1)];
  const queue = knownQueue(...batches);
  for (const one of batches) assertEquals(send(queue), one);
  assertEquals(states(...batches), [[0, 1], [0, 3], [0, 6]]);
  assert(batches.every(({ producerId }) => producerId === 7));
});

Deno.test("PartitionQueue sends the first batch alone until it is confirmed", () => {
  const queue = queueOf(batch(), batch());
  const first = send(queue);
  assertEquals(queue.next(), undefined);
  queue.succeeded(first);
  assert(queue.next() !== undefined);
});

Deno.test("PartitionQueue has at most five batches from the oldest unconfirmed one on", () => {
  const batches = Array.from({ length: 8 }, () => batch());
  const queue = knownQueue(...batches);
  for (let i = 0; i < 5; i++) send(queue);
  assertEquals(queue.next(), undefined);
  // Later batches are confirmed, but the oldest must remain among the last five written.
  queue.succeeded(batches[1]!);
  queue.succeeded(batches[2]!);
  assertEquals(queue.next(), undefined);
  queue.succeeded(batches[0]!);
  assertEquals(send(queue), batches[5]);
});

Deno.test("PartitionQueue sends the oldest batch alone while one waits for a retry", () => {
  const batches = [batch(), batch(), batch()];
  const queue = knownQueue(...batches);
  send(queue);
  send(queue);
  queue.retry(batches[1]!, 5);
  assertEquals(queue.next(), undefined, "the oldest is still in flight");
  queue.retry(batches[0]!, 9);
  assertEquals(queue.next(), batches[0]);
  assertEquals(batches[0]!.retryAt, 9);
  queue.succeeded(send(queue));
  assertEquals(send(queue), batches[1]);
  assertEquals(queue.next(), batches[2]);
  assertEquals(states(...batches.slice(0, 2)), [[0, 1], [0, 2]]);
});

Deno.test("PartitionQueue bumps the epoch when the oldest batch is out of order (KIP-360)", () => {
  const batches = [batch(2), batch(3), batch(1)];
  const queue = knownQueue(...batches);
  send(queue);
  send(queue);
  queue.outOfOrder(batches[0]!);
  assertEquals(queue.next(), undefined);
  assert(queue.prepare(IDENTITY));
  assertEquals(queue.next(), undefined, "another is still in flight");
  queue.outOfOrder(batches[1]!);
  assert(queue.prepare(IDENTITY));
  assertEquals(states(batches[0]!, batches[1]!), [[1, 0], [1, 2]]);
  queue.succeeded(send(queue));
  queue.succeeded(send(queue));
  send(queue);
  assertEquals(states(batches[2]!), [[1, 5]]);
});

Deno.test("PartitionQueue retries a batch after a possible gap unchanged", () => {
  const batches = [batch(), batch(), batch()];
  const queue = knownQueue(...batches);
  send(queue);
  send(queue);
  queue.gaveUp(batches[0]!);
  assertEquals(queue.next(), undefined, "no new batch is sent after the gap");
  // The broker accepts the later batch, so the failed one had been written.
  queue.succeeded(batches[1]!);
  assertEquals(send(queue), batches[2]);
  assertEquals(states(batches[2]!), [[0, 3]]);
});

Deno.test("PartitionQueue bumps the epoch when no batch is left to reveal a gap", () => {
  const batches = [batch(), batch()];
  const queue = knownQueue(...batches);
  send(queue);
  queue.gaveUp(batches[0]!);
  assertEquals(queue.next(), undefined);
  assert(queue.prepare(IDENTITY));
  send(queue);
  assertEquals(states(batches[1]!), [[1, 0]]);
});

Deno.test("PartitionQueue removes a batch that was never sent without leaving a gap", () => {
  const batches = [batch(), batch()];
  const queue = knownQueue(...batches);
  queue.gaveUp(batches[0]!);
  send(queue);
  assertEquals(states(batches[1]!), [[0, 1]]);
});

Deno.test("PartitionQueue keeps sequence numbers when a batch is split", () => {
  const large = batch(5);
  const queue = knownQueue(large, batch());
  send(queue);
  const parts = large.split();
  queue.replace(large, parts);
  assertEquals(parts.map(({ recordCount }) => recordCount), [3, 2]);
  assertEquals(states(...parts), [[0, 1], [0, 4]]);
  assertEquals(queue.next(), parts[0]);
});

Deno.test("PartitionQueue needs a new producer id when the epoch is exhausted", () => {
  const one = batch();
  const queue = new PartitionQueue("a", 0, true);
  queue.add(one);
  queue.prepare({ producerId: 7, producerEpoch: 0x7fff });
  send(queue);
  queue.outOfOrder(one);
  assert(!queue.prepare({ producerId: 7, producerEpoch: 0x7fff }));
  assert(queue.prepare({ producerId: 8, producerEpoch: 0 }));
  assertEquals([one.producerId, one.producerEpoch, one.baseSequence], [8, 0, 0]);
});

Deno.test("PartitionQueue without idempotence has up to maxInFlight batches in flight", () => {
  const queue = new PartitionQueue("a", 0, false);
  for (let i = 0; i < 9; i++) queue.add(batch());
  for (let i = 0; i < 9; i++) assertEquals(send(queue).baseSequence, -1);
  assertEquals(queue.next(), undefined);
});

Deno.test("PartitionQueue.clear() removes and returns all batches", () => {
  const queue = knownQueue(batch(), batch());
  send(queue);
  assertEquals(queue.clear().length, 2);
  assert(queue.isEmpty);
});

Deno.test("addSequence() wraps around to 0 after 2147483647", () => {
  assertEquals(addSequence(2147483646, 1), 2147483647);
  assertEquals(addSequence(2147483646, 2), 0);
  assertEquals(addSequence(2147483647, 5), 4);
});
