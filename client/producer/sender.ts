/**
 * Sends batches: selects those that are due, combines the batches for one broker into a request,
 * and handles the response.
 *
 * Nothing here waits in a loop. Every event that may make a batch ready (a full batch, a response,
 * an open connection, new metadata, a timer) wakes the sender, which at the end of the turn checks
 * the partitions with batches and sets the next timer.
 *
 * @module
 */

import { Acks } from "../../protocol/messages/records/produce.ts";
import { ErrorCode, errorInfo } from "../../protocol/errors.ts";
import { initProducerId } from "../../protocol/messages/transactions/init_producer_id.ts";
import type { Accumulator } from "./accumulator.ts";
import { backoffMs } from "../connection/backoff.ts";
import { type ClientCore, isUnknownTopic } from "../connection/client_core.ts";
import type { BrokerNode } from "../connection/cluster_metadata.ts";
import type { ConnectionLane } from "../connection/connection_lane.ts";
import {
  ConnectionError,
  describeError,
  DqueueError,
  isRetriable,
  KafkaError,
  ProtocolError,
  refreshesMetadata,
  TimeoutError,
} from "../errors.ts";
import type { PartitionQueue } from "./partition_queue.ts";
import type { ProducerIdentity } from "../transactions/producer_identity.ts";
import { ProduceRequest, type ProduceResult } from "./produce_request.ts";
import type { ProducerBatch } from "./producer_batch.ts";
import type { ResolvedProducerOptions } from "./producer_options.ts";
import type { QueuedBatch } from "./queued_batch.ts";
import { RefusedBatchError } from "./refused_batch.ts";
import { Timer } from "../connection/timer.ts";
import { WakeSignal } from "../connection/wake_signal.ts";
import type { ProducerTransactions } from "../transactions/producer_transactions.ts";
import { produceVersions } from "../transactions/transaction_requests.ts";

/** The nominal wait while the previous transaction completes, in milliseconds. */
const COMPLETION_MS = 20;

/** The default linger while other batches are in flight. */
const DEFAULT_LINGER_MS = 5;

/** The requests in flight to a broker. */
interface NodeState {
  inFlight: number;
  isConnecting: boolean;
}

/** Sends the batches of the accumulator. */
export class Sender {
  readonly #core: ClientCore;
  readonly #lane: ConnectionLane;
  readonly #options: ResolvedProducerOptions;
  readonly #accumulator: Accumulator;
  readonly #transactions: ProducerTransactions | undefined;
  readonly #active = new Set<PartitionQueue>();
  readonly #nodes = new Map<number, NodeState>();
  /** Topics requested now or recently. */
  readonly #refreshing = new Set<string>();
  readonly #pauses = new Set<Timer>();
  readonly #stopListening: () => void;
  #identity: ProducerIdentity | undefined;
  #isIdentifying = false;
  #isScheduled = false;
  #isStopped = false;
  #flushing = 0;
  #inFlight = 0;
  readonly #answers = new WakeSignal();
  #timer: Timer | undefined;
  #timerAt = Infinity;

  constructor(
    core: ClientCore,
    lane: ConnectionLane,
    options: ResolvedProducerOptions,
    accumulator: Accumulator,
    transactions: ProducerTransactions | undefined,
  ) {
    this.#core = core;
    this.#lane = lane;
    this.#options = options;
    this.#accumulator = accumulator;
    this.#transactions = transactions;
    this.#stopListening = core.metadata.onUpdate(() => {
      accumulator.updatePartitions();
      if (this.#active.size > 0) this.#schedule();
    });
  }

  /** Schedules a round, and marks a partition that has something new. */
  wake(queue?: PartitionQueue): void {
    if (queue !== undefined) this.#active.add(queue);
    this.#schedule();
  }

  /** Sends all batches without lingering until `until` settles. */
  async flush(until: Promise<void>): Promise<void> {
    this.#flushing++;
    this.#schedule();
    try {
      await until;
    } finally {
      this.#flushing--;
    }
  }

  /** Resolves when no request is in flight. */
  async idle(): Promise<void> {
    while (this.#inFlight > 0) await this.#answers.wait();
  }

  /** Stops sending. */
  stop(): void {
    this.#isStopped = true;
    this.#stopListening();
    this.#timer?.clear();
    for (const timer of this.#pauses) timer.clear();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      if (!this.#isStopped) this.#drain();
    });
  }

  #drain(): void {
    const now = performance.now();
    let wakeAt = this.#accumulator.expire(now - this.#options.deliveryTimeoutMs) +
      this.#options.deliveryTimeoutMs;
    for (const queue of this.#active) {
      wakeAt = Math.min(wakeAt, this.#expire(queue, now));
      if (queue.isEmpty) this.#active.delete(queue);
    }
    // Each round sends at most one request per broker, with at most one batch per partition.
    for (;;) {
      const requests = new Map<BrokerNode, ProduceRequest>();
      for (const queue of this.#active) {
        wakeAt = Math.min(wakeAt, this.#collect(queue, now, requests));
      }
      if (requests.size === 0) break;
      for (const [node, request] of requests) this.#send(node, request);
    }
    this.#rotate();
    this.#wakeAt(wakeAt, now);
  }

  /** Rotates the partitions, for fairness when not all fit into a request. */
  #rotate(): void {
    const [first] = this.#active;
    if (first === undefined || this.#active.size < 2) return;
    this.#active.delete(first);
    this.#active.add(first);
  }

  #wakeAt(at: number, now: number): void {
    if (at === this.#timerAt) return;
    this.#timer?.clear();
    this.#timerAt = at;
    if (at === Infinity) return;
    this.#timer = new Timer(() => {
      this.#timerAt = Infinity;
      this.#schedule();
    }, Math.ceil(at - now));
  }

  /**
   * Adds the next batch of a partition to a request if it is due. Returns the time of the next
   * check.
   */
  #collect(
    queue: PartitionQueue,
    now: number,
    requests: Map<BrokerNode, ProduceRequest>,
  ): number {
    if (this.#options.idempotence && !this.#prepare(queue)) return Infinity;
    const batch = queue.next();
    if (batch === undefined) return Infinity;
    const { metadata } = this.#core;
    // Outdated metadata are used until the refresh, which may add partitions, completes.
    if (!metadata.isFresh(queue.topic)) this.#refresh(queue.topic);
    const leader = metadata.leader(queue.topic, queue.partition);
    if (leader === undefined) {
      this.#refresh(queue.topic);
      return Infinity;
    }
    const node = this.#node(leader.id);
    const readyAt = this.#readyAt(queue, batch, leader);
    if (readyAt > now) return readyAt;
    if (node.inFlight >= this.#options.maxInFlight) return Infinity;
    if (this.#lane.existing(leader) === undefined) {
      this.#connect(leader, node);
      return Infinity;
    }
    let request = requests.get(leader);
    if (request === undefined) requests.set(leader, request = new ProduceRequest());
    if (!request.tryAdd({ queue, batch }, this.#options.maxRequestSize)) return Infinity;
    batch.sentTo = leader.id;
    queue.sent(batch);
    return Infinity;
  }

  #readyAt(queue: PartitionQueue, batch: ProducerBatch, leader: BrokerNode): number {
    // A new leader need not be spared for what the old one has refused.
    if (batch.attempts > 0) return batch.sentTo === leader.id ? batch.retryAt : 0;
    if (batch.isClosed || queue.pending.length > 1 || this.#flushing > 0) return 0;
    if (this.#accumulator.hasBlocked) return 0;
    const { inFlight } = this.#node(leader.id);
    const linger = this.#options.lingerMs ?? (inFlight === 0 ? 0 : DEFAULT_LINGER_MS);
    return linger === 0 ? 0 : batch.createdAt + linger;
  }

  #send(leader: BrokerNode, request: ProduceRequest): void {
    const connection = this.#lane.existing(leader)!;
    const node = this.#node(leader.id);
    node.inFlight++;
    this.#inFlight++;
    const options = {
      acks: this.#options.acks,
      timeoutMs: this.#core.options.requestTimeoutMs,
      transactionalId: this.#options.transactionalId ?? null,
      ...(this.#transactions === undefined ? {} : produceVersions(this.#transactions.flow)),
    };
    request.send(connection, this.#core.metadata, options).then(
      (results) => {
        for (const result of results) this.#settle(result);
        this.#answered(node);
      },
      (error) => {
        for (const queued of request.batches) this.#onError(queued, error);
        this.#answered(node);
      },
    );
  }

  #answered(node: NodeState): void {
    node.inFlight--;
    this.#schedule();
    if (--this.#inFlight === 0) this.#answers.notify();
  }

  /** Handles the broker's result for one batch. */
  #settle(result: ProduceResult): void {
    const { queue, batch, errorCode } = result;
    switch (errorCode) {
      case ErrorCode.NONE:
      case ErrorCode.DUPLICATE_SEQUENCE_NUMBER:
        queue.succeeded(batch);
        batch.succeed({
          topic: queue.topic,
          partition: queue.partition,
          baseOffset: errorCode === ErrorCode.NONE ? result.baseOffset : -1,
          logAppendTimeMs: result.logAppendTimeMs,
        });
        // After a single attempt with a response, nothing uses its bytes: an embedded broker has a
        // copy.
        if (batch.attempts === 1 && this.#options.acks !== Acks.none) batch.recycle();
        this.#accumulator.complete(batch);
        return;
      case ErrorCode.MESSAGE_TOO_LARGE:
      case ErrorCode.RECORD_LIST_TOO_LARGE:
        if (batch.recordCount > 1 && !batch.isSettled) return this.#split(queue, batch);
        break;
      case ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER:
      case ErrorCode.UNKNOWN_PRODUCER_ID:
      case ErrorCode.INVALID_PRODUCER_EPOCH:
        if (!this.#options.idempotence || batch.isSettled) break;
        // The epoch of a transaction is not this producer's to bump.
        if (this.#transactions !== undefined && isLost(queue, batch, errorCode)) break;
        return queue.outOfOrder(batch);
    }
    const { leader } = result;
    const { metadata } = this.#core;
    const knowsLeader = metadata.updateLeader(queue.topic, queue.partition, leader, result.nodes);
    if (!knowsLeader && errorInfo(errorCode).refreshesMetadata) {
      metadata.invalidate(queue.topic);
      this.#refresh(queue.topic);
    }
    const action = `append to "${queue.topic}-${queue.partition}"`;
    this.#retryOrFail(
      { queue, batch },
      produceError(action, result),
      knowsLeader,
    );
  }

  /** Handles a request without response, or one that could not be sent. */
  #onError({ queue, batch }: QueuedBatch, error: unknown): void {
    if (refreshesMetadata(error)) {
      this.#core.metadata.invalidate(queue.topic);
      this.#refresh(queue.topic);
    }
    this.#retryOrFail(
      { queue, batch },
      error instanceof DqueueError ? error : new ProtocolError(
        `Cannot append to "${queue.topic}-${queue.partition}": ${describeError(error)}`,
        { cause: error },
      ),
    );
  }

  #retryOrFail({ queue, batch }: QueuedBatch, error: DqueueError, atOnce = false): void {
    if (!error.retriable || batch.isSettled || batch.attempts >= this.#core.options.attempts) {
      this.#giveUp(queue, batch, error);
      return;
    }
    const { initialBackoffMs, maxBackoffMs } = this.#core.options;
    const firstMs = isCompleting(error)
      ? Math.min(COMPLETION_MS, initialBackoffMs)
      : initialBackoffMs;
    const wait = atOnce ? 0 : backoffMs(batch.attempts, firstMs, maxBackoffMs);
    batch.lastError = error;
    queue.retry(batch, performance.now() + wait);
    this.#active.add(queue);
  }

  #giveUp(queue: PartitionQueue, batch: ProducerBatch, error: DqueueError): void {
    queue.gaveUp(batch);
    this.#accumulator.fail(batch, error);
    this.#accumulator.complete(batch);
  }

  #split(queue: PartitionQueue, batch: ProducerBatch): void {
    batch.isInFlight = false;
    const parts = batch.split();
    queue.replace(batch, parts);
    this.#accumulator.replace(batch, parts);
    this.#active.add(queue);
  }

  /** Times out overdue batches. Returns the time of the next deadline. */
  #expire(queue: PartitionQueue, now: number): number {
    const { deliveryTimeoutMs } = this.#options;
    const oldest = queue.unconfirmed[0] ?? queue.pending[0];
    if (oldest === undefined) return Infinity;
    if (oldest.createdAt + deliveryTimeoutMs > now) return oldest.createdAt + deliveryTimeoutMs;
    let next = Infinity;
    for (const batch of [...queue.unconfirmed, ...queue.pending]) {
      const expiresAt = batch.createdAt + deliveryTimeoutMs;
      if (batch.isSettled) continue;
      if (expiresAt > now) {
        next = Math.min(next, expiresAt);
        continue;
      }
      const reason = batch.lastError ??
        (batch.attempts > 0 ? new ConnectionError("The broker has not answered yet") : undefined);
      const error = new TimeoutError(
        `Cannot append to "${queue.topic}-${queue.partition}" within ${deliveryTimeoutMs} ms` +
          (reason === undefined ? "" : `: ${reason.message}`),
        { cause: reason },
      );
      // The response to a batch in flight still shows how the sequence continues.
      if (batch.isInFlight) this.#accumulator.fail(batch, error);
      else this.#giveUp(queue, batch, error);
    }
    return next;
  }

  #node(id: number): NodeState {
    let node = this.#nodes.get(id);
    if (node === undefined) this.#nodes.set(id, node = { inFlight: 0, isConnecting: false });
    return node;
  }

  #connect(leader: BrokerNode, node: NodeState): void {
    if (node.isConnecting) return;
    node.isConnecting = true;
    this.#lane.connection(leader).then(
      () => {
        node.isConnecting = false;
        this.#schedule();
      },
      (error) => {
        node.isConnecting = false;
        if (this.#isStopped) return;
        for (const queue of this.#active) {
          const own = this.#core.metadata.leader(queue.topic, queue.partition);
          if (own?.id !== leader.id) continue;
          if (!isRetriable(error)) {
            this.#accumulator.failAll(error, queue.topic);
            continue;
          }
          for (const batch of queue.pending) batch.lastError = error;
          // The leader may have moved because its broker is down.
          this.#core.metadata.invalidate(queue.topic);
          this.#refresh(queue.topic);
        }
        this.#schedule();
      },
    );
  }

  /** Refreshes an outdated topic; the update wakes the sender. */
  #refresh(topic: string): void {
    if (this.#refreshing.has(topic)) return;
    this.#refreshing.add(topic);
    this.#core.metadata.invalidate(topic);
    const { allowAutoTopicCreation } = this.#options;
    this.#core.topic(topic, { allowAutoTopicCreation })
      .catch((error) => {
        const isFinal = isUnknownTopic(error) || !isRetriable(error);
        if (isFinal && !this.#isStopped) this.#accumulator.failAll(error, topic);
      })
      .finally(() => this.#endRefresh(topic));
  }

  /** Delays the next refresh of the topic, since the metadata may not have changed yet. */
  #endRefresh(topic: string): void {
    if (this.#isStopped) return;
    const timer = new Timer(() => {
      this.#pauses.delete(timer);
      this.#refreshing.delete(topic);
      this.#schedule();
    }, this.#core.options.initialBackoffMs);
    this.#pauses.add(timer);
  }

  /** Makes sure that batches of the partition can be numbered. */
  #prepare(queue: PartitionQueue): boolean {
    if (this.#transactions !== undefined) {
      const session = this.#transactions.admit(queue.topic, queue.partition);
      if (session === undefined) return false;
      queue.adopt(session, session.isImplicit);
      return true;
    }
    if (this.#identity !== undefined && queue.prepare(this.#identity)) return true;
    this.#identify();
    return false;
  }

  /** Requests a producer id. */
  #identify(): void {
    if (this.#isIdentifying) return;
    this.#isIdentifying = true;
    const action = "initialize the producer";
    const onFailure = (error: DqueueError) => {
      for (const queue of this.#active) {
        for (const batch of queue.pending) batch.lastError ??= error;
      }
    };
    this.#core.retry(action, { onFailure }, async (signal) => {
      const response = await this.#core.requestAny(
        initProducerId,
        { transactionalId: null, transactionTimeoutMs: 0x7fffffff },
        { signal },
      );
      if (response.errorCode !== ErrorCode.NONE) throw new KafkaError(action, response.errorCode);
      return response;
    }).then(
      (identity) => {
        this.#isIdentifying = false;
        this.#identity = identity;
        this.#schedule();
      },
      (error) => {
        this.#isIdentifying = false;
        if (this.#isStopped) return;
        if (!isRetriable(error)) this.#accumulator.failAll(error);
        this.#schedule();
      },
    );
  }
}

/** Whether a batch of a transaction is refused for good, and not because an older one is missing. */
function isLost(queue: PartitionQueue, batch: ProducerBatch, errorCode: number): boolean {
  return errorCode === ErrorCode.INVALID_PRODUCER_EPOCH || batch === queue.unconfirmed[0];
}

function isCompleting(error: DqueueError): boolean {
  return error instanceof KafkaError && error.errorCode === ErrorCode.CONCURRENT_TRANSACTIONS;
}

function produceError(
  action: string,
  { errorCode, errorMessage, recordErrors }: ProduceResult,
): KafkaError {
  return recordErrors.length > 0
    ? new RefusedBatchError(action, errorCode, errorMessage, recordErrors)
    : new KafkaError(action, errorCode, errorMessage);
}
