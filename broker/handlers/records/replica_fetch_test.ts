import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { fetch } from "../../../protocol/messages/records/fetch.ts";
import { recordBatches } from "../../../protocol/records/mod.ts";
import { batchOf, TestBroker } from "../../broker_testing.ts";
import { setText } from "../../metadata/metadata_store_contract_testing.ts";
import { partitionStateOf } from "../../cluster/topic_state_testing.ts";
import type { Partition } from "../../topics/partition.ts";
import { FOLLOWED_MS } from "../../replication/leader_fence.ts";
import { fetchHandler } from "./fetch.ts";

const NOW_MS = 1_700_000_000_000;
const STATE = partitionStateOf({ leaderEpoch: 1, replicas: [1, 2], revision: 1 });

interface Asked {
  readonly fetchOffset?: number;
  readonly lastFetchedEpoch?: number;
  readonly currentLeaderEpoch?: number;
  readonly highWatermark?: number;
}

/** A leader of two partitions, and its registered follower 2. */
class Fixture implements AsyncDisposable {
  readonly broker: TestBroker;
  readonly partition: Partition;
  readonly other: Partition;
  readonly epoch: number;
  sessionId = 0;
  sessionEpoch = 0;

  private constructor(
    broker: TestBroker,
    [partition, other]: readonly [Partition, Partition],
    epoch: number,
  ) {
    this.broker = broker;
    this.partition = partition;
    this.other = other;
    this.epoch = epoch;
  }

  static async start(isFenced?: () => boolean): Promise<Fixture> {
    const broker = await TestBroker.start(isFenced === undefined ? {} : { isFenced });
    const partitions = [await broker.createTopic("a"), await broker.createTopic("b")] as const;
    for (const partition of partitions) partition.updateState(STATE);
    const address = { host: "localhost", port: 1, rack: null };
    const epoch = await broker.store.commit([setText("brokers/2", JSON.stringify(address))]);
    await broker.cluster.caughtUp(epoch);
    return new Fixture(broker, partitions, epoch);
  }

  append(...values: string[]): void {
    this.partition.append(batchOf(values), { acks: -1, nowMs: NOW_MS, isInternal: true });
  }

  /** Fetches as follower 2; undefined leaves the partition as the session has it. */
  async fetch(asked: Asked | undefined, maxWaitMs = 0, replica = { id: 2, epoch: this.epoch }) {
    const partitions = asked === undefined ? [] : [{
      partition: 0,
      fetchOffset: 0,
      lastFetchedEpoch: -1,
      currentLeaderEpoch: 1,
      logStartOffset: 0,
      highWatermark: 0,
      partitionMaxBytes: 1 << 20,
      ...asked,
    }];
    const sessionEpoch = this.sessionEpoch++;
    const response = await this.broker.call(fetch, fetchHandler, 18, {
      replicaState: { replicaId: replica.id, replicaEpoch: replica.epoch },
      maxWaitMs,
      minBytes: 1,
      sessionId: this.sessionId,
      sessionEpoch,
      topics: asked === undefined ? [] : [{ topicId: this.partition.topicId, partitions }],
    });
    this.sessionId = response.sessionId;
    const found = response.responses[0]?.partitions[0];
    const values: string[] = [];
    for (const batch of recordBatches(found?.records ?? new Uint8Array(0))) {
      for (const { value } of batch.records()) values.push(new TextDecoder().decode(value!));
    }
    return { ...response, found, values };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker.close();
  }
}

Deno.test("Fetch of a follower reads to the log end, and its offset says what it has on disk", async () => {
  await using fixture = await Fixture.start();
  fixture.append("x", "y");
  await fixture.partition.log.flush();
  const first = await fixture.fetch({});
  assertEquals([first.values, first.found!.highWatermark], [["x", "y"], 0]);
  assertEquals(fixture.partition.highWatermark, 0);
  const second = await fixture.fetch({ fetchOffset: 2, lastFetchedEpoch: 1 });
  assertEquals([second.values, second.found!.highWatermark], [[], 2]);
  assertEquals(fixture.partition.highWatermark, 2);
  // Nothing is new to a follower that knows the high watermark.
  const third = await fixture.fetch({ fetchOffset: 2, lastFetchedEpoch: 1, highWatermark: 2 });
  assertEquals(third.found, undefined);
});

Deno.test("Fetch of a follower says where its log parts from the leader's, and then does not count", async () => {
  await using fixture = await Fixture.start();
  fixture.append("x");
  await fixture.partition.log.flush();
  const { found } = await fixture.fetch({ fetchOffset: 3, lastFetchedEpoch: 1 });
  assertEquals(found!.divergingEpoch, { epoch: 1, endOffset: 1 });
  assertEquals(fixture.partition.leadership!.endOf(2), undefined);
  assertEquals(fixture.partition.highWatermark, 0);
});

Deno.test("Fetch of a follower waits for records, and ends with the next request of its session", async () => {
  await using fixture = await Fixture.start();
  await fixture.fetch({});
  const waiting = fixture.fetch(undefined, 60_000);
  await Promise.resolve();
  fixture.append("x");
  assertEquals((await waiting).values, ["x"]);
  // The session has the position, which the follower has not changed.
  await fixture.partition.log.flush();
  await fixture.fetch({ fetchOffset: 1, lastFetchedEpoch: 1, highWatermark: 1 });
  const idle = fixture.fetch(undefined, 60_000);
  await Promise.resolve();
  const next = fixture.fetch(undefined, 0);
  assertEquals((await idle).found, undefined);
  assertEquals((await next).errorCode, ErrorCode.NONE);
});

Deno.test("Fetch of a follower notes no position of a session that another has replaced", async () => {
  await using fixture = await Fixture.start();
  const { broker, partition: slow, other, epoch } = fixture;
  for (const partition of [slow, other]) {
    partition.append(batchOf(["x"]), { acks: -1, nowMs: NOW_MS });
    await partition.log.flush();
  }
  const opened = (positions: readonly (readonly [Partition, number])[]) =>
    broker.call(fetch, fetchHandler, 18, {
      replicaState: { replicaId: 2, replicaEpoch: epoch },
      maxWaitMs: 0,
      minBytes: 1,
      sessionEpoch: 0,
      topics: positions.map(([{ topicId }, fetchOffset]) => ({
        topicId,
        partitions: [{
          partition: 0,
          fetchOffset,
          lastFetchedEpoch: fetchOffset === 0 ? -1 : 1,
          currentLeaderEpoch: 1,
          logStartOffset: 0,
          highWatermark: 0,
          partitionMaxBytes: 1 << 20,
        }],
      })),
    });
  const { log } = slow;
  const isRead = Promise.withResolvers<void>();
  const read = log.read.bind(log);
  log.read = async (offset, options) => {
    await isRead.promise;
    return await read(offset, options);
  };
  // The follower gives up the first, whose answer it never sees.
  const first = opened([[slow, 0], [other, 0]]);
  await opened([[other, 1]]);
  assertEquals(other.leadership!.endOf(2), 1);
  isRead.resolve();
  assertEquals((await first).responses.length, 1);
  assertEquals(other.leadership!.endOf(2), 1);
});

Deno.test("Fetch of a follower that waits ends when another session replaces its own", async () => {
  await using fixture = await Fixture.start();
  await fixture.fetch({});
  const waiting = fixture.fetch(undefined, 60_000);
  await Promise.resolve();
  fixture.sessionEpoch = 0;
  await fixture.fetch({});
  assertEquals((await waiting).found, undefined);
});

Deno.test("Fetch of a follower is refused unless it is the registered process and continues its session", async () => {
  await using fixture = await Fixture.start();
  const { epoch } = fixture;
  const code = async (replica: { id: number; epoch: number }) =>
    (await fixture.fetch({}, 0, replica)).errorCode;
  assertEquals(await code({ id: 9, epoch }), ErrorCode.BROKER_ID_NOT_REGISTERED);
  fixture.sessionEpoch = 0;
  assertEquals(await code({ id: 2, epoch: epoch - 1 }), ErrorCode.STALE_BROKER_EPOCH);
  fixture.sessionEpoch = 0;
  await fixture.fetch({});
  const { sessionId } = fixture;
  fixture.sessionEpoch = 5;
  assertEquals((await fixture.fetch({})).errorCode, ErrorCode.INVALID_FETCH_SESSION_EPOCH);
  fixture.sessionId = sessionId + 1;
  assertEquals((await fixture.fetch({})).errorCode, ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
});

Deno.test("Fetch of a follower in another epoch, or that has no replica, gets an error", async () => {
  await using fixture = await Fixture.start();
  const code = async (asked: Asked) => (await fixture.fetch(asked)).found!.errorCode;
  assertEquals(await code({ currentLeaderEpoch: 0 }), ErrorCode.FENCED_LEADER_EPOCH);
  assertEquals(await code({ currentLeaderEpoch: 2 }), ErrorCode.UNKNOWN_LEADER_EPOCH);
  fixture.partition.updateState({ ...STATE, replicas: [1, 3], isr: [1, 3], revision: 2 });
  assertEquals(await code({}), ErrorCode.NOT_LEADER_OR_FOLLOWER);
});

Deno.test("Fetch of a follower is served while the store is away, which lets clients be served", async () => {
  await using fixture = await Fixture.start(() => true);
  const { partition } = fixture;
  fixture.append("x");
  await partition.log.flush();
  assertEquals(partition.isServed, false);
  assertEquals((await fixture.fetch({})).values, ["x"]);
  // Sent after the answer to the one before.
  const idle = fixture.fetch({ fetchOffset: 1, lastFetchedEpoch: 1 }, 1);
  await Promise.resolve();
  assertEquals(partition.isServed, true);
  fixture.broker.clock.advance(3);
  assertEquals((await idle).found!.highWatermark, 1);
  fixture.broker.clock.advance(FOLLOWED_MS + 1);
  assertEquals(partition.isServed, false, "the follower is silent");
  const asked = { fetchOffset: 1, lastFetchedEpoch: 1, highWatermark: 1 };
  await fixture.fetch(asked);
  assertEquals(partition.isServed, false, "sent while the one before may not have been answered");
});

Deno.test("Fetch of a follower whose registration has ended is served in its session only", async () => {
  await using fixture = await Fixture.start();
  await fixture.fetch({});
  const { store, cluster } = fixture.broker;
  await cluster.caughtUp(await store.commit([{ key: "brokers/2", value: null }]));
  assertEquals((await fixture.fetch(undefined)).errorCode, ErrorCode.NONE);
  fixture.sessionEpoch = 0;
  fixture.sessionId = 0;
  assertEquals((await fixture.fetch({})).errorCode, ErrorCode.BROKER_ID_NOT_REGISTERED);
});
