/**
 * Where a cluster's metadata lives: keys and values that change in revisions.
 *
 * Each commit is one revision, and revisions only rise; a key's revision is that of the commit that
 * last set it. A commit takes place whole or not at all, and only if the keys it was based on still
 * have the revisions it names. A session ties keys to a broker's life: they are deleted when it ends.
 * Consensus among brokers, where there are several, is the store's business.
 *
 * @module
 */

/** A key's value, and the commits that set it. */
export interface MetadataEntry {
  readonly value: Uint8Array;
  /** The commit that last set it. */
  readonly revision: number;
  /** The commit that created it: the first to set it since the key was last deleted. */
  readonly created: number;
}

/** All there is at one revision. */
export interface MetadataSnapshot {
  /** The last commit that it holds; 0 if there was none. */
  readonly revision: number;
  readonly entries: ReadonlyMap<string, MetadataEntry>;
}

/** A key's new value; null to delete the key. */
export interface MetadataKeyChange {
  readonly key: string;
  readonly value: Uint8Array | null;
  /** Deletes the key when this session ends. A change without it takes the key off its session. */
  readonly session?: MetadataSession;
}

/** What a commit does to one key, or to all keys that begin with a prefix. */
export type MetadataChange = MetadataKeyChange | { readonly prefix: string; readonly value: null };

/** What a commit is based on. */
export interface MetadataExpectation {
  readonly key: string;
  /** The key's revision; 0 if the key must not be there. */
  readonly revision: number;
}

/** A commit, as it is watched. */
export interface MetadataEvent {
  readonly revision: number;
  /** The keys that it changed; `undefined` for one that it deleted. */
  readonly changes: readonly { readonly key: string; readonly entry: MetadataEntry | undefined }[];
}

/** A time during which keys are there that are deleted after it. */
export interface MetadataSession {
  /** Until when its keys are certain to be there, on `Clock.monotonic()`; Infinity for always. */
  readonly deadline: number;
  /** Whether its keys are certain to be there at this moment. */
  readonly isCertain: boolean;
  /** Resolves when the session has ended: its keys are deleted, or about to be. */
  readonly lost: Promise<void>;
  /**
   * Asks the store whether the session still lives, which moves the deadline. Rejects if the store
   * does not answer.
   */
  confirm(): Promise<boolean>;
  /** Ends it and deletes its keys. Ending it twice is allowed. */
  end(): Promise<void>;
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

/** How to commit. */
export interface CommitOptions {
  readonly expect?: readonly MetadataExpectation[];
}

/** Changes, and expectations, that one commit may have. */
export const MAX_COMMIT_CHANGES = 120;

/** Holds the metadata of a cluster. */
export interface MetadataStore {
  /** How far the store's log has come; undefined if the store keeps none of its own. */
  readonly logState: MetadataLogState | undefined;
  /** All that was committed so far. */
  read(): Promise<MetadataSnapshot>;
  /** What was last committed for one key; undefined if it is not there. */
  get(key: string): Promise<MetadataEntry | undefined>;
  /**
   * Makes changes, durable when this resolves. A key may be changed once.
   *
   * @returns The revision at which a watch shows the commit; 0 if it changed nothing.
   * @throws {RevisionConflictError} If a key is not at the revision expected; nothing was changed.
   * @throws {RangeError} If there are more than `MAX_COMMIT_CHANGES` changes or expectations.
   */
  commit(changes: readonly MetadataChange[], options?: CommitOptions): Promise<number>;
  /**
   * The commits after revision `from`, in order, as they come; ends when `signal` is aborted or the
   * store closed. May end by itself: read everything again, then watch again.
   *
   * @throws {RevisionCompactedError} If commits after `from` are no longer available.
   */
  watch(from: number, options: AbortOptions): AsyncIterable<MetadataEvent>;
  /**
   * Begins a session.
   *
   * @param ttlMs Milliseconds after which the session of a broker that has gone silent ends.
   */
  session(ttlMs: number): Promise<MetadataSession>;
  /** Ends all use of the store, and its sessions. Closing twice is allowed. */
  close(): Promise<void>;
}

/** A commit was based on what is no longer so. */
export class RevisionConflictError extends Error {
  override name = "RevisionConflictError";
  readonly key: string;
  /** What the key has instead; undefined if it is not there. */
  readonly current: MetadataEntry | undefined;
  /** The store's revision when it had that. */
  readonly revision: number;

  constructor(
    { key, revision }: MetadataExpectation,
    current: MetadataEntry | undefined,
    storeRevision: number,
  ) {
    const actual = current?.revision ?? 0;
    super(`Cannot commit metadata: "${key}" is at revision ${actual}, expected is ${revision}`);
    this.key = key;
    this.current = current;
    this.revision = storeRevision;
  }
}

/** Commits that a watcher asked for are no longer available one by one. */
export class RevisionCompactedError extends Error {
  override name = "RevisionCompactedError";

  constructor(from: number, oldest: number) {
    super(`Cannot watch metadata from revision ${from}: the oldest available is ${oldest}`);
  }
}

/** The store was closed, or can no longer write. */
export class MetadataStoreClosedError extends Error {
  override name = "MetadataStoreClosedError";
}

/** @throws {RangeError} If a commit has more than it may have. */
export function checkCommitSize(
  changes: readonly MetadataChange[],
  expect: readonly MetadataExpectation[],
): void {
  for (const [what, { length }] of [["changes", changes], ["expectations", expect]] as const) {
    if (length <= MAX_COMMIT_CHANGES) continue;
    throw new RangeError(
      `Cannot commit metadata: the commit has ${length} ${what}, at most are ${MAX_COMMIT_CHANGES}`,
    );
  }
}
