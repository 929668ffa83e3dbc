/**
 * Who sends a request over HTTP: by Basic, a user with its password; by Bearer, the subject of a token as
 * OAUTHBEARER has it.
 *
 * @module
 */

import type { BrokerContext } from "../handler.ts";
import { addressGroup } from "../../protocol/ip_address.ts";
import { FakeSaltSecret } from "../security/credentials/security_state.ts";
import { UserCredentials } from "../security/credentials/user_credentials.ts";
import { type Principal, USER_TYPE } from "../security/principal.ts";
import { TokenError, type ValidateToken } from "../security/sasl/oauthbearer_server.ts";
import { PasswordChecker } from "../security/sasl/password_checker.ts";
import { HttpError } from "./http_error.ts";

/** A client that has shown who it is. */
export interface HttpIdentity {
  readonly principal: Principal;
  /** Whether what it has shown is still valid. */
  readonly isCurrent: () => boolean;
  /** When that ends, in milliseconds since the epoch, if it was a token. */
  readonly expiresAtMs?: number;
}

const REALM = "dqueue";
/** The listener whose settings of OAUTHBEARER hold, `listener.name.http.…`, or those of all. */
const LISTENER = "HTTP";
/** Clients that wait to be told that they failed. Beyond, they are told at once. */
const MAX_DELAYED = 1000;
/** Longest value of the header. */
const MAX_LENGTH = 72 * 1024;

const DECODER = new TextDecoder("utf-8", { fatal: true });

/** Authenticates requests. */
export class HttpAuthentication {
  readonly #broker: BrokerContext;
  readonly #users: UserCredentials;
  readonly #passwords: PasswordChecker;
  #validator: Promise<ValidateToken> | undefined;
  #delayed = 0;

  constructor(broker: BrokerContext) {
    const { cluster: { security }, clock, logger } = broker;
    this.#broker = broker;
    this.#users = new UserCredentials(security, logger);
    const secret = new FakeSaltSecret(security);
    this.#passwords = new PasswordChecker({
      credentialsOf: (user) => this.#users.get(user),
      fakeSaltSecret: () => secret.value,
      looksAt: (mechanism, place) => this.#users.looksAt(mechanism, place),
      clock,
    });
  }

  /**
   * Who sends a request.
   *
   * @param address The client's IP address.
   * @throws {HttpError} 401 if the request does not show it.
   */
  async identify({ headers }: Request, address = ""): Promise<HttpIdentity> {
    const given = headers.get("authorization");
    if (given === null) throw this.#unauthorized("This cluster wants to know who you are");
    const [, scheme = "", credentials = ""] = /^(\S+) +(\S+)$/.exec(given.slice(0, MAX_LENGTH)) ??
      [];
    const identity = await this.#identityOf(scheme.toLowerCase(), credentials, address);
    const { authentications } = this.#broker.counters;
    // The password may have changed while it was checked.
    if (identity?.isCurrent() === true) {
      authentications.succeeded++;
      return identity;
    }
    authentications.failed++;
    await this.#delay();
    throw this.#unauthorized("The credentials are not accepted");
  }

  /**
   * Calls `listener` when users have been changed or deleted.
   *
   * @returns A function that ends it.
   */
  onRevocation(listener: () => void): () => void {
    return this.#users.onChange(listener);
  }

  /** Stops following users. */
  close(): void {
    this.#users.close();
  }

  async #identityOf(
    scheme: string,
    credentials: string,
    address: string,
  ): Promise<HttpIdentity | undefined> {
    if (scheme === "basic") return await this.#byPassword(credentials, addressGroup(address));
    if (scheme === "bearer" && this.#takesTokens) return await this.#byToken(credentials);
    return undefined;
  }

  async #byPassword(credentials: string, network: string): Promise<HttpIdentity | undefined> {
    const text = decodeBase64(credentials);
    const colon = text?.indexOf(":") ?? -1;
    if (colon <= 0) return undefined;
    const name = text!.slice(0, colon);
    const isCurrent = await this.#passwords.check(name, text!.slice(colon + 1), network);
    return isCurrent && { principal: { type: USER_TYPE, name }, isCurrent };
  }

  async #byToken(token: string): Promise<HttpIdentity | undefined> {
    this.#validator ??= this.#openValidator();
    const { clock } = this.#broker;
    try {
      const { subject: name, expiresAtMs } = await (await this.#validator)(token);
      const isCurrent = () => clock.now() < expiresAtMs;
      return { principal: { type: USER_TYPE, name }, isCurrent, expiresAtMs };
    } catch (error) {
      if (error instanceof TokenError) return undefined;
      throw error;
    }
  }

  async #openValidator(): Promise<ValidateToken> {
    const { openTokenValidator } = await import("../security/sasl/token_validator.ts");
    return openTokenValidator(this.#broker, LISTENER);
  }

  get #takesTokens(): boolean {
    const config = this.#broker.config.ofListener(LISTENER);
    return config.get("sasl.oauthbearer.jwks.endpoint.url") !== null;
  }

  /** A wrong password costs time, as on other listeners. */
  async #delay(): Promise<void> {
    if (this.#delayed >= MAX_DELAYED) return;
    const { clock, config } = this.#broker;
    const ms = config.get("connection.failed.authentication.delay.ms");
    this.#delayed++;
    await new Promise<void>((resolve) => clock.setTimeout(resolve, ms));
    this.#delayed--;
  }

  #unauthorized(message: string): HttpError {
    const challenge = `Basic realm="${REALM}", charset="UTF-8"`;
    return new HttpError(401, message, {
      errorCode: 40101,
      headers: {
        "www-authenticate": this.#takesTokens ? `${challenge}, Bearer realm="${REALM}"` : challenge,
      },
    });
  }
}

function decodeBase64(text: string): string | undefined {
  try {
    return DECODER.decode(Uint8Array.fromBase64(text));
  } catch {
    return undefined;
  }
}
