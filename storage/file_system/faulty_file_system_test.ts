import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { FaultyFileSystem } from "./faulty_file_system_testing.ts";
import { appendFullySync, FileSystemError, isDiskFull } from "./file_system.ts";
import { bytesOf, testFileSystem } from "./file_system_testing.ts";
import { MemoryFileSystem } from "./memory_file_system.ts";

testFileSystem("FaultyFileSystem", async (test) => {
  const fs = new FaultyFileSystem(new MemoryFileSystem(), randomNumbers(1));
  let isOver = false;
  const ended = test({ fs, root: "" }).finally(() => isOver = true);
  while (!isOver) {
    fs.complete();
    await Promise.resolve();
  }
  await ended;
});

Deno.test("FaultyFileSystem crashes in a change that has no, partial or full effect", async () => {
  const sizes = new Set<string>();
  for (let seed = 0; seed < 60; seed++) {
    const fs = new FaultyFileSystem(new MemoryFileSystem(), randomNumbers(seed));
    const file = fs.openSync("/a", "append", { create: true });
    appendFullySync(file, bytesOf(1, 10));
    fs.crashAfter(2);
    appendFullySync(file, bytesOf(2, 10));
    assertThrows(() => appendFullySync(file, bytesOf(3, 10)), FileSystemError);
    assert(fs.hasCrashed);
    assertThrows(() => file.truncateSync(0), FileSystemError);
    assertThrows(() => fs.removeSync("/a"), FileSystemError);
    await assertRejects(() => file.syncData(), FileSystemError);
    const { size } = fs.disk.statSync("/a")!;
    sizes.add(size === 20 ? "none" : size === 30 ? "all" : "part");
  }
  assertEquals([...sizes].sort(), ["all", "none", "part"]);
});

Deno.test("FaultyFileSystem never completes operations that waited at a crash", async () => {
  const fs = new FaultyFileSystem(new MemoryFileSystem(), randomNumbers(1));
  const file = fs.openSync("/a", "append", { create: true });
  let isAnswered = false;
  file.syncData().finally(() => isAnswered = true);
  fs.crashAfter(1);
  assert(fs.complete());
  assert(fs.hasCrashed);
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(isAnswered, false);
});

Deno.test("FaultyFileSystem limits appends to its free space, and frees truncated bytes", () => {
  const fs = new FaultyFileSystem(new MemoryFileSystem(), randomNumbers(1));
  const file = fs.openSync("/a", "append", { create: true });
  fs.freeBytes = 15;
  assertEquals(file.appendSync(bytesOf(1, 10)), 10);
  assertEquals(file.appendSync(bytesOf(1, 10)), 5);
  assert(isDiskFull(assertThrows(() => file.appendSync(bytesOf(1, 10)))));
  assert(isDiskFull(assertThrows(() => fs.openSync("/b", "append", { create: true }))));
  file.truncateSync(12);
  assertEquals(file.appendSync(bytesOf(1, 10)), 3);
  fs.heal();
  assertEquals(file.appendSync(bytesOf(1, 10)), 10);
});

Deno.test("FaultyFileSystem fails the scheduled operations", async () => {
  const fs = new FaultyFileSystem(new MemoryFileSystem(), randomNumbers(1));
  const file = fs.openSync("/a", "append", { create: true });
  fs.failNext("append", "EIO", 1);
  fs.failNext("read", "EIO");
  appendFullySync(file, bytesOf(1, 10));
  assertThrows(() => file.appendSync(bytesOf(1, 10)), FileSystemError, "EIO");
  appendFullySync(file, bytesOf(1, 10));
  const reading = assertRejects(() => file.read(new Uint8Array(1), 0), FileSystemError, "EIO");
  fs.complete();
  await reading;
  assertEquals(file.readSync(new Uint8Array(1), 0), 1);
  assertEquals(fs.failureCount, 2);
});

Deno.test("FaultyFileSystem never writes the bytes of a failed sync, though later syncs succeed", async () => {
  const fs = new FaultyFileSystem(new MemoryFileSystem(), randomNumbers(1));
  const file = fs.openSync("/a", "append", { create: true });
  const root = fs.syncDir("/");
  fs.complete();
  await root;
  appendFullySync(file, bytesOf(1, 10));
  fs.failNext("sync", "EIO");
  const failing = assertRejects(() => file.syncData(), FileSystemError, "EIO");
  fs.complete();
  await failing;
  appendFullySync(file, bytesOf(2, 10));
  const again = file.syncData();
  fs.complete();
  await again;
  assertEquals(
    fs.disk.clone({ unsynced: "lost" }).readFileSync("/a"),
    new Uint8Array([...new Uint8Array(10), ...bytesOf(2, 10)]),
  );
  assertEquals(
    fs.disk.clone({ unsynced: "kept" }).readFileSync("/a"),
    new Uint8Array([...bytesOf(1, 10), ...bytesOf(2, 10)]),
  );
});

Deno.test("FaultyFileSystem makes appends partial if writes are short", () => {
  const fs = new FaultyFileSystem(new MemoryFileSystem(), randomNumbers(1));
  fs.shortWriteRate = 1;
  const file = fs.openSync("/a", "append", { create: true });
  const size = file.appendSync(bytesOf(1, 100));
  assert(size > 0 && size < 100);
  appendFullySync(file, bytesOf(1, 100).subarray(size));
  assertEquals(fs.readFileSync("/a"), bytesOf(1, 100));
});

Deno.test("FaultyFileSystem delays only syncs if the disk is slow", async () => {
  const fs = new FaultyFileSystem(new MemoryFileSystem(), randomNumbers(1));
  const file = fs.openSync("/a", "append", { create: true });
  fs.slowSyncRate = 1;
  const synced = file.syncData();
  const read = file.read(new Uint8Array(1), 0);
  for (let i = 0; i < 10; i++) fs.complete();
  assertEquals(await read, 0);
  assertEquals(fs.waitingCount, 1);
  fs.heal();
  fs.complete();
  await synced;
});

function randomNumbers(seed: number): () => number {
  let state = seed + 1;
  return () => (state = (state * 48271) % 0x7fffffff) / 0x7fffffff;
}
