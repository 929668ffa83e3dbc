import { assert, assertEquals } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { createPartitions } from "../../protocol/messages/topics/create_partitions.ts";
import { listOffsets } from "../../protocol/messages/records/list_offsets.ts";
import { MemoryFileSystem } from "../../storage/mod.ts";
import { batchOf, TestBroker, valuesFrom } from "../broker_testing.ts";
import { createPartitionsHandler } from "../handlers/topics/create_partitions.ts";
import { listOffsetsHandler } from "../handlers/records/list_offsets.ts";
import { KilledFileSystem } from "../killed_file_system_testing.ts";
import { verifyData } from "../offline/verify_data.ts";

const NOW_MS = 1_700_000_000_000;

/**
 * Starts with one topic, makes a change, and returns the states that a kill during it may leave.
 */
async function killsOf(change: (broker: TestBroker) => Promise<void>): Promise<MemoryFileSystem[]> {
  const disk = new MemoryFileSystem();
  {
    await using broker = await TestBroker.start({ fs: disk });
    await broker.directory.writeMetaProperties({ clusterId: "mQ2cDRTnRJ2DWrl_8Ee-JA", nodeId: 1 });
    await broker.createTopic("old", { partitions: 1 });
  }
  const fs = new KilledFileSystem(disk);
  await using broker = await TestBroker.start({ fs });
  fs.left.length = 0;
  await change(broker);
  return fs.left;
}

async function findingsOf(fs: MemoryFileSystem): Promise<string[]> {
  const { findings, partitions } = await verifyData(fs, "/data", { withRecords: true });
  return [...findings, ...partitions.flatMap((partition) => partition.findings)]
    .map(({ path, problem }) => `${path}: ${problem}`);
}

/** The expected result of looking up each timestamp. */
function expectedOffsets(logEndOffset: number): [timestamp: number, offset: number][] {
  const isEmpty = logEndOffset === 0;
  return [[-1, logEndOffset], [-2, 0], [-3, isEmpty ? -1 : 0], [5, isEmpty ? -1 : 0]];
}

/** Checks that all partitions of an existing topic are usable, in this start and the next. */
async function checkUsable(fs: MemoryFileSystem, topic: string): Promise<void> {
  assertEquals(await findingsOf(fs), []);
  for (let start = 0; start < 2; start++) {
    await using broker = await TestBroker.start({ fs });
    for (const partition of broker.topics.get(topic)?.partitions ?? []) {
      assert(partition !== undefined);
      const { logStartOffset, logEndOffset, index } = partition;
      assert(logStartOffset === 0 && logEndOffset <= start + 1, `${partition} has ${logEndOffset}`);
      for (const [timestamp, offset] of expectedOffsets(logEndOffset)) {
        const response = await broker.call(listOffsets, listOffsetsHandler, 7, {
          replicaId: -1,
          isolationLevel: 0,
          topics: [{ name: topic, partitions: [{ partitionIndex: index, timestamp }] }],
        });
        const [found] = response.topics[0]!.partitions;
        assertEquals([found!.errorCode, found!.offset], [ErrorCode.NONE, offset]);
      }
      assertEquals((await valuesFrom(partition, 0)).length, logEndOffset);
      await partition.append(batchOf(["x"]), { acks: -1, nowMs: NOW_MS }).committed;
      assertEquals((await valuesFrom(partition, 0)).length, logEndOffset + 1);
    }
  }
  assertEquals(await findingsOf(fs), []);
}

Deno.test("TopicRegistry.createTopic() leaves usable empty partitions when killed at any point", async () => {
  const kills = await killsOf(async (broker) => {
    const partition = await broker.createTopic("a", { partitions: 2 });
    await partition.append(batchOf(["x"]), { acks: -1, nowMs: NOW_MS }).committed;
  });
  assert(kills.length > 10);
  let created = 0;
  for (const fs of kills) {
    await checkUsable(fs, "a");
    await using broker = await TestBroker.start({ fs });
    if (broker.topics.get("a") !== undefined) created++;
  }
  assert(created > 5);
});

Deno.test("TopicRegistry.createPartitions() leaves usable empty partitions when killed at any point", async () => {
  const kills = await killsOf(async (broker) => {
    await broker.call(createPartitions, createPartitionsHandler, 3, {
      topics: [{ name: "old", count: 3, assignments: null }],
      timeoutMs: 0,
      validateOnly: false,
    });
    await broker.directory.checkpoint();
  });
  for (const fs of kills) await checkUsable(fs, "old");
});

Deno.test("TopicRegistry.deleteTopic() leaves the name available when killed at any point", async () => {
  const kills = await killsOf(async (broker) => {
    await broker.topics.deleteTopic(broker.topics.get("old")!);
    await broker.createTopic("old", { partitions: 2 });
  });
  for (const fs of kills) await checkUsable(fs, "old");
});

Deno.test("Log with only its folder is empty and usable, after a shutdown and after a kill", async () => {
  for (const isClean of [true, false]) {
    for (const files of [[], ["partition.metadata"]]) {
      const fs = new MemoryFileSystem();
      {
        await using broker = await TestBroker.start({ fs });
        await broker.directory.writeMetaProperties({
          clusterId: "mQ2cDRTnRJ2DWrl_8Ee-JA",
          nodeId: 1,
        });
        await broker.createTopic("a");
      }
      for (const { name } of fs.readDirSync("/data/a-0")) {
        if (!files.includes(name)) fs.removeSync(`/data/a-0/${name}`);
      }
      if (!isClean) fs.removeSync("/data/.kafka_cleanshutdown");
      await using broker = await TestBroker.start({ fs });
      const partition = broker.topics.partition("a", 0)!;
      assertEquals([partition.logStartOffset, partition.logEndOffset], [0, 0]);
      await partition.append(batchOf(["x"]), { acks: -1, nowMs: NOW_MS }).committed;
      assertEquals(await valuesFrom(partition, 0), ["x"]);
    }
  }
});
