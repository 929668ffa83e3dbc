/**
 * One session in a group, from joining to leaving, with its status.
 *
 * @module
 */

import { ClassicMembership } from "./classic_membership.ts";
import type { ClientCore } from "../connection/client_core.ts";
import type { ConnectionLane } from "../connection/connection_lane.ts";
import { ClosedError, DqueueError, UsageError } from "../errors.ts";
import type {
  GroupConsumerState,
  GroupConsumerStatus,
  ResolvedGroupOptions,
} from "./group_consumer_options.ts";
import type { GroupCoordinator } from "./group_coordinator.ts";
import type { Committer } from "./group_offsets.ts";
import { asDqueueError, type HeldPartitions } from "./held_partitions.ts";
import type { Membership, MembershipObserver, MembershipParts } from "./membership.ts";
import { ModernMembership } from "./modern_membership.ts";

/**
 * The time limit of leaving, in milliseconds; after that the session times out on the coordinator.
 */
const LEAVE_MS = 5000;

/** The parts that a session depends on. */
export interface GroupSessionParts {
  readonly core: ClientCore;
  readonly options: ResolvedGroupOptions;
  readonly coordinator: GroupCoordinator;
  /** The holder of the partitions. */
  readonly held: HeldPartitions;
  /** Called when the status has changed. */
  readonly onChange: () => void;
}

/** One session in a group. */
export class GroupSession implements MembershipObserver {
  readonly #parts: GroupSessionParts;
  readonly #lane: ConnectionLane;
  readonly #membership: Membership;
  readonly #ending = new AbortController();
  readonly #joined = Promise.withResolvers<void>();
  readonly #running: Promise<void>;
  #status: Pick<GroupConsumerStatus, "state" | "waitingFor" | "since" | "error">;
  #ended: Promise<void> | undefined;

  constructor(parts: GroupSessionParts) {
    this.#parts = parts;
    const { core, options, coordinator, held: holder } = parts;
    this.#lane = core.openLane(options.consumerId);
    const membership: MembershipParts = {
      core,
      options,
      coordinator,
      lane: this.#lane,
      holder,
      observer: this,
    };
    this.#membership = options.protocol === "classic"
      ? new ClassicMembership(membership)
      : new ModernMembership(membership);
    this.#status = newStatus("joining", "the topics to be described");
    this.#joined.promise.catch(() => {});
    this.#running = this.#run();
  }

  /** Resolves when this member has its first assignment; rejects when it cannot get one. */
  get joined(): Promise<void> {
    return this.#joined.promise;
  }

  /** The current identity at the coordinator. */
  get committer(): Committer {
    return this.#membership.committer;
  }

  /** The current status. */
  get status(): GroupConsumerStatus {
    const { memberId, generation } = this.committer;
    return { ...this.#status, memberId: memberId === "" ? undefined : memberId, generation };
  }

  /** Why it was refused permanently; undefined if it was not. */
  get failure(): DqueueError | undefined {
    return this.#status.state === "failed" ? this.#status.error : undefined;
  }

  /** Whether this member has its partitions and no rebalance is known. */
  get isSettled(): boolean {
    const { state } = this.#status;
    return state === "reading" || state === "standby";
  }

  /** Handles a commit refused because the group has moved on. */
  onCommitRefused(error: DqueueError, committer: Committer): void {
    this.#membership.onCommitRefused(error, committer);
  }

  /** Handles a change of the subscription. */
  onTopics(): void {
    if (!this.#ending.signal.aborted) this.#membership.onTopics();
  }

  onWait(state: GroupConsumerState, waitingFor: string, error?: DqueueError): void {
    if (this.#ending.signal.aborted) return;
    this.#set(state, waitingFor, error);
  }

  onSettled(): void {
    if (this.#ending.signal.aborted) return;
    const hasPartitions = this.#parts.held.partitions.length > 0;
    if (hasPartitions) this.#set("reading", "messages");
    else this.#set("standby", "a partition that no other member has");
    this.#joined.resolve();
  }

  onFailed(error: DqueueError): void {
    if (this.#ending.signal.aborted) return;
    this.#set("failed", "joinGroup() to be called again", error);
    this.#joined.reject(error);
  }

  /**
   * Leaves the group. Never rejects: if the coordinator is not reached, the session times out
   * there.
   *
   * @param giveUp Revokes the partitions, once nothing else uses them.
   */
  end(giveUp: () => Promise<void>): Promise<void> {
    return this.#ended ??= this.#end(giveUp);
  }

  async #end(giveUp: () => Promise<void>): Promise<void> {
    const reason = new DOMException("The consumer has left the group", "AbortError");
    this.#ending.abort(reason);
    this.#joined.reject(reason);
    await this.#running;
    await giveUp();
    try {
      await this.#membership.leave(AbortSignal.timeout(LEAVE_MS));
    } catch (error) {
      // The coordinator cannot be reached, or has already removed this member.
      if (!(error instanceof DqueueError) && !isTimeout(error)) throw error;
    } finally {
      await this.#parts.core.closeLane(this.#lane);
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    const { core, options } = this.#parts;
    try {
      const timeoutMs = core.options.patienceMs;
      const onFailure = (error: DqueueError) => {
        this.onWait("retrying", "a broker that describes the topics", error);
      };
      const waiting = { signal, timeoutMs, onFailure };
      await Promise.all(options.topics.map((topic) => core.topic(topic, waiting)));
    } catch (error) {
      if (!signal.aborted) this.onFailed(asDqueueError("join the group", error));
      return;
    }
    await this.#membership.run(signal);
  }

  #set(state: GroupConsumerState, waitingFor: string, error?: DqueueError): void {
    const now = this.#status;
    if (state === now.state && waitingFor === now.waitingFor && error === now.error) return;
    this.#status = newStatus(state, waitingFor, error);
    this.#parts.onChange();
  }
}

/** The status of a consumer that is not in a group. */
export function leftStatus(waitingFor: string): GroupConsumerStatus {
  return { ...newStatus("left", waitingFor), memberId: undefined, generation: -1 };
}

/** The error of reading with a closed consumer. */
export function closedError(): ClosedError {
  return new ClosedError("Cannot read: the group consumer is closed");
}

/** The error of reading after the group was left. */
export function leftError(): UsageError {
  return new UsageError("Cannot read: this consumer has left its group", "Call joinGroup() first");
}

function newStatus(
  state: GroupConsumerState,
  waitingFor: string,
  error?: DqueueError,
): Pick<GroupConsumerStatus, "state" | "waitingFor" | "since" | "error"> {
  return { state, waitingFor, since: Date.now(), error };
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}
