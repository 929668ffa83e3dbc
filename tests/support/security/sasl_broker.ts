/**
 * A broker in this process whose clients authenticate by SASL, with users.
 *
 * @module
 */

import { Broker } from "../../../broker/broker.ts";
import { createLogger } from "../../../broker/logger.ts";
import type { Clock } from "../../../broker/time/clock.ts";
import { alterUserScramCredentials } from "../../../protocol/messages/security/alter_user_scram_credentials.ts";
import {
  SCRAM_MECHANISMS,
  type ScramMechanism,
  scramSaltedPassword,
} from "../../../protocol/sasl/scram.ts";
import { RawConnection } from "../protocol/raw_connection.ts";

/** Users of all such brokers, with their passwords. */
export const PASSWORDS = { alice: "alice-secret", bob: "bob-secret" } as const;

/** Options of {@linkcode SaslBroker.start}. */
export interface SaslBrokerOptions {
  /** Further settings. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Time of the broker. Default: the system's. */
  readonly clock?: Clock;
}

/** The mechanisms of all such brokers, unless the configuration has others. */
export const MECHANISMS = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512";

/** A broker with a PLAINTEXT and a SASL_PLAINTEXT listener. */
export class SaslBroker {
  readonly broker: Broker;
  /** What it has logged. */
  readonly lines: readonly string[];

  private constructor(broker: Broker, lines: readonly string[]) {
    this.broker = broker;
    this.lines = lines;
  }

  /** Starts one, with the users of `PASSWORDS`. Everyone may do everything. */
  static async start({ config = {}, clock }: SaslBrokerOptions = {}): Promise<SaslBroker> {
    const lines: string[] = [];
    const broker = await Broker.start({
      storage: "memory",
      listen: ["PLAINTEXT://127.0.0.1:0", "SASL_PLAINTEXT://127.0.0.1:0"],
      config: {
        "inter.broker.listener.name": "PLAINTEXT",
        "sasl.enabled.mechanisms": MECHANISMS,
        "allow.everyone.if.no.acl.found": true,
        ...config,
      } as never,
      logger: createLogger({ sink: (line) => lines.push(line) }),
      ...(clock === undefined ? {} : { clock }),
    });
    const started = new SaslBroker(broker, lines);
    for (const [user, password] of Object.entries(PASSWORDS)) {
      await started.setPassword(user, password, "SCRAM-SHA-256");
      await started.setPassword(user, password, "SCRAM-SHA-512");
    }
    return started;
  }

  /** The address of the PLAINTEXT listener. */
  get plaintext(): string {
    return this.#address(0);
  }

  /** The address of the SASL_PLAINTEXT listener. */
  get address(): string {
    return this.#address(1);
  }

  #address(index: number): string {
    const { host, port } = this.broker.addresses[index]!;
    return `${host}:${port}`;
  }

  /** Creates a user, or changes its password. */
  async setPassword(user: string, password: string, mechanism: ScramMechanism): Promise<void> {
    const salt = crypto.getRandomValues(new Uint8Array(16));
    const saltedPassword = await scramSaltedPassword(mechanism, password, salt, 4096);
    await this.#alter({
      deletions: [],
      upsertions: [{
        name: user,
        mechanism: SCRAM_MECHANISMS[mechanism].id,
        iterations: 4096,
        salt,
        saltedPassword,
      }],
    });
  }

  /** Deletes a credential of a user. */
  async deleteCredential(user: string, mechanism: ScramMechanism): Promise<void> {
    const { id } = SCRAM_MECHANISMS[mechanism];
    await this.#alter({ deletions: [{ name: user, mechanism: id }], upsertions: [] });
  }

  async #alter(
    request: Parameters<
      typeof RawConnection.prototype.request<typeof alterUserScramCredentials>
    >[2],
  ): Promise<void> {
    using connection = await RawConnection.connect(this.plaintext);
    const { results } = await connection.request(alterUserScramCredentials, 0, request);
    for (const { errorCode, errorMessage } of results) {
      if (errorCode !== 0) throw new Error(`Cannot alter a user: ${errorCode} ${errorMessage}`);
    }
  }

  /** Closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker.close();
  }
}
