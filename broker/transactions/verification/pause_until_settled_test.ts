import { assertEquals } from "@std/assert";
import { ManualClock } from "../../time/clock.ts";
import { turn } from "../testing.ts";
import { pauseUntilSettled } from "./pause_until_settled.ts";

class Fixture {
  readonly clock: ManualClock = new ManualClock();
  readonly closing: AbortController = new AbortController();
  /** Listeners of the long-lived signal. */
  listenerCount = 0;
  settling: PromiseWithResolvers<void> | undefined = Promise.withResolvers();
  /** What the coordinator was given to end its wait. */
  ended: AbortSignal | undefined;

  constructor() {
    const { signal } = this.closing;
    const [add, remove] = [signal.addEventListener, signal.removeEventListener];
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      this.listenerCount++;
      add.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      this.listenerCount--;
      remove.apply(signal, args);
    };
  }

  /** The result, once there is one. */
  pause(ms = 20): { value?: boolean } {
    const result: { value?: boolean } = {};
    const { clock, closing: { signal } } = this;
    const whenSettled = (_: string, ended: AbortSignal) => {
      this.ended = ended;
      return this.settling?.promise;
    };
    pauseUntilSettled({ whenSettled }, "x", { ms, clock, signal })
      .then((value) => result.value = value);
    return result;
  }
}

Deno.test("pauseUntilSettled() ends with the transaction, the time or the signal, and keeps nothing", async () => {
  const ends: [string, (fixture: Fixture) => void][] = [
    ["transaction", ({ settling }) => settling!.resolve()],
    ["time", ({ clock }) => clock.advance(20)],
    ["signal", ({ closing }) => closing.abort()],
  ];
  for (const [name, end] of ends) {
    const fixture = new Fixture();
    const result = fixture.pause();
    await turn();
    assertEquals([result.value, fixture.ended!.aborted], [undefined, false], name);
    assertEquals(fixture.listenerCount, 1, name);
    end(fixture);
    await turn();
    assertEquals([result.value, fixture.ended!.aborted], [true, true], name);
    assertEquals(fixture.listenerCount, 0, name);
  }
});

Deno.test("pauseUntilSettled() does not wait if nothing is being written, or for an aborted signal", async () => {
  const fixture = new Fixture();
  fixture.closing.abort();
  const aborted = fixture.pause();
  await turn();
  assertEquals([aborted.value, fixture.listenerCount], [true, 0]);
  fixture.settling = undefined;
  const settled = fixture.pause();
  await turn();
  assertEquals([settled.value, fixture.listenerCount], [false, 0]);
});
