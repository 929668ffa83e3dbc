/**
 * Tests of times beyond the limit of the runtime's timers, in every option that takes a time.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Broker } from "../../broker/mod.ts";
import { CommandTest } from "../../cli/commands/testing.ts";
import { Client, type Message } from "../../client/mod.ts";

const DAY_MS = 86_400_000;
const LONG_TIMES = [2 ** 31, 25 * DAY_MS, 1e15, Infinity];

/** Reads a message that is written while the reader is waiting. */
async function readWhileWaiting(
  client: Client,
  topic: string,
  reading: Promise<Message[]>,
): Promise<string[]> {
  await client.producer().send({ topic, value: "awaited" });
  return (await reading).map((message) => message.text());
}

Deno.test("Client, Admin, Producer and Consumer accept times of 24.9 days and more", async (t) => {
  for (const long of LONG_TIMES) {
    await t.step(`${long} ms`, async () => {
      await using broker = await Broker.start({ storage: "memory" });
      await using client = new Client({
        broker,
        timeoutMs: long,
        requestTimeoutMs: long,
        connectTimeoutMs: long,
        metadataMaxAgeMs: long,
        retry: { initialBackoffMs: 1, maxBackoffMs: long },
      });
      const admin = client.admin();
      await admin.createTopic({ name: "a" });
      const producer = client.producer({ deliveryTimeoutMs: long, lingerMs: long });
      const sent = producer.send({ topic: "a", value: "first" });
      await producer.flush();
      await sent;
      await admin.deleteRecords("a", { 0: "latest" }, { timeoutMs: long });
      await admin.listOffsets("a", { timestamp: 5 });

      const consumer = client.consumer({ maxWaitMs: long, autoOffsetReset: "earliest" });
      await consumer.subscribe("a");
      const reading = consumer.poll(10, { timeoutMs: long });
      assertEquals(await readWhileWaiting(client, "a", reading), ["awaited"]);
      await consumer.close();
      await producer.close({ timeoutMs: long });
      await client.close({ timeoutMs: long });
    });
  }
});

Deno.test("GroupConsumer accepts times of 24.9 days and more, in both protocols", async (t) => {
  for (const protocol of ["classic", "consumer"] as const) {
    for (const long of LONG_TIMES) {
      await t.step(`${protocol}, ${long} ms`, async () => {
        const config = { "group.initial.rebalance.delay.ms": 0 };
        await using broker = await Broker.start({ storage: "memory", config });
        await using client = new Client({ broker });
        await client.admin().createTopic({ name: "a" });
        await using consumer = client.groupConsumer({
          groupId: "g",
          topics: "a",
          protocol,
          maxPollIntervalMs: long,
          rebalanceTimeoutMs: long,
          autoCommitIntervalMs: long,
          autoOffsetReset: "earliest",
        });
        await consumer.joinGroup({ timeoutMs: long });
        const reading = consumer.poll(10, { timeoutMs: long });
        assertEquals(await readWhileWaiting(client, "a", reading), ["awaited"]);
        assertEquals(consumer.status.state, "reading");
        await consumer.commit({ timeoutMs: long });
      });
    }
  }
});

Deno.test("GroupConsumer sends a session timeout beyond 24.9 days to the broker, which refuses it", async () => {
  await using broker = await Broker.start({ storage: "memory" });
  await using client = new Client({ broker });
  await client.admin().createTopic({ name: "a" });
  const options = { groupId: "g", topics: "a", sessionTimeoutMs: Infinity };
  await using consumer = client.groupConsumer(options);
  await assertRejects(() => consumer.joinGroup(), Error, "INVALID_SESSION_TIMEOUT");
});

Deno.test("AbortSignal ends a wait of more than 24.9 days", async () => {
  await using broker = await Broker.start({ storage: "memory" });
  await using client = new Client({ broker });
  await client.admin().createTopic({ name: "a" });
  const consumer = client.consumer();
  await consumer.subscribe("a");
  const stop = new AbortController();
  const polling = consumer.poll(1, { timeoutMs: 30 * DAY_MS, signal: stop.signal });
  stop.abort(new Error("enough"));
  await assertRejects(() => polling, Error, "enough");
});

Deno.test("dqueue waits with a --timeout of 30 days", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create a --timeout 30d");
  await test.output(["produce", "a", "--timeout", "30d", "-m", "x"]);
  assertEquals(await test.output("consume a -e --timeout 1000000000h"), "x\n");
  assert((await test.output("cluster info --timeout 30d")).length > 0);
});
