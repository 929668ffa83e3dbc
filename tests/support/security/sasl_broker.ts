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
import type { CertificateSet } from "./certificate_files.ts";
import { RawConnection } from "../protocol/raw_connection.ts";

/** Users of all such brokers, with their passwords. */
export const PASSWORDS = { alice: "alice-secret", bob: "bob-secret" } as const;

/** Options of {@linkcode SaslBroker.start}. */
export interface SaslBrokerOptions {
  /** Further settings. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Certificates for listeners with TLS. Default: there are no such listeners. */
  readonly certificates?: CertificateSet;
  /** Time of the broker. Default: the system's. */
  readonly clock?: Clock;
}

/** The mechanisms of all such brokers, unless the configuration has others. */
export const MECHANISMS = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512";

/** The listeners, in the order in which they are bound. MTLS has SSL, and asks for a certificate. */
const LISTENERS = ["PLAINTEXT", "SASL_PLAINTEXT", "SSL", "SASL_SSL", "MTLS"] as const;

/** A listener of such brokers. */
export type TestListener = typeof LISTENERS[number];

/** The settings of TLS for a set of certificates. */
function tlsSettings({ server, caFile }: CertificateSet): Record<string, unknown> {
  return {
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL," +
      "SASL_SSL:SASL_SSL,MTLS:SSL",
    "ssl.keystore.type": "PEM",
    "ssl.keystore.location": server.keystoreFile,
    "ssl.truststore.type": "PEM",
    "ssl.truststore.location": caFile,
    "listener.name.mtls.ssl.client.auth": "required",
  };
}

/** A broker with a listener of each kind; without certificates, of each kind without TLS. */
export class SaslBroker {
  readonly broker: Broker;
  /** What it has logged. */
  readonly lines: readonly string[];

  private constructor(broker: Broker, lines: readonly string[]) {
    this.broker = broker;
    this.lines = lines;
  }

  /** Starts one, with the users of `PASSWORDS`. Everyone may do everything. */
  static async start(
    { config = {}, certificates, clock }: SaslBrokerOptions = {},
  ): Promise<SaslBroker> {
    const lines: string[] = [];
    const broker = await Broker.start({
      storage: "memory",
      listen: LISTENERS.slice(0, certificates === undefined ? 2 : LISTENERS.length)
        .map((name) => `${name}://127.0.0.1:0`),
      config: {
        "inter.broker.listener.name": "PLAINTEXT",
        "sasl.enabled.mechanisms": MECHANISMS,
        "allow.everyone.if.no.acl.found": true,
        ...(certificates === undefined ? {} : tlsSettings(certificates)),
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
    return this.addressOf("PLAINTEXT");
  }

  /** The address of the SASL_PLAINTEXT listener. */
  get address(): string {
    return this.addressOf("SASL_PLAINTEXT");
  }

  /** The address of a listener. */
  addressOf(listener: TestListener): string {
    const { host, port } = this.broker.addresses[LISTENERS.indexOf(listener)]!;
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
