import { assertEquals } from "@std/assert";
import { Broker } from "../../broker/mod.ts";
import { ManualClock } from "../../broker/time/clock.ts";
import { Client, type Message } from "../../client/mod.ts";
import { within } from "../support/within.ts";

/** Returns the first message that a new group reads from a topic with one message. */
async function firstOfGroup(client: Client, protocol: "classic" | "consumer"): Promise<Message> {
  const topic = `of-${protocol}`;
  await client.producer().send({ topic, value: protocol });
  await using consumer = client.groupConsumer({
    groupId: protocol,
    topics: topic,
    protocol,
    autoOffsetReset: "earliest",
  });
  for await (const message of consumer) return message;
  throw new Error("The consumer has ended");
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

for (const protocol of ["classic", "consumer"] as const) {
  Deno.test(`Broker in memory gives a ${protocol} group messages without waiting`, async () => {
    // Its clock stands still, so nothing that waits for time happens.
    const clock = new ManualClock(Date.now());
    await using broker = await Broker.start({ storage: "memory", clock });
    await using client = new Client({ broker });
    let isDone = false;
    const first = firstOfGroup(client, protocol).finally(() => isDone = true);
    const turns = async () => {
      for (; !isDone; clock.advance(0)) await nextTurn();
    };
    await within(turns(), "the first message");
    assertEquals((await first).text(), protocol);
  });
}

Deno.test("Broker in memory delays the first rebalance if configured to", async () => {
  const delay = "group.initial.rebalance.delay.ms";
  for (const [config, value] of [[{}, "0"], [{ [delay]: 5 }, "5"]] as const) {
    await using broker = await Broker.start({ storage: "memory", config });
    await using client = new Client({ broker });
    const configs = await client.admin().describeConfigs({ type: "broker", name: "1" });
    assertEquals(configs.find(({ name }) => name === delay)?.value, value);
  }
});
