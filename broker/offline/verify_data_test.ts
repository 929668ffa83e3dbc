import { assertEquals, assertMatch } from "@std/assert";
import { MemoryFileSystem } from "../../storage/mod.ts";
import { repairDataFolder } from "../../storage/verify/mod.ts";
import { batchOf, TestBroker, valuesFrom } from "../broker_testing.ts";
import { verifyData } from "./verify_data.ts";

const NOW_MS = 1_700_000_000_000;

/** The files of a broker with two partitions of "a", after a clean shutdown or a kill. */
async function makeData({ isClean = true } = {}): Promise<MemoryFileSystem> {
  const fs = new MemoryFileSystem();
  const broker = await TestBroker.start({ fs });
  await broker.directory.writeMetaProperties({ clusterId: "mQ2cDRTnRJ2DWrl_8Ee-JA", nodeId: 1 });
  await broker.createTopic("a", { partitions: 2 });
  await broker.createTopic("empty");
  for (const partition of broker.topics.get("a")!.partitions) {
    await partition!.append(batchOf(["one", "two"]), { acks: -1, nowMs: NOW_MS }).committed;
  }
  await broker.directory.checkpoint();
  const killed = fs.clone({ unsynced: "kept" });
  await broker.close();
  return isClean ? fs : killed;
}

async function findingsOf(fs: MemoryFileSystem): Promise<string[]> {
  const { findings, partitions } = await verifyData(fs, "/data", { withRecords: true });
  return [...findings, ...partitions.flatMap((partition) => partition.findings)]
    .map(({ path, problem }) => `${path}: ${problem}`);
}

async function repair(fs: MemoryFileSystem): Promise<void> {
  await repairDataFolder(fs, "/data", await verifyData(fs, "/data"), NOW_MS);
}

Deno.test("verifyData() finds any flipped bit of partition.metadata and a repair restores it", async () => {
  for (const isClean of [true, false]) {
    const fs = await makeData({ isClean });
    assertEquals(await findingsOf(fs), []);
    const path = "/data/a-1/partition.metadata";
    const { length } = fs.readFileSync(path);
    for (let at = 0; at < length; at++) {
      const damaged = fs.clone({ unsynced: "kept" });
      const bytes = damaged.readFileSync(path);
      bytes[at]! ^= 1 << at % 8;
      damaged.writeFileSync(path, bytes);
      const found = await findingsOf(damaged);
      assertEquals(found.length, 1, `byte ${at}`);
      assertMatch(found[0]!, /^\/data\/a-1\/partition.metadata: /);
      await repair(damaged);
      assertEquals(await findingsOf(damaged), [], `byte ${at}`);
      await using broker = await TestBroker.start({ fs: damaged });
      assertEquals(await valuesFrom(broker.topics.partition("a", 1)!, 0), ["one", "two"]);
    }
  }
});

Deno.test("verifyData() reports a missing partition.metadata and one of another topic", async () => {
  const fs = await makeData();
  const path = "/data/a-1/partition.metadata";
  const id = new TextDecoder().decode(fs.readFileSync(path));
  fs.removeSync(path);
  assertMatch((await findingsOf(fs))[0]!, /it is missing; the topic id of the log is /);
  await repair(fs);
  assertEquals(new TextDecoder().decode(fs.readFileSync(path)), id);
  fs.writeFileSync(path, fs.readFileSync("/data/empty-0/partition.metadata"));
  assertMatch((await findingsOf(fs))[0]!, /topic id is \S+, the topic has /);
  // A program cannot decide which topic the records belong to.
  await repair(fs);
  assertEquals((await findingsOf(fs)).length, 1);
});

Deno.test("verifyData() reports nothing after a kill during topic creation and deletion", async () => {
  const fs = new MemoryFileSystem();
  const broker = await TestBroker.start({ fs });
  await broker.directory.writeMetaProperties({ clusterId: "mQ2cDRTnRJ2DWrl_8Ee-JA", nodeId: 1 });
  for (let i = 0; i < 3; i++) {
    const partition = await broker.createTopic("a", { partitions: 2 });
    partition.append(batchOf([`${i}`]), { acks: 1, nowMs: NOW_MS });
    assertEquals(await findingsOf(fs.clone({ unsynced: "kept" })), []);
    if (i === 0) await broker.directory.checkpoint();
    await broker.topics.deleteTopic(broker.topics.get("a")!);
    assertEquals(await findingsOf(fs.clone({ unsynced: "kept" })), []);
  }
  await broker.close();
  assertEquals(await findingsOf(fs), []);
});

Deno.test("verifyData() reports a missing partition folder, after a shutdown and after a kill", async () => {
  for (const isClean of [true, false]) {
    for (const [name, records] of [["a-1", true], ["empty-0", false]] as const) {
      const fs = await makeData({ isClean });
      await fs.remove(`/data/${name}`);
      const expected = `/data/${name}: the folder of "${name}"` +
        (records ? ", which had offsets 0 to 1, is missing" : " is missing");
      // Without records the folder may not have existed before the kill.
      assertEquals(await findingsOf(fs), isClean || records ? [expected] : []);
    }
  }
});
