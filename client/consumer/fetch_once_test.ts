import { assertEquals, assertRejects } from "@std/assert";
import { KafkaError } from "../errors.ts";
import { setup, texts, write } from "../testing/client_setup.ts";

Deno.test("Consumer.fetchFrom() fetches once from an offset", async () => {
  await using test = setup();
  write(test.cluster, "a", 0, ["0", "1", "2"]);
  write(test.cluster, "a", 0, ["3"]);
  const consumer = test.client.consumer({ maxWaitMs: 5 });
  const first = await consumer.fetchFrom("a", 0, 1);
  assertEquals(texts(first.messages), ["1", "2", "3"]);
  assertEquals([first.nextOffset, first.highWatermark, first.logStartOffset], [4, 4, 0]);
  const some = await consumer.fetchFrom("a", 0, "earliest", { maxMessages: 2 });
  assertEquals(texts(some.messages), ["0", "1"]);
  assertEquals(some.nextOffset, 2);
  const none = await consumer.fetchFrom("a", 0, "latest");
  assertEquals([none.messages.length, none.nextOffset], [0, 4]);
  const small = await consumer.fetchFrom("a", 0, 0, { maxBytes: 10 });
  assertEquals(texts(small.messages), ["0", "1", "2"]);
});

Deno.test("Consumer.fetchFrom() throws for an invalid offset, topic or partition", async () => {
  await using test = setup();
  const consumer = test.client.consumer();
  const codes: string[] = [];
  for (const [topic, partition, offset] of [["a", 0, 9], ["a", 7, 0], ["missing", 0, 0]] as const) {
    const error = await assertRejects(
      () => consumer.fetchFrom(topic, partition, offset),
      KafkaError,
    );
    codes.push(error.code);
  }
  assertEquals(codes, [
    "OFFSET_OUT_OF_RANGE",
    "UNKNOWN_TOPIC_OR_PARTITION",
    "UNKNOWN_TOPIC_OR_PARTITION",
  ]);
});

Deno.test("Consumer.fetchFrom() calls that wait do not block each other", async () => {
  await using test = setup({ topics: { a: 2 } });
  const consumer = test.client.consumer({ maxWaitMs: 60_000 });
  const controller = new AbortController();
  const waiting = consumer.fetchFrom("a", 0, 0, { signal: controller.signal });
  write(test.cluster, "a", 1, ["1"]);
  assertEquals(texts((await consumer.fetchFrom("a", 1, 0)).messages), ["1"]);
  controller.abort(new Error("enough"));
  await assertRejects(() => waiting, Error, "enough");
});

Deno.test("Consumer.fetchFrom() follows the leader", async () => {
  await using test = setup({ brokers: 2, topics: { a: 1 } });
  write(test.cluster, "a", 0, ["0"]);
  const consumer = test.client.consumer();
  await consumer.fetchFrom("a", 0, 0);
  test.cluster.moveLeader("a", 0, 1);
  assertEquals(texts((await consumer.fetchFrom("a", 0, 0)).messages), ["0"]);
});
