/**
 * The keys that a provider of tokens signs with: a JSON Web Key Set, at a URL or in a file.
 *
 * It is read with the first token and refreshed in time, and sooner for a token whose key is not in it:
 * providers change keys without notice. A provider that does not answer leaves the last keys valid for a
 * day.
 *
 * @module
 */

// deno-lint-ignore no-import-prefix -- the package is published without an import map
import * as jose from "npm:jose@6.2.18";
import type { Logger } from "../../logger.ts";
import type { Clock } from "../../time/clock.ts";
import { readBoundedBody } from "../../../protocol/bounded_body.ts";
import { readBoundedFile } from "./bounded_file.ts";
import { TokenError } from "./oauthbearer_server.ts";

/** Options of {@linkcode SigningKeys}. */
export interface SigningKeysOptions {
  readonly url: URL;
  /** Milliseconds between two reads. */
  readonly refreshMs: number;
  /** Milliseconds until the first retry; doubled for each further one. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Least time between two reads for the sake of unknown keys, which anybody can make up. */
const UNKNOWN_KEY_MS = 10_000;
/** How long keys are used that could not be refreshed. */
const MAX_AGE_MS = 24 * 60 * 60 * 1000;
const TIMEOUT_MS = 5000;
const MAX_BYTES = 1024 * 1024;
/** Tokens that wait for a read. */
const MAX_WAITING = 1000;

interface Keys {
  readonly find: ReturnType<typeof jose.createLocalJWKSet>;
  readonly ids: ReadonlySet<string>;
}

/** The keys of a provider. */
export class SigningKeys {
  readonly #options: SigningKeysOptions;
  #keys: Keys | undefined;
  /** When the keys were read. */
  #readMs = -Infinity;
  #lastAttemptMs = -Infinity;
  #failures = 0;
  #reading: Promise<void> | undefined;
  #waiting = 0;

  constructor(options: SigningKeysOptions) {
    this.#options = options;
  }

  /** The key of a token. @throws {TokenError | JOSEError} If it has none of these. */
  async find(
    header: jose.JWSHeaderParameters,
    token: jose.FlattenedJWSInput,
  ): Promise<CryptoKey> {
    const { kid } = header;
    if (typeof kid !== "string") throw new TokenError("the token does not name its key");
    if (this.#mustRead(kid)) await this.#read();
    const { clock } = this.#options;
    if (this.#keys === undefined || clock.monotonic() - this.#readMs > MAX_AGE_MS) {
      throw new TokenError("the keys of the tokens' issuer cannot be read");
    }
    return await this.#keys.find(header, token);
  }

  #mustRead(id: string): boolean {
    const nowMs = this.#options.clock.monotonic();
    const sinceMs = nowMs - this.#lastAttemptMs;
    if (this.#failures > 0) {
      const { backoffMs, maxBackoffMs } = this.#options;
      if (sinceMs < Math.min(maxBackoffMs, backoffMs * 2 ** (this.#failures - 1))) {
        return this.#reading !== undefined && this.#keys === undefined;
      }
    }
    if (this.#keys === undefined || nowMs - this.#readMs >= this.#options.refreshMs) return true;
    return !this.#keys.ids.has(id) && (this.#reading !== undefined || sinceMs >= UNKNOWN_KEY_MS);
  }

  /** Reads the keys; tokens that come meanwhile share it. */
  async #read(): Promise<void> {
    if (this.#waiting >= MAX_WAITING) throw new TokenError("too many tokens wait for keys");
    this.#waiting++;
    try {
      await (this.#reading ??= this.#readOnce());
    } finally {
      this.#waiting--;
    }
  }

  async #readOnce(): Promise<void> {
    const { clock, logger, url } = this.#options;
    this.#lastAttemptMs = clock.monotonic();
    try {
      this.#keys = parseKeys(await readText(url));
      this.#readMs = clock.monotonic();
      this.#failures = 0;
    } catch (error) {
      if (this.#failures++ === 0) {
        logger.error("Cannot read the keys that tokens are signed with", { url: url.href, error });
      }
    } finally {
      this.#reading = undefined;
    }
  }
}

function parseKeys(text: string): Keys {
  const set = JSON.parse(text) as jose.JSONWebKeySet;
  const find = jose.createLocalJWKSet(set);
  const ids = new Set(set.keys.map(({ kid }) => kid).filter((kid) => typeof kid === "string"));
  return { find, ids };
}

async function readText(url: URL): Promise<string> {
  if (url.protocol === "file:") {
    return await readBoundedFile(url, MAX_BYTES);
  }
  const response = await fetch(url, {
    // The keys of another place are not those of this one.
    redirect: "error",
    signal: AbortSignal.timeout(TIMEOUT_MS),
    headers: { accept: "application/json, application/jwk-set+json" },
  });
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new TypeError(`The answer has status ${response.status}`);
  }
  return await readBoundedBody(response, MAX_BYTES);
}
