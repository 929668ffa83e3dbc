import { assertEquals } from "@std/assert";
import { awaitEach, byName, mapEach, mapNested, sortTexts } from "./each_item.ts";

const MANY = Array.from({ length: 5000 }, (_, i) => i);

Deno.test("mapEach() keeps the order of few and of many items", async () => {
  assertEquals(mapEach([1, 2], (n) => n * 2), [2, 4]);
  assertEquals(await mapEach(MANY, (n) => n * 2), MANY.map((n) => n * 2));
});

Deno.test("awaitEach() keeps the order and limits concurrency", async () => {
  let atWork = 0;
  let most = 0;
  const double = async (n: number) => {
    most = Math.max(most, ++atWork);
    await undefined;
    atWork--;
    return n * 2;
  };
  assertEquals(await awaitEach(MANY, double), MANY.map((n) => n * 2));
  assertEquals(most <= 1000, true);
  most = 0;
  await awaitEach(MANY, double, 3);
  assertEquals(most, 3);
});

Deno.test("mapNested() passes each item with its outer item", async () => {
  const lists = [{ of: "a", items: [1, 2] }, { of: "b", items: [] }, { of: "c", items: [3] }];
  const mapped = await mapNested(lists, ({ items }) => items, ({ of }, item) => `${of}${item}`);
  assertEquals(mapped.map(([{ of }, results]) => [of, results]), [
    ["a", ["a1", "a2"]],
    ["b", []],
    ["c", ["c3"]],
  ]);
});

Deno.test("byName() returns the last item of each key in order of first occurrence", async () => {
  const items = [["b", 1], ["a", 2], ["b", 3]] as const;
  const named = await byName(items, ([name]) => name);
  assertEquals([...named], [
    ["b", { item: ["b", 3], count: 2 }],
    ["a", { item: ["a", 2], count: 1 }],
  ]);
});

Deno.test("sortTexts() sorts like Array.prototype.sort", async () => {
  const texts = Array.from({ length: 4321 }, (_, i) => `${(i * 7919) % 4321}é${i % 3}`);
  assertEquals(await sortTexts(texts), texts.toSorted());
  assertEquals(await sortTexts([]), []);
});
