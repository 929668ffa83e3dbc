/**
 * A transactional producer, from its start to its end. It is careful, as real clients are: it commits only
 * what was acknowledged, and repeats what may not have arrived.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { produce } from "../../../protocol/messages/records/produce.ts";
import { addOffsetsToTxn } from "../../../protocol/messages/transactions/add_offsets_to_txn.ts";
import { addPartitionsToTxn } from "../../../protocol/messages/transactions/add_partitions_to_txn.ts";
import { endTxn } from "../../../protocol/messages/transactions/end_txn.ts";
import { initProducerId } from "../../../protocol/messages/transactions/init_producer_id.ts";
import { txnOffsetCommit } from "../../../protocol/messages/transactions/txn_offset_commit.ts";
import type { Api, RequestTo, ResponseOf } from "../../../protocol/schema/schema.ts";
import { check } from "../violation.ts";
import { REQUEST_TIMEOUT_MS } from "../world.ts";
import type { ProducerPair } from "./transaction_book.ts";
import type { TransactionModel, WrittenRecord } from "./transaction_model.ts";
import {
  type Destination,
  Participant,
  type SharedPartition,
  type TransactionWorld,
  type Wire,
} from "./transaction_world.ts";
import type { FencedProducer, TransactionalId } from "./transactional_id.ts";

/** The topic whose offsets are committed; nothing is in it. */
export const INPUT_TOPIC = "input";

/** More than clocks are ever set forward. */
const MAX_CLOCK_ERROR_MS = 20_000;
const MAX_RECORDS = 3;
const MAX_PARTITIONS = 3;

/** Answers to a producer that was fenced or whose transaction timed out, before or after KIP-890. */
const FENCED: readonly number[] = [
  ErrorCode.INVALID_PRODUCER_EPOCH,
  ErrorCode.PRODUCER_FENCED,
  ErrorCode.INVALID_TXN_STATE,
  ErrorCode.TRANSACTION_ABORTABLE,
  ErrorCode.INVALID_PRODUCER_ID_MAPPING,
];

/** Options of a producer. */
export interface TransactionalProducerOptions {
  readonly id: TransactionalId;
  /** How it talks to the broker: 1 as clients before KIP-890 do, 2 as later ones. */
  readonly flow: 1 | 2;
  readonly timeoutMs: number;
}

/** A batch that is not acknowledged. */
interface Batch {
  readonly partition: SharedPartition;
  readonly records: readonly WrittenRecord[];
  readonly sequence: number;
}

/** A producer. */
export class TransactionalProducer extends Participant implements FencedProducer {
  mayBeFenced = false;
  willBeFenced = false;
  readonly #options: TransactionalProducerOptions;
  /** To its coordinator, so that what it asks that may overtake what it sends to partitions. */
  readonly #coordination: Wire;
  #pair: ProducerPair | undefined;
  /** Whether it has to initialize, even if it has a pair. */
  #mustInit = true;
  #transaction: TransactionModel | undefined;
  /** When the id was certainly used last, between two transactions. */
  #usedMs = -Infinity;
  /** When the transaction may have begun, for the coordinator. */
  #startMs = Infinity;
  /** Whether it has certainly begun. */
  #isBegun = false;
  #added: Set<SharedPartition> = new Set();
  #sequences: Map<SharedPartition, number> = new Map();
  #unresolved: Batch[] = [];
  #offsets: "none" | "sent" | "committed" = "none";
  /** How it wants to end the transaction, once it has asked for that. */
  #ending: "commit" | "abort" | undefined;
  /** Whether a request of this epoch may arrive late, which the next transaction must not suffer from. */
  #mustBump = false;
  #isBusy = false;
  #isOver = false;

  constructor(name: string, world: TransactionWorld, options: TransactionalProducerOptions) {
    super(name, world);
    this.#options = options;
    this.#coordination = world.connect(`${name}, coordination`);
  }

  protected override wireTo(to: Destination): Wire {
    const isOfCoordinator = to !== "any" && "coordinatorOf" in to &&
      "transactionalId" in to.coordinatorOf;
    return isOfCoordinator ? this.#coordination : this.wire;
  }

  override disconnect(): void {
    super.disconnect();
    this.#coordination.disconnect();
  }

  /** Whether it was fenced and has given up. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Does the next thing, unless it waits for an answer. */
  act(): void {
    const { world } = this;
    if (!world.isUp || this.#isBusy || this.#isOver) return;
    const next = this.#next();
    this.#isBusy = true;
    world.spawn(async () => {
      await next();
      this.#isBusy = false;
    });
  }

  #next(): () => Promise<void> {
    const { random, patience } = this.world;
    if (this.#mustInit) return () => this.#init();
    if (this.#ending !== undefined) {
      if (random.chance(0.8)) return () => this.#end(this.#ending!);
      this.#mustInit = true;
      return () => this.#init();
    }
    if (this.#unresolved.length > 0) {
      if (random.chance(patience)) return () => this.#produceAll();
      return this.#giveUp();
    }
    if (this.#offsets === "sent") {
      return random.chance(patience) ? () => this.#commitOffsets() : this.#giveUp();
    }
    const mayEnd = this.#isBegun;
    return random.weighted<() => Promise<void>>([
      [5, () => this.#write()],
      [mayEnd && this.#offsets === "none" ? 1 : 0, () => this.#commitOffsets()],
      [mayEnd ? 3 : 0, () => this.#end("commit")],
      [mayEnd ? 1 : 0, () => this.#end("abort")],
    ]);
  }

  /** Aborts because of requests whose outcome is not known. */
  #giveUp(): () => Promise<void> {
    this.#unresolved = [];
    this.#mustBump = true;
    return () => this.#end("abort");
  }

  /** The coordinator of its transactions. */
  get #coordinator(): Destination {
    return { coordinatorOf: { transactionalId: this.#options.id.name } };
  }

  async #init(): Promise<void> {
    const { id, timeoutMs } = this.#options;
    const { world } = this;
    const sent = this.#pair;
    const sentMs = world.nowMs;
    id.beginRequest(this);
    const response = await this.#ask(
      this.#coordinator,
      initProducerId,
      5,
      { transactionalId: id.name, transactionTimeoutMs: timeoutMs, ...sent },
      { onEnd: () => id.endRequest(this) },
    );
    if (response === undefined) return;
    const { errorCode, producerId, producerEpoch } = response;
    const what = `initializes ${id} with ${pairName(sent)}, gets ${pairName(response)}`;
    // A forgotten id begins again with a new producer id. If the answer is lost, the old one is fenced, as
    // nobody knows whose it was.
    const mayBeFenced = this.mayBeFenced || this.#mayHaveExpired();
    const explained = mayBeFenced && sent !== undefined ? FENCED : [];
    if (this.mustRepeat(this.#coordinator, what, errorCode, explained)) return;
    this.#concludeAborted(what);
    if (errorCode !== ErrorCode.NONE) {
      this.#isOver = true;
      return;
    }
    world.book.give({ producerId, producerEpoch }, this.name);
    this.#pair = { producerId, producerEpoch };
    this.#usedMs = sentMs;
    this.mayBeFenced = this.willBeFenced;
    this.#sequences.clear();
    this.#mustInit = this.#mustBump = false;
    this.#forget();
  }

  /** Records that the transaction cannot be committed any more, unless that was requested. */
  #concludeAborted(evidence: string): void {
    if (this.#transaction?.mayCommit === false) {
      this.#transaction.decide("aborted", `${this.name} ${evidence}`);
    }
  }

  /** Forgets the transaction, which has ended. */
  #forget(): void {
    this.#transaction = this.#ending = undefined;
    this.#startMs = Infinity;
    this.#isBegun = false;
    this.#added.clear();
    this.#unresolved = [];
    this.#offsets = "none";
  }

  /** Writes to some partitions. */
  async #write(): Promise<void> {
    const { world } = this;
    const { random, book } = world;
    const transaction = this.#transaction ??= book.begin(this.name);
    const chosen = new Set<SharedPartition>();
    for (let i = 1 + random.below(MAX_PARTITIONS); i > 0; i--) {
      chosen.add(random.pick(world.partitions));
    }
    const partitions = [...chosen];
    if (this.#options.flow === 1 && !await this.#addPartitions(partitions)) return;
    for (const partition of partitions) {
      const count = 1 + random.below(MAX_RECORDS);
      const records = Array.from(
        { length: count },
        () => book.write(this.name, partition.view.name, transaction),
      );
      const sequence = this.#sequences.get(partition) ?? 0;
      this.#sequences.set(partition, sequence + count);
      this.#unresolved.push({ partition, records, sequence });
    }
    await this.#produceAll();
  }

  /** Adds partitions to the transaction, as clients before KIP-890 do. Returns whether all were added. */
  async #addPartitions(partitions: readonly SharedPartition[]): Promise<boolean> {
    const missing = partitions.filter((partition) => !this.#added.has(partition));
    if (missing.length === 0) return true;
    this.#noteStart();
    const { producerId, producerEpoch } = this.#pair!;
    const response = await this.#ask(this.#coordinator, addPartitionsToTxn, 3, {
      v3AndBelowTransactionalId: this.#options.id.name,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: missing.map(({ topic, index }) => ({ name: topic, partitions: [index] })),
    });
    if (response === undefined) return false;
    let areAdded = true;
    for (const { name, resultsByPartition } of response.resultsByTopicV3AndBelow) {
      for (const { partitionIndex, partitionErrorCode } of resultsByPartition) {
        const what = `adds ${name}-${partitionIndex}`;
        const explained = this.#explained();
        if (this.mustRepeat(this.#coordinator, what, partitionErrorCode, explained)) {
          areAdded = false;
        } else if (partitionErrorCode !== ErrorCode.NONE) {
          this.#refuse(what);
          return false;
        }
      }
    }
    if (!areAdded) return false;
    for (const partition of missing) this.#added.add(partition);
    this.#isBegun = true;
    return true;
  }

  /** Sends what is not acknowledged, in one request or several. */
  async #produceAll(): Promise<void> {
    const batches = this.#unresolved.slice();
    if (!this.world.hasLeaderChanges && this.world.random.chance(0.5)) {
      return await this.#produce(batches);
    }
    await Promise.all(batches.map((batch) => this.#produce([batch])));
  }

  async #produce(batches: readonly Batch[]): Promise<void> {
    const { world } = this;
    const { id: { name: transactionalId }, flow } = this.#options;
    this.#noteStart();
    const { nowMs } = world;
    const to = { leaderOf: batches[0]!.partition };
    const pair = this.#pair!;
    const response = await this.#ask(
      to,
      produce,
      flow === 1 ? 11 : 12,
      {
        transactionalId,
        acks: -1,
        timeoutMs: REQUEST_TIMEOUT_MS,
        topicData: batches.map((
          { partition: { topic, index, isCompressed }, records, sequence },
        ) => ({
          name: topic,
          partitionData: [{
            index,
            records: world.book.encode(
              records,
              nowMs,
              pair,
              sequence,
              isCompressed && world.random.chance(world.large),
            ),
          }],
        })),
      },
      // Before KIP-890, it is not part of another transaction, as the producer then has another epoch.
      { mayBeLate: true, onLate: () => this.#mustBump = true },
    );
    if (response === undefined) return;
    const answers = response.responses.flatMap(({ name, partitionResponses }) =>
      partitionResponses.map((answer) => ({ topic: name, ...answer }))
    );
    let refusal: string | undefined;
    for (const batch of batches) {
      const { partition, records } = batch;
      const answer = answers.find(({ topic, index }) =>
        topic === partition.topic && index === partition.index
      );
      check(answer !== undefined, () => `Nothing is answered for ${partition.view}`);
      const { errorCode, baseOffset } = answer;
      const what = `sends ${records[0]!.id} to ${records.at(-1)!.id} to ${partition.view}, ` +
        `${baseOffset}, with ${pairName(pair)}`;
      if (this.mustRepeat(to, what, errorCode, this.#explained())) continue;
      if (errorCode !== ErrorCode.NONE) {
        refusal = what;
        continue;
      }
      partition.view.acknowledge(records, baseOffset);
      this.#isBegun = true;
      this.#unresolved = this.#unresolved.filter((other) => other !== batch);
    }
    if (refusal !== undefined) this.#refuse(refusal);
  }

  /** Commits an offset of the id's group, as part of the transaction. */
  async #commitOffsets(): Promise<void> {
    const { id, flow } = this.#options;
    const { name: transactionalId, group } = id;
    const pair = this.#pair!;
    if (this.#offsets === "none") group.send(this.#transaction!, this.world.book.nextNumber());
    this.#offsets = "sent";
    if (flow === 1) {
      const response = await this.#ask(this.#coordinator, addOffsetsToTxn, 4, {
        transactionalId,
        ...pair,
        groupId: group.name,
      });
      if (response === undefined) return;
      const what = `adds ${group}`;
      const { errorCode } = response;
      if (this.mustRepeat(this.#coordinator, what, errorCode, this.#explained())) return;
      if (errorCode !== ErrorCode.NONE) return this.#refuse(what);
    }
    const committedOffset = this.#transaction!.groupOffset!;
    const to = { coordinatorOf: { group: group.name } };
    const response = await this.#ask(
      to,
      txnOffsetCommit,
      flow === 1 ? 4 : 5,
      {
        transactionalId,
        groupId: group.name,
        ...pair,
        topics: [{
          name: INPUT_TOPIC,
          partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: null }],
        }],
      },
      { mayBeLate: flow === 2 },
    );
    if (response === undefined) return;
    const { errorCode } = response.topics[0]!.partitions[0]!;
    const what = `commits ${committedOffset} for ${group} with ${pairName(pair)}`;
    if (this.mustRepeat(to, what, errorCode, this.#explained())) return;
    if (errorCode !== ErrorCode.NONE) this.#refuse(what);
    else this.#offsets = "committed";
  }

  async #end(ending: "commit" | "abort"): Promise<void> {
    const { id: { name: transactionalId }, flow } = this.#options;
    const transaction = this.#transaction!;
    const committed = ending === "commit";
    if (committed) transaction.requestCommit();
    this.#ending = ending;
    const sentMs = this.world.nowMs;
    const response = await this.#ask(
      this.#coordinator,
      endTxn,
      flow === 1 ? 4 : 5,
      { transactionalId, ...this.#pair!, committed },
      { mayBeLate: flow === 2 },
    );
    if (response === undefined) return;
    const { errorCode, producerId, producerEpoch } = response;
    const what = `${ending}s ${transaction} with ${pairName(this.#pair)}`;
    if (this.mustRepeat(this.#coordinator, what, errorCode, this.#explained())) return;
    if (errorCode !== ErrorCode.NONE) return this.#refuse(what);
    transaction.decide(committed ? "committed" : "aborted", `${this.name} ${what}`);
    this.#usedMs = sentMs;
    if (flow === 2) {
      check(producerId >= 0, () => `${this.name} ${what} and is given no producer id`);
      this.world.book.give({ producerId, producerEpoch }, this.name);
      this.#pair = { producerId, producerEpoch };
      this.#sequences.clear();
    } else if (this.#mustBump) this.#mustInit = true;
    this.#forget();
  }

  /** The broker refuses to continue the transaction. */
  #refuse(what: string): void {
    const { random } = this.world;
    const isWhole = this.#unresolved.length === 0 && this.#offsets !== "sent";
    const next = random.weighted([
      [4, "give up"],
      [4, "initialize"],
      // A client before KIP-890 cannot tell a transaction that timed out from one that is open.
      [this.#options.flow === 2 && this.#ending === undefined ? 3 : 0, "abort"],
      // As a zombie does.
      [isWhole && this.#ending === undefined && this.#isBegun ? 2 : 0, "commit"],
    ]);
    if (next === "commit") {
      this.#transaction!.requestCommit();
      this.#ending = "commit";
      return;
    }
    this.#concludeAborted(`${what}, which is refused`);
    if (next === "give up") this.#isOver = true;
    else if (next === "initialize") this.#mustInit = true;
    else this.#ending = "abort";
  }

  #noteStart(): void {
    this.#startMs = Math.min(this.#startMs, this.world.nowMs);
  }

  /** The answers that tell of fencing, a timeout or expiry, if one of them may have happened. */
  #explained(): readonly number[] {
    const { nowMs, hasWrongClocks } = this.world;
    const hasTimedOut = nowMs - this.#startMs >= this.#options.timeoutMs;
    const isExplained = this.mayBeFenced || hasWrongClocks || hasTimedOut || this.#mayHaveExpired();
    return isExplained ? FENCED : [];
  }

  /** Whether the coordinator may have forgotten the id. */
  #mayHaveExpired(): boolean {
    const { nowMs, hasWrongClocks, expirationMs } = this.world;
    const unusedMs = nowMs - this.#usedMs + (hasWrongClocks ? MAX_CLOCK_ERROR_MS : 0);
    return unusedMs >= expirationMs;
  }

  /**
   * Sends a request through a network that may lose it or its answer, or deliver it late or twice.
   *
   * @param mayBeLate Whether it may arrive after the transaction has ended, which only KIP-890 makes safe.
   * @param onEnd Called when it is over, whatever happened.
   * @param onLate Called if it will arrive late.
   */
  async #ask<A extends Api>(
    to: Destination,
    api: A,
    version: number,
    request: RequestTo<A>,
    { mayBeLate = false, onEnd = () => {}, onLate = () => {} }: {
      readonly mayBeLate?: boolean;
      readonly onEnd?: () => void;
      readonly onLate?: () => void;
    } = {},
  ): Promise<ResponseOf<A> | undefined> {
    const { world } = this;
    const wire = this.wireTo(to);
    if (world.hasFault("lost-request")) {
      onEnd();
      return undefined;
    }
    if (mayBeLate && world.hasFault("late-request")) {
      onLate();
      world.hold(wire.prepare(to, api, version, request));
      if (world.random.chance(0.5)) return undefined;
    }
    const isLost = world.hasFault("lost-answer");
    const answer = wire.request(to, api, version, request).finally(onEnd);
    if (!isLost) return await answer;
    world.trace(`${this.name} does not get the answer to ${api.name}`);
    return undefined;
  }
}

function pairName(pair: ProducerPair | undefined): string {
  return pair === undefined ? "none" : `${pair.producerId}/${pair.producerEpoch}`;
}
