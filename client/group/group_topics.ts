/**
 * Changes of the subscription of a group consumer.
 *
 * A change affects the returned messages immediately. The group is informed in the background: in
 * the classic protocol this member rejoins, in the consumer protocol it sends a heartbeat.
 *
 * @module
 */

import type { ClientCore, OperationOptions } from "../connection/client_core.ts";
import { type DqueueError, UsageError } from "../errors.ts";
import { type ResolvedGroupOptions, topicNames } from "./group_consumer_options.ts";
import type { GroupSession } from "./group_session.ts";
import type { HeldPartitions } from "./held_partitions.ts";

/** The parts that changes depend on. */
export interface GroupTopicsParts {
  readonly core: ClientCore;
  /** Holds the topics; the membership is notified. */
  readonly options: ResolvedGroupOptions;
  readonly held: HeldPartitions;
  readonly session: () => GroupSession | undefined;
  /** Called for failures to describe topics that are retried. */
  readonly onRetry: (waitingFor: string, error: DqueueError) => void;
  /** Called when topics were described. */
  readonly onRecovered: () => void;
}

/** Changes the topics of a group consumer. */
export class GroupTopics {
  readonly #parts: GroupTopicsParts;

  constructor(parts: GroupTopicsParts) {
    this.#parts = parts;
  }

  /** Adds topics. @throws {KafkaError} If one does not exist; then nothing has changed. */
  async add(topics: string | readonly string[], options: OperationOptions): Promise<void> {
    const { core, options: group, onRetry, onRecovered } = this.#parts;
    const names = topicNames(topics);
    const onFailure = (error: DqueueError) => onRetry("a broker that describes the topics", error);
    const timeoutMs = options.timeoutMs ?? core.options.patienceMs;
    const waiting = { ...options, timeoutMs, onFailure };
    try {
      await Promise.all(names.map((name) => core.topic(name, waiting)));
    } finally {
      onRecovered();
    }
    const added = names.filter((name) => !group.topics.includes(name));
    if (added.length > 0) this.#change([...group.topics, ...added]);
  }

  /** Removes topics. @throws {UsageError} If no topic would be left. */
  remove(topics: string | readonly string[]): void {
    const { topics: before } = this.#parts.options;
    const names = topicNames(topics);
    const left = before.filter((name) => !names.includes(name));
    if (left.length === 0) {
      throw new UsageError(
        "Cannot remove all topics: a member of a group needs at least one",
        "Call leaveGroup() to stop reading",
      );
    }
    if (left.length < before.length) this.#change(left);
  }

  #change(topics: readonly string[]): void {
    const { options, held, session } = this.#parts;
    options.topics = topics;
    held.onTopics();
    session()?.onTopics();
  }
}
