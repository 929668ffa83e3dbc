import { assertEquals } from "@std/assert";
import { bodyOf, originHeaderOf, planOf } from "./src/redrive.js";

/** A record as a stream has it. */
function record(offset: number, headers: Record<string, string>[] = [], more: object = {}) {
  return { topic: "dlq", partition: 0, offset, key: null, value: "v", headers, ...more };
}

Deno.test("planOf() sends all to one topic, or each to the one that its last header names", () => {
  const topics = new Set(["orders", "bills"]);
  const from = (topic: string) => ({ key: "x-original-topic", value: topic });
  const records = [
    record(0, [from("orders")]),
    record(1, [from("nowhere"), from("bills")]),
    record(2, [from("nowhere")]),
    record(3),
    record(4, [{ key: "x-original-topic", value_base64: "/w==" }]),
    record(5, [from("orders")]),
  ];
  const offsets = (map: ReadonlyMap<string, readonly { offset: number }[]>) =>
    Array.from(map, ([name, part]) => [name, part.map(({ offset }) => offset)]);
  const byHeader = planOf(records, { topic: "", header: "x-original-topic", topics });
  assertEquals(offsets(byHeader.byTopic), [["orders", [0, 5]], ["bills", [1]]]);
  assertEquals(offsets(byHeader.skipped), [
    ["There is no topic nowhere", [2]],
    ["No header x-original-topic with a text", [3, 4]],
  ]);
  const toOne = planOf(records, { topic: "bills", header: undefined, topics });
  assertEquals(offsets(toOne.byTopic), [["bills", [0, 1, 2, 3, 4, 5]]]);
  assertEquals(toOne.skipped.size, 0);
});

Deno.test("originHeaderOf() finds the header that names where a message was", () => {
  const cases: [names: string[], expected: string][] = [
    [[], ""],
    [["trace"], ""],
    [["trace", "my-topic"], "my-topic"],
    [["my-topic", "kafka_dlt-original-topic"], "kafka_dlt-original-topic"],
    [["x-original-topic", "__connect.errors.topic"], "__connect.errors.topic"],
  ];
  for (const [names, expected] of cases) {
    const headers = names.map((key) => ({ key, value: "a" }));
    assertEquals(originHeaderOf([record(0), record(1, headers)]), expected);
  }
});

Deno.test("bodyOf() has the bytes of a message as they are", () => {
  const headers = [
    { key: "text", value: "é" },
    { key: "bytes", value_base64: "/wA=" },
    { key: "none", value: null },
  ];
  assertEquals(bodyOf(record(0, headers as Record<string, string>[], { key_base64: "AP8=" })), {
    key: { type: "BINARY", data: "AP8=" },
    value: { type: "STRING", data: "v" },
    headers: [
      { name: "text", value: "w6k=" },
      { name: "bytes", value: "/wA=" },
      { name: "none", value: null },
    ],
  });
  const tombstone = bodyOf(record(0, [], { value: null }));
  assertEquals(tombstone.value, { type: "BINARY", data: null });
  assertEquals(tombstone.key, { type: "BINARY", data: null });
});
