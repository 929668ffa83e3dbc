import { assertEquals, assertRejects } from "@std/assert";
import { GroupCommit } from "./group_commit.ts";

/** A commit whose runs are ended by the test. */
function controlled() {
  const runs: PromiseWithResolvers<void>[] = [];
  let running = 0;
  let most = 0;
  const commit = new GroupCommit(async () => {
    const run = Promise.withResolvers<void>();
    runs.push(run);
    most = Math.max(most, ++running);
    try {
      await run.promise;
    } finally {
      running--;
    }
  });
  return { commit, runs, most: () => most };
}

Deno.test("GroupCommit.request() during a run shares the next run", async () => {
  const { commit, runs } = controlled();
  const order: string[] = [];
  const first = commit.request().then(() => order.push("first"));
  const others = [1, 2, 3].map((n) => commit.request().then(() => order.push(`other ${n}`)));
  assertEquals(runs.length, 1);
  runs[0]!.resolve();
  await first;
  assertEquals(order, ["first"]);
  assertEquals(runs.length, 2);
  runs[1]!.resolve();
  await Promise.all(others);
  assertEquals(runs.length, 2);
  const last = commit.request();
  assertEquals(runs.length, 3);
  runs[2]!.resolve();
  await last;
});

Deno.test("GroupCommit.request() at the moment a run ends does not start an overlapping run", async () => {
  const { commit, runs, most } = controlled();
  const again = commit.request().then(() => commit.request());
  const next = commit.request();
  runs[0]!.resolve();
  await Promise.resolve();
  for (let i = 1; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve));
    runs[i]!.resolve();
  }
  await Promise.all([again, next]);
  assertEquals(most(), 1);
  assertEquals(runs.length, 3);
});

Deno.test("GroupCommit.request() rejects only if its own run fails", async () => {
  const { commit, runs } = controlled();
  const first = commit.request();
  const second = commit.request();
  runs[0]!.reject(new Error("disk"));
  await assertRejects(() => first, Error, "disk");
  runs[1]!.resolve();
  await second;
});
