import { assertEquals } from "@std/assert";
import {
  CommandError,
  exitCodeOf,
  isInterruption,
  messageOf,
  OutputClosedError,
} from "./errors.ts";
import { UsageError } from "./errors.ts";

Deno.test("exitCodeOf() returns 2 for wrong usage and 1 for failures", () => {
  const { signal } = new AbortController();
  assertEquals(exitCodeOf(new UsageError("x"), signal), 2);
  assertEquals(exitCodeOf(new CommandError("x"), signal), 1);
  assertEquals(exitCodeOf(new TypeError("x"), signal), 1);
  assertEquals(exitCodeOf("thrown text", signal), 1);
});

Deno.test("exitCodeOf() returns 128 + signal for interruption and a closed pipe", () => {
  const stop = new AbortController();
  const foreign = new DOMException("elsewhere", "AbortError");
  assertEquals(exitCodeOf(foreign, stop.signal), 1);
  stop.abort();
  assertEquals(exitCodeOf(stop.signal.reason, stop.signal), 130);
  assertEquals(exitCodeOf(foreign, stop.signal), 130);
  assertEquals(exitCodeOf(new OutputClosedError("gone"), stop.signal), 141);
});

Deno.test("isInterruption() returns false for a real failure after the signal", () => {
  const stop = new AbortController();
  stop.abort();
  assertEquals(isInterruption(new Error("disk full"), stop.signal), false);
});

Deno.test("messageOf() accepts errors and other thrown values", () => {
  assertEquals(messageOf(new Error("a")), "a");
  assertEquals(messageOf("b"), "b");
  assertEquals(messageOf(undefined), "undefined");
});
