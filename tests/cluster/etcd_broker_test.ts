import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import {
  Broker,
  type BrokerOptions,
  type BrokerSettings,
  ConfigError,
  createLogger,
} from "../../broker/mod.ts";
import { Client, KafkaError, type TopicDescription } from "../../client/mod.ts";
import { type FileSystem, MemoryFileSystem } from "../../storage/mod.ts";
import { errorInfo } from "../../protocol/errors.ts";
import { findCoordinator } from "../../protocol/messages/groups/find_coordinator.ts";
import { heartbeat } from "../../protocol/messages/groups/heartbeat.ts";
import { fetch } from "../../protocol/messages/records/fetch.ts";
import { createTopics } from "../../protocol/messages/topics/create_topics.ts";
import { RawConnection } from "../support/protocol/raw_connection.ts";
import { batchOf } from "../support/protocol/records.ts";
import { append, createTopic, FETCH_BY_NAME, fetchRequest } from "../support/protocol/requests.ts";
import { EtcdCluster } from "../support/etcd_cluster.ts";
import { EtcdRelay } from "../support/etcd_relay.ts";
import { makeCertificates } from "../support/certificates.ts";
import { outside, testWith } from "../support/outside.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { openStore } from "../../broker/metadata/etcd/testing.ts";
import { readMetaProperties } from "../../storage/directory/meta_properties.ts";
import { SkippingClock } from "../support/skipping_clock.ts";

interface StartOptions extends Partial<BrokerOptions> {
  readonly url: string;
  readonly fs: FileSystem;
  readonly name?: string;
  readonly settings?: Partial<BrokerSettings>;
  readonly log?: string[];
}

function start({ url, fs, name = "orders", settings, log = [], ...options }: StartOptions) {
  return Broker.start({
    fileSystem: fs,
    listen: [],
    logger: createLogger({ level: "info", sink: (line) => log.push(line) }),
    config: {
      "metadata": `etcd://${new URL(url).host}/${name}`,
      "log.dirs": "/data",
      "group.initial.rebalance.delay.ms": 0,
      ...settings,
    },
    ...options,
  });
}

async function codeOf(operation: Promise<unknown>): Promise<string> {
  try {
    await operation;
    return "NONE";
  } catch (error) {
    return error instanceof KafkaError ? String(error.code) : String(error);
  }
}

/** A topic, once the broker that is asked knows it: the watch of etcd takes milliseconds. */
async function described(client: Client, topic: string): Promise<TopicDescription> {
  for (;;) {
    try {
      return await client.admin().describeTopic(topic);
    } catch (error) {
      if (!(error instanceof KafkaError) || error.code !== "UNKNOWN_TOPIC_OR_PARTITION") {
        throw error;
      }
    }
  }
}

async function valuesOf(client: Client, topic: string, count: number): Promise<string[]> {
  await using consumer = client.consumer();
  await consumer.subscribe(topic);
  const values: string[] = [];
  for await (const message of consumer) {
    values.push(message.text());
    if (values.length === count) break;
  }
  return values;
}

testWith("etcd", "Broker keeps its metadata in etcd, over a restart and a crash", async (path) => {
  await using cluster = await EtcdCluster.start({ path });
  const url = cluster.endpoints[0]!;
  const fs = new MemoryFileSystem();
  let clusterId: string;
  {
    await using broker = await start({ url, fs });
    await using client = new Client({ broker });
    ({ clusterId } = broker);
    assertEquals(broker.nodeId, 1);
    const admin = client.admin();
    await admin.createTopic({ name: "a", partitions: 3, configs: { "retention.ms": "-1" } });
    await admin.createTopic({ name: "gone" });
    await client.producer().send({ topic: "a", partition: 1, value: "one" });
    await admin.deleteTopic("gone");
    assertEquals((await admin.describeCluster()).controllerId, 1);
  }
  await using relay = new EtcdRelay(url);
  await using _crashed = await start({ url: relay.url, fs });
  relay.fault = () => "silent";
  const left = fs.clone({ unsynced: "lost" });
  const log: string[] = [];
  await using broker = await start({ url, fs: left, log });
  await using client = new Client({ broker });
  assertEquals([broker.clusterId, broker.nodeId], [clusterId, 1]);
  assertEquals((await client.admin().listTopics()).map(({ name }) => name), ["a"]);
  assertEquals(await valuesOf(client, "a", 1), ["one"]);
  await client.admin().createTopic({ name: "b" });
  await client.producer().send({ topic: "b", value: "two" });
  assertEquals(await valuesOf(client, "b", 1), ["two"]);
  assertEquals(log.filter((line) => / ERROR /.test(line)), []);
});

testWith(
  "etcd",
  "Broker refuses a data folder that another store has the metadata of",
  async (path, t) => {
    await using cluster = await EtcdCluster.start({ path });
    const url = cluster.endpoints[0]!;
    const [shared, own] = [new MemoryFileSystem(), new MemoryFileSystem()];
    await (await start({ url, fs: shared })).close();
    await (await start({ url, fs: own, settings: { metadata: "local" } })).close();
    const refused = async (options: Omit<StartOptions, "url">, reason: string) => {
      const error = await assertRejects(() => start({ url, ...options }), ConfigError);
      assertStringIncludes(error.message, reason);
    };
    await t.step("its own", () =>
      refused(
        { fs: shared, settings: { metadata: "local" } },
        'its metadata is in etcd, as "orders"; start with --metadata etcd://HOST:PORT/orders',
      ));
    await t.step(
      "etcd, though its own is in it",
      () => refused({ fs: own }, '"dqueue cluster import /data" copies it to an empty store'),
    );
    await t.step(
      "of another name",
      () => refused({ fs: shared, name: "else" }, 'it belongs to "orders", this is "else"'),
    );
    await t.step("of another broker that runs", async () => {
      await using _broker = await start({ url, fs: shared });
      const another = { fs: new MemoryFileSystem(), settings: { "node.id": 1 } };
      await refused(another, "node.id 1 is that of the broker at embedded:0");
    });
  },
);

testWith(
  "etcd",
  "Broker that etcd does not answer changes nothing, and serves what only it can lead",
  async (path) => {
    await using cluster = await EtcdCluster.start({ path });
    await using relay = new EtcdRelay(cluster.endpoints[0]!);
    const clock = new SkippingClock();
    const log: string[] = [];
    await using broker = await start({
      url: relay.url,
      fs: new MemoryFileSystem(),
      listen: "127.0.0.1:0",
      clock,
      log,
    });
    const { host, port } = broker.addresses[0]!;
    using connection = await RawConnection.connect(`${host}:${port}`);
    await createTopic(connection, "a");
    const coordinator = { key: "g", keyType: 0 };
    await connection.request(findCoordinator, 3, coordinator);
    let topics = 0;
    const outcomes = async () => {
      const produced = await append(connection, "a", batchOf(["one"]));
      const fetched = await connection.request(fetch, FETCH_BY_NAME, fetchRequest("a", 0));
      const member = { groupId: "g", generationId: 1, memberId: "none" };
      const beaten = await connection.request(heartbeat, 4, member);
      const topic = {
        name: `t${topics++}`,
        numPartitions: 1,
        replicationFactor: 1,
        assignments: [],
      };
      const request = { topics: [{ ...topic, configs: [] }], timeoutMs: 5000 };
      const created = await connection.request(createTopics, 7, request);
      return [
        produced.errorCode,
        fetched.responses[0]!.partitions[0]!.errorCode,
        beaten.errorCode,
        created.topics[0]!.errorCode,
      ].map((code) => errorInfo(code).name);
    };
    const served = ["NONE", "NONE", "UNKNOWN_MEMBER_ID", "NONE"];
    assertEquals(await outcomes(), served);
    relay.fault = () => "silent";
    clock.skip(5400);
    assertEquals(await outcomes(), [...served.slice(0, 3), "NOT_CONTROLLER"]);
    relay.fault = () => "none";
    while ((await outcomes())[3] !== "NONE");
    assertEquals(await outcomes(), served);
    assertEquals(log.filter((line) => line.includes("Registered again")), []);
    const told = log.filter((line) => /metadata store/.test(line));
    assertEquals(told.length, 2, told.join("\n"));
    assertMatch(
      told[0]!,
      /WARN.* until it answers, nothing can be changed.*no answer within 700 ms/,
    );
    assertMatch(told[1]!, /The metadata store answers again/);
  },
);

testWith("etcd", "Broker notes the state of etcd with each checkpoint", async (path) => {
  await using cluster = await EtcdCluster.start({ path });
  const fs = new MemoryFileSystem();
  const settings = { "log.flush.offset.checkpoint.interval.ms": 20 };
  await using broker = await start({ url: cluster.endpoints[0]!, fs, settings });
  await using client = new Client({ broker });
  await using store = await openStore(cluster, { name: "orders" });
  const noted = () => readMetaProperties(fs, "/data/meta.properties")!.metadata!.revision;
  for (const name of ["a", "b"]) {
    await client.admin().createTopic({ name });
    const { revision } = (await store.get(`topics/${name}`))!;
    while (noted() < revision) await new Promise((resolve) => setTimeout(resolve, 10));
  }
});

testWith("etcd", "Broker reaches etcd by TLS and with a password", async (path) => {
  await using folder = await TemporaryFolder.create();
  const certificates = await makeCertificates(outside("openssl")!, folder.path);
  await using cluster = await EtcdCluster.start({ path, certificates });
  await cluster.ask(0, "/v3/auth/user/add", { name: "root", password: "secret" });
  await cluster.ask(0, "/v3/auth/role/add", { name: "root" });
  await cluster.ask(0, "/v3/auth/user/grant", { user: "root", role: "root" });
  await cluster.ask(0, "/v3/auth/enable", {});
  const credentials = folder.join("credentials");
  await Deno.writeTextFile(credentials, "root:secret\n");
  const url = cluster.endpoints[0]!;
  const settings = {
    "metadata": `etcds://${new URL(url).host}/orders`,
    "metadata.credentials.file": credentials,
    "metadata.tls.ca.file": certificates.caFile,
    "metadata.tls.cert.file": certificates.clientFiles.certFile,
    "metadata.tls.key.file": certificates.clientFiles.keyFile,
  };
  const fs = new MemoryFileSystem();
  {
    await using broker = await start({ url, fs, settings });
    await using client = new Client({ broker });
    await client.admin().createTopic({ name: "a" });
    await client.producer().send({ topic: "a", value: "one" });
    assertEquals(await valuesOf(client, "a", 1), ["one"]);
  }
  const named = {
    ...settings,
    "metadata.tls.cert.file": certificates.namedFiles.certFile,
    "metadata.tls.key.file": certificates.namedFiles.keyFile,
  };
  const hasName = await assertRejects(() => start({ url, fs, settings: named }), Error);
  assertStringIncludes(hasName.message, "without one in metadata.tls.cert.file");
  await Deno.writeTextFile(credentials, "root:wrong\n");
  const { message } = await assertRejects(() => start({ url, fs, settings }), Error);
  assertStringIncludes(message, "metadata.credentials.file");
});

testWith("etcd", "Broker whose registration is deleted registers again", async (path) => {
  await using cluster = await EtcdCluster.start({ path });
  const log: string[] = [];
  const url = cluster.endpoints[0]!;
  await using broker = await start({ url, fs: new MemoryFileSystem(), log });
  await using client = new Client({ broker });
  const { leases } = await cluster.ask(0, "/v3/lease/leases", {}) as { leases: { ID: string }[] };
  assertEquals(leases.length, 1);
  await cluster.ask(0, "/v3/lease/revoke", { ID: leases[0]!.ID });
  while (!log.some((line) => line.includes("Registered again"))) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  while ((await codeOf(client.admin().createTopic({ name: "a" }))) === "NOT_CONTROLLER");
  await client.producer().send({ topic: "a", value: "one" });
  assertEquals((await client.admin().describeCluster()).brokers.map(({ id }) => id), [1]);
  assertMatch(log.join("\n"), /Lost the session with the metadata store/);
});

testWith("etcd", "Broker refuses etcd that has lost what it was told", async (path) => {
  await using cluster = await EtcdCluster.start({ path });
  const url = cluster.endpoints[0]!;
  const fs = new MemoryFileSystem();
  await (await start({ url, fs })).close();
  await cluster.kill(0);
  await cluster.erase(0);
  cluster.restart(0);
  await cluster.ready(0);
  const error = await assertRejects(() => start({ url, fs }));
  assertStringIncludes((error as Error).message, "It was set up again or restored from a backup");
});

testWith(
  "etcd",
  "Brokers of one cluster share topics, and one continues when the other stops",
  async (path) => {
    await using cluster = await EtcdCluster.start({ path });
    const url = cluster.endpoints[0]!;
    const options = { url, listen: "127.0.0.1:0" };
    const fs = new MemoryFileSystem();
    const first = await start({ ...options, fs });
    await using second = await start({ ...options, fs: new MemoryFileSystem() });
    assertEquals([first.nodeId, second.nodeId], [1, 2]);
    const addressOf = ({ addresses }: Broker) => `${addresses[0]!.host}:${addresses[0]!.port}`;
    await using client = new Client({ brokers: [addressOf(second), addressOf(first)] });
    const admin = client.admin();
    assertEquals((await admin.describeCluster()).brokers.map(({ id }) => id), [1, 2]);
    await admin.createTopic({ name: "a", partitions: 4 });
    const { partitions } = await described(client, "a");
    assertEquals(partitions.map(({ leaderId }) => leaderId).sort(), [1, 1, 2, 2]);
    const producer = client.producer();
    for (const { partition } of partitions) {
      await producer.send({ topic: "a", partition, value: String(partition) });
    }
    assertEquals((await valuesOf(client, "a", 4)).sort(), ["0", "1", "2", "3"]);
    await first.close();
    // Its session has ended, and the office with it.
    await admin.createTopic({ name: "b", partitions: 2 });
    assertEquals((await described(client, "b")).partitions.map(({ leaderId }) => leaderId), [
      2,
      2,
    ]);
    await using _again = await start({ ...options, fs });
    assertEquals((await admin.describeCluster()).controllerId, 2);
    assertEquals((await valuesOf(client, "a", 4)).sort(), ["0", "1", "2", "3"]);
  },
);
