/**
 * Creates topics in bulk from a JSON file, and prints the result for each.
 *
 *     deno run --allow-net --allow-read examples/create_topics.ts examples/topics.json [HOST:PORT]
 */

import { Client, type NewTopic } from "../client/mod.ts";

const [file, address = "localhost:9092"] = Deno.args;
if (file === undefined) {
  console.error("Usage: create_topics.ts FILE [HOST:PORT]");
  Deno.exit(2);
}

const topics: NewTopic[] = JSON.parse(await Deno.readTextFile(file));
await using client = new Client({ brokers: address });

// One request creates them all; each has its own result.
const results = await client.admin().createTopics(topics);
for (const { name, topic, error } of results) {
  if (topic !== undefined) console.log(`${name}: created with ${topic.partitions} partitions`);
  else console.log(`${name}: ${error?.message}`);
}
if (results.some(({ error }) => error !== undefined)) Deno.exitCode = 1;
