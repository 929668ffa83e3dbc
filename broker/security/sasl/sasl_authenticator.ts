/**
 * The mechanisms that the listeners of a broker offer, and what they check credentials against.
 *
 * @module
 */

import { parseJaasConfig } from "../../../protocol/sasl/jaas_config.ts";
import { OAUTHBEARER } from "../../../protocol/sasl/oauthbearer.ts";
import { PLAIN } from "../../../protocol/sasl/plain.ts";
import { isScramMechanism, type ScramMechanism } from "../../../protocol/sasl/scram.ts";
import type { Logger } from "../../logger.ts";
import { type BrokerConfig, ConfigError } from "../../settings/config.ts";
import { SERVED_MECHANISMS, unservedMechanisms } from "../../settings/sasl_settings.ts";
import type { Clock } from "../../time/clock.ts";
import { FakeSaltSecret } from "../credentials/security_state.ts";
import { UserCredentials } from "../credentials/user_credentials.ts";
import type { SecurityRecords } from "../security_records.ts";
import { oauthBearerServer, type ValidateToken } from "./oauthbearer_server.ts";
import { PasswordChecker } from "./password_checker.ts";
import { type JaasUsers, jaasUsers, plainServer } from "./plain_server.ts";
import type { SaslMechanisms } from "./sasl_exchange.ts";
import type { SaslServer } from "./sasl_server.ts";
import { scramServer, type ScramToken } from "./scram_server.ts";

/** Loaded if a listener has OAUTHBEARER. */
const TOKEN_VALIDATOR = "./token_validator.ts";

/** Options of {@linkcode SaslAuthenticator.open}. */
export interface SaslAuthenticatorOptions {
  /** Names of the listeners whose clients authenticate by SASL. */
  readonly listeners: readonly string[];
  readonly config: BrokerConfig;
  readonly records: SecurityRecords;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called for each login by SCRAM with the nonce of old librdkafka. */
  readonly onOldNonce: () => void;
}

/** Delegation tokens (KIP-48). */
export interface TokenCredentials {
  /**
   * What those who know a token's secret authenticate with, with the same work whether there is such a
   * token or not; undefined if there is too much to do.
   *
   * @param network Where the client is, such as its address: networks take turns.
   */
  find(id: string, mechanism: ScramMechanism, network?: string): Promise<ScramToken | undefined>;
  /** Calls `listener` when tokens have been changed or deleted, until the returned function is called. */
  onChange(listener: () => void): () => void;
}

/** Authenticates clients by SASL. */
export class SaslAuthenticator {
  readonly #options: SaslAuthenticatorOptions;
  readonly #validators: ReadonlyMap<string, ValidateToken>;
  readonly #secret: FakeSaltSecret;
  readonly #jaasUsers: Map<string, JaasUsers> = new Map();
  /** The users. */
  readonly users: UserCredentials;
  /** Checks passwords in clear. */
  readonly passwords: PasswordChecker;
  /** The delegation tokens. Default: there are none. */
  tokens: TokenCredentials | undefined;

  private constructor(
    options: SaslAuthenticatorOptions,
    validators: ReadonlyMap<string, ValidateToken>,
  ) {
    const { records, logger, clock } = options;
    this.#options = options;
    this.#validators = validators;
    this.#secret = new FakeSaltSecret(records);
    this.users = new UserCredentials(records, logger);
    this.passwords = new PasswordChecker({
      credentialsOf: (user) => this.users.get(user),
      fakeSaltSecret: () => this.#secret.value,
      looksAt: (mechanism, place) => this.users.looksAt(mechanism, place),
      clock,
    });
  }

  /** @throws {ConfigError} If a listener has no mechanism that can be served. */
  static async open(options: SaslAuthenticatorOptions): Promise<SaslAuthenticator> {
    const validators = new Map<string, ValidateToken>();
    for (const listener of options.listeners) {
      const enabled = checkedMechanisms(options.config, listener);
      if (!enabled.includes(OAUTHBEARER)) continue;
      const { openTokenValidator }: typeof import("./token_validator.ts") = await import(
        TOKEN_VALIDATOR
      );
      validators.set(listener, openTokenValidator(options, listener));
    }
    return new SaslAuthenticator(options, validators);
  }

  /**
   * The mechanisms of a listener.
   *
   * @param network Where the client is, such as its address.
   */
  mechanismsOf(listener: string, network?: string): SaslMechanisms {
    const config = this.#options.config.ofListener(listener);
    const names = config.get("sasl.enabled.mechanisms");
    const enabled = names.filter((name) =>
      unservedMechanisms([name]).length === 0 &&
      (name !== OAUTHBEARER || this.#validators.has(listener))
    );
    return {
      enabled,
      maxReauthMs: (mechanism) => config.get("connections.max.reauth.ms", mechanism),
      start: (mechanism) =>
        enabled.includes(mechanism) ? this.#start(mechanism, listener, network) : undefined,
    };
  }

  /**
   * Calls `listener` when credentials have been changed or deleted.
   *
   * @returns A function that ends it.
   */
  onRevocation(listener: () => void): () => void {
    const stopUsers = this.users.onChange(listener);
    const stopTokens = this.tokens?.onChange(listener);
    return () => {
      stopUsers();
      stopTokens?.();
    };
  }

  /** Stops following users. */
  close(): void {
    this.users.close();
  }

  #start(mechanism: string, listener: string, network: string | undefined): SaslServer {
    if (isScramMechanism(mechanism)) return this.#startScram(mechanism, network);
    if (mechanism === PLAIN) {
      return plainServer(this.passwords, this.#jaasUsersOf(listener), network);
    }
    return oauthBearerServer(this.#validators.get(listener)!);
  }

  /** The users that a listener's `sasl.jaas.config` has for PLAIN. */
  #jaasUsersOf(listener: string): JaasUsers {
    const known = this.#jaasUsers.get(listener);
    if (known !== undefined) return known;
    const jaas = this.#options.config.ofListener(listener).get("sasl.jaas.config", PLAIN);
    const config = jaas === null ? undefined : parseJaasConfig(jaas.reveal());
    const users: JaasUsers = config?.mechanism === PLAIN ? jaasUsers(config) : new Map();
    this.#jaasUsers.set(listener, users);
    return users;
  }

  #startScram(mechanism: ScramMechanism, network: string | undefined): SaslServer {
    const { config, onOldNonce } = this.#options;
    const { users, tokens } = this;
    return scramServer({
      mechanism,
      credentialOf: (user) => users.get(user)?.get(mechanism),
      ...(tokens === undefined ? {} : { tokenOf: (id, of) => tokens.find(id, of, network) }),
      fakeSaltSecret: this.#secret.value,
      looksAt: (of, place) => users.looksAt(of, place),
      isStrictNonce: config.get("sasl.scram.strict.nonce"),
      onOldNonce,
    });
  }
}

/** @throws {ConfigError} If a mechanism is not served. */
function checkedMechanisms(config: BrokerConfig, listener: string): readonly string[] {
  const enabled = config.ofListener(listener).get("sasl.enabled.mechanisms");
  const unserved = unservedMechanisms(enabled);
  if (unserved.length === 0) return enabled;
  const served = SERVED_MECHANISMS.join(", ");
  throw new ConfigError(
    `Cannot use listener ${listener}: sasl.enabled.mechanisms has ${unserved.join(", ")}` +
      `${
        config.given.has("sasl.enabled.mechanisms") ? "" : " by default"
      }, which this broker does ` +
      `not serve; set it to one or more of ${served}`,
  );
}
