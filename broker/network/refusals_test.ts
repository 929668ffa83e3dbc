import { assertEquals } from "@std/assert";
import { ManualClock } from "../time/clock.ts";
import { createLogger } from "../logger.ts";
import { Refusals } from "./refusals.ts";

Deno.test("Refusals logs the first refusal, and the end of a series", () => {
  const clock = new ManualClock();
  const lines: string[] = [];
  const logger = createLogger({ sink: (line) => lines.push(line.slice(25)), clock });
  const refusals = new Refusals("the house is full", { clock, logger });
  for (let i = 0; i < 1000; i++) {
    refusals.add(7);
    clock.advance(10);
  }
  assertEquals(lines, ["WARN  Refusing connections: the house is full connections=7"]);
  clock.advance(60_000);
  assertEquals(lines.slice(1), ["INFO  Accepting connections again refused=1000"]);
  refusals.add(8);
  clock.advance(60_000);
  assertEquals(lines.slice(2), [
    "WARN  Refusing connections: the house is full connections=8",
    "INFO  Accepting connections again refused=1",
  ]);
  refusals.add(9);
  refusals.close();
  assertEquals(clock.timerCount, 0);
});
