import { assertEquals, assertThrows } from "@std/assert";
import { SerializationError } from "./errors.ts";
import { json } from "./json.ts";
import { pollAll, setup } from "./testing/client_setup.ts";

Deno.test("json() encodes keys, values and headers that message.json() decodes", async () => {
  await using test = setup();
  const order = { id: 7, lines: ["tea", "milk"], paid: null, at: new Date(0) };
  const message = { topic: "a", key: json({ id: 7 }), value: json(order), headers: { n: json(5) } };
  const producer = test.client.producer();
  await producer.send(message);
  await producer.sendBatch([{ topic: "a", value: json([1]) }, { topic: "a", value: json("é") }]);
  const writer = producer.writable("a").getWriter();
  await writer.write(json(null));
  await writer.close();
  const consumer = test.client.consumer();
  await consumer.subscribe("a");
  const messages = await pollAll(consumer, 4);
  const expected = { ...order, at: "1970-01-01T00:00:00.000Z" };
  assertEquals(messages.map((message) => message.json()), [expected, [1], "é", null]);
  assertEquals(messages.map((message) => message.value === null), [false, false, false, false]);
  assertEquals([messages[0]!.keyText(), messages[0]!.headers.text("n")], ['{"id":7}', "5"]);
});

Deno.test("json() throws for values without a JSON form", () => {
  const circular: { self?: unknown } = {};
  circular.self = circular;
  const cases: [value: unknown, message: string][] = [
    [undefined, "Cannot encode undefined as JSON: it has no JSON form"],
    [() => 1, "Cannot encode a function as JSON"],
    [Symbol("s"), "Cannot encode a symbol as JSON"],
    [5n, "Cannot encode a bigint as JSON: "],
    [circular, "Cannot encode Object as JSON: "],
    [{ toJSON: () => undefined }, "it has no JSON form"],
  ];
  for (const [value, message] of cases) {
    assertThrows(() => json(value), SerializationError, message);
  }
});
