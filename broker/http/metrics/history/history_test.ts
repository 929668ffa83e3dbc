import { assert, assertEquals } from "@std/assert";
import { Broker } from "../../../mod.ts";
import { partsOf } from "../../../broker.ts";
import { Client } from "../../../../client/mod.ts";
import { ManualClock } from "../../../time/clock.ts";
import { History } from "./history.ts";
import { Ring } from "./ring.ts";

Deno.test("Ring.last() has the newest samples, the oldest first, and null for what is not known", () => {
  const ring = new Ring(3);
  assertEquals(ring.last(2), [null, null]);
  for (const value of [1, NaN, 3, 4]) ring.push(value);
  assertEquals(ring.last(3), [null, 3, 4]);
  assertEquals(ring.last(1), [4]);
  assertEquals(ring.last(99), [null, 3, 4]);
});

/** Lets a clock's time pass in steps, so that samples are made. */
async function pass(clock: ManualClock, samples: number): Promise<void> {
  for (let i = 0; i < samples; i++) {
    // Each sample takes a few turns.
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
    clock.advance(10_000);
  }
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("History has rates of topics, and the lag of groups, a sample every ten seconds", async () => {
  await using broker = await Broker.start({ storage: "memory" });
  await using client = new Client({ broker });
  await client.admin().createTopic({ name: "a", partitions: 2 });
  const parts = partsOf(broker);
  const clock = new ManualClock(0);
  const history = await History.start({ ...parts, context: { ...parts.context, clock } });
  assertEquals(history.count, 1);
  for (let i = 0; i < 50; i++) await client.producer().send({ topic: "a", value: "x" });
  await client.admin().alterGroupOffsets("g", [{ topic: "a", partition: 0, offset: 0 }, {
    topic: "a",
    partition: 1,
    offset: 0,
  }]);
  await pass(clock, 2);
  assertEquals(history.series("topic", "a", 3)!.records_in, [null, 5, 0]);
  assertEquals(history.series("broker", "", 3)!.records_in, [null, 5, 0]);
  assertEquals(history.series("group", "g", 1)!.lag, [50]);
  const { acked_p99_ms: acked, lag } = history.series("broker", "", 2)!;
  assert(acked![0]! > 0 && acked![1] === null, "nothing was acknowledged in the last interval");
  assertEquals(lag, [50, 50]);
  assertEquals(history.series("topic", "b", 3), undefined);
  await client.admin().deleteTopic("a");
  await pass(clock, 1);
  assertEquals([...history.names("topic")], []);
  await history.close();
});

Deno.test("History has the busiest 200 topics, and their samples of an hour", async () => {
  await using broker = await Broker.start({ storage: "memory" });
  await using client = new Client({ broker });
  await client.admin().createTopics(
    Array.from({ length: 250 }, (_, i) => ({ name: `t${i}` })),
  );
  await client.producer().send({ topic: "t249", value: "x" });
  const parts = partsOf(broker);
  const clock = new ManualClock(0);
  const history = await History.start({ ...parts, context: { ...parts.context, clock } });
  await pass(clock, 1);
  const names = new Set(history.names("topic"));
  assertEquals(names.size, 200);
  assert(names.has("t249"));
  await history.close();
});
