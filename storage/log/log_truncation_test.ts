import { assert, assertEquals, assertRejects } from "@std/assert";
import { DiskFullError, LogClosedError } from "../errors.ts";
import { MemoryFileSystem } from "../file_system/memory_file_system.ts";
import { diskFull, WatchedFileSystem } from "../file_system/watched_file_system_testing.ts";
import type { Log } from "../log.ts";
import { append, batchOf, configOf, NOW_MS, openDirectory, readAll } from "../log_testing.ts";
import { Random } from "../../protocol/random_testing.ts";
import { eachSeed } from "../../protocol/seeds_testing.ts";
import { assertDerived, batchesIn } from "../replica_testing.ts";

const CHECKPOINT = "/data/recovery-point-offset-checkpoint";

const CONFIG = configOf({ segmentBytes: 400, indexIntervalBytes: 50 });

Deno.test("Log.truncateTo() of many logs writes the checkpoints of the folder twice at most", async () => {
  const fs = new WatchedFileSystem(new MemoryFileSystem());
  await using directory = await openDirectory(fs);
  const logs = Array.from({ length: 200 }, (_, i) => directory.create(`t-${i}`, { nowMs: NOW_MS }));
  for (const log of logs) for (let i = 0; i < 3; i++) append(log, ["a"]);
  await directory.checkpoint();
  fs.synced.length = 0;
  await Promise.all(logs.map((log) => log.truncateTo(1, NOW_MS)));
  assert(fs.synced.filter((path) => path.startsWith(CHECKPOINT)).length <= 2);
  for (const log of logs) assertEquals([log.logEndOffset, log.flushedOffset], [1, 1]);
});

Deno.test("Log.truncateTo() removes nothing before the lower recovery point is on disk", async () => {
  const fs = new WatchedFileSystem(new MemoryFileSystem());
  await using directory = await openDirectory(fs);
  const log = directory.create("orders-3", { nowMs: NOW_MS, config: CONFIG });
  for (let i = 0; i < 30; i++) append(log, ["old"]);
  await directory.checkpoint();
  const events: string[] = [];
  const note = (kind: string) => (path: string) =>
    void (path.includes("orders-3") && events.push(kind));
  fs.onTruncate = note("truncate");
  fs.onRename = note("rename");
  fs.onSync = (path) => void (path.startsWith(CHECKPOINT) && events.push("checkpoint"));
  await log.truncateTo(3, NOW_MS);
  assertEquals(events[0], "checkpoint");
  assert(events.includes("truncate") && events.includes("rename"));
  const durable = (fs.inner as MemoryFileSystem).clone({ unsynced: "lost" });
  await using again = await openDirectory(durable);
  const { recovery, logEndOffset } = again.get("orders-3")!;
  assertEquals([recovery!.fromOffset, logEndOffset], [0, 3]);
});

Deno.test("Log.truncateTo() asks whether it is still wanted, and then leaves the log as it is", async () => {
  const fs = new MemoryFileSystem();
  const directory = await openDirectory(fs);
  const log = directory.create("orders-3", { nowMs: NOW_MS });
  for (let i = 0; i < 5; i++) append(log, ["a"]);
  await directory.checkpoint();
  let asked = 0;
  const isWanted = () => {
    // A new leader appends in the meantime.
    append(log, ["b"]);
    asked++;
    return false;
  };
  assertEquals(await log.truncateTo(2, NOW_MS, isWanted), false);
  assertEquals(await log.truncateFullyAndStartAt(100, NOW_MS, isWanted), false);
  assertEquals([asked, log.logStartOffset, log.logEndOffset], [2, 0, 7]);
  await directory.checkpoint();
  assertEquals(log.recoveryPoint, 7);
  await directory.close();
});

Deno.test("Log.truncateTo() whose checkpoint cannot be written changes nothing, and can be repeated", async () => {
  const fs = new WatchedFileSystem(new MemoryFileSystem());
  const directory = await openDirectory(fs);
  const log = directory.create("orders-3", { nowMs: NOW_MS });
  for (let i = 0; i < 5; i++) append(log, ["a"]);
  fs.onCreate = (path) => {
    if (path.startsWith(CHECKPOINT)) throw diskFull(path);
  };
  await assertRejects(() => log.truncateTo(2, NOW_MS), DiskFullError);
  assertEquals([log.logEndOffset, log.offlineError], [5, undefined]);
  fs.onCreate = () => {};
  assertEquals(await log.truncateTo(2, NOW_MS), true);
  assertEquals(log.logEndOffset, 2);
  await directory.close();
});

Deno.test("Log.truncateTo() of a log that is closed in the meantime fails with LogClosedError", async () => {
  const directory = await openDirectory(new MemoryFileSystem());
  const log = directory.create("orders-3", { nowMs: NOW_MS });
  for (let i = 0; i < 5; i++) append(log, ["a"]);
  const truncating = assertRejects(() => log.truncateTo(2, NOW_MS), LogClosedError);
  await directory.close();
  await truncating;
});

Deno.test("Log.truncateTo() during a checkpoint keeps the recovery point low", async () => {
  const fs = new WatchedFileSystem(new MemoryFileSystem());
  const directory = await openDirectory(fs);
  const log = directory.create("orders-3", { nowMs: NOW_MS });
  for (let i = 0; i < 9; i++) append(log, ["old"]);
  // The checkpoint waits for this sync, and advances the recovery point after the cut has begun.
  const gate = Promise.withResolvers<void>();
  fs.onSync = (path) => path.endsWith(".log") ? gate.promise : undefined;
  const checkpointing = directory.checkpoint();
  const truncating = log.truncateTo(4, NOW_MS);
  gate.resolve();
  await checkpointing;
  await truncating;
  assert(log.recoveryPoint <= 4);
  await directory.checkpoint();
  assertEquals(log.recoveryPoint, 4);
  await directory.close();
});

Deno.test("Log.truncateTo() to its end drops an epoch without records for good", async () => {
  for (const unsynced of ["kept", "lost"] as const) {
    const fs = new MemoryFileSystem();
    const directory = await openDirectory(fs);
    const log = directory.create("orders-3", { nowMs: NOW_MS });
    append(log, ["a"], { leaderEpoch: 3 });
    log.beginEpoch(5);
    await directory.checkpoint();
    assertEquals(await log.truncateTo(1, NOW_MS), false);
    assertEquals(log.latestEpoch, 3);
    const batch = batchOf(["b"], { baseOffset: 1, partitionLeaderEpoch: 4 });
    log.appendReplicated(batch, { leaderEpoch: 6, nowMs: NOW_MS });
    await log.flush();
    const copy = fs.clone({ unsynced });
    await directory.close();
    await using again = await openDirectory(copy);
    const found = again.get("orders-3")!;
    assertEquals([found.latestEpoch, found.logEndOffset], [4, 2]);
    assertEquals(found.endOffsetForEpoch(3), { leaderEpoch: 3, offset: 1 });
  }
});

/** The batches of a log as one text. */
async function textOf(log: Log): Promise<string> {
  return (await batchesIn(log)).map((batch) => `${batch};`).join("");
}

/** Appends in an epoch, as a leader of random producers. */
function appendRandomly(log: Log, random: Random, leaderEpoch: number, count: number): void {
  for (let i = 0; i < count; i++) {
    const producerId = random.below(3);
    const known = log.producers.get(producerId);
    const values = Array.from({ length: 1 + random.below(3) }, () => `${leaderEpoch}-${i}`);
    append(log, values, {
      leaderEpoch,
      producerId,
      producerEpoch: 0,
      baseSequence: known === undefined ? 0 : known.lastSequence + 1,
    });
  }
}

Deno.test("Log after a power failure at any time during a truncation has the old batches or a prefix, and what is derived from them", async (t) => {
  await eachSeed(t, 6, async (seed) => {
    const random = new Random(seed);
    const memory = new MemoryFileSystem();
    const fs = new WatchedFileSystem(memory);
    const copies: { readonly disk: MemoryFileSystem; readonly durable: string }[] = [];
    let isWatched = false;
    let durable = "";
    const copy = () => {
      if (!isWatched) return;
      const next = () => random.below(1 << 30) / (1 << 30);
      copies.push({ disk: memory.clone({ unsynced: "mixed", random: next }), durable });
    };
    fs.onAppend =
      fs.onCreate =
      fs.onRemove =
      fs.onRename =
      fs.onTruncate =
      fs.onSync =
        copy;
    const directory = await openDirectory(fs, { config: CONFIG });
    const log = directory.create("orders-3", { nowMs: NOW_MS, config: CONFIG });
    for (let epoch = 0; epoch < 3; epoch++) {
      appendRandomly(log, random, epoch, 4 + random.below(8));
      if (random.below(2) === 0) await directory.checkpoint();
    }
    await log.flush();
    const old = await textOf(log);
    const cut = random.below(log.logEndOffset);
    if (random.below(3) === 0) log.deleteRecordsBefore(random.below(cut + 1));
    isWatched = true;
    await log.truncateTo(cut, NOW_MS);
    const kept = await textOf(log);
    durable = kept;
    assert(old.includes(kept), `seed ${seed}`);
    appendRandomly(log, random, 3, 1 + random.below(8));
    if (random.below(2) === 0) {
      await log.flush();
      durable = await textOf(log);
    }
    if (random.below(2) === 0) await directory.checkpoint();
    const after = await textOf(log);
    copy();
    isWatched = false;
    await assertDerived(log, CONFIG);
    await directory.close();
    for (const { disk, durable } of copies) {
      await using again = await openDirectory(disk, { config: CONFIG });
      const found = again.get("orders-3")!;
      assertEquals(found.losses, [], `seed ${seed}`);
      const bytes = await textOf(found);
      const isPart = (whole: string) => whole.endsWith(bytes) || whole.includes(bytes);
      assert(isPart(old) || isPart(after), `seed ${seed}: neither old nor new batches`);
      assert(
        bytes.includes(durable) || durable.includes(bytes) && found.logStartOffset > 0,
        `seed ${seed}: lost flushed batches`,
      );
      await assertDerived(found, CONFIG);
      append(found, ["again"], { leaderEpoch: 9 });
      assertEquals((await readAll(found)).at(-1)?.value, "again");
    }
  });
});
