/**
 * The mechanisms SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677): keys and proofs.
 *
 *     SaltedPassword = PBKDF2(password, salt, iterations)
 *     ClientKey      = HMAC(SaltedPassword, "Client Key")
 *     StoredKey      = H(ClientKey)
 *     ServerKey      = HMAC(SaltedPassword, "Server Key")
 *     ClientProof    = ClientKey XOR HMAC(StoredKey, AuthMessage)
 *     ServerSignature = HMAC(ServerKey, AuthMessage)
 *
 * The server keeps StoredKey and ServerKey. As in Kafka, names and passwords are used as they are,
 * without SASLprep. `scram_messages.ts` has the messages, `scram_client.ts` a client.
 *
 * @module
 */

/** A mechanism of SCRAM. */
export type ScramMechanism = "SCRAM-SHA-256" | "SCRAM-SHA-512";

/** What distinguishes a mechanism of SCRAM. */
export interface ScramAlgorithm {
  /** Number of the mechanism in Describe- and AlterUserScramCredentials. */
  readonly id: number;
  /** The hash by the name that `node:crypto` has for it. */
  readonly hash: "sha256" | "sha512";
  /** The hash by the name that WebCrypto has for it. */
  readonly webHash: "SHA-256" | "SHA-512";
  /** Length of keys, proofs and signatures in bytes. */
  readonly size: number;
}

/** The mechanisms by name. */
export const SCRAM_MECHANISMS: Readonly<Record<ScramMechanism, ScramAlgorithm>> = {
  "SCRAM-SHA-256": { id: 1, hash: "sha256", webHash: "SHA-256", size: 32 },
  "SCRAM-SHA-512": { id: 2, hash: "sha512", webHash: "SHA-512", size: 64 },
};

/** The fewest iterations that are secure enough (RFC 7677). */
export const MIN_SCRAM_ITERATIONS = 4096;
/** The most iterations that Kafka stores. */
export const MAX_SCRAM_ITERATIONS = 16_384;
/** Iterations for a new password. */
export const DEFAULT_SCRAM_ITERATIONS = 8192;
/** Bytes of a new salt. */
const SALT_BYTES = 18;

/** What a server keeps of a password. */
export interface ScramCredential {
  /** Random bytes that the password is salted with. */
  readonly salt: Uint8Array;
  /** Checks proofs of clients. */
  readonly storedKey: Uint8Array;
  /** Proves to clients that the server knows them. */
  readonly serverKey: Uint8Array;
  /** Rounds of PBKDF2. */
  readonly iterations: number;
}

/** Whether a mechanism is one of SCRAM. */
export function isScramMechanism(name: string): name is ScramMechanism {
  return Object.hasOwn(SCRAM_MECHANISMS, name);
}

type Crypto = typeof import("node:crypto");

let nodeCrypto: Crypto | undefined;

/**
 * `node:crypto`, loaded on first use. It is synchronous, where an HMAC of WebCrypto takes several
 * times as long for the tasks that it passes through.
 */
function lazyCrypto(): Crypto {
  // deno-lint-ignore no-process-global -- importing node:process would take long at start
  return nodeCrypto ??= process.getBuiltinModule("node:crypto");
}

/** The HMAC of some text or bytes. */
export function scramHmac(
  mechanism: ScramMechanism,
  key: Uint8Array,
  data: Uint8Array | string,
): Uint8Array {
  return plain(
    lazyCrypto().createHmac(SCRAM_MECHANISMS[mechanism].hash, key).update(data).digest(),
  );
}

/** The hash of some bytes. */
export function scramHash(mechanism: ScramMechanism, data: Uint8Array): Uint8Array {
  return plain(lazyCrypto().createHash(SCRAM_MECHANISMS[mechanism].hash).update(data).digest());
}

/** Compares secrets in a time that depends on their lengths alone. */
export function isEqualSecret(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && lazyCrypto().timingSafeEqual(a, b);
}

/** SaltedPassword. It is as good as the password. Computed off the event loop. */
export async function scramSaltedPassword(
  mechanism: ScramMechanism,
  password: string,
  salt: Uint8Array,
  iterations: number,
): Promise<Uint8Array> {
  const { webHash, size } = SCRAM_MECHANISMS[mechanism];
  const material = new TextEncoder().encode(password);
  // An empty key cannot be imported; HMAC pads keys with zeros, so one zero is the same.
  const key = await crypto.subtle.importKey(
    "raw",
    material.length === 0 ? new Uint8Array(1) : material,
    "PBKDF2",
    false,
    ["deriveBits"],
  );
  const parameters = { name: "PBKDF2", hash: webHash, salt: new Uint8Array(salt), iterations };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, size * 8));
}

/** What a server keeps, from SaltedPassword. */
export function scramCredential(
  mechanism: ScramMechanism,
  saltedPassword: Uint8Array,
  salt: Uint8Array,
  iterations: number,
): ScramCredential {
  return {
    salt,
    storedKey: scramHash(mechanism, scramHmac(mechanism, saltedPassword, "Client Key")),
    serverKey: scramHmac(mechanism, saltedPassword, "Server Key"),
    iterations,
  };
}

/** What a server keeps of a password, with a new salt. */
export async function newScramCredential(
  mechanism: ScramMechanism,
  password: string,
  iterations: number = DEFAULT_SCRAM_ITERATIONS,
): Promise<ScramCredential> {
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const salted = await scramSaltedPassword(mechanism, password, salt, iterations);
  return scramCredential(mechanism, salted, salt, iterations);
}

/** ClientProof, which shows that a client knows SaltedPassword. */
export function scramClientProof(
  mechanism: ScramMechanism,
  saltedPassword: Uint8Array,
  authMessage: string,
): Uint8Array {
  const clientKey = scramHmac(mechanism, saltedPassword, "Client Key");
  return xor(clientKey, scramHmac(mechanism, scramHash(mechanism, clientKey), authMessage));
}

/** ServerSignature, which shows that a server knows the credential. */
export function scramServerSignature(
  mechanism: ScramMechanism,
  serverKey: Uint8Array,
  authMessage: string,
): Uint8Array {
  return scramHmac(mechanism, serverKey, authMessage);
}

/** Whether a ClientProof belongs to a credential. */
export function isScramProof(
  mechanism: ScramMechanism,
  storedKey: Uint8Array,
  authMessage: string,
  proof: Uint8Array,
): boolean {
  if (proof.length !== SCRAM_MECHANISMS[mechanism].size) return false;
  const clientKey = xor(proof, scramHmac(mechanism, storedKey, authMessage));
  return isEqualSecret(scramHash(mechanism, clientKey), storedKey);
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, i) => byte ^ b[i]!);
}

/** The same bytes without the methods of a `Buffer`, whose `slice()` does not copy. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
