/**
 * Clients of all kinds connect to listeners with TLS, by right, wrong, expired and absent certificates,
 * and to ports of the wrong kind: it works, or fails with the error that the client names rightly.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { Broker, silentLogger } from "../../broker/mod.ts";
import { Client } from "../../client/mod.ts";
import { testWith } from "../support/outside.ts";
import { type CertificateSet, writeCertificateSet } from "../support/security/certificate_files.ts";
import {
  cliLogin,
  kafkaJsLogin,
  kcatLogin,
  LOGGED_IN,
  type LoginAttempt,
  platformaticLogin,
  sdkLogin,
  type TryLogin,
} from "../support/security/login_attempt.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

type ClientName = "kcat" | "kafkajs" | "platformatic" | "sdk" | "cli";

/** A way to connect, and what each client says; undefined if it logs in. */
interface Situation {
  readonly name: string;
  readonly attempt: LoginAttempt;
  readonly words?: Readonly<Record<ClientName, RegExp>>;
}

const PASSWORD = "alice-secret";
const BAD_PASSWORD = /Authentication failed: Invalid username or password/;

const UNTRUSTED = {
  kcat: /certificate verify failed/,
  kafkajs: /unable to (verify|get)|UnknownIssuer|self.signed/i,
  platformatic: /unable to (verify|get)|UnknownIssuer|self.signed|Connection/i,
  sdk: /CertificateError: .*no authority that the client trusts/,
  cli: /no authority that the client trusts.*\n.*--tls-ca/,
};
const REFUSED = /certificate|alert|ssl|tls|disconnect|closed/i;
const ABSENT = {
  kcat: REFUSED,
  kafkajs: REFUSED,
  platformatic: REFUSED,
  sdk: /CertificateError: .*asks for/,
  cli: /asks for a certificate.*\n.*--tls-cert and --tls-key/,
};
const NOT_ACCEPTED = {
  ...ABSENT,
  sdk: /CertificateError: .*(does not accept the client's certificate|has got the client's)/,
  cli: /(does not accept the client's certificate|has got the client's).*\n.*--tls-cert/,
};
const PLAINTEXT_PORT = {
  kcat: /SSL handshake failed|unexpected eof|Disconnected/,
  kafkajs: /disconnected before secure|ECONNRESET|corrupt|closed/i,
  platformatic: /disconnected before secure|ECONNRESET|corrupt|closed|Connection/i,
  sdk: /ConnectionError: .*that port speaks plaintext, not TLS/,
  cli: /that port speaks plaintext, not TLS.*\n.*leave out --tls/,
};
const TLS_PORT = {
  kcat: /connecting to a SSL listener\?|Disconnected|Receive failed|Invalid response size/,
  kafkajs: /closed|disconnect|too large|out of|size/i,
  platformatic: /closed|disconnect|timeout|connection/i,
  sdk: /ConnectionError: .*that port speaks TLS/,
  cli: /that port speaks TLS.*\nUse --tls/,
};

/** A broker with a listener of each kind, and a user. */
class TlsMatrix {
  readonly situations: readonly Situation[];
  readonly #broker: Broker;
  readonly #folder: TemporaryFolder;

  private constructor(broker: Broker, certificates: CertificateSet, folder: TemporaryFolder) {
    this.#broker = broker;
    this.#folder = folder;
    const addresses = broker.addresses.map(({ host, port }) => `${host}:${port}`);
    this.situations = situationsAt(addresses, certificates);
  }

  static async start(): Promise<TlsMatrix> {
    const folder = await TemporaryFolder.create();
    const certificates = writeCertificateSet(folder.path);
    const broker = await Broker.start({
      storage: "memory",
      listen: [
        "SSL://127.0.0.1:0",
        "MTLS://127.0.0.1:0",
        "SASL_SSL://127.0.0.1:0",
        "PLAINTEXT://127.0.0.1:0",
      ],
      config: {
        "listener.security.protocol.map": "SSL:SSL,MTLS:SSL,SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": certificates.server.keystoreFile,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": certificates.caFile,
        "listener.name.mtls.ssl.client.auth": "required",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256",
        "allow.everyone.if.no.acl.found": true,
      } as never,
      logger: silentLogger,
    });
    await using client = new Client({ broker });
    await client.admin().alterUserScramCredentials([
      { user: "alice", mechanism: "SCRAM-SHA-256", password: PASSWORD, iterations: 4096 },
    ]);
    return new TlsMatrix(broker, certificates, folder);
  }

  /** Runs the situations of a client at the same time. */
  async run(client: ClientName, tryLogin: TryLogin, t: Deno.TestContext): Promise<void> {
    const outcomes = await Promise.all(this.situations.map(({ attempt }) => tryLogin(attempt)));
    for (const [i, { name, words }] of this.situations.entries()) {
      await t.step(name, () => {
        if (words === undefined) assertEquals(outcomes[i], LOGGED_IN);
        else assertMatch(outcomes[i]!, words[client]);
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#broker.close();
    await this.#folder[Symbol.asyncDispose]();
  }
}

function situationsAt(
  [ssl, mtls, saslSsl, plaintext]: readonly string[],
  { caFile, client, expiredClient, untrustedClient }: CertificateSet,
): Situation[] {
  const tls = { protocol: "SSL", caFile } as const;
  const alice = { protocol: "SASL_SSL", caFile, username: "alice", password: PASSWORD } as const;
  return [
    { name: "TLS", attempt: { ...tls, address: ssl! } },
    {
      name: "TLS, without the authority",
      attempt: { protocol: "SSL", address: ssl! },
      words: UNTRUSTED,
    },
    { name: "a certificate", attempt: { ...tls, ...client, address: mtls! } },
    { name: "a certificate that nobody asks for", attempt: { ...tls, ...client, address: ssl! } },
    { name: "no certificate", attempt: { ...tls, address: mtls! }, words: ABSENT },
    {
      name: "an expired certificate",
      attempt: { ...tls, ...expiredClient, address: mtls! },
      words: NOT_ACCEPTED,
    },
    {
      name: "a certificate of a stranger",
      attempt: { ...tls, ...untrustedClient, address: mtls! },
      words: NOT_ACCEPTED,
    },
    ...(["PLAIN", "SCRAM-SHA-256"] as const).flatMap((mechanism): Situation[] => {
      const words = mechanism === "PLAIN" ? BAD_PASSWORD : /due to invalid credentials/;
      return [
        {
          name: `${mechanism} over TLS`,
          attempt: { ...alice, mechanism, address: saslSsl! },
        },
        {
          name: `${mechanism} over TLS, wrong password`,
          attempt: { ...alice, mechanism, password: "wrong", address: saslSsl! },
          words: {
            kcat: words,
            kafkajs: words,
            platformatic: /SASL authentication failed/,
            sdk: words,
            cli: words,
          },
        },
      ];
    }),
    {
      name: "TLS at a PLAINTEXT port",
      attempt: { ...tls, address: plaintext! },
      words: PLAINTEXT_PORT,
    },
    {
      name: "plaintext at a TLS port",
      attempt: { protocol: "PLAINTEXT", address: ssl! },
      words: TLS_PORT,
    },
  ];
}

testWith("kcat", "kcat connects by TLS, or says rightly why it cannot", async (path, t) => {
  await using matrix = await TlsMatrix.start();
  await matrix.run("kcat", kcatLogin(path), t);
});

const IN_PROCESS: readonly [name: string, client: ClientName, login: TryLogin][] = [
  ["kafkajs", "kafkajs", kafkaJsLogin],
  ["@platformatic/kafka", "platformatic", platformaticLogin],
  ["The SDK", "sdk", sdkLogin],
  ["The command line", "cli", cliLogin],
];

for (const [name, client, login] of IN_PROCESS) {
  Deno.test(`${name} connects by TLS, or says rightly why it cannot`, async (t) => {
    await using matrix = await TlsMatrix.start();
    await matrix.run(client, login, t);
  });
}
