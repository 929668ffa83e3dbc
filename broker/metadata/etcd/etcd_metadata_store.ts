/**
 * A cluster's metadata in etcd, shared by its brokers. The keys of different clusters of brokers do
 * not overlap:
 *
 *     /dqueue/<name>/<key>                    the metadata
 *     /dqueue/.commits/<name>/<process>/<n>   commit slots (`commit_slots.ts`)
 *     /dqueue/<name>/sessions/<lease>         sessions (`etcd_session.ts`)
 *
 * @module
 */

import type { Logger } from "../../logger.ts";
import type { Clock } from "../../time/clock.ts";
import {
  type AbortOptions,
  checkCommitSize,
  type CommitOptions,
  type MetadataChange,
  type MetadataEntry,
  type MetadataEvent,
  type MetadataSession,
  type MetadataSnapshot,
  type MetadataStore,
  MetadataStoreClosedError,
  type MetadataStoreHealth,
  RevisionConflictError,
  SESSIONS_PREFIX,
} from "../metadata_store.ts";
import { CommitSlots, compareRevision, type Outcome, rangeRequest } from "./commit_slots.ts";
import { keyValuesOf, rangeOf, toBase64 } from "./encoding.ts";
import type { EtcdAddress } from "../../settings/etcd_address.ts";
import { EtcdCode, EtcdError, EtcdSilenceError } from "./etcd_error.ts";
import {
  type EtcdAnswer,
  type EtcdCredentials,
  EtcdGateway,
  type EtcdPosition,
  type EtcdTls,
} from "./etcd_gateway.ts";
import { EtcdExamination } from "./etcd_examination.ts";
import { EtcdSession } from "./etcd_session.ts";
import { watchEtcd } from "./etcd_watch.ts";

/** Options of {@linkcode EtcdMetadataStore.open}. */
export interface EtcdMetadataStoreOptions {
  readonly address: EtcdAddress;
  readonly credentials?: EtcdCredentials | undefined;
  readonly tls?: EtcdTls | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Time limit of one member's response. Default: 700 ms. */
  readonly timeoutMs?: number;
  /** Time limit for a response of any member. Default: 10 seconds. */
  readonly patienceMs?: number;
  /** A state of etcd seen before. */
  readonly seen?: EtcdPosition | undefined;
}

/** Keys per response of a read. */
const PAGE_SIZE = 1000;
const PATIENCE_MS = 10_000;
const PAUSE_MS = 50;

/** A metadata store in etcd. */
export class EtcdMetadataStore implements MetadataStore {
  readonly #options: EtcdMetadataStoreOptions;
  readonly #gateway: EtcdGateway;
  readonly #prefix: string;
  readonly #patienceMs: number;
  readonly #slots: CommitSlots;
  readonly #sessions: Set<EtcdSession> = new Set();
  readonly #examination: EtcdExamination;
  readonly #failed: PromiseWithResolvers<Error> = Promise.withResolvers();
  readonly #closing = new AbortController();
  /** The last revision known to have changed the metadata. */
  #changed = 0;

  readonly logState = undefined;

  private constructor(options: EtcdMetadataStoreOptions) {
    const { address, credentials, tls, clock, logger, timeoutMs } = options;
    this.#options = options;
    this.#patienceMs = options.patienceMs ?? PATIENCE_MS;
    const { endpoints, name } = address;
    const onFailure = this.#failed.resolve;
    this.#gateway = new EtcdGateway({ endpoints, credentials, tls, clock, timeoutMs, onFailure });
    this.#examination = new EtcdExamination({ gateway: this.#gateway, clock, logger });
    this.#prefix = `/dqueue/${name}/`;
    this.#slots = new CommitSlots({
      gateway: this.#gateway,
      prefix: `/dqueue/.commits/${name}/${crypto.randomUUID()}/`,
      patienceMs: this.#patienceMs,
      pause: () => this.#pause(),
      note: (answer) => this.#revisionOf(answer),
      monotonic: () => clock.monotonic(),
      isClosed: () => this.#closing.signal.aborted,
    });
  }

  /**
   * Connects to etcd.
   *
   * @throws {EtcdSilenceError} If no member responds.
   * @throws {EtcdError} If it is not etcd 3.4 or later, or does not authorize this broker.
   * @throws {EtcdRestoredError} If it is not in the state seen before, or a later one.
   */
  static async open(options: EtcdMetadataStoreOptions): Promise<EtcdMetadataStore> {
    const store = new EtcdMetadataStore(options);
    try {
      await store.get("cluster");
      if (options.seen !== undefined) store.#gateway.expect(options.seen);
      await store.#examination.start();
    } catch (error) {
      await store.close();
      throw error;
    }
    return store;
  }

  /** Prefix of its keys in etcd. */
  get prefix(): string {
    return this.#prefix;
  }

  /** The name of the cluster of brokers. */
  get name(): string {
    return this.#options.address.name;
  }

  /** The current member. */
  get endpoint(): string {
    return this.#gateway.endpoint;
  }

  /** The state of etcd last seen. */
  get position(): EtcdPosition {
    return this.#gateway.position;
  }

  get health(): MetadataStoreHealth {
    return this.#examination.health;
  }

  get failed(): Promise<Error> {
    return this.#failed.promise;
  }

  async read(): Promise<MetadataSnapshot> {
    this.#ensureOpen();
    for (;;) {
      try {
        return await this.#read();
      } catch (error) {
        // The revision at which the pages were read has been compacted.
        if (!(error instanceof EtcdError) || error.code !== EtcdCode.outOfRange) throw error;
      }
    }
  }

  async get(key: string): Promise<MetadataEntry | undefined> {
    this.#ensureOpen();
    const answer = await this.#ask("/v3/kv/range", { key: toBase64(this.#prefix + key) });
    const entry = keyValuesOf(answer)[0]?.entry;
    this.#noteSeen(entry);
    return entry;
  }

  async commit(
    changes: readonly MetadataChange[],
    { expect = [] }: CommitOptions = {},
  ): Promise<number> {
    this.#ensureOpen();
    checkCommitSize(changes, expect);
    const outcome = await this.#slots.commit({
      compare: expect.map(({ key, revision }) => compareRevision(this.#prefix + key, revision)),
      success: changes.map((change) => this.#requestFor(change)),
      failure: expect.map(({ key }) => rangeRequest(this.#prefix + key)),
    });
    if (outcome.hasSucceeded) return this.#noteChange(changes, outcome);
    for (const [index, expectation] of expect.entries()) {
      const found = keyValuesOf(outcome.responses![index]!.response_range as EtcdAnswer);
      const current = found[0]?.entry;
      if ((current?.revision ?? 0) === expectation.revision) continue;
      this.#noteSeen(current);
      throw new RevisionConflictError(expectation, current, outcome.revision);
    }
    throw new EtcdSilenceError("etcd refused a commit without a reason");
  }

  async *watch(from: number, { signal }: AbortOptions): AsyncGenerator<MetadataEvent, void> {
    const closing = this.#closing.signal;
    const events = watchEtcd({
      gateway: this.#gateway,
      prefix: this.#prefix,
      from,
      clock: this.#options.clock,
      signals: signal === undefined ? [closing] : [signal, closing],
      expected: () => this.#changed,
    });
    for await (const { revision, changes: all } of events) {
      const changes = all
        .map(({ key, entry }) => ({ key: key.slice(this.#prefix.length), entry }))
        .filter(({ key }) => !key.startsWith(SESSIONS_PREFIX));
      if (changes.length > 0) yield { revision, changes };
    }
  }

  async session(ttlMs: number): Promise<MetadataSession> {
    this.#ensureOpen();
    const { clock, logger } = this.#options;
    const session = await EtcdSession.open({
      gateway: this.#gateway,
      prefix: this.#prefix + SESSIONS_PREFIX,
      ttlMs,
      clock,
      logger,
      onEnd: (ended) => {
        this.#sessions.delete(ended);
        const [another] = this.#sessions;
        this.#slots.useLease(another?.name);
      },
    });
    this.#sessions.add(session);
    this.#slots.useLease(session.name);
    return session;
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#examination.close();
    await Promise.all([
      ...Array.from(this.#sessions, (session) => session.end()),
      this.#slots.close().catch(() => {}),
    ]);
    this.#gateway.close();
  }

  async #read(): Promise<MetadataSnapshot> {
    const entries = new Map<string, MetadataEntry>();
    const range = rangeOf(this.#prefix);
    let revision = 0;
    for (let from = range.key, hasMore = true; hasMore;) {
      const answer = await this.#ask("/v3/kv/range", {
        ...range,
        key: from,
        limit: String(PAGE_SIZE),
        ...(revision === 0 ? {} : { revision: String(revision) }),
      });
      if (revision === 0) revision = this.#revisionOf(answer);
      const page = keyValuesOf(answer);
      for (const { key, entry } of page) {
        const name = key.slice(this.#prefix.length);
        if (!name.startsWith(SESSIONS_PREFIX)) entries.set(name, entry);
      }
      hasMore = answer.more === true && page.length > 0;
      if (hasMore) from = toBase64(`${page.at(-1)!.key}\0`);
    }
    return { revision, entries };
  }

  #requestFor(change: MetadataChange): object {
    if ("prefix" in change) {
      return { request_delete_range: rangeOf(this.#prefix + change.prefix) };
    }
    const key = toBase64(this.#prefix + change.key);
    const { value, session } = change;
    if (value === null) return { request_delete_range: { key } };
    const put = { key, value: toBase64(value) };
    if (session === undefined) return { request_put: put };
    return { request_put: { ...put, lease: session.name } };
  }

  /** The revision at which a watch shows a commit. */
  #noteChange(
    changes: readonly MetadataChange[],
    { revision, responses }: Outcome,
  ): number {
    const hasChanged = changes.some(({ value }) => value !== null) ||
      responses?.some(({ response_delete_range: answer }) =>
          Number((answer as EtcdAnswer | undefined)?.deleted ?? 0) > 0
        ) === true;
    if (!hasChanged) return 0;
    this.#changed = Math.max(this.#changed, revision);
    return revision;
  }

  /** A watch that does not show what another response has shown is broken. */
  #noteSeen(entry: MetadataEntry | undefined): void {
    this.#changed = Math.max(this.#changed, entry?.revision ?? 0);
  }

  /** Calls one member after another until one responds. Only for idempotent requests. */
  async #ask(path: string, body: object): Promise<EtcdAnswer> {
    const { clock } = this.#options;
    const untilMs = clock.monotonic() + this.#patienceMs;
    for (;;) {
      try {
        return await this.#gateway.call(path, body);
      } catch (error) {
        this.#ensureOpen();
        if (!(error instanceof EtcdSilenceError)) throw error;
        if (clock.monotonic() >= untilMs) {
          throw new EtcdSilenceError(
            `Cannot use the metadata in etcd at ${this.#gateway}: ${error.message}; ` +
              "check that a majority of its members runs and can be reached",
            { cause: error },
          );
        }
        await this.#pause();
      }
    }
  }

  #revisionOf(answer: EtcdAnswer): number {
    return this.#gateway.header(answer).revision;
  }

  #pause(): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve) => clock.setTimeout(resolve, PAUSE_MS));
  }

  #ensureOpen(): void {
    if (this.#closing.signal.aborted) {
      throw new MetadataStoreClosedError("Cannot use metadata: the store is closed");
    }
  }
}
