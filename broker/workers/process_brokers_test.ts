import { assert, assertEquals, assertRejects } from "@std/assert";
import { Client } from "../../client/mod.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { brokerHeartbeat } from "../../protocol/messages/cluster/broker_heartbeat.ts";
import { createTopics } from "../../protocol/messages/topics/create_topics.ts";
import { RawConnection } from "../../tests/support/protocol/raw_connection.ts";
import { BrokerConfig, ConfigError } from "../settings/config.ts";
import { formatHostPort } from "../settings/listener.ts";
import { silentLogger } from "../logger.ts";
import { ProcessBrokers } from "./process_brokers.ts";

function start(
  folder: string,
  count: number,
  listener = "127.0.0.1:0",
): Promise<ProcessBrokers> {
  return ProcessBrokers.start({
    count,
    config: BrokerConfig.from({
      "log.dirs": folder,
      "listeners": [listener],
      "group.initial.rebalance.delay.ms": 0,
    }),
    logger: silentLogger,
    sink: () => {},
    onFatal: (error) => {
      throw error;
    },
  });
}

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "dqueue-test-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Values of all partitions of a topic, in order of partitions and offsets. */
async function valuesOf(client: Client, topic: string, count: number): Promise<string[]> {
  await using consumer = client.consumer({ autoOffsetReset: "earliest" });
  await consumer.subscribe(topic);
  const values: string[] = [];
  for await (const message of consumer) {
    values.push(message.text()!);
    if (values.length === count) break;
  }
  return values.sort();
}

Deno.test("ProcessBrokers.start() serves one cluster, and refuses fewer brokers than have records", () =>
  withFolder(async (folder) => {
    {
      await using brokers = await start(folder, 2);
      // Any of them names all, and clients find the leader of each partition.
      await using client = new Client({ brokers: formatHostPort(brokers.addresses[1]!) });
      const admin = client.admin();
      await admin.createTopics([{ name: "orders", partitions: 4 }]);
      const [topic] = await admin.describeTopics(["orders"]);
      const leaders = topic!.partitions.map(({ leaderId }) => leaderId).sort();
      assertEquals(leaders, [1, 1, 2, 2]);
      await using producer = client.producer();
      await Promise.all(
        Array.from(
          { length: 8 },
          (_, i) => producer.send({ topic: "orders", partition: i % 4, value: `${i}` }),
        ),
      );
      assertEquals(await valuesOf(client, "orders", 8), [..."01234567"]);
    }
    const error = await assertRejects(() => start(folder, 1), ConfigError);
    assert(error.message.includes("start with --workers 2"), error.message);
    await using brokers = await start(folder, 2);
    await using client = new Client({ brokers: formatHostPort(brokers.addresses[0]!) });
    assertEquals(await valuesOf(client, "orders", 8), [..."01234567"]);
  }));

Deno.test("ProcessBrokers.start() has brokers trust each other, also once an ACL exists", () =>
  withFolder(async (folder) => {
    await using brokers = await start(folder, 2);
    const addresses = brokers.listeners.map(({ address }) => formatHostPort(address));
    {
      await using client = new Client({ brokers: addresses[0]! });
      const results = await client.admin().createAcls(
        (["create", "alter", "describe"] as const).map((operation) => ({
          resourceType: "cluster",
          resourceName: "kafka-cluster",
          principal: "User:ANONYMOUS",
          operation,
          permission: "allow",
        })),
      );
      assertEquals(results.map(({ error }) => error), [undefined, undefined, undefined]);
    }
    for (const [i, address] of addresses.entries()) {
      // Only the controller creates it; the other forwards the request, which a client may not do.
      using connection = await RawConnection.connect(address);
      const { topics } = await connection.request(createTopics, 7, {
        topics: [{
          name: `t${i}`,
          numPartitions: 1,
          replicationFactor: 1,
          assignments: [],
          configs: [],
        }],
        timeoutMs: 10_000,
        validateOnly: false,
      });
      assertEquals([topics[0]!.errorCode, topics[0]!.errorMessage], [0, null]);
      const heartbeat = await connection.request(brokerHeartbeat, 0, {
        brokerId: 2,
        brokerEpoch: 1,
        currentMetadataOffset: 0,
        wantFence: false,
        wantShutDown: false,
      });
      assertEquals(heartbeat.errorCode, ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
    }
  }));

Deno.test("ProcessBrokers starts a broker again whose worker failed, and the others stay", () =>
  withFolder(async (folder) => {
    await using brokers = await start(folder, 2);
    await using client = new Client({ brokers: brokers.addresses.map(formatHostPort) });
    await client.admin().createTopics([{ name: "orders", partitions: 2 }]);
    const [topic] = await client.admin().describeTopics(["orders"]);
    const ofFirst = topic!.partitions.find(({ leaderId }) => leaderId === 1)!.partition;
    await using producer = client.producer();
    await producer.send({ topic: "orders", partition: 1 - ofFirst, value: "before" });
    const [worker] = brokers.workers;
    const addresses = worker!.addresses;
    worker!.throw();
    // Sent while the worker is closed and started: one to each, both of which arrive.
    await producer.send({ topic: "orders", partition: ofFirst, value: "meanwhile" });
    await producer.send({ topic: "orders", partition: 1 - ofFirst, value: "again" });
    assertEquals(await valuesOf(client, "orders", 3), ["again", "before", "meanwhile"]);
    await worker!.serving;
    assertEquals(worker!.addresses, addresses);
  }));

Deno.test("ProcessBrokers.start() serves no client before all brokers are registered", () =>
  withFolder(async (folder) => {
    using reserved = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = reserved.addr;
    reserved.close();
    const starting = start(folder, 2, `127.0.0.1:${port}`);
    // Asked as soon as the port is open: what it answers is the whole cluster.
    await using client = new Client({ brokers: `127.0.0.1:${port}` });
    await client.admin().createTopics([{ name: "orders", partitions: 4 }]);
    const [topic] = await client.admin().describeTopics(["orders"]);
    assertEquals(topic!.partitions.map(({ leaderId }) => leaderId).sort(), [1, 1, 2, 2]);
    await using _brokers = await starting;
  }));

Deno.test("ProcessBrokers.start() divides limits of memory and files among brokers", () =>
  withFolder(async (folder) => {
    await using brokers = await start(folder, 2);
    await using client = new Client({ brokers: brokers.addresses.map(formatHostPort) });
    const names = ["batch.cache.bytes", "queued.max.request.bytes", "open.files.max"] as const;
    const defaults = BrokerConfig.from({});
    const halves = new Map(names.map((name) => [name as string, `${defaults.get(name) / 2}`]));
    for (const name of ["1", "2"]) {
      const configs = await client.admin().describeConfigs({ type: "broker", name }, { names });
      assertEquals(new Map(configs.map(({ name, value }) => [name, value])), halves);
    }
  }));

Deno.test("ProcessBrokers.serveHttp() serves each worker at its own port, also after it failed", () =>
  withFolder(async (folder) => {
    await using brokers = await start(folder, 2);
    const settings = { address: { host: "127.0.0.1", port: 0 }, version: "1.2.3" };
    const [served] = await brokers.serveHttp(settings);
    assertEquals(served!.broker, 2);
    const { bound } = served!;
    assert(typeof bound !== "string");
    const get = async (path: string) =>
      await (await fetch(`http://${formatHostPort(bound)}${path}`)).text();
    await using client = new Client({ brokers: brokers.addresses.map(formatHostPort) });
    await client.admin().createTopics([{ name: "orders", partitions: 4 }]);
    const metrics = await get("/metrics");
    assertEquals(metrics.match(/^dqueue_partitions\{state="leader"\} \d+$/m)?.[0].at(-1), "2");
    assert(metrics.includes("dqueue_process_heap_used_bytes"));
    assert(!metrics.includes("dqueue_process_resident_bytes"), "the first broker has that");
    const [worker] = brokers.workers;
    worker!.throw();
    await client.producer().sendBatch(
      Array.from({ length: 4 }, (_, partition) => ({ topic: "orders", partition, value: "x" })),
    );
    await worker!.serving;
    for (;;) {
      const text = await get("/readyz").catch(() => "");
      if (text.includes('"ready"')) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }));

Deno.test("ProcessBrokers.serveHttp() says why a port cannot be opened, and the broker stays", () =>
  withFolder(async (folder) => {
    await using brokers = await start(folder, 2);
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = taken.addr;
    const settings = { address: { host: "127.0.0.1", port: port - 1 }, version: "1.2.3" };
    const [served] = await brokers.serveHttp(settings);
    assertEquals(served, {
      broker: 2,
      wanted: { host: "127.0.0.1", port },
      bound: "the address is in use",
    });
    await using client = new Client({ brokers: formatHostPort(brokers.addresses[1]!) });
    assertEquals((await client.admin().describeCluster()).brokers.length, 2);
  }));
