/**
 * The SDK as a client with a quota: prints the bytes that it produces or consumes in a second.
 *
 *     deno run -A dqueue_rate.ts produce|consume ADDRESS TOPIC SECONDS
 *
 * @module
 */

import { Client } from "../../../client/mod.ts";

const [work, address, topic, seconds] = Deno.args as [string, string, string, string];
const durationMs = Number(seconds) * 1000;
const value = new Uint8Array(10_000);
let count = 0;

await using client = new Client({ brokers: address, clientId: "limited", timeoutMs: 120_000 });
if (work === "produce") {
  const endMs = performance.now() + durationMs;
  await using producer = client.producer({ batchSize: 1_000_000 });
  const sends: Promise<void>[] = [];
  // More than is ever in flight, so that batches are full.
  for (let sender = 0; sender < 500; sender++) {
    sends.push((async () => {
      while (performance.now() < endMs) {
        await producer.send({ topic, value });
        if (performance.now() < endMs) count += value.length;
      }
    })());
  }
  await Promise.all(sends);
} else {
  const consumer = client.consumer();
  await consumer.subscribe(topic, { from: "earliest" });
  let endMs = Infinity;
  for await (const message of consumer) {
    if (endMs === Infinity) endMs = performance.now() + durationMs;
    if (performance.now() >= endMs) break;
    count += message.value!.length;
  }
}
console.log(count / Number(seconds));
Deno.exit(0);
