/**
 * Tests of a leader that has not heard of the metadata store for too long: it serves while nobody can have
 * replaced it, and lets appends wait otherwise.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { fetch } from "../../../protocol/messages/records/fetch.ts";
import { produce } from "../../../protocol/messages/records/produce.ts";
import { batchOf, TestBroker } from "../../broker_testing.ts";
import { partitionStateOf } from "../../cluster/topic_state_testing.ts";
import { HeldSyncFileSystem } from "../../held_sync_testing.ts";
import type { Partition } from "../../topics/partition.ts";
import { fetchHandler } from "./fetch.ts";
import { produceHandler } from "./produce.ts";

/** Only this broker is in sync; the follower may be, once the store has answered. */
const STATE = partitionStateOf({ leaderEpoch: 1, replicas: [1, 2], isr: [1], revision: 1 });

/** A leader that can be fenced, with a slow disk. */
class Fixture implements AsyncDisposable {
  readonly broker: TestBroker;
  readonly fs: HeldSyncFileSystem;
  readonly partition: Partition;
  readonly #fence: { isFenced: boolean };

  private constructor(
    broker: TestBroker,
    fs: HeldSyncFileSystem,
    partition: Partition,
    fence: { isFenced: boolean },
  ) {
    this.broker = broker;
    this.fs = fs;
    this.partition = partition;
    this.#fence = fence;
  }

  static async start(): Promise<Fixture> {
    const fs = new HeldSyncFileSystem();
    const fence = { isFenced: false };
    const broker = await TestBroker.start({ fs, isFenced: () => fence.isFenced });
    const partition = await broker.createTopic("a");
    partition.updateState(STATE);
    return new Fixture(broker, fs, partition, fence);
  }

  set isFenced(isFenced: boolean) {
    this.#fence.isFenced = isFenced;
  }

  async produce(timeoutMs = 30_000): Promise<number> {
    const { responses } = await this.broker.call(produce, produceHandler, 11, {
      acks: -1,
      timeoutMs,
      topicData: [{
        name: "a",
        partitionData: [{ index: 0, records: batchOf(["x"]).bytes }],
      }],
    });
    return responses[0]!.partitionResponses[0]!.errorCode;
  }

  async fetch(fetchOffset = 0): Promise<number> {
    const { responses } = await this.broker.call(fetch, fetchHandler, 12, {
      maxWaitMs: 0,
      minBytes: 0,
      topics: [{
        topic: "a",
        partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1000 }],
      }],
    });
    return responses[0]!.partitions[0]!.errorCode;
  }

  /** Opens the session of a follower that fetches the partition. */
  followed() {
    const { context: { replicaSessions, clock } } = this.broker;
    const session = replicaSessions.open(2, 1);
    const { topicId, index, leaderEpoch } = this.partition;
    const position = { fetchOffset: 0, lastFetchedEpoch: -1, logStartOffset: 0, highWatermark: 0 };
    session.set({ topicId, index, leaderEpoch, ...position, maxBytes: 1 }, this.partition);
    return {
      answer: () => session.answered(clock.monotonic()),
      fetch: () => session.prove(),
    };
  }

  /** Fetches beyond the log, and lets time pass in small steps; `at` is called after each of them. */
  async fetchBeyond(at: (ms: number) => void = () => {}): Promise<number> {
    let errorCode: number | undefined;
    this.fetch(100).then((code) => errorCode = code);
    for (let ms = 0; ms < 3000; ms += 20) {
      for (let round = 0; round < 20; round++) await undefined;
      if (errorCode !== undefined) return errorCode;
      at(ms);
      this.broker.clock.advance(20);
    }
    throw new Error("The fetch is not answered");
  }

  /** Appends, and is fenced before the append is on disk. */
  async produceFenced(timeoutMs?: number): Promise<{ answer: Promise<number> }> {
    this.fs.hold();
    const count = this.fs.syncCount;
    const answer = this.produce(timeoutMs);
    await this.fs.begun(count + 1);
    this.isFenced = true;
    // An ISR that was asked for, and may have been accepted.
    this.partition.leadership!.ask([1, 2]);
    this.partition.leadership!.fetched({
      replicaId: 2,
      brokerEpoch: 1,
      fetchOffset: this.partition.logEndOffset,
      logStartOffset: 0,
      nowMs: 0,
    });
    this.fs.release();
    await this.partition.log.flush();
    return { answer };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.fs.release();
    await this.broker.close();
  }
}

Deno.test("Produce and Fetch at a fenced leader that nobody can succeed are served", async () => {
  await using fixture = await Fixture.start();
  fixture.isFenced = true;
  assertEquals([await fixture.produce(), await fixture.fetch()], [ErrorCode.NONE, ErrorCode.NONE]);
});

Deno.test("Produce and Fetch at a fenced leader that another may have replaced are refused", async () => {
  await using fixture = await Fixture.start();
  fixture.isFenced = true;
  fixture.partition.updateState({ ...STATE, isr: [1, 2], revision: 2 });
  const { NOT_LEADER_OR_FOLLOWER } = ErrorCode;
  const codes = [await fixture.produce(), await fixture.fetch()];
  assertEquals(codes, [NOT_LEADER_OR_FOLLOWER, NOT_LEADER_OR_FOLLOWER]);
  // A member of the ELR can be elected, too.
  fixture.partition.updateState({ ...STATE, elr: [2], revision: 3 });
  assertEquals(await fixture.fetch(), NOT_LEADER_OR_FOLLOWER);
});

Deno.test("Produce that a fence overtakes is answered when it is over", async () => {
  await using fixture = await Fixture.start();
  const { answer } = await fixture.produceFenced();
  assertEquals(await Promise.race([answer, Promise.resolve("waits")]), "waits");
  fixture.isFenced = false;
  fixture.broker.clock.advance(50);
  assertEquals(await answer, ErrorCode.NONE);
});

Deno.test("Produce that a fence overtakes fails if another leads then, or within its timeout", async () => {
  await using fixture = await Fixture.start();
  const { answer } = await fixture.produceFenced();
  fixture.partition.updateState({ ...STATE, leaderEpoch: 2, leaderId: 2, revision: 2 });
  fixture.broker.clock.advance(50);
  assertEquals(await answer, ErrorCode.NOT_LEADER_OR_FOLLOWER);
  fixture.isFenced = false;
  fixture.partition.updateState({ ...STATE, leaderEpoch: 3, revision: 3 });
  const late = await fixture.produceFenced(300);
  fixture.broker.clock.advance(300);
  assertEquals(await late.answer, ErrorCode.REQUEST_TIMED_OUT);
});

Deno.test("Fetch beyond the log is refused only by a leader that proves to be one", async (t) => {
  const both = { ...STATE, isr: [1, 2], revision: 2 };
  const { NOT_LEADER_OR_FOLLOWER, OFFSET_OUT_OF_RANGE } = ErrorCode;
  await t.step("whom nobody can succeed", async () => {
    await using fixture = await Fixture.start();
    assertEquals(await fixture.fetchBeyond(), OFFSET_OUT_OF_RANGE);
  });
  await t.step("whom nobody follows", async () => {
    await using fixture = await Fixture.start();
    fixture.partition.updateState(both);
    assertEquals(await fixture.fetchBeyond(), NOT_LEADER_OR_FOLLOWER);
  });
  await t.step("who was followed before, but whose process stood still", async () => {
    await using fixture = await Fixture.start();
    fixture.partition.updateState(both);
    const follower = fixture.followed();
    follower.answer();
    fixture.broker.clock.advance(2000);
    // What had been sent before is read only now.
    assertEquals(
      await fixture.fetchBeyond((ms) => ms === 40 && follower.fetch()),
      NOT_LEADER_OR_FOLLOWER,
    );
  });
  await t.step("who is followed after the request", async () => {
    await using fixture = await Fixture.start();
    fixture.partition.updateState(both);
    const follower = fixture.followed();
    const code = await fixture.fetchBeyond((ms) => {
      if (ms === 500) follower.answer();
      if (ms === 520) follower.fetch();
    });
    assertEquals(code, OFFSET_OUT_OF_RANGE);
  });
  await t.step("who learns meanwhile that another leads", async () => {
    await using fixture = await Fixture.start();
    fixture.partition.updateState(both);
    const code = await fixture.fetchBeyond((ms) => {
      if (ms === 100) {
        fixture.partition.updateState({ ...both, leaderId: 2, leaderEpoch: 2, revision: 3 });
      }
    });
    assertEquals(code, NOT_LEADER_OR_FOLLOWER);
  });
});
