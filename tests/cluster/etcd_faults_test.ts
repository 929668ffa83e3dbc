/**
 * Tests of brokers whose etcd fails, as processes: they never hang, say what to do, and continue
 * afterwards; and of two controllers never both change anything.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Broker, createLogger } from "../../broker/mod.ts";
import { openStore } from "../../broker/metadata/etcd/testing.ts";
import { Client, KafkaError } from "../../client/mod.ts";
import { MemoryFileSystem } from "../../storage/mod.ts";
import { BrokerProcess } from "../support/broker/broker_process.ts";
import { EtcdCluster } from "../support/etcd_cluster.ts";
import { testWith } from "../support/outside.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { within } from "../support/within.ts";

const TIMEOUT_MS = 15_000;

function metadataOf(cluster: EtcdCluster): string {
  const hosts = cluster.endpoints.map((url) => new URL(url).host);
  return `etcd://${hosts.join(",")}/orders`;
}

/** Brokers as processes, each with a client that knows it alone. */
class Brokers implements AsyncDisposable {
  readonly #folder: TemporaryFolder;
  readonly #processes: readonly BrokerProcess[];
  readonly #clients: readonly Client[];

  private constructor(folder: TemporaryFolder, processes: readonly BrokerProcess[]) {
    this.#folder = folder;
    this.#processes = processes;
    this.#clients = processes.map(({ address }) =>
      new Client({ brokers: address, timeoutMs: TIMEOUT_MS })
    );
  }

  static async start(cluster: EtcdCluster, count: number): Promise<Brokers> {
    const folder = await TemporaryFolder.create();
    const processes: BrokerProcess[] = [];
    for (let i = 1; i <= count; i++) {
      const flags = ["--metadata", metadataOf(cluster), "--node-id", String(i)];
      processes.push(await BrokerProcess.start({ data: folder.join(`${i}`), flags }));
    }
    return new Brokers(folder, processes);
  }

  process(id: number): BrokerProcess {
    return this.#processes[id - 1]!;
  }

  client(id: number): Client {
    return this.#clients[id - 1]!;
  }

  get ids(): number[] {
    return this.#processes.map((_, at) => at + 1);
  }

  /** The epochs of all controllers, by the brokers' logs. */
  get controllerEpochs(): number[] {
    return this.#processes.flatMap(({ log }) =>
      log.flatMap((line) => {
        const [, epoch] = /Became the controller .*controllerEpoch=(\d+)/.exec(line) ?? [];
        return epoch === undefined ? [] : [Number(epoch)];
      })
    );
  }

  /** Creates a topic through each broker, and writes to each of its partitions. */
  async work(name: string): Promise<void> {
    for (const id of this.ids) {
      const topic = `${name}-${id}`;
      await within(this.#create(id, topic), `topic ${topic} to be created`);
      const producer = this.client(id).producer();
      for (let partition = 0; partition < this.ids.length; partition++) {
        await within(
          producer.send({ topic, partition, value: topic }),
          `a message to ${topic}-${partition}`,
        );
      }
    }
  }

  /** Repeats what fails while there is no controller. */
  async #create(id: number, name: string): Promise<void> {
    const admin = this.client(id).admin();
    for (;;) {
      try {
        return void await admin.createTopic({ name, partitions: this.ids.length });
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        // A request without a response may have been carried out.
        if (error.code === "TOPIC_ALREADY_EXISTS") return;
        if (!["NOT_CONTROLLER", "REQUEST_TIMED_OUT"].includes(String(error.code))) throw error;
      }
    }
  }

  /** Resolves when a broker has logged a line. */
  async logged(id: number, pattern: RegExp, count = 1): Promise<void> {
    const { log } = this.process(id);
    const found = (async () => {
      while (log.filter((line) => pattern.test(line)).length < count) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    await within(found, `broker ${id} to log ${pattern}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client.close();
    for (const process of this.#processes) await process[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** The revisions at which the controller's key was created, by etcd's history. */
async function tenuresOf(cluster: EtcdCluster): Promise<number[]> {
  await using store = await openStore(cluster, { name: "orders" });
  const ending = new AbortController();
  const revisions: number[] = [];
  const mark = "test/mark";
  await store.commit([{ key: mark, value: new Uint8Array(1) }]);
  for await (const { changes } of store.watch(0, { signal: ending.signal })) {
    for (const { key, entry } of changes) {
      if (key === "controller" && entry !== undefined) revisions.push(entry.revision);
      if (key === mark) return revisions;
    }
  }
  throw new Error("The watch ended early");
}

testWith("etcd", "Brokers continue after each fault of etcd", async (path, t) => {
  await using cluster = await EtcdCluster.start({ path, size: 3 });
  await using brokers = await Brokers.start(cluster, 2);
  await brokers.work("before");

  await t.step("its leader was killed", async () => {
    const leader = await cluster.leader();
    await cluster.kill(leader);
    await brokers.work("killed");
    cluster.restart(leader);
    await cluster.ready(leader);
  });

  await t.step("its leader is paused and resumed", async () => {
    const leader = await cluster.leader();
    cluster.pause(leader);
    await brokers.work("paused");
    cluster.resume(leader);
    await cluster.ready(leader);
    await brokers.work("resumed");
  });

  await t.step("all sessions were revoked", async () => {
    const { leases } = await cluster.ask(0, "/v3/lease/leases", {}) as { leases: { ID: string }[] };
    for (const { ID } of leases) await cluster.ask(0, "/v3/lease/revoke", { ID });
    for (const id of brokers.ids) await brokers.logged(id, /Registered again/);
    await brokers.work("revoked");
  });

  await t.step("it had no majority for longer than a session lasts", async () => {
    await cluster.kill(0);
    await cluster.kill(1);
    await using hasty = new Client({
      brokers: brokers.process(1).address,
      timeoutMs: TIMEOUT_MS,
      retry: { attempts: 1 },
    });
    const message = { topic: "before-1", partition: 0, value: "x" };
    // A broker serves what needs no change of metadata.
    await hasty.producer({ idempotence: false }).send(message);
    const codes: string[] = [];
    while (!codes.includes("NOT_CONTROLLER")) {
      const creating = hasty.admin().createTopic({ name: "without" }).then(() => "NONE", codeOf);
      codes.push(await within(creating, "an answer"));
    }
    const expected = ["NOT_CONTROLLER", "REQUEST_TIMED_OUT"];
    assert(codes.every((code) => expected.includes(code)), codes.join());
    await brokers.logged(1, /until it answers, nothing can be changed/);
    // Nobody else can lead a partition with one replica.
    await hasty.producer({ idempotence: false }).send(message);
    cluster.restart(0);
    cluster.restart(1);
    await brokers.work("majority");
    const unexpected = brokers.ids.flatMap((id) =>
      brokers.process(id).log.filter((line) => line.includes("Request failed unexpectedly"))
    );
    assertEquals(unexpected, []);
  });

  await t.step("its history was compacted", async () => {
    await using store = await openStore(cluster, { name: "orders" });
    const tenures = await tenuresOf(cluster);
    assertEquals(brokers.controllerEpochs.toSorted(byNumber), tenures.toSorted(byNumber));
    await cluster.compact(store.position.revision);
    await brokers.work("compacted");
  });
});

testWith("etcd", "Broker that was controller and stood still changes nothing", async (path) => {
  await using cluster = await EtcdCluster.start({ path });
  await using brokers = await Brokers.start(cluster, 2);
  await brokers.work("before");
  const { controllerId: first } = await brokers.client(1).admin().describeCluster();
  const other = 3 - first;
  brokers.process(first).pause();
  await brokers.logged(other, /Became the controller/);
  brokers.process(first).resume();
  const admin = brokers.client(first).admin();
  await within(admin.createTopic({ name: "after" }), "the topic to be created");
  assertEquals((await admin.describeCluster()).controllerId, other);
  assertEquals(brokers.controllerEpochs, await tenuresOf(cluster));
});

testWith("etcd", "Broker says that etcd is full, and serves on", async (path) => {
  const flags = ["--quota-backend-bytes", String(2 * 1024 * 1024)];
  await using cluster = await EtcdCluster.start({ path, flags });
  const log: string[] = [];
  await using broker = await Broker.start({
    fileSystem: new MemoryFileSystem(),
    listen: [],
    logger: createLogger({ level: "info", sink: (line) => log.push(line) }),
    config: { "metadata": metadataOf(cluster), "log.dirs": "/data" },
  });
  await using client = new Client({ broker, timeoutMs: TIMEOUT_MS, retry: { attempts: 1 } });
  const admin = client.admin();
  await admin.createTopic({ name: "a" });
  await using store = await openStore(cluster, { name: "other" });
  const fill = async () => {
    for (;;) await store.commit([{ key: "large", value: new Uint8Array(300_000) }]);
  };
  await fill().catch(() => {});
  const error = await admin.createTopic({ name: "b" }).then(() => undefined, (error) => error);
  assertStringIncludes(String(error?.message), "its database is full: compact and defragment it");
  // What needs no change of metadata is unaffected.
  await client.producer({ idempotence: false }).send({ topic: "a", value: "one" });
  assertEquals((await admin.listTopics()).map(({ name }) => name), ["a"]);
  await cluster.compact(store.position.revision);
  await cluster.makeRoom();
  await admin.createTopic({ name: "b" });
  assertEquals(log.filter((line) => /Request failed unexpectedly/.test(line)), []);
});

testWith("etcd", "Broker ends when etcd is restored from a backup, and says so", async (path) => {
  await using cluster = await EtcdCluster.start({ path });
  await using brokers = await Brokers.start(cluster, 1);
  await cluster.kill(0);
  await cluster.backUp(0);
  cluster.restart(0);
  await cluster.ready(0);
  await brokers.work("lost");
  await cluster.kill(0);
  await cluster.restore(0);
  cluster.restart(0);
  assertEquals(await brokers.process(1).ended(), 1);
  const log = brokers.process(1).log.join("\n");
  assertMatch(log, /ERROR.* Stopped serving for good/);
  assertStringIncludes(log, "It was set up again or restored from a backup");
});

function codeOf(error: unknown): string {
  if (!(error instanceof KafkaError)) throw error;
  return String(error.code);
}

function byNumber(a: number, b: number): number {
  return a - b;
}
