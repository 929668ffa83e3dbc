/**
 * Tests that the SDK and an embedded broker share a process but no buffers.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { Broker } from "../../broker/mod.ts";
import { Client } from "../../client/mod.ts";

Deno.test("Producer overwrites no buffer of an embedded broker", async () => {
  await using broker = await Broker.start({ storage: "memory" });
  await using client = new Client({ broker });
  const topic = "a";
  await client.admin().createTopic({ name: topic, partitions: 1 });
  const producer = client.producer({ batchSize: 20_000 });
  const expected: string[] = [];
  for (let round = 0; round < 20; round++) {
    const values = Array.from({ length: 5000 }, (_, i) => `${round}-${i}`);
    expected.push(...values);
    await producer.sendBatch(values.map((value) => ({ topic, value })));
  }
  const consumer = client.consumer();
  await consumer.subscribe(topic);
  const read: string[] = [];
  while (read.length < expected.length) {
    for (const message of await consumer.poll(10_000)) read.push(message.text());
  }
  assertEquals(read, expected);
});
