import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { Random } from "../../../protocol/random_testing.ts";
import { ZERO_UUID } from "../../../protocol/primitives/uuid.ts";
import { TestCoordinator, turn } from "../testing.ts";
import { commit, deleteOffsets, fetch } from "./requests.ts";
import { commitInTransaction } from "./transactional_commit.ts";

const PARTITION_COUNT = 3;
const PRODUCER_COUNT = 3;
const PARTITIONS = Array.from({ length: PARTITION_COUNT }, (_, partition) => partition);

/** What the log has, in its order. */
type Entry =
  | { readonly partition: number; readonly offset: number; readonly producerId?: number }
  | { readonly partition: number; readonly offset: null }
  | { readonly producerId: number; readonly isCommit: boolean };

/** A group whose offsets are committed in transactions and otherwise, and what they should be. */
class Model {
  readonly #test: TestCoordinator;
  readonly #random: Random;
  #log: Entry[] = [];
  /** How many of them a crash keeps. */
  #durable = 0;
  /** Ends of transactions that apply once they are durable: their place in the log. */
  #ending: { readonly end: number; readonly producerId: number; readonly isCommit: boolean }[] = [];
  #nextOffset = 1;

  constructor(test: TestCoordinator, random: Random) {
    this.#test = test;
    this.#random = random;
    test.topics.set("a", PARTITION_COUNT);
  }

  async step(): Promise<void> {
    const { log } = this.#test;
    await this.#random.weighted<() => unknown>([
      [6, () => this.#commit()],
      [10, () => this.#commitInTransaction()],
      [6, () => this.#end()],
      [1, () => this.#delete()],
      [4, () => void (log.isHeld = true)],
      [4, () => this.#release()],
      [1, () => this.#restart()],
    ])();
    await turn();
    if (!log.isHeld) await this.check();
  }

  #topics(partition: number) {
    const committedOffset = this.#nextOffset++;
    return [{
      name: "a",
      topicId: ZERO_UUID,
      partitions: [{
        partitionIndex: partition,
        committedOffset,
        committedLeaderEpoch: -1,
        committedMetadata: "",
      }],
    }];
  }

  #append(...entries: Entry[]): void {
    this.#log.push(...entries);
    if (!this.#test.log.isHeld) this.#durable = this.#log.length;
  }

  #commit(): void {
    const partition = this.#random.pick(PARTITIONS);
    const topics = this.#topics(partition);
    const offset = topics[0]!.partitions[0]!.committedOffset;
    const client = { memberId: "", groupInstanceId: null, generationIdOrMemberEpoch: -1 };
    void commit(
      this.#test.shard,
      { groupId: "g", ...client, retentionTimeMs: -1, topics },
      8,
    );
    this.#append({ partition, offset });
  }

  #commitInTransaction(): void {
    const partition = this.#random.pick(PARTITIONS);
    const producerId = this.#random.below(PRODUCER_COUNT);
    if (this.#ending.some((other) => other.producerId === producerId)) return;
    const topics = this.#topics(partition);
    const offset = topics[0]!.partitions[0]!.committedOffset;
    const client = { memberId: "", groupInstanceId: null, generationId: -1 };
    void commitInTransaction(
      this.#test.shard,
      { groupId: "g", ...client, topics },
      { producerId, producerEpoch: 0 },
    );
    this.#append({ partition, offset, producerId });
  }

  #end(): void {
    const producerId = this.#random.below(PRODUCER_COUNT);
    if (this.#ending.some((other) => other.producerId === producerId)) return;
    const isCommit = this.#random.chance(0.6);
    const { log, coordinator } = this.#test;
    const committed = log.appendMarker(producerId, isCommit);
    this.#append({ producerId, isCommit });
    if (committed === undefined) return coordinator.endTransaction(0, producerId, isCommit);
    const ending = { end: this.#log.length, producerId, isCommit };
    this.#ending.push(ending);
    void committed.then(() => {
      this.#ending = this.#ending.filter((other) => other !== ending);
      coordinator.endTransaction(0, producerId, isCommit);
    });
  }

  #delete(): void {
    const known = PARTITIONS.filter((partition) =>
      this.#test.shard.offsets.get("g", "a", partition) !== undefined ||
      this.#test.shard.pending.has("g", "a", partition)
    );
    if (this.#test.shard.group("g") === undefined) return;
    void deleteOffsets(this.#test.shard, "g", [{
      name: "a",
      partitions: PARTITIONS.map((partitionIndex) => ({ partitionIndex })),
    }]);
    this.#append(...known.map((partition): Entry => ({ partition, offset: null })));
  }

  #release(): void {
    this.#test.log.isHeld = false;
    this.#test.log.release();
    this.#durable = this.#log.length;
  }

  async #restart(): Promise<void> {
    this.#log.length = this.#durable;
    this.#ending = [];
    this.#test.log.isHeld = false;
    await this.#test.restart(() => {
      if (this.#random.chance(0.5)) this.#test.log.compact();
    });
  }

  async check(): Promise<void> {
    const request = {
      groupId: "g",
      memberId: null,
      memberEpoch: -1,
      topics: [{ name: "a", topicId: ZERO_UUID, partitionIndexes: PARTITIONS }],
    };
    for (const requireStable of [false, true]) {
      const [topic] = await fetch(this.#test.shard, request, requireStable);
      assertEquals(
        topic!.partitions.map(({ errorCode, committedOffset }) => errorCode || committedOffset),
        PARTITIONS.map((partition) => this.#expected(partition, requireStable)),
      );
    }
  }

  /** The last record that is not deleted, and of no transaction that is open or was aborted. */
  #expected(partition: number, requireStable: boolean): number {
    let expected = -1;
    for (const [index, entry] of this.#log.entries()) {
      if (!("partition" in entry) || entry.partition !== partition) continue;
      if (entry.offset === null) {
        expected = -1;
        continue;
      }
      const { producerId } = entry;
      const later = this.#log.slice(index + 1);
      const end = later.find((other) => "isCommit" in other && other.producerId === producerId);
      const isDeleted = later.some((other) =>
        "partition" in other && other.partition === partition && other.offset === null
      );
      if (producerId === undefined || (end !== undefined && "isCommit" in end && end.isCommit)) {
        expected = entry.offset;
      } else if (end === undefined && !isDeleted && requireStable) {
        return ErrorCode.UNSTABLE_OFFSET_COMMIT;
      }
    }
    return expected;
  }
}

Deno.test("commitInTransaction() agrees with the log's records, over crashes and compaction", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    await using test = await TestCoordinator.start();
    const model = new Model(test, new Random(seed));
    try {
      for (let step = 0; step < 100; step++) await model.step();
    } catch (error) {
      throw new Error(`Seed ${seed} fails`, { cause: error });
    }
  }
});
