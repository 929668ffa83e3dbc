import { assertEquals } from "@std/assert";
import { LinkedSignal } from "./linked_signal.ts";
import { CountedAbortController } from "./linked_signal_testing.ts";

Deno.test("LinkedSignal is aborted with the first of its sources, for its reason", () => {
  const [first, second] = [new AbortController(), new AbortController()];
  using linked = new LinkedSignal(first.signal, undefined, second.signal);
  const reasons: unknown[] = [];
  linked.signal.addEventListener("abort", () => reasons.push(linked.signal.reason));
  assertEquals(linked.signal.aborted, false);
  second.abort("second");
  first.abort("first");
  assertEquals(reasons, ["second"]);
});

Deno.test("LinkedSignal is aborted at once if a source is", () => {
  using linked = new LinkedSignal(new AbortController().signal, AbortSignal.abort("before"));
  assertEquals([linked.signal.aborted, linked.signal.reason], [true, "before"]);
});

Deno.test("LinkedSignal leaves nothing with its sources, and is not aborted any more", () => {
  const closing = new CountedAbortController();
  const linked = new LinkedSignal(closing.signal);
  assertEquals(closing.listenerCount, 1);
  linked[Symbol.dispose]();
  assertEquals(closing.listenerCount, 0);
  closing.abort();
  assertEquals(linked.signal.aborted, false);
});
