/**
 * The users of the cluster and their credentials, as this broker has followed them.
 *
 * @module
 */

import type { ScramCredential, ScramMechanism } from "../../../protocol/sasl/scram.ts";
import type { Logger } from "../../logger.ts";
import type { SecurityRecords } from "../security_records.ts";
import { decodeUser, type ScramCredentials, userOfKey, USERS_PREFIX } from "./user_record.ts";

/** The users by name. */
export interface CredentialsView {
  /** The credentials of a user; undefined if there is no such user. */
  get(user: string): ScramCredentials | undefined;
  /** The names of all users. */
  names(): Iterable<string>;
  /** Number of users. */
  readonly size: number;
}

/** A credential was changed or deleted. */
export interface CredentialChange {
  readonly user: string;
  readonly mechanism: ScramMechanism;
}

/** What a client sees of a credential before it has shown its proof. */
export interface CredentialLooks {
  readonly iterations: number;
  readonly saltBytes: number;
  /** Whether the salt is digits and small letters, as that of Kafka's tools. */
  readonly isText: boolean;
}

const NONE: ScramCredentials = new Map();

/** Follows the records of users. */
export class UserCredentials implements CredentialsView {
  readonly #users: Map<string, ScramCredentials> = new Map();
  /** For each mechanism, how many credentials look how. */
  readonly #looks: Map<ScramMechanism, Map<string, { looks: CredentialLooks; count: number }>> =
    new Map();
  readonly #listeners: Set<(change: CredentialChange) => void> = new Set();
  readonly #logger: Logger;
  readonly #stop: () => void;

  constructor(records: SecurityRecords, logger: Logger) {
    this.#logger = logger;
    this.#stop = records.subscribe(USERS_PREFIX, (key, entry) => this.#follow(key, entry?.value));
  }

  get size(): number {
    return this.#users.size;
  }

  get(user: string): ScramCredentials | undefined {
    return this.#users.get(user);
  }

  names(): Iterable<string> {
    return this.#users.keys();
  }

  /**
   * What one of the credentials of a mechanism looks like; undefined if there are none.
   *
   * @param place Which one, from 0 to below 1.
   */
  looksAt(mechanism: ScramMechanism, place: number): CredentialLooks | undefined {
    // In an order that is the same on all brokers.
    const all = [...this.#looks.get(mechanism) ?? []].sort(([a], [b]) => a < b ? -1 : 1);
    let left = place * all.reduce((sum, [, { count }]) => sum + count, 0);
    return all.find(([, { count }]) => (left -= count) < 0)?.[1].looks;
  }

  /**
   * Calls `listener` for each credential that is no longer what it was.
   *
   * @returns A function that ends it.
   */
  onChange(listener: (change: CredentialChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Stops following. */
  close(): void {
    this.#stop();
  }

  #follow(key: string, value: Uint8Array | undefined): void {
    const user = userOfKey(key);
    if (user === undefined) return this.#logger.error("Ignored the key of a user", { key });
    const before = this.#users.get(user) ?? NONE;
    if (value === undefined) this.#users.delete(user);
    else this.#users.set(user, this.#decode(user, value));
    const after = this.#users.get(user) ?? NONE;
    this.#count(before, -1);
    this.#count(after, 1);
    for (const [mechanism, credential] of before) {
      if (isSameCredential(credential, after.get(mechanism))) continue;
      for (const listener of this.#listeners) listener({ user, mechanism });
    }
  }

  #count(credentials: ScramCredentials, change: number): void {
    for (const [mechanism, credential] of credentials) {
      let ofMechanism = this.#looks.get(mechanism);
      if (ofMechanism === undefined) this.#looks.set(mechanism, ofMechanism = new Map());
      const looks = looksOf(credential);
      const key = JSON.stringify(looks);
      const count = (ofMechanism.get(key)?.count ?? 0) + change;
      if (count === 0) ofMechanism.delete(key);
      else ofMechanism.set(key, { looks, count });
    }
  }

  /** A user whose record cannot be read exists, but cannot log in. */
  #decode(user: string, value: Uint8Array): ScramCredentials {
    try {
      return decodeUser(value);
    } catch {
      this.#logger.error("Cannot read the credentials of a user, who cannot log in", { user });
      return NONE;
    }
  }
}

function looksOf({ iterations, salt }: ScramCredential): CredentialLooks {
  const isText = salt.every((byte) => /[0-9a-z]/.test(String.fromCharCode(byte)));
  return { iterations, saltBytes: salt.length, isText };
}

/** Whether a credential is of the same password and salt as another. */
export function isSameCredential(a: ScramCredential, b: ScramCredential | undefined): boolean {
  return b !== undefined && a.storedKey.toBase64() === b.storedKey.toBase64() &&
    a.salt.toBase64() === b.salt.toBase64();
}
