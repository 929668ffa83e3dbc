import { assert, assertEquals, assertThrows } from "@std/assert";
import { testSeeds } from "./seeds_testing.ts";

Deno.test("testSeeds() returns the same seeds in every run", () => {
  assertEquals(testSeeds(3, {}), [1, 2, 3]);
});

Deno.test("testSeeds() returns one seed to repeat, or as many from there as are asked for", () => {
  assertEquals(testSeeds(3, { first: "4711" }), [4711]);
  assertEquals(testSeeds(3, { first: "4711", count: "2" }), [4711, 4712]);
  assertEquals(testSeeds(1, { count: "2" }), [1, 2]);
});

Deno.test("testSeeds() draws the first of as many seeds as the test takes", () => {
  const seeds = testSeeds(3, { first: "random" });
  assertEquals(seeds, [seeds[0]!, seeds[0]! + 1, seeds[0]! + 2]);
  assert(testSeeds(3, { first: "random" })[0] !== seeds[0]);
  assertEquals(testSeeds(3, { first: "random", count: "5" }).length, 5);
});

Deno.test("testSeeds() rejects values that are no whole numbers", () => {
  for (const first of ["", "-1", "1.5", "x", "4294967296"]) {
    assertThrows(() => testSeeds(3, { first }), Error, `Cannot use DQUEUE_TEST_SEED=${first}`);
  }
  assertThrows(() => testSeeds(3, { count: "0" }), Error, "DQUEUE_TEST_SEEDS=0");
});
