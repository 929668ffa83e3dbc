/**
 * The record of a user in the metadata store: what a server keeps of its passwords, never a password.
 *
 * @module
 */

import {
  isScramMechanism,
  MAX_SCRAM_ITERATIONS,
  MIN_SCRAM_ITERATIONS,
  SCRAM_MECHANISMS,
  type ScramCredential,
  type ScramMechanism,
} from "../../../protocol/sasl/scram.ts";

/** Prefix of the keys of users. */
export const USERS_PREFIX = "users/";

/** The credentials of a user, by mechanism. */
export type ScramCredentials = ReadonlyMap<ScramMechanism, ScramCredential>;

/** A user's record as JSON; bytes are base64. */
interface UserValue {
  readonly v: number;
  readonly scram: Readonly<Record<string, CredentialValue>>;
}

interface CredentialValue {
  readonly salt: string;
  readonly storedKey: string;
  readonly serverKey: string;
  readonly iterations: number;
}

const VERSION = 1;
/** Longest name of a user, in bytes of its key. */
const MAX_KEY_BYTES = 1024;

/** The key of a user's record; undefined if a user cannot have this name. */
export function userKey(name: string): string | undefined {
  if (name === "" || !name.isWellFormed()) return undefined;
  const key = USERS_PREFIX + encodeURIComponent(name);
  return key.length <= MAX_KEY_BYTES ? key : undefined;
}

/** The name of the user with a record; undefined if the key is not one of a user. */
export function userOfKey(key: string): string | undefined {
  try {
    const name = decodeURIComponent(key.slice(USERS_PREFIX.length));
    return userKey(name) === key ? name : undefined;
  } catch {
    return undefined;
  }
}

/** Encodes a user's record. */
export function encodeUser(credentials: ScramCredentials): Uint8Array {
  const scram: Record<string, CredentialValue> = {};
  for (const [mechanism, { salt, storedKey, serverKey, iterations }] of credentials) {
    scram[mechanism] = {
      salt: salt.toBase64(),
      storedKey: storedKey.toBase64(),
      serverKey: serverKey.toBase64(),
      iterations,
    };
  }
  const value: UserValue = { v: VERSION, scram };
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Decodes a user's record. @throws {SyntaxError} If it is malformed. */
export function decodeUser(value: Uint8Array): ScramCredentials {
  const { v, scram } = JSON.parse(new TextDecoder().decode(value)) as Partial<UserValue>;
  if (v !== VERSION || typeof scram !== "object" || scram === null) {
    throw new SyntaxError("The record of a user has another version");
  }
  const credentials = new Map<ScramMechanism, ScramCredential>();
  for (const [mechanism, credential] of Object.entries(scram)) {
    // A later version may know more mechanisms.
    if (isScramMechanism(mechanism)) credentials.set(mechanism, decode(mechanism, credential));
  }
  return credentials;
}

function decode(mechanism: ScramMechanism, value: CredentialValue): ScramCredential {
  const { size } = SCRAM_MECHANISMS[mechanism];
  const [salt, storedKey, serverKey] = [value.salt, value.storedKey, value.serverKey]
    .map((text) => Uint8Array.fromBase64(text)) as [Uint8Array, Uint8Array, Uint8Array];
  const { iterations } = value;
  const isValid = storedKey.length === size && serverKey.length === size &&
    Number.isInteger(iterations) && iterations >= MIN_SCRAM_ITERATIONS &&
    iterations <= MAX_SCRAM_ITERATIONS;
  if (!isValid) throw new SyntaxError(`The credential for ${mechanism} is malformed`);
  return { salt, storedKey, serverKey, iterations };
}
