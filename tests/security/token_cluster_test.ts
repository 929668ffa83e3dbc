/**
 * Brokers that log in to each other with tokens, which expire while the cluster works.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { Cluster } from "../../broker/cluster.ts";
import { createLogger } from "../../broker/logger.ts";
import { Client } from "../../client/mod.ts";
import { keySetOf, TokenIssuer, tokenSettings } from "../support/security/token_issuer.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const BROKERS = 3;
const SECRET = "canary-secret";
const OAUTHBEARER_PACKAGE = "org.apache.kafka.common.security.oauthbearer";
/** As short as the whole seconds of a token allow. */
const LIFE_SECONDS = 2;
/** Tokens that are handed out before a test ends: two for each broker. */
const TOKENS = 2 * BROKERS;

/** A provider of tokens for brokers, over HTTP. */
class Provider implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  /** Tokens that were handed out. */
  given = 0;
  /** Whether it refuses all. */
  isDown = false;

  constructor(issuer: TokenIssuer) {
    const authorization = `Basic ${btoa(`broker:${SECRET}`)}`;
    const onListen = () => {};
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen }, async (request) => {
      if (request.headers.get("authorization") !== authorization) {
        return Response.json({ error: "invalid_client" }, { status: 401 });
      }
      if (this.isDown) return new Response(null, { status: 503 });
      this.given++;
      const access_token = await issuer.sign({ subject: "broker", expiresIn: LIFE_SECONDS });
      return Response.json({ access_token, token_type: "Bearer", expires_in: LIFE_SECONDS });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/token`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

async function startCluster(keysFile: string, lines: string[], config: Record<string, unknown>) {
  return await Cluster.start({
    brokers: BROKERS,
    listen: ["CLIENTS://127.0.0.1:0", "BROKERS://127.0.0.1:0"],
    config: {
      "listener.security.protocol.map": "CLIENTS:PLAINTEXT,BROKERS:SASL_PLAINTEXT",
      "inter.broker.listener.name": "BROKERS",
      "sasl.enabled.mechanisms": "OAUTHBEARER",
      "sasl.mechanism.inter.broker.protocol": "OAUTHBEARER",
      // What Kafka must be told, and what goes without saying here.
      "listener.name.brokers.oauthbearer.sasl.jaas.config":
        `${OAUTHBEARER_PACKAGE}.OAuthBearerLoginModule required;`,
      "listener.name.brokers.oauthbearer.sasl.login.callback.handler.class":
        `${OAUTHBEARER_PACKAGE}.OAuthBearerLoginCallbackHandler`,
      "listener.name.brokers.oauthbearer.sasl.server.callback.handler.class":
        `${OAUTHBEARER_PACKAGE}.OAuthBearerValidatorCallbackHandler`,
      ...tokenSettings(keysFile),
      "authorizer": "required",
      "super.users": "User:broker;User:ANONYMOUS",
      "default.replication.factor": BROKERS,
      "min.insync.replicas": BROKERS,
      ...config,
    } as never,
    logger: createLogger({ sink: (line) => lines.push(line) }),
  });
}

/** Sends until `isOver()`; each message must be replicated to all brokers. */
async function sendUntil(cluster: Cluster, isOver: () => boolean): Promise<void> {
  await using client = new Client({ brokers: cluster.addressesOf("CLIENTS") });
  await client.admin().createTopic({ name: "t", partitions: BROKERS });
  const producer = client.producer();
  const sent: string[] = [];
  while (!isOver()) {
    for (let partition = 0; partition < BROKERS; partition++) {
      await producer.send({ topic: "t", partition, value: `${sent.length}` });
      sent.push(`${sent.length}`);
    }
  }
  const [topic] = await client.admin().describeTopics(["t"]);
  assertEquals(topic!.partitions.map(({ isr }) => isr.length), Array(BROKERS).fill(BROKERS));
  const received: string[] = [];
  for (let partition = 0; partition < BROKERS; partition++) {
    for (let offset = 0;;) {
      const { messages } = await client.consumer().fetchFrom("t", partition, offset);
      if (messages.length === 0) break;
      received.push(...messages.map((message) => message.text()!));
      offset = messages.at(-1)!.offset + 1;
    }
  }
  assertEquals(received.sort(), sent.sort());
}

Deno.test("Cluster replicates over logins with tokens of a provider, which expire meanwhile", async () => {
  await using folder = await TemporaryFolder.create();
  const issuer = await TokenIssuer.create();
  const keysFile = folder.join("keys.json");
  await Deno.writeTextFile(keysFile, keySetOf(issuer));
  await using provider = new Provider(issuer);
  const lines: string[] = [];
  await using cluster = await startCluster(keysFile, lines, {
    "sasl.oauthbearer.token.endpoint.url": provider.url,
    "sasl.oauthbearer.client.credentials.client.id": "broker",
    "sasl.oauthbearer.client.credentials.client.secret": SECRET,
  });
  await sendUntil(cluster, () => provider.given >= TOKENS);
  const bad = lines.filter((line) => / (?:ERROR|WARN) /.test(line) && !line.includes("PLAINTEXT"));
  assertEquals(bad, []);
  assertEquals(lines.filter((line) => line.includes(SECRET) || line.includes("eyJ")), []);
});

Deno.test("Cluster replicates over logins with tokens of a file, which is replaced meanwhile", async () => {
  await using folder = await TemporaryFolder.create();
  const issuer = await TokenIssuer.create();
  const keysFile = folder.join("keys.json");
  const tokenFile = folder.join("token");
  await Deno.writeTextFile(keysFile, keySetOf(issuer));
  let written = 0;
  const write = async () => {
    const token = await issuer.sign({ subject: "broker", expiresIn: LIFE_SECONDS });
    // As a kubelet does it: the file is there at any time, and whole.
    await Deno.writeTextFile(`${tokenFile}.new`, token);
    await Deno.rename(`${tokenFile}.new`, tokenFile);
    written++;
  };
  await write();
  const lines: string[] = [];
  await using cluster = await startCluster(keysFile, lines, {
    "sasl.oauthbearer.token.endpoint.url": `file://${tokenFile}`,
  });
  let last = Promise.resolve();
  const writing = setInterval(() => last = last.then(write), LIFE_SECONDS * 250);
  try {
    await sendUntil(cluster, () => written > 3 * 4);
  } finally {
    clearInterval(writing);
    await last;
  }
  assertEquals(lines.filter((line) => line.includes("eyJ")), []);
});

Deno.test("Broker says why it has no token, and what another broker finds wrong with it", async (t) => {
  await using folder = await TemporaryFolder.create();
  const issuer = await TokenIssuer.create();
  const stranger = await TokenIssuer.create();
  const keysFile = folder.join("keys.json");
  await Deno.writeTextFile(keysFile, keySetOf(issuer));
  const until = async (lines: string[], text: string) => {
    const isIt = (line: string) =>
      line.includes("Cannot connect to another") && line.includes(text);
    while (!lines.some(isIt)) {
      await new Promise((next) => setTimeout(next, 5));
    }
  };
  const cases: [string, TokenIssuer, string, string][] = [
    [
      "refused",
      issuer,
      "wrong",
      "gives no token: it answers 401 (invalid_client); check sasl.oauthbearer",
    ],
    ["signed by another", stranger, SECRET, "the token's signature is wrong"],
  ];
  for (const [name, signer, secret, text] of cases) {
    await t.step(name, async () => {
      await using provider = new Provider(signer);
      const lines: string[] = [];
      await using _ = await startCluster(keysFile, lines, {
        "sasl.oauthbearer.token.endpoint.url": provider.url,
        "sasl.oauthbearer.client.credentials.client.id": "broker",
        "sasl.oauthbearer.client.credentials.client.secret": secret,
      });
      await until(lines, text);
      assertEquals(lines.filter((each) => each.includes(secret)), []);
    });
  }
});
