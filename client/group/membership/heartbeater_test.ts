import { assertEquals } from "@std/assert";
import { ConnectionError, UsageError } from "../../errors.ts";
import { resolveClientOptions } from "../../client_options.ts";
import { Heartbeater } from "./heartbeater.ts";
import { QUICK_RETRIES } from "../../testing/client_setup.ts";
import { WakeSignal } from "../../connection/wake_signal.ts";

/** A heartbeater whose heartbeats are answered by the test. */
function setupBeats() {
  const beats: PromiseWithResolvers<number>[] = [];
  const signals: AbortSignal[] = [];
  const events: string[] = [];
  const news = new WakeSignal();
  const heartbeater = new Heartbeater({
    client: resolveClientOptions({ brokers: "localhost:9092", retry: QUICK_RETRIES }),
    beat(signal) {
      const answer = Promise.withResolvers<number>();
      beats.push(answer);
      signals.push(signal);
      news.notify();
      return answer.promise;
    },
    onRetry: () => events.push("retry"),
    onFailed() {
      events.push("failed");
      news.notify();
    },
  });
  const untilBeats = async (count: number) => {
    while (beats.length < count) await news.wait();
  };
  return {
    heartbeater,
    beats,
    signals,
    events,
    untilBeats,
    news,
    [Symbol.dispose]: () => heartbeater.stop(),
  };
}

Deno.test("Heartbeater sends the next heartbeat at the time returned by the last one", async () => {
  using test = setupBeats();
  test.heartbeater.start(0);
  await test.untilBeats(1);
  test.heartbeater.hurry();
  test.heartbeater.hurry();
  assertEquals(test.beats.length, 1);
  test.beats[0]!.resolve(60_000);
  // It was hurried meanwhile.
  await test.untilBeats(2);
  test.beats[1]!.resolve(1);
  await test.untilBeats(3);
  test.beats[2]!.resolve(60_000);
  await test.beats[2]!.promise;
  test.heartbeater.hurry();
  await test.untilBeats(4);
  assertEquals(test.events, []);
});

Deno.test("Heartbeater retries after temporary errors, and stops after permanent ones", async () => {
  using test = setupBeats();
  test.heartbeater.start(0);
  await test.untilBeats(1);
  test.beats[0]!.reject(new ConnectionError("Gone"));
  await test.untilBeats(2);
  assertEquals(test.events, ["retry"]);
  test.beats[1]!.reject(new UsageError("Never"));
  await test.news.wait();
  assertEquals(test.events, ["retry", "failed"]);
  test.heartbeater.hurry();
  assertEquals(test.signals[1]!.aborted, true);
});

Deno.test("Heartbeater.stop() aborts a heartbeat in flight without reporting it", async () => {
  using test = setupBeats();
  test.heartbeater.start(0);
  await test.untilBeats(1);
  test.heartbeater.stop();
  assertEquals(test.signals[0]!.aborted, true);
  test.beats[0]!.reject(new UsageError("Never"));
  test.heartbeater.start(0);
  await test.untilBeats(2);
  assertEquals(test.signals[1]!.aborted, false);
  assertEquals(test.events, []);
});
