import { assert, assertEquals } from "@std/assert";
import { CompressionType } from "../../protocol/compression/mod.ts";
import { RecordBatch, RecordBatchBuilder } from "../../protocol/records/mod.ts";
import type { Log } from "../log.ts";
import { NOW_MS } from "../log_testing.ts";
import { TransactionIndex } from "../segment/indexes/transaction_index.ts";
import type { LogCleaning } from "./cleaning_pass.ts";
import {
  appendKeyed,
  appendMarker,
  batchesOf,
  clean,
  compactedConfig,
  foundIn,
  NAME,
  rollWith,
  setUp,
  textOf,
} from "./cleaner_testing.ts";

Deno.test("Log.clean() keeps the last record of each key at its offset, and merges segments", async () => {
  const { directory, log } = await setUp();
  appendKeyed(log, [["a", "1"], ["b", "1"], ["a", "2"]]);
  rollWith(log, [["c", "1"], ["b", "2"]]);
  rollWith(log, [["a", "3"], ["d", "1"]]);
  rollWith(log, [["a", "4"]]);
  const sizeInBytes = log.sizeInBytes;
  const cleaning = await clean(log);
  assertEquals(await textOf(log), "3c=1 4b=2 5a=3 6d=1 7a=4");
  assertEquals(cleaning, {
    log: NAME,
    fromOffset: 0,
    toOffset: 7,
    isComplete: true,
    keys: 4,
    recordsBefore: 7,
    recordsAfter: 4,
    bytesBefore: cleaning!.bytesBefore,
    bytesAfter: cleaning!.bytesAfter,
    unreadable: { count: 0, first: [] },
  });
  assertEquals(cleaning!.bytesBefore - cleaning!.bytesAfter, sizeInBytes - log.sizeInBytes);
  assertEquals(log.segments.map(({ baseOffset }) => baseOffset), [0, 7]);
  assertEquals([log.logStartOffset, log.logEndOffset, log.firstDirtyOffset], [0, 8, 7]);
  assertEquals(await clean(log), undefined);
  await directory.close();
});

Deno.test("Log.read() at an offset removed by compaction returns the next batch", async () => {
  const { directory, log } = await setUp();
  for (let i = 0; i < 30; i++) appendKeyed(log, [[i % 7 === 0 ? `k${i}` : "a", `${i}`]]);
  rollWith(log, [["z", "1"]]);
  await clean(log);
  const kept = await foundIn(log);
  assertEquals(kept.map(({ offset }) => offset), [0, 7, 14, 21, 28, 29, 30]);
  for (let offset = 0; offset <= 30; offset++) {
    const rest = kept.filter((record) => record.offset >= offset);
    assertEquals(await foundIn(log, offset), rest);
    assertEquals(await foundIn(log, offset, 1), rest);
  }
  await directory.close();
});

Deno.test("Log.clean() compresses retained records with the codec of their batch", async (t) => {
  for (const [name, compression] of Object.entries(CompressionType)) {
    await t.step(name, async () => {
      const { directory, log } = await setUp();
      appendKeyed(log, [["a", "1", NOW_MS - 5], ["b", "x".repeat(500)], ["a", "2", NOW_MS - 9]], {
        compression,
      });
      rollWith(log, [["b", "y"]]);
      rollWith(log, [["c", "z"]]);
      await clean(log);
      const [batch] = await batchesOf(log);
      assertEquals(batch!.compression, compression);
      assertEquals([batch!.baseOffset, batch!.lastOffset, batch!.recordCount], [0, 2, 1]);
      assertEquals([batch!.baseTimestamp, batch!.maxTimestamp], [NOW_MS - 5, NOW_MS - 9]);
      assertEquals(await textOf(log), "2a=2 3b=y 4c=z");
      await directory.close();
    });
  }
});

Deno.test("Log.clean() keeps the bytes of a batch without superseded records", async () => {
  const { directory, log } = await setUp();
  appendKeyed(log, [["a", "1"], ["b", "1"]], { compression: CompressionType.gzip });
  const [before] = await batchesOf(log);
  rollWith(log, [["c", "1"]]);
  const cleaning = await clean(log);
  assertEquals([cleaning!.recordsBefore, cleaning!.recordsAfter], [2, 2]);
  assertEquals((await batchesOf(log))[0]!.bytes, before!.bytes);
  await directory.close();
});

Deno.test("Log.clean() keeps tombstones for delete.retention.ms, with a delete horizon in the batch (KIP-534)", async () => {
  const { directory, log } = await setUp();
  appendKeyed(log, [["a", "1", NOW_MS - 70], ["b", "1"], ["a", null, NOW_MS - 50], ["d", "1"]]);
  rollWith(log, [["c", "1"]]);
  await clean(log);
  let [batch] = await batchesOf(log);
  assert(batch!.hasDeleteHorizon);
  assertEquals(batch!.baseTimestamp, NOW_MS + 1000);
  assertEquals(Array.from(batch!.records(), ({ timestamp }) => timestamp), [
    NOW_MS,
    NOW_MS - 50,
    NOW_MS,
  ]);
  rollWith(log, [["e", "1"]]);
  await clean(log, { nowMs: NOW_MS + 999 });
  assertEquals(await textOf(log), "1b=1 2a=- 3d=1 4c=1 5e=1");
  [batch] = await batchesOf(log);
  assertEquals(batch!.baseTimestamp, NOW_MS + 1000);
  rollWith(log, [["f", "1"]]);
  await clean(log, { nowMs: NOW_MS + 1000 });
  assertEquals(await textOf(log), "1b=1 3d=1 4c=1 5e=1 6f=1");
  await directory.close();
});

Deno.test("Log.clean() keeps the last record of the log, even a tombstone", async () => {
  const { directory, log } = await setUp();
  appendKeyed(log, [["a", "1"]], { producerId: 5, producerEpoch: 0, baseSequence: 0 });
  appendKeyed(log, [["a", null]]);
  rollWith(log, [["b", "1"]]);
  await clean(log);
  const nowMs = NOW_MS + 5000;
  rollWith(log, [["b", null]]);
  rollWith(log, [["c", "1"]]);
  await clean(log, { nowMs });
  await clean(log, { nowMs: nowMs + 5000 });
  assertEquals(await textOf(log), "3b=- 4c=1");
  await directory.close();
});

Deno.test("Log.clean() needs several passes if there is memory for few keys", async () => {
  const { directory, log } = await setUp();
  for (let i = 0; i < 60; i++) appendKeyed(log, [[`k${i % 20}`, `${i}`], ["a", `${i}`]]);
  rollWith(log, [["z", "1"]]);
  const passes: LogCleaning[] = [];
  for (;;) {
    const cleaning = await clean(log, { dedupeBytes: 24 * 6 });
    if (cleaning === undefined) break;
    assert(cleaning.keys <= 5);
    assert(cleaning.toOffset > cleaning.fromOffset);
    passes.push(cleaning);
  }
  assert(passes.length > 10);
  assertEquals(passes.map(({ isComplete }) => isComplete).indexOf(true), passes.length - 1);
  const found = await foundIn(log);
  assertEquals(found.length, 22);
  assertEquals(
    found.slice(0, 19).map(({ key }) => key),
    [...new Array(19).keys()].map((i) => `k${i}`),
  );
  await directory.close();
});

Deno.test("Log.clean() continues in the middle of a batch with more keys than fit in memory", async () => {
  const { directory, log } = await setUp();
  appendKeyed(log, [["a", "1"], ["b", "1"], ["c", "1"], ["a", "2"], ["b", null], ["d", "1"]]);
  rollWith(log, [["z", "1"]]);
  const ends: number[] = [];
  for (let pass; (pass = await clean(log, { dedupeBytes: 0 })) !== undefined;) {
    ends.push(pass.toOffset);
  }
  assertEquals(ends, [1, 2, 3, 4, 5, 6]);
  assertEquals(await textOf(log), "2c=1 3a=2 4b=- 5d=1 6z=1");
  await directory.close();
});

Deno.test("Log.clean() sets no delete horizon in batches after the cleaned part", async () => {
  const { directory, log } = await setUp();
  appendKeyed(log, [["a", "1"], ["b", "1"], ["a", null]]);
  rollWith(log, [["z", "1"]]);
  await clean(log, { dedupeBytes: 0 });
  assertEquals((await batchesOf(log))[0]!.hasDeleteHorizon, false);
  await directory.close();
});

Deno.test("Log.clean() keeps the last batch of each producer, even without records (KIP-98)", async () => {
  const { fs, directory, log } = await setUp();
  const producer = { producerId: 7, producerEpoch: 2 };
  appendKeyed(log, [["a", "1"], ["b", "1"]], { ...producer, baseSequence: 0 });
  appendKeyed(log, [["a", "2"], ["b", "2"]], {
    ...producer,
    baseSequence: 2,
    compression: CompressionType.lz4,
  });
  rollWith(log, [["a", "3"], ["b", "3"]]);
  rollWith(log, [["c", "1"]]);
  await clean(log);
  assertEquals(await textOf(log), "4a=3 5b=3 6c=1");
  await directory.checkpoint();
  const copy = fs.clone({ unsynced: "lost" });
  for (const { name } of copy.readDirSync(`/data/${NAME}`)) {
    if (name.endsWith(".snapshot")) copy.removeSync(`/data/${NAME}/${name}`);
  }
  await directory.close();
  const after = await setUp({}, copy);
  const batch = new RecordBatchBuilder({ ...producer, baseSequence: 2 });
  batch.append(NOW_MS, "a", "2");
  batch.append(NOW_MS, "b", "2");
  const again = after.log.append(new RecordBatch(batch.build()), { leaderEpoch: 0, nowMs: NOW_MS });
  assertEquals([again.isDuplicate, again.firstOffset], [true, 2]);
  appendKeyed(after.log, [["d", "1"]], { ...producer, baseSequence: 4 });
  await after.directory.close();
});

Deno.test("Log.read() returns no empty batch at the start or end", async () => {
  const { directory, log } = await setUp();
  const producers = [1, 2, 3].map((producerId) => ({
    producerId,
    producerEpoch: 0,
    baseSequence: 0,
  }));
  appendKeyed(log, [["a", "1"]], producers[0]);
  appendKeyed(log, [["b", "1"]]);
  appendKeyed(log, [["a", "2"]], producers[1]);
  rollWith(log, [["a", "3"]]);
  rollWith(log, [["c", "1"]]);
  await clean(log);
  for (let offset = 0; offset < 5; offset++) {
    for (const maxBytes of [1, 100, 200, 1000]) {
      const expected = [[1, "b"], [3, "a"], [4, "c"]].filter(([at]) => at as number >= offset);
      const found = await foundIn(log, offset, maxBytes);
      assertEquals(found.map(({ offset, key }) => [offset, key]), expected);
    }
  }
  assertEquals((await log.read(2, { maxBytes: 1000, maxOffset: 3 })).sizeInBytes, 0);
  await directory.close();
});

Deno.test("Log.offsetForTimestamp() is correct after cleaning, also at removed records", async () => {
  const { directory, log } = await setUp();
  const producer = { producerId: 1, producerEpoch: 0, baseSequence: 0 };
  for (let i = 0; i < 20; i++) appendKeyed(log, [[`k${i % 6}`, `${i}`, NOW_MS + i * 10]]);
  appendKeyed(log, [["k5", "late", NOW_MS + 9999]], producer);
  appendKeyed(log, [["k5", "20", NOW_MS + 210]]);
  rollWith(log, [["z", "1", NOW_MS + 220]]);
  await clean(log);
  const found = await foundIn(log);
  for (let timestamp = NOW_MS - 5; timestamp < NOW_MS + 240; timestamp += 5) {
    const expected = found.find((record) => record.timestamp >= timestamp);
    assertEquals((await log.offsetForTimestamp(timestamp))?.offset, expected?.offset);
  }
  assertEquals((await log.maxTimestampOffset())?.offset, 22);
  await directory.close();
});

Deno.test("Log.clean() removes aborted records, which supersede none, and markers later (KIP-98, KIP-534)", async () => {
  const { directory, log } = await setUp();
  const transactional = (producerId: number, baseSequence: number) => ({
    producerId,
    producerEpoch: 0,
    baseSequence,
    isTransactional: true,
  });
  appendKeyed(log, [["a", "1"], ["b", "1"], ["c", "1"]]);
  appendKeyed(log, [["a", "aborted"]], transactional(1, 0));
  appendKeyed(log, [["b", "committed"]], transactional(2, 0));
  appendMarker(log, 1, "abort");
  appendMarker(log, 2, "commit");
  appendKeyed(log, [["c", "committed"]], transactional(1, 1));
  const commit = appendMarker(log, 1, "commit");
  rollWith(log, [["z", "1"]]);
  await clean(log);
  assertEquals(await textOf(log), "0a=1 4b=committed 7c=committed 9z=1");
  const markers = async () =>
    (await batchesOf(log)).filter((batch) => batch.isControl).map(({ baseOffset }) => baseOffset);
  assertEquals(await markers(), [5, 6, commit]);
  // The aborted records are removed: now the marker gets a delete horizon, and is removed after it.
  rollWith(log, [["y", "1"]]);
  await clean(log);
  assertEquals(await markers(), [5, 6, commit]);
  rollWith(log, [["x", "1"]]);
  await clean(log, { nowMs: NOW_MS + 1000 });
  assertEquals(await markers(), [6, commit]);
  assertEquals(await textOf(log), "0a=1 4b=committed 7c=committed 9z=1 10y=1 11x=1");
  await directory.close();
});

Deno.test("Log.clean() ends before an open transaction", async () => {
  const { directory, log } = await setUp();
  appendKeyed(log, [["a", "1"]]);
  appendKeyed(log, [["a", "open"]], {
    producerId: 1,
    producerEpoch: 0,
    baseSequence: 0,
    isTransactional: true,
  });
  rollWith(log, [["z", "1"]]);
  assertEquals(await clean(log), undefined);
  appendMarker(log, 1, "abort");
  await clean(log);
  assertEquals(await textOf(log), "0a=1 2z=1");
  await directory.close();
});

Deno.test("Log.cleanableRange() excludes the active segment, young records and unstable ones", async () => {
  const { directory, log } = await setUp({ minCompactionLagMs: 100 });
  appendKeyed(log, [["a", "1", NOW_MS - 500]]);
  rollWith(log, [["a", "2", NOW_MS - 200]]);
  rollWith(log, [["a", "3", NOW_MS - 50]]);
  rollWith(log, [["a", "4", NOW_MS]]);
  const end = (nowMs: number, maxOffset = Infinity) =>
    log.cleanableRange(nowMs, maxOffset).firstUncleanableOffset;
  assertEquals(end(NOW_MS), 2);
  assertEquals(end(NOW_MS - 101), 1);
  assertEquals(end(NOW_MS + 50), 3);
  assertEquals(end(NOW_MS + 9999), 3);
  assertEquals(end(NOW_MS + 9999, 2), 2);
  assertEquals(end(NOW_MS + 9999, 1), 1);
  await clean(log);
  assertEquals(await textOf(log), "1a=2 2a=3 3a=4");
  await directory.close();
});

Deno.test("Log.cleanableRange() is overdue when a record has waited for max.compaction.lag.ms (KIP-354)", async () => {
  const { directory, log } = await setUp({ maxCompactionLagMs: 1000 });
  appendKeyed(log, [["a", "1"]]);
  rollWith(log, [["a", "2"]]);
  assertEquals(log.cleanableRange(NOW_MS + 1000, Infinity).isOverdue, false);
  assertEquals(log.cleanableRange(NOW_MS + 1001, Infinity).isOverdue, true);
  // So that segment.ms need not pass.
  appendKeyed(log, [["a", "3", NOW_MS + 1001]]);
  assertEquals(log.segments.length, 3);
  await directory.close();
});

Deno.test("Log.clean() records its end in cleaner-offset-checkpoint, in Kafka's format", async () => {
  const { fs, directory, log } = await setUp();
  appendKeyed(log, [["a", "1"], ["a", "2"]]);
  rollWith(log, [["z", "1"]]);
  await clean(log);
  const after = fs.clone({ unsynced: "lost" });
  const bytes = after.readFileSync("/data/cleaner-offset-checkpoint");
  assertEquals(new TextDecoder().decode(bytes), "0\n1\ncompacted 0 2\n");
  await directory.close();
  const reopened = await setUp({}, after);
  assertEquals(reopened.log.firstDirtyOffset, 2);
  assertEquals(await textOf(reopened.log), "1a=2 2z=1");
  reopened.directory.delete(NAME, NOW_MS);
  const recreated = reopened.directory.create(NAME, { nowMs: NOW_MS, config: compactedConfig() });
  assertEquals(recreated.firstDirtyOffset, 0);
  await reopened.directory.close();
});

Deno.test("Log.clean() leaves gaps that are not reported as losses, even if the recovery point is lost", async (t) => {
  for (const damage of ["removed", "emptied", "scrambled"]) {
    await t.step(damage, async () => {
      const { fs, directory, log } = await setUp({ segmentBytes: 400 });
      for (let i = 0; i < 40; i++) appendKeyed(log, [[i % 3 === 0 ? `k${i}` : "a", `${i}`]]);
      await clean(log);
      const found = await textOf(log);
      const offsets = (await foundIn(log)).map(({ offset }) => offset);
      assert(log.segments.slice(1).some(({ baseOffset }) => !offsets.includes(baseOffset - 1)));
      const after = fs.clone({ unsynced: "kept" });
      await directory.close();
      const path = "/data/recovery-point-offset-checkpoint";
      if (damage === "removed") after.removeSync(path);
      else after.writeFileSync(path, new TextEncoder().encode(damage === "emptied" ? "" : "x\n"));
      const reopened = await setUp({}, after);
      assertEquals(await textOf(reopened.log), found);
      await reopened.directory.close();
    });
  }
});

Deno.test("Log.clean() leaves no gap before the recovery point, where recovery would miss records", async (t) => {
  const transactional = (baseSequence: number) => ({
    producerId: 1,
    producerEpoch: 0,
    baseSequence,
    isTransactional: true,
  });
  for (const last of ["aborted", "superseded", "marker"] as const) {
    await t.step(`${last} at the end`, async () => {
      const { fs, directory, log } = await setUp();
      appendKeyed(log, [["a", "1"]]);
      appendKeyed(log, [["b", "1"]], transactional(0));
      if (last === "marker") appendMarker(log, 1, "abort");
      if (last === "superseded") appendKeyed(log, [["c", "1"]]);
      const recoveryPoint = log.logEndOffset;
      rollWith(log, [["c", "2"]]);
      if (last !== "marker") appendMarker(log, 1, "abort");
      // The aborted batch is not the last of its producer, which would be kept.
      appendKeyed(log, [["b", "2"]], transactional(1));
      appendMarker(log, 1, "commit");
      await clean(log);
      const found = await textOf(log);
      const after = fs.clone({ unsynced: "kept" });
      await directory.close();
      after.writeFileSync(
        "/data/recovery-point-offset-checkpoint",
        new TextEncoder().encode(`0\n1\ncompacted 0 ${recoveryPoint}\n`),
      );
      const reopened = await setUp({}, after);
      assertEquals(await textOf(reopened.log), found);
      assertEquals(reopened.log.losses, []);
      await reopened.directory.close();
    });
  }
});

/** The aborted transactions that a log knows, as text. */
function abortedIn(log: Log): string {
  return log.abortedTransactions(log.logStartOffset, Infinity)
    .map(({ producerId, firstOffset, lastOffset }) => `${producerId}@${firstOffset}-${lastOffset}`)
    .join(" ");
}

const transactional = (producerId: number, baseSequence: number) => ({
  producerId,
  producerEpoch: 0,
  baseSequence,
  isTransactional: true,
});

Deno.test("Log.clean() keeps the index entry of an aborted transaction as long as its marker", async () => {
  const { fs, directory, log } = await setUp();
  appendKeyed(log, [["a", "1"]]);
  appendKeyed(log, [["a", "aborted"]], transactional(1, 0)); // 1
  appendKeyed(log, [["b", "aborted"]], transactional(2, 0)); // 2
  appendMarker(log, 2, "abort"); // 3
  appendMarker(log, 1, "abort"); // 4
  appendKeyed(log, [["c", "1"]], transactional(1, 1)); // 5
  appendMarker(log, 1, "commit"); // 6
  rollWith(log, [["z", "1"]]);
  await clean(log);
  assertEquals(await textOf(log), "0a=1 5c=1 7z=1");
  assertEquals(abortedIn(log), "1@1-4 2@2-3");
  rollWith(log, [["y", "1"]]);
  await clean(log);
  assertEquals(abortedIn(log), "1@1-4 2@2-3");
  rollWith(log, [["x", "1"]]);
  await clean(log, { nowMs: NOW_MS + 1000 });
  // That of producer 2 stays: its last batch is there, empty, for its sequence.
  assertEquals(abortedIn(log), "2@2-3");
  const index = new TransactionIndex(
    0,
    fs.readFileSync(`${log.folder}/00000000000000000000.txnindex`),
  );
  assertEquals([index.count, index.entryAt(0).lastOffset], [1, 3]);
  await directory.close();
});

Deno.test("Log.clean() knows a transaction over segments that are cleaned into several (KAFKA-8351)", async () => {
  const { directory, log } = await setUp({ segmentBytes: 300 });
  const value = "v".repeat(80);
  for (let i = 0; i < 6; i++) {
    appendKeyed(log, [[`a${i}`, value]], transactional(1, i));
    appendKeyed(log, [[`k${i}`, value]]);
  }
  const marker = appendMarker(log, 1, "abort");
  rollWith(log, [["z", "1"]]);
  assert(log.segments.length > 4);
  for (let pass = 0; pass < 3; pass++) {
    await clean(log);
    const keys = (await foundIn(log)).map(({ key }) => key);
    assertEquals(keys.filter((key) => key.startsWith("a")), []);
    assertEquals(abortedIn(log), `1@0-${marker}`);
    rollWith(log, [[`y${pass}`, "1"]]);
  }
  await directory.close();
});

Deno.test("Log.clean() with memory for few keys ends within a transaction, and loses none of it", async () => {
  for (const type of ["abort", "commit"] as const) {
    const { directory, log } = await setUp({ segmentBytes: 400 });
    for (let i = 0; i < 8; i++) appendKeyed(log, [[`a${i}`, `${i}`]], transactional(1, i));
    const marker = appendMarker(log, 1, type);
    rollWith(log, [["z", "1"]]);
    for (let pass = 0; pass < 8; pass++) {
      await clean(log, { dedupeBytes: 24 * 4 });
      const aborted = log.abortedTransactions(0, Infinity);
      const read = (await foundIn(log)).filter(({ offset, key }) => {
        return key !== "z" &&
          !aborted.some((each) => each.firstOffset <= offset && offset < each.lastOffset);
      });
      assertEquals(read.length, type === "abort" ? 0 : 8, `pass ${pass}`);
      if (type === "abort") assertEquals(abortedIn(log), `1@0-${marker}`);
    }
    await directory.close();
  }
});

Deno.test("Log.clean() does not match markers with records of the same key (KAFKA-14055)", async () => {
  const { directory, log } = await setUp();
  const keys = ["\0\0\0\0", "\0\0\0\x01"];
  appendKeyed(log, [["a", "aborted"]], transactional(1, 0)); // 0
  appendKeyed(log, [["b", "committed"]], transactional(2, 0)); // 1
  appendMarker(log, 1, "abort"); // 2
  appendMarker(log, 2, "commit"); // 3
  for (const key of keys) appendKeyed(log, [[key, "1"]]); // 4, 5
  appendKeyed(log, [["c", "aborted"]], transactional(1, 1)); // 6
  appendMarker(log, 1, "abort"); // 7
  rollWith(log, [["z", "1"]]);
  await clean(log);
  const controls = (await batchesOf(log)).filter((batch) => batch.isControl);
  assertEquals(controls.map(({ baseOffset }) => baseOffset), [2, 3, 7]);
  const found = await foundIn(log);
  assertEquals(found.map(({ offset }) => offset), [1, 4, 5, 8]);
  await directory.close();
});
