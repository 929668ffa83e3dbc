import { assertEquals } from "@std/assert";
import { apiName } from "./api_name.ts";

Deno.test("apiName() returns the name of every API of Kafka 4.2, and undefined for other keys", () => {
  const unnamed = Array.from({ length: 93 }, (_, key) => key)
    .filter((key) => apiName(key) === undefined);
  assertEquals(unnamed, []);
  assertEquals([0, 52, 90].map(apiName), ["Produce", "Vote", "DescribeShareGroupOffsets"]);
  assertEquals([-1, 93, 999].map(apiName), [undefined, undefined, undefined]);
});
