/**
 * The transactions of one producer: its phase, its identity, and its dialogue with the coordinator.
 *
 * `transaction_phase.ts` has the rules. In short: a failed message leaves a transaction that can only
 * be aborted; each answer of the coordinator leads to a phase; and after a request without an answer
 * the producer is initialized again with its own id and epoch before it continues, which fences
 * requests that may still arrive.
 *
 * In the newer flow (KIP-890) each transaction has an epoch of its own, so an abort is enough to
 * fence what was sent before it. In the older one the epoch stays, so after a failure the abort is
 * an initialization, which raises it.
 *
 * @module
 */

import type { ClientCore, OperationOptions } from "../connection/client_core.ts";
import { Coordinator } from "../connection/coordinator.ts";
import { Deadline } from "../connection/deadline.ts";
import { abortable } from "../connection/waiting.ts";
import { asDqueueError, ClosedError, type DqueueError, UsageError } from "../errors.ts";
import type { OffsetSource } from "../group/offset_source.ts";
import type { GroupOffset } from "../group/group_types.ts";
import { PartitionEnrolment } from "./partition_enrolment.ts";
import type { ProducerIdentity } from "./producer_identity.ts";
import {
  isFatal,
  isInvalidState,
  isStaleEpoch,
  ProducerFencedError,
  TransactionAbortableError,
  TransactionOutcomeError,
} from "./transaction_errors.ts";
import { nextPhase, type TransactionEvent, type TransactionPhase } from "./transaction_phase.ts";
import { sendsBatches, takesMessages } from "./transaction_phase.ts";
import {
  hasImplicitAdd,
  requestAddOffsets,
  requestAddPartitions,
  requestEnd,
  requestInit,
  requestTxnOffsets,
  type TransactionAccess,
  type TransactionFlow,
} from "./transaction_requests.ts";

/** The messages of the producer. */
export interface TransactionalSends {
  /** Sends all messages, and resolves when each is written or has failed. */
  flush(signal?: AbortSignal): Promise<void>;
  /** Fails all messages that are not written. Returns whether there were any. */
  failAll(error: DqueueError): boolean;
  /** Resolves when no request with messages is in flight. */
  idle(): Promise<void>;
  /** Sends what could not be sent before. */
  wake(): void;
}

/** Names the transactional id, and how long a transaction may take. */
export interface TransactionSettings {
  readonly transactionalId: string;
  readonly timeoutMs: number;
}

/** The identity of a transaction, and its flow. */
type Session = ProducerIdentity & TransactionFlow;

/** The transactions of a producer, of which at most one is open. */
export class ProducerTransactions {
  readonly #access: TransactionAccess;
  readonly #timeoutMs: number;
  readonly #sends: TransactionalSends;
  readonly #enrolment: PartitionEnrolment;
  #phase: TransactionPhase = "uninitialized";
  /** Undefined before the first initialization. */
  #session: Session | undefined;
  /** Why the transaction can only be aborted, or the producer do nothing more. */
  #failure: DqueueError | undefined;
  /** Whether the coordinator may know of the transaction. */
  #isStarted = false;
  /** Whether a request of this epoch may still arrive that would end the next transaction. */
  #isInDoubt = false;
  /** Whether a commit was not answered. */
  #mayBeCommitted = false;
  /** Whether messages had to be dropped, so that the sequence numbers have a gap. */
  #hasGap = false;
  /** Offsets being sent. */
  readonly #sending = new Set<Promise<unknown>>();
  /** Offsets sent, to report to their consumers when they are committed. */
  #sentOffsets: { readonly source: OffsetSource; readonly offsets: readonly GroupOffset[] }[] = [];
  #ending: Promise<unknown> = Promise.resolve();
  #count = 0;

  constructor(core: ClientCore, settings: TransactionSettings, sends: TransactionalSends) {
    const { transactionalId, timeoutMs } = settings;
    const coordinator = new Coordinator(core, "transactional id", transactionalId);
    this.#access = { core, coordinator, transactionalId };
    this.#timeoutMs = timeoutMs;
    this.#sends = sends;
    this.#enrolment = new PartitionEnrolment({
      add: (places) => requestAddPartitions(this.#access, this.#session!, places),
      onAdded: () => sends.wake(),
      onFailure: (error) => this.fail(error),
    });
  }

  get transactionalId(): string {
    return this.#access.transactionalId;
  }

  get phase(): TransactionPhase {
    return this.#phase;
  }

  /** The number of transactions begun, which tells them apart. */
  get count(): number {
    return this.#count;
  }

  /**
   * Initializes the producer, unless it is ready: fences its predecessors.
   *
   * @throws {ProducerFencedError} If another producer has started since.
   */
  async initialize(options: OperationOptions): Promise<void> {
    this.#ensureNotFatal();
    // In doubt, a late copy of a request would end the next transaction, which has the same epoch.
    if (this.#phase === "ready" && (this.#isInDoubt || this.#hasOtherFlow())) this.#to("outdate");
    if (this.#phase !== "uninitialized") return;
    this.#to("initialize");
    try {
      await this.#init(options);
    } catch (error) {
      if (isStaleEpoch(error) && this.#session !== undefined) throw this.#fence(error);
      this.#to("giveUp");
      throw error;
    }
    // It may have been closed meanwhile.
    this.#ensureNotFatal();
    this.#to("initialized");
  }

  /**
   * Begins a transaction.
   *
   * @throws {UsageError} If one is open.
   * @throws {ProducerFencedError} If another producer has started since.
   */
  async begin(options: OperationOptions): Promise<void> {
    await this.initialize(options);
    if (this.#phase !== "ready") {
      throw new UsageError(
        `Cannot begin a transaction of "${this.transactionalId}": another one is open`,
        "Commit or abort it first; a producer has one transaction at a time",
      );
    }
    this.#to("begin");
    this.#count++;
    this.#failure = undefined;
    this.#isStarted = false;
    this.#hasGap = false;
    this.#sentOffsets = [];
    this.#enrolment.clear();
  }

  /** @throws {DqueueError} Unless messages may be appended. */
  ensureOpen(): void {
    if (takesMessages(this.#phase)) return;
    this.#ensureNotFatal();
    throw this.#failure ?? new UsageError(
      `Cannot send in the transaction of "${this.transactionalId}": it is being ended`,
      "Send all messages before commit() or abort(), and begin another transaction for more",
    );
  }

  /**
   * The identity to send a batch of a partition with; undefined if it cannot be sent now. The sends
   * are woken when it can.
   */
  admit(topic: string, partition: number): Session | undefined {
    const session = this.#session;
    if (session === undefined || !sendsBatches(this.#phase)) return undefined;
    this.#isStarted = true;
    if (session.isImplicit || this.#enrolment.admit(topic, partition)) return session;
    return undefined;
  }

  /** The flow of the current transaction. */
  get flow(): TransactionFlow {
    return this.#session!;
  }

  /** Records that a message or offset cannot be sent: the transaction can only be aborted. */
  fail(error: DqueueError): void {
    if (!sendsBatches(this.#phase)) return;
    if (isFatal(error)) {
      this.#failure = error;
      this.#to("fence");
    } else {
      this.#failure = this.#abortable(error);
      this.#to("fail");
    }
    this.#drop(this.#failure);
  }

  /**
   * Sends the offsets of a group as part of the transaction.
   *
   * @param offsets The offsets. Default: those after all messages that the consumer has returned.
   */
  async sendOffsets(
    source: OffsetSource,
    offsets: readonly GroupOffset[] | undefined,
    options: OperationOptions,
  ): Promise<void> {
    this.ensureOpen();
    source.ensureManual();
    const sending = this.#sendOffsets(source, offsets ?? source.positions(), options);
    this.#sending.add(sending);
    try {
      await sending;
    } catch (error) {
      this.fail(asDqueueError(`send offsets of group "${source.groupId}"`, error));
      throw this.#failure ?? error;
    } finally {
      this.#sending.delete(sending);
    }
  }

  async #sendOffsets(
    source: OffsetSource,
    offsets: readonly GroupOffset[],
    options: OperationOptions,
  ): Promise<void> {
    source.ensureOwn(offsets);
    if (offsets.length === 0) return;
    const session = this.#session!;
    this.#isStarted = true;
    if (!session.isImplicit) {
      await requestAddOffsets(this.#access, session, source.groupId, options);
    }
    const { committer, coordinator } = source;
    try {
      const access = { ...this.#access, coordinator };
      await requestTxnOffsets(access, session, committer, offsets, options);
    } catch (error) {
      source.onRefused(error, committer);
      throw error;
    }
    this.#sentOffsets.push({ source, offsets });
  }

  /**
   * Commits the transaction, after all messages are written.
   *
   * @throws {TransactionAbortableError} If it cannot be committed; nothing of it is visible.
   * @throws {TransactionOutcomeError} If the coordinator has not answered in time.
   * @throws {ProducerFencedError} If another producer has started since.
   */
  commit(options: OperationOptions): Promise<void> {
    return this.#end(this.#commit(options));
  }

  /**
   * Aborts the transaction.
   *
   * @throws {TransactionOutcomeError} If a commit was not answered: it may have happened.
   * @throws {ProducerFencedError} If another producer has started since.
   */
  abort(options: OperationOptions): Promise<void> {
    return this.#end(this.#abort(options));
  }

  /** Ends what is open, without errors: a transaction that cannot be aborted times out. */
  async close(options: OperationOptions): Promise<void> {
    await this.#ending.catch(() => {});
    if (this.#phase === "open" || this.#phase === "abortOnly") {
      await this.abort(options).catch(() => {});
    }
    if (this.#phase !== "fatal") {
      this.#failure = new ClosedError(
        `Cannot use the producer of "${this.transactionalId}": it is closed`,
      );
      this.#to("fence");
    }
  }

  #end(ending: Promise<void>): Promise<void> {
    this.#ending = ending.catch(() => {});
    return ending;
  }

  async #commit(options: OperationOptions): Promise<void> {
    this.#ensureNotFatal();
    if (this.#phase === "abortOnly") throw this.#failure!;
    const action = `commit the transaction of "${this.transactionalId}"`;
    const timeoutMs = options.timeoutMs ?? this.#access.core.options.timeoutMs;
    const isRepeated = this.#phase === "undecided";
    this.#to("commit");
    if (!isRepeated) await this.#flush(action, options);
    if (!this.#isStarted) {
      this.#to("end");
      return;
    }
    try {
      await this.#requestEnd(true, { signal: options.signal, timeoutMs });
      this.#to("end");
    } catch (error) {
      throw await this.#onCommitFailed(error, options);
    }
    for (const { source, offsets } of this.#sentOffsets) source.onCommitted(offsets);
  }

  /** Waits for all messages; the time they take is limited by their own `deliveryTimeoutMs`. */
  async #flush(action: string, { signal, timeoutMs = Infinity }: OperationOptions): Promise<void> {
    using deadline = new Deadline(action, timeoutMs, signal);
    try {
      await abortable(Promise.allSettled(this.#sending), deadline.signal);
      await this.#sends.flush(deadline.signal);
    } catch (error) {
      if (this.#phase === "flushing") this.#to("giveUp");
      throw error;
    }
    this.#ensureNotFatal();
    if (this.#phase !== "flushing") throw this.#failure!;
    this.#to("flush");
  }

  /** Returns what a failed commit means, and ends the transaction if it was refused for certain. */
  async #onCommitFailed(error: unknown, options: OperationOptions): Promise<unknown> {
    if (isFatal(error)) {
      this.#failure = error;
      this.#to("fence");
      return error;
    }
    const { isImplicit } = this.#session!;
    const isOver = isStaleEpoch(error) || isImplicit && isInvalidState(error);
    if (!isOver && !isAbortable(error)) {
      this.#to("giveUp");
      return new TransactionOutcomeError(this.transactionalId, error);
    }
    this.#failure = isOver
      ? this.#overdue(error as DqueueError)
      : this.#abortable(error as DqueueError);
    this.#to("refuse");
    if (!isOver) return this.#failure;
    // It took too long and the coordinator has aborted it, or another producer has. The answer to
    // another abort is what tells.
    const failure = this.#failure;
    try {
      await this.#abort(options);
    } catch (fenced) {
      if (fenced instanceof ProducerFencedError) return fenced;
    }
    return failure;
  }

  async #abort(options: OperationOptions): Promise<void> {
    this.#ensureNotFatal();
    const isUndecided = this.#phase === "undecided";
    this.#to("abort");
    if (isUndecided) throw new TransactionOutcomeError(this.transactionalId, undefined);
    this.#drop(
      this.#failure ?? new UsageError(
        `Cannot send in the transaction of "${this.transactionalId}": it was aborted`,
        "Await the messages before abort() to know that they were sent",
      ),
    );
    const action = `abort the transaction of "${this.transactionalId}"`;
    const timeoutMs = options.timeoutMs ?? this.#access.core.options.timeoutMs;
    using deadline = new Deadline(action, timeoutMs, options.signal);
    try {
      await abortable(this.#settled(), deadline.signal);
      const rest = { signal: deadline.signal, timeoutMs: Infinity };
      const { isImplicit } = this.#session!;
      const isClean = this.#failure === undefined && !this.#hasGap && !this.#isInDoubt;
      const isEnded = !this.#isStarted || (isImplicit || isClean) && await this.#tryEnd(rest);
      if (!isEnded) await this.#init(rest);
      this.#to("end");
    } catch (error) {
      if (isStaleEpoch(error)) throw this.#fence(error);
      if (isFatal(error) || isInvalidState(error)) {
        this.#failure = error;
        this.#to("fence");
      } else this.#to("giveUp");
      throw error;
    }
  }

  /** Resolves when nothing of the transaction is in flight. */
  async #settled(): Promise<void> {
    await Promise.allSettled(this.#sending);
    await this.#enrolment.settled();
    await this.#sends.idle();
  }

  /** Aborts. In the older flow an epoch that is too old may mean that it took too long. */
  async #tryEnd(options: OperationOptions): Promise<boolean> {
    try {
      await this.#requestEnd(false, options);
      return true;
    } catch (error) {
      if (this.#session!.isImplicit || !isStaleEpoch(error)) throw error;
      return false;
    }
  }

  async #requestEnd(isCommit: boolean, options: OperationOptions): Promise<void> {
    const { isImplicit } = this.#session!;
    const identity = await requestEnd(this.#access, this.#session!, isCommit, options, () => {
      this.#isInDoubt = true;
      this.#mayBeCommitted ||= isCommit;
    });
    this.#session = { ...identity, isImplicit };
    // Its epoch fences a first copy of the request that is late.
    if (isImplicit) this.#isInDoubt = this.#mayBeCommitted = false;
  }

  async #init(options: OperationOptions): Promise<void> {
    this.#session = await requestInit(this.#access, this.#timeoutMs, this.#session, options);
    this.#isInDoubt = this.#mayBeCommitted = false;
    this.#hasGap = false;
  }

  /** Whether the cluster has upgraded or downgraded since, as its current connection tells. */
  #hasOtherFlow(): boolean {
    const { coordinator, core } = this.#access;
    const connection = coordinator.node && core.control.existing(coordinator.node);
    return connection !== undefined && this.#session !== undefined &&
      hasImplicitAdd(connection) !== this.#session.isImplicit;
  }

  #drop(error: DqueueError): void {
    if (this.#sends.failAll(error)) this.#hasGap = true;
  }

  #abortable(error: DqueueError): DqueueError {
    return error instanceof TransactionAbortableError
      ? error
      : new TransactionAbortableError(this.transactionalId, error);
  }

  #overdue(cause: DqueueError): TransactionAbortableError {
    const reason = `the coordinator has aborted it, as it does after transactionTimeoutMs, which ` +
      `is ${this.#timeoutMs} (${cause.code})`;
    return new TransactionAbortableError(this.transactionalId, cause, reason);
  }

  #fence(cause: unknown): ProducerFencedError {
    const { transactionalId } = this;
    const failure = this.#mayBeCommitted
      ? new ProducerFencedError(transactionalId, {
        cause,
        detail: "the last transaction may be committed or aborted",
      })
      : new ProducerFencedError(transactionalId, { cause });
    this.#failure = failure;
    this.#to("fence");
    this.#drop(failure);
    return failure;
  }

  #ensureNotFatal(): void {
    if (this.#phase === "fatal") throw this.#failure!;
  }

  /** @throws {UsageError} If the event cannot happen now. */
  #to(event: TransactionEvent): void {
    const next = nextPhase(this.#phase, event);
    if (next === undefined) throw misuse(this.transactionalId, this.#phase, event);
    this.#phase = next;
  }
}

/** Whether the coordinator says that the transaction can only be aborted. */
function isAbortable(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "TRANSACTION_ABORTABLE";
}

function misuse(
  transactionalId: string,
  phase: TransactionPhase,
  event: TransactionEvent,
): UsageError {
  return new UsageError(
    `Cannot ${event} the transaction of "${transactionalId}": it is in phase ${phase}`,
    "Await each begin(), commit() and abort() before the next call",
  );
}
