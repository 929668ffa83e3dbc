/**
 * Clients and brokers whose sessions end every other second go on without an error or a loss.
 *
 * `DQUEUE_TEST_REAUTHENTICATION_SECONDS` sets for how long.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { type Broker, partsOf } from "../../broker/broker.ts";
import { Cluster } from "../../broker/cluster.ts";
import { createLogger } from "../../broker/logger.ts";
import { Client } from "../../client/mod.ts";
import { Kafka, logLevel } from "../support/clients/kafkajs.ts";
import {
  javaOptions,
  javaProgram,
  observationsOf,
  pythonWithConfluent,
  reauthenticationProgram,
  toolsWith,
} from "../support/clients/observations.ts";
import { testWithPath } from "../support/outside.ts";
import { PASSWORDS, SaslBroker } from "../support/security/sasl_broker.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const SECONDS = Number(Deno.env.get("DQUEUE_TEST_REAUTHENTICATION_SECONDS") ?? 3);
/** A client may not authenticate twice within a second. */
const LIFETIME_MS = 1500;
/** Longer than any session, on any machine. */
const PATIENCE_MS = 60_000;
const TOPIC = "t";
const { alice: password } = PASSWORDS;

async function start(): Promise<SaslBroker> {
  const broker = await SaslBroker.start({ config: { "connections.max.reauth.ms": LIFETIME_MS } });
  await using client = new Client({ brokers: broker.plaintext });
  await client.admin().createTopic({ name: TOPIC });
  return broker;
}

/** How often clients of brokers have logged in, on new connections or on the ones that they had. */
function loginsOf(...brokers: readonly Broker[]): number {
  return brokers.reduce((sum, each) => sum + countersOf(each).authentications.succeeded, 0);
}

/** How often clients of SASL listeners have authenticated again on the connection that they had. */
function renewalsOf({ broker }: SaslBroker): number {
  const { authentications, connections } = countersOf(broker);
  return authentications.succeeded - connections.opened;
}

function countersOf(broker: Broker) {
  return partsOf(broker).context.counters;
}

/** Whether to go on: for the time of the test, and on a busy machine until something has happened. */
function goingOn(hasHappened: () => boolean): () => boolean {
  const startMs = performance.now();
  return () => {
    const tookMs = performance.now() - startMs;
    return tookMs < SECONDS * 1000 || (tookMs < PATIENCE_MS && !hasHappened());
  };
}

/** Nobody was refused, and nothing went wrong. */
function checkPeace(broker: SaslBroker): void {
  assertEquals(countersOf(broker.broker).authentications.failed, 0);
  assertEquals(broker.lines.filter((line) => line.includes(" ERROR ")), []);
}

Deno.test("SDK writes and reads over sessions that end, without an error", async () => {
  await using broker = await start();
  await using client = new Client({
    brokers: broker.address,
    sasl: { mechanism: "SCRAM-SHA-256", username: "alice", password },
  });
  const producer = client.producer();
  const consumer = client.consumer();
  const [sent, received]: [string[], string[]] = [[], []];
  const before = renewalsOf(broker);
  const isGoingOn = goingOn(() => renewalsOf(broker) > before);
  let isOver = false;
  const read = async () => {
    for (let offset = 0; !isOver || received.length < sent.length;) {
      const { messages } = await consumer.fetchFrom(TOPIC, 0, offset);
      received.push(...messages.map((message) => message.text()!));
      offset = (messages.at(-1)?.offset ?? offset - 1) + 1;
    }
  };
  const reading = read();
  while (isGoingOn()) {
    const values = Array.from({ length: 5 }, (_, i) => `${sent.length + i}`);
    await Promise.all(
      values.map((value) => producer.send({ topic: TOPIC, partition: 0, value })),
    );
    sent.push(...values);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  isOver = true;
  await reading;
  assertEquals(received, sent);
  assert(renewalsOf(broker) > before, "it has not authenticated again");
  checkPeace(broker);
});

Deno.test("kafkajs writes and reads over sessions that end, without an error", async () => {
  await using broker = await start();
  const errors: string[] = [];
  const kafka = new Kafka({
    clientId: "kafkajs",
    brokers: [broker.address],
    logLevel: logLevel.ERROR,
    logCreator: () => ({ log }) => void errors.push(JSON.stringify(log)),
    // By default it authenticates again ten seconds before the end of a session.
    reauthenticationThreshold: 300,
    sasl: { mechanism: "scram-sha-256", username: "alice", password },
  });
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  const consumer = kafka.consumer({ groupId: "g", maxWaitTimeInMs: 50 });
  await Promise.all([producer.connect(), consumer.connect()]);
  const [sent, received]: [string[], string[]] = [[], []];
  const before = renewalsOf(broker);
  try {
    await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
    await consumer.run({
      eachMessage: ({ message }) => {
        received.push(message.value!.toString());
        return Promise.resolve();
      },
    });
    const isGoingOn = goingOn(() => renewalsOf(broker) > before);
    while (isGoingOn()) {
      const value = `${sent.length}`;
      await producer.send({ topic: TOPIC, messages: [{ value, partition: 0 }] });
      sent.push(value);
    }
    while (received.length < sent.length) await new Promise((resolve) => setTimeout(resolve, 5));
  } finally {
    await Promise.all([producer.disconnect(), consumer.disconnect()]);
  }
  assertEquals(received, sent);
  assertEquals(errors, []);
  assert(renewalsOf(broker) > before, "it has not authenticated again");
  checkPeace(broker);
});

testWithPath(
  "Python with confluent-kafka",
  pythonWithConfluent(),
  "librdkafka writes and reads over sessions that end, without a loss",
  async (python) => {
    await using broker = await start();
    const args = [reauthenticationProgram, broker.address, TOPIC, `${SECONDS}`, password];
    const { errors: _, ...found } = await observationsOf(python, args);
    assertEquals(found, { failures: "", acknowledged: "all", received: "all, once" });
    // Some versions connect again instead, when the broker has ended a session.
    checkPeace(broker);
  },
);

testWithPath(
  "a Java compiler with Kafka's tools",
  toolsWith("kafka-clients"),
  "Kafka's client writes and reads over sessions that end, without an error",
  async (tool) => {
    await using broker = await start();
    await using folder = await TemporaryFolder.create();
    const file = folder.join("client.properties");
    await Deno.writeTextFile(
      file,
      [
        `bootstrap.servers=${broker.address}`,
        "security.protocol=SASL_PLAINTEXT",
        "sasl.mechanism=SCRAM-SHA-256",
        "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required " +
        `username="alice" password="${password}";`,
        "linger.ms=0",
      ].join("\n"),
    );
    const args = [...javaOptions(tool), javaProgram("Reauthentication"), file, TOPIC, `${SECONDS}`];
    assertEquals(await observationsOf("java", args), {
      failures: "",
      acknowledged: "all",
      received: "all, once",
    });
    checkPeace(broker);
  },
);

Deno.test("Brokers replicate over sessions that end, without an error", async () => {
  const lines: string[] = [];
  const jaas = "org.apache.kafka.common.security.plain.PlainLoginModule required " +
    `username="broker" password="pw" user_broker="pw";`;
  await using cluster = await Cluster.start({
    listen: ["CLIENTS://127.0.0.1:0", "BROKERS://127.0.0.1:0"],
    config: {
      "listener.security.protocol.map": "CLIENTS:PLAINTEXT,BROKERS:SASL_PLAINTEXT",
      "inter.broker.listener.name": "BROKERS",
      "sasl.enabled.mechanisms": "PLAIN",
      "sasl.mechanism.inter.broker.protocol": "PLAIN",
      "listener.name.brokers.plain.sasl.jaas.config": jaas,
      "listener.name.brokers.connections.max.reauth.ms": LIFETIME_MS,
      "default.replication.factor": 3,
      "min.insync.replicas": 3,
    } as never,
    logger: createLogger({ sink: (line) => lines.push(line) }),
  });
  await using client = new Client({ brokers: cluster.addressesOf("CLIENTS") });
  await client.admin().createTopic({ name: TOPIC, partitions: 3 });
  const producer = client.producer();
  const before = loginsOf(...cluster.brokers);
  const isReplaced = () => loginsOf(...cluster.brokers) >= before + 3;
  const isGoingOn = goingOn(isReplaced);
  for (let sent = 0; isGoingOn(); sent++) {
    await producer.send({ topic: TOPIC, partition: sent % 3, value: `${sent}` });
  }
  const [topic] = await client.admin().describeTopics([TOPIC]);
  assertEquals(topic!.partitions.map(({ isr }) => isr.length), [3, 3, 3]);
  assert(isReplaced(), "brokers have not logged in again");
  for (const broker of cluster.brokers) assertEquals(countersOf(broker).authentications.failed, 0);
  const bad = lines.filter((line) => / (?:ERROR|WARN) /.test(line) && !line.includes("PLAINTEXT"));
  assertEquals(bad, []);
});
