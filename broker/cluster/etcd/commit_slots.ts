/**
 * Commits to etcd whose answers may be lost.
 *
 * A request without an answer may still be carried out, even long after. So each commit also writes a
 * key of its own, its slot, and is based on what the slot had. Only one request can come next in a
 * slot: when an answer is lost, another request writes the slot on the same ground. If it wins, the
 * lost one can never take place, and the commit is made again. If it loses, the slot tells whose
 * request has won. Neither needs to know what the commit was about.
 *
 * Slots are used again, one commit at a time, and are deleted with the session or by `close()`.
 *
 * @module
 */

import { MetadataStoreClosedError } from "../metadata_store.ts";
import { keyValuesOf, rangeOf, toBase64 } from "./encoding.ts";
import { CommitUnknownError, EtcdCode, EtcdError, EtcdSilenceError } from "./etcd_error.ts";
import type { EtcdAnswer, EtcdGateway } from "./etcd_gateway.ts";

/** What a commit consists of, as etcd's gateway takes it. */
export interface Transaction {
  readonly compare: readonly object[];
  readonly success: readonly object[];
  /** Requests whose answers show why the comparisons failed. */
  readonly failure: readonly object[];
}

/** What a transaction has come to. */
export interface Outcome {
  readonly hasSucceeded: boolean;
  readonly revision: number;
  /** Answers to its requests; undefined if they were lost. */
  readonly responses: readonly EtcdAnswer[] | undefined;
}

/** What slots need. */
export interface CommitSlotsOptions {
  readonly gateway: EtcdGateway;
  /** What their keys begin with: nobody else's. */
  readonly prefix: string;
  /** How long to try to have an answer. */
  readonly patienceMs: number;
  /** Waits between attempts. */
  pause(): Promise<void>;
  /** Called with each answer. */
  note(answer: EtcdAnswer): number;
  monotonic(): number;
}

interface Slot {
  readonly key: string;
  /** The lease that it is deleted with. */
  readonly lease: string | undefined;
  /** The last commit of the key. */
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

  /** Has slots deleted with a lease from now on. */
  useLease(lease: string | undefined): void {
    this.#lease = lease;
    this.#free = [];
  }

  /**
   * Makes a transaction take place once, or not at all.
   *
   * @throws {EtcdError} If it was refused.
   * @throws {EtcdSilenceError} If there was no answer, and it did not take place.
   * @throws {CommitUnknownError} If there was no answer.
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
        // It has not taken place, and will not.
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

  /** Returns nothing if the slot was not as expected, so that nothing took place. */
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
      // The request was sent twice on the way.
      slot.revision = actual;
      return { hasSucceeded: true, revision: actual, responses: undefined };
    }
    slot.revision = actual;
    return undefined;
  }

  /** Finds out what became of a request; nothing if it has not taken place, and never will. */
  async #settle(slot: Slot, nonce: string, untilMs: number): Promise<Outcome | undefined> {
    const { gateway, note, pause, monotonic } = this.#options;
    const ownNonce = String(++this.#nonces);
    for (;;) {
      if (gateway.closed.aborted) {
        throw new MetadataStoreClosedError("Cannot use metadata: the store is closed");
      }
      await pause();
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

/** A request for one key. */
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
