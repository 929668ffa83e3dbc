import { assertEquals, assertThrows } from "@std/assert";
import { OffsetOutOfRangeError, OutOfOrderSequenceError } from "../errors.ts";
import { MemoryFileSystem } from "../file_system/memory_file_system.ts";
import { append, configOf, NOW_MS, openDirectory, readAll, withLog } from "../log_testing.ts";
import type { Log } from "../log.ts";

function append3(log: Log, count: number): void {
  for (let i = 0; i < count; i++) append(log, [`a${i}`, `b${i}`, `c${i}`]);
}

Deno.test("Log.truncateTo() removes batches from the offset on, in all segments", async () => {
  for (const [offset, end] of [[0, 0], [1, 0], [3, 3], [7, 6], [14, 12], [15, 15]] as const) {
    await withLog({ config: { segmentBytes: 220, indexIntervalBytes: 50 } }, async (log) => {
      append3(log, 5);
      assertEquals(await log.truncateTo(offset, NOW_MS), offset < 15);
      assertEquals(log.logEndOffset, end);
      assertEquals((await readAll(log)).length, end);
      append(log, ["again"], { leaderEpoch: 1 });
      assertEquals((await readAll(log)).at(-1), { offset: end, value: "again" });
      assertEquals(
        log.endOffsetForEpoch(0),
        end === 0 ? { leaderEpoch: 0, offset: 0 } : {
          leaderEpoch: 0,
          offset: end,
        },
      );
      await log.flush();
      assertEquals(log.flushedOffset, end + 1);
    });
  }
});

Deno.test("Log.truncateTo() restores producer sequences and the largest timestamp", async () => {
  await withLog({}, async (log) => {
    const producer = { producerId: 7, producerEpoch: 0 };
    append(log, [{ value: "a", timestamp: 100 }], { ...producer, baseSequence: 0 });
    append(log, [{ value: "b", timestamp: 900 }], { ...producer, baseSequence: 1 });
    append(log, [{ value: "c", timestamp: 500 }], { ...producer, baseSequence: 2 });
    await log.truncateTo(1, NOW_MS);
    assertEquals((await log.maxTimestampOffset())?.timestamp, 100);
    assertThrows(
      () => append(log, ["c"], { ...producer, baseSequence: 2 }),
      OutOfOrderSequenceError,
    );
    assertEquals(append(log, ["b"], { ...producer, baseSequence: 1 }).firstOffset, 1);
  });
});

Deno.test("Log.truncateTo() is not undone by reopening", async () => {
  for (const kill of [true, false]) {
    let fs = new MemoryFileSystem();
    let directory = await openDirectory(fs);
    let log = directory.create("orders-3", {
      nowMs: NOW_MS,
      config: configOf({ segmentBytes: 220 }),
    });
    append3(log, 5);
    await directory.checkpoint();
    await log.truncateTo(7, NOW_MS);
    append(log, ["again"]);
    if (kill) fs = fs.clone({ unsynced: "kept" });
    await directory.close();
    directory = await openDirectory(fs);
    log = directory.get("orders-3")!;
    assertEquals((await readAll(log)).length, 7);
    assertEquals((await readAll(log)).at(-1)?.value, "again");
    await directory.close();
  }
});

Deno.test("Log.truncateFullyAndStartAt() removes all batches and starts at an offset", async () => {
  await withLog({ config: { segmentBytes: 220 } }, async (log) => {
    append3(log, 5);
    await log.truncateFullyAndStartAt(100, NOW_MS);
    assertEquals([log.logStartOffset, log.logEndOffset, log.sizeInBytes], [100, 100, 0]);
    assertThrows(() => log.read(14, { maxBytes: 1 }), OffsetOutOfRangeError);
    assertEquals(append(log, ["a"]).firstOffset, 100);
    assertEquals(await readAll(log), [{ offset: 100, value: "a" }]);
    await log.truncateTo(50, NOW_MS);
    assertEquals([log.logStartOffset, log.logEndOffset], [50, 50]);
  });
});

Deno.test("Log.deleteRecordsBefore() advances the log start offset, also within a batch, and never lowers it", async () => {
  await withLog({}, async (log) => {
    append3(log, 3);
    assertEquals(log.deleteRecordsBefore(4), 4);
    assertEquals(log.deleteRecordsBefore(2), 4);
    assertEquals((await readAll(log)).map((record) => record.offset), [4, 5, 6, 7, 8]);
    assertEquals(log.deleteRecordsBefore(9), 9);
    assertEquals(await readAll(log), []);
    for (const offset of [10, -1]) {
      assertThrows(() => log.deleteRecordsBefore(offset), OffsetOutOfRangeError);
    }
    assertEquals(append(log, ["a"]).firstOffset, 9);
  });
});
