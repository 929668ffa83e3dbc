import { assertEquals } from "@std/assert";
import type { ReplicaSession } from "./replica_sessions.ts";
import { SilentFollowers } from "./silent_followers.ts";

/** Followers that were last heard at these times. */
function followers(heard: Record<number, number>) {
  const silent = new SilentFollowers({
    of: (id) => {
      const heardMs = heard[id];
      return heardMs === undefined
        ? undefined
        : { heardMs: () => heardMs } as unknown as ReplicaSession;
    },
  });
  return {
    heard,
    /** Checks as often as a broker does, and returns the times at which something changed. */
    run(fromMs: number, toMs: number, controllerId = 1): number[] {
      const changes: number[] = [];
      for (let ms = fromMs; ms <= toMs; ms += 250) {
        if (silent.check([2, 3], controllerId, ms)) changes.push(ms);
      }
      return changes;
    },
    get silent() {
      return [2, 3].filter((id) => silent.has(id));
    },
  };
}

Deno.test("SilentFollowers notices who does not fetch, and who fetches again", () => {
  const test = followers({ 2: 1000, 3: 99_000 });
  assertEquals(test.run(0, 2250), []);
  assertEquals(test.run(2500, 5000), [2500]);
  assertEquals(test.silent, [2]);
  test.heard[2] = 5100;
  assertEquals(test.run(5250, 6000), [5250]);
  assertEquals(test.silent, []);
});

Deno.test("SilentFollowers gives a broker without a session time to open one", () => {
  const test = followers({ 3: 99_000 });
  assertEquals(test.run(10_000, 11_250), []);
  assertEquals(test.run(11_500, 12_000), [11_500]);
  assertEquals(test.silent, [2]);
});

Deno.test("SilentFollowers counts from the moment when this process continues", () => {
  const test = followers({ 2: 1000, 3: 1000 });
  assertEquals(test.run(0, 2000), []);
  // It stood still.
  assertEquals(test.run(9000, 10_250), []);
  test.heard[3] = 10_300;
  assertEquals(test.run(10_500, 11_000), [10_500]);
  assertEquals(test.silent, [2]);
});

Deno.test("SilentFollowers gives the controller time to depose this broker, which it does not hear either", () => {
  const test = followers({ 2: 1000, 3: 1000 });
  assertEquals(test.run(0, 3500, 2), [2500]);
  assertEquals(test.silent, [3]);
  assertEquals(test.run(3750, 5000, 2), [3750]);
  assertEquals(test.silent, [2, 3]);
  // Another takes office.
  test.heard[3] = 5000;
  test.run(5250, 5250, 3);
  assertEquals(test.silent, [2]);
});
