/**
 * What the participants of a simulation with transactions share.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { Random } from "../../../protocol/random_testing.ts";
import type { Api, RequestTo, ResponseOf } from "../../../protocol/schema/schema.ts";
import { check } from "../violation.ts";
import { nameOf } from "../world.ts";
import type { PartitionView } from "./partition_view.ts";
import type { TransactionBook } from "./transaction_book.ts";
import type { TransactionalId } from "./transactional_id.ts";

/** A partition that clients write to and read. */
export interface SharedPartition {
  readonly topic: string;
  readonly index: number;
  readonly view: PartitionView;
  /** Whether its broker compresses what is written to it, which makes large batches small. */
  readonly isCompressed: boolean;
}

/** Who has to answer a request. */
export type Destination =
  | { readonly leaderOf: SharedPartition }
  | { readonly coordinatorOf: { readonly group: string } | { readonly transactionalId: string } }
  | "any";

/** The connections of one participant. */
export interface Wire {
  /** Sends a request and returns its answer; nothing if there will be none. */
  request<A extends Api>(
    to: Destination,
    api: A,
    version: number,
    request: RequestTo<A>,
  ): Promise<ResponseOf<A> | undefined>;
  /**
   * Prepares a request, to be sent later on a connection of its own.
   *
   * @returns What sends it.
   */
  prepare<A extends Api>(
    to: Destination,
    api: A,
    version: number,
    request: RequestTo<A>,
  ): () => void;
  /** Forgets who answered a request, which was the wrong one. */
  forget(to: Destination): void;
  /** Cuts the connections, with any requests in flight. */
  disconnect(): void;
}

/** The shared state of a simulation with transactions. */
export interface TransactionWorld {
  readonly book: TransactionBook;
  readonly partitions: readonly SharedPartition[];
  readonly transactionalIds: readonly TransactionalId[];
  /** The topic ids, by name. */
  readonly topicIds: ReadonlyMap<string, string>;
  /** The random numbers of the current step. */
  readonly random: Random;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Whether clients can do anything. */
  readonly isUp: boolean;
  /** Whether a disk fails, which explains errors of storage. */
  readonly hasFailed: boolean;
  /** The same of the process before, whose answers may be read after its end. */
  readonly hadFailed: boolean;
  /** Whether leaders change, so that the answer of one may be older than that of another. */
  readonly hasLeaderChanges: boolean;
  /** Whether the clocks of brokers may be wrong, so that transactions time out early. */
  readonly hasWrongClocks: boolean;
  /** Probability that a batch is large. */
  readonly large: number;
  /** Probability that a producer repeats what it got no answer to, instead of aborting. */
  readonly patience: number;
  /** Milliseconds after which a transactional id that is not used may expire. */
  readonly expirationMs: number;
  /** Makes the connections of a participant. */
  connect(name: string): Wire;
  /** Records an event. */
  trace(event: string): void;
  /** Runs something in the background; if it throws, the simulation fails. */
  spawn(task: () => Promise<void>): void;
  /** Resolves after a while. */
  pause(ms: number): Promise<void>;
  /** Whether a kind of network fault happens now. */
  hasFault(fault: "lost-request" | "lost-answer" | "late-request"): boolean;
  /** Keeps a request, to send it in a later step. */
  hold(send: () => void): void;
}

/** Answers after which a client repeats its request. */
const RETRIABLE: readonly number[] = [
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.CONCURRENT_TRANSACTIONS,
];

/** Answers that a failing disk explains. */
const FAILURES: readonly number[] = [
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.UNKNOWN_SERVER_ERROR,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
];

/** Answers that a change of leaders explains. */
const CHANGES: readonly number[] = [
  ErrorCode.FENCED_LEADER_EPOCH,
  ErrorCode.UNKNOWN_LEADER_EPOCH,
  ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.OFFSET_NOT_AVAILABLE,
];

/** Answers that say that another broker should be asked. */
const MISDIRECTED: readonly number[] = [
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.FENCED_LEADER_EPOCH,
  ErrorCode.UNKNOWN_LEADER_EPOCH,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
];

/** A participant. */
export class Participant {
  readonly name: string;
  protected readonly world: TransactionWorld;
  protected readonly wire: Wire;

  constructor(name: string, world: TransactionWorld) {
    this.name = name;
    this.world = world;
    this.wire = world.connect(name);
  }

  /** The connections over which it sends to a destination. */
  protected wireTo(_to: Destination): Wire {
    return this.wire;
  }

  /** Cuts its connections, with any requests in flight. */
  disconnect(): void {
    this.wire.disconnect();
  }

  /**
   * Records an answer. Returns whether the request is to be repeated.
   *
   * @param to Who has answered.
   * @param explained Further answers that something explains; the caller handles them.
   */
  protected mustRepeat(
    to: Destination,
    what: string,
    errorCode: number,
    explained: readonly number[] = [],
  ): boolean {
    const { world } = this;
    world.trace(`${this.name} ${what}: ${nameOf(errorCode)}`);
    if (errorCode === ErrorCode.NONE || explained.includes(errorCode)) return false;
    const mayFail = world.hasFailed || world.hadFailed || world.hasLeaderChanges;
    const isFailure = FAILURES.includes(errorCode) && mayFail;
    const isChange = CHANGES.includes(errorCode) && world.hasLeaderChanges;
    check(
      RETRIABLE.includes(errorCode) || isFailure || isChange,
      () => `${this.name} ${what} and was answered ${nameOf(errorCode)}`,
    );
    if (MISDIRECTED.includes(errorCode)) this.wireTo(to).forget(to);
    return true;
  }
}
