import { assertEquals, assertRejects } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import { batchOf, TestBroker } from "../broker_testing.ts";
import { partitionStateOf } from "../cluster/topic_state_testing.ts";
import type { Partition } from "../topics/partition.ts";
import type { LiveBrokers } from "./leadership.ts";

const NOW_MS = 1_700_000_000_000;
const STATE = partitionStateOf({ leaderEpoch: 1, replicas: [1, 2, 3], revision: 1 });

/** A partition that broker 1 leads, with followers 2 and 3. */
async function lead(
  use: (partition: Partition) => void | Promise<void>,
  configs: Record<string, string> = {},
): Promise<void> {
  await using broker = await TestBroker.start();
  const partition = await broker.createTopic("a", { configs: new Map(Object.entries(configs)) });
  partition.updateState(STATE);
  await use(partition);
}

function append(partition: Partition, ...values: string[]): Promise<void> | undefined {
  return partition.append(batchOf(values), { acks: -1, nowMs: NOW_MS }).committed;
}

function fetched(partition: Partition, replicaId: number, fetchOffset: number, nowMs = 0): void {
  const fetch = { replicaId, brokerEpoch: 7, fetchOffset, logStartOffset: 0, nowMs };
  partition.leadership!.fetched(fetch);
}

function brokers(epochs: Record<number, number> = { 1: 7, 2: 7, 3: 7 }): LiveBrokers {
  return { epochOf: (id) => epochs[id], isStopping: () => false, isSilent: () => false };
}

Deno.test("Leadership commits what all in-sync replicas have on disk, its own disk included", async () => {
  await lead(async (partition) => {
    const committed = append(partition, "a", "b");
    fetched(partition, 2, 2);
    fetched(partition, 3, 2);
    // The followers were faster than this broker's disk.
    assertEquals(partition.highWatermark, 0);
    await committed;
    assertEquals([partition.highWatermark, partition.log.flushedOffset], [2, 2]);
  });
});

Deno.test("Leadership forgets how far followers were when an epoch begins", async () => {
  await lead(async (partition) => {
    await partition.log.flush();
    fetched(partition, 2, 0);
    fetched(partition, 3, 0);
    const { committed } = partition.append(batchOf(["a"]), { acks: -1, nowMs: NOW_MS });
    const failed = assertRejects(() => committed!, ApiError);
    partition.updateState({ ...STATE, leaderEpoch: 2, revision: 2 });
    assertEquals((await failed).code, ErrorCode.NOT_LEADER_OR_FOLLOWER);
    await partition.log.flush();
    fetched(partition, 2, 1);
    assertEquals(partition.highWatermark, 0);
    fetched(partition, 3, 1);
    assertEquals(partition.highWatermark, 1);
  });
});

Deno.test("Leadership counts the members it asked for until the store has another state", async () => {
  await lead(async (partition) => {
    partition.updateState({ ...STATE, isr: [1, 2], revision: 2 });
    partition.leadership!.ask([1, 2, 3]);
    append(partition, "a");
    await partition.log.flush();
    fetched(partition, 2, 1);
    assertEquals(partition.highWatermark, 0);
    partition.leadership!.withdraw();
    assertEquals(partition.highWatermark, 1);
    // A shrink that is asked for does not count before the store has it.
    partition.leadership!.ask([1]);
    append(partition, "b");
    await partition.log.flush();
    assertEquals(partition.highWatermark, 1);
    partition.updateState({ ...STATE, isr: [1], revision: 3 });
    assertEquals(partition.highWatermark, 2);
  });
});

Deno.test("Leadership lets a duplicate batch wait for the original one", async () => {
  await lead(async (partition) => {
    const produce = () =>
      partition.append(
        batchOf(["a"], { producerId: 1, producerEpoch: 0, baseSequence: 0 }),
        { acks: -1, nowMs: NOW_MS },
      );
    const first = produce();
    const again = produce();
    assertEquals([first.baseOffset, again.baseOffset], [0, 0]);
    let isAnswered = false;
    const answered = again.committed!.then(() => isAnswered = true);
    await partition.log.flush();
    assertEquals(isAnswered, false);
    fetched(partition, 2, 1);
    fetched(partition, 3, 1);
    await Promise.all([first.committed, answered]);
    assertEquals(produce().committed, undefined);
  });
});

Deno.test("Leadership.nextInSync() drops who is not registered, too slow, or below the high watermark", async () => {
  await lead(async (partition) => {
    const next = (nowMs: number, live = brokers()) =>
      partition.leadership!.nextInSync(live, 1000, nowMs)?.isr;
    fetched(partition, 2, 0);
    fetched(partition, 3, 0);
    assertEquals(next(5000), undefined);
    assertEquals(next(5000, brokers({ 1: 7, 2: 7 })), [1, 2]);
    append(partition, "a");
    await partition.log.flush();
    fetched(partition, 2, 1, 5000);
    assertEquals(next(5900), undefined);
    // Follower 3 has not fetched for longer than it may.
    assertEquals(next(6100), [1, 2]);
    fetched(partition, 3, 1, 6100);
    assertEquals([next(6200), partition.highWatermark], [undefined, 1]);
    // It came back without its disk.
    fetched(partition, 3, 0, 6200);
    assertEquals(next(6200), [1, 2]);
  });
});

Deno.test("Leadership.nextInSync() keeps a follower that has what the leader had at its last fetch", async () => {
  await lead((partition) => {
    const next = (nowMs: number) => partition.leadership!.nextInSync(brokers(), 1000, nowMs)?.isr;
    fetched(partition, 2, 0, 0);
    fetched(partition, 3, 0, 0);
    for (let i = 1; i <= 5; i++) {
      append(partition, "a");
      // Always one record behind.
      for (const id of [2, 3]) fetched(partition, id, i - 1, i * 900);
      assertEquals(next(i * 900 + 50), undefined);
    }
  });
});

Deno.test("Leadership.nextInSync() takes in who has all committed, under its current registration", async () => {
  await lead(async (partition) => {
    partition.updateState({ ...STATE, isr: [1, 2], revision: 2 });
    append(partition, "a");
    await partition.log.flush();
    fetched(partition, 2, 1);
    const { leadership } = partition;
    const next = (live = brokers()) => leadership!.nextInSync(live, 1000, 0);
    assertEquals(next(), undefined);
    fetched(partition, 3, 0);
    assertEquals(next(), undefined);
    fetched(partition, 3, 1);
    assertEquals(next(), { isr: [1, 2, 3], elr: [], joining: [3] });
    assertEquals(leadership!.brokerEpochOf(3), 7);
    assertEquals(next(brokers({ 1: 7, 2: 7, 3: 8 })), undefined);
    const stopping = { ...brokers(), isStopping: (id: number) => id === 3 };
    assertEquals(next(stopping), undefined);
    // A late fetch of its earlier life says nothing.
    leadership!.fetched({
      replicaId: 3,
      brokerEpoch: 6,
      fetchOffset: 0,
      logStartOffset: 0,
      nowMs: 0,
    });
    assertEquals(leadership!.endOf(3), 1);
  });
});

Deno.test("Leadership.nextInSync() drops a silent follower that appends wait for, if enough remain", async () => {
  await lead((partition) => {
    const { leadership } = partition;
    const silent = (...ids: number[]) => ({
      ...brokers(),
      isSilent: (id: number) => ids.includes(id),
    });
    const next = (nowMs: number, ...ids: number[]) =>
      leadership!.nextInSync(silent(...ids), 30_000, nowMs);
    fetched(partition, 2, 0);
    fetched(partition, 3, 0);
    // It has all there is.
    assertEquals(next(5000, 3), undefined);
    append(partition, "a")?.catch(() => {});
    assertEquals(next(5000), undefined);
    assertEquals(next(1000, 3), undefined);
    assertEquals(next(5000, 3), { isr: [1, 2], elr: [], joining: [] });
    // This broker may be the one that is cut off.
    assertEquals(next(5000, 2, 3), undefined);
    fetched(partition, 3, 0, 4500);
    assertEquals(next(5000, 3), undefined);
    return Promise.resolve();
  });
});

Deno.test("Leadership rejects a client's append below min.insync.replicas, the broker's own waits", async () => {
  await lead(async (partition) => {
    const own = partition.append(batchOf(["a"]), { acks: -1, nowMs: NOW_MS, isInternal: true });
    const failed = assertRejects(() => append(partition, "b")!, ApiError);
    partition.updateState({ ...STATE, isr: [1], elr: [2, 3], revision: 2 });
    assertEquals((await failed).code, ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND);
    await partition.log.flush();
    assertEquals(partition.highWatermark, 0);
    partition.updateState({ ...STATE, isr: [1, 2], revision: 3 });
    fetched(partition, 2, 2);
    await own.committed;
    assertEquals(partition.highWatermark, 2);
  }, { "min.insync.replicas": "2" });
});

Deno.test("Leadership.whenStarted() waits for those who are in sync, were, or may be", async () => {
  await lead(async (partition) => {
    const leadership = partition.leadership!;
    partition.updateState({ ...STATE, isr: [1, 2], revision: 2 });
    const tell = (replicaId: number, logStartOffset: number) =>
      leadership.fetched({ replicaId, brokerEpoch: 7, fetchOffset: 0, logStartOffset, nowMs: 0 });
    let isStarted = false;
    const settle = async () => {
      for (let round = 0; round < 20; round++) await undefined;
      return isStarted;
    };
    const whenStarted = () => {
      isStarted = false;
      leadership.whenStarted(5).then(() => isStarted = true, () => {});
    };
    whenStarted();
    assertEquals(await settle(), false);
    tell(2, 5);
    assertEquals(await settle(), true);
    // The store may have accepted broker 3 already.
    leadership.ask([1, 2, 3]);
    whenStarted();
    tell(3, 4);
    assertEquals(await settle(), false);
    tell(3, 5);
    assertEquals(await settle(), true);
    // An eligible replica can lead, too.
    tell(3, 0);
    partition.updateState({ ...STATE, isr: [1, 2], elr: [3], revision: 3 });
    whenStarted();
    assertEquals(await settle(), false);
    partition.updateState({ ...STATE, isr: [1, 2], revision: 4 });
    assertEquals(await settle(), true);
  });
});
