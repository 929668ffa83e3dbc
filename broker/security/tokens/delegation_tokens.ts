/**
 * The delegation tokens of the cluster.
 *
 * @module
 */

import { createHmac } from "node:crypto";
import { ErrorCode } from "../../../protocol/errors.ts";
import {
  MIN_SCRAM_ITERATIONS,
  scramCredential,
  type ScramMechanism,
  scramSaltedPassword,
} from "../../../protocol/sasl/scram.ts";
import { randomUuid } from "../../../protocol/primitives/uuid.ts";
import { ApiError } from "../../api_error.ts";
import type { BrokerConfig } from "../../settings/config.ts";
import type { Clock } from "../../time/clock.ts";
import type { Principal } from "../principal.ts";
import { PasswordTurns } from "../sasl/password_turns.ts";
import type { ScramToken } from "../sasl/scram_server.ts";
import type { SecurityRecords } from "../security_records.ts";
import {
  decodeToken,
  type DelegationToken,
  encodeToken,
  isSamePrincipal,
  mayRenew,
  tokenIdOf,
  tokenKey,
  TOKENS_PREFIX,
} from "./delegation_token.ts";

/** What tokens depend on. */
export interface TokenParts {
  readonly cluster: {
    readonly security: SecurityRecords;
    /** Repeats what conflicted with a concurrent change. */
    retry<T>(change: () => Promise<T>): Promise<T>;
  };
  readonly config: BrokerConfig;
  readonly clock: Clock;
}

/** A token that is to be created. */
export interface NewToken {
  readonly owner: Principal;
  readonly requester: Principal;
  readonly renewers: readonly Principal[];
  /** Milliseconds that it can be renewed for; none or a negative number for the most. */
  readonly maxLifetimeMs?: number;
}

const SALT_BYTES = 18;
/** Most tokens of an owner, and of all: every broker keeps them in memory. */
const MAX_TOKENS_OF_OWNER = 1000;
const MAX_TOKENS = 10_000;
/** Logins whose credential is computed at once, off the event loop, and those that wait for it. */
const MAX_AT_ONCE = Math.max(1, Math.min(4, navigator.hardwareConcurrency - 1));
const MAX_WAITING = 256;

/** Creates, changes and looks up tokens. */
export class DelegationTokens {
  readonly #parts: TokenParts;
  readonly #tokens: Map<string, DelegationToken> = new Map();
  /** Ids by the secret, in base64. */
  readonly #idsBySecret: Map<string, string> = new Map();
  readonly #turns: PasswordTurns = new PasswordTurns({
    maxAtOnce: MAX_AT_ONCE,
    maxWaiting: MAX_WAITING,
  });
  readonly #listeners: Set<() => void> = new Set();

  constructor(parts: TokenParts) {
    this.#parts = parts;
    parts.cluster.security.subscribe(TOKENS_PREFIX, (key, entry) => {
      const id = tokenIdOf(key);
      if (id === undefined) return;
      const token = entry === undefined ? undefined : decodeToken(key, entry.value);
      if (token === undefined) this.#forget(id);
      else this.#note(token);
      for (const listener of this.#listeners) listener();
    });
  }

  /** Whether the broker is configured with a key. */
  get isEnabled(): boolean {
    return this.#key !== undefined;
  }

  /** All tokens, including those that have expired and are not deleted yet. */
  all(): Iterable<DelegationToken> {
    return this.#tokens.values();
  }

  /**
   * Calls `listener` when tokens have been changed or deleted.
   *
   * @returns A function that ends it.
   */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A token's secret, which is the password of those who authenticate with it. */
  secretOf(id: string): Uint8Array {
    return hmac(this.#enabledKey, id);
  }

  /**
   * Creates a token.
   *
   * @throws {ApiError} DELEGATION_TOKEN_AUTH_DISABLED if the broker has no key, POLICY_VIOLATION if there are
   * too many, of this owner or of all.
   */
  async create(
    { owner, requester, renewers, maxLifetimeMs = -1 }: NewToken,
  ): Promise<DelegationToken> {
    void this.#enabledKey;
    this.#checkRoom(owner);
    const { cluster, config, clock } = this.#parts;
    const issuedMs = clock.now();
    const limitMs = config.get("delegation.token.max.lifetime.ms");
    const maxMs = issuedMs + (maxLifetimeMs <= 0 ? limitMs : Math.min(maxLifetimeMs, limitMs));
    const expiryMs = Math.min(maxMs, issuedMs + config.get("delegation.token.expiry.time.ms"));
    const id = randomUuid();
    const token = { id, owner, requester, renewers, issuedMs, expiryMs, maxMs };
    const key = tokenKey(id);
    const expect = [{ key, revision: 0 }];
    await cluster.security.commit([{ key, value: encodeToken(token) }], expect);
    return token;
  }

  /**
   * Extends a token's time.
   *
   * @param periodMs Milliseconds from now, at most `delegation.token.expiry.time.ms`; 0 or a negative number
   * for that.
   * @returns When it expires.
   * @throws {ApiError} DELEGATION_TOKEN_AUTH_DISABLED, DELEGATION_TOKEN_NOT_FOUND,
   * DELEGATION_TOKEN_OWNER_MISMATCH, DELEGATION_TOKEN_EXPIRED.
   */
  async renew(secret: Uint8Array, principal: Principal, periodMs: number): Promise<number> {
    const limitMs = this.#parts.config.get("delegation.token.expiry.time.ms");
    const ms = periodMs <= 0 ? limitMs : Math.min(periodMs, limitMs);
    return await this.#change(secret, principal, ms);
  }

  /**
   * Changes when a token expires.
   *
   * @param periodMs Milliseconds from now; a negative number deletes it at once.
   * @returns When it expires.
   * @throws {ApiError} As {@linkcode renew}.
   */
  async expire(secret: Uint8Array, principal: Principal, periodMs: number): Promise<number> {
    if (periodMs >= 0) return await this.#change(secret, principal, periodMs);
    const { cluster, clock } = this.#parts;
    await cluster.retry(async () => {
      const { id } = this.#find(secret, principal);
      await this.delete(id);
    });
    return clock.now();
  }

  /** Deletes a token. @throws {RevisionConflictError} If it is changed at the same time. */
  async delete(id: string): Promise<void> {
    const { security } = this.#parts.cluster;
    const key = tokenKey(id);
    await security.commit([{ key, value: null }], [security.expectation(key)]);
  }

  /**
   * What those who know a token's secret authenticate with; undefined if too many ask at once.
   *
   * An id without a token has a credential like others, made with the same work: neither its looks nor its
   * time tell which tokens there are.
   *
   * @param network Where the client is, such as its address: networks take turns.
   */
  async find(
    id: string,
    mechanism: ScramMechanism,
    network = "",
  ): Promise<ScramToken | undefined> {
    const credential = await this.#credentialOf(id, mechanism, network);
    if (credential === undefined) return undefined;
    const token = this.#tokens.get(id);
    if (token === undefined || this.isExpired(token)) return { credential, login: undefined };
    const isCurrent = () => {
      const now = this.#tokens.get(id);
      return now !== undefined && !this.isExpired(now);
    };
    const { owner: { type, name }, expiryMs } = token;
    const principal = { type, name, isTokenAuthenticated: true };
    return { credential, login: { principal, expiresAtMs: expiryMs, isCurrent } };
  }

  /** Whether a token is no longer valid. */
  isExpired({ expiryMs, maxMs }: DelegationToken): boolean {
    return Math.min(expiryMs, maxMs) < this.#parts.clock.now();
  }

  get #key(): string | undefined {
    return this.#parts.config.get("delegation.token.secret.key")?.reveal();
  }

  get #enabledKey(): string {
    const key = this.#key;
    if (key === undefined) throw new ApiError(ErrorCode.DELEGATION_TOKEN_AUTH_DISABLED);
    return key;
  }

  async #change(secret: Uint8Array, principal: Principal, periodMs: number): Promise<number> {
    const { cluster, clock } = this.#parts;
    const { security } = cluster;
    return await cluster.retry(async () => {
      const token = this.#find(secret, principal);
      if (this.isExpired(token)) throw new ApiError(ErrorCode.DELEGATION_TOKEN_EXPIRED);
      const expiryMs = Math.min(token.maxMs, clock.now() + periodMs);
      const key = tokenKey(token.id);
      const value = encodeToken({ ...token, expiryMs });
      await security.commit([{ key, value }], [security.expectation(key)]);
      return expiryMs;
    });
  }

  #find(secret: Uint8Array, principal: Principal): DelegationToken {
    void this.#enabledKey;
    const id = this.#idsBySecret.get(secret.toBase64());
    const token = id === undefined ? undefined : this.#tokens.get(id);
    if (token === undefined) throw new ApiError(ErrorCode.DELEGATION_TOKEN_NOT_FOUND);
    if (!mayRenew(token, principal)) {
      throw new ApiError(ErrorCode.DELEGATION_TOKEN_OWNER_MISMATCH);
    }
    return token;
  }

  /** Its password is random and long, so that few iterations are secure. */
  async #credentialOf(
    id: string,
    mechanism: ScramMechanism,
    network: string,
  ): Promise<ScramToken["credential"] | undefined> {
    const password = this.secretOf(id).toBase64();
    // The same on all brokers.
    const salt = hmac(this.#enabledKey, `${mechanism}\0${id}`).slice(0, SALT_BYTES);
    if (!await this.#turns.take(network)) return undefined;
    try {
      const iterations = MIN_SCRAM_ITERATIONS;
      const salted = await scramSaltedPassword(mechanism, password, salt, iterations);
      return scramCredential(mechanism, salted, salt, iterations);
    } finally {
      this.#turns.leave();
    }
  }

  /** @throws {ApiError} POLICY_VIOLATION if there are too many tokens. */
  #checkRoom(owner: Principal): void {
    let count = 0;
    for (const token of this.#tokens.values()) {
      if (isSamePrincipal(token.owner, owner)) count++;
    }
    if (this.#tokens.size >= MAX_TOKENS || count >= MAX_TOKENS_OF_OWNER) {
      throw new ApiError(ErrorCode.POLICY_VIOLATION);
    }
  }

  #note(token: DelegationToken): void {
    this.#tokens.set(token.id, token);
    if (this.isEnabled) this.#idsBySecret.set(this.secretOf(token.id).toBase64(), token.id);
  }

  #forget(id: string): void {
    this.#tokens.delete(id);
    if (this.isEnabled) this.#idsBySecret.delete(this.secretOf(id).toBase64());
  }
}

function hmac(key: string, text: string): Uint8Array {
  return new Uint8Array(createHmac("sha512", key).update(text).digest());
}

/** One for each broker, which lives as long as its records. */
const byRecords = new WeakMap<SecurityRecords, DelegationTokens>();

/** The tokens of a broker. */
export function delegationTokensOf(parts: TokenParts): DelegationTokens {
  const { security } = parts.cluster;
  let tokens = byRecords.get(security);
  if (tokens === undefined) byRecords.set(security, tokens = new DelegationTokens(parts));
  return tokens;
}
