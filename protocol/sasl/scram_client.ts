/**
 * The client's side of SCRAM.
 *
 * @module
 */

import {
  isEqualSecret,
  MIN_SCRAM_ITERATIONS,
  scramClientProof,
  scramHmac,
  type ScramMechanism,
  scramSaltedPassword,
  scramServerSignature,
} from "./scram.ts";
import {
  formatClientFinalWithoutProof,
  formatClientFirstBare,
  parseServerFinal,
  parseServerFirst,
} from "./scram_messages.ts";
import type { SaslClient } from "./sasl_client.ts";
import { bytesOf, SaslMessageError, textOf } from "./sasl_error.ts";

/** The most iterations that a server can make a client compute, in about a second. */
const MAX_CLIENT_ITERATIONS = 1_000_000;
const GS2_HEADER = "n,,";
const NONCE_BYTES = 18;

/** Options of {@linkcode scramClient}. */
export interface ScramClientOptions {
  /** The mechanism. */
  readonly mechanism: ScramMechanism;
  /** Name of the user, or id of the delegation token. */
  readonly user: string;
  /** The password, or the base64 of the delegation token's HMAC. */
  readonly password: string;
  /** Whether user and password are a delegation token (KIP-48). Default: false. */
  readonly isToken?: boolean;
  /** The nonce: printable ASCII without commas. Default: random. */
  readonly nonce?: string;
}

/** Starts an exchange of a client. */
export function scramClient(options: ScramClientOptions): SaslClient {
  return new ScramClient(options);
}

class ScramClient implements SaslClient {
  readonly mechanism: ScramMechanism;
  readonly #password: string;
  readonly #nonce: string;
  readonly #firstBare: string;
  #serverSignature: Uint8Array | undefined;
  #isComplete = false;

  constructor({ mechanism, user, password, isToken, nonce }: ScramClientOptions) {
    this.mechanism = mechanism;
    this.#password = password;
    this.#nonce = nonce ?? crypto.getRandomValues(new Uint8Array(NONCE_BYTES)).toBase64();
    this.#firstBare = formatClientFirstBare({
      user,
      nonce: this.#nonce,
      ...(isToken === true ? { extensions: { tokenauth: "true" } } : {}),
    });
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  start(): Uint8Array {
    return bytesOf(GS2_HEADER + this.#firstBare);
  }

  async respond(challenge: Uint8Array): Promise<Uint8Array | undefined> {
    const text = textOf(challenge);
    if (this.#serverSignature === undefined) return await this.#proveTo(text);
    if (!isEqualSecret(parseServerFinal(text), this.#serverSignature)) {
      throw new SaslMessageError("The server does not know the password: its signature is wrong");
    }
    this.#isComplete = true;
    return undefined;
  }

  async #proveTo(serverFirst: string): Promise<Uint8Array> {
    const { nonce, salt, iterations } = parseServerFirst(serverFirst);
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length) {
      throw new SaslMessageError("The server's nonce does not continue that of the client");
    }
    if (iterations < MIN_SCRAM_ITERATIONS || iterations > MAX_CLIENT_ITERATIONS) {
      throw new SaslMessageError(
        `The server wants ${iterations} iterations, not ` +
          `${MIN_SCRAM_ITERATIONS} to ${MAX_CLIENT_ITERATIONS}`,
      );
    }
    const { mechanism } = this;
    const salted = await scramSaltedPassword(mechanism, this.#password, salt, iterations);
    const withoutProof = formatClientFinalWithoutProof(GS2_HEADER, nonce);
    const authMessage = `${this.#firstBare},${serverFirst},${withoutProof}`;
    const serverKey = scramHmac(mechanism, salted, "Server Key");
    this.#serverSignature = scramServerSignature(mechanism, serverKey, authMessage);
    const proof = scramClientProof(mechanism, salted, authMessage);
    return bytesOf(`${withoutProof},p=${proof.toBase64()}`);
  }
}
