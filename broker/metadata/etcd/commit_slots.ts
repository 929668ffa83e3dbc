/**
 * Makes commits to etcd exactly once, although responses may be lost.
 *
 * A request without a response may still be carried out, even much later. Each commit therefore
 * also writes a key of its own, its slot, on condition of the slot's last revision. Only one
 * request can be the next in a slot: when a response is lost, another request writes the slot with
 * the same condition. If that succeeds, the lost request can never be carried out, and the commit
 * is repeated. If it fails, the slot tells which request succeeded. This does not depend on the
 * content of the commit.
 *
 * Slots are reused, one commit at a time, and are deleted with the session or by `close()`.
 *
 * @module
 */

import { MetadataStoreClosedError } from "../metadata_store.ts";
import { keyValuesOf, rangeOf, toBase64 } from "./encoding.ts";
import { CommitUnknownError, EtcdCode, EtcdError, EtcdSilenceError } from "./etcd_error.ts";
import type { EtcdAnswer, EtcdGateway } from "./etcd_gateway.ts";

/** The parts of a commit, as etcd's gateway expects them. */
export interface Transaction {
  readonly compare: readonly object[];
  readonly success: readonly object[];
  /** Requests whose responses show why the comparisons failed. */
  readonly failure: readonly object[];
}

/** The outcome of a transaction. */
export interface Outcome {
  readonly hasSucceeded: boolean;
  readonly revision: number;
  /** Responses to its requests; `undefined` if they were lost. */
  readonly responses: readonly EtcdAnswer[] | undefined;
}

/** Options of commit slots. */
export interface CommitSlotsOptions {
  readonly gateway: EtcdGateway;
  /** Prefix of the slots' keys, unique to this process. */
  readonly prefix: string;
  /** Time limit for getting a response. */
  readonly patienceMs: number;
  /** Waits between attempts. */
  pause(): Promise<void>;
  /** Called with each response. */
  note(answer: EtcdAnswer): number;
  monotonic(): number;
  /** Whether the store is closed. */
  isClosed(): boolean;
}

interface Slot {
  readonly key: string;
  /** The lease that the slot is deleted with. */
  readonly lease: string | undefined;
  /** The slot's last revision. */
  revision: number;
}

/** The slots of one broker. */
export class CommitSlots {
  readonly #options: CommitSlotsOptions;
  #free: Slot[] = [];
  #lease: string | undefined;
  #count = 0;
  #nonces = 0;

  constructor(options: CommitSlotsOptions) {
    this.#options = options;
  }

  /** Attaches slots to a lease from now on. */
  useLease(lease: string | undefined): void {
    this.#lease = lease;
    this.#free = [];
  }

  /**
   * Carries out a transaction once, or not at all.
   *
   * @throws {EtcdError} If it was rejected.
   * @throws {EtcdSilenceError} If there was no response, and it was not carried out.
   * @throws {CommitUnknownError} If there was no response, and the outcome is unknown.
   */
  async commit(transaction: Transaction): Promise<Outcome> {
    const slot = this.#take();
    const untilMs = this.#options.monotonic() + this.#options.patienceMs;
    for (;;) {
      const nonce = String(++this.#nonces);
      let outcome: Outcome | undefined;
      try {
        outcome = await this.#attempt(slot, nonce, transaction);
      } catch (error) {
        if (isLeaseGone(error) && slot.lease !== undefined && slot.lease === this.#lease) {
          this.useLease(undefined);
          return await this.commit(transaction);
        }
        if (error instanceof EtcdError) this.#release(slot);
        if (!(error instanceof EtcdSilenceError)) throw error;
        outcome = await this.#settle(slot, nonce, untilMs);
        // The transaction was not carried out, and will not be.
        if (outcome === undefined && this.#options.monotonic() >= untilMs) throw error;
      }
      if (outcome === undefined) continue;
      this.#release(slot);
      return outcome;
    }
  }

  #release(slot: Slot): void {
    if (slot.lease === this.#lease) this.#free.push(slot);
  }

  /** Deletes the slots. */
  async close(): Promise<void> {
    if (this.#count === 0) return;
    const { gateway, prefix } = this.#options;
    await gateway.call("/v3/kv/deleterange", rangeOf(prefix));
  }

  #take(): Slot {
    return this.#free.pop() ??
      { key: `${this.#options.prefix}${++this.#count}`, lease: this.#lease, revision: 0 };
  }

  /** Returns nothing if the slot was not as expected, so that nothing was changed. */
  async #attempt(
    slot: Slot,
    nonce: string,
    { compare, success, failure }: Transaction,
  ): Promise<Outcome | undefined> {
    const { gateway, note } = this.#options;
    const answer = await gateway.call("/v3/kv/txn", {
      compare: [compareRevision(slot.key, slot.revision), ...compare],
      success: [putOf(slot, nonce), ...success],
      failure: [rangeRequest(slot.key), ...failure],
    });
    const revision = note(answer);
    const [first, ...responses] = (answer.responses ?? []) as readonly EtcdAnswer[];
    if (answer.succeeded === true) {
      slot.revision = revision;
      return { hasSucceeded: true, revision, responses };
    }
    const [found] = keyValuesOf(first!.response_range as EtcdAnswer);
    const actual = found?.entry.revision ?? 0;
    if (actual === slot.revision) return { hasSucceeded: false, revision, responses };
    if (found !== undefined && textOf(found.entry.value) === nonce) {
      // The request was delivered twice.
      slot.revision = actual;
      return { hasSucceeded: true, revision: actual, responses: undefined };
    }
    slot.revision = actual;
    return undefined;
  }

  /**
   * Determines the outcome of a request; `undefined` if it was not carried out, and never will be.
   */
  async #settle(slot: Slot, nonce: string, untilMs: number): Promise<Outcome | undefined> {
    const { gateway, note, pause, monotonic, isClosed } = this.#options;
    const ownNonce = String(++this.#nonces);
    for (;;) {
      if (isClosed()) {
        throw new MetadataStoreClosedError("Cannot use metadata: the store is closed");
      }
      await pause();
      if (isClosed()) continue;
      let answer: EtcdAnswer;
      try {
        answer = await gateway.call("/v3/kv/txn", {
          compare: [compareRevision(slot.key, slot.revision)],
          success: [putOf(slot, ownNonce)],
          failure: [rangeRequest(slot.key)],
        });
      } catch (error) {
        const isSilent = error instanceof EtcdSilenceError;
        if (isSilent && monotonic() < untilMs) continue;
        throw new CommitUnknownError(
          "Cannot tell whether a change of the metadata took place: etcd did not say",
          { cause: error },
        );
      }
      const revision = note(answer);
      if (answer.succeeded === true) {
        slot.revision = revision;
        return undefined;
      }
      const [first] = answer.responses as readonly EtcdAnswer[];
      const [found] = keyValuesOf(first!.response_range as EtcdAnswer);
      const text = found === undefined ? "" : textOf(found.entry.value);
      if (text === nonce || text === ownNonce) {
        slot.revision = found!.entry.revision;
        if (text === ownNonce) return undefined;
        return { hasSucceeded: true, revision: slot.revision, responses: undefined };
      }
      throw new CommitUnknownError(
        "Cannot tell whether a change of the metadata took place: the session ended meanwhile",
      );
    }
  }
}

/** A comparison of a key's revision. */
export function compareRevision(key: string, revision: number): object {
  return { key: toBase64(key), target: "MOD", result: "EQUAL", mod_revision: String(revision) };
}

/** A range request for one key. */
export function rangeRequest(key: string): object {
  return { request_range: { key: toBase64(key) } };
}

function putOf({ key, lease }: Slot, value: string): object {
  const put = { key: toBase64(key), value: toBase64(value) };
  return { request_put: lease === undefined ? put : { ...put, lease } };
}

function isLeaseGone(error: unknown): boolean {
  return error instanceof EtcdError && error.code === EtcdCode.notFound;
}

function textOf(value: Uint8Array): string {
  return new TextDecoder().decode(value);
}
