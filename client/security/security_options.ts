/**
 * The options of a client that secure its connections, checked.
 *
 * Options given by value are checked when the client is created. Those given as a function are asked
 * for and checked for each connection, so that new certificates and tokens are used.
 *
 * @module
 */

import { ConnectionError, describeError, DqueueError, UsageError } from "../errors.ts";
import { ensureKnown, type Names } from "../ensure_known.ts";
import { oneOf } from "../option_checks.ts";

/** How connections are encrypted, and what the client and the broker prove with certificates. */
export interface TlsOptions {
  /**
   * Certificates of authorities in PEM, one or several in a text. Brokers may be signed by these, in
   * addition to the authorities that Deno trusts; with `cert`, only by these. Default: those of Deno.
   */
  readonly ca?: string | readonly string[];
  /**
   * The client's certificate in PEM, followed by the intermediate ones, for brokers that ask for one
   * (`ssl.client.auth`). Needs `key`.
   */
  readonly cert?: string;
  /** The private key of `cert` in PEM. */
  readonly key?: string;
  /** The password that `key` is encrypted with, if it is. */
  readonly passphrase?: string;
  /** The name that the broker's certificate must have. Default: the host that is connected to. */
  readonly serverName?: string;
  /**
   * Whether the broker's certificate must have the name. Without this check, anyone who has any
   * certificate of a trusted authority can pose as the broker. Default: true.
   */
  readonly verifyServerName?: boolean;
}

/** A user and its password, or a delegation token. */
export interface SaslPasswordOptions {
  /**
   * The mechanism. `PLAIN` sends the password to the broker; use it with `tls` only. `SCRAM-SHA-256`
   * and `SCRAM-SHA-512` do not, and make the broker prove that it knows the user.
   */
  readonly mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512";
  /** The name of the user, or the id of the delegation token. */
  readonly username: string;
  /** The password, or the HMAC of the delegation token in base64. */
  readonly password: string;
  /** Whether this is a delegation token (KIP-48), for SCRAM. Default: false. */
  readonly isDelegationToken?: boolean;
}

/** A bearer token of an identity provider (KIP-255). */
export interface SaslTokenOptions {
  /** The mechanism. */
  readonly mechanism: "OAUTHBEARER";
  /** The token, a JWT, or a function that gets one; it is called for each authentication. */
  readonly token: string | (() => string | Promise<string>);
  /** Further values for the broker by name (KIP-342). Default: none. */
  readonly extensions?: { readonly [name: string]: string };
}

/** How the client proves who it is. */
export type SaslOptions = SaslPasswordOptions | SaslTokenOptions;

/** Options of a client that secure its connections. */
export interface SecurityOptions {
  /**
   * Encrypts connections: true, or certificates; or a function that is called for each connection.
   * Default: plaintext.
   */
  readonly tls?: boolean | TlsOptions | (() => TlsOptions | Promise<TlsOptions>);
  /**
   * Authenticates the client: by value, or a function that is called for each connection and each
   * time a session is renewed. Default: no authentication, or with the certificate in `tls`.
   */
  readonly sasl?: SaslOptions | (() => SaslOptions | Promise<SaslOptions>);
}

/** Options for each connection. */
export interface Source<T> {
  /**
   * Returns the options of one connection.
   *
   * @throws {ConnectionError} If a function of the program fails: a provider of tokens may be back soon.
   * @throws {UsageError} If it returns options that are invalid.
   */
  get(): Promise<T>;
  /** The function of the program that has not returned yet, by the name of its option. */
  readonly pending: string | undefined;
}

/** What a client authenticates with. */
export type Credentials = SaslPasswordOptions | SaslTokenOptions & { readonly token: string };

const TLS_NAMES: Names<TlsOptions> = {
  ca: true,
  cert: true,
  key: true,
  passphrase: true,
  serverName: true,
  verifyServerName: true,
};

const PASSWORD_NAMES: Names<SaslPasswordOptions> = {
  mechanism: true,
  username: true,
  password: true,
  isDelegationToken: true,
};

const TOKEN_NAMES: Names<SaslTokenOptions> = { mechanism: true, token: true, extensions: true };

const MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] as const;

/** @throws {UsageError} If an option is invalid. */
export function resolveTls(tls: SecurityOptions["tls"]): Source<TlsOptions> | undefined {
  if (tls === undefined || tls === false) return undefined;
  const calls = new ProgramCalls();
  if (typeof tls === "function") {
    return calls.source(async () => checkTls(await calls.call("tls", tls)));
  }
  const options = checkTls(tls === true ? {} : tls);
  return calls.source(() => Promise.resolve(options));
}

/** @throws {UsageError} If an option is invalid. */
export function resolveSasl(sasl: SecurityOptions["sasl"]): Source<Credentials> | undefined {
  if (sasl === undefined) return undefined;
  const calls = new ProgramCalls();
  if (typeof sasl === "function") {
    return calls.source(async () =>
      await credentialsOf(checkSasl(await calls.call("sasl", sasl)), calls)
    );
  }
  const options = checkSasl(sasl);
  return calls.source(() => credentialsOf(options, calls));
}

async function credentialsOf(sasl: SaslOptions, calls: ProgramCalls): Promise<Credentials> {
  if (sasl.mechanism !== "OAUTHBEARER") return sasl;
  const given = sasl.token;
  const token = typeof given === "string" ? given : await calls.call("sasl.token", given);
  textNeeded("sasl.token", token);
  return { ...sasl, token };
}

/** Calls functions of the program, and knows which have not returned yet. */
class ProgramCalls {
  readonly #running: string[] = [];

  source<T>(get: () => Promise<T>): Source<T> {
    const running = this.#running;
    return {
      get,
      get pending() {
        return running[0];
      },
    };
  }

  /** A function of the program fails like a network. */
  async call<T>(name: string, fn: () => T | Promise<T>): Promise<T> {
    this.#running.push(name);
    try {
      return await fn();
    } catch (error) {
      if (error instanceof DqueueError) throw error;
      throw new ConnectionError(
        `Cannot connect: the function "${name}" of the client failed: ${describeError(error)}`,
        { cause: error, advice: `Check what the function "${name}" does` },
      );
    } finally {
      this.#running.splice(this.#running.indexOf(name), 1);
    }
  }
}

function checkTls(tls: TlsOptions): TlsOptions {
  ensureKnown("tls", tls, TLS_NAMES);
  const { ca, cert, key, passphrase, serverName } = tls;
  for (const each of authoritiesOf(tls)) {
    if (!isPem(each, "CERTIFICATE")) {
      throw pemNeeded("tls.ca", "a certificate", typeof ca === "string" ? ca : each);
    }
  }
  if (cert !== undefined && !isPem(cert, "CERTIFICATE")) {
    throw pemNeeded("tls.cert", "a certificate", cert);
  }
  if (key !== undefined && !isPem(key, "[A-Z ]*PRIVATE KEY")) {
    // Not even the beginning of what may be a key is shown.
    throw pemNeeded("tls.key", "a private key");
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError(
      `Cannot use tls.${cert === undefined ? "key" : "cert"} without tls.` +
        `${cert === undefined ? "cert" : "key"}: a client certificate needs both`,
    );
  }
  if (passphrase !== undefined && key === undefined) {
    throw new UsageError("Cannot use tls.passphrase without tls.key: there is nothing to decrypt");
  }
  if (serverName === "") throw new UsageError("Cannot use an empty tls.serverName");
  return tls;
}

/** The certificates of authorities. */
export function authoritiesOf({ ca }: TlsOptions): readonly string[] {
  return ca === undefined ? [] : typeof ca === "string" ? [ca] : ca;
}

function isPem(text: unknown, label: string): boolean {
  return typeof text === "string" && new RegExp(`-----BEGIN ${label}-----`).test(text);
}

function pemNeeded(option: string, what: string, text?: string): UsageError {
  const isPath = typeof text === "string" && text.length < 1024 && !text.includes("\n");
  const shown = isPath ? ` of "${text}"` : "";
  return new UsageError(
    `Cannot use ${option}${shown}: it must be ${what} in PEM, which has "-----BEGIN"`,
    "Read the file first, for example with Deno.readTextFile()",
  );
}

function checkSasl(sasl: SaslOptions): SaslOptions {
  if (typeof sasl !== "object" || sasl === null) {
    // What was given instead may be a password.
    throw new UsageError("Cannot use sasl: it must be an object with a mechanism");
  }
  oneOf("sasl.mechanism", sasl.mechanism, MECHANISMS);
  if (sasl.mechanism === "OAUTHBEARER") {
    ensureKnown("sasl", sasl, TOKEN_NAMES);
    if (typeof sasl.token !== "function") textNeeded("sasl.token", sasl.token);
    return sasl;
  }
  ensureKnown("sasl", sasl, PASSWORD_NAMES);
  textNeeded("sasl.username", sasl.username);
  textNeeded("sasl.password", sasl.password);
  if (sasl.isDelegationToken && sasl.mechanism === "PLAIN") {
    throw new UsageError("Cannot use a delegation token with PLAIN: it needs a SCRAM mechanism");
  }
  return sasl;
}

function textNeeded(option: string, text: unknown): void {
  if (typeof text === "string" && text !== "") return;
  throw new UsageError(`Cannot use ${option}: it must be a text that is not empty`);
}
