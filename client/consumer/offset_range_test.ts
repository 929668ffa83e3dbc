import { assertEquals, assertRejects } from "@std/assert";
import type { ConsumerStatus } from "./consumer_status.ts";
import { KafkaError } from "../errors.ts";
import { pollAll, setup, texts, write } from "../testing/client_setup.ts";
import type { FakeCluster } from "../testing/fake_cluster.ts";
import { pollAll as pollGroup, setupClassicGroup } from "../testing/group_setup.ts";

/** Two messages, of which the first is deleted. */
function writeAndTrim(cluster: FakeCluster): void {
  write(cluster, "a", 0, ["0"]);
  write(cluster, "a", 0, ["1"]);
  cluster.log("a").logStartOffset = 1;
}

const BEYOND = 'Cannot seek in "a-0": offset 3 does not exist, the partition has 1 to 1, ' +
  "and ends at 2 (OFFSET_OUT_OF_RANGE)";

Deno.test("Consumer.seek() throws with the range for an offset beyond the end, and accepts the end", async () => {
  await using test = setup();
  writeAndTrim(test.cluster);
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  const error = await assertRejects(() => consumer.seek("a", 0, 3), KafkaError, BEYOND);
  assertEquals(error.code, "OFFSET_OUT_OF_RANGE");
  assertEquals(consumer.position("a", 0), 1, "the position is unchanged");
  assertEquals(await consumer.seek("a", 0, 2), 2);
  write(test.cluster, "a", 0, ["2"]);
  assertEquals(texts(await pollAll(consumer, 1)), ["2"]);
  await assertRejects(() => consumer.seek("a", 0, 2 ** 53 - 1), KafkaError, "has 1 to 2");
});

Deno.test("GroupConsumer.seek() throws with the range for an offset beyond the end", async () => {
  await using test = setupClassicGroup({}, { topics: { a: 1 } });
  writeAndTrim(test.cluster);
  await test.consumer.joinGroup();
  await assertRejects(() => test.consumer.seek("a", 0, 3), KafkaError, BEYOND);
  assertEquals(await test.consumer.seek("a", 0, 1), 1);
  assertEquals(texts(await pollGroup(test.consumer, 1)), ["1"]);
});

Deno.test("Consumer.subscribe() with a handler and fetchFrom() throw for an offset beyond the end", async () => {
  await using test = setup();
  const consumer = test.client.consumer();
  await assertRejects(
    () => consumer.subscribe("a", 0, () => {}, { from: 9 }),
    KafkaError,
    "offset 9 does not exist, the partition is empty at offset 0",
  );
  writeAndTrim(test.cluster);
  for (const offset of [0, 3]) {
    await assertRejects(
      () => consumer.fetchFrom("a", 0, offset),
      KafkaError,
      `Cannot fetch from "a-0" at offset ${offset}: offset ${offset} does not exist, the partition ` +
        "has 1 to 1, and ends at 2",
    );
  }
});

Deno.test("Consumer reports to onStatus a reset by autoOffsetReset, with both offsets", async (t) => {
  for (const [autoOffsetReset, to] of [["earliest", 1], ["latest", 2]] as const) {
    await t.step(autoOffsetReset, async () => {
      await using test = setup();
      writeAndTrim(test.cluster);
      const reported: ConsumerStatus[] = [];
      const reset = Promise.withResolvers<void>();
      const consumer = test.client.consumer({
        autoOffsetReset,
        onStatus: (status) => {
          reported.push(status);
          if (status.error !== undefined) reset.resolve();
        },
      });
      await consumer.subscribe("a");
      await consumer.seek("a", 0, 0);
      await consumer.poll(1, { timeoutMs: 0 });
      await reset.promise;
      const { state, error } = reported.at(-1)!;
      assertEquals([state, error?.code], ["reading", "OFFSET_OUT_OF_RANGE"]);
      assertEquals(
        error?.message,
        `Cannot read "a-0": offset 0 does not exist, autoOffsetReset "${autoOffsetReset}" ` +
          `continues at offset ${to} (OFFSET_OUT_OF_RANGE)`,
      );
      assertEquals(consumer.status.error, undefined);
    });
  }
});

Deno.test("GroupConsumer reports to onStatus a reset of a committed offset that is out of range", async () => {
  const errors: string[] = [];
  await using test = setupClassicGroup({
    onStatus: ({ error }) => error && errors.push(error.code),
  }, { topics: { a: 1 } });
  write(test.cluster, "a", 0, ["0"]);
  assertEquals(texts(await pollGroup(test.consumer, 1)), ["0"]);
  await test.consumer.seek("a", 0, 0);
  write(test.cluster, "a", 0, ["1"]);
  write(test.cluster, "a", 0, ["2"]);
  await test.consumer.commitOffset("a", 0, 0);
  await test.consumer.leaveGroup();
  test.cluster.log("a").logStartOffset = 2;
  await test.consumer.joinGroup();
  assertEquals(texts(await pollGroup(test.consumer, 1)), ["2"]);
  assertEquals(errors, ["OFFSET_OUT_OF_RANGE"]);
});

Deno.test("Consumer without onStatus warns of a reset on the console", async () => {
  await using test = setup();
  writeAndTrim(test.cluster);
  const warnings: string[] = [];
  const { warn } = console;
  console.warn = (text: string) => warnings.push(text);
  try {
    const consumer = test.client.consumer();
    await consumer.subscribe("a");
    await consumer.seek("a", 0, 0);
    assertEquals(texts(await pollAll(consumer, 1)), ["1"]);
  } finally {
    console.warn = warn;
  }
  assertEquals(warnings.length, 1);
  assertEquals(warnings[0]!.includes("continues at offset 1"), true);
});
