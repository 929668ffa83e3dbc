/**
 * A session with etcd: a lease that is kept alive, and a key that proves it.
 *
 * Once a second the lease is renewed and the session's key is read, at the same member. A member
 * that was paused may confirm a renewal without being entitled to, or a lease that was revoked;
 * reading requires a majority of the members. Only if both responses are of the same term does the
 * deadline move, to 90% of the time to live after the renewal was sent. After the deadline the
 * session may still exist, but is no longer certain to.
 *
 * @module
 */

import type { Logger } from "../../logger.ts";
import type { Clock } from "../../time/clock.ts";
import type { MetadataSession } from "../metadata_store.ts";
import { toBase64 } from "./encoding.ts";
import { EtcdCode, EtcdError, EtcdRestoredError } from "./etcd_error.ts";
import type { EtcdAnswer, EtcdGateway } from "./etcd_gateway.ts";

/** Options of {@linkcode EtcdSession.open}. */
export interface EtcdSessionOptions {
  readonly gateway: EtcdGateway;
  /** Prefix of its key. */
  readonly prefix: string;
  readonly ttlMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called once, when the session has ended. */
  onEnd(session: EtcdSession): void;
}

/** Interval of renewals, and delay after one without a response. */
const RENEW_MS = 1000;
const RETRY_MS = 100;
/** The fraction of the time to live that is relied on. */
const CERTAIN = 0.9;
/**
 * Tolerated lead of the wall clock over the monotonic one, which stops while the machine is
 * suspended.
 */
const MAX_DRIFT_MS = 500;
/** Attempts to revoke the lease, which otherwise expires. */
const MAX_REVOKE_ATTEMPTS = 2;

/** A session that lasts while it is renewed. */
export class EtcdSession implements MetadataSession {
  readonly #options: EtcdSessionOptions;
  readonly #key: string;
  readonly #lost: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #ending = new AbortController();
  #deadline: number;
  /** Lead of the wall clock over the monotonic one. */
  #drift: number;
  #timer: number | undefined;
  /** Whether the log says that the session is past its deadline. */
  #isWarned = false;
  #confirming: Promise<boolean> | undefined;
  #hasLapsed = false;

  /** The lease's. */
  readonly name: string;

  private constructor(options: EtcdSessionOptions, lease: string, key: string, sentMs: number) {
    this.#options = options;
    this.name = lease;
    this.#key = key;
    this.#deadline = sentMs + options.ttlMs * CERTAIN;
    this.#drift = this.#driftNow();
    this.#schedule(RENEW_MS);
  }

  /** Grants a lease. */
  static async open(options: EtcdSessionOptions): Promise<EtcdSession> {
    const { gateway, clock, ttlMs, prefix } = options;
    const sentMs = clock.monotonic();
    const granted = await gateway.call("/v3/lease/grant", { TTL: String(Math.ceil(ttlMs / 1000)) });
    const lease = String(granted.ID);
    const key = prefix + lease;
    await gateway.call("/v3/kv/put", { key: toBase64(key), value: "", lease });
    return new EtcdSession(options, lease, key, sentMs);
  }

  get deadline(): number {
    return this.#ending.signal.aborted ? -Infinity : this.#deadline;
  }

  get isCertain(): boolean {
    const { clock, gateway } = this.#options;
    return !this.#ending.signal.aborted && clock.monotonic() < this.#deadline &&
      this.#driftNow() - this.#drift < MAX_DRIFT_MS && gateway.failure === undefined;
  }

  get hasLapsed(): boolean {
    return this.#hasLapsed;
  }

  get lost(): Promise<void> {
    return this.#lost.promise;
  }

  confirm(): Promise<boolean> {
    if (this.#ending.signal.aborted) return Promise.resolve(false);
    return this.#confirming ??= this.#confirm().finally(() => this.#confirming = undefined);
  }

  async end(): Promise<void> {
    if (this.#ending.signal.aborted) return;
    this.#finish();
    const { gateway } = this.#options;
    for (let attempt = 1; attempt <= MAX_REVOKE_ATTEMPTS; attempt++) {
      try {
        await gateway.call("/v3/lease/revoke", { ID: this.name });
        return;
      } catch (error) {
        if (error instanceof EtcdError || gateway.closed.aborted) return;
      }
    }
  }

  async #confirm(): Promise<boolean> {
    const { gateway, clock, ttlMs } = this.#options;
    const { endpoint } = gateway;
    const { signal } = this.#ending;
    const sentMs = clock.monotonic();
    const drift = this.#driftNow();
    const renewed = await gateway.call("/v3/lease/keepalive", { ID: this.name }, {
      endpoint,
      signal,
    });
    const renewal = renewed.result as EtcdAnswer | undefined;
    if (renewal === undefined || Number(renewal.TTL ?? 0) <= 0) return this.#isLost();
    const key = toBase64(this.#key);
    const read = await gateway.call("/v3/kv/range", { key }, { endpoint, signal });
    if (Number(read.count ?? 0) === 0) return this.#isLost();
    if (gateway.header(renewal).raftTerm !== gateway.header(read).raftTerm) return this.isCertain;
    this.#deadline = sentMs + ttlMs * CERTAIN;
    this.#drift = drift;
    return true;
  }

  #isLost(): false {
    this.#finish();
    return false;
  }

  #finish(): void {
    if (this.#ending.signal.aborted) return;
    this.#hasLapsed = !this.isCertain;
    this.#ending.abort();
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#options.onEnd(this);
    this.#lost.resolve();
  }

  #schedule(ms: number): void {
    if (this.#ending.signal.aborted) return;
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#timer = undefined;
      this.confirm().then(
        () => {
          this.#noteAnswer();
          this.#schedule(RENEW_MS);
        },
        (error) => {
          this.#noteSilence(error);
          const isGone = error instanceof EtcdError && error.code === EtcdCode.notFound;
          if (isGone || error instanceof EtcdRestoredError) this.#finish();
          else this.#schedule(RETRY_MS);
        },
      );
    }, ms);
  }

  #noteSilence(error: unknown): void {
    if (this.#isWarned || this.isCertain || this.#ending.signal.aborted) return;
    this.#isWarned = true;
    this.#options.logger.warn(
      "Cannot reach the metadata store: until it answers, nothing can be changed, and partitions are " +
        "served only while all their in-sync replicas follow this broker",
      { error },
    );
  }

  #noteAnswer(): void {
    if (!this.#isWarned || !this.isCertain) return;
    this.#isWarned = false;
    this.#options.logger.info("The metadata store answers again");
  }

  #driftNow(): number {
    const { clock } = this.#options;
    return clock.now() - clock.monotonic();
  }
}
