/**
 * Where a cluster's metadata lives: keys and values that change in revisions.
 *
 * Each commit is one revision, numbered upwards without end; a key's revision is that of the commit
 * that last set it. A commit takes place whole or not at all, and only if the keys it was based on
 * still have the revisions it names. Consensus among brokers, where there are several, is the
 * store's business.
 *
 * @module
 */

/** A key's value, and the commit that set it. */
export interface MetadataEntry {
  readonly value: Uint8Array;
  readonly revision: number;
}

/** All there is at one revision. */
export interface MetadataSnapshot {
  /** The last commit that it holds; 0 if there was none. */
  readonly revision: number;
  readonly entries: ReadonlyMap<string, MetadataEntry>;
}

/** What a commit does to one key. */
export interface MetadataChange {
  readonly key: string;
  /** The new value; null to remove the key. */
  readonly value: Uint8Array | null;
}

/** What a commit is based on. */
export interface MetadataExpectation {
  readonly key: string;
  /** The key's revision; 0 if the key must not be there. */
  readonly revision: number;
}

/** A commit, as it is watched. */
export interface MetadataEvent {
  readonly revision: number;
  readonly changes: readonly MetadataChange[];
}

/** A right that one holder has at a time. */
export interface Lease {
  /** The fencing token: higher than that of every lease of this name before. */
  readonly revision: number;
  /** Whether the right is still the holder's. */
  readonly isHeld: boolean;
  /** Resolves when the right is lost or given up. */
  readonly lost: Promise<void>;
  /** Prolongs the right by its time to live; false if it is lost. */
  renew(): Promise<boolean>;
  /** Gives the right up. Giving it up twice is allowed. */
  release(): Promise<void>;
}

/** How far the log that a store keeps has come. */
export interface MetadataLogState {
  /** Epoch in which the log is written. */
  readonly leaderEpoch: number;
  /** Offset that the next record gets. */
  readonly logEndOffset: number;
  /** First offset that is not yet committed. */
  readonly highWatermark: number;
}

/** How to watch, or to wait. */
export interface AbortOptions {
  readonly signal?: AbortSignal;
}

/** Holds the metadata of a cluster. */
export interface MetadataStore {
  /** How far the store's log has come; undefined if the store keeps none of its own. */
  readonly logState: MetadataLogState | undefined;
  /** All that was committed so far. */
  read(): Promise<MetadataSnapshot>;
  /**
   * Makes changes, durable when this resolves.
   *
   * @returns The revision of the commit.
   * @throws {RevisionConflictError} If a key is not at the revision expected; nothing was changed.
   */
  commit(
    changes: readonly MetadataChange[],
    options?: { readonly expect?: readonly MetadataExpectation[] },
  ): Promise<number>;
  /**
   * The commits after revision `from`, in order, as they come; ends when `signal` is aborted or the
   * store closed.
   *
   * @throws {RevisionCompactedError} If commits after `from` are no longer at hand: read anew.
   */
  watch(from: number, options: AbortOptions): AsyncIterable<MetadataEvent>;
  /**
   * Waits for a right and takes it.
   *
   * @param holder Who takes it; the same holder may take it again.
   * @param ttlMs Milliseconds after which the right of a holder that has gone silent ends.
   */
  lease(name: string, holder: string, ttlMs: number, options?: AbortOptions): Promise<Lease>;
  /** Ends all use of the store. Closing twice is allowed. */
  close(): Promise<void>;
}

/** A commit was based on what is no longer so. */
export class RevisionConflictError extends Error {
  override name = "RevisionConflictError";
  readonly key: string;

  constructor({ key, revision }: MetadataExpectation, actual: number) {
    super(`Cannot commit metadata: "${key}" is at revision ${actual}, expected is ${revision}`);
    this.key = key;
  }
}

/** Commits that a watcher asked for are no longer at hand one by one. */
export class RevisionCompactedError extends Error {
  override name = "RevisionCompactedError";

  constructor(from: number, oldest: number) {
    super(`Cannot watch metadata from revision ${from}: the oldest at hand is ${oldest}`);
  }
}

/** The store was closed, or can no longer write. */
export class MetadataStoreClosedError extends Error {
  override name = "MetadataStoreClosedError";
}
