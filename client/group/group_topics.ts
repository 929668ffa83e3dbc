/**
 * Changes of the topics that a group consumer is subscribed to.
 *
 * A change takes effect at once for what is handed out. The group learns of it in the background: in the
 * classic protocol this member joins again, in that of KIP-848 it says so with its next heartbeat.
 *
 * @module
 */

import type { ClientCore, OperationOptions } from "../connection/client_core.ts";
import { type DqueueError, UsageError } from "../errors.ts";
import { type ResolvedGroupOptions, topicNames } from "./group_consumer_options.ts";
import type { GroupSession } from "./group_session.ts";
import type { HeldPartitions } from "./held_partitions.ts";

/** What changes of topics work with. */
export interface GroupTopicsParts {
  readonly core: ClientCore;
  /** Has the topics, of which the membership takes note. */
  readonly options: ResolvedGroupOptions;
  readonly held: HeldPartitions;
  readonly session: () => GroupSession | undefined;
  /** Told of tries to describe topics that failed and are followed by another. */
  readonly onRetry: (waitingFor: string, error: DqueueError) => void;
  /** Told when topics could be described. */
  readonly onRecovered: () => void;
}

/** Changes the topics of a group consumer. */
export class GroupTopics {
  readonly #parts: GroupTopicsParts;

  constructor(parts: GroupTopicsParts) {
    this.#parts = parts;
  }

  /** Adds topics. @throws {KafkaError} If one does not exist; nothing has changed then. */
  async add(topics: string | readonly string[], options: OperationOptions): Promise<void> {
    const { core, options: group, onRetry, onRecovered } = this.#parts;
    const names = topicNames(topics);
    const onFailure = (error: DqueueError) => onRetry("a broker that describes the topics", error);
    const timeout = options.timeout ?? core.options.patienceMs;
    const waiting = { ...options, timeout, onFailure };
    try {
      await Promise.all(names.map((name) => core.topic(name, waiting)));
    } finally {
      onRecovered();
    }
    const added = names.filter((name) => !group.topics.includes(name));
    if (added.length > 0) this.#change([...group.topics, ...added]);
  }

  /** Removes topics. @throws {UsageError} If none would be left. */
  remove(topics: string | readonly string[]): void {
    const { topics: before } = this.#parts.options;
    const names = topicNames(topics);
    const left = before.filter((name) => !names.includes(name));
    if (left.length === 0) {
      throw new UsageError(
        "Cannot remove all topics: a member of a group needs one at least",
        "Call leaveGroup() to read nothing",
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
