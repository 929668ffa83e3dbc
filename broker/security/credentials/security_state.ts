/**
 * The record `security/state`: created with the first user or rule, and never deleted.
 *
 * That it exists says that the cluster has had an administrator, so that one who was deleted is not
 * created again at the next start. Its secret makes up salts for users that do not exist: all brokers
 * give the same.
 *
 * @module
 */

import type { MetadataExpectation, MetadataKeyChange } from "../../metadata/metadata_store.ts";
import type { SecurityRecords } from "../security_records.ts";

/** The key of the record. */
export const SECURITY_STATE_KEY = "security/state";

interface SecurityState {
  readonly bootstrapped: true;
  /** Base64. */
  readonly fakeSaltSecret: string;
}

const SECRET_BYTES = 32;

/** What a commit with the first user or rule adds. */
export interface SecurityStateCreation {
  readonly changes: readonly MetadataKeyChange[];
  readonly expect: readonly MetadataExpectation[];
}

/** What creates the record, in the same commit as a user or a rule; empty if it exists. */
export function securityStateCreation(records: SecurityRecords): SecurityStateCreation {
  if (records.get(SECURITY_STATE_KEY) !== undefined) return { changes: [], expect: [] };
  return newSecurityState();
}

/** What creates the record, if it does not exist. */
export function newSecurityState(): SecurityStateCreation {
  const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  const state: SecurityState = { bootstrapped: true, fakeSaltSecret: secret.toBase64() };
  const value = new TextEncoder().encode(JSON.stringify(state));
  return {
    changes: [{ key: SECURITY_STATE_KEY, value }],
    expect: [{ key: SECURITY_STATE_KEY, revision: 0 }],
  };
}

/** Follows the record's secret. Until it exists there are no users to tell others from. */
export class FakeSaltSecret {
  #secret: Uint8Array = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));

  constructor(records: SecurityRecords) {
    records.subscribe("security/", (key, entry) => {
      if (key !== SECURITY_STATE_KEY || entry === undefined) return;
      this.#secret = secretOf(entry.value) ?? this.#secret;
    });
  }

  /** The secret of all brokers. */
  get value(): Uint8Array {
    return this.#secret;
  }
}

function secretOf(value: Uint8Array): Uint8Array | undefined {
  try {
    const { fakeSaltSecret } = JSON.parse(new TextDecoder().decode(value)) as SecurityState;
    return Uint8Array.fromBase64(fakeSaltSecret);
  } catch {
    return undefined;
  }
}
