import { assert, assertEquals } from "@std/assert";
import { CompressionType } from "../../protocol/compression/mod.ts";
import { RECORD_BATCH_OVERHEAD, type RecordBatch } from "../../protocol/records/mod.ts";
import { NOW_MS, openDirectory } from "../log_testing.ts";
import { MemoryFileSystem } from "../file_system/memory_file_system.ts";
import { verifyDataFolder } from "../verify/mod.ts";
import {
  appendKeyed,
  batchesOf,
  clean,
  keyedBatch,
  recordsOf,
  rollWith,
  setUp,
} from "./cleaner_testing.ts";

/**
 * Batches with a correct CRC and unreadable records, which clients could write to older versions.
 */
function unreadableBatches(): Record<string, RecordBatch> {
  const sound = () => keyedBatch([["a", "unreadable"], ["b", "unreadable"]]);
  const changed = (batch: RecordBatch, change: (view: DataView) => void) => {
    change(new DataView(batch.bytes.buffer, batch.bytes.byteOffset));
    batch.setMaxTimestamp(NOW_MS);
    return batch;
  };
  const bodies: Record<string, RecordBatch> = {
    "a record more than there is": changed(sound(), (view) => {
      view.setInt32(23, 2);
      view.setInt32(57, 3);
    }),
    "a record less than there is": changed(sound(), (view) => view.setInt32(57, 1)),
    "garbage": changed(sound(), (view) => view.setInt32(RECORD_BATCH_OVERHEAD, 0x7fffffff)),
  };
  for (const [name, type] of Object.entries(CompressionType)) {
    bodies[`no ${name}`] = changed(sound(), (view) => view.setInt16(21, type === 0 ? 7 : type));
  }
  bodies["20 MB in a few"] = keyedBatch([["a", "x".repeat(20_000_000)]], { compression: 4 });
  return bodies;
}

Deno.test("Log.clean() keeps batches with unreadable records unchanged, and names them", async (t) => {
  for (const [name, batch] of Object.entries(unreadableBatches())) {
    await t.step(name, async () => {
      const { directory, log } = await setUp({ segmentBytes: 1 << 20 });
      appendKeyed(log, [["a", "1"], ["b", "1"]]);
      appendKeyed(log, [["a", "2"], ["c", "1"]]);
      const before = batch.bytes.slice();
      const { firstOffset, lastOffset } = log.append(batch, { leaderEpoch: 0, nowMs: NOW_MS });
      appendKeyed(log, [["b", "3"], ["c", "3"]]);
      rollWith(log, [["z", "z"]]);
      const { unreadable } = (await clean(log))!;
      assertEquals(unreadable.count, 1);
      const [{ problem, ...offsets }] = unreadable.first as [typeof unreadable.first[number]];
      assertEquals(offsets, { baseOffset: firstOffset, lastOffset });
      assert(problem.length > 0);
      const batches = await batchesOf(log);
      const after = batches.find(({ baseOffset }) => baseOffset === firstOffset)!;
      assertEquals(after.bytes.subarray(16), before.subarray(16));
      // Its records of "a" and "b" are unknown, so it supersedes no others.
      const sound = batches.filter((other) => other !== after).flatMap(recordsOf)
        .map(({ key, value }) => `${key},${value}`);
      assertEquals(sound, ["a,2", "b,3", "c,3", "z,z"]);
      await directory.close();
    });
  }
});

Deno.test("Log.offsetForTimestamp() uses the header of a batch with unreadable records", async () => {
  for (const batch of Object.values(unreadableBatches())) {
    await using directory = await openDirectory(new MemoryFileSystem());
    const log = directory.create("c-0", { nowMs: NOW_MS });
    appendKeyed(log, [["a", "1", NOW_MS - 10]]);
    batch.setMaxTimestamp(NOW_MS + 5);
    const { firstOffset } = log.append(batch, { leaderEpoch: 0, nowMs: NOW_MS });
    appendKeyed(log, [["b", "1", NOW_MS + 7]]);
    const at = async (time: number) => (await log.offsetForTimestamp(time))?.offset;
    assertEquals(await at(NOW_MS - 10), 0);
    assert([firstOffset, log.logEndOffset - 1].includes((await at(NOW_MS + 1))!));
    assertEquals(await at(NOW_MS + 6), log.logEndOffset - 1);
  }
});

Deno.test("verifyDataFolder() reports batches with unreadable records", async () => {
  for (const [name, batch] of Object.entries(unreadableBatches())) {
    if (name.startsWith("20 MB")) continue;
    const fs = new MemoryFileSystem();
    const directory = await openDirectory(fs);
    const log = directory.create("c-0", { nowMs: NOW_MS });
    appendKeyed(log, [["a", "1"]]);
    log.append(batch, { leaderEpoch: 0, nowMs: NOW_MS });
    await directory.close();
    const { findings, partitions } = await verifyDataFolder(fs, "/data", { withRecords: true });
    const all = [...findings, ...partitions.flatMap((partition) => partition.findings)];
    assertEquals(all.length, 1, name);
    assert(all[0]!.problem.includes("Cannot read rec"), all[0]!.problem);
  }
});
