/**
 * What the parts of a group consumer share. Each part of this state has one owner that changes it.
 *
 * @module
 */

import type { ClientCore } from "../connection/client_core.ts";
import { WakeSignal } from "../connection/wake_signal.ts";
import type { DqueueError, KafkaError } from "../errors.ts";
import type {
  GroupConsumerState,
  GroupConsumerStatus,
  ResolvedGroupOptions,
} from "./group_consumer_options.ts";
import { Coordinator } from "../connection/coordinator.ts";
import { type Committer, nonMember } from "./group_offsets.ts";

/** What the parts of a group consumer know of its current session. */
export interface CurrentSession {
  /** The current identity at the coordinator. */
  readonly committer: Committer;
  /** The current status. */
  readonly status: GroupConsumerStatus;
  /** Why it was refused permanently; undefined if it was not. */
  readonly failure: DqueueError | undefined;
  /** Whether this member has its partitions and no rebalance is known. */
  readonly isSettled: boolean;
  /** Handles a commit refused because the group has moved on. */
  onCommitRefused(error: DqueueError, committer: Committer): void;
  /** Handles a change of the subscription. */
  onTopics(): void;
}

/** The callbacks that receive partitions. */
export type CallbackName = "onAssigned" | "onRevoked" | "onLost";

/** The state that the parts of a group consumer share. */
export class GroupContext {
  readonly core: ClientCore;
  readonly options: ResolvedGroupOptions;
  readonly coordinator: Coordinator;
  /** Notified of messages, of changes of the membership, and when the program asks for messages. */
  readonly news = new WakeSignal();
  /** The current session, which may be ending; set by `GroupSessions`. */
  session: CurrentSession | undefined;
  /** The status while there is no session; set by `GroupSessions`. */
  leftStatus: GroupConsumerStatus = leftStatus("joinGroup() or the first poll()");
  /** The callback of the program that is running; set by `PartitionHandover`. */
  callback: CallbackName | undefined;
  /**
   * Whether the program has left the group, in which case asking for messages does not join again;
   * set by `GroupConsumer`.
   */
  hasLeft = false;
  /** Whether the consumer is closed; set by `GroupConsumer`. */
  isClosed = false;
  #errors: unknown[] = [];
  #onChange: () => void = () => {};

  constructor(core: ClientCore, options: ResolvedGroupOptions) {
    this.core = core;
    this.options = options;
    this.coordinator = new Coordinator(core, "group", options.groupId);
  }

  /** The identity that commits are made with. */
  get committer(): Committer {
    return this.session?.committer ?? nonMember(this.options.groupId);
  }

  /** Handles a commit refused because the group has moved on. */
  onCommitRefused(error: KafkaError, committer: Committer): void {
    this.session?.onCommitRefused(error, committer);
  }

  /** Calls `listener` on each change of the session, its status, or the running callback. */
  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  /** Reports a change of the session, its status, or the running callback. */
  changed(): void {
    this.news.notify();
    this.#onChange();
  }

  /** Whether there are errors for the program. */
  get hasErrors(): boolean {
    return this.#errors.length > 0;
  }

  /** Adds an error, to be thrown when the program next asks for messages. */
  addError(error: unknown): void {
    this.#errors.push(error);
    this.news.notify();
  }

  /** Throws the oldest error for the program, if there is one. */
  throwError(): void {
    if (this.#errors.length > 0) throw this.#errors.shift();
  }

  /** Discards all errors for the program. */
  clearErrors(): void {
    this.#errors = [];
  }
}

/** The status of a consumer that is not in a group. */
export function leftStatus(waitingFor: string): GroupConsumerStatus {
  return { ...sessionStatus("left", waitingFor), memberId: undefined, generation: -1 };
}

/** The status of a session, without its identity. */
export type SessionStatus = Pick<GroupConsumerStatus, "state" | "waitingFor" | "since" | "error">;

/** A status that begins now. */
export function sessionStatus(
  state: GroupConsumerState,
  waitingFor: string,
  error?: DqueueError,
): SessionStatus {
  return { state, waitingFor, since: Date.now(), error };
}
