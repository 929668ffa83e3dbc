import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { STANDARD_SCENARIOS } from "./broker_scenarios.ts";
import { HEADLINES, isHeadline } from "../report/readme_tables.ts";
import { describeScenario, familyOf, parseScenario } from "./scenario.ts";

Deno.test("isHeadline(), the standard scenarios, finds one for each headline, none of them long", () => {
  const found = STANDARD_SCENARIOS.filter(({ text }) =>
    isHeadline(describeScenario(parseScenario(text)))
  );
  assertEquals(found.length, HEADLINES.length);
  assert(found.every(({ isLong = false }) => !isLong));
});

Deno.test("familyOf(), requests that differ in size or wait for the disk, are of other families", () => {
  const family = (text: string) => familyOf(parseScenario(text));
  const small = family("produce connections=64 partitions=8");
  assertEquals(family("produce connections=1"), small);
  assertEquals(family("produce size=1000 connections=64"), small);
  assertNotEquals(family("produce connections=64 acks=all flush=commit"), small);
  assertNotEquals(family("produce size=1000 batch=100"), small);
  assertNotEquals(family("fetch from=tail"), small);
  assertEquals(family("fetch from=tail"), family("fetch from=cold mb=512"));
  assertNotEquals(family("latency rate=1000"), family("latency rate=1000 flush=commit"));
});
