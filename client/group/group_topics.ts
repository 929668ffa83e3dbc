/**
 * Changes of the subscription of a group consumer.
 *
 * A change affects the returned messages immediately. The group is informed in the background: in
 * the classic protocol this member rejoins, in the consumer protocol it sends a heartbeat.
 *
 * @module
 */

import type { OperationOptions } from "../connection/client_core.ts";
import { type DqueueError, UsageError } from "../errors.ts";
import { topicNames } from "./group_consumer_options.ts";
import type { GroupContext } from "./group_context.ts";
import type { GroupStatus } from "./group_status.ts";
import type { PartitionHandover } from "./partition_handover.ts";

/** Changes the topics of a group consumer. */
export class GroupTopics {
  readonly #context: GroupContext;
  readonly #status: GroupStatus;
  readonly #handover: PartitionHandover;

  constructor(context: GroupContext, status: GroupStatus, handover: PartitionHandover) {
    this.#context = context;
    this.#status = status;
    this.#handover = handover;
  }

  /** Adds topics. @throws {KafkaError} If one does not exist; then nothing has changed. */
  async add(topics: string | readonly string[], options: OperationOptions): Promise<void> {
    const { core, options: group } = this.#context;
    const names = topicNames(topics);
    const onFailure = (error: DqueueError) =>
      this.#status.onRetry("a broker that describes the topics", error);
    const timeoutMs = options.timeoutMs ?? core.options.patienceMs;
    const waiting = { ...options, timeoutMs, onFailure };
    try {
      await Promise.all(names.map((name) => core.topic(name, waiting)));
    } finally {
      this.#status.onRecovered();
    }
    const added = names.filter((name) => !group.topics.includes(name));
    if (added.length > 0) this.#change([...group.topics, ...added]);
  }

  /** Removes topics. @throws {UsageError} If no topic would be left. */
  remove(topics: string | readonly string[]): void {
    const before = this.#context.options.topics;
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
    this.#context.options.topics = topics;
    this.#handover.onTopics();
    this.#context.session?.onTopics();
  }
}
