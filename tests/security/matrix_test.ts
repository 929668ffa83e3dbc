/**
 * Clients of all kinds log in to listeners of all kinds, with right, wrong, expired and absent
 * credentials: it works, or fails at once with the error that the client names rightly.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  javaOptions,
  javaProgram,
  oauthLoginProgram,
  observationsOf,
  pythonWithConfluent,
  toolsWith,
} from "../support/clients/observations.ts";
import { outside, testWith, testWithPath } from "../support/outside.ts";
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
import { type CertificateSet, writeCertificateSet } from "../support/security/certificate_files.ts";
import { PASSWORDS, SaslBroker } from "../support/security/sasl_broker.ts";
import {
  AUDIENCE,
  ISSUER,
  keySetOf,
  TokenIssuer,
  tokenSettings,
} from "../support/security/token_issuer.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

type Mechanism = NonNullable<LoginAttempt["mechanism"]>;
type Client = "kcat" | "kafkajs" | "platformatic" | "java" | "librdkafka" | "sdk" | "cli";

/** What a client says in a situation. A situation that is missing is one that it cannot be in. */
type Words = Readonly<Partial<Record<Client, RegExp>>>;

/** A client's way of logging in, and what is to come of it. */
interface Situation {
  readonly name: string;
  readonly attempt: LoginAttempt;
  /** What is said; undefined if the client logs in. */
  readonly words?: Words;
  /** Clients that cannot be in it. */
  readonly without?: readonly Client[];
}

/** Attempts at the same time: kcat waits for most of its time. */
const AT_ONCE = 16;

const ALL = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER";
const BAD_PASSWORD = "Authentication failed: Invalid username or password";
const badProof = (mechanism: string) =>
  `Authentication failed during authentication due to invalid credentials with SASL mechanism ${mechanism}`;

/** All clients say what the broker says, or at least which error it is. */
function allSay(text: string): Words {
  const words = new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const platformatic = /SASL authentication failed/;
  const others = { java: words, librdkafka: words, sdk: words, cli: words };
  return { kcat: words, kafkajs: words, platformatic, ...others };
}

const MECHANISM_OFF: Words = {
  kcat: /Unsupported SASL mechanism: broker's supported mechanisms: [A-Z]/,
  kafkajs: /mechanism|SASL/i,
  platformatic: /UNSUPPORTED_SASL_MECHANISM|SASL/i,
  java: /Client SASL mechanism '.*' not enabled in the server, enabled mechanisms are \[/,
  librdkafka: /Unsupported SASL mechanism: broker's supported mechanisms: [A-Z]/,
  sdk: /AuthenticationError: .*it does not offer .*, but [A-Z]/,
  cli: /it does not offer .*, but [A-Z].*\n.*--sasl-mechanism/,
};
const PLAINTEXT_PORT: Words = {
  kcat: /Request not valid in current SASL state/,
  kafkajs: /not valid given the current SASL state/,
  platformatic: /ILLEGAL_SASL_STATE|SASL/i,
  java: /IllegalSaslStateException|SASL/i,
  librdkafka: /Request not valid in current SASL state/,
  sdk: /AuthenticationError: .*that port does not authenticate clients with SASL/,
  cli: /that port does not authenticate clients with SASL\n.*leave out --user/,
};
const NO_SASL: Words = {
  kcat: /broker might require SASL authentication/,
  kafkajs: /Closed connection/,
  platformatic: /closed/i,
  java: /TimeoutException/,
  sdk: /AuthenticationError: .*that port demands SASL/,
  cli: /that port demands SASL.*\n.*--user and --sasl-mechanism, one of .*SCRAM/,
};
const TLS_AT_PLAINTEXT: Words = {
  kcat: /SSL handshake failed|unexpected eof|Disconnected/,
  kafkajs: /before secure TLS connection was established|wrong version number|Closed connection/,
  platformatic: /TLS|closed|wrong version|connect/i,
  java: /TimeoutException|SSL/,
  sdk: /ConnectionError: .*that port speaks plaintext, not TLS/,
  cli: /that port speaks plaintext, not TLS.*\n.*leave out --tls/,
};
const PLAINTEXT_AT_TLS: Words = {
  kcat: /connecting to a SSL listener|Disconnected/,
  kafkajs: /Closed connection|ECONNRESET/,
  platformatic: /closed|ECONNRESET/i,
  java: /TimeoutException/,
  sdk: /ConnectionError: .*that port speaks TLS/,
  cli: /that port speaks TLS.*\nUse --tls/,
};
const UNKNOWN_AUTHORITY: Words = {
  kcat: /certificate verify failed/,
  kafkajs: /unable to (verify the first certificate|get local issuer)|UnknownIssuer|self.signed/i,
  platformatic: /unable to (verify|get)|UnknownIssuer|self.signed|certificate/i,
  java: /SSL handshake failed|unable to find valid certification path/,
  sdk: /CertificateError: .*no authority that the client trusts/,
  cli: /no authority that the client trusts.*\n.*--tls-ca/,
};
/** In TLS 1.3 the server's alert comes after the client's handshake. */
const BAD_CERTIFICATE: Words = {
  kcat: /alert|certificate|SSL|Disconnected/,
  kafkajs: /alert|certificate|Closed connection|ECONNRESET|disconnected/i,
  platformatic: /alert|certificate|closed|ECONNRESET/i,
  java: /SSL|certificate|TimeoutException/i,
  sdk: /CertificateError: .*(asks for|does not accept|has got) (a certificate of )?the client/,
  cli:
    /(asks for|does not accept|has got) (a certificate of )?the client.*\n.*--tls-cert and --tls-key/,
};
const EXPIRED = '{"status":"invalid_token"}: the token has expired';
const UNSIGNED =
  '{"status":"invalid_token"}: the token is signed with an algorithm that is not accepted';
const WRONG_SIGNATURE = '{"status":"invalid_token"}: the token\'s signature is wrong';

/** Brokers with SASL listeners, tokens, and the situations of their clients. */
class Matrix {
  readonly situations: readonly Situation[];
  readonly #brokers: readonly SaslBroker[];
  readonly #folder: TemporaryFolder;

  private constructor(
    situations: readonly Situation[],
    brokers: readonly SaslBroker[],
    folder: TemporaryFolder,
  ) {
    this.situations = situations;
    this.#brokers = brokers;
    this.#folder = folder;
  }

  /** @param mechanism Leaves out the others. */
  static async start(mechanism?: Mechanism): Promise<Matrix> {
    const folder = await TemporaryFolder.create();
    const [issuer, stranger] = [await TokenIssuer.create(), await TokenIssuer.create()];
    const keysFile = `${folder.path}/keys.json`;
    await Deno.writeTextFile(keysFile, keySetOf(issuer));
    const settings = tokenSettings(keysFile);
    const certificates = writeCertificateSet(folder.path);
    const start = (mechanisms: string) =>
      SaslBroker.start({
        certificates,
        config: { ...settings, "sasl.enabled.mechanisms": mechanisms },
      });
    const [broker, scramOnly, plainOnly] = await Promise.all([
      start(ALL),
      start("SCRAM-SHA-256"),
      start("PLAIN"),
    ]);
    const tokens = {
      right: await issuer.sign(),
      wrong: await stranger.sign(),
      expired: await issuer.sign({ issuedIn: -7200, expiresIn: -3600 }),
    };
    const situations: Situation[] = [
      ...passwordSituations(broker, { off: scramOnly, mechanism: "PLAIN" }),
      ...passwordSituations(broker, { off: plainOnly, mechanism: "SCRAM-SHA-256" }),
      ...passwordSituations(broker, { off: plainOnly, mechanism: "SCRAM-SHA-512" }),
      ...tokenSituations(broker, plainOnly, tokens),
      {
        name: "OAUTHBEARER, signed by nobody",
        attempt: {
          address: broker.address,
          protocol: "SASL_PLAINTEXT" as const,
          mechanism: "OAUTHBEARER" as const,
          token: unsigned(),
        },
        words: allSay(UNSIGNED),
        without: ["java" as const],
      },
      {
        name: "no SASL at a SASL port",
        attempt: { address: broker.address, protocol: "PLAINTEXT" as const },
        words: NO_SASL,
      },
      ...tlsSituations(broker, certificates),
      ...saslSslSituations(broker, certificates, tokens),
    ];
    const wanted = situations.filter(({ attempt }) =>
      mechanism === undefined || attempt.mechanism === mechanism
    );
    return new Matrix(wanted, [broker, scramOnly, plainOnly], folder);
  }

  /** Runs the situations of a client, a few at the same time. */
  async run(client: Client, tryLogin: TryLogin, t: Deno.TestContext): Promise<void> {
    const mine = this.situations.filter(({ words, without = [] }) =>
      (words === undefined || client in words) && !without.includes(client)
    );
    const outcomes = new Map<string, string>();
    const queue = [...mine];
    const runner = async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        outcomes.set(next.name, await tryLogin(next.attempt));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, runner));
    for (const { name, words } of mine) {
      await t.step(name, () => {
        check(outcomes.get(name)!, words?.[client]);
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#brokers.map((broker) => broker[Symbol.asyncDispose]()));
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** A token without a signature, which Kafka takes if it is told nothing else. */
function unsigned(): string {
  const encode = (value: object) =>
    new TextEncoder().encode(JSON.stringify(value)).toBase64({
      alphabet: "base64url",
      omitPadding: true,
    });
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const claims = { sub: "alice", iss: ISSUER, aud: AUDIENCE, iat: exp - 3600, exp };
  return `${encode({ alg: "none" })}.${encode(claims)}.`;
}

function check(outcome: string, words: RegExp | undefined): void {
  if (words === undefined) assertEquals(outcome, LOGGED_IN);
  else assertMatch(outcome, words);
}

function passwordSituations(
  broker: SaslBroker,
  { off, mechanism }: { readonly off: SaslBroker; readonly mechanism: Mechanism },
): Situation[] {
  const text = mechanism === "PLAIN" ? BAD_PASSWORD : badProof(mechanism);
  const alice = { username: "alice", password: PASSWORDS.alice };
  const by = { address: broker.address, protocol: "SASL_PLAINTEXT", mechanism } as const;
  return [
    { name: `${mechanism}, right`, attempt: { ...by, ...alice } },
    {
      name: `${mechanism}, wrong password`,
      attempt: { ...by, ...alice, password: "wrong" },
      words: allSay(text),
    },
    {
      name: `${mechanism}, unknown user`,
      attempt: { ...by, ...alice, username: "nobody" },
      words: allSay(text),
    },
    {
      name: `${mechanism}, not enabled`,
      attempt: { ...by, ...alice, address: off.address },
      words: MECHANISM_OFF,
    },
    {
      name: `${mechanism} at a PLAINTEXT port`,
      attempt: { ...by, ...alice, address: broker.plaintext },
      words: PLAINTEXT_PORT,
    },
  ];
}

function tokenSituations(
  broker: SaslBroker,
  off: SaslBroker,
  tokens: { readonly right: string; readonly wrong: string; readonly expired: string },
): Situation[] {
  const mechanism = "OAUTHBEARER";
  const by = { address: broker.address, protocol: "SASL_PLAINTEXT", mechanism } as const;
  const { right, wrong, expired } = tokens;
  // kcat itself makes its tokens, which nobody has signed.
  const without = ["kcat"] as const;
  return [
    {
      name: "OAUTHBEARER, right",
      attempt: { ...by, token: right },
      without,
    },
    {
      name: "OAUTHBEARER, signed by a stranger",
      attempt: { ...by, token: wrong },
      words: allSay(WRONG_SIGNATURE),
      without,
    },
    {
      name: "OAUTHBEARER, expired",
      attempt: { ...by, token: expired },
      // Java does not even send it.
      words: { ...allSay(EXPIRED), java: /expir/i },
      without,
    },
    {
      name: "OAUTHBEARER, not enabled",
      attempt: { ...by, token: right, address: off.address },
      words: MECHANISM_OFF,
    },
    {
      name: "OAUTHBEARER at a PLAINTEXT port",
      attempt: { ...by, token: right, address: broker.plaintext },
      words: PLAINTEXT_PORT,
    },
  ];
}

function tlsSituations(broker: SaslBroker, certificates: CertificateSet): Situation[] {
  const { caFile, client, expiredClient, untrustedClient } = certificates;
  const protocol = "SSL";
  const [ssl, mtls] = [broker.addressOf("SSL"), broker.addressOf("MTLS")];
  return [
    { name: "SSL", attempt: { address: ssl, protocol, caFile } },
    {
      name: "SSL, authority not trusted",
      attempt: { address: ssl, protocol },
      words: UNKNOWN_AUTHORITY,
    },
    {
      name: "SSL at a PLAINTEXT port",
      attempt: { address: broker.plaintext, protocol, caFile },
      words: TLS_AT_PLAINTEXT,
    },
    {
      name: "PLAINTEXT at an SSL port",
      attempt: { address: ssl, protocol: "PLAINTEXT" },
      words: PLAINTEXT_AT_TLS,
    },
    { name: "mTLS", attempt: { address: mtls, protocol, caFile, ...client } },
    {
      name: "SSL, with a certificate that nobody asks for",
      attempt: { address: ssl, protocol, caFile, ...client },
    },
    {
      name: "mTLS without a certificate",
      attempt: { address: mtls, protocol, caFile },
      words: BAD_CERTIFICATE,
    },
    {
      name: "mTLS, certificate expired",
      attempt: { address: mtls, protocol, caFile, ...expiredClient },
      words: BAD_CERTIFICATE,
    },
    {
      name: "mTLS, certificate of a stranger",
      attempt: { address: mtls, protocol, caFile, ...untrustedClient },
      words: BAD_CERTIFICATE,
    },
  ];
}

function saslSslSituations(
  broker: SaslBroker,
  { caFile }: CertificateSet,
  tokens: { readonly right: string; readonly expired: string },
): Situation[] {
  const by = { address: broker.addressOf("SASL_SSL"), protocol: "SASL_SSL", caFile } as const;
  const alice = { username: "alice", password: PASSWORDS.alice };
  const mechanisms = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] as const;
  return [
    ...mechanisms.flatMap((mechanism): Situation[] => [
      { name: `${mechanism} over TLS, right`, attempt: { ...by, ...alice, mechanism } },
      {
        name: `${mechanism} over TLS, wrong password`,
        attempt: { ...by, ...alice, mechanism, password: "wrong" },
        words: allSay(mechanism === "PLAIN" ? BAD_PASSWORD : badProof(mechanism)),
      },
    ]),
    {
      name: "OAUTHBEARER over TLS, right",
      attempt: { ...by, mechanism: "OAUTHBEARER", token: tokens.right },
      without: ["kcat"],
    },
    {
      name: "OAUTHBEARER over TLS, expired",
      attempt: { ...by, mechanism: "OAUTHBEARER", token: tokens.expired },
      words: { ...allSay(EXPIRED), java: /expir/i },
      without: ["kcat"],
    },
    {
      name: "SSL at a SASL_SSL port",
      attempt: { address: by.address, protocol: "SSL", caFile },
      words: { ...NO_SASL, kcat: /Disconnected|SASL/ },
    },
  ];
}

testWith("kcat", "kcat logs in, or says rightly why it cannot", async (path, t) => {
  await using matrix = await Matrix.start();
  await matrix.run("kcat", kcatLogin(path), t);
});

Deno.test("kafkajs logs in, or says rightly why it cannot", async (t) => {
  await using matrix = await Matrix.start();
  await matrix.run("kafkajs", kafkaJsLogin, t);
});

Deno.test("@platformatic/kafka logs in, or says rightly why it cannot", async (t) => {
  await using matrix = await Matrix.start();
  await matrix.run("platformatic", platformaticLogin, t);
});

Deno.test("The SDK logs in, or says rightly why it cannot", async (t) => {
  await using matrix = await Matrix.start();
  await matrix.run("sdk", sdkLogin, t);
});

Deno.test("The command line logs in, or says rightly why it cannot", async (t) => {
  await using matrix = await Matrix.start();
  await matrix.run("cli", cliLogin, t);
});

testWithPath(
  "Python with confluent-kafka",
  pythonWithConfluent(),
  "librdkafka logs in by OAUTHBEARER, or says rightly why it cannot",
  async (python, t) => {
    await using matrix = await Matrix.start("OAUTHBEARER");
    const login: TryLogin = async ({ address, protocol, token, caFile }) => {
      const ca = caFile === undefined ? [] : [caFile];
      const args = [oauthLoginProgram, address, protocol, token!, ...ca];
      return (await observationsOf(python, args)).outcome!;
    };
    await matrix.run("librdkafka", login, t);
  },
);

testWithPath(
  "a Java compiler with Kafka's tools",
  toolsWith("kafka-clients"),
  "Kafka's client logs in, or says rightly why it cannot",
  async (tool, t) => {
    await using matrix = await Matrix.start();
    await using folder = await TemporaryFolder.create();
    const files: string[] = [];
    const tokenFiles: string[] = [];
    for (const [i, { attempt, without }] of matrix.situations.entries()) {
      if (without?.includes("java") === true) continue;
      const file = `${folder.path}/${i}.properties`;
      const tokenFile = `${folder.path}/${i}.jwt`;
      await Deno.writeTextFile(file, await javaProperties(attempt, tokenFile));
      files.push(`${i}=${file}`);
      tokenFiles.push(tokenFile);
    }
    const found = await observationsOf("java", [
      `-D${JAVA_OAUTH}.allowed.urls=${tokenFiles.map((file) => `file://${file}`)}`,
      `-D${JAVA_OAUTH}.allowed.files=${tokenFiles}`,
      ...javaOptions(tool),
      javaProgram("Login"),
      ...files,
    ]);
    const outcomes = new Map(
      matrix.situations.map(({ attempt }, i) => [attempt, found[`${i}`]!]),
    );
    await matrix.run("java", (attempt) => Promise.resolve(outcomes.get(attempt)!), t);
  },
);

/** What Kafka's client may read tokens from is a property of the system. */
const JAVA_OAUTH = "org.apache.kafka.sasl.oauthbearer";

/** The properties of the Java client for an attempt. */
async function javaProperties(attempt: LoginAttempt, tokenFile: string): Promise<string> {
  const { address, protocol, mechanism, username, password, token } = attempt;
  const lines = [
    `bootstrap.servers=${address}`,
    `security.protocol=${protocol}`,
    // Without SASL the client waits for all of it, see `NO_SASL`.
    `default.api.timeout.ms=${mechanism === undefined ? 5000 : 60_000}`,
    "request.timeout.ms=5000",
  ];
  const { caFile, keystoreFile } = attempt;
  if (caFile !== undefined) {
    lines.push("ssl.truststore.type=PEM", `ssl.truststore.location=${caFile}`);
  }
  if (keystoreFile !== undefined) {
    lines.push("ssl.keystore.type=PEM", `ssl.keystore.location=${keystoreFile}`);
  }
  if (mechanism === undefined) return lines.join("\n");
  lines.push(`sasl.mechanism=${mechanism}`);
  if (mechanism === "OAUTHBEARER") {
    await Deno.writeTextFile(tokenFile, token!);
    const prefix = "org.apache.kafka.common.security.oauthbearer";
    lines.push(
      `sasl.login.callback.handler.class=${prefix}.OAuthBearerLoginCallbackHandler`,
      `sasl.oauthbearer.token.endpoint.url=file://${tokenFile}`,
      `sasl.jaas.config=${prefix}.OAuthBearerLoginModule required;`,
    );
    return lines.join("\n");
  }
  const login = mechanism === "PLAIN" ? "plain.PlainLoginModule" : "scram.ScramLoginModule";
  lines.push(
    `sasl.jaas.config=org.apache.kafka.common.security.${login} required ` +
      `username="${username}" password="${password}";`,
  );
  return lines.join("\n");
}

testWith(
  "kcat",
  "kcat cannot log in with the nonce of old librdkafka if that is forbidden",
  async (path) => {
    await using broker = await SaslBroker.start({ config: { "sasl.scram.strict.nonce": true } });
    const outcome = await kcatLogin(path)({
      address: broker.address,
      protocol: "SASL_PLAINTEXT",
      mechanism: "SCRAM-SHA-256",
      username: "alice",
      password: PASSWORDS.alice,
    });
    const isOld = outside("kcat") !== undefined && outcome !== LOGGED_IN;
    if (isOld) assertMatch(outcome, /due to invalid credentials with SASL mechanism SCRAM-SHA-256/);
    const strict = broker.lines.filter((line) => line.includes("the nonce is another one"));
    assert(isOld === strict.length > 0);
  },
);
