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
