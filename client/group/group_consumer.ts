/**
 * The group consumer: reads topics together with other members of a group.
 *
 * How the files work together. A `GroupSession` is one stay in the group (`group_sessions.ts` has the
 * consumer begin and end them); its membership
 * (`classic_membership.ts`, `modern_membership.ts`) talks to the coordinator (`group_coordinator.ts`) in
 * the background, with heartbeats (`heartbeater.ts`) that do not depend on the program's loop. What it is
 * assigned the `HeldPartitions` take on: they fetch ahead as a consumer does (`fetcher.ts`,
 * `partition_reader.ts`), hand out messages in turn (`reader_round.ts`) and know how far the program is;
 * the `OffsetCommitter` commits that.
 *
 * @module
 */

import { POLL_NAMES } from "../consumer/consumer_options.ts";
import { OPERATION_NAMES } from "../connection/option_names.ts";
import { ensureKnown } from "../ensure_known.ts";
import type { CommittedOffset } from "./group_types.ts";
import type { ClientCore, OperationOptions } from "../connection/client_core.ts";
import { atLeast } from "../client_options.ts";
import {
  DEFAULT_POLL_MAX,
  DEFAULT_POLL_TIMEOUT_MS,
  type PollOptions,
  type StartOffset,
} from "../consumer/consumer_options.ts";
import { Deadline } from "../connection/deadline.ts";
import type { DqueueError } from "../errors.ts";
import { Fetcher } from "../consumer/fetcher.ts";
import { GroupCommits } from "./group_commits.ts";
import {
  type GroupConsumerOptions,
  type GroupConsumerStatus,
  type ResolvedGroupOptions,
  resolveGroupOptions,
} from "./group_consumer_options.ts";
import { GroupCoordinator } from "./group_coordinator.ts";
import { ensureOffset, nobody } from "./group_offsets.ts";
import { closedError, type GroupSession, leftError } from "./group_session.ts";
import { GroupSessions } from "./group_sessions.ts";
import { GroupStatus } from "./group_status.ts";
import { GroupTopics } from "./group_topics.ts";
import { asDqueueError, HeldPartitions } from "./held_partitions.ts";
import type { TopicPartition } from "../topic_partition.ts";
import { Message } from "../consumer/message.ts";
import { messageIterator, messageStream } from "../consumer/message_stream.ts";
import { OffsetCommitter } from "./offset_committer.ts";
import { PollWatch } from "./poll_watch.ts";
import { abortable } from "../connection/waiting.ts";
import { WakeSignal } from "../connection/wake_signal.ts";

/**
 * Reads topics together with the other members of a group: each partition belongs to one member at a
 * time, and when a member leaves, or dies, others go on with its partitions where it has committed.
 *
 * What is promised is at-least-once: no message is skipped, and after a crash what was done since the last
 * commit is done again. A message counts as done when the program comes back for more, or commits it, so
 * one that was being worked on in a crash, or at which a loop was left, is read again. With several loops
 * on one consumer each would count the others' messages as done, so let there be one. There are three
 * ways to commit:
 *
 * - on a timer, which is the default: a crash repeats up to `autoCommitInterval` of work
 * - each batch: `autoCommit: false`, and `commit()` after each `poll()`; a crash repeats one batch
 * - each message: `autoCommit: false`, and `commit(message)` after each; a crash repeats one message, and
 *   each message costs a request
 *
 * Heartbeats are sent in the background, however long the program takes. `status` says what the consumer
 * is doing and what it waits for, and `onStatus` whenever that changes.
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
  readonly #core: ClientCore;
  readonly #options: ResolvedGroupOptions;
  readonly #status: GroupStatus;
  readonly #fetcher: Fetcher;
  readonly #coordinator: GroupCoordinator;
  readonly #committer: OffsetCommitter;
  readonly #held: HeldPartitions;
  readonly #commits: GroupCommits;
  readonly #pollWatch: PollWatch;
  readonly #sessions: GroupSessions;
  readonly #topics: GroupTopics;
  readonly #stopListening: () => void;
  /** Told of messages, of changes of the membership, and when the program comes back for more. */
  readonly #news = new WakeSignal();
  readonly #closing = new AbortController();
  /** Whether the program has left, so that asking for messages does not join again. */
  #hasLeft = false;
  /** What the program has to be told when it asks for messages next. */
  #errors: unknown[] = [];
  #closed: Promise<void> | undefined;

  /** @ignore `client.groupConsumer()` makes one. */
  constructor(core: ClientCore, options: GroupConsumerOptions) {
    this.#options = resolveGroupOptions(options);
    this.#core = core;
    this.#core.addUser(this);
    this.#status = new GroupStatus({
      groupId: this.#options.groupId,
      onStatus: this.#options.onStatus,
      membership: () => this.#sessions.status,
      callback: () => this.#held.callback,
      waitingFor: () => this.#held.waitingFor,
      onError: (error) => this.#onError(error),
    });
    this.#fetcher = new Fetcher(this.#core, this.#options.reading, this.#status);
    this.#coordinator = new GroupCoordinator(this.#core, this.#options.groupId);
    this.#committer = new OffsetCommitter(
      this.#core,
      this.#coordinator,
      this.#options.groupId,
      () => this.#sessions.current?.committer ?? nobody(this.#options.groupId),
      (error, committer) => this.#sessions.current?.onCommitRefused(error, committer),
    );
    this.#held = new HeldPartitions({
      core: this.#core,
      options: this.#options,
      fetcher: this.#fetcher,
      committer: this.#committer,
      news: this.#news,
      onError: (error) => this.#onError(error),
      onCallback: () => this.#onChange(),
    });
    this.#commits = new GroupCommits({
      held: this.#held,
      committer: this.#committer,
      news: this.#news,
      timeoutMs: this.#core.options.timeoutMs,
      backoffMs: this.#core.options.initialBackoffMs,
      session: () => this.#sessions.current,
      onError: (error) => this.#onError(error),
    });
    this.#pollWatch = new PollWatch(this.#options.maxPollIntervalMs, () => this.#onOverdue());
    this.#sessions = new GroupSessions({
      core: this.#core,
      options: this.#options,
      coordinator: this.#coordinator,
      held: this.#held,
      commits: this.#commits,
      pollWatch: this.#pollWatch,
      onChange: () => this.#onChange(),
    });
    this.#topics = new GroupTopics({
      core: this.#core,
      options: this.#options,
      held: this.#held,
      session: () => this.#sessions.current,
      onRetry: (waitingFor, error) => this.#status.onRetry(waitingFor, error),
      onRecovered: () => this.#status.onRecovered(),
    });
    this.#stopListening = this.#core.metadata.onUpdate(() => this.#held.onMetadata());
  }

  /** The id of the group. */
  get groupId(): string {
    return this.#options.groupId;
  }

  /** The topics it is subscribed to. */
  get topics(): readonly string[] {
    return this.#options.topics;
  }

  /** The partitions that belong to this consumer now. */
  get assignment(): readonly TopicPartition[] {
    return this.#held.partitions;
  }

  /** The same as {@linkcode assignment}, under the name that other clients have for it. */
  getAssignment(): readonly TopicPartition[] {
    return this.assignment;
  }

  /** The partitions that are paused. */
  get paused(): readonly TopicPartition[] {
    return Array.from(this.#held.all)
      .filter(({ reader }) => reader.isPaused)
      .map(({ reader: { topic, partition } }) => ({ topic, partition }));
  }

  /** The id that the coordinator knows it by; undefined while it is no member. */
  get memberId(): string | undefined {
    return this.status.memberId;
  }

  /** What it is doing, and what it waits for. */
  get status(): GroupConsumerStatus {
    return this.#status.current;
  }

  /**
   * Joins the group. Without it, the first call for messages does so.
   *
   * @param options How long to try. Default: `rebalanceTimeout` more than the client's `timeout`, since the
   * other members have to join too; if the client was given none, for as long as it takes.
   * @returns When this member has its partitions, and the places in them are known; there may be none.
   * @throws {KafkaError} If a topic does not exist, or the coordinator refuses.
   * @throws {TimeoutError} If it could not join in time; it tries no longer then.
   */
  async joinGroup(options: OperationOptions = {}): Promise<void> {
    ensureKnown("joinGroup()", options, OPERATION_NAMES);
    this.#ensureOpen();
    this.#hasLeft = false;
    await this.#sessions.settle();
    this.#ensureOpen();
    const session = this.#sessions.current ?? this.#start();
    const { patienceMs } = this.#core.options;
    const ms = options.timeout ?? patienceMs + this.#options.rebalanceTimeoutMs;
    using deadline = new Deadline(`join group "${this.groupId}"`, ms, options.signal);
    try {
      await abortable(session.joined, deadline.signal);
    } catch (error) {
      if (this.#sessions.current === session) await this.leaveGroup();
      throw this.#isClosing ? closedError() : error;
    }
  }

  /** The same as {@linkcode joinGroup}, under the name that other clients have for it. */
  join(options: OperationOptions = {}): Promise<void> {
    return this.joinGroup(options);
  }

  /**
   * Leaves the group, so that others get its partitions at once; a static member keeps its place. Commits
   * what is done if `autoCommit` is on. What was handed out since the last call for messages does not
   * count as done: `commit()` it before, if it is. Iterators and streams end.
   */
  leaveGroup(): Promise<void> {
    this.#hasLeft = true;
    this.#news.notify();
    return this.#sessions.end("joinGroup() to be called");
  }

  /** The same as {@linkcode leaveGroup}, under the name that other clients have for it. */
  leave(): Promise<void> {
    return this.leaveGroup();
  }

  /**
   * Subscribes to further topics. A member joins again with them in the background, and gets its share of
   * their partitions once the group has agreed: `status` and `onAssigned` tell.
   *
   * @param topics The topics to read too; those subscribed to already are left as they are.
   * @param options How long to try.
   * @throws {KafkaError} If a topic does not exist; the subscription is then as before.
   */
  async addTopics(
    topics: string | readonly string[],
    options: OperationOptions = {},
  ): Promise<void> {
    ensureKnown("addTopics()", options, OPERATION_NAMES);
    this.#ensureOpen();
    await this.#topics.add(topics, options);
  }

  /**
   * Ends the subscription to some topics: from now on none of their messages is handed out. A member
   * commits what is done of them, as when it gives up partitions to others, and joins again without them
   * in the background.
   *
   * @param topics The topics to read no longer.
   * @throws {UsageError} If none would be left.
   */
  // deno-lint-ignore require-await
  async removeTopics(topics: string | readonly string[]): Promise<void> {
    this.#ensureOpen();
    this.#topics.remove(topics);
  }

  /**
   * Reads messages: those that have come, or the first that come within the time. Goes round all
   * partitions, so that each gets its share, in order within each. What was returned before counts as done.
   *
   * @param max The most messages to return.
   * @param options How long to wait.
   * @returns The messages; none if none came in time.
   * @throws {KafkaError} If a partition cannot be read, or the coordinator refuses this member for good.
   * @throws {UsageError} If this consumer has left the group.
   * @throws {ClosedError} If the consumer is closed.
   */
  async poll(max: number = DEFAULT_POLL_MAX, options: PollOptions = {}): Promise<Message[]> {
    atLeast("max", max, 1);
    ensureKnown("poll()", options, POLL_NAMES);
    const { timeout = DEFAULT_POLL_TIMEOUT_MS, signal } = options;
    const until = performance.now() + timeout;
    this.#pollWatch.calls++;
    for (;;) {
      this.#ensureOpen();
      signal?.throwIfAborted();
      if (this.#hasLeft) {
        throw leftError();
      }
      this.#ensureMember();
      const messages = this.#held.take(max);
      if (messages.length > 0) return messages;
      const ms = until - performance.now();
      if (ms <= 0 || !await this.#wait(ms, signal)) return [];
    }
  }

  /**
   * Goes through messages as they come, without end: leave the loop with `break`, or leave the group, which
   * ends it. A message counts as done when the loop comes back for the next.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message> {
    return messageIterator(() => {
      this.#pollWatch.calls++;
      const isReading = this.#sessions.current !== undefined && !this.#hasLeft;
      return isReading && this.#errors.length === 0 ? this.#held.next() : undefined;
    }, () => this.#next());
  }

  /**
   * The messages as they come as a stream, without end. A message counts as done when the next is read.
   */
  get readable(): ReadableStream<Message> {
    return messageStream(this);
  }

  /**
   * Goes on reading a partition at another place, which is then what is committed.
   *
   * @param topic The topic.
   * @param partition The partition.
   * @param offset The offset of the next message to read, or a place; for a time after the last message
   * it is the end.
   * @param options How long to try.
   * @returns The offset.
   * @throws {UsageError} If the partition does not belong to this consumer, or the offset is negative.
   * @throws {KafkaError} With `OFFSET_OUT_OF_RANGE` and the range there is, if the offset is beyond its end.
   */
  async seek(
    topic: string,
    partition: number,
    offset: StartOffset,
    options: OperationOptions = {},
  ): Promise<number> {
    ensureKnown("seek()", options, OPERATION_NAMES);
    this.#ensureOpen();
    return await this.#held.seekTo({ topic, partition }, offset, options);
  }

  /**
   * The offset of the next message that will be read of a partition.
   *
   * @param topic The topic.
   * @param partition The partition.
   * @returns The offset; undefined if the partition does not belong to this consumer.
   */
  position(topic: string, partition: number): number | undefined {
    const position = this.#held.get(topic, partition)?.reader.position ?? -1;
    return position < 0 ? undefined : position;
  }

  /**
   * The offset after the last message of a partition that all in-sync replicas have, as of the last fetch.
   *
   * @param topic The topic.
   * @param partition The partition.
   * @returns The offset; undefined if nothing was fetched yet.
   */
  highWatermark(topic: string, partition: number): number | undefined {
    const highWatermark = this.#held.get(topic, partition)?.reader.highWatermark ?? -1;
    return highWatermark < 0 ? undefined : highWatermark;
  }

  /**
   * How many offsets the group's committed offset is behind the end of a partition, as of the last fetch.
   *
   * @param topic The topic.
   * @param partition The partition.
   * @returns The number; undefined if the partition does not belong to this consumer, nothing was committed
   * for it, or nothing was fetched yet.
   */
  committedLag(topic: string, partition: number): number | undefined {
    const committed = this.#held.get(topic, partition)?.committedOffset ?? -1;
    const end = this.highWatermark(topic, partition);
    return committed < 0 || end === undefined ? undefined : Math.max(0, end - committed);
  }

  /**
   * Holds back the messages of a topic until `resume()`. Heartbeats go on; so does the time of
   * `maxPollInterval`, so a program that pauses everything still has to call `poll()`.
   *
   * @param topic The topic.
   * @param partition The partition. Default: all of the topic that belong to this consumer.
   * @throws {UsageError} If none belongs to it.
   */
  pause(topic: string, partition?: number): void {
    for (const { reader } of this.#held.find("pause", topic, partition)) reader.isPaused = true;
    this.#fetcher.wake();
  }

  /**
   * Hands out the messages of a topic again.
   *
   * @param topic The topic.
   * @param partition The partition. Default: all of the topic that belong to this consumer.
   * @throws {UsageError} If none belongs to it.
   */
  resume(topic: string, partition?: number): void {
    for (const { reader } of this.#held.find("resume", topic, partition)) reader.isPaused = false;
    this.#fetcher.wake();
    this.#news.notify();
  }

  /**
   * Commits how far the group is in a partition.
   *
   * @param topic The topic.
   * @param partition The partition.
   * @param offset The next offset to read: one more than that of the last message done.
   * @param metadata A text to keep with it. Default: none.
   * @param options How long to try.
   * @throws {KafkaError} If the partition belongs to another member now, with `ILLEGAL_GENERATION`.
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
    this.#ensureOpen();
    await this.#commits.commit([committed], options);
  }

  /**
   * Commits everything that was handed out, also what was returned last: the program says that it is done
   * with all of it.
   *
   * @param options How long to try.
   * @throws {KafkaError} If partitions belong to other members now, with `ILLEGAL_GENERATION`; what is
   * still this consumer's is committed.
   */
  commit(options?: OperationOptions): Promise<void>;
  /**
   * Commits that a message is done, and with it those before it in its partition.
   *
   * @param message The message, as it was handed out.
   * @param options How long to try.
   * @throws {KafkaError} If its partition belongs to another member now, with `ILLEGAL_GENERATION`.
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
    this.#ensureOpen();
    await this.#commits.commit(this.#held.uncommittedPositions(), messageOrOptions);
  }

  /**
   * Commits everything that was handed out, like `commit()`, and does not wait for it.
   *
   * @param onDone Told when it is committed, or has failed. Without it, the next call for messages throws
   * the error.
   */
  commitAsync(onDone?: (error: DqueueError | undefined) => void): void {
    this.commit().then(
      () => onDone?.(undefined),
      (error) => {
        const failure = asDqueueError("commit offsets", error);
        if (onDone !== undefined) onDone(failure);
        else this.#onError(failure);
      },
    );
  }

  /**
   * Asks the coordinator how far the group is in a partition, which may be any.
   *
   * @param topic The topic.
   * @param partition The partition.
   * @param options How long to try.
   * @returns What was committed last; undefined if nothing was.
   */
  async fetchCommittedOffset(
    topic: string,
    partition: number,
    options: OperationOptions = {},
  ): Promise<CommittedOffset | undefined> {
    ensureKnown("fetchCommittedOffset()", options, OPERATION_NAMES);
    this.#ensureOpen();
    const [committed] = await this.#committer.fetch([{ topic, partition }], options);
    return committed!.offset < 0 ? undefined : committed;
  }

  /** Leaves the group, like `leaveGroup()`, and closes the consumer. Safe to call again. */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  /** Leaves the group and closes the consumer, like `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await this.leaveGroup();
    this.#stopListening();
    await this.#fetcher.close();
    this.#core.removeUser(this);
  }

  #start(): GroupSession {
    this.#errors = [];
    return this.#sessions.start();
  }

  /** Leaves, as the program does not ask for messages any more; what it holds it may not finish. */
  #onOverdue(): void {
    this.#sessions.end("the program to ask for messages, which it has not for maxPollInterval")
      .catch((error) => this.#onError(error));
  }

  #onChange(): void {
    this.#news.notify();
    this.#status.tell();
  }

  #onError(error: unknown): void {
    this.#errors.push(error);
    this.#news.notify();
  }

  /** Joins if this is no member. @throws What the program has to be told. */
  #ensureMember(): void {
    if (this.#errors.length > 0) throw this.#errors.shift();
    const failure = this.#sessions.current?.failure;
    if (failure !== undefined) throw failure;
    if (this.#sessions.current === undefined) this.#start();
  }

  async #wait(ms: number, signal?: AbortSignal): Promise<boolean> {
    this.#pollWatch.waiting++;
    try {
      return await this.#held.waitForNews(ms, signal);
    } finally {
      this.#pollWatch.waiting--;
    }
  }

  async #next(): Promise<IteratorResult<Message>> {
    for (;;) {
      if (this.#isClosing || this.#hasLeft) return { done: true, value: undefined };
      this.#ensureMember();
      const message = this.#held.next();
      if (message !== undefined) return { done: false, value: message };
      await this.#wait(Infinity);
    }
  }

  #ensureOpen(): void {
    if (this.#isClosing) throw closedError();
  }
}
