import { assertEquals } from "@std/assert";
import { bytesOf, testFileSystem } from "./file_system_testing.ts";
import { appendFullySync } from "./file_system.ts";
import { MemoryFileSystem } from "./memory_file_system.ts";

testFileSystem("MemoryFileSystem", (test) => test({ fs: new MemoryFileSystem(), root: "" }));

Deno.test("MemoryFileSystem clones all that was written, as a kill of the process leaves it", () => {
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

Deno.test("MemoryFileSystem clones what was synced only, as a power failure leaves it", async () => {
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

Deno.test("MemoryFileSystem clones some of what was not synced, as a torn write-back leaves it", async () => {
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
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 0x7fffffff) / 0x7fffffff;
  for (let i = 0; i < 200; i++) {
    const copy = fs.clone({ unsynced: "mixed", random });
    const names = copy.readDirSync("/x").map((entry) => entry.name).sort();
    const survivor = copy.readFileSync(names.length === 1 ? "/x/b" : "/x/a");
    assertEquals(survivor, whole.subarray(0, survivor.length));
    const part = survivor.length === 100 ? "none" : survivor.length === 200 ? "all" : "some";
    found.add(`${names}: ${part}`);
  }
  const parts = ["all", "none", "some"];
  const expected = ["a,b", "b"].flatMap((names) => parts.map((part) => `${names}: ${part}`));
  assertEquals([...found].sort(), expected);
});

Deno.test("MemoryFileSystem grows a file without copying it over and over", () => {
  const fs = new MemoryFileSystem({ now: () => 0 });
  const file = fs.openSync("/a", "append", { create: true });
  const bytes = bytesOf(1, 100);
  for (let i = 0; i < 200_000; i++) file.appendSync(bytes);
  assertEquals(fs.statSync("/a")?.size, 20_000_000);
  const into = new Uint8Array(100);
  file.readSync(into, 19_999_900);
  assertEquals(into, bytes);
});
