/**
 * Runs a broker inside a unit test: it starts in milliseconds, needs no port and leaves no files.
 *
 *     deno test examples/embedded_broker_test.ts
 */

import { Broker } from "../broker/mod.ts";
import { Client } from "../client/mod.ts";

/** The code under test: copies messages from one topic to another, in capitals. */
async function shout(client: Client, from: string, to: string, count: number): Promise<void> {
  await using consumer = client.consumer({ autoOffsetReset: "earliest" });
  await using producer = client.producer({ lingerMs: 0 });
  await consumer.subscribe(from);
  for await (const message of consumer) {
    await producer.send({ topic: to, key: message.key, value: message.text().toUpperCase() });
    if (--count === 0) break;
  }
}

Deno.test("shout() copies messages in capitals", async () => {
  await using broker = await Broker.start({ storage: "memory" });
  await using client = new Client({ broker });
  await client.admin().createTopics([{ name: "spoken" }, { name: "shouted" }]);

  await using producer = client.producer({ lingerMs: 0 });
  await producer.sendBatch(["hello", "world"].map((value) => ({ topic: "spoken", value })));
  await shout(client, "spoken", "shouted", 2);

  await using consumer = client.consumer();
  const { messages } = await consumer.fetchFrom("shouted", 0, 0);
  const texts = messages.map((message) => message.text());
  if (texts.join() !== "HELLO,WORLD") throw new Error(`the topic "shouted" has ${texts}`);
});
