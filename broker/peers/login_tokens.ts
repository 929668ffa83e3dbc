/**
 * The tokens by which a broker logs in to others: one is used for most of its life, then replaced.
 *
 * Nothing happens in the background: the login that needs another token gets it, and those that come
 * meanwhile wait for the same one. While the provider fails, the token that there is stays in use as long
 * as it is valid, and the provider is asked less and less often.
 *
 * @module
 */

import type { Clock } from "../time/clock.ts";
import { PeerRefusalError } from "./peer_network.ts";
import { type TokenSource, TokenSourceError } from "./token_source.ts";

/** When a token is replaced. */
export interface TokenRefresh {
  /** The part of a token's life after which another is got. */
  readonly factor: number;
  /** Most that is randomly added to `factor`. */
  readonly jitter: number;
  readonly minPeriodMs: number;
  readonly bufferMs: number;
}

/** Options of {@linkcode LoginTokens}. */
export interface LoginTokensOptions {
  readonly source: TokenSource;
  readonly refresh: () => TokenRefresh;
  /** Milliseconds until the first retry; doubled for each further one. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  readonly clock: Clock;
  /** From 0 to 1. Default: random. */
  readonly random?: () => number;
}

/** A token, and its times in milliseconds since the epoch. */
interface Token {
  readonly text: string;
  readonly replaceMs: number;
  readonly expiresMs: number;
}

/** The tokens of one source. */
export class LoginTokens {
  readonly #options: LoginTokensOptions;
  #token: Token | undefined;
  #getting: Promise<void> | undefined;
  #failures = 0;
  #lastError: TokenSourceError | undefined;
  /** By the monotonic clock. */
  #nextAttemptMs = -Infinity;

  constructor(options: LoginTokensOptions) {
    this.#options = options;
  }

  /**
   * A token that is valid.
   *
   * @throws {PeerRefusalError} If there is none; the message says why. The signal's reason, if it is aborted.
   */
  async get(signal: AbortSignal): Promise<string> {
    const { clock, source } = this.#options;
    if (this.#mustGet()) {
      this.#getting ??= this.#get().finally(() => this.#getting = undefined);
      await unlessAborted(this.#getting, signal);
    }
    const token = this.#token;
    if (token !== undefined && clock.now() < token.expiresMs) return token.text;
    throw new PeerRefusalError(
      `this broker has no token to log in with: ` +
        `${this.#lastError?.message ?? `that of ${source.place} has expired`}`,
    );
  }

  #mustGet(): boolean {
    const { clock, source: { isFile } } = this.#options;
    if (this.#getting !== undefined) return this.#isExpired;
    if (this.#token !== undefined && !isFile && clock.now() < this.#token.replaceMs) return false;
    return clock.monotonic() >= this.#nextAttemptMs;
  }

  get #isExpired(): boolean {
    return this.#token === undefined || this.#options.clock.now() >= this.#token.expiresMs;
  }

  async #get(): Promise<void> {
    const { source, clock, backoffMs, maxBackoffMs } = this.#options;
    try {
      this.#token = this.#tokenOf(await source.get());
      this.#failures = 0;
      this.#lastError = undefined;
    } catch (error) {
      if (!(error instanceof TokenSourceError)) throw error;
      this.#lastError = error;
      this.#nextAttemptMs = clock.monotonic() +
        Math.min(maxBackoffMs, backoffMs * 2 ** this.#failures++);
    }
  }

  /** @throws {TokenSourceError} If it does not say when it expires. */
  #tokenOf(text: string): Token {
    const { clock, source, refresh, random = Math.random } = this.#options;
    const { exp, iat } = claimsOf(text);
    if (typeof exp !== "number" || !Number.isFinite(exp)) {
      throw new TokenSourceError(
        `what ${source.place} gives is no JWT with a time of expiry (exp)`,
      );
    }
    const expiresMs = exp * 1000;
    if (expiresMs <= clock.now()) {
      throw new TokenSourceError(`the token that ${source.place} gives has expired`);
    }
    // The clocks of the provider and of this machine may differ.
    const startMs = Math.min(clock.now(), typeof iat === "number" ? iat * 1000 : Infinity);
    return { text, expiresMs, replaceMs: replaceTime(startMs, expiresMs, refresh(), random()) };
  }
}

/** Waits for what others wait for, too. @throws The signal's reason, if it is aborted. */
async function unlessAborted(awaited: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop);
  try {
    await Promise.race([awaited, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** When a token is to be replaced, as Kafka works it out. */
function replaceTime(
  startMs: number,
  expiresMs: number,
  { factor, jitter, minPeriodMs, bufferMs }: TokenRefresh,
  random: number,
): number {
  const lifeMs = expiresMs - startMs;
  const plannedMs = startMs + lifeMs * Math.min(1, factor + jitter * random);
  if (lifeMs < minPeriodMs + bufferMs) return plannedMs;
  return Math.max(startMs + minPeriodMs, Math.min(plannedMs, expiresMs - bufferMs));
}

/** What a JWT says, which is not verified: that is for the broker that it is shown to. */
function claimsOf(token: string): { readonly exp?: unknown; readonly iat?: unknown } {
  const [, payload = ""] = token.split(".");
  try {
    const bytes = Uint8Array.fromBase64(payload, { alphabet: "base64url" });
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === "object" && claims !== null ? claims : {};
  } catch {
    return {};
  }
}
