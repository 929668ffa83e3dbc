/**
 * Stores the cluster metadata: a revisioned key-value store.
 *
 * Each commit has a revision, in increasing order; a key's revision is that of the last commit that
 * set it. A commit is atomic, and succeeds only if the keys it depends on still have the expected
 * revisions. A session ties keys to the life of a broker: they are deleted when it ends. Consensus
 * among several brokers is up to the implementation.
 *
 * @module
 */

/** A key's value and revisions. */
export interface MetadataEntry {
  /** The value. */
  readonly value: Uint8Array;
  /** The commit that last set the key. */
  readonly revision: number;
  /** The commit that created the key: the first to set it after its last deletion. */
  readonly created: number;
}

/** The content of the store at one revision. */
export interface MetadataSnapshot {
  /** The revision of the last commit included; 0 if there was none. */
  readonly revision: number;
  /** The entries by key. */
  readonly entries: ReadonlyMap<string, MetadataEntry>;
}

/** A change of one key; `null` deletes the key. */
export interface MetadataKeyChange {
  /** The key to change. */
  readonly key: string;
  /** The new value; `null` deletes the key. */
  readonly value: Uint8Array | null;
  /**
   * The key is deleted when this session ends. Without it, a change detaches the key from its
   * session.
   */
  readonly session?: MetadataSession;
}

/** A change of one key, or the deletion of all keys with a prefix. */
export type MetadataChange = MetadataKeyChange | { readonly prefix: string; readonly value: null };

/** A precondition of a commit. */
export interface MetadataExpectation {
  /** The key that the commit depends on. */
  readonly key: string;
  /** The key's revision; 0 if the key must not exist. */
  readonly revision: number;
}

/** A commit, as seen by a watcher. */
export interface MetadataEvent {
  /** The revision of the commit. */
  readonly revision: number;
  /** The changed keys; `undefined` for a deleted one. */
  readonly changes: readonly { readonly key: string; readonly entry: MetadataEntry | undefined }[];
}

/** A session, with whose end its keys are deleted. */
export interface MetadataSession {
  /** Identifies it; a commit that deletes the key `sessions/<name>` ends it. */
  readonly name: string;
  /** Until when its keys certainly exist, as of `Clock.monotonic()`; Infinity for always. */
  readonly deadline: number;
  /** Whether its keys certainly exist now. */
  readonly isCertain: boolean;
  /** Whether it was past its deadline when its end was noticed; undefined if it never is. */
  readonly hasLapsed?: boolean;
  /** Resolves when the session has ended: its keys are deleted, or about to be. */
  readonly lost: Promise<void>;
  /**
   * Checks with the store whether the session still exists, which moves the deadline. Rejects if
   * the store does not respond.
   */
  confirm(): Promise<boolean>;
  /** Ends the session and deletes its keys. Can be called twice. */
  end(): Promise<void>;
}

/** The state of a store's log. */
export interface MetadataLogState {
  /** The log's current leader epoch. */
  readonly leaderEpoch: number;
  /** The offset of the next record. */
  readonly logEndOffset: number;
  /** The first uncommitted offset. */
  readonly highWatermark: number;
}

/** Options of operations that wait. */
export interface AbortOptions {
  /** Ends the wait when it is aborted. */
  readonly signal?: AbortSignal;
}

/** Options of a commit. */
export interface CommitOptions {
  /** Preconditions of the commit. Default: none. */
  readonly expect?: readonly MetadataExpectation[];
}

/** Prefix of the keys whose deletion ends a session. A store does not show them. */
export const SESSIONS_PREFIX = "sessions/";

/** Maximum number of changes, and of expectations, of a commit. */
export const MAX_COMMIT_CHANGES = 120;

/** The state of a store that brokers share. */
export interface MetadataStoreHealth {
  /** What an operator should do something about; each says what. */
  readonly problems: readonly string[];
  /** The used part of the database's quota, 0 to 1; undefined if it is unknown. */
  readonly databaseRatio: number | undefined;
}

/** Stores the metadata of a cluster. */
export interface MetadataStore {
  /** The state of the store's log; `undefined` if the store keeps no log. */
  readonly logState: MetadataLogState | undefined;
  /** The store's state; `undefined` if it is this broker's own. */
  readonly health?: MetadataStoreHealth;
  /** Resolves when the store can never be used again, with the reason. */
  readonly failed?: Promise<Error>;
  /** Returns the current content. */
  read(): Promise<MetadataSnapshot>;
  /** Returns the entry of one key, if it exists. */
  get(key: string): Promise<MetadataEntry | undefined>;
  /**
   * Commits changes, which are durable when the promise resolves. A key can be changed once.
   *
   * @returns The revision at which a watch shows the commit; 0 if it changed nothing.
   * @throws {RevisionConflictError} If a key is not at the expected revision; nothing is changed.
   * @throws {RangeError} If there are more than `MAX_COMMIT_CHANGES` changes or expectations.
   */
  commit(changes: readonly MetadataChange[], options?: CommitOptions): Promise<number>;
  /**
   * Yields the commits after revision `from` in order, including later ones. Ends when `signal` is
   * aborted or the store is closed. It may also end at any other time: read the store and watch
   * again.
   *
   * @throws {RevisionCompactedError} If commits after `from` are no longer available.
   */
  watch(from: number, options: AbortOptions): AsyncIterable<MetadataEvent>;
  /**
   * Begins a session.
   *
   * @param ttlMs Milliseconds after which the session of an unresponsive broker ends.
   */
  session(ttlMs: number): Promise<MetadataSession>;
  /** Closes the store and its sessions. Can be called twice. */
  close(): Promise<void>;
}

/** A commit's precondition was not met. */
export class RevisionConflictError extends Error {
  override name = "RevisionConflictError";
  readonly key: string;
  /** The key's current entry, if it exists. */
  readonly current: MetadataEntry | undefined;
  /** The store's revision at which the key had that entry. */
  readonly revision: number;

  constructor(
    { key, revision }: MetadataExpectation,
    current: MetadataEntry | undefined,
    storeRevision: number,
  ) {
    const actual = current?.revision ?? 0;
    super(`Cannot commit metadata: "${key}" is at revision ${actual}, expected ${revision}`);
    this.key = key;
    this.current = current;
    this.revision = storeRevision;
  }
}

/** Commits requested by a watcher are no longer available. */
export class RevisionCompactedError extends Error {
  override name = "RevisionCompactedError";

  constructor(from: number, oldest: number) {
    super(`Cannot watch metadata from revision ${from}: the oldest available is ${oldest}`);
  }
}

/**
 * The store has not responded in time. Whether a commit was carried out is unknown; it may still
 * be.
 */
export class MetadataStoreSilentError extends Error {
  override name = "MetadataStoreSilentError";
}

/** The store is closed or can no longer write. */
export class MetadataStoreClosedError extends Error {
  override name = "MetadataStoreClosedError";
}

/** The store refuses a request, for a reason that an operator can remove. */
export class MetadataStoreRefusalError extends Error {
  override name = "MetadataStoreRefusalError";
}

/** @throws {RangeError} If a commit is too large. */
export function checkCommitSize(
  changes: readonly MetadataChange[],
  expect: readonly MetadataExpectation[],
): void {
  for (const [what, { length }] of [["changes", changes], ["expectations", expect]] as const) {
    if (length <= MAX_COMMIT_CHANGES) continue;
    throw new RangeError(
      `Cannot commit metadata: the commit has ${length} ${what}, the maximum is ${MAX_COMMIT_CHANGES}`,
    );
  }
}
