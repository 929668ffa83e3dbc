import { assertEquals } from "@std/assert";
import { CountedAbortController } from "../../../protocol/linked_signal_testing.ts";
import { ManualClock } from "../../time/clock.ts";
import { sseResponse } from "./sse.ts";

const CALLBACKS = { onStalled: () => {}, onEnd: () => {} };

/** Yields a byte, then waits until the signal is aborted. */
async function* events(signal: AbortSignal): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  yield new Uint8Array(1);
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

Deno.test("sseResponse() leaves nothing with the broker's signal when its reader goes", async () => {
  const closing = new CountedAbortController();
  const clock = new ManualClock();
  const response = sseResponse(events, clock, closing.signal, CALLBACKS);
  const reader = response.body!.getReader();
  await reader.read();
  assertEquals(closing.listenerCount, 1);
  await reader.cancel();
  assertEquals([closing.listenerCount, clock.timerCount], [0, 0]);
});

Deno.test("sseResponse() ends with the broker, however early that closes", async () => {
  for (const isEarly of [true, false]) {
    const closing = new CountedAbortController();
    const clock = new ManualClock();
    if (isEarly) closing.abort();
    const ended = Promise.withResolvers<void>();
    const onEnd = ended.resolve;
    const response = sseResponse(events, clock, closing.signal, { ...CALLBACKS, onEnd });
    closing.abort();
    await response.text();
    await ended.promise;
    assertEquals([closing.listenerCount, clock.timerCount], [0, 0]);
  }
});
