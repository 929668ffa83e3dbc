/**
 * Writes a few messages to a topic and reads them back.
 *
 * Start a broker with `deno task start`, then:
 *
 *     deno run --allow-net examples/produce_consume.ts [HOST:PORT]
 */

import { Client, json } from "../client/mod.ts";

const [address = "localhost:9092"] = Deno.args;

await using client = new Client({ brokers: address });
const admin = client.admin();

// Each run uses its own topic, to read only what it wrote.
const topic = `example-${crypto.randomUUID()}`;
await admin.createTopic({ name: topic, partitions: 3, replicas: 1 });

{
  await using producer = client.producer();
  const planets = ["Mercury", "Venus", "Earth", "Mars"];
  const results = await producer.sendBatch(planets.map((name, i) => ({
    topic,
    key: name,
    value: json({ name, position: i + 1 }),
    headers: { kind: "planet" },
  })));
  for (const { partition, offset } of results) {
    console.log(`written to partition ${partition} at offset ${offset}`);
  }
}

{
  await using consumer = client.consumer({ autoOffsetReset: "earliest" });
  await consumer.subscribe(topic);
  let left = 4;
  for await (const message of consumer) {
    const { name, position } = message.json<{ name: string; position: number }>();
    console.log(`read ${message.headers.text("kind")} ${position}: ${name}`);
    if (--left === 0) break;
  }
}

await admin.deleteTopic(topic);
