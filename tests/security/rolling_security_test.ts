/**
 * A running cluster becomes a secure one broker by broker, as Kafka's documentation describes it: a second
 * listener, then clients, then brokers use it, then the first one is closed.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import { Cluster } from "../../broker/cluster.ts";
import { createLogger } from "../../broker/logger.ts";
import { Client } from "../../client/mod.ts";
import { TestAuthority } from "../support/security/test_authority.ts";

const BROKERS = 3;
const PASSWORDS = { broker: "broker-secret", alice: "alice-secret" };
const TOPIC = "t";
const PLAINTEXT = "PLAINTEXT://127.0.0.1:0";
const SASL_SSL = "SASL_SSL://127.0.0.1:0";

const authority = TestAuthority.create();
const { cert, key } = authority.issueServer();
/** Keys, authorities and logins of the new listener. */
const SECURE = {
  "ssl.keystore.type": "PEM",
  "ssl.keystore.key": key,
  "ssl.keystore.certificate.chain": cert,
  "ssl.truststore.type": "PEM",
  "ssl.truststore.certificates": authority.cert,
  "sasl.enabled.mechanisms": "SCRAM-SHA-256",
  "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-256",
  "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config":
    "org.apache.kafka.common.security.scram.ScramLoginModule required " +
    `username="broker" password="${PASSWORDS.broker}";`,
};
/** While clients and brokers still come without a name. */
const OPEN = "User:ANONYMOUS;User:broker";
const CLOSED = "User:broker";

/** The configuration of each phase, in order. */
const PHASES = [
  {
    name: "a second listener",
    listen: [PLAINTEXT, SASL_SSL],
    config: { ...SECURE, "security.inter.broker.protocol": "PLAINTEXT", "super.users": OPEN },
  },
  {
    name: "brokers use it",
    listen: [PLAINTEXT, SASL_SSL],
    config: { ...SECURE, "security.inter.broker.protocol": "SASL_SSL", "super.users": OPEN },
  },
  {
    name: "the first one is closed",
    listen: [SASL_SSL],
    config: { ...SECURE, "security.inter.broker.protocol": "SASL_SSL", "super.users": CLOSED },
  },
] as const;

/** Sends messages without a pause until it is stopped; each must be acknowledged. */
class Sender {
  readonly #client: Client;
  readonly #ended: Promise<void>;
  #isStopping = false;
  readonly acknowledged: string[] = [];

  constructor(client: Client, name: string) {
    this.#client = client;
    this.#ended = this.#run(name);
  }

  async #run(name: string): Promise<void> {
    const producer = this.#client.producer();
    for (let i = 0; !this.#isStopping; i++) {
      const value = `${name}-${i}`;
      await producer.send({ topic: TOPIC, partition: i % BROKERS, value });
      this.acknowledged.push(value);
    }
    await producer.close();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#ended;
    await this.#client.close();
  }
}

Deno.test("A cluster changes from PLAINTEXT to SASL_SSL by rolling restarts, while clients work", async () => {
  const lines: string[] = [];
  await using cluster = await Cluster.start({
    brokers: BROKERS,
    config: { "default.replication.factor": BROKERS, "min.insync.replicas": 2 },
    logger: createLogger({ sink: (line) => lines.push(line) }),
  });
  const inSync = async (client: Client) => {
    for (;;) {
      const [topic] = await client.admin().describeTopics([TOPIC]);
      if (topic!.partitions.every(({ isr }) => isr.length === BROKERS)) return;
    }
  };
  const roll = async ({ listen, config }: typeof PHASES[number], client: Client) => {
    for (let id = 1; id <= BROKERS; id++) {
      await cluster.stopBroker(id);
      await cluster.startBroker(id, { listen, config: config as never });
      await inSync(client);
    }
  };
  const [second, between, last] = PHASES;
  const plain = new Client({ brokers: cluster.addressesOf("PLAINTEXT") });
  await plain.admin().createTopic({ name: TOPIC, partitions: BROKERS });
  const early = new Sender(plain, "plaintext");
  await roll(second, plain);
  await plain.admin().alterUserScramCredentials(
    Object.entries(PASSWORDS).map(([user, password]) => ({
      user,
      mechanism: "SCRAM-SHA-256",
      password,
    })),
  );
  await plain.admin().createAcls([{
    resourceType: "topic",
    resourceName: TOPIC,
    principal: "User:alice",
    operation: "all",
    permission: "allow",
  }]);
  const secure = new Client({
    brokers: cluster.addressesOf("SASL_SSL"),
    tls: { ca: authority.cert },
    sasl: { mechanism: "SCRAM-SHA-256", username: "alice", password: PASSWORDS.alice },
  });
  const late = new Sender(secure, "sasl_ssl");
  await roll(between, secure);
  // The last clients without a name leave before their listener does.
  await early.stop();
  const addresses = cluster.addressesOf("PLAINTEXT");
  await roll(last, secure);
  await using reader = new Client({
    brokers: cluster.addressesOf("SASL_SSL"),
    tls: { ca: authority.cert },
    sasl: { mechanism: "SCRAM-SHA-256", username: "alice", password: PASSWORDS.alice },
  });
  await late.stop();
  const values: string[] = [];
  for (let partition = 0; partition < BROKERS; partition++) {
    for (let offset = 0;;) {
      const { messages } = await reader.consumer().fetchFrom(TOPIC, partition, offset);
      if (messages.length === 0) break;
      values.push(...messages.map((message) => message.text()!));
      offset = messages.at(-1)!.offset + 1;
    }
  }
  assertEquals(values.sort(), [...early.acknowledged, ...late.acknowledged].sort());
  assertEquals(cluster.addresses, cluster.addressesOf("SASL_SSL"));
  for (const address of addresses) {
    const [hostname, port] = address.split(":");
    await assertRejects(
      () => Deno.connect({ hostname: hostname!, port: Number(port) }),
      Deno.errors.ConnectionRefused,
    );
  }
  const secrets = [...Object.values(PASSWORDS), "PRIVATE KEY"];
  assertEquals(lines.filter((line) => secrets.some((secret) => line.includes(secret))), []);
});
