/**
 * The controller's office: the one broker that may change the cluster's metadata.
 *
 * It belongs to the broker that the key `controller` names, as long as the session lasts that the key
 * was set with. Every broker stands for it: when the key is gone, the first to set it has the office.
 * The key's revision is the controller's epoch, and what a controller commits is based on it, so one
 * that has lost the office without knowing changes nothing.
 *
 * @module
 */

import type { Logger } from "../logger.ts";
import type { Clock } from "../time/clock.ts";
import {
  type MetadataEntry,
  type MetadataExpectation,
  type MetadataSession,
  type MetadataStore,
  RevisionConflictError,
} from "./metadata_store.ts";

/** What a candidate needs. */
export interface ControllerOfficeOptions {
  readonly store: MetadataStore;
  readonly nodeId: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The session that the broker is registered with; undefined while it has none. */
  session(): MetadataSession | undefined;
}

/** The key that names the controller. */
export const CONTROLLER_KEY = "controller";

/** Attempts to take the office in a row, each after another broker has changed the key. */
const MAX_ATTEMPTS = 16;
const RETRY_MS = 1000;

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** The office, as one candidate sees it. */
export class ControllerOffice {
  readonly #options: ControllerOfficeOptions;
  /** The key, as the store was last seen to have it. */
  #entry: MetadataEntry | undefined;
  #session: MetadataSession | undefined;
  /** The controller epoch; 0 while this broker is not in office. */
  #epoch = 0;
  #standing: Promise<number> | undefined;
  #timer: number | undefined;
  #isClosed = false;

  constructor(options: ControllerOfficeOptions) {
    this.#options = options;
  }

  /** The broker that the key names, -1 if it is not there. */
  get holderId(): number {
    return holderOf(this.#entry);
  }

  /** Whether this broker has the office, and will at least for a moment. */
  get isHeld(): boolean {
    return this.#epoch !== 0 && this.#entry?.revision === this.#epoch &&
      this.#session?.isCertain === true;
  }

  /** What a commit of the controller is based on. */
  get expectation(): MetadataExpectation {
    return { key: CONTROLLER_KEY, revision: this.#epoch };
  }

  /** Takes over what the store has for the key. */
  update(entry: MetadataEntry | undefined): void {
    this.#entry = entry;
    if (this.#epoch !== 0 && entry !== undefined && entry.revision > this.#epoch) this.#epoch = 0;
  }

  /**
   * Takes the office if it is free, or this broker's own from before.
   *
   * @returns The revision at which a watch shows that; 0 if there was nothing to change.
   */
  stand(): Promise<number> {
    return this.#standing ??= this.#stand().finally(() => this.#standing = undefined);
  }

  /** Stands in the background, again after a while if the store cannot be reached. */
  standSoon(): void {
    if (this.#isClosed || this.#timer !== undefined) return;
    this.stand().catch((error) => {
      const { clock, logger } = this.#options;
      if (this.#isClosed) return;
      logger.warn("Cannot stand for controller", { error });
      this.#timer ??= clock.setTimeout(() => {
        this.#timer = undefined;
        this.standSoon();
      }, RETRY_MS);
    });
  }

  /** Stands no more. The office ends with the session, or when the store is closed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#epoch = 0;
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
    await this.#standing?.catch(() => {});
  }

  async #stand(): Promise<number> {
    const { store, nodeId, logger } = this.#options;
    for (let attempt = 1;; attempt++) {
      const session = this.#options.session();
      const entry = this.#entry;
      if (this.#isClosed || session === undefined) return 0;
      if (entry !== undefined && holderOf(entry) !== nodeId) return 0;
      if (entry !== undefined && session.deadline === Infinity) {
        // The store had no other broker since the office was taken.
        this.#session = session;
        this.#epoch = entry.revision;
      }
      if (this.isHeld && this.#session === session) return 0;
      const value = ENCODER.encode(JSON.stringify({ brokerId: nodeId }));
      const change = { key: CONTROLLER_KEY, value, session };
      const expect = [{ key: CONTROLLER_KEY, revision: entry?.revision ?? 0 }];
      try {
        const revision = await store.commit([change], { expect });
        if (this.#isClosed) return 0;
        this.#session = session;
        this.#epoch = revision;
        if (session.deadline !== Infinity) {
          logger.info("Took the controller's office", { nodeId, controllerEpoch: revision });
        }
        return revision;
      } catch (error) {
        if (!(error instanceof RevisionConflictError) || attempt === MAX_ATTEMPTS) throw error;
        if (this.#entry === entry) this.#entry = error.current;
      }
    }
  }
}

function holderOf(entry: MetadataEntry | undefined): number {
  return entry === undefined ? -1 : JSON.parse(DECODER.decode(entry.value)).brokerId;
}
