/**
 * Producers with transactions in a cluster, and who reads what they write.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { createTopics } from "../../../protocol/messages/topics/create_topics.ts";
import type { Random } from "../../../protocol/random_testing.ts";
import { GroupView } from "../transactions/group_view.ts";
import { Observer } from "../transactions/observer.ts";
import { PartitionView } from "../transactions/partition_view.ts";
import { PlainProducer } from "../transactions/plain_producer.ts";
import { TransactionBook } from "../transactions/transaction_book.ts";
import type { SharedPartition, TransactionWorld, Wire } from "../transactions/transaction_world.ts";
import { TransactionalId } from "../transactions/transactional_id.ts";
import { INPUT_TOPIC, TransactionalProducer } from "../transactions/transactional_producer.ts";
import { REQUEST_TIMEOUT_MS } from "./client.ts";
import type { ClusterWorld } from "./client.ts";
import { TransactionWire } from "./transaction_wire.ts";

/** The topics of transactions, which nobody changes. */
export const TRANSACTION_TOPICS: readonly string[] = ["paid", "shipped", INPUT_TOPIC];

const PARTITIONS = 2;
const PRODUCERS = 5;
const IDS = 4;
const REPLACEMENT = 0.2;
const MAX_TIMEOUT_MS = 5000;
/** Longer than any transaction may be open, and than what aborts it takes. */
export const SETTLE_MS: number = 3 * MAX_TIMEOUT_MS;
const MAX_HELD = 8;
/** The most that happens in a step. */
const ACTS = 5;
const RETRY_MS = 100;
const NETWORK_FAULTS = { "lost-request": 0.01, "lost-answer": 0.02, "late-request": 0.03 };

/** All participants with transactions. */
export class ClusterTransactions implements TransactionWorld {
  readonly book = new TransactionBook();
  readonly partitions: readonly SharedPartition[];
  readonly transactionalIds: readonly TransactionalId[];
  readonly topicIds: Map<string, string> = new Map();
  readonly hasFailed = true;
  readonly hadFailed = true;
  readonly hasLeaderChanges = true;
  readonly hasWrongClocks = true;
  readonly patience = 0.8;
  readonly large = 0;
  readonly expirationMs = Infinity;
  readonly #world: ClusterWorld;
  readonly #producers: TransactionalProducer[] = [];
  readonly #plain: PlainProducer;
  readonly #observers: readonly Observer[];
  readonly #auditor: Observer;
  readonly #wire: Wire;
  readonly #minInSync: number;
  #held: (() => void)[] = [];
  #born = 0;

  /** @param minInSync Replicas that must be in sync for a write. */
  constructor(world: ClusterWorld, minInSync: number) {
    this.#world = world;
    this.partitions = TRANSACTION_TOPICS.filter((name) => name !== INPUT_TOPIC).flatMap((topic) =>
      Array.from({ length: PARTITIONS }, (_, index) => ({
        topic,
        index,
        view: new PartitionView(`${topic}-${index}`),
        isCompressed: false,
      }))
    );
    this.transactionalIds = Array.from(
      { length: IDS },
      (_, i) => new TransactionalId(`id-${i}`, new GroupView(`group-t${i}`)),
    );
    this.#plain = new PlainProducer("plain producer", this);
    this.#observers = [0, 1].map((i) => new Observer(`observer ${i}`, this));
    this.#auditor = new Observer("observing auditor", this);
    this.#wire = this.connect("administrator of transactions");
    this.#minInSync = minInSync;
  }

  get random(): Random {
    return this.#world.random;
  }

  get nowMs(): number {
    return Math.floor(this.#world.timeline.nowMs);
  }

  get isUp(): boolean {
    return this.topicIds.size > 0;
  }

  connect(name: string): Wire {
    return new TransactionWire(name, this.#world);
  }

  trace(event: string): void {
    this.#world.trace(event);
  }

  spawn(task: () => Promise<void>): void {
    this.#world.spawn(task);
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#world.timeline.after(ms, resolve));
  }

  hasFault(fault: keyof typeof NETWORK_FAULTS): boolean {
    return this.random.chance(NETWORK_FAULTS[fault]);
  }

  hold(send: () => void): void {
    this.trace("holds a request");
    if (this.#held.length < MAX_HELD) this.#held.push(send);
  }

  /** Creates the topics. */
  async begin(replicationFactor: number): Promise<void> {
    for (const name of TRANSACTION_TOPICS) {
      const numPartitions = name === INPUT_TOPIC ? 1 : PARTITIONS;
      for (;;) {
        const response = await this.#wire.request("any", createTopics, 7, {
          topics: [{
            name,
            numPartitions,
            replicationFactor,
            configs: [
              { name: "internal.segment.bytes", value: "1500" },
              { name: "min.insync.replicas", value: String(this.#minInSync) },
            ],
          }],
          timeoutMs: REQUEST_TIMEOUT_MS,
        });
        const created = response?.topics[0];
        if (created?.errorCode === ErrorCode.NONE) {
          this.topicIds.set(name, created.topicId);
          break;
        }
        await this.pause(RETRY_MS);
      }
    }
  }

  /** Lets some of them act. */
  act(): void {
    const { random } = this;
    for (let i = random.below(ACTS); i >= 0; i--) this.#actOnce();
  }

  #actOnce(): void {
    const { random } = this;
    random.weighted<() => void>([
      [50, () => this.#produce()],
      [8, () => this.#plain.act()],
      [16, () => random.pick(this.#observers).act()],
      [4, () => this.#release()],
      [0.7, () => this.#endProducer()],
    ])();
  }

  #produce(): void {
    const slot = this.random.below(PRODUCERS);
    const producer = this.#producers[slot];
    if (producer !== undefined && !producer.isOver) return producer.act();
    if (producer !== undefined && !this.random.chance(REPLACEMENT)) return;
    this.#producers[slot] = this.#newProducer();
  }

  #newProducer(): TransactionalProducer {
    const { random } = this;
    const id = random.pick(this.transactionalIds);
    const flow = random.chance(0.6) ? 2 : 1;
    const timeoutMs = 1000 + random.below(MAX_TIMEOUT_MS - 1000);
    return new TransactionalProducer(`transactional ${this.#born++} of ${id}`, this, {
      id,
      flow,
      timeoutMs,
    });
  }

  /** A producer ends, and another takes its place. */
  #endProducer(): void {
    this.#producers[this.random.below(PRODUCERS)] = this.#newProducer();
  }

  #release(): void {
    if (this.#held.length === 0) return;
    const [send] = this.#held.splice(this.random.below(this.#held.length), 1);
    this.trace("a held request arrives");
    send!();
  }

  /** Ends all producers, with requests that are still to arrive. */
  end(): void {
    while (this.#held.length > 0) this.#release();
  }

  /** Checks that nothing hangs, `SETTLE_MS` after the end. */
  async check(): Promise<void> {
    await this.#auditor.settle();
    await this.#auditor.checkSettled();
  }
}
