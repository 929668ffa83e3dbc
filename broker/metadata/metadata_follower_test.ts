import { assertEquals, assertRejects } from "@std/assert";
import { TestBroker } from "../broker_testing.ts";
import { silentLogger } from "../logger.ts";
import { ManualClock } from "../time/clock.ts";
import { MetadataFollower } from "./metadata_follower.ts";
import type { MetadataEvent, MetadataStore } from "./metadata_store.ts";
import { RevisionConflictError } from "./metadata_store.ts";
import { setText } from "./metadata_store_contract_testing.ts";

/** A store whose watch shows what the test gives it. */
class ScriptedWatch {
  readonly store: MetadataStore;
  readonly clock = new ManualClock();
  readonly shown: [key: string, text: string | undefined][] = [];
  readonly follower: MetadataFollower;
  /** Resolves when the store is watched, with the revision and what ends that watch. */
  #watched: PromiseWithResolvers<Watching> = Promise.withResolvers();

  constructor(broker: TestBroker) {
    const { store } = broker;
    // deno-lint-ignore no-this-alias
    const script = this;
    this.store = {
      logState: undefined,
      read: () => store.read(),
      get: (key) => store.get(key),
      commit: (changes, options) => store.commit(changes, options),
      session: (ttlMs) => store.session(ttlMs),
      close: () => store.close(),
      async *watch(from, { signal }) {
        const queue: MetadataEvent[] = [];
        const end = Promise.withResolvers<void>();
        let wake = Promise.withResolvers<void>();
        signal?.addEventListener("abort", () => end.resolve());
        const show = (event: MetadataEvent) => {
          queue.push(event);
          wake.resolve();
        };
        script.#watched.resolve({ from, show, end: end.resolve, fail: end.reject });
        for (;;) {
          while (queue.length > 0) yield queue.shift()!;
          const hasEnded = await Promise.race([wake.promise, end.promise.then(() => true)]);
          if (hasEnded) return;
          wake = Promise.withResolvers();
        }
      },
    };
    this.follower = new MetadataFollower({
      store: this.store,
      clock: this.clock,
      logger: silentLogger,
      show: (key, entry) => {
        if (!/^[a-z]$/.test(key)) return;
        this.shown.push([key, entry && new TextDecoder().decode(entry.value)]);
      },
    });
  }

  /** The watch under way, or the next. */
  async watching(): Promise<Watching> {
    const watching = await this.#watched.promise;
    this.#watched = Promise.withResolvers();
    return watching;
  }

  /** Lets timers of the follower run until it watches. */
  async watchingAgain(): Promise<Watching> {
    for (let i = 0; i < 1000; i++) {
      await Promise.resolve();
      if (i % 50 === 49) this.clock.advance(100);
    }
    return await this.watching();
  }

  takeShown(): [string, string | undefined][] {
    return this.shown.splice(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.follower.close();
  }
}

interface Watching {
  readonly from: number;
  show(event: MetadataEvent): void;
  end(): void;
  fail(error: unknown): void;
}

Deno.test("MetadataFollower reads everything again after its watch failed or ended", async () => {
  await using broker = await TestBroker.start();
  await using script = new ScriptedWatch(broker);
  await broker.store.commit([setText("a", "1"), setText("b", "1")]);
  await script.follower.start();
  assertEquals(script.takeShown(), [["a", "1"], ["b", "1"]]);
  const first = await script.watching();
  await broker.store.commit([setText("a", "2"), { key: "b", value: null }]);
  first.fail(new Error("the connection is gone"));
  const second = await script.watchingAgain();
  assertEquals(script.takeShown(), [["b", undefined], ["a", "2"]]);
  assertEquals(second.from, (await broker.store.read()).revision);
  await broker.store.commit([setText("c", "1")]);
  second.end();
  await script.watching();
  assertEquals(script.takeShown(), [["c", "1"]]);
});

Deno.test("MetadataFollower reports the state found by a rejected commit, then nothing older", async () => {
  await using broker = await TestBroker.start();
  await using script = new ScriptedWatch(broker);
  const first = await broker.store.commit([setText("a", "1")]);
  await script.follower.start();
  const watch = await script.watching();
  script.takeShown();
  const events: MetadataEvent[] = [];
  const second = await broker.store.commit([setText("a", "2")]);
  await broker.store.commit([{ key: "a", value: null }]);
  for await (const event of broker.store.watch(first, {})) {
    if (events.push(event) === 2) break;
  }
  const expect = [{ key: "a", revision: first }];
  const conflict = await assertRejects(
    () => broker.store.commit([], { expect }),
    RevisionConflictError,
  );
  script.follower.showConflict(conflict);
  script.follower.showConflict(conflict);
  assertEquals(script.takeShown(), [["a", undefined]]);
  for (const event of events) watch.show(event);
  await script.follower.caughtUp(second + 1);
  assertEquals(script.takeShown(), []);
  const last = await broker.store.commit([setText("a", "4")]);
  for await (const event of broker.store.watch(second + 1, {})) {
    watch.show(event);
    watch.show(event);
    break;
  }
  await script.follower.caughtUp(last);
  assertEquals([script.takeShown(), script.follower.revisionOf("a")], [[["a", "4"]], last]);
});

Deno.test("MetadataFollower.caughtUp() resolves when the follower is closed", async () => {
  await using broker = await TestBroker.start();
  await using script = new ScriptedWatch(broker);
  await script.follower.start();
  const waiting = script.follower.caughtUp(1_000_000);
  await script.follower.close();
  await waiting;
  await script.follower.caughtUp(1_000_001);
  assertEquals(script.clock.timerCount, 0);
});
