import { assertEquals, assertRejects } from "@std/assert";
import { MAX_PARTITION_CHANGES, type PartitionChange } from "../cluster/partition_commit.ts";
import { partitionStateOf } from "../cluster/topic_state_testing.ts";
import type { TopicState } from "../cluster/topic_state.ts";
import { RevisionConflictError } from "../metadata/metadata_store.ts";
import { PartitionChanges } from "./partition_changes.ts";

const TOPIC = { id: "id", name: "orders" } as unknown as TopicState;

function change(index: number): PartitionChange {
  return { topic: TOPIC, index, next: partitionStateOf({ replicas: [1, 2] }) };
}

/** A store that refuses changes of some partitions. */
function fixture(refused: readonly number[] = []) {
  const commits: number[][] = [];
  const changes = new PartitionChanges((batch) => {
    const indexes = batch.map(({ index }) => index);
    commits.push(indexes);
    if (!indexes.some((index) => refused.includes(index))) return Promise.resolve();
    return Promise.reject(new RevisionConflictError({ key: "k", revision: 1 }, undefined, 2));
  });
  return { commits, changes };
}

Deno.test("PartitionChanges.make() shares transactions, as many as are needed", async () => {
  const { commits, changes } = fixture();
  const count = 2 * MAX_PARTITION_CHANGES + 1;
  await Promise.all(Array.from({ length: count }, (_, index) => changes.make(change(index))));
  assertEquals(commits.map(({ length }) => length), [
    MAX_PARTITION_CHANGES,
    MAX_PARTITION_CHANGES,
    1,
  ]);
  await changes.make(change(0));
  assertEquals(commits.length, 4);
});

Deno.test("PartitionChanges.make() fails for what conflicts, and for nothing else", async () => {
  const { commits, changes } = fixture([2]);
  const made = await Promise.allSettled(
    [0, 1, 2, 3, 4].map((index) => changes.make(change(index))),
  );
  assertEquals(made.map(({ status }) => status === "fulfilled"), [true, true, false, true, true]);
  assertEquals(commits, [[0, 1, 2, 3, 4], [0, 1, 2], [0, 1], [2], [3, 4]]);
});

Deno.test("PartitionChanges.make() does not change a partition twice in one transaction", async () => {
  const { commits, changes } = fixture();
  await Promise.all([change(0), change(0), change(1)].map((one) => changes.make(one)));
  assertEquals(commits, [[0, 1], [0]]);
});

Deno.test("PartitionChanges.make() fails for all when the store does, and later changes are made", async () => {
  let isAway = true;
  const changes = new PartitionChanges(() =>
    isAway ? Promise.reject(new Error("away")) : Promise.resolve()
  );
  const made = [changes.make(change(0)), changes.make(change(1))];
  for (const one of made) await assertRejects(() => one, Error, "away");
  isAway = false;
  await changes.make(change(0));
});
