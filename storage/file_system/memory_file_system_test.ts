import { assert, assertEquals } from "@std/assert";
import { bytesOf, testFileSystem } from "./file_system_testing.ts";
import { appendFullySync } from "./file_system.ts";
import { MemoryFileSystem } from "./memory_file_system.ts";

testFileSystem("MemoryFileSystem", (test) => test({ fs: new MemoryFileSystem(), root: "" }));

Deno.test("MemoryFileSystem.clone() as after a kill has everything that was written", () => {
  const fs = new MemoryFileSystem();
  fs.mkdirSync("/x");
  const file = fs.openSync("/x/a", "append", { create: true });
  appendFullySync(file, bytesOf(1, 100));
  const copy = fs.clone({ unsynced: "kept" });
  appendFullySync(file, bytesOf(2, 100));
  assertEquals(copy.readFileSync("/x/a"), bytesOf(1, 100));
  copy.writeFileSync("/x/a", bytesOf(3, 5));
  assertEquals(fs.readFileSync("/x/a").length, 200);
});

Deno.test("MemoryFileSystem.clone() as after a power failure has everything that was synced", async () => {
  const fs = new MemoryFileSystem();
  fs.mkdirSync("/x");
  const file = fs.openSync("/x/a", "append", { create: true });
  appendFullySync(file, bytesOf(1, 100));
  await file.syncData();
  assertEquals(fs.clone({ unsynced: "lost" }).readDirSync("/"), []);
  await fs.syncDir("/");
  assertEquals(fs.clone({ unsynced: "lost" }).readDirSync("/x"), []);
  await fs.syncDir("/x");
  appendFullySync(file, bytesOf(2, 100));
  file.truncateSync(150);
  assertEquals(fs.clone({ unsynced: "lost" }).readFileSync("/x/a"), bytesOf(1, 100));
  file.truncateSync(50);
  appendFullySync(file, bytesOf(3, 10));
  assertEquals(fs.clone({ unsynced: "lost" }).readFileSync("/x/a"), bytesOf(1, 100));
  await file.syncData();
  assertEquals(fs.clone({ unsynced: "lost" }).readFileSync("/x/a").length, 60);
  fs.renameSync("/x/a", "/x/b");
  assertEquals(fs.clone({ unsynced: "lost" }).readDirSync("/x").map((entry) => entry.name), ["a"]);
});

Deno.test("MemoryFileSystem.clone() as after a torn writeback has some unsynced changes", async () => {
  const fs = new MemoryFileSystem();
  fs.mkdirSync("/x");
  const whole = bytesOf(1, 200);
  const file = fs.openSync("/x/a", "append", { create: true });
  appendFullySync(file, whole.subarray(0, 100));
  await file.syncData();
  fs.writeFileSync("/x/b", bytesOf(2, 5));
  await fs.syncDir("/");
  await fs.syncDir("/x");
  appendFullySync(file, whole.subarray(100));
  fs.renameSync("/x/a", "/x/b");
  const found = new Set<string>();
  const random = randomNumbers();
  for (let i = 0; i < 200; i++) {
    const copy = fs.clone({ unsynced: "mixed", random });
    const names = copy.readDirSync("/x").map((entry) => entry.name).sort();
    const survivor = copy.readFileSync(names.length === 1 ? "/x/b" : "/x/a");
    assertEquals(survivor.subarray(0, 100), whole.subarray(0, 100));
    const isWhole = survivor.every((byte, i) => byte === whole[i]);
    const hasHole = survivor.subarray(100).every((byte) => byte === 0);
    assert(isWhole || hasHole);
    const part = survivor.length === 100 ? "none" : survivor.length === 200 ? "all" : "some";
    found.add(`${names}: ${isWhole ? part : "zeros"}`);
  }
  const parts = ["all", "none", "some", "zeros"];
  const expected = ["a,b", "b"].flatMap((names) => parts.map((part) => `${names}: ${part}`));
  assertEquals([...found].sort(), expected);
});

Deno.test("MemoryFileSystem.clone() as after a torn writeback may undo an unsynced truncation", async () => {
  const fs = new MemoryFileSystem();
  const file = fs.openSync("/a", "append", { create: true });
  appendFullySync(file, new Uint8Array(10).fill(1));
  await file.syncData();
  await fs.syncDir("/");
  appendFullySync(file, new Uint8Array(10).fill(2));
  file.truncateSync(5);
  appendFullySync(file, new Uint8Array(10).fill(3));
  const found = new Set<string>();
  const random = randomNumbers();
  for (let i = 0; i < 500; i++) {
    const [...bytes] = fs.clone({ unsynced: "mixed", random }).readFileSync("/a");
    assertEquals(bytes.slice(0, 5), [1, 1, 1, 1, 1]);
    if (!bytes.includes(0)) found.add(bytes.slice(5).join(""));
  }
  // Before the cut all or a part of the earlier appends, after it of the later ones.
  for (const bytes of ["11111", "1111122222", "11111222", "", "333", "3333333333"]) {
    assert(found.has(bytes), `never found ${bytes}`);
  }
  assert(![...found].some((bytes) => bytes.includes("3") && bytes.includes("1")));
});

Deno.test("MemoryFileSystem.clone() as after a kill keeps track of unsynced changes", async () => {
  const fs = new MemoryFileSystem();
  const file = fs.openSync("/a", "append", { create: true });
  appendFullySync(file, bytesOf(1, 100));
  await file.syncData();
  await fs.syncDir("/");
  appendFullySync(file, bytesOf(2, 100));
  fs.writeFileSync("/b", bytesOf(3, 100));
  const killed = fs.clone({ unsynced: "kept" });
  assertEquals(killed.readFileSync("/a").length, 200);
  assertEquals(killed.readFileSync("/b").length, 100);
  const failed = killed.clone({ unsynced: "lost" });
  assertEquals(failed.readFileSync("/a").length, 100);
  assertEquals(failed.statSync("/b"), undefined);
});

Deno.test("MemoryFileSystem syncs the content as of the start of a sync", async () => {
  const fs = new MemoryFileSystem();
  const file = fs.openMemoryFile("/a", "append", { create: true });
  await fs.syncDir("/");
  appendFullySync(file, bytesOf(1, 10));
  const endFirst = file.beginSync();
  appendFullySync(file, bytesOf(1, 10));
  const endSecond = file.beginSync();
  const sizeOnDisk = () => fs.clone({ unsynced: "lost" }).statSync("/a")?.size;
  assertEquals(sizeOnDisk(), 0);
  endSecond();
  assertEquals(sizeOnDisk(), 20);
  endFirst();
  assertEquals(sizeOnDisk(), 20);
});

Deno.test("MemoryFileSystem.overwrite() changes current and synced bytes", async () => {
  const fs = new MemoryFileSystem();
  const file = fs.openSync("/a", "append", { create: true });
  appendFullySync(file, bytesOf(1, 300));
  appendFullySync(file, bytesOf(2, 300));
  await file.syncData();
  await fs.syncDir("/");
  const expected = fs.readFileSync("/a");
  expected[299] = 77;
  expected[300] = 78;
  fs.overwriteSync("/a", 299, new Uint8Array([77, 78]));
  appendFullySync(file, new Uint8Array([79]));
  assertEquals(fs.readFileSync("/a"), new Uint8Array([...expected, 79]));
  assertEquals(fs.clone({ unsynced: "lost" }).readFileSync("/a"), expected);
});

Deno.test("MemoryFileSystem appends without copying the whole file", () => {
  const fs = new MemoryFileSystem({ now: () => 0 });
  const file = fs.openSync("/a", "append", { create: true });
  const bytes = bytesOf(1, 100);
  for (let i = 0; i < 200_000; i++) file.appendSync(bytes);
  assertEquals(fs.statSync("/a")?.size, 20_000_000);
  const into = new Uint8Array(100);
  file.readSync(into, 19_999_900);
  assertEquals(into, bytes);
});

function randomNumbers(): () => number {
  let seed = 1;
  return () => (seed = (seed * 48271) % 0x7fffffff) / 0x7fffffff;
}

Deno.test("MemoryFileSystem.cloneSynced() copies what was synced of a folder", async () => {
  const fs = new MemoryFileSystem();
  fs.mkdirSync("/a/b");
  assertEquals(fs.cloneSynced("/a/b"), undefined);
  await fs.syncDir("/");
  await fs.syncDir("/a");
  const file = fs.openSync("/a/b/x", "append", { create: true });
  file.appendSync(new Uint8Array([1, 2]));
  await file.syncData();
  assertEquals(fs.cloneSynced("/a/b")!.readDirSync("/"), []);
  await fs.syncDir("/a/b");
  file.appendSync(new Uint8Array([3]));
  file.close();
  assertEquals(fs.cloneSynced("/a/b")!.readFileSync("/x"), new Uint8Array([1, 2]));
  assertEquals(fs.cloneSynced("/a/b/x"), undefined);
});
