/**
 * This broker's registration with its cluster: the key `brokers/<id>` with the broker's address,
 * and the session that the key belongs to.
 *
 * After the session's deadline the broker is fenced: another may have taken over, so it neither
 * acknowledges nor serves anything. If the session turns out to exist, the fence is lifted. A lost
 * session is replaced, and the broker registers again.
 *
 * @module
 */

import { type BrokerEndpoints, decodeEndpoints, encodeEndpoints } from "./broker_endpoints.ts";
import type { Logger } from "../logger.ts";
import type { Clock } from "../time/clock.ts";
import {
  type MetadataChange,
  type MetadataExpectation,
  type MetadataSession,
  type MetadataStore,
  RevisionConflictError,
} from "../metadata/metadata_store.ts";

/** Where a broker is. */
export interface BrokerAddress extends BrokerEndpoints {
  readonly rack: string | null;
}

/** What a broker registers. */
export interface RegisteredBroker extends BrokerAddress {
  /** Settings of its configuration that other brokers go by, unless they were changed at run time. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Identifies a process of a broker and its data. */
export interface BrokerIdentity {
  /** Id of the data folder. */
  readonly directoryId: string;
  /** The commit that assigned the broker id to that folder. */
  readonly directoryRevision: number;
  /** Unique to this process. */
  readonly incarnation: string;
  /** The program's version. */
  readonly version: string;
  /** Whether the data folder was not closed by the process before this one. */
  readonly hasCrashed?: boolean;
}

/** The value of the key of the data folder that has a broker's number. */
export interface DirectoryValue {
  readonly directoryId: string;
  /** The process that registered last on it; undefined if none has. */
  readonly incarnation?: string;
  /** The rack that it registered with; undefined for none. */
  readonly rack?: string;
}

/** Options of a registration. */
export interface RegistrationOptions {
  readonly store: MetadataStore;
  readonly nodeId: number;
  /** The broker's identity; required if several brokers use the store. */
  readonly identity?: BrokerIdentity | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Another process is registered under the broker's number. */
export class NumberTakenError extends Error {
  override name = "NumberTakenError";
}

/** Prefix of the keys of brokers. */
export const BROKERS_PREFIX = "brokers/";
/** Prefix of the keys of data folders. */
export const DIRECTORIES_PREFIX = "directories/";

/** Time after which the registration of an unresponsive broker is deleted. */
export const SESSION_TTL_MS = 6000;
/** Interval of looking whether the fence is lifted, while something waits for it. */
const FENCE_CHECK_MS = 50;
const MIN_RETRY_MS = 1000;
/** Delay before a broker returns that had not heard of the store: with all others, most likely. */
const RETURN_MS = 50;
const MAX_RETRY_MS = 30_000;

const ENCODER = new TextEncoder();

/** One broker's registration. */
export class Registration {
  readonly #options: RegistrationOptions;
  #session: MetadataSession | undefined;
  #address: RegisteredBroker | undefined;
  #epoch = 0;
  #lastEpoch = 0;
  #timer: number | undefined;
  /** Those who wait for the end of a fence. */
  readonly #waiting: Set<{ readonly isOver: () => boolean; readonly resolve: () => void }> =
    new Set();
  #fenceTimer: number | undefined;
  #retryMs = MIN_RETRY_MS;
  /** The commit that registered the process for the first time; 0 if none has. */
  #firstEpoch = 0;
  readonly #isExpiring: boolean;
  #isClosed = false;
  /** Called with each session after the first. */
  onRenewed: () => void = () => {};
  /** Awaited before the broker registers again; it is called again later if it fails. */
  beforeReturn: () => Promise<void> = () => Promise.resolve();

  private constructor(options: RegistrationOptions, session: MetadataSession) {
    this.#options = options;
    this.#isExpiring = session.deadline !== Infinity;
    this.#use(session);
  }

  /** Begins a session. */
  static async open(options: RegistrationOptions): Promise<Registration> {
    return new Registration(options, await options.store.session(SESSION_TTL_MS));
  }

  /** The current session, if there is one. */
  get session(): MetadataSession | undefined {
    return this.#session;
  }

  /** The broker epoch; 0 while the broker is not registered. */
  get epoch(): number {
    return this.#session === undefined ? 0 : this.#epoch;
  }

  /** The last broker epoch, also after the session of it; 0 if there was none. */
  get lastEpoch(): number {
    return this.#lastEpoch;
  }

  /** The precondition of a commit that only the registered broker may make. */
  get expectation(): MetadataExpectation {
    return { key: `${BROKERS_PREFIX}${this.#options.nodeId}`, revision: this.#epoch };
  }

  /** Whether the session ends if it is not confirmed in time. */
  get isExpiring(): boolean {
    return this.#isExpiring;
  }

  /** Whether another broker may have taken over. */
  get isFenced(): boolean {
    return this.#session?.isCertain !== true;
  }

  /** Resolves when a fence is over, which only time brings about and nothing announces, or on closing. */
  async unfenced(isOver: () => boolean): Promise<void> {
    if (isOver() || this.#isClosed) return;
    await new Promise<void>((resolve) => {
      this.#waiting.add({ isOver, resolve });
      if (this.#fenceTimer === undefined) this.#checkFences();
    });
  }

  #checkFences(): void {
    for (const waiter of this.#waiting) {
      if (!this.#isClosed && !waiter.isOver()) continue;
      this.#waiting.delete(waiter);
      waiter.resolve();
    }
    this.#fenceTimer = this.#waiting.size === 0
      ? undefined
      : this.#options.clock.setTimeout(() => this.#checkFences(), FENCE_CHECK_MS);
  }

  /**
   * Registers the broker's address.
   *
   * @param known The address in the store, if any.
   * @returns The revision at which a watch shows the registration; 0 if nothing changed.
   */
  async register(address: RegisteredBroker, known: BrokerAddress | undefined): Promise<number> {
    this.#address = address;
    const session = this.#session;
    // A registration of an earlier process is still valid if sessions of this store do not expire.
    if (session === undefined) return 0;
    const isSame = known !== undefined && isSameAddress(address, known);
    const isOnlyBroker = this.#options.identity === undefined;
    if (isSame && isOnlyBroker && session.deadline === Infinity) return 0;
    return await this.#register(address, session);
  }

  /**
   * Ends the session if the registration has been changed or deleted.
   *
   * @param revision The revision of the change; that of an earlier registration may be reported late.
   */
  changed(revision: number): void {
    const session = this.#session;
    if (this.#options.identity === undefined || session === undefined || this.#epoch === 0) return;
    if (revision <= this.#epoch) return;
    session.end().catch(() => {});
  }

  /** Stops renewing. The session, and what is under way, ends with the store. */
  close(): void {
    this.#isClosed = true;
    const { clock } = this.#options;
    if (this.#timer !== undefined) clock.clearTimeout(this.#timer);
    if (this.#fenceTimer === undefined) return;
    clock.clearTimeout(this.#fenceTimer);
    this.#checkFences();
  }

  /** Ends the session, with the registration, and begins no other one. */
  async withdraw(): Promise<void> {
    this.close();
    const session = this.#session;
    this.#session = undefined;
    this.#epoch = 0;
    await session?.end();
  }

  async #register(
    { rack, settings = {}, ...address }: RegisteredBroker,
    session: MetadataSession,
  ): Promise<number> {
    const { store, nodeId, identity } = this.#options;
    const key = `${BROKERS_PREFIX}${nodeId}`;
    const where = encodeEndpoints(address);
    if (identity === undefined) {
      return await store.commit([{ key, value: encode({ ...where, rack }), session }]);
    }
    const { directoryRevision, hasCrashed = false, ...who } = identity;
    const directoryKey = `${DIRECTORIES_PREFIX}${nodeId}`;
    const first = this.#firstEpoch === 0;
    // The number must still be the folder's, and no other process registered on it.
    const expect = [
      { key: directoryKey, revision: first ? directoryRevision : this.#firstEpoch },
      { key, revision: 0 },
    ];
    // A process that registers again has kept what it had.
    const crash = hasCrashed && first ? { hasCrashed } : {};
    const shared = Object.keys(settings).length === 0 ? {} : { settings };
    const value = encode({ ...where, rack, ...who, ...crash, ...shared, session: session.name });
    const changes: MetadataChange[] = [{ key, value, session }];
    if (first) {
      const { directoryId, incarnation } = identity;
      const directory: DirectoryValue = {
        directoryId,
        incarnation,
        ...(rack === null ? {} : { rack }),
      };
      changes.push({ key: directoryKey, value: encode(directory) });
    }
    try {
      this.#epoch = this.#lastEpoch = await store.commit(changes, { expect });
      if (first) this.#firstEpoch = this.#epoch;
      return this.#epoch;
    } catch (error) {
      if (!(error instanceof RevisionConflictError)) throw error;
      throw new NumberTakenError(
        `Cannot register as broker ${nodeId}: another process has registered under that number; ` +
          "stop one of the two, or give this one another data folder and node.id",
        { cause: error },
      );
    }
  }

  #use(session: MetadataSession): void {
    this.#session = session;
    session.lost.then(() => {
      if (this.#isClosed || this.#session !== session) return;
      this.#session = undefined;
      this.#epoch = 0;
      this.#options.logger.warn(
        "Lost the session with the metadata store: fenced until registered",
      );
      this.#renewLater(session.hasLapsed === true ? RETURN_MS : this.#retryMs);
    });
  }

  async #renew(): Promise<void> {
    const { store, logger } = this.#options;
    let session: MetadataSession | undefined;
    try {
      await this.beforeReturn();
      if (this.#isClosed) return;
      session = await store.session(SESSION_TTL_MS);
      if (this.#isClosed) return;
      if (this.#address !== undefined) await this.#register(this.#address, session);
      if (this.#isClosed) return;
      this.#use(session);
      this.#retryMs = MIN_RETRY_MS;
      logger.info("Registered again");
      this.onRenewed();
    } catch (error) {
      // Keys that may have been registered with this session must not remain.
      session?.end().catch(() => {});
      if (this.#isClosed) return;
      logger.warn("Cannot register with the metadata store", { error });
      this.#renewLater(this.#retryMs);
    }
  }

  #renewLater(ms: number): void {
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#timer = undefined;
      this.#renew();
    }, ms);
    this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
  }
}

function isSameAddress(a: BrokerAddress, b: BrokerAddress): boolean {
  const text = (address: BrokerAddress) => JSON.stringify(decodeEndpoints(address));
  return a.rack === b.rack && text(a) === text(b);
}

function encode(value: object): Uint8Array {
  return ENCODER.encode(JSON.stringify(value));
}
