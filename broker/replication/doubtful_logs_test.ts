import { assertEquals, assertMatch } from "@std/assert";
import { Client } from "../../client/mod.ts";
import type { FileSystem } from "../../storage/file_system/file_system.ts";
import { MemoryFileSystem } from "../../storage/file_system/memory_file_system.ts";
import type { LogDirectory } from "../../storage/log_directory.ts";
import { append, configOf, NOW_MS, openDirectory } from "../../storage/log_testing.ts";
import { MEMORY_FOLDER, partsOf } from "../broker.ts";
import { Cluster } from "../cluster.ts";
import { logOf, replicaOf, stateOf, until, viewOf } from "./cluster_testing.ts";
import { doubtAbout } from "./doubtful_logs.ts";

const TOPIC = "orders";
const NAME = `${TOPIC}-0`;
const FILE = `/data/${NAME}/00000000000000000000.log`;
const EPOCHS = `/data/${NAME}/leader-epoch-checkpoint`;
const HIGH_WATERMARKS = "/data/replication-offset-checkpoint";
const MARKER = "/data/.kafka_cleanshutdown";

/** The folder of a replica with five records, of which four are committed, as its broker left it. */
async function closedFolder(config = configOf()): Promise<MemoryFileSystem> {
  const fs = new MemoryFileSystem();
  const directory = await openDirectory(fs, { config });
  await directory.writeMetaProperties({ clusterId: "c", nodeId: 1, directoryId: "d" });
  const log = directory.create(NAME, { nowMs: NOW_MS, config });
  for (let i = 0; i < 5; i++) append(log, [`${i}`], { leaderEpoch: i });
  directory.highWatermarks.raise(NAME, 4);
  await directory.close();
  return fs;
}

function truncateFile(fs: MemoryFileSystem, part: number): void {
  const bytes = fs.readFileSync(FILE);
  fs.writeFileSync(FILE, bytes.subarray(0, Math.floor(bytes.length * part)));
}

Deno.test("doubtAbout() finds what a replica may lack, and nothing after any end of a sound one", async () => {
  const compacted = configOf({ cleanupPolicy: ["compact"] });
  const cases: [string, RegExp | undefined, (fs: MemoryFileSystem) => void, typeof compacted?][] = [
    ["a clean shutdown", undefined, () => {}],
    ["a crash", undefined, (fs) => fs.removeSync(MARKER)],
    ["a crash that took what was not committed", undefined, (fs) => {
      fs.removeSync(MARKER);
      fs.removeSync("/data/recovery-point-offset-checkpoint");
      truncateFile(fs, 0.9);
    }],
    ["a crash that took more", /ends at 3, the high watermark was 4/, (fs) => {
      fs.removeSync(MARKER);
      fs.removeSync("/data/recovery-point-offset-checkpoint");
      truncateFile(fs, 0.7);
    }],
    ["lost high watermarks", /high watermarks is missing/, (fs) => fs.removeSync(HIGH_WATERMARKS)],
    ["damaged high watermarks", /high watermarks is missing or damaged/, (fs) => {
      fs.writeFileSync(HIGH_WATERMARKS, new Uint8Array([1, 2, 3]));
    }],
    ["a log that was cut", /records from offset 3 on are lost/, (fs) => truncateFile(fs, 0.7)],
    ["a lost log", /records from offset 0 on are lost/, (fs) => fs.removeSync(FILE)],
    ["lost epochs", undefined, (fs) => fs.removeSync(EPOCHS)],
    ["lost epochs of a compacted log", /epochs of the compacted log/, (fs) => {
      fs.removeSync(EPOCHS);
    }, compacted],
    ["a lost folder", /the high watermark was 4/, (fs) => {
      fs.removeSync(MARKER);
      for (const { name } of fs.readDirSync(`/data/${NAME}`)) {
        fs.removeSync(`/data/${NAME}/${name}`);
      }
      fs.removeSync(`/data/${NAME}`);
    }],
  ];
  for (const [what, expected, damage, config] of cases) {
    const fs = await closedFolder(config);
    damage(fs);
    await using directory: LogDirectory = await openDirectory(fs, config && { config });
    const reason = doubtAbout(directory, NAME);
    if (expected === undefined) assertEquals(reason, undefined, what);
    else assertMatch(reason ?? "", expected, what);
    // A partition that was never here lacks nothing, unless nothing is known.
    const isAll = what.endsWith("high watermarks");
    assertEquals(doubtAbout(directory, "new-0") !== undefined, isAll, what);
  }
});

Deno.test("settleDoubts() keeps a broker from leading that lost committed records, when all were down", async () => {
  const folder = `${MEMORY_FOLDER}/${NAME}`;
  const damages: [string, (fs: FileSystem) => void][] = [
    ["lost records", (fs) => {
      const path = `${folder}/00000000000000000000.log`;
      const bytes = fs.readFileSync(path);
      fs.writeFileSync(path, bytes.subarray(0, bytes.length / 3));
    }],
    ["a log that cannot be opened", (fs) => {
      const text = "version: 0\ntopic_id: 4v_2pRHCQ5K2LNRfgJ3mEg";
      fs.writeFileSync(`${folder}/partition.metadata`, new TextEncoder().encode(text));
    }],
  ];
  for (const [what, damage] of damages) {
    await using cluster = await Cluster.start({ brokers: 3 });
    await using client = new Client({ brokers: cluster.addresses });
    const configs = { "min.insync.replicas": "2" };
    await client.admin().createTopic({ name: TOPIC, assignments: [[3, 1, 2]], configs });
    for (const value of ["a", "b", "c"]) await client.producer().send({ topic: TOPIC, value });
    await until(() => replicaOf(cluster, 3, TOPIC)!.highWatermark === 3);
    const { directory, context } = partsOf(cluster.broker(3)!);
    await context.topics.checkpointHighWatermarks();
    // The disk of the preferred leader fails, and the power everywhere.
    damage(directory.fs);
    await Promise.all([1, 2, 3].map((id) => cluster.killBroker(id)));
    await cluster.startBroker(3);
    const { isr, elr } = viewOf(cluster, 3).topic(TOPIC)!.partitions[0]!;
    assertEquals([isr.includes(3), elr.includes(3)], [false, false], what);
    await cluster.startBroker(1);
    await cluster.startBroker(2);
    const whole = replicaOf(cluster, 3, TOPIC) === undefined ? [1, 2] : [1, 2, 3];
    await until(() => stateOf(cluster, TOPIC).isr.length === whole.length);
    for (const id of whole) {
      await until(() => replicaOf(cluster, id, TOPIC)?.logEndOffset === 3);
      assertEquals(await logOf(replicaOf(cluster, id, TOPIC)!), ["a", "b", "c"]);
    }
  }
});

Deno.test("settleDoubts() keeps the last replica in sync whose log cannot be opened for the moment", async () => {
  await using cluster = await Cluster.start({ brokers: 3 });
  await using client = new Client({ brokers: cluster.addresses });
  const configs = { "min.insync.replicas": "1" };
  await client.admin().createTopic({ name: TOPIC, assignments: [[3, 1, 2]], configs });
  await client.producer().send({ topic: TOPIC, value: "a" });
  for (const id of [1, 2]) await cluster.killBroker(id);
  await until(() => viewOf(cluster, 3).topic(TOPIC)!.partitions[0]!.isr.length === 1);
  await client.producer().send({ topic: TOPIC, value: "b" });
  const path = `${MEMORY_FOLDER}/${NAME}/partition.metadata`;
  const { fs } = partsOf(cluster.broker(3)!).directory;
  const intact = fs.readFileSync(path);
  const text = "version: 0\ntopic_id: 4v_2pRHCQ5K2LNRfgJ3mEg";
  fs.writeFileSync(path, new TextEncoder().encode(text));
  await cluster.killBroker(3);
  await cluster.startBroker(3);
  assertEquals(replicaOf(cluster, 3, TOPIC), undefined);
  assertEquals(viewOf(cluster, 3).topic(TOPIC)!.partitions[0]!.isr, [3]);
  partsOf(cluster.broker(3)!).directory.fs.writeFileSync(path, intact);
  await cluster.stopBroker(3);
  await cluster.startBroker(3);
  await until(() => replicaOf(cluster, 3, TOPIC)?.highWatermark === 2);
});
