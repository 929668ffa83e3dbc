/**
 * Elects the controller: the one broker that may change the cluster metadata.
 *
 * The controller is the broker named by the key `controller`, which exists while the session lasts
 * that set it. Every broker competes: when the key is gone, the first to set it becomes the
 * controller. The key's revision is the controller epoch, and every commit of a controller depends
 * on it, so a replaced controller cannot change anything.
 *
 * @module
 */

import type { Logger } from "../logger.ts";
import type { Clock } from "../time/clock.ts";
import {
  type MetadataChange,
  type MetadataEntry,
  type MetadataExpectation,
  type MetadataSession,
  type MetadataStore,
  RevisionConflictError,
} from "../metadata/metadata_store.ts";

/** Options of a candidate. */
export interface ControllerOfficeOptions {
  readonly store: MetadataStore;
  readonly nodeId: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The broker's current session, if it has one. */
  session(): MetadataSession | undefined;
}

/** The value of the key. */
interface OfficeValue {
  readonly brokerId: number;
  /** The name of the broker's session. */
  readonly session?: string;
}

/** The key that names the controller. */
export const CONTROLLER_KEY = "controller";

/** Consecutive attempts to become the controller, each after another broker changed the key. */
const MAX_ATTEMPTS = 16;
const RETRY_MS = 1000;

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** The election, as seen by one candidate. */
export class ControllerOffice {
  readonly #options: ControllerOfficeOptions;
  /** The key's entry, as last seen. */
  #entry: MetadataEntry | undefined;
  #session: MetadataSession | undefined;
  /** The controller epoch; 0 while this broker is not the controller. */
  #epoch = 0;
  #standing: Promise<number> | undefined;
  #timer: number | undefined;
  #isClosed = false;
  /** Called when this broker has taken the office; a watch may have shown it before. */
  onHeld: () => void = () => {};

  constructor(options: ControllerOfficeOptions) {
    this.#options = options;
  }

  /** The broker that the key names, -1 if there is no key. */
  get holderId(): number {
    return holderOf(this.#entry);
  }

  /** Whether this broker is the controller, and will be at least for a moment. */
  get isHeld(): boolean {
    return this.#epoch !== 0 && this.#entry?.revision === this.#epoch &&
      this.#session?.isCertain === true;
  }

  /** The precondition of a controller's commit. */
  get expectation(): MetadataExpectation {
    return { key: CONTROLLER_KEY, revision: this.#epoch };
  }

  /** Applies the key's entry in the store. */
  update(entry: MetadataEntry | undefined): void {
    this.#entry = entry;
    if (this.#epoch !== 0 && entry !== undefined && entry.revision > this.#epoch) this.#epoch = 0;
    if (entry !== undefined) this.#adopt(entry);
  }

  /** Takes the office if the key is this broker's claim, which was carried out unanswered. */
  #adopt(entry: MetadataEntry): void {
    const session = this.#options.session();
    if (this.#isClosed || session === undefined || session.deadline === Infinity) return;
    const { brokerId, session: name } = valueOf(entry);
    if (brokerId === this.#options.nodeId && name === session.name) {
      this.#hold(session, entry.revision);
    }
  }

  /**
   * Becomes the controller if there is none, or if this broker was it before in a session that does
   * not end.
   *
   * @returns The revision at which a watch shows the change; 0 if nothing changed.
   */
  stand(): Promise<number> {
    return this.#standing ??= this.#stand().finally(() => this.#standing = undefined);
  }

  /**
   * Takes the office from the broker that has it, together with other changes.
   *
   * @returns The revision at which a watch shows the change.
   * @throws {RevisionConflictError} If an expectation is not met, or another broker is in office.
   */
  async takeOver(
    changes: readonly MetadataChange[],
    expect: readonly MetadataExpectation[],
  ): Promise<number> {
    const { store } = this.#options;
    const session = this.#options.session();
    if (session === undefined) throw new Error("Cannot become the controller without a session");
    const ofOffice = { key: CONTROLLER_KEY, revision: this.#entry?.revision ?? 0 };
    const all = [...changes, this.#claim(session)];
    const revision = await store.commit(all, { expect: [...expect, ofOffice] });
    this.#hold(session, revision);
    return revision;
  }

  /** Competes in the background, with retries while the store is unreachable. */
  standSoon(): void {
    if (this.#isClosed || this.#timer !== undefined) return;
    this.stand().catch((error) => {
      const { clock, logger } = this.#options;
      if (this.#isClosed) return;
      logger.warn("Cannot compete for controller", { error });
      this.#timer ??= clock.setTimeout(() => {
        this.#timer = undefined;
        this.standSoon();
      }, RETRY_MS);
    });
  }

  /** Stops competing, and lets another broker have the office if this one has it. */
  async resign(): Promise<void> {
    const { expectation, isHeld } = this;
    this.close();
    if (!isHeld) return;
    const { store } = this.#options;
    await store.commit([{ key: CONTROLLER_KEY, value: null }], { expect: [expectation] });
  }

  /** Stops competing. The key, and what is under way, ends with the store. */
  close(): void {
    this.#isClosed = true;
    this.#epoch = 0;
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
  }

  #claim(session: MetadataSession): MetadataChange {
    const claim: OfficeValue = { brokerId: this.#options.nodeId, session: session.name };
    const value = ENCODER.encode(JSON.stringify(claim));
    return { key: CONTROLLER_KEY, value, session };
  }

  #hold(session: MetadataSession, epoch: number): void {
    if (this.#epoch === epoch) return;
    this.#session = session;
    this.#epoch = epoch;
    if (session.deadline !== Infinity) {
      const { logger, nodeId } = this.#options;
      logger.info("Became the controller", { nodeId, controllerEpoch: epoch });
    }
    this.onHeld();
  }

  async #stand(): Promise<number> {
    const { store, nodeId } = this.#options;
    for (let attempt = 1;; attempt++) {
      const session = this.#options.session();
      const entry = this.#entry;
      if (this.#isClosed || session === undefined) return 0;
      if (entry !== undefined) {
        // The store has had no other broker since the office was taken.
        if (session.deadline === Infinity && holderOf(entry) === nodeId) {
          this.#hold(session, entry.revision);
        }
        // Of a session that is lost the key is about to go.
        return 0;
      }
      const change = this.#claim(session);
      const expect = [{ key: CONTROLLER_KEY, revision: 0 }];
      try {
        const revision = await store.commit([change], { expect });
        if (this.#isClosed) return 0;
        this.#hold(session, revision);
        return revision;
      } catch (error) {
        if (!(error instanceof RevisionConflictError) || attempt === MAX_ATTEMPTS) throw error;
        if (this.#entry === entry) this.update(error.current);
      }
    }
  }
}

/** The broker that the controller's key names, -1 if there is no key. */
export function holderOf(entry: MetadataEntry | undefined): number {
  return entry === undefined ? -1 : valueOf(entry).brokerId;
}

function valueOf(entry: MetadataEntry): OfficeValue {
  return JSON.parse(DECODER.decode(entry.value));
}
