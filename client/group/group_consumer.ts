/**
 * The group consumer: reads topics together with other members of a group.
 *
 * `mod.ts` draws how its parts work together.
 *
 * @module
 */

import type { ClientCore, OperationOptions } from "../connection/client_core.ts";
import { Deadline } from "../connection/deadline.ts";
import { OPERATION_NAMES } from "../connection/option_names.ts";
import { abortable } from "../connection/waiting.ts";
import type { PollOptions, StartOffset } from "../consumer/consumer_options.ts";
import { Fetcher } from "../consumer/fetcher.ts";
import { Message } from "../consumer/message.ts";
import { MessageLoop } from "../consumer/message_loop.ts";
import { PartitionControls } from "../consumer/partition_controls.ts";
import { ensureKnown } from "../ensure_known.ts";
import { asDqueueError, type DqueueError } from "../errors.ts";
import type { TopicPartition } from "../topic_partition.ts";
import { GroupCommits } from "./group_commits.ts";
import {
  type GroupConsumerOptions,
  type GroupConsumerStatus,
  resolveGroupOptions,
} from "./group_consumer_options.ts";
import { GroupContext } from "./group_context.ts";
import { ensureOffset } from "./group_offsets.ts";
import { closedError, GroupReading } from "./group_reading.ts";
import { GroupSessions } from "./group_sessions.ts";
import { GroupStatus } from "./group_status.ts";
import { GroupTopics } from "./group_topics.ts";
import type { CommittedOffset } from "./group_types.ts";
import { HeldPartitions } from "./held_partitions.ts";
import { OffsetCommitter } from "./offset_committer.ts";
import { OffsetSource } from "./offset_source.ts";
import { PartitionHandover } from "./partition_handover.ts";

/** Returns the offsets of a consumer, for a transaction. */
export let offsetSourceOf: (consumer: GroupConsumer) => OffsetSource;

/**
 * Reads topics together with the other members of a group: each partition belongs to one member at
 * a time, and when a member leaves or crashes, others continue its partitions at the committed
 * offsets.
 *
 * Delivery is at-least-once: no message is skipped, and after a crash the messages since the last
 * commit are processed again. A message counts as processed when the program asks for more
 * messages, or commits it; one that was being processed during a crash, or at which a loop was
 * left, is read again. Use a single loop per consumer: with several, each would mark the messages
 * of the others as processed. There are three ways to commit:
 *
 * - on a timer, the default: after a crash up to `autoCommitIntervalMs` of work is repeated
 * - per batch: `autoCommit: false`, and `commit()` after each `poll()`; at most one batch is repeated
 * - per message: `autoCommit: false`, and `commit(message)` after each; at most one message is
 *   repeated, and each message costs a request
 *
 * Heartbeats are sent in the background, regardless of how long the program takes. `status` tells
 * what the consumer is doing and waiting for, and `onStatus` is called when that changes.
 *
 * @example Sharing the work
 * ```ts
 * import { Broker } from "@dqueue/dqueue/broker";
 * import { Client } from "@dqueue/dqueue/client";
 * import { assertEquals } from "@std/assert";
 *
 * await using broker = await Broker.start({ storage: "memory" });
 * await using client = new Client({ broker });
 * await client.admin().createTopic({ name: "orders", partitions: 2 });
 * await client.producer().send({ topic: "orders", value: "first" });
 *
 * await using consumer = client.groupConsumer({ groupId: "billing", topics: "orders" });
 * await consumer.joinGroup();
 * assertEquals(consumer.assignment.length, 2);
 * for await (const message of consumer) {
 *   assertEquals(message.text(), "first");
 *   await consumer.commit();
 *   break;
 * }
 * ```
 */
export class GroupConsumer implements AsyncDisposable, AsyncIterable<Message> {
  readonly #context: GroupContext;
  readonly #held: HeldPartitions;
  readonly #status: GroupStatus;
  readonly #fetcher: Fetcher;
  readonly #committer: OffsetCommitter;
  readonly #commits: GroupCommits;
  readonly #sessions: GroupSessions;
  readonly #reading: GroupReading;
  readonly #loop: MessageLoop;
  readonly #controls: PartitionControls;
  readonly #topics: GroupTopics;
  readonly #stopListening: () => void;
  readonly #offsetSource: OffsetSource;
  #closed: Promise<void> | undefined;

  static {
    offsetSourceOf = (consumer) => consumer.#offsetSource;
  }

  /** @ignore Use `client.groupConsumer()`. */
  constructor(core: ClientCore, options: GroupConsumerOptions) {
    const context = new GroupContext(core, resolveGroupOptions(options));
    core.addUser(this);
    const held = new HeldPartitions(context.news);
    const status = new GroupStatus(context, held);
    const fetcher = new Fetcher(core, context.options.reading, status);
    const committer = new OffsetCommitter(
      core,
      context.coordinator,
      context.options.groupId,
      context,
    );
    const commits = new GroupCommits(context, held, committer);
    const handover = new PartitionHandover(context, held, fetcher, committer, commits);
    const sessions = new GroupSessions(context, held, handover, commits);
    const reading = new GroupReading(context, held, fetcher, sessions);
    this.#context = context;
    this.#held = held;
    this.#status = status;
    this.#fetcher = fetcher;
    this.#committer = committer;
    this.#commits = commits;
    this.#sessions = sessions;
    this.#reading = reading;
    this.#loop = new MessageLoop(reading);
    this.#controls = new PartitionControls(held, fetcher, context.news);
    this.#topics = new GroupTopics(context, status, handover);
    this.#offsetSource = new OffsetSource(context, held);
    this.#stopListening = core.metadata.onUpdate(() => handover.onMetadata());
  }

  /** The id of the group. */
  get groupId(): string {
    return this.#context.options.groupId;
  }

  /** The subscribed topics. */
  get topics(): readonly string[] {
    return this.#context.options.topics;
  }

  /** The partitions currently assigned to this consumer. */
  get assignment(): readonly TopicPartition[] {
    return this.#controls.assignment;
  }

  /** An alias of {@linkcode assignment}, as in other clients. */
  getAssignment(): readonly TopicPartition[] {
    return this.assignment;
  }

  /** The paused partitions. */
  get paused(): readonly TopicPartition[] {
    return this.#controls.paused;
  }

  /** The member id; undefined while the consumer is not a member. */
  get memberId(): string | undefined {
    return this.status.memberId;
  }

  /** What the consumer is doing, and what it is waiting for. */
  get status(): GroupConsumerStatus {
    return this.#status.current;
  }

  /**
   * Joins the group. Otherwise the first call for messages joins.
   *
   * @param options Time limit and signal. Default: `rebalanceTimeoutMs` plus the client's `timeoutMs`,
   * since the other members have to join too; unlimited if the client has no `timeoutMs`.
   * @returns A promise that resolves once this member has its partitions, which may be none, and
   * their positions.
   * @throws {KafkaError} If a topic does not exist, or the coordinator refuses.
   * @throws {TimeoutError} If it could not join in time; it then stops trying.
   */
  async joinGroup(options: OperationOptions = {}): Promise<void> {
    ensureKnown("joinGroup()", options, OPERATION_NAMES);
    this.#reading.ensureOpen();
    this.#context.hasLeft = false;
    await this.#sessions.settle();
    this.#reading.ensureOpen();
    const session = this.#sessions.current ?? this.#sessions.start();
    const { core, options: { rebalanceTimeoutMs } } = this.#context;
    const ms = options.timeoutMs ?? core.options.patienceMs + rebalanceTimeoutMs;
    using deadline = new Deadline(`join group "${this.groupId}"`, ms, options.signal);
    try {
      await abortable(session.joined, deadline.signal);
    } catch (error) {
      if (this.#sessions.current === session) await this.leaveGroup();
      throw this.#context.isClosed ? closedError() : error;
    }
  }

  /** An alias of {@linkcode joinGroup}, as in other clients. */
  join(options: OperationOptions = {}): Promise<void> {
    return this.joinGroup(options);
  }

  /**
   * Leaves the group, so that others get its partitions immediately; a static member keeps its
   * place. Commits processed messages if `autoCommit` is on. Messages returned since the last call
   * for messages do not count as processed: call `commit()` first if they are. Iterators and
   * streams end.
   */
  leaveGroup(): Promise<void> {
    this.#context.hasLeft = true;
    this.#context.news.notify();
    return this.#sessions.end("joinGroup() to be called");
  }

  /** An alias of {@linkcode leaveGroup}, as in other clients. */
  leave(): Promise<void> {
    return this.leaveGroup();
  }

  /**
   * Subscribes to additional topics. A member rejoins with them in the background, and gets its
   * share of their partitions after the rebalance, which `status` and `onAssigned` report.
   *
   * @param topics The topics to add; those already subscribed are unchanged.
   * @param options Time limit and signal.
   * @throws {KafkaError} If a topic does not exist; the subscription is then unchanged.
   */
  async addTopics(
    topics: string | readonly string[],
    options: OperationOptions = {},
  ): Promise<void> {
    ensureKnown("addTopics()", options, OPERATION_NAMES);
    this.#reading.ensureOpen();
    await this.#topics.add(topics, options);
  }

  /**
   * Unsubscribes from topics: from now on none of their messages are returned. The member commits
   * their processed messages, as when partitions are revoked, and rejoins without them in the
   * background.
   *
   * @param topics The topics to remove.
   * @throws {UsageError} If no topic would be left.
   */
  // deno-lint-ignore require-await
  async removeTopics(topics: string | readonly string[]): Promise<void> {
    this.#reading.ensureOpen();
    this.#topics.remove(topics);
  }

  /**
   * Returns messages that were fetched, or waits for the first. Takes from all partitions in turn,
   * so that each gets its share, and preserves the order within each. Messages returned earlier
   * count as processed.
   *
   * @param max The maximum number of messages. Default: 500.
   * @param options How long to wait.
   * @returns The messages; empty if none arrived in time.
   * @throws {KafkaError} If a partition cannot be read, or the coordinator refuses this member
   * permanently.
   * @throws {UsageError} If this consumer has left the group.
   * @throws {ClosedError} If the consumer is closed.
   */
  poll(max?: number, options?: PollOptions): Promise<Message[]> {
    return this.#loop.poll(max, options);
  }

  /**
   * Iterates over messages as they arrive, without end: leave the loop with `break` or by leaving
   * the group. A message counts as processed when the loop asks for the next one.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message> {
    return this.#loop[Symbol.asyncIterator]();
  }

  /** A stream of messages without end. A message counts as processed when the next one is read. */
  get readable(): ReadableStream<Message> {
    return this.#loop.readable;
  }

  /**
   * Sets the position in a partition, which is then also the offset to commit.
   *
   * @param topic The topic.
   * @param partition The partition.
   * @param offset The offset of the next message to read, or a place to look up; for a timestamp
   * after the last message it is the end.
   * @param options Time limit and signal.
   * @returns The new position.
   * @throws {UsageError} If the partition is not assigned to this consumer, or the offset is
   * negative.
   * @throws {KafkaError} With `OFFSET_OUT_OF_RANGE` and the valid range, if the offset is beyond
   * the end.
   */
  async seek(
    topic: string,
    partition: number,
    offset: StartOffset,
    options: OperationOptions = {},
  ): Promise<number> {
    ensureKnown("seek()", options, OPERATION_NAMES);
    this.#reading.ensureOpen();
    return await this.#reading.seek({ topic, partition }, offset, options);
  }

  /**
   * Returns to the committed offsets in all partitions of this consumer, or to where it started
   * in those without: what was read since is read again. After a transaction was aborted that is
   * how its work is repeated.
   *
   * @param options Time limit and signal.
   * @throws {TimeoutError} If the coordinator does not return the offsets in time, for example
   * because they are part of a transaction that is still open.
   */
  async seekToCommitted(options: OperationOptions = {}): Promise<void> {
    ensureKnown("seekToCommitted()", options, OPERATION_NAMES);
    this.#reading.ensureOpen();
    const committed = await this.#committer.fetch(this.assignment, options);
    this.#reading.rewind(committed);
  }

  /**
   * The position in a partition: the offset of the next message to return.
   *
   * @param topic The topic.
   * @param partition The partition.
   * @returns The offset; undefined if the partition is not assigned to this consumer.
   */
  position(topic: string, partition: number): number | undefined {
    return this.#controls.position(topic, partition);
  }

  /**
   * The high watermark of a partition as of the last fetch: the offset after the last committed
   * message.
   *
   * @param topic The topic.
   * @param partition The partition.
   * @returns The offset; undefined before the first fetch.
   */
  highWatermark(topic: string, partition: number): number | undefined {
    return this.#controls.highWatermark(topic, partition);
  }

  /**
   * The end of a partition for this consumer as of the last fetch: the high watermark, or with
   * isolation `"read_committed"` the last stable offset. Its lag is the distance from the position;
   * the last message may be well before the end, after which there are only skipped ones.
   *
   * @param topic The topic.
   * @param partition The partition.
   * @returns The offset; undefined before the first fetch.
   */
  endOffset(topic: string, partition: number): number | undefined {
    return this.#controls.endOffset(topic, partition);
  }

  /**
   * The lag of the group in a partition: from its committed offset to the end as of the last fetch.
   *
   * @param topic The topic.
   * @param partition The partition.
   * @returns The number of offsets; undefined if the partition is not assigned to this consumer,
   * has no committed offset, or was not fetched yet.
   */
  committedLag(topic: string, partition: number): number | undefined {
    const committed = this.#held.get(topic, partition)?.committedOffset ?? -1;
    const end = this.endOffset(topic, partition);
    return committed < 0 || end === undefined ? undefined : Math.max(0, end - committed);
  }

  /**
   * Pauses a topic until `resume()`: its messages are not returned. Heartbeats continue, but
   * `maxPollIntervalMs` applies: a program that pauses everything must still call `poll()`.
   *
   * @param topic The topic.
   * @param partition The partition. Default: all of the topic that are assigned to this consumer.
   * @throws {UsageError} If none is assigned to it.
   */
  pause(topic: string, partition?: number): void {
    this.#controls.pause(topic, partition);
  }

  /**
   * Resumes a paused topic.
   *
   * @param topic The topic.
   * @param partition The partition. Default: all of the topic that are assigned to this consumer.
   * @throws {UsageError} If none is assigned to it.
   */
  resume(topic: string, partition?: number): void {
    this.#controls.resume(topic, partition);
  }

  /**
   * Commits an offset of a partition.
   *
   * @param topic The topic.
   * @param partition The partition.
   * @param offset The next offset to read: one more than that of the last processed message.
   * @param metadata A text to store with the offset. Default: none.
   * @param options Time limit and signal.
   * @throws {KafkaError} If the partition now belongs to another member, with `ILLEGAL_GENERATION`.
   * @throws {UsageError} If the offset is negative.
   */
  async commitOffset(
    topic: string,
    partition: number,
    offset: number,
    metadata?: string,
    options: OperationOptions = {},
  ): Promise<void> {
    const committed = { topic, partition, offset, ...(metadata === undefined ? {} : { metadata }) };
    ensureKnown("commitOffset()", options, OPERATION_NAMES);
    ensureOffset(committed);
    this.#reading.ensureOpen();
    await this.#commits.commit([committed], options);
  }

  /**
   * Commits all messages returned so far, including the last ones: the program declares them
   * processed.
   *
   * @param options Time limit and signal.
   * @throws {KafkaError} If partitions now belong to other members, with `ILLEGAL_GENERATION`; the
   * remaining ones are committed.
   */
  commit(options?: OperationOptions): Promise<void>;
  /**
   * Commits that a message was processed, and with it all earlier ones of its partition.
   *
   * @param message The message, as returned by this consumer.
   * @param options Time limit and signal.
   * @throws {KafkaError} If its partition now belongs to another member, with `ILLEGAL_GENERATION`.
   */
  commit(message: Message, options?: OperationOptions): Promise<void>;
  async commit(
    messageOrOptions: Message | OperationOptions = {},
    options: OperationOptions = {},
  ): Promise<void> {
    if (messageOrOptions instanceof Message) {
      const { topic, partition, offset } = messageOrOptions;
      return await this.commitOffset(topic, partition, offset + 1, undefined, options);
    }
    ensureKnown("commit()", messageOrOptions, OPERATION_NAMES);
    this.#reading.ensureOpen();
    await this.#commits.commit(this.#held.uncommittedPositions(), messageOrOptions);
  }

  /**
   * Commits all messages returned so far, like `commit()`, without waiting.
   *
   * @param onDone Called when the commit has completed or failed. Without it, the next call for
   * messages throws the error.
   */
  commitAsync(onDone?: (error: DqueueError | undefined) => void): void {
    this.commit().then(
      () => onDone?.(undefined),
      (error) => {
        const failure = asDqueueError("commit offsets", error);
        if (onDone !== undefined) onDone(failure);
        else this.#context.addError(failure);
      },
    );
  }

  /**
   * Fetches the committed offset of the group for any partition.
   *
   * @param topic The topic.
   * @param partition The partition.
   * @param options Time limit and signal.
   * @returns The committed offset; undefined if there is none.
   */
  async fetchCommittedOffset(
    topic: string,
    partition: number,
    options: OperationOptions = {},
  ): Promise<CommittedOffset | undefined> {
    ensureKnown("fetchCommittedOffset()", options, OPERATION_NAMES);
    this.#reading.ensureOpen();
    const [committed] = await this.#committer.fetch([{ topic, partition }], options);
    return committed!.offset < 0 ? undefined : committed;
  }

  /**
   * Leaves the group, like `leaveGroup()`, and closes the consumer. Calling it again has no effect.
   */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  /** Closes the consumer. See {@linkcode GroupConsumer.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#context.isClosed = true;
    await this.leaveGroup();
    this.#stopListening();
    await this.#fetcher.close();
    this.#context.core.removeUser(this);
  }
}
