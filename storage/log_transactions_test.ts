import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { Random } from "../protocol/random_testing.ts";
import { appendMarker, markerBatch } from "./cleaner/cleaner_testing.ts";
import { MemoryFileSystem } from "./file_system/memory_file_system.ts";
import {
  InvalidProducerEpochError,
  OutOfOrderSequenceError,
  UnverifiedTransactionError,
} from "./errors.ts";
import type { Log } from "./log.ts";
import { append, batchOf, configOf, NOW_MS, openDirectory, withLog } from "./log_testing.ts";

/** Appends a batch to a producer's transaction, and begins it if none is open. */
function send(log: Log, producerId: number, values: readonly string[] = ["x"], producerEpoch = 0) {
  const state = log.producers.get(producerId);
  const isSameEpoch = state?.producerEpoch === producerEpoch;
  const baseSequence = isSameEpoch ? state.lastSequence + 1 : 0;
  const options = { producerId, producerEpoch, baseSequence, isTransactional: true };
  return append(log, values, options).firstOffset;
}

Deno.test("Log.append() accepts a batch that opens a transaction only if it was verified since the last marker (KIP-890)", async () => {
  await withLog({}, (log) => {
    const options = { producerId: 7, producerEpoch: 0, isTransactional: true };
    const batch = (baseSequence: number) => batchOf(["a"], { ...options, baseSequence });
    const at = { leaderEpoch: 0, nowMs: NOW_MS };
    assertThrows(() => log.append(batch(0), at), UnverifiedTransactionError, "verified");
    // The transaction ends while the coordinator is asked: KAFKA-14884.
    const late = log.startVerification(7, 0, 0);
    assert(late !== undefined);
    appendMarker(log, 7, "abort");
    assertThrows(
      () => log.append(batch(0), { ...at, verification: late }),
      UnverifiedTransactionError,
    );
    const verification = log.startVerification(7, 0, 0);
    log.append(batch(0), { ...at, verification });
    // It is open now.
    assertEquals(log.startVerification(7, 0, 1), undefined);
    log.append(batch(1), at);
    // A repeated batch needs none, even after the end.
    appendMarker(log, 7, "commit");
    assertEquals(log.append(batch(1), at).isDuplicate, true);
    assertThrows(
      () => log.append(batch(2), { ...at, verification }),
      UnverifiedTransactionError,
    );
  });
});

Deno.test("Log.append() requires a verification of group records of a transaction, too", async () => {
  await withLog({}, (log) => {
    const options = { producerId: 7, producerEpoch: 3, isTransactional: true };
    const at = { leaderEpoch: 0, nowMs: NOW_MS, origin: "coordinator" } as const;
    assertThrows(() => log.append(batchOf(["a"], options), at), UnverifiedTransactionError);
    const verification = log.startVerification(7, 3, -1);
    log.append(batchOf(["a"], options), { ...at, verification });
    log.append(batchOf(["b"], options), at);
    assertThrows(
      () => log.append(batchOf(["b"], { ...options, producerEpoch: 2 }), { ...at, verification }),
      UnverifiedTransactionError,
    );
  });
});

Deno.test("Log.append() rejects a batch whose predecessor was not verified (KAFKA-14920)", async () => {
  await withLog({}, (log) => {
    const at = { leaderEpoch: 0, nowMs: NOW_MS };
    const batch = (baseSequence: number, producerEpoch = 0) =>
      batchOf(["a"], { producerId: 7, producerEpoch, baseSequence, isTransactional: true });
    // The answer for the first one was an error; it is not appended.
    const verification = log.startVerification(7, 0, 0);
    assertEquals(log.startVerification(7, 0, 1), verification);
    assertThrows(
      () => log.append(batch(1), { ...at, verification }),
      OutOfOrderSequenceError,
      "an earlier batch with 0 is missing",
    );
    log.append(batch(0), { ...at, verification });
    log.append(batch(1), at);
    // A new epoch begins at its own sequence.
    appendMarker(log, 7, "abort", 0, 1);
    const next = log.startVerification(7, 1, 0);
    log.append(batch(0, 1), { ...at, verification: next });
  });
});

Deno.test("Log.append() requires sequence 0 of an unknown producer in a transaction of version 2 only", async () => {
  await withLog({}, (log) => {
    const at = { leaderEpoch: 0, nowMs: NOW_MS };
    const batch = (producerId: number) =>
      batchOf(["a"], { producerId, producerEpoch: 0, baseSequence: 7, isTransactional: true });
    const verification = log.startVerification(1, 0, 7);
    assertThrows(
      () => log.append(batch(1), { ...at, verification, isTransactionV2: true }),
      OutOfOrderSequenceError,
      "expected 0",
    );
    log.append(batch(1), { ...at, verification });
    const idempotent = batchOf(["a"], { producerId: 2, producerEpoch: 0, baseSequence: 7 });
    log.append(idempotent, { ...at, isTransactionV2: true });
  });
});

Deno.test("Log.append() takes a marker with a higher epoch as the end of the sequence, and the same one not", async () => {
  await withLog({}, (log) => {
    const at = { leaderEpoch: 0, nowMs: NOW_MS };
    send(log, 7, ["a", "b"]);
    appendMarker(log, 7, "commit");
    // Version 1: the sequence continues, and repeats are known.
    assertEquals(log.producers.get(7)?.lastSequence, 1);
    const repeated = batchOf(["a", "b"], {
      producerId: 7,
      producerEpoch: 0,
      baseSequence: 0,
      isTransactional: true,
    });
    assertEquals(log.append(repeated, at).firstOffset, 0);
    send(log, 7);
    appendMarker(log, 7, "commit", 0, 1);
    assertEquals(log.producers.get(7)?.lastSequence, -1);
    assertThrows(
      () =>
        append(log, ["c"], {
          producerId: 7,
          producerEpoch: 1,
          baseSequence: 3,
          isTransactional: true,
        }),
      OutOfOrderSequenceError,
    );
    send(log, 7, ["c"], 1);
  });
});

Deno.test("Log.append() rejects a marker of version 2 with the epoch of the open transaction", async () => {
  await withLog({}, (log) => {
    const mark = (producerEpoch: number, isTransactionV2: boolean) => {
      const marker = markerBatch(7, "commit", 0, producerEpoch);
      const origin = "coordinator";
      return log.append(marker, { leaderEpoch: 0, nowMs: NOW_MS, origin, isTransactionV2 });
    };
    send(log, 7);
    assertThrows(() => mark(0, true), InvalidProducerEpochError, "has the same");
    mark(1, true);
    // Repeated, with nothing open: accepted.
    assertEquals(mark(1, true).firstOffset, 2);
    assertThrows(() => mark(0, false), InvalidProducerEpochError);
  });
});

Deno.test("Log.firstUnstableOffset() is that of the oldest open transaction, or of one whose marker is not committed", async () => {
  await withLog({}, (log) => {
    assertEquals(log.firstUnstableOffset(0), undefined);
    append(log, ["plain"]);
    send(log, 7);
    send(log, 8);
    assertEquals(log.firstUnstableOffset(3), 1);
    assertEquals(log.oldestOpenTransaction(), {
      producerId: 7,
      producerEpoch: 0,
      firstOffset: 1,
      lastTimestamp: NOW_MS,
    });
    const marker = appendMarker(log, 7, "commit");
    assertEquals(log.firstUnstableOffset(marker), 1);
    assertEquals(log.firstUnstableOffset(marker + 1), 2);
    // Its first records were deleted.
    log.deleteRecordsBefore(3);
    assertEquals(log.firstUnstableOffset(marker + 1), 3);
    appendMarker(log, 8, "abort");
    assertEquals(log.firstUnstableOffset(5), undefined);
    assertEquals(log.oldestOpenTransaction(), undefined);
  });
});

Deno.test("Log.firstUnstableOffset() knows after a restart what ended above a lower high watermark", async () => {
  const fs = new MemoryFileSystem();
  const config = configOf({ segmentBytes: 200 });
  let directory = await openDirectory(fs, { config });
  let log = directory.create("orders-3", { nowMs: NOW_MS, config });
  send(log, 7); // 0
  appendMarker(log, 7, "commit"); // 1
  send(log, 8); // 2
  send(log, 9); // 3
  appendMarker(log, 8, "commit"); // 4
  send(log, 7); // 5
  appendMarker(log, 9, "abort"); // 6
  await directory.checkpoint();
  appendMarker(log, 7, "commit"); // 7
  const expected = [0, 0, 2, 2, 2, 3, 3, 5, undefined];
  for (const kind of ["clean", "kill"] as const) {
    for (let highWatermark = 0; highWatermark <= 8; highWatermark++) {
      const disk = kind === "clean" ? fs : fs.clone({ unsynced: "kept" });
      await directory.close();
      directory = await openDirectory(disk, { config });
      log = directory.get("orders-3")!;
      const first = log.firstUnstableOffset(highWatermark);
      assertEquals(first, expected[highWatermark], `${kind} ${highWatermark}`);
      assertEquals(log.firstUnstableOffset(8), undefined);
    }
  }
  await directory.close();
});

Deno.test("Log.firstUnstableOffset() returns to an open transaction when its marker is truncated", async () => {
  await withLog({}, async (log) => {
    send(log, 7);
    appendMarker(log, 7, "abort");
    assertEquals(log.firstUnstableOffset(2), undefined);
    await log.truncateTo(1, NOW_MS);
    assertEquals(log.firstUnstableOffset(1), 0);
    assertEquals(log.startVerification(7, 0, 1), undefined);
    await log.truncateTo(0, NOW_MS);
    assertEquals(log.firstUnstableOffset(0), undefined);
  });
});

/** The aborted transactions, as text. */
function abortedIn(log: Log, fetchOffset: number, endOffset: number): string {
  return log.abortedTransactions(fetchOffset, endOffset)
    .map(({ producerId, firstOffset, lastOffset }) => `${producerId}@${firstOffset}-${lastOffset}`)
    .join(" ");
}

/** Three interleaved transactions that are aborted. */
function interleave(log: Log): void {
  send(log, 4, ["a", "b"]); // 0
  send(log, 5, ["c", "d", "e"]); // 2
  send(log, 4, ["f"]); // 5
  send(log, 5, ["g", "h"]); // 6
  appendMarker(log, 5, "abort"); // 8
  send(log, 5, ["i", "j"]); // 9
  appendMarker(log, 4, "abort"); // 11
  appendMarker(log, 5, "abort"); // 12
}

const INTERLEAVED = "0000" + "0000000000000005" + "0000000000000002" + "0000000000000008" +
  "0000000000000000" +
  "0000" + "0000000000000004" + "0000000000000000" + "000000000000000b" + "0000000000000009" +
  "0000" + "0000000000000005" + "0000000000000009" + "000000000000000c" + "000000000000000d";

Deno.test("Log.append() writes the index of aborted transactions, as Kafka 4.2 for the same batches", async () => {
  const fs = new MemoryFileSystem();
  await withLog({ fs, batchCacheBytes: 0 }, (log) => {
    interleave(log);
    const path = `${log.folder}/00000000000000000000.txnindex`;
    assertEquals(fs.readFileSync(path).toHex(), INTERLEAVED);
    assertEquals(abortedIn(log, 0, 13), "4@0-11 5@2-8 5@9-12");
    assertEquals(abortedIn(log, 0, 1), "4@0-11");
    assertEquals(abortedIn(log, 9, 11), "4@0-11 5@9-12");
    assertEquals(abortedIn(log, 12, 13), "5@9-12");
    assertEquals(abortedIn(log, 13, 13), "");
  });
});

Deno.test("Log.append() writes no index without aborted records", async () => {
  const fs = new MemoryFileSystem();
  await withLog({ fs, batchCacheBytes: 0 }, async (log, directory) => {
    send(log, 4);
    appendMarker(log, 4, "commit");
    appendMarker(log, 5, "abort");
    appendMarker(log, 4, "abort");
    await directory.checkpoint();
    assertEquals(abortedIn(log, 0, 4), "");
    const names = fs.readDirSync(log.folder).map(({ name }) => name);
    assertEquals(names.filter((name) => name.endsWith(".txnindex")), []);
  });
});

Deno.test("Log.abortedTransactions() finds transactions over segments, also from their files", async () => {
  const config = configOf({ segmentBytes: 200 });
  const fs = new MemoryFileSystem();
  let directory = await openDirectory(fs, { config });
  let log = directory.create("orders-3", { nowMs: NOW_MS, config });
  interleave(log);
  append(log, ["plain"]);
  assert(log.segments.length > 4, `${log.segments.length}`);
  for (const kind of ["running", "clean", "kill", "power"] as const) {
    if (kind !== "running") {
      if (kind === "power") await directory.checkpoint();
      const disk = kind === "clean"
        ? fs
        : fs.clone({ unsynced: kind === "kill" ? "kept" : "lost" });
      await directory.close();
      directory = await openDirectory(disk, { config, indexCacheBytes: 0 });
      log = directory.get("orders-3")!;
    }
    assertEquals(abortedIn(log, 0, 13), "4@0-11 5@2-8 5@9-12", kind);
    assertEquals(abortedIn(log, 9, 10), "4@0-11 5@9-12", kind);
    assertEquals(abortedIn(log, 0, 1), "4@0-11", kind);
  }
  log.deleteRecordsBefore(9);
  assertEquals(abortedIn(log, 9, 13), "4@0-11 5@9-12");
  await log.applyRetention(NOW_MS);
  assertEquals(abortedIn(log, 9, 13), "4@0-11 5@9-12");
  assertEquals(abortedIn(log, 0, 13), "4@0-11 5@9-12");
  await directory.close();
});

Deno.test("Log.abortedTransactions() does not have what a truncation removed, before and after a restart", async () => {
  for (const kind of ["clean", "kill"] as const) {
    const fs = new MemoryFileSystem();
    let directory = await openDirectory(fs);
    let log = directory.create("orders-3", { nowMs: NOW_MS });
    interleave(log);
    await log.truncateTo(12, NOW_MS);
    assertEquals(abortedIn(log, 0, 12), "4@0-11 5@2-8");
    await log.truncateTo(9, NOW_MS);
    appendMarker(log, 4, "commit"); // 9
    send(log, 5); // 10
    appendMarker(log, 5, "abort"); // 11
    assertEquals(abortedIn(log, 0, 12), "5@2-8 5@10-11");
    const disk = kind === "clean" ? fs : fs.clone({ unsynced: "kept" });
    await directory.close();
    directory = await openDirectory(disk);
    log = directory.get("orders-3")!;
    assertEquals(abortedIn(log, 0, 12), "5@2-8 5@10-11");
    await log.truncateTo(8, NOW_MS);
    assertEquals(abortedIn(log, 0, 8), "");
    await directory.close();
  }
});

Deno.test("Log.abortedTransactions() rebuilds a damaged index", async (t) => {
  const config = configOf({ segmentBytes: 300 });
  const damages: Record<string, (bytes: Uint8Array) => Uint8Array> = {
    "a partial entry": (bytes) => bytes.slice(0, -1),
    zeros: (bytes) => new Uint8Array(bytes.length),
    "another version": (bytes) => bytes.with(1, 7),
    "offsets of another segment": (bytes) => bytes.with(25, 200),
  };
  for (const [name, damage] of Object.entries(damages)) {
    await t.step(name, async () => {
      const fs = new MemoryFileSystem();
      let directory = await openDirectory(fs, { config });
      let log = directory.create("orders-3", { nowMs: NOW_MS, config });
      interleave(log);
      await directory.close();
      const folder = "/data/orders-3";
      const paths = fs.readDirSync(folder).map((entry) => `${folder}/${entry.name}`)
        .filter((path) => path.endsWith(".txnindex"));
      assert(paths.length > 1);
      const before = paths.map((path) => fs.readFileSync(path).toHex());
      for (const path of paths) fs.writeFileSync(path, damage(fs.readFileSync(path)));
      directory = await openDirectory(fs, { config });
      log = directory.get("orders-3")!;
      // An append continues as if nothing were wrong.
      send(log, 6); // 13
      appendMarker(log, 6, "abort"); // 14
      assertEquals(abortedIn(log, 0, 15), "4@0-11 5@2-8 5@9-12 6@13-14");
      await directory.checkpoint();
      assertEquals(abortedIn(log, 0, 15), "4@0-11 5@2-8 5@9-12 6@13-14");
      const after = paths.map((path) => fs.readFileSync(path).toHex());
      for (const [i, hex] of before.entries()) assert(after[i]!.startsWith(hex), `${i}`);
      await directory.close();
    });
  }
});

Deno.test("Log.abortedTransactions() has what a checkpoint covered after any number of power failures", async () => {
  const randomness = new Random(1);
  const random = () => randomness.next();
  for (let run = 0; run < 40; run++) {
    let directory = await openDirectory(new MemoryFileSystem());
    let log = directory.create("orders-3", { nowMs: NOW_MS });
    for (let i = 0; i < 4; i++) {
      send(log, 4); // 0, 2, 4, 6
      appendMarker(log, 4, "abort"); // 1, 3, 5, 7
    }
    await directory.checkpoint();
    send(log, 5); // 8
    appendMarker(log, 5, "abort"); // 9
    // Recovery cuts the index to what the checkpoint covered, and continues it.
    for (const unsynced of ["kept", "mixed", "mixed", "mixed"] as const) {
      const disk = (directory.fs as MemoryFileSystem).clone(
        unsynced === "kept" ? { unsynced } : { unsynced, random },
      );
      await directory.close();
      if (run % 2 === 1 && unsynced === "kept") {
        // The crash was in the middle of a write of the index, which is rebuilt when it is needed.
        const path = "/data/orders-3/00000000000000000000.txnindex";
        const file = disk.openSync(path, "append");
        file.truncateSync(disk.readFileSync(path).length - 3);
        file.close();
      }
      directory = await openDirectory(disk);
      log = directory.get("orders-3")!;
      assertEquals(abortedIn(log, 0, 8), "4@0-1 4@2-3 4@4-5 4@6-7", `run ${run}`);
      if (run % 4 === 1) {
        await directory.checkpoint();
        // What is left of a damaged file whose end was not on disk would look whole.
        const path = "/data/orders-3/00000000000000000000.txnindex";
        const { length } = disk.clone({ unsynced: "lost" }).readFileSync(path);
        assertEquals(length, disk.readFileSync(path).length);
        assertEquals(length % 34, 0);
      }
    }
    await directory.close();
  }
});

Deno.test("Log.open() notices a transaction index that is lost or cut after a clean shutdown, and rebuilds it", async (t) => {
  const config = configOf({ segmentBytes: 300 });
  const damages: Record<string, (fs: MemoryFileSystem, path: string) => void> = {
    missing: (fs, path) => fs.removeSync(path),
    empty: (fs, path) => fs.writeFileSync(path, new Uint8Array(0)),
    cut: (fs, path) => fs.writeFileSync(path, fs.readFileSync(path).slice(0, -34)),
  };
  for (const [name, damage] of Object.entries(damages)) {
    await t.step(name, async () => {
      const fs = new MemoryFileSystem();
      let directory = await openDirectory(fs, { config });
      let log = directory.create("orders-3", { nowMs: NOW_MS, config });
      interleave(log);
      await directory.close();
      const paths = fs.readDirSync("/data/orders-3").map((entry) => `/data/orders-3/${entry.name}`)
        .filter((path) => path.endsWith(".txnindex"));
      const before = paths.map((path) => fs.readFileSync(path));
      for (const path of paths) damage(fs, path);
      directory = await openDirectory(fs, { config });
      log = directory.get("orders-3")!;
      assertEquals(log.losses.length, paths.length);
      for (const { problem } of log.losses) assertStringIncludes(problem, ".txnindex is missing");
      assertEquals(paths.map((path) => fs.readFileSync(path)), before);
      assertEquals(abortedIn(log, 0, 13), "4@0-11 5@2-8 5@9-12");
      // They are on disk.
      const crashed = fs.clone({ unsynced: "lost" });
      await directory.close();
      directory = await openDirectory(crashed, { config });
      assertEquals(abortedIn(directory.get("orders-3")!, 0, 13), "4@0-11 5@2-8 5@9-12");
      await directory.close();
      directory = await openDirectory(fs, { config });
      assertEquals(directory.get("orders-3")!.losses, []);
      await directory.close();
    });
  }
});

Deno.test("Log.open() after a crash within a swap of cleaned segments has the aborted transactions", async () => {
  const fs = new MemoryFileSystem();
  const directory = await openDirectory(fs);
  const log = directory.create("orders-3", { nowMs: NOW_MS });
  interleave(log);
  await directory.checkpoint();
  const folder = log.folder;
  // As if compaction had been about to put the segment in place, with any part of the renames on disk.
  const suffixes = [".log", ".index", ".timeindex", ".txnindex"];
  for (let swapped = 0; swapped < 16; swapped++) {
    const disk = fs.clone({ unsynced: "kept" });
    for (const [bit, suffix] of suffixes.entries()) {
      const path = `${folder}/00000000000000000000${suffix}`;
      if ((swapped >> bit) % 2 === 1) disk.renameSync(path, `${path}.swap`);
    }
    const reopened = await openDirectory(disk);
    const found = reopened.get("orders-3")!;
    assertEquals(abortedIn(found, 0, 13), "4@0-11 5@2-8 5@9-12", `${swapped}`);
    await reopened.close();
  }
  await directory.close();
});
