import { assertEquals } from "@std/assert";
import { PartitionChanges } from "./partition_changes.ts";

const state = (leaderId: number, leaderEpoch: number, isr: number[], uncleanEpoch = -1) => ({
  leaderId,
  leaderEpoch,
  isr,
  uncleanEpoch,
});
type State = ReturnType<typeof state>;
const topic = (...partitions: State[]) => ({ partitions });

/** The counts of broker 1 after a change: shrinks, expands, elections, unclean ones. */
function countsOf(change: Parameters<PartitionChanges["note"]>[0]): number[] {
  const changes = new PartitionChanges();
  changes.note(change, 1);
  const { isrShrinks, isrExpands, elections, uncleanElections } = changes;
  return [isrShrinks, isrExpands, elections, uncleanElections];
}

Deno.test("PartitionChanges.note() counts what happens to the partitions that the broker leads", () => {
  const cases: [what: string, before: State, after: State, counts: number[]][] = [
    ["a replica leaves", state(1, 0, [1, 2]), state(1, 0, [1]), [1, 0, 0, 0]],
    ["a replica joins", state(1, 0, [1]), state(1, 0, [1, 2]), [0, 1, 0, 0]],
    ["one for another", state(1, 0, [1, 2]), state(1, 0, [1, 3]), [1, 1, 0, 0]],
    ["the order alone", state(1, 0, [1, 2]), state(1, 0, [2, 1]), [0, 0, 0, 0]],
    ["elected without the old leader", state(2, 0, [2, 1]), state(1, 1, [1]), [0, 0, 1, 0]],
    ["elected again after a restart", state(1, 0, [1]), state(1, 1, [1]), [0, 0, 1, 0]],
    ["elected uncleanly", state(2, 4, [2]), state(1, 5, [1], 5), [0, 0, 1, 1]],
    ["elected after an unclean election", state(2, 5, [2, 1], 5), state(1, 6, [1], 5), [
      0,
      0,
      1,
      0,
    ]],
    ["another is elected", state(1, 0, [1, 2]), state(2, 1, [2]), [0, 0, 0, 0]],
    ["the ISR of another leader", state(2, 0, [1, 2]), state(2, 0, [2]), [0, 0, 0, 0]],
  ];
  for (const [what, before, after, counts] of cases) {
    assertEquals(
      countsOf({ before: topic(before), after: topic(after), partition: 0 }),
      counts,
      what,
    );
    assertEquals(
      countsOf({ before: topic(before), after: topic(after, state(1, 0, [1])) }),
      counts,
      `${what}, with a partition that is new`,
    );
  }
});

Deno.test("PartitionChanges.note() counts neither created nor deleted topics", () => {
  const some = topic(state(1, 0, [1, 2]));
  assertEquals(countsOf({ before: undefined, after: some }), [0, 0, 0, 0]);
  assertEquals(countsOf({ before: some, after: undefined }), [0, 0, 0, 0]);
  assertEquals(countsOf({ before: some, after: topic(), partition: 0 }), [0, 0, 0, 0]);
});
