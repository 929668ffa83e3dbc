/**
 * Verifies that partitions belong to transactions, or adds them, before their leader appends
 * (KIP-890).
 *
 * What is asked for in one turn of the event loop is asked together: one question for each
 * transaction, and one request to each broker that coordinates some. A coordinator that is still
 * ending the producer's last transaction refuses to add to the next: the question waits for it, for
 * a moment, so that the client need not.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { Logger } from "../../logger.ts";
import type { Clock } from "../../time/clock.ts";
import { pause } from "../../time/pause.ts";
import { turnEnd } from "../../time/turn_end.ts";
import { pauseUntilSettled } from "./pause_until_settled.ts";
import type {
  PartitionName,
  ProducerTransaction,
  TransactionCoordinators,
  TransactionRequest,
} from "./transaction_request.ts";

/** Options of a verifier. */
export interface TransactionVerifierOptions {
  /** Id of this broker. */
  readonly nodeId: number;
  readonly coordinators: TransactionCoordinators;
  /** Asks the coordinator on another broker; as `TransactionCoordinators.verifyOrAdd`. */
  readonly ask: (
    nodeId: number,
    requests: readonly TransactionRequest[],
  ) => Promise<readonly (readonly number[])[]>;
  /** Milliseconds before a coordinator that ends a transaction is asked again. */
  readonly retryBackoffMs: () => number;
  /** Milliseconds for which it is asked again. */
  readonly maxRetryMs: () => number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Milliseconds before a coordinator in this process is asked again that has settled by now. */
const RECHECK_MS = 1;

/** Milliseconds that a coordinator may take, whose write has to get to the disks of its replicas. */
const ANSWER_TIMEOUT_MS = 10_000;

/** A partition whose answer somebody waits for. */
interface Waiting extends PartitionName {
  readonly answered: PromiseWithResolvers<number>;
}

/** What is asked about one transaction. */
interface Question {
  readonly transaction: ProducerTransaction;
  /** By topic and index. */
  readonly waiting: Map<string, Waiting>;
  /** When asking again makes no more sense, as of `Clock.monotonic()`. */
  readonly deadlineMs: number;
}

/** Asks coordinators about the transactions of producers. */
export class TransactionVerifier {
  readonly #options: TransactionVerifierOptions;
  readonly #closing = new AbortController();
  /** Questions of this turn. */
  #collected: Map<string, Question> = new Map();

  constructor(options: TransactionVerifierOptions) {
    this.#options = options;
  }

  /**
   * Makes sure that a partition belongs to a transaction.
   *
   * @returns 0, or the coordinator's error code; NETWORK_EXCEPTION if it does not respond,
   * CONCURRENT_TRANSACTIONS if it has not ended the last transaction in time. Does not reject.
   */
  ensure(transaction: ProducerTransaction, topic: string, index: number): Promise<number> {
    if (this.#closing.signal.aborted) return Promise.resolve(ErrorCode.NETWORK_EXCEPTION);
    const { transactionalId, producerId, producerEpoch, isVerifyOnly } = transaction;
    const key = `${producerId}/${producerEpoch}/${isVerifyOnly}/${transactionalId}`;
    let question = this.#collected.get(key);
    if (question === undefined) {
      const { clock, maxRetryMs } = this.#options;
      const deadlineMs = clock.monotonic() + maxRetryMs();
      question = { transaction, waiting: new Map(), deadlineMs };
      if (this.#collected.size === 0) turnEnd().then(() => this.#askAll());
      this.#collected.set(key, question);
    }
    const name = `${topic}-${index}`;
    let waiting = question.waiting.get(name);
    if (waiting === undefined) {
      waiting = { topic, index, answered: Promise.withResolvers() };
      question.waiting.set(name, waiting);
    }
    return waiting.answered.promise;
  }

  /** Ends all waits with NETWORK_EXCEPTION. */
  close(): void {
    this.#closing.abort();
  }

  #askAll(): void {
    const questions = [...this.#collected.values()];
    this.#collected = new Map();
    const { coordinators, nodeId } = this.#options;
    const coordinatorOf = ({ transaction }: Question) =>
      coordinators.coordinatorOf(transaction.transactionalId);
    for (const [coordinator, asked] of Map.groupBy(questions, coordinatorOf)) {
      if (coordinator === undefined) {
        for (const question of asked) answerAll(question, ErrorCode.COORDINATOR_NOT_AVAILABLE);
      } else if (coordinator === nodeId) {
        for (const question of asked) void this.#askHere(question);
      } else for (const round of roundsOf(asked)) void this.#askThere(coordinator, round);
    }
  }

  /** Asks the coordinator in this process. */
  async #askHere(question: Question): Promise<void> {
    const { coordinators } = this.#options;
    const { transactionalId } = question.transaction;
    const [codes] = await this.#answersTo(coordinators.verifyOrAdd([requestOf(question)]), 1);
    if (this.#answer(question, codes)) return;
    const ms = this.#leftMs(question);
    const { clock } = this.#options;
    const { signal } = this.#closing;
    const hasWaited = ms > 0 &&
      await pauseUntilSettled(coordinators, transactionalId, { ms, clock, signal });
    // If it has settled by now, the next answer is another.
    if (!hasWaited) await this.#wait(question, RECHECK_MS);
    this.#askAgain(question);
  }

  /** Asks the coordinator on another broker, about one transaction of each transactional id. */
  async #askThere(nodeId: number, questions: readonly Question[]): Promise<void> {
    const { ask, clock, retryBackoffMs } = this.#options;
    const sentMs = clock.monotonic();
    const answers = await this.#answersTo(ask(nodeId, questions.map(requestOf)), questions.length);
    for (const [slot, question] of questions.entries()) {
      if (this.#answer(question, answers[slot])) continue;
      // It may have waited itself before it answered.
      const waitMs = retryBackoffMs() - (clock.monotonic() - sentMs);
      void this.#wait(question, waitMs).then(() => this.#askAgain(question));
    }
  }

  async #answersTo(
    answered: Promise<readonly (readonly number[])[]>,
    count: number,
  ): Promise<readonly (readonly number[] | undefined)[]> {
    try {
      return await this.#inTime(answered);
    } catch (error) {
      this.#options.logger.debug("Cannot ask a transaction coordinator", { error });
      return new Array(count).fill(undefined);
    }
  }

  /** Rejects if the broker closes, or it takes too long: the connection of the producer waits. */
  async #inTime<T>(answered: Promise<T>): Promise<T> {
    const { clock } = this.#options;
    const { signal } = this.#closing;
    const given = Promise.withResolvers<never>();
    const giveUp = () => given.reject(new Error("The coordinator does not answer in time"));
    const timer = clock.setTimeout(giveUp, ANSWER_TIMEOUT_MS);
    signal.addEventListener("abort", giveUp);
    if (signal.aborted) giveUp();
    try {
      return await Promise.race([answered, given.promise]);
    } finally {
      clock.clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
    }
  }

  /**
   * Passes answers on. Returns whether there is nothing left to ask: a partition that cannot be added
   * yet can be added soon.
   */
  #answer(question: Question, codes: readonly number[] | undefined): boolean {
    const { transaction, waiting } = question;
    const mayRetry = !transaction.isVerifyOnly && this.#leftMs(question) > 0 &&
      !this.#closing.signal.aborted;
    let slot = 0;
    for (const [name, { answered }] of waiting) {
      const code = codes?.[slot++] ?? ErrorCode.NETWORK_EXCEPTION;
      if (code === ErrorCode.CONCURRENT_TRANSACTIONS && mayRetry) continue;
      answered.resolve(code);
      waiting.delete(name);
    }
    return waiting.size === 0;
  }

  #leftMs({ deadlineMs }: Question): number {
    return deadlineMs - this.#options.clock.monotonic();
  }

  /** Waits for some time, but not past the deadline. */
  async #wait(question: Question, ms: number): Promise<void> {
    const waitMs = Math.min(ms, this.#leftMs(question));
    if (waitMs > 0) await pause(this.#options.clock, waitMs, this.#closing.signal);
  }

  #askAgain(question: Question): void {
    const { coordinators, nodeId } = this.#options;
    const { transactionalId } = question.transaction;
    const coordinator = coordinators.coordinatorOf(transactionalId);
    if (this.#closing.signal.aborted) answerAll(question, ErrorCode.NETWORK_EXCEPTION);
    else if (coordinator === undefined) answerAll(question, ErrorCode.COORDINATOR_NOT_AVAILABLE);
    else if (coordinator === nodeId) void this.#askHere(question);
    else void this.#askThere(coordinator, [question]);
  }
}

function requestOf({ transaction, waiting }: Question): TransactionRequest {
  const partitions = Array.from(waiting.values(), ({ topic, index }) => ({ topic, index }));
  return { ...transaction, partitions };
}

function answerAll({ waiting }: Question, errorCode: number): void {
  for (const { answered } of waiting.values()) answered.resolve(errorCode);
}

/** Questions in requests that have each transactional id once: answers are found by it. */
function roundsOf(questions: readonly Question[]): Question[][] {
  const rounds: Question[][] = [];
  const seen = new Map<string, number>();
  for (const question of questions) {
    const { transactionalId } = question.transaction;
    const round = seen.get(transactionalId) ?? 0;
    seen.set(transactionalId, round + 1);
    (rounds[round] ??= []).push(question);
  }
  return rounds;
}
