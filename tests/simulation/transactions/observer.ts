/**
 * A client that reads partitions in both isolations, and looks up offsets that transactions committed.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { offsetFetch } from "../../../protocol/messages/groups/offset_fetch.ts";
import { fetch } from "../../../protocol/messages/records/fetch.ts";
import {
  listOffsets,
  ListOffsetsTimestamp,
} from "../../../protocol/messages/records/list_offsets.ts";
import { listTransactions } from "../../../protocol/messages/transactions/list_transactions.ts";
import { check, Violation } from "../violation.ts";
import { nameOf } from "../world.ts";
import type { StableBounds } from "./partition_view.ts";
import { Participant, type SharedPartition } from "./transaction_world.ts";
import { INPUT_TOPIC } from "./transactional_producer.ts";
import type { TransactionalId } from "./transactional_id.ts";

const MAX_IN_FLIGHT = 3;
const MAX_BYTES = 2000;
const MAX_WAIT_MS = 400;
const MAX_ATTEMPTS = 400;
const PAUSE_MS = 50;
const NO_BOUNDS: StableBounds = { lastStableOffset: 0, highWatermark: 0 };

/** Which records a reader sees. */
type Isolation = "read_uncommitted" | "read_committed";

const ISOLATIONS: readonly Isolation[] = ["read_uncommitted", "read_committed"];

/** Reads, one partition or group at a time, and compares with what was seen before. */
export class Observer extends Participant {
  readonly #positions: Map<string, number> = new Map();
  #inFlight = 0;

  /** Reads from some partition, or looks up some offset. */
  act(): void {
    const { world } = this;
    const { random, partitions, transactionalIds } = world;
    if (!world.isUp || this.#inFlight >= MAX_IN_FLIGHT) return;
    const act = random.chance(0.8)
      ? this.#reading(random.pick(partitions), random.pick(ISOLATIONS))
      : () => this.lookUp(random.pick(transactionalIds));
    this.#inFlight++;
    world.spawn(async () => {
      await act();
      this.#inFlight--;
    });
  }

  #reading(partition: SharedPartition, isolation: Isolation): () => Promise<void> {
    const { random } = this.world;
    const { view } = partition;
    const place = `${view} ${isolation}`;
    const isFollowing = random.chance(0.6);
    const from = isFollowing
      ? this.#positions.get(place) ?? 0
      : random.below(view.bounds.highWatermark + 1);
    const maxWaitMs = random.chance(0.5) ? 0 : random.below(MAX_WAIT_MS);
    return async () => {
      const next = await this.#read(partition, isolation, from, maxWaitMs);
      if (next !== undefined) this.#positions.set(place, next);
      else this.#positions.delete(place);
    };
  }

  /** Reads from an offset; returns where to continue, or nothing after an error or without an answer. */
  async #read(
    partition: SharedPartition,
    isolation: Isolation,
    from: number,
    maxWaitMs: number,
  ): Promise<number | undefined> {
    const { random, book, topicIds, hasLeaderChanges } = this.world;
    const { topic, index, view } = partition;
    const to = { leaderOf: partition };
    const maxBytes = 1 + random.below(MAX_BYTES);
    // A new leader learns of the high watermark after a moment.
    const before = hasLeaderChanges ? NO_BOUNDS : view.bounds;
    const isCommitted = isolation === "read_committed";
    const response = await this.wire.request(to, fetch, 16, {
      maxWaitMs,
      minBytes: 1,
      maxBytes,
      isolationLevel: isCommitted ? 1 : 0,
      topics: [{
        topicId: topicIds.get(topic)!,
        partitions: [{ partition: index, fetchOffset: from, partitionMaxBytes: maxBytes }],
      }],
    });
    if (response === undefined) return undefined;
    check(response.errorCode === ErrorCode.NONE, () => `Fetch: ${nameOf(response.errorCode)}`);
    const answer = response.responses[0]!.partitions[0]!;
    const { errorCode, highWatermark, lastStableOffset, records, abortedTransactions } = answer;
    const what = `reads ${view} from ${from} with ${isolation}`;
    if (this.mustRepeat(to, what, errorCode)) return undefined;
    check(
      isCommitted === (abortedTransactions !== null),
      () => `${this.name} ${what} and gets ${isCommitted ? "no" : "a"} list of aborted ones`,
    );
    // To readers of undecided records the last stable offset means nothing, and need not be known.
    const stable = isCommitted ? lastStableOffset : before.lastStableOffset;
    view.tell({ highWatermark, lastStableOffset: stable }, before);
    const { seen, next } = book.decode(records ?? new Uint8Array(0), from, abortedTransactions);
    const end = isCommitted ? lastStableOffset : highWatermark;
    check(
      next <= Math.max(from, end),
      () => `${this.name} ${what} up to ${next}, beyond ${end}`,
    );
    if (isCommitted) view.showCommitted({ from, next, seen });
    else view.showUncommitted({ from, next, seen });
    return next;
  }

  /** Looks up the offset of an id's group. Returns whether it was told. */
  async lookUp({ group }: TransactionalId, isSettled: boolean = false): Promise<boolean> {
    const { floor } = group;
    const to = { coordinatorOf: { group: group.name } };
    const response = await this.wire.request(to, offsetFetch, 7, {
      groupId: group.name,
      topics: [{ name: INPUT_TOPIC, partitionIndexes: [0] }],
      requireStable: true,
    });
    if (response === undefined) return false;
    if (this.mustRepeat(to, `looks ${group} up`, response.errorCode)) return false;
    const { errorCode, committedOffset } = response.topics[0]!.partitions[0]!;
    const isUnstable = errorCode === ErrorCode.UNSTABLE_OFFSET_COMMIT;
    const what = `finds ${committedOffset} for ${group}`;
    if (this.mustRepeat(to, what, errorCode, [ErrorCode.UNSTABLE_OFFSET_COMMIT])) return false;
    check(
      !isUnstable || !isSettled,
      () => `${group} has a pending offset, and no transaction is open`,
    );
    if (isUnstable) return false;
    if (isSettled) group.checkSettled(committedOffset);
    else group.observe(committedOffset, floor);
    return true;
  }

  /** Looks up all last stable offsets at once, which must not have moved back. */
  async glance(): Promise<void> {
    const { partitions } = this.world;
    const before = partitions.map(({ view }) => view.bounds);
    const topics = Map.groupBy(partitions, ({ topic }) => topic);
    const response = await this.wire.request("any", listOffsets, 7, {
      isolationLevel: 1,
      topics: Array.from(topics, ([name, of]) => ({
        name,
        partitions: of.map(({ index }) => ({
          partitionIndex: index,
          timestamp: ListOffsetsTimestamp.latest,
        })),
      })),
    });
    if (response === undefined) return;
    const answers = response.topics.flatMap(({ partitions }) => partitions);
    for (const [i, { errorCode, offset }] of answers.entries()) {
      const { view } = partitions[i]!;
      if (this.mustRepeat("any", `sees ${view} stable up to ${offset}`, errorCode)) continue;
      view.tellStable(offset, before[i]!);
    }
  }

  /** Reads all partitions from start to end in both isolations. */
  async audit(): Promise<void> {
    for (const partition of this.world.partitions) {
      for (const isolation of ISOLATIONS) {
        const end = await this.#endOf(partition, isolation);
        for (let from = 0, attempts = 0; from < end;) {
          const next = await this.#read(partition, isolation, from, 0);
          if (next === undefined || next === from) {
            check(
              ++attempts < MAX_ATTEMPTS,
              () => `${partition.view} cannot be read from ${from} to ${end} with ${isolation}`,
            );
            // Compaction may have removed all records up to the end.
            if (next === from && partition.view.isCompacted) break;
            if (this.world.hasFailed) return;
            await this.#pause();
          } else from = next;
        }
      }
    }
  }

  /** The end of a partition for an isolation. */
  async #endOf(partition: SharedPartition, isolation: Isolation): Promise<number> {
    const { topic, index, view } = partition;
    const to = { leaderOf: partition };
    const response = await this.#repeat(
      () =>
        this.wire.request(to, listOffsets, 7, {
          isolationLevel: isolation === "read_committed" ? 1 : 0,
          topics: [{
            name: topic,
            partitions: [{ partitionIndex: index, timestamp: ListOffsetsTimestamp.latest }],
          }],
        }),
      (response) =>
        !this.mustRepeat(
          to,
          `looks up the end of ${view} with ${isolation}`,
          response.topics[0]!.partitions[0]!.errorCode,
        ),
    );
    return response.topics[0]!.partitions[0]!.offset;
  }

  /** Waits until no transaction is open, after all producers have stopped. */
  async settle(): Promise<void> {
    const isOpen = (state: string) => state !== "Empty" && !state.startsWith("Complete");
    for (const { name } of this.world.transactionalIds) {
      const to = { coordinatorOf: { transactionalId: name } };
      await this.#repeat(
        () =>
          this.wire.request(to, listTransactions, 1, { stateFilters: [], producerIdFilters: [] }),
        ({ errorCode, transactionStates }) =>
          !this.mustRepeat(to, "lists transactions", errorCode) &&
          !transactionStates.some(({ transactionState }) => isOpen(transactionState)),
      );
    }
  }

  /** Checks that nothing hangs once no transaction is open: all is stable and decided. */
  async checkSettled(): Promise<void> {
    const { partitions, transactionalIds, book } = this.world;
    for (const partition of partitions) {
      const [end, stableEnd] = [
        await this.#endOf(partition, "read_uncommitted"),
        await this.#endOf(partition, "read_committed"),
      ];
      check(
        stableEnd === end,
        () => `${partition.view} is stable up to ${stableEnd} of ${end}, and nothing is open`,
      );
    }
    await this.audit();
    for (const id of transactionalIds) {
      await this.#repeat(() => this.lookUp(id, true), (isTold) => isTold);
    }
    for (const { view } of partitions) view.checkSettled(book.recordsOf(view.name));
  }

  /** Repeats a request until its answer is good. */
  async #repeat<T>(
    request: () => Promise<T | undefined>,
    isGood: (response: T) => boolean,
  ): Promise<T> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const response = await request();
      if (response !== undefined && isGood(response)) return response;
      await this.#pause();
    }
    throw new Violation(`${this.name} gets no good answer in ${MAX_ATTEMPTS} attempts`);
  }

  /** Lets something happen before the next attempt. */
  async #pause(): Promise<void> {
    await this.world.pause(PAUSE_MS);
  }
}
