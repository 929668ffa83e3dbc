import { assertEquals } from "@std/assert";
import { ApiCounters, BrokerCounters } from "./broker_counters.ts";

Deno.test("ApiCounters counts every request, and asks for the time of one in eight", () => {
  const counters = new ApiCounters();
  let due = 0;
  for (let i = 0; i < 17; i++) {
    const { isDue } = counters;
    if (isDue) due++;
    counters.answered(isDue ? 3 : undefined);
  }
  assertEquals(due, 3);
  assertEquals(counters.requests, 17);
  assertEquals(counters.duration.count, 17);
  assertEquals(counters.duration.sumMs, 51, "those between count as long as the last");
});

Deno.test("ApiCounters counts errors by code", () => {
  const counters = new ApiCounters();
  for (const code of [3, 6, 3]) counters.failed(code);
  assertEquals([...counters.errors], [[3, 2], [6, 1]]);
});

Deno.test("BrokerCounters lists the APIs that were requested", () => {
  const counters = new BrokerCounters();
  counters.api(3).answeredUntimed();
  counters.api(0);
  assertEquals([...counters.apis()].map(([key, { requests }]) => [key, requests]), [[0, 0], [
    3,
    1,
  ]]);
});
