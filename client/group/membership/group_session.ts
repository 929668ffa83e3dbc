/**
 * One session in a group, from joining to leaving, with its status.
 *
 * @module
 */

import type { ConnectionLane } from "../../connection/connection_lane.ts";
import { asDqueueError, DqueueError } from "../../errors.ts";
import { ClassicMembership } from "./classic_membership.ts";
import type { GroupConsumerState, GroupConsumerStatus } from "../group_consumer_options.ts";
import {
  type CurrentSession,
  type GroupContext,
  type SessionStatus,
  sessionStatus,
} from "../group_context.ts";
import type { Committer } from "../group_offsets.ts";
import type { Membership, MembershipObserver, PartitionHolder } from "./membership.ts";
import { ModernMembership } from "./modern_membership.ts";

/**
 * The time limit of leaving, in milliseconds; after that the session times out on the coordinator.
 */
const LEAVE_MS = 5000;

/** One session in a group. */
export class GroupSession implements MembershipObserver, CurrentSession {
  readonly #context: GroupContext;
  readonly #holder: PartitionHolder;
  readonly #lane: ConnectionLane;
  readonly #membership: Membership;
  readonly #ending = new AbortController();
  readonly #joined = Promise.withResolvers<void>();
  readonly #running: Promise<void>;
  #status: SessionStatus = sessionStatus("joining", "the topics to be described");
  #ended: Promise<void> | undefined;

  /** @param holder Holds the partitions of the member. */
  constructor(context: GroupContext, holder: PartitionHolder) {
    const { core, options, coordinator } = context;
    this.#context = context;
    this.#holder = holder;
    this.#lane = core.openLane(options.consumerId);
    const parts = { core, options, coordinator, lane: this.#lane, holder, observer: this };
    this.#membership = options.protocol === "classic"
      ? new ClassicMembership(parts)
      : new ModernMembership(parts);
    this.#joined.promise.catch(() => {});
    this.#running = this.#run();
  }

  /** Resolves when this member has its first assignment; rejects when it cannot get one. */
  get joined(): Promise<void> {
    return this.#joined.promise;
  }

  get committer(): Committer {
    return this.#membership.committer;
  }

  get status(): GroupConsumerStatus {
    const { memberId, generation } = this.committer;
    return { ...this.#status, memberId: memberId === "" ? undefined : memberId, generation };
  }

  get failure(): DqueueError | undefined {
    return this.#status.state === "failed" ? this.#status.error : undefined;
  }

  get isSettled(): boolean {
    const { state } = this.#status;
    return state === "reading" || state === "standby";
  }

  onCommitRefused(error: DqueueError, committer: Committer): void {
    this.#membership.onCommitRefused(error, committer);
  }

  onTopics(): void {
    if (!this.#ending.signal.aborted) this.#membership.onTopics();
  }

  onWait(state: GroupConsumerState, waitingFor: string, error?: DqueueError): void {
    if (this.#ending.signal.aborted) return;
    this.#set(state, waitingFor, error);
  }

  onSettled(): void {
    if (this.#ending.signal.aborted) return;
    const hasPartitions = this.#holder.partitions.length > 0;
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
      await this.#context.core.closeLane(this.#lane);
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    const { core, options } = this.#context;
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
    this.#status = sessionStatus(state, waitingFor, error);
    this.#context.changed();
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}
