import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { SerializationError, UsageError } from "../errors.ts";
import { recordHeaders } from "../message_headers.ts";
import { pollAll, setup } from "../testing/client_setup.ts";

Deno.test("Producer rejects values that are not messages, in every way to send", async () => {
  await using test = setup();
  const producer = test.client.producer();
  const cases: [message: unknown, what: string][] = [
    [null, "it is null"],
    [undefined, "it is undefined"],
    ["text", "it is a string"],
    [5, "it is a number"],
  ];
  for (const [message, what] of cases) {
    const error = await assertRejects(() => producer.send(message as never), UsageError, what);
    assertEquals(error.message.startsWith("Cannot send message: it is "), true, error.message);
    assertEquals(error.advice.includes("a tombstone has the value null"), true);
  }
  await assertRejects(
    () => producer.sendBatch([{ topic: "a", value: "1" }, null as never]),
    UsageError,
    "Cannot send message 1 of the list: it is null",
  );
  await assertRejects(
    () => producer.sendBatch(null as never),
    UsageError,
    "it is null, not a list",
  );
  const writer = producer.writable("a").getWriter();
  const closed = assertRejects(() => writer.closed, UsageError);
  await assertRejects(
    () => writer.write(null as never),
    UsageError,
    "Cannot send message: it is null",
  );
  await closed;
  const other = producer.writable("a").getWriter();
  const ended = assertRejects(() => other.closed, UsageError);
  await assertRejects(() => other.write(5 as never), UsageError, "it is a number");
  await ended;
});

Deno.test("Producer sends a null value as a tombstone", async () => {
  await using test = setup();
  await test.client.producer().send({ topic: "a", key: "k", value: null });
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  const [message] = await pollAll(consumer, 1);
  assertEquals([message!.keyText(), message!.value], ["k", null]);
});

Deno.test("Producer rejects the first message to a topic with a misspelled property", async () => {
  await using test = setup();
  const producer = test.client.producer();
  const mistyped = { topic: "a", value: "1", partion: 0 };
  await assertRejects(
    () => producer.send(mistyped),
    UsageError,
    'Cannot send message with "partion": there is no such property, did you mean "partition"',
  );
  // Unrelated properties are allowed, as in a message that was read elsewhere.
  const { offset } = await producer.send(
    { topic: "a", value: "1", offset: 7, source: "x" } as never,
  );
  assertEquals(offset, 0);
});

Deno.test("recordHeaders() accepts headers as an object, pairs, or objects with key and value", async () => {
  const expected = [{ key: "a", value: "1" }, { key: "a", value: null }, { key: "b", value: "2" }];
  const pairs = [["a", "1"], ["a", null], ["b", "2"]] as const;
  for (const init of [pairs, expected, { a: ["1", null], b: "2" }, new Set(pairs)]) {
    assertEquals(recordHeaders(init), expected);
  }
  await using test = setup();
  await test.client.producer().send({ topic: "a", value: "1", headers: pairs });
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  const [message] = await pollAll(consumer, 1);
  const read = [...message!.headers].map((
    [key, value],
  ) => [key, value && new TextDecoder().decode(value)]);
  assertEquals(read, [["a", "1"], ["a", null], ["b", "2"]]);
});

Deno.test("recordHeaders() names the invalid entry of a list", () => {
  const cases: [headers: unknown, message: string][] = [
    [["ab"], "header 0: it is a string, not a pair of name and value"],
    [[["a", "1"], null], "header 1: it is null"],
    [[["a"]], "header 0: it is a list of 1"],
    [[["a", "1", "2"]], "header 0: it is a list of 3"],
    [[{ name: "a", value: "1" }], "header 0: it is Object"],
    [[[1, "2"]], "its name is number, not text"],
    [[["a", 5]], 'header "a": it is a number, not a Uint8Array, text or null'],
    ["a=1", "headers: they are a string, not an object or a list of pairs"],
    [5, "headers: they are a number"],
    [new Uint8Array(2), "headers: they are Uint8Array"],
  ];
  for (const [headers, message] of cases) {
    assertThrows(() => recordHeaders(headers as never), SerializationError, message);
  }
});
