/**
 * This broker's registration with its cluster: the key `brokers/<id>`, which says where the broker is
 * reached, and the session that the key lasts for.
 *
 * Past the session's deadline the broker is fenced: another may have been put in its place, so it
 * acknowledges nothing and answers for nothing. A session that turns out to live on ends the fence. One
 * that is lost is replaced, and the broker registers again.
 *
 * @module
 */

import type { Logger } from "../logger.ts";
import type { Clock } from "../time/clock.ts";
import type { MetadataSession, MetadataStore } from "./metadata_store.ts";

/** Where a broker is reached. */
export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

/** Which process of a broker it is, and on which data. */
export interface BrokerIdentity {
  /** Id of the data folder. */
  readonly directoryId: string;
  /** The commit that gave the broker's number to that folder. */
  readonly directoryRevision: number;
  /** Of this process alone. */
  readonly incarnation: string;
  /** The program's version. */
  readonly version: string;
}

/** What a registration needs. */
export interface RegistrationOptions {
  readonly store: MetadataStore;
  readonly nodeId: number;
  /** Who the broker is; needed where a store has several. */
  readonly identity?: BrokerIdentity | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What keys of brokers begin with. */
export const BROKERS_PREFIX = "brokers/";
/** What keys of data folders begin with. */
export const DIRECTORIES_PREFIX = "directories/";

/** How long the store keeps the registration of a broker that has gone silent. */
export const SESSION_TTL_MS = 6000;
const MIN_RETRY_MS = 1000;
const MAX_RETRY_MS = 30_000;

const ENCODER = new TextEncoder();

/** One broker's registration. */
export class Registration {
  readonly #options: RegistrationOptions;
  #session: MetadataSession | undefined;
  #address: BrokerAddress | undefined;
  #timer: number | undefined;
  #retryMs = MIN_RETRY_MS;
  #renewing: Promise<void> | undefined;
  #isClosed = false;
  /** Called with each session after the first. */
  onRenewed: () => void = () => {};

  private constructor(options: RegistrationOptions, session: MetadataSession) {
    this.#options = options;
    this.#use(session);
  }

  /** Begins a session. */
  static async open(options: RegistrationOptions): Promise<Registration> {
    return new Registration(options, await options.store.session(SESSION_TTL_MS));
  }

  /** The session; undefined while there is none. */
  get session(): MetadataSession | undefined {
    return this.#session;
  }

  /** Whether another broker may have been put in this one's place. */
  get isFenced(): boolean {
    return this.#session?.isCertain !== true;
  }

  /**
   * Says where the broker is reached.
   *
   * @param known What the store has for it.
   * @returns The revision at which a watch shows it; 0 if there was nothing to change.
   */
  async register(address: BrokerAddress, known: BrokerAddress | undefined): Promise<number> {
    const { host, port, rack } = address;
    this.#address = address;
    const session = this.#session;
    // What the store has of an earlier life is as good, if its sessions do not end.
    if (session === undefined) return 0;
    const isSame = known?.host === host && known.port === port && known.rack === rack;
    if (isSame && session.deadline === Infinity) return 0;
    return await this.#register(address, session);
  }

  /** Renews no more. The session ends with the store. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
    await this.#renewing;
  }

  #register({ host, port, rack }: BrokerAddress, session: MetadataSession): Promise<number> {
    const { store, nodeId, identity } = this.#options;
    const key = `${BROKERS_PREFIX}${nodeId}`;
    if (identity === undefined) {
      return store.commit([{ key, value: encode({ host, port, rack }), session }]);
    }
    const { directoryRevision, ...who } = identity;
    const directory = { key: `${DIRECTORIES_PREFIX}${nodeId}`, revision: directoryRevision };
    const value = encode({ host, port, rack, ...who });
    return store.commit([{ key, value, session }], { expect: [directory] });
  }

  #use(session: MetadataSession): void {
    this.#session = session;
    session.lost.then(() => {
      if (this.#isClosed || this.#session !== session) return;
      this.#session = undefined;
      this.#options.logger.warn(
        "Lost the session with the metadata store: fenced until registered",
      );
      this.#renewing = this.#renew();
    });
  }

  async #renew(): Promise<void> {
    const { store, clock, logger } = this.#options;
    let session: MetadataSession | undefined;
    try {
      session = await store.session(SESSION_TTL_MS);
      if (this.#isClosed) return;
      if (this.#address !== undefined) await this.#register(this.#address, session);
      if (this.#isClosed) return;
      this.#use(session);
      this.#retryMs = MIN_RETRY_MS;
      logger.info("Registered again");
      this.onRenewed();
    } catch (error) {
      // What may have been registered with it must not stay.
      session?.end().catch(() => {});
      if (this.#isClosed) return;
      logger.warn("Cannot register with the metadata store", { error });
      this.#timer = clock.setTimeout(() => {
        this.#timer = undefined;
        this.#renewing = this.#renew();
      }, this.#retryMs);
      this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
    }
  }
}

function encode(value: object): Uint8Array {
  return ENCODER.encode(JSON.stringify(value));
}
