import { assert, assertEquals, assertThrows } from "@std/assert";
import { HttpError } from "../http_error.ts";
import { formatEndId, formatEventId, isEndId, parseEventId } from "./positions.ts";

Deno.test("formatEventId() is readable for few partitions, short for many, and read back", () => {
  assertEquals(formatEventId([0, 1], [17, 4]), "0:17,1:4");
  const cases: [partitions: number[], positions: number[]][] = [
    [[3], [0]],
    [[0, 2, 9], [1, Number.MAX_SAFE_INTEGER, 5]],
    [Array.from({ length: 9 }, (_, i) => i), Array.from({ length: 9 }, (_, i) => i * 1000)],
    [Array.from({ length: 1000 }, (_, i) => 3 * i), Array.from({ length: 1000 }, () => 2 ** 40)],
  ];
  for (const [partitions, positions] of cases) {
    const id = formatEventId(partitions, positions);
    assertEquals(
      [...parseEventId(id)],
      partitions.map((partition, i) => [partition, positions[i]!]),
    );
  }
  const hundred = Array.from({ length: 100 }, (_, i) => i);
  assert(formatEventId(hundred, hundred.map(() => 1_000_000)).length < 600);
});

Deno.test("parseEventId() refuses what no stream has sent", () => {
  const wrong = ["", "0", "0:", "a:1", "0:1;1:2", "-1:2", "0:99999999999999999", "v1.", "v1.*"];
  for (const id of [...wrong.slice(0, 7), "v1.*", "v1.gA", "v1.AQ", "0:1!"]) {
    assertThrows(() => parseEventId(id), HttpError, "not the id", id);
  }
});

Deno.test("formatEndId() is told apart from the id of a stream that continues", () => {
  assert(isEndId(formatEndId([0], [5])));
  assert(!isEndId(formatEventId([0], [5])));
});
