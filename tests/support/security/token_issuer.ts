/**
 * An issuer of tokens for OAUTHBEARER, whose keys are in a file.
 *
 * @module
 */

// deno-lint-ignore no-import-prefix
import * as jose from "npm:jose@6.2.18";

/** The issuer and the audience of tokens, unless they have others. */
export const ISSUER = "https://issuer.example";
export const AUDIENCE = "kafka";

/** What a token says. */
export interface TokenOptions {
  readonly subject?: string;
  readonly issuer?: string;
  readonly audience?: string;
  /** Seconds from now; may be negative. Default: an hour. */
  readonly expiresIn?: number;
  /** Seconds from now. Default: now. */
  readonly issuedIn?: number;
  readonly notBeforeIn?: number;
  /** Further claims; `undefined` leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
}

/** Signs tokens. */
export class TokenIssuer {
  readonly #key: CryptoKey;
  readonly #algorithm: string;
  readonly #id: string;
  /** The public key. */
  readonly jwk: jose.JWK;

  private constructor(key: CryptoKey, jwk: jose.JWK, algorithm: string, id: string) {
    this.#key = key;
    this.jwk = jwk;
    this.#algorithm = algorithm;
    this.#id = id;
  }

  /** Makes a key. */
  static async create(algorithm = "ES256", id = "key-1"): Promise<TokenIssuer> {
    const { privateKey, publicKey } = await jose.generateKeyPair(algorithm, { extractable: true });
    const jwk = { ...await jose.exportJWK(publicKey), kid: id, alg: algorithm, use: "sig" };
    return new TokenIssuer(privateKey, jwk, algorithm, id);
  }

  /** Signs a token. */
  sign(options: TokenOptions = {}): Promise<string> {
    const nowSeconds = Math.floor(Date.now() / 1000);
    const { subject = "alice", issuer = ISSUER, audience = AUDIENCE } = options;
    const { expiresIn = 3600, issuedIn = 0, notBeforeIn } = options;
    const claims = Object.fromEntries(
      Object.entries({
        sub: subject,
        iss: issuer,
        aud: audience,
        exp: nowSeconds + expiresIn,
        iat: nowSeconds + issuedIn,
        ...(notBeforeIn === undefined ? {} : { nbf: nowSeconds + notBeforeIn }),
        ...options.claims,
      }).filter(([, value]) => value !== undefined),
    );
    const header = { alg: this.#algorithm, kid: this.#id, ...options.header };
    return new jose.SignJWT(claims).setProtectedHeader(header).sign(this.#key);
  }
}

/** The text of a set of keys. */
export function keySetOf(...issuers: readonly TokenIssuer[]): string {
  return JSON.stringify({ keys: issuers.map(({ jwk }) => jwk) });
}

/** Settings of a broker that takes the tokens of issuers whose keys are in a file. */
export function tokenSettings(keysFile: string): Record<string, string> {
  return {
    "sasl.oauthbearer.jwks.endpoint.url": `file://${keysFile}`,
    "sasl.oauthbearer.expected.issuer": ISSUER,
    "sasl.oauthbearer.expected.audience": AUDIENCE,
  };
}
