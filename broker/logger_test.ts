import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ManualClock } from "./time/clock.ts";
import { createLogger, type LogLevel } from "./logger.ts";

function collect(level: LogLevel = "debug") {
  const lines: string[] = [];
  const clock = new ManualClock(Date.UTC(2026, 10, 20, 8, 15, 30, 123));
  return { lines, logger: createLogger({ level, clock, sink: (line) => lines.push(line) }) };
}

Deno.test("createLogger() writes time, level, message and fields", () => {
  const { lines, logger } = collect();
  logger.info("Created topic", { topic: "orders", partitions: 3, missing: undefined });
  logger.warn("Slow", { list: [1, 2], text: "two words" });
  assertEquals(lines, [
    "2026-11-20T08:15:30.123Z INFO  Created topic topic=orders partitions=3",
    '2026-11-20T08:15:30.123Z WARN  Slow list="[1,2]" text="two words"',
  ]);
});

Deno.test("createLogger() drops lines below its level", () => {
  for (const [level, count] of [["error", 1], ["warn", 2], ["info", 3], ["debug", 4]] as const) {
    const { lines, logger } = collect(level);
    logger.error("a");
    logger.warn("b");
    logger.info("c");
    logger.debug("d");
    assertEquals(lines.length, count);
  }
});

Deno.test("Logger.level changes which lines are written", () => {
  const { lines, logger } = collect("error");
  const { info } = logger;
  info("a");
  logger.level = "info";
  info("b");
  logger.debug("c");
  logger.level = "warn";
  info("d");
  assertEquals(lines.map((line) => line.at(-1)), ["b"]);
});

Deno.test("createLogger() quotes values that could forge a line", () => {
  const { lines, logger } = collect();
  logger.info("Client says\n2026 ERROR", { clientId: "x\ny=1", empty: "" });
  assertEquals(lines.length, 1);
  assertEquals(lines[0]!.includes("\n"), false);
  assertStringIncludes(lines[0]!, 'clientId="x\\ny=1" empty=""');
});

Deno.test("createLogger() writes an error with its causes, and its stack at level error", () => {
  const { lines, logger } = collect();
  const error = new TypeError("outer", { cause: new RangeError("inner") });
  logger.warn("Failed", { error });
  logger.error("Failed", { error });
  assertStringIncludes(lines[0]!, "TypeError: outer; caused by RangeError: inner");
  assertMatch(lines[1]!, /TypeError: outer.*logger_test\.ts.*caused by RangeError: inner/);
});
