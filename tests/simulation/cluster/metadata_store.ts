/**
 * One broker's access to the metadata store, over a network on which requests and answers are late
 * or lost.
 *
 * It promises what `EtcdMetadataStore` promises: a commit happens once or not at all, and if it is not
 * known which, the broker is told so after a while. It may still happen later.
 *
 * @module
 */

import {
  type AbortOptions,
  checkCommitSize,
  type CommitOptions,
  type MetadataChange,
  type MetadataEntry,
  type MetadataEvent,
  type MetadataSession,
  type MetadataSnapshot,
  MetadataStoreClosedError,
  RevisionCompactedError,
} from "../../../broker/metadata/metadata_store.ts";
import { CommitUnknownError, EtcdSilenceError } from "../../../broker/metadata/etcd/etcd_error.ts";
import type { SharedStore, StorePosition } from "../../../broker/mod.ts";
import type { Random } from "../../../protocol/random_testing.ts";
import type { SimEtcd } from "./etcd.ts";
import type { Process } from "./process.ts";
import type { Timeline } from "./timeline.ts";

/** How badly a broker's requests to the store fare. */
export interface StoreWeather {
  /** Whether no request or answer gets through, in either direction. */
  isAway: boolean;
  /** Probability that an answer is lost, or a request carried out after the broker has given up. */
  lossRate: number;
  /** How much longer requests, answers and events take, at most. */
  lagMs: number;
  /** How much longer events take beyond that, at most. */
  watchLagMs: number;
  /** Probability that an event is sent twice. */
  echoRate: number;
  /** When the last of this ended: the true time, or Infinity. */
  badUntilMs: number;
}

/** What a broker's store needs. */
export interface SimMetadataStoreOptions {
  readonly etcd: SimEtcd;
  readonly timeline: Timeline;
  readonly process: Process;
  readonly weather: StoreWeather;
  random(): Random;
  /** Called with the session that the broker has from now on. */
  onSession?(session: SimSession): void;
}

const MIN_DELAY_MS = 0.3;
const USUAL_DELAY_MS = 2;
/** Time limit for an answer, after which a read fails and a commit's outcome is unknown. */
const PATIENCE_MS = 10_000;
/** Time limit of a request that is not repeated. */
const TIMEOUT_MS = 700;
/** How long after the broker has given up a commit may still happen. */
const MAX_LATENESS_MS = 3000;
/** Time after which a watch without a connection ends. */
const WATCH_TIMEOUT_MS = 3500;
const RETRY_MS = 50;
const RENEW_MS = 1000;
const RENEW_RETRY_MS = 100;
const CERTAIN = 0.9;
const MAX_DRIFT_MS = 500;

/** The id of the only store. */
export const STORE_ID = "simulated-etcd";

/** A store over a bad network. */
export class SimMetadataStore implements SharedStore {
  readonly #options: SimMetadataStoreOptions;
  readonly #closing = new AbortController();
  readonly #sessions: Set<SimSession> = new Set();
  #seen = 0;
  readonly logState = undefined;

  constructor(options: SimMetadataStoreOptions) {
    this.#options = options;
  }

  get position(): StorePosition {
    return { clusterId: STORE_ID, revision: this.#seen };
  }

  async read(): Promise<MetadataSnapshot> {
    return await this.#ask(() => this.#options.etcd.read());
  }

  async get(key: string): Promise<MetadataEntry | undefined> {
    return await this.#ask(() => this.#options.etcd.get(key));
  }

  async commit(
    changes: readonly MetadataChange[],
    { expect = [] }: CommitOptions = {},
  ): Promise<number> {
    this.#ensureOpen();
    checkCommitSize(changes, expect);
    const { etcd, process, weather } = this.#options;
    const random = this.#options.random();
    const untilMs = process.monotonic() + PATIENCE_MS;
    // Requests that got no answer are repeated under the same slot, so that one happens at most.
    let outcome: Outcome<number> | undefined;
    const apply = () => outcome ??= outcomeOf(() => etcd.commit(changes, expect));
    if (random.chance(weather.lossRate)) {
      this.#applyLate(apply, random);
      await this.#pause(random.below(MAX_LATENESS_MS));
      throw new CommitUnknownError("The store has not answered");
    }
    for (;;) {
      try {
        const result = await this.#call(apply);
        if ("error" in result) throw result.error;
        return result.value;
      } catch (error) {
        if (!(error instanceof EtcdSilenceError)) throw error;
        if (this.#closing.signal.aborted || process.monotonic() >= untilMs) {
          this.#applyLate(apply, random);
          throw new CommitUnknownError("The store has not answered", { cause: error });
        }
        await this.#pause(RETRY_MS);
      }
    }
  }

  /** The broker has given up; the request may have got through, or still be on its way. */
  #applyLate(apply: () => Outcome<number>, random: Random): void {
    const fate = random.below(3);
    if (fate === 0) return;
    this.#options.timeline.after(fate === 1 ? 0 : random.below(MAX_LATENESS_MS), apply);
  }

  async *watch(from: number, { signal }: AbortOptions): AsyncGenerator<MetadataEvent, void> {
    const { etcd, process, timeline, weather } = this.#options;
    const { compacted } = etcd;
    if (from < compacted) throw new RevisionCompactedError(from, compacted);
    const arrived: MetadataEvent[] = [];
    let wake: (() => void) | undefined;
    let hasEnded = false;
    let lastDueMs = 0;
    let passed = from;
    const end = () => {
      hasEnded = true;
      wake?.();
    };
    const closing = this.#closing.signal;
    const queue: MetadataEvent[] = [];
    const deliver = () => {
      if (hasEnded) return;
      if (weather.isAway) {
        timeline.after(RETRY_MS, deliver);
        return;
      }
      const event = queue.shift()!;
      process.enter(() => {
        arrived.push(event);
        if (this.#options.random().chance(weather.echoRate)) arrived.push(event);
        wake?.();
      });
    };
    const send = (event: MetadataEvent) => {
      queue.push(event);
      lastDueMs = Math.max(lastDueMs, timeline.nowMs + this.#delay(weather.watchLagMs));
      timeline.after(lastDueMs - timeline.nowMs, deliver);
    };
    const unwatch = etcd.watch(from, send);
    let silentSinceMs: number | undefined;
    const check = () => {
      if (hasEnded) return;
      if (!weather.isAway) silentSinceMs = undefined;
      else if (timeline.nowMs - (silentSinceMs ??= timeline.nowMs) > WATCH_TIMEOUT_MS) end();
      timer = process.setTimeout(check, 500);
    };
    let timer = process.setTimeout(check, 500);
    closing.addEventListener("abort", end);
    signal?.addEventListener("abort", end);
    if (closing.aborted || signal?.aborted) end();
    try {
      for (;;) {
        const event = arrived.shift();
        if (hasEnded) {
          if (closing.aborted || signal?.aborted === true) return;
          throw new EtcdSilenceError("etcd ended a watch");
        }
        if (event === undefined) {
          await new Promise<void>((resolve) => wake = resolve);
          continue;
        }
        // Events of one connection arrive in order, those after an interruption may not.
        if (event.revision < passed) continue;
        passed = event.revision;
        this.#seen = Math.max(this.#seen, passed);
        if (event.changes.length > 0) yield event;
      }
    } finally {
      hasEnded = true;
      unwatch();
      process.clearTimeout(timer);
      closing.removeEventListener("abort", end);
      signal?.removeEventListener("abort", end);
    }
  }

  async session(ttlMs: number): Promise<MetadataSession> {
    this.#ensureOpen();
    const { etcd, process } = this.#options;
    const sentMs = process.monotonic();
    const name = await this.#call(() => etcd.grant(ttlMs));
    const session = new SimSession({
      name,
      ttlMs,
      sentMs,
      process,
      keepAlive: () => this.#call(() => etcd.keepAlive(name)),
      revoke: () => this.#call(() => etcd.revoke(name)),
      onEnd: (ended) => this.#sessions.delete(ended),
    });
    this.#sessions.add(session);
    this.#options.onSession?.(session);
    return session;
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    await Promise.all(Array.from(this.#sessions, (session) => session.end()));
  }

  /** Sends an idempotent request until it is answered. */
  async #ask<T>(serve: () => T): Promise<T> {
    this.#ensureOpen();
    const { process } = this.#options;
    const untilMs = process.monotonic() + PATIENCE_MS;
    for (;;) {
      try {
        return await this.#call(serve);
      } catch (error) {
        this.#ensureOpen();
        if (!(error instanceof EtcdSilenceError) || process.monotonic() >= untilMs) throw error;
        await this.#pause(RETRY_MS);
      }
    }
  }

  /** Sends a request. */
  #call<T>(serve: () => T): Promise<T> {
    const { timeline, process, etcd, weather } = this.#options;
    return new Promise((resolve, reject) => {
      let timer: number | undefined = process.setTimeout(() => {
        timer = undefined;
        reject(new EtcdSilenceError("etcd has not answered in time"));
      }, TIMEOUT_MS);
      const back = (outcome: Outcome<T>, revision: number) => {
        process.enter(() => {
          if (timer === undefined) return;
          process.clearTimeout(timer);
          this.#seen = Math.max(this.#seen, revision);
          if ("error" in outcome) reject(outcome.error);
          else resolve(outcome.value);
        });
      };
      if (weather.isAway) return;
      timeline.after(this.#delay(), () => {
        if (weather.isAway) return;
        const outcome = outcomeOf(serve);
        const { revision } = etcd;
        timeline.after(this.#delay(), () => {
          if (!weather.isAway) back(outcome, revision);
        });
      });
    });
  }

  #delay(moreMs = 0): number {
    const random = this.#options.random();
    return MIN_DELAY_MS + random.next() * (USUAL_DELAY_MS + this.#options.weather.lagMs + moreMs);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.process.setTimeout(resolve, ms));
  }

  #ensureOpen(): void {
    if (!this.#closing.signal.aborted) return;
    throw new MetadataStoreClosedError("Cannot use metadata: the store is closed");
  }
}

type Outcome<T> = { readonly value: T } | { readonly error: unknown };

function outcomeOf<T>(serve: () => T): Outcome<T> {
  try {
    return { value: serve() };
  } catch (error) {
    return { error };
  }
}

interface SimSessionOptions {
  readonly name: string;
  readonly ttlMs: number;
  readonly sentMs: number;
  readonly process: Process;
  keepAlive(): Promise<boolean>;
  revoke(): Promise<void>;
  onEnd(session: SimSession): void;
}

/** A session that lasts while it is renewed, with the rules of `EtcdSession`. */
export class SimSession implements MetadataSession {
  readonly #options: SimSessionOptions;
  readonly #lost: PromiseWithResolvers<void> = Promise.withResolvers();
  #deadline: number;
  #drift: number;
  #timer: number | undefined;
  #hasEnded = false;
  #hasLapsed = false;
  /** How often it was renewed. */
  renewals = 0;

  constructor(options: SimSessionOptions) {
    this.#options = options;
    this.#deadline = options.sentMs + options.ttlMs * CERTAIN;
    this.#drift = this.#driftNow();
    this.#schedule(RENEW_MS);
  }

  get name(): string {
    return this.#options.name;
  }

  get deadline(): number {
    return this.#hasEnded ? -Infinity : this.#deadline;
  }

  get isCertain(): boolean {
    return !this.#hasEnded && this.#options.process.monotonic() < this.#deadline &&
      this.#driftNow() - this.#drift < MAX_DRIFT_MS;
  }

  get hasLapsed(): boolean {
    return this.#hasLapsed;
  }

  get lost(): Promise<void> {
    return this.#lost.promise;
  }

  async confirm(): Promise<boolean> {
    if (this.#hasEnded) return false;
    const { process, ttlMs, keepAlive } = this.#options;
    const sentMs = process.monotonic();
    const drift = this.#driftNow();
    if (!await keepAlive()) {
      this.#finish();
      return false;
    }
    if (this.#hasEnded) return false;
    this.#deadline = sentMs + ttlMs * CERTAIN;
    this.#drift = drift;
    this.renewals++;
    return true;
  }

  async end(): Promise<void> {
    if (this.#hasEnded) return;
    this.#finish();
    try {
      await this.#options.revoke();
    } catch {
      // It expires.
    }
  }

  #finish(): void {
    if (this.#hasEnded) return;
    this.#hasLapsed = !this.isCertain;
    this.#hasEnded = true;
    if (this.#timer !== undefined) this.#options.process.clearTimeout(this.#timer);
    this.#options.onEnd(this);
    this.#lost.resolve();
  }

  #schedule(ms: number): void {
    if (this.#hasEnded) return;
    this.#timer = this.#options.process.setTimeout(() => {
      this.#timer = undefined;
      this.confirm().then(() => this.#schedule(RENEW_MS), () => this.#schedule(RENEW_RETRY_MS));
    }, ms);
  }

  #driftNow(): number {
    return this.#options.process.now() - this.#options.process.monotonic();
  }
}
