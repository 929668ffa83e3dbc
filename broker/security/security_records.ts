/**
 * The keys of the metadata store that concern security, as this broker has followed them.
 *
 *     users/<name>        SCRAM credentials of a user
 *     acls/<hash>         a rule
 *     quotas/<entity>     limits of users, client ids and addresses
 *     tokens/<id>         a delegation token
 *     security/<name>     what the others share
 *
 * Names in keys are percent-encoded. Each kind has a view of its own, which subscribes to its prefix.
 *
 * @module
 */

import type {
  MetadataChange,
  MetadataEntry,
  MetadataExpectation,
} from "../metadata/metadata_store.ts";

/** The prefixes of the keys. */
export const SECURITY_PREFIXES = ["users/", "acls/", "quotas/", "tokens/", "security/"] as const;

/** A prefix of the keys. */
export type SecurityPrefix = typeof SECURITY_PREFIXES[number];

/** Follows the keys of a prefix; `undefined` for a deleted one. Must not throw. */
export type FollowRecords = (key: string, entry: MetadataEntry | undefined) => void;

/**
 * Commits changes, and resolves once the records show them.
 *
 * @throws {RevisionConflictError} If an expectation does not hold; nothing is changed.
 */
export type CommitRecords = (
  changes: readonly MetadataChange[],
  expect: readonly MetadataExpectation[],
) => Promise<void>;

/** The records of security in the metadata store. */
export class SecurityRecords {
  readonly #entries: Map<SecurityPrefix, Map<string, MetadataEntry>> = new Map(
    SECURITY_PREFIXES.map((prefix) => [prefix, new Map()]),
  );
  readonly #followers: Map<SecurityPrefix, Set<FollowRecords>> = new Map(
    SECURITY_PREFIXES.map((prefix) => [prefix, new Set()]),
  );
  /** Commits changes with their expectations. */
  readonly commit: CommitRecords;

  constructor(commit: CommitRecords) {
    this.commit = commit;
  }

  /** The records of a prefix by key. */
  all(prefix: SecurityPrefix): ReadonlyMap<string, MetadataEntry> {
    return this.#entries.get(prefix)!;
  }

  /** The record with a key, if it exists. */
  get(key: string): MetadataEntry | undefined {
    const prefix = prefixOf(key);
    return prefix === undefined ? undefined : this.#entries.get(prefix)!.get(key);
  }

  /** What a commit expects that depends on a record as it is shown here, or on its absence. */
  expectation(key: string): MetadataExpectation {
    return { key, revision: this.get(key)?.revision ?? 0 };
  }

  /**
   * Calls `follow` with each record of a prefix, and with each change from then on.
   *
   * @returns A function that ends it.
   */
  subscribe(prefix: SecurityPrefix, follow: FollowRecords): () => void {
    const followers = this.#followers.get(prefix)!;
    for (const [key, entry] of this.all(prefix)) follow(key, entry);
    followers.add(follow);
    return () => followers.delete(follow);
  }

  /** Applies a key of the store; false if it does not concern security. */
  apply(key: string, entry: MetadataEntry | undefined): boolean {
    const prefix = prefixOf(key);
    if (prefix === undefined) return false;
    const entries = this.#entries.get(prefix)!;
    if (entry === undefined) entries.delete(key);
    else entries.set(key, entry);
    for (const follow of this.#followers.get(prefix)!) follow(key, entry);
    return true;
  }
}

function prefixOf(key: string): SecurityPrefix | undefined {
  return SECURITY_PREFIXES.find((prefix) => key.startsWith(prefix));
}
