/**
 * Changes the credential of a user for one mechanism.
 *
 * @module
 */

import type { ScramCredential, ScramMechanism } from "../../../protocol/sasl/scram.ts";
import type { MetadataEntry } from "../../metadata/metadata_store.ts";
import type { SecurityRecords } from "../security_records.ts";
import { securityStateCreation } from "./security_state.ts";
import { decodeUser, encodeUser, type ScramCredentials } from "./user_record.ts";

/**
 * Sets or, with `undefined`, deletes the credential of the user with this key. A user without
 * credentials is deleted.
 *
 * @returns Whether the user had the credential.
 * @throws {RevisionConflictError} If the user is changed at the same time; repeat it then.
 */
export async function alterCredential(
  records: SecurityRecords,
  key: string,
  mechanism: ScramMechanism,
  credential: ScramCredential | undefined,
): Promise<boolean> {
  const credentials = new Map(credentialsOf(records.get(key)));
  const hadIt = credentials.delete(mechanism);
  if (credential === undefined && !hadIt) return false;
  if (credential !== undefined) credentials.set(mechanism, credential);
  const { changes, expect } = securityStateCreation(records);
  const value = credentials.size === 0 ? null : encodeUser(credentials);
  await records.commit([{ key, value }, ...changes], [records.expectation(key), ...expect]);
  return hadIt;
}

/** A record that cannot be read is replaced as a whole. */
function credentialsOf(entry: MetadataEntry | undefined): ScramCredentials {
  if (entry === undefined) return new Map();
  try {
    return decodeUser(entry.value);
  } catch {
    return new Map();
  }
}
