import { assert, assertEquals, assertRejects } from "@std/assert";
import { CorruptRecordError } from "../../protocol/records/mod.ts";
import { DiskFullError, LogOfflineError } from "../errors.ts";
import { NOW_MS } from "../log_testing.ts";
import type { MemoryFileSystem } from "../file_system/memory_file_system.ts";
import { diskBroken, diskFull } from "../file_system/watched_file_system_testing.ts";
import { clean, foundIn, NAME, rollWith, setUp, summary, textOf } from "./cleaner_testing.ts";

Deno.test("Log.clean() starts again from a truncation, and ends if one happens during the pass", async () => {
  const { watched, directory, log } = await setUp();
  for (let i = 0; i < 10; i++) rollWith(log, [["a", `${i}`]]);
  await clean(log);
  assertEquals(log.firstDirtyOffset, 9);
  await log.truncateTo(5, NOW_MS);
  assertEquals(log.firstDirtyOffset, 5);
  for (let i = 0; i < 10; i++) rollWith(log, [["a", `again ${i}`]]);
  const { log: name } = (await clean(log))!;
  assertEquals(name, NAME);
  for (let i = 0; i < 3; i++) rollWith(log, [["a", `more ${i}`], ["b", null]]);
  for (const step of [".log.cleaned", ".timeindex.cleaned", "/data/compacted-0"]) {
    let truncated = false;
    let truncating: Promise<boolean> | undefined;
    watched.onSync = async (path) => {
      if (truncated || !path.endsWith(step)) return;
      if (step.startsWith("/") && log.segments.some(({ path }) => path.endsWith(".swap"))) return;
      truncated = true;
      const cut = Promise.withResolvers<void>();
      truncating = log.truncateTo(log.logEndOffset - 1, NOW_MS, () => {
        cut.resolve();
        return true;
      });
      await cut.promise;
    };
    const before = (await textOf(log)).split(" ");
    const endOffset = log.logEndOffset;
    assertEquals(await clean(log), undefined);
    assert(await truncating);
    watched.onSync = () => {};
    assert(log.logEndOffset < endOffset);
    const after = (await textOf(log)).split(" ");
    assertEquals(after, before.filter((record) => after.includes(record)));
    const names = watched.readDirSync(`/data/${NAME}`).map(({ name }) => name);
    assertEquals(names.filter((name) => /cleaned$|swap$/.test(name)), []);
    rollWith(log, [["a", step]]);
    rollWith(log, [["a", step]]);
  }
  await directory.close();
});

Deno.test("Log.clean() on a full disk leaves the log unchanged and in service", async () => {
  const { watched, directory, log } = await setUp();
  for (let i = 0; i < 10; i++) rollWith(log, [["a", `${i}`]]);
  watched.onAppend = (path) => {
    if (path.endsWith(".cleaned")) throw diskFull(path);
  };
  const before = await textOf(log);
  await assertRejects(() => clean(log), DiskFullError, `Cannot clean "${NAME}"`);
  watched.onAppend = () => {};
  assertEquals(await textOf(log), before);
  const names = watched.readDirSync(`/data/${NAME}`).map(({ name }) => name);
  assertEquals(names.filter((name) => name.includes("cleaned")), []);
  await clean(log);
  assertEquals(await textOf(log), "8a=8 9a=9");
  await directory.close();
});

Deno.test("Log.clean() takes the log offline if it is unknown which segments are in place", async () => {
  const { watched, directory, log } = await setUp();
  for (let i = 0; i < 10; i++) rollWith(log, [["a", `${i}`]]);
  await directory.checkpoint();
  watched.onRename = (path) => {
    if (path.endsWith("3.log")) throw diskBroken(path);
  };
  await assertRejects(() => clean(log), LogOfflineError);
  assert(log.offlineError !== undefined);
  await directory.close();
  const reopened = await setUp({}, watched.inner as MemoryFileSystem);
  assertEquals(await textOf(reopened.log), "8a=8 9a=9");
  await reopened.directory.close();
});

Deno.test("Log.clean() leaves a damaged log unchanged, and names the position", async () => {
  const { fs, directory, log } = await setUp();
  for (let i = 0; i < 10; i++) rollWith(log, [["a", `${i}`]]);
  await directory.checkpoint();
  const path = `/data/${NAME}/00000000000000000003.log`;
  const bytes = fs.readFileSync(path);
  bytes[bytes.length - 1]! ^= 1;
  fs.writeFileSync(path, bytes);
  const error = await assertRejects(() => clean(log), CorruptRecordError);
  assert(error.message.includes(path), error.message);
  assertEquals(log.segments.length, 10);
  assertEquals(log.offlineError, undefined);
  assertEquals(fs.readFileSync(path), bytes);
  await directory.close();
});

Deno.test("Log.close() ends a pass in progress, or waits for a swap that has begun", async (t) => {
  const pauses = { read: "onRead", sync: "onSync" } as const;
  for (const [step, hook] of Object.entries(pauses)) {
    await t.step(step, async () => {
      const { watched, directory, log } = await setUp();
      for (let i = 0; i < 10; i++) rollWith(log, [["a", `${i}`]]);
      await directory.checkpoint();
      const held = Promise.withResolvers<void>();
      const reached = Promise.withResolvers<void>();
      watched[hook] = (path: string) => {
        if (hook === "onSync" && !path.endsWith(".log.cleaned")) return;
        reached.resolve();
        return held.promise;
      };
      const cleaning = clean(log);
      await reached.promise;
      const closed = directory.close();
      held.resolve();
      assertEquals(await cleaning, undefined);
      await closed;
      const reopened = await setUp({}, watched.inner as MemoryFileSystem);
      assert(reopened.directory.wasCleanShutdown);
      assertEquals((await foundIn(reopened.log)).length, step === "read" ? 10 : 2);
      const names = watched.readDirSync(`/data/${NAME}`).map(({ name }) => name);
      assertEquals(names.filter((name) => /cleaned$|swap$/.test(name)), []);
      await reopened.directory.close();
    });
  }
});

Deno.test("Log.applyRetention() deletes segments that are about to be replaced (compact,delete)", async () => {
  const { watched, directory, log } = await setUp({
    cleanupPolicy: ["compact", "delete"],
    retentionMs: 1000,
  });
  for (let i = 0; i < 6; i++) rollWith(log, [[`k${i}`, `${i}`, NOW_MS - (i < 3 ? 2000 : 0)]]);
  let applied = false;
  watched.onSync = async (path) => {
    if (applied || !path.endsWith(".log.cleaned")) return;
    applied = true;
    assertEquals(await log.applyRetention(NOW_MS), 3);
  };
  assertEquals(await clean(log), undefined);
  assertEquals(await textOf(log), "3k3=3 4k4=4 5k5=5");
  assertEquals((await clean(log))!.recordsAfter, 2);
  assertEquals(await textOf(log), "3k3=3 4k4=4 5k5=5");
  await directory.close();
});

Deno.test("Log.clean() does not disturb reads of replaced segments", async () => {
  const { watched, directory, log } = await setUp();
  for (let i = 0; i < 6; i++) rollWith(log, [["a", `${i}`]]);
  const held = Promise.withResolvers<void>();
  watched.onRead = () => held.promise;
  const read = foundIn(log, 2);
  watched.onRead = () => {};
  await clean(log);
  await directory.removeDeleted(NOW_MS);
  held.resolve();
  assertEquals(summary(await read), "4a=4 5a=5");
  await directory.close();
});
