/**
 * Several listeners of one broker: what each tells its clients, and what brokers do by theirs.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Cluster } from "../../broker/cluster.ts";
import { createLogger } from "../../broker/logger.ts";
import { Client, type ClientOptions } from "../../client/mod.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { brokerHeartbeat } from "../../protocol/messages/cluster/broker_heartbeat.ts";
import { findCoordinator } from "../../protocol/messages/groups/find_coordinator.ts";
import { fetch } from "../../protocol/messages/records/fetch.ts";
import { metadata } from "../../protocol/messages/topics/metadata.ts";
import { Kcat } from "../support/clients/kcat.ts";
import { testWith } from "../support/outside.ts";
import { RawConnection } from "../support/protocol/raw_connection.ts";

const PASSWORD = "broker-secret";
const SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule";

/** Three brokers with a listener for each other, with a login, and one for others, without. */
class TwoListeners {
  readonly cluster: Cluster;
  readonly lines: readonly string[];

  private constructor(cluster: Cluster, lines: readonly string[]) {
    this.cluster = cluster;
    this.lines = lines;
  }

  static async start(): Promise<TwoListeners> {
    const lines: string[] = [];
    const cluster = await Cluster.start({
      listen: ["EXTERNAL://127.0.0.1:0", "INTERNAL://127.0.0.1:0"],
      config: {
        "listener.security.protocol.map": "EXTERNAL:PLAINTEXT,INTERNAL:SASL_PLAINTEXT",
        "inter.broker.listener.name": "INTERNAL",
        "sasl.enabled.mechanisms": ["SCRAM-SHA-256"],
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-256",
        "listener.name.internal.scram-sha-256.sasl.jaas.config":
          `${SCRAM} required username="broker" password="${PASSWORD}";`,
        "super.users": "User:broker",
        // Clients of EXTERNAL are not known by name.
        "allow.everyone.if.no.acl.found": true,
        "default.replication.factor": 3,
        "min.insync.replicas": 2,
      },
      logger: createLogger({ sink: (line) => lines.push(line) }),
    });
    const started = new TwoListeners(cluster, lines);
    try {
      await using client = new Client(started.external);
      await client.admin().alterUserScramCredentials([{
        user: "broker",
        mechanism: "SCRAM-SHA-256",
        password: PASSWORD,
      }]);
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return started;
  }

  get external(): ClientOptions {
    return { brokers: this.cluster.addressesOf("EXTERNAL") };
  }

  get internal(): ClientOptions {
    const sasl = { mechanism: "SCRAM-SHA-256", username: "broker", password: PASSWORD } as const;
    return { brokers: this.cluster.addressesOf("INTERNAL"), sasl };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.cluster.close();
  }
}

Deno.test("Clients of each listener are told the addresses of that listener", async () => {
  await using started = await TwoListeners.start();
  for (
    const [name, options] of Object.entries({
      EXTERNAL: started.external,
      INTERNAL: started.internal,
    })
  ) {
    await using client = new Client(options);
    const { brokers } = await client.admin().describeCluster();
    const expected = started.cluster.addressesOf(name);
    assertEquals(brokers.map(({ host, port }) => `${host}:${port}`), expected);
    await client.admin().createTopic({ name });
    await client.producer().send({ topic: name, value: "v" });
  }
  for (const address of started.cluster.addressesOf("EXTERNAL")) {
    using connection = await RawConnection.connect(address);
    const known = await connection.request(metadata, 12, { topics: [] });
    const ports = known.brokers.map(({ port }) => port);
    assertEquals(ports, started.cluster.addressesOf("EXTERNAL").map(portOf));
    const { coordinators } = await connection.request(findCoordinator, 4, {
      keyType: 0,
      coordinatorKeys: ["g"],
    });
    assert(ports.includes(coordinators[0]!.port), JSON.stringify(coordinators));
  }
});

Deno.test("Brokers that log in to each other replicate, also after one was killed", async () => {
  await using started = await TwoListeners.start();
  const { cluster } = started;
  await using client = new Client(started.external);
  const admin = client.admin();
  await admin.createTopic({ name: "t", partitions: 3 });
  const producer = client.producer();
  for (const partition of [0, 1, 2]) {
    await producer.send({ topic: "t", partition, value: "before" });
  }
  await cluster.killBroker(2);
  for (const partition of [0, 1, 2]) await producer.send({ topic: "t", partition, value: "while" });
  await cluster.startBroker(2);
  for (const partition of [0, 1, 2]) await producer.send({ topic: "t", partition, value: "after" });
  for (const partition of [0, 1, 2]) {
    const { messages } = await client.consumer().fetchFrom("t", partition, 0);
    assertEquals(messages.map((message) => message.text()), ["before", "while", "after"]);
  }
  assertEquals(started.lines.filter((line) => line.includes(PASSWORD)), []);
});

Deno.test("Requests that only brokers make are refused on a listener that brokers do not use", async () => {
  await using started = await TwoListeners.start();
  await using client = new Client(started.external);
  await client.admin().createTopic({ name: "t" });
  const refused = ErrorCode.CLUSTER_AUTHORIZATION_FAILED;
  using external = await RawConnection.connect(started.cluster.addressesOf("EXTERNAL")[0]!);
  const heartbeat = await external.request(brokerHeartbeat, 0, {
    brokerId: 2,
    brokerEpoch: 1,
    currentMetadataOffset: 0,
    wantFence: false,
    wantShutDown: false,
  });
  assertEquals(heartbeat.errorCode, refused);
  const fetched = await external.request(fetch, 12, {
    replicaId: 2,
    maxWaitMs: 0,
    minBytes: 0,
    topics: [{ topic: "t", partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 }] }],
  });
  const { errorCode } = fetched.responses[0]!.partitions[0]!;
  assertEquals(errorCode, ErrorCode.TOPIC_AUTHORIZATION_FAILED);
});

testWith(
  "kcat",
  "kcat -L lists the addresses of the listener that it has come by",
  async (path) => {
    await using started = await TwoListeners.start();
    const login = [
      ...["-X", "security.protocol=sasl_plaintext", "-X", "sasl.mechanism=SCRAM-SHA-256"],
      ...["-X", "sasl.username=broker", "-X", `sasl.password=${PASSWORD}`],
    ];
    for (const [name, flags] of [["EXTERNAL", []], ["INTERNAL", login]] as const) {
      const addresses = started.cluster.addressesOf(name);
      const output = await new Kcat(path, addresses[0]!).run(["-L", "-J", ...flags]);
      const { brokers } = JSON.parse(new TextDecoder().decode(output)) as {
        brokers: { id: number; name: string }[];
      };
      assertEquals(brokers.toSorted((a, b) => a.id - b.id).map((broker) => broker.name), addresses);
    }
  },
);

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(":") + 1));
}
