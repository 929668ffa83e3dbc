import { assertEquals } from "@std/assert";
import type { ClusterState } from "../cluster/cluster_state.ts";
import { RevisionConflictError } from "../metadata/metadata_store.ts";
import type { PartitionState, TopicState } from "../cluster/topic_state.ts";
import { silentLogger } from "../logger.ts";
import { ManualClock } from "../time/clock.ts";
import type { InSyncChange } from "../roles/isr.ts";
import type { Partition } from "../topics/partition.ts";
import { InSyncUpdater } from "./in_sync_updater.ts";

interface FakeLeadership {
  readonly pending: ReadonlySet<number>;
  nextInSync: () => InSyncChange | undefined;
  readonly ask: () => void;
  readonly withdraw: () => void;
}

/** Partitions that this broker leads, and that lack a replica. */
class Fixture {
  readonly clock = new ManualClock();
  readonly updater: InSyncUpdater;
  readonly #topic: { partitions: PartitionState[] };
  readonly #partitions: { state: PartitionState }[];
  /** The size of each commit. */
  readonly commits: number[] = [];
  /** Called when the leader of a partition notes that nothing was written. */
  onWithdraw: (leadership: FakeLeadership, index: number) => void = () => {};

  /** @param onCommit Called with each commit, which then conflicts with another broker's. */
  constructor(count: number, onCommit: (fixture: Fixture) => void) {
    const state = () => ({ isr: [1, 2], elr: [], revision: 1 }) as unknown as PartitionState;
    this.#topic = { partitions: Array.from({ length: count }, state) };
    this.#partitions = this.#topic.partitions.map((state, index) => {
      const leadership: FakeLeadership = {
        pending: new Set(),
        nextInSync: () => ({ isr: [1], elr: [], joining: [] }),
        ask: () => {},
        withdraw: () => this.onWithdraw(leadership, index),
      };
      return { topicId: "t", index, state, leadership };
    });
    this.updater = new InSyncUpdater({
      cluster: {
        nodeId: 1,
        brokerEpoch: 7,
        brokers: [],
        topicById: () => this.#topic as unknown as TopicState,
        commitPartitions: (changes: readonly unknown[]) => {
          this.commits.push(changes.length);
          onCommit(this);
          const expectation = { key: "brokers/1", revision: 7 };
          return Promise.reject(new RevisionConflictError(expectation, undefined, 9));
        },
      } as unknown as ClusterState,
      sessions: { of: () => undefined },
      clock: this.clock,
      logger: silentLogger,
      maxLagMs: () => 1000,
    });
  }

  /** Another broker leads all partitions. */
  loseAll(): void {
    for (const partition of this.#partitions) partition.state = { ...partition.state };
  }

  async ask(): Promise<void> {
    for (const partition of this.#partitions) this.updater.due(partition as unknown as Partition);
    this.clock.advance(20);
    for (let i = 0; i < 200; i++) await undefined;
  }
}

Deno.test("InSyncUpdater asks for halves of what conflicted, as far as it is still wanted", async (t) => {
  await t.step("all", async () => {
    const fixture = new Fixture(4, () => {});
    await fixture.ask();
    assertEquals(fixture.commits, [4, 2, 1, 1, 2, 1, 1]);
  });
  await t.step("none", async () => {
    const fixture = new Fixture(4, (fixture) => fixture.loseAll());
    await fixture.ask();
    assertEquals(fixture.commits, [4]);
    await fixture.updater.close();
  });
  await t.step("none, because it was closed", async () => {
    const fixture = new Fixture(4, ({ updater }) => void updater.close());
    await fixture.ask();
    assertEquals(fixture.commits, [4]);
  });
});

Deno.test("InSyncUpdater decides again on what conflicted, because the high watermark moves without it", async () => {
  // As soon as nothing is pending, the last two partitions commit what the joining replica lacks.
  const fixture = new Fixture(4, () => {});
  fixture.onWithdraw = (leadership, index) => {
    if (index >= 2) leadership.nextInSync = () => undefined;
  };
  await fixture.ask();
  assertEquals(fixture.commits, [4, 2, 1, 1]);
});

Deno.test("InSyncUpdater settles a change whose answer was lost, though the topic has new settings since", async () => {
  const clock = new ManualClock();
  const state = { isr: [1, 2], elr: [], revision: 0 } as unknown as PartitionState;
  let topic = { id: "t", revision: 3, partitions: [state] } as unknown as TopicState;
  const partition = {
    topicId: "t",
    index: 0,
    state,
    leadership: {
      pending: new Set(),
      nextInSync: () => ({ isr: [1], elr: [], joining: [] }),
      ask: () => {},
    },
  };
  const revisions: number[] = [];
  const cluster = {
    nodeId: 1,
    brokerEpoch: 7,
    brokers: [],
    topicById: () => topic,
    commitPartitions: ([change]: { topic: TopicState }[]) => {
      revisions.push(change!.topic.revision);
      if (revisions.length === 1) return Promise.reject(new Error("The answer is lost"));
      if (revisions.length === 2) {
        topic = { ...topic, revision: 4 };
        const expectation = { key: "topics/t", revision: 3 };
        return Promise.reject(new RevisionConflictError(expectation, undefined, 4));
      }
      topic = { ...topic, partitions: [{ ...state, revision: 5 }] };
      partition.state = topic.partitions[0]!;
      return Promise.resolve();
    },
  } as unknown as ClusterState;
  const updater = new InSyncUpdater({
    cluster,
    sessions: { of: () => undefined },
    clock,
    logger: silentLogger,
    maxLagMs: () => 1000,
  });
  updater.due(partition as unknown as Partition);
  for (let i = 0; i < 20 && revisions.length < 3; i++) {
    clock.advance(20);
    for (let round = 0; round < 50; round++) await undefined;
  }
  assertEquals(revisions, [3, 3, 4]);
  await updater.close();
});
