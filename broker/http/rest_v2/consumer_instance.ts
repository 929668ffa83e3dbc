/**
 * A consumer that lives in the broker for a client of the REST API.
 *
 * Subscribed to topics it is a member of its group; with assigned partitions it only commits there.
 * Records count as delivered when they are in an answer, and only those are committed.
 *
 * @module
 */

import type {
  Admin,
  Client,
  Consumer,
  GroupConsumer,
  IsolationLevel,
  Message,
  TopicPartition,
} from "../../../client/mod.ts";
import type { BrokerContext } from "../../handler.ts";
import type { HttpCounters } from "../http_counters.ts";
import { HttpError } from "../http_error.ts";
import { AssignedReader } from "./assigned_reader.ts";
import type { RecordFormat } from "./media.ts";

/** Records of one poll of the group consumer. */
const POLL_COUNT = 200;
const PREFETCH_BYTES = 1024 * 1024;
const AUTO_COMMIT_MS = 5000;

/** How often topics are looked up that match a subscription by expression. */
const REFRESH_MS = 30_000;

/** What consumers need. */
export interface InstanceContext {
  readonly client: Client;
  readonly admin: Admin;
  /** For reads outside of groups. */
  readonly reader: Consumer;
  readonly broker: BrokerContext;
  readonly counters: HttpCounters;
  /** Where consumers get their places. */
  readonly places: { take(): Disposable | undefined };
}

/** How a client wants its consumer. */
export interface InstanceOptions {
  readonly group: string;
  readonly id: string;
  readonly format: RecordFormat;
  readonly autoOffsetReset: "earliest" | "latest";
  readonly autoCommit: boolean;
  readonly isolation: IsolationLevel;
  /** Bytes of records at which a poll ends before its time. */
  readonly minBytes: number;
  /** Time of a poll without another. */
  readonly timeoutMs: number;
}

/** An offset to commit. */
export interface OffsetToCommit extends TopicPartition {
  /** The next offset to read. */
  readonly offset: number;
  readonly metadata?: string | undefined;
}

/** A consumer. */
export class ConsumerInstance {
  readonly options: InstanceOptions;
  readonly #context: InstanceContext;
  readonly #closing = new AbortController();
  readonly createdMs: number;
  lastUsedMs: number;
  #member: GroupConsumer | undefined;
  #assigned: AssignedReader | undefined;
  /** Records that were read but did not fit into an answer. */
  #rest: Message[] = [];
  /** The offsets after what was delivered and not committed. */
  #delivered: Map<string, OffsetToCommit> = new Map();
  #committedMs: number;
  /** Polls run one at a time. */
  #polling: Promise<unknown> = Promise.resolve();
  #findMore: (() => Promise<readonly string[]>) | undefined;
  #foundMs = 0;
  /** Calls in progress: it is not idle meanwhile. */
  #calls = 0;

  constructor(options: InstanceOptions, context: InstanceContext) {
    this.options = options;
    this.#context = context;
    this.createdMs = this.lastUsedMs = this.#committedMs = this.#nowMs();
  }

  /** Whether nothing has been asked of it since a time. */
  isIdleSince(ms: number): boolean {
    return this.#calls === 0 && this.lastUsedMs < ms;
  }

  /** Runs a call, during and after which it counts as used. */
  async use<T>(call: () => Promise<T>): Promise<T> {
    this.#calls++;
    this.lastUsedMs = this.#nowMs();
    try {
      return await call();
    } finally {
      this.#calls--;
      this.lastUsedMs = this.#nowMs();
    }
  }

  /** The topics it is subscribed to. */
  get topics(): readonly string[] {
    return this.#member?.topics ?? [];
  }

  /** The partitions it was assigned by its client, or by the group. */
  get assignment(): readonly TopicPartition[] {
    return this.#assigned?.assignment ?? this.#member?.assignment ?? [];
  }

  /**
   * Subscribes to topics instead of those before.
   *
   * @param findMore Finds the topics again now and then, if there may be more of them later.
   * @throws {HttpError} 409 if it has assigned partitions.
   */
  async subscribe(
    topics: readonly string[],
    findMore?: () => Promise<readonly string[]>,
  ): Promise<void> {
    this.#findMore = findMore;
    this.#foundMs = this.#nowMs();
    if (this.#assigned !== undefined) throw alreadyDone("it has assigned partitions");
    const member = this.#member;
    if (member === undefined) {
      const { group: groupId, autoOffsetReset, isolation } = this.options;
      this.#member = this.#context.client.groupConsumer({
        groupId,
        topics,
        autoOffsetReset,
        isolation,
        autoCommit: false,
        prefetchBytes: PREFETCH_BYTES,
        // It stays a member between polls; the idle time of the instance ends it.
        maxPollIntervalMs: 24 * 60 * 60 * 1000,
      });
      // It becomes a member now, not at the first poll.
      this.#member.joinGroup({ signal: this.#closing.signal }).catch(() => {});
      return;
    }
    await member.addTopics(topics);
    const gone = member.topics.filter((topic) => !topics.includes(topic));
    if (gone.length > 0) await member.removeTopics(gone);
  }

  /** Leaves the group, and forgets assigned partitions. */
  async unsubscribe(): Promise<void> {
    const member = this.#member;
    this.#member = undefined;
    this.#assigned = undefined;
    this.#rest = [];
    this.#delivered.clear();
    await member?.close();
  }

  /**
   * Reads these partitions, from the group's committed offsets.
   *
   * @throws {HttpError} 409 if it is subscribed to topics.
   */
  async assign(partitions: readonly TopicPartition[]): Promise<void> {
    if (this.#member !== undefined) throw alreadyDone("it is subscribed to topics");
    const committed = await this.committed(partitions);
    const reader = new AssignedReader(this.#context.reader, this.options.isolation);
    for (const place of partitions) {
      const found = committed.find(({ topic, partition }) =>
        topic === place.topic && partition === place.partition
      );
      const offset = found?.offset ?? await this.#lookUp(place, this.options.autoOffsetReset);
      reader.seek(place, offset);
    }
    this.#assigned = reader;
    this.#rest = [];
  }

  /**
   * Continues at a place in a partition.
   *
   * @throws {HttpError} 409 if the partition is not assigned.
   */
  async seek(place: TopicPartition, at: number | "earliest" | "latest" | { timestamp: number }) {
    const offset = typeof at === "number" ? at : await this.#lookUp(place, at);
    const isIts = this.#assigned?.has(place) ??
      this.#member?.assignment.some((held) => isSame(held, place)) ?? false;
    if (!isIts) {
      throw new HttpError(409, `Partition ${place.topic}-${place.partition} is not assigned`, {
        errorCode: 40903,
      });
    }
    this.#assigned?.seek(place, offset);
    await this.#member?.seek(place.topic, place.partition, offset);
    this.#rest = this.#rest.filter((message) => !isSame(message, place));
  }

  /**
   * Delivers records: those before `maxBytes`, or at least one; none if none come in time.
   *
   * @throws {HttpError} 409 if there is nothing to read from.
   */
  poll<T>(timeoutMs: number, maxBytes: number, deliver: (message: Message) => T): Promise<T[]> {
    const untilMs = this.#nowMs() + timeoutMs;
    const turn = this.#polling.then(() => this.#poll(untilMs, maxBytes, deliver));
    this.#polling = turn.catch(() => {});
    return turn;
  }

  /** Commits offsets; without any, those after all that was delivered. */
  async commit(offsets?: readonly OffsetToCommit[]): Promise<void> {
    const wanted = offsets ?? [...this.#delivered.values()];
    if (offsets === undefined) this.#delivered = new Map();
    this.#committedMs = this.#nowMs();
    if (wanted.length === 0) return;
    const member = this.#member;
    if (member !== undefined) {
      await Promise.all(
        wanted.map(({ topic, partition, offset, metadata }) =>
          member.commitOffset(topic, partition, offset, metadata)
        ),
      );
    } else {
      await this.#context.admin.alterGroupOffsets(
        this.options.group,
        wanted.map(({ topic, partition, offset, metadata }) => ({
          topic,
          partition,
          offset,
          ...(metadata === undefined ? {} : { metadata }),
        })),
      );
    }
  }

  /** The offsets that the group has committed of some partitions, or of all. */
  async committed(
    partitions?: readonly TopicPartition[],
  ): Promise<(OffsetToCommit & { readonly metadata: string })[]> {
    const all = await this.#context.admin.listGroupOffsets(this.options.group);
    return all.filter((offset) =>
      offset.offset >= 0 && (partitions?.some((place) => isSame(place, offset)) ?? true)
    );
  }

  /** Leaves the group. With auto-commit, what was delivered is committed. */
  async close(): Promise<void> {
    this.#closing.abort(new DOMException("The consumer is closed", "AbortError"));
    if (this.options.autoCommit) await this.commit().catch(() => {});
    await this.#member?.close();
  }

  async #poll<T>(
    untilMs: number,
    maxBytes: number,
    deliver: (message: Message) => T,
  ): Promise<T[]> {
    if (this.#member === undefined && this.#assigned === undefined) {
      throw new HttpError(409, "The consumer is not subscribed, and has no assigned partitions", {
        errorCode: 40903,
      });
    }
    await this.#autoCommit();
    await this.#refresh();
    const results: T[] = [];
    let bytes = 0;
    for (;;) {
      while (this.#rest.length > 0) {
        const message = this.#rest[0]!;
        const size = Math.max(0, message.keySize) + Math.max(0, message.valueSize);
        if (results.length > 0 && bytes + size > maxBytes) return results;
        if (this.#isHeld(message)) {
          results.push(deliver(message));
          bytes += size;
          this.#note(message);
        }
        this.#rest.shift();
      }
      const leftMs = untilMs - this.#nowMs();
      if (results.length > 0 && (bytes >= this.options.minBytes || leftMs <= 0)) return results;
      if (leftMs <= 0 && results.length === 0 && this.#closing.signal.aborted) return results;
      const messages = await this.#read(Math.max(0, leftMs));
      if (messages.length === 0 && untilMs - this.#nowMs() <= 0) return results;
      this.#rest = messages;
    }
  }

  #read(timeoutMs: number): Promise<Message[]> {
    const { signal } = this.#closing;
    return this.#assigned?.poll(timeoutMs, signal) ??
      this.#member?.poll(POLL_COUNT, { timeoutMs, signal }) ?? Promise.resolve([]);
  }

  /** Whether a record is of a partition that it still has. */
  #isHeld(message: Message): boolean {
    return this.#assigned?.has(message) ??
      this.#member?.assignment.some((held) => isSame(held, message)) ?? false;
  }

  #note({ topic, partition, offset }: Message): void {
    this.#delivered.set(`${partition}/${topic}`, { topic, partition, offset: offset + 1 });
  }

  async #autoCommit(): Promise<void> {
    if (!this.options.autoCommit) return;
    if (this.#nowMs() - this.#committedMs >= AUTO_COMMIT_MS) await this.commit();
  }

  /** Subscribes to topics that have come to match. */
  async #refresh(): Promise<void> {
    if (this.#findMore === undefined || this.#nowMs() - this.#foundMs < REFRESH_MS) return;
    this.#foundMs = this.#nowMs();
    const known = new Set(this.topics);
    const more = (await this.#findMore()).filter((topic) => !known.has(topic));
    if (more.length > 0) await this.#member?.addTopics(more);
  }

  async #lookUp(
    { topic, partition }: TopicPartition,
    at: "earliest" | "latest" | { timestamp: number },
  ): Promise<number> {
    const options = { partitions: [partition], isolation: this.options.isolation };
    const [found] = await this.#context.admin.listOffsets(topic, at, options);
    if (found!.offset >= 0) return found!.offset;
    const [end] = await this.#context.admin.listOffsets(topic, "latest", options);
    return end!.offset;
  }

  #nowMs(): number {
    return this.#context.broker.clock.monotonic();
  }
}

function isSame(a: TopicPartition, b: TopicPartition): boolean {
  return a.topic === b.topic && a.partition === b.partition;
}

function alreadyDone(what: string): HttpError {
  return new HttpError(409, `The consumer cannot do that: ${what}; delete the subscription first`, {
    errorCode: 40901,
  });
}
