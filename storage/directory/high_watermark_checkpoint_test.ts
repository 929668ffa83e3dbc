import { assertEquals, assertRejects } from "@std/assert";
import { MemoryFileSystem } from "../file_system/memory_file_system.ts";
import { diskFull, WatchedFileSystem } from "../file_system/watched_file_system_testing.ts";
import { append, NOW_MS, openDirectory } from "../log_testing.ts";

const FILE = "/data/replication-offset-checkpoint";
const META = { clusterId: "mQ2cDRTnRJ2DWrl_8Ee-JA", nodeId: 1, directoryId: "a" };

function textOf(fs: MemoryFileSystem): string {
  return new TextDecoder().decode(fs.readFileSync(FILE));
}

Deno.test("HighWatermarkCheckpoint.write() writes Kafka's format, which the next start reads", async () => {
  const fs = new MemoryFileSystem();
  const directory = await openDirectory(fs);
  await directory.writeMetaProperties(META);
  directory.highWatermarks.raise("orders-3", 4711);
  directory.highWatermarks.raise("a-b.c_d-0", 0);
  await directory.highWatermarks.write();
  assertEquals(textOf(fs), "0\n2\norders 3 4711\na-b.c_d 0 0\n");
  for (const unsynced of ["kept", "lost"] as const) {
    await using again = await openDirectory(fs.clone({ unsynced }));
    const { highWatermarks } = again;
    assertEquals([highWatermarks.get("orders-3"), highWatermarks.isLost], [4711, false]);
    assertEquals([highWatermarks.has("a-b.c_d-0"), highWatermarks.has("b-0")], [true, false]);
    assertEquals(highWatermarks.get("b-0"), 0);
  }
  await directory.close();
});

Deno.test("HighWatermarkCheckpoint.raise() never lowers an offset, replace() does", async () => {
  const fs = new MemoryFileSystem();
  await using directory = await openDirectory(fs);
  const { highWatermarks } = directory;
  highWatermarks.raise("a-0", 10);
  highWatermarks.raise("a-0", 5);
  assertEquals(highWatermarks.get("a-0"), 10);
  highWatermarks.replace("a-0", 5);
  assertEquals(highWatermarks.get("a-0"), 5);
  await highWatermarks.write();
  assertEquals(textOf(fs), "0\n1\na 0 5\n");
});

Deno.test("HighWatermarkCheckpoint.write() writes nothing unless something has changed", async () => {
  const fs = new WatchedFileSystem(new MemoryFileSystem());
  await using directory = await openDirectory(fs);
  let count = 0;
  fs.onCreate = (path) => void (path.startsWith(FILE) && count++);
  const { highWatermarks } = directory;
  // An empty file is not a missing one.
  await highWatermarks.write();
  assertEquals(count, 1);
  highWatermarks.raise("a-0", 10);
  await Promise.all([highWatermarks.write(), highWatermarks.write(), highWatermarks.write()]);
  assertEquals(count, 2);
  highWatermarks.raise("a-0", 10);
  highWatermarks.raise("a-0", 9);
  highWatermarks.replace("a-0", 10);
  await highWatermarks.write();
  assertEquals(count, 2);
});

Deno.test("HighWatermarkCheckpoint.write() that fails keeps the old file, and the next one succeeds", async () => {
  const memory = new MemoryFileSystem();
  const fs = new WatchedFileSystem(memory);
  await using directory = await openDirectory(fs);
  directory.highWatermarks.raise("a-0", 1);
  await directory.highWatermarks.write();
  directory.highWatermarks.raise("a-0", 2);
  for (const hook of ["onCreate", "onSync", "onRename"] as const) {
    fs[hook] = (path: string) => {
      if (path.startsWith(FILE)) throw diskFull(path);
    };
    await assertRejects(() => directory.highWatermarks.write());
    fs[hook] = () => {};
    await using again = await openDirectory(memory.clone({ unsynced: "kept" }));
    assertEquals(again.highWatermarks.get("a-0"), 1);
  }
  await directory.highWatermarks.write();
  await using again = await openDirectory(memory.clone({ unsynced: "lost" }));
  assertEquals(again.highWatermarks.get("a-0"), 2);
});

Deno.test("HighWatermarkCheckpoint.isLost tells a lost or damaged file from one that never was", async () => {
  const fs = new MemoryFileSystem();
  const directory = await openDirectory(fs);
  await directory.writeMetaProperties(META);
  assertEquals(directory.highWatermarks.isLost, false);
  await directory.close();
  // Until the file is written for the first time, none can be lost.
  const unused = fs.clone({ unsynced: "kept" });
  unused.removeSync(FILE);
  const opened = await openDirectory(fs);
  await opened.highWatermarks.write();
  await opened.close();
  assertEquals(opened.metaProperties?.hasHighWatermarks, true);
  const damages: ((fs: MemoryFileSystem) => void)[] = [
    (fs) => fs.removeSync(FILE),
    (fs) => fs.writeFileSync(FILE, new Uint8Array()),
    (fs) => fs.writeFileSync(FILE, new TextEncoder().encode("0\n1\na 0 47")),
  ];
  for (const damage of damages) {
    const copy = fs.clone({ unsynced: "kept" });
    damage(copy);
    await using again = await openDirectory(copy);
    assertEquals([again.highWatermarks.isLost, again.highWatermarks.get("a-0")], [true, 0]);
  }
  await using again = await openDirectory(fs);
  assertEquals(again.highWatermarks.isLost, false);
});

Deno.test("LogDirectory.close() writes the high watermarks, after the logs are on disk", async () => {
  const memory = new MemoryFileSystem();
  const fs = new WatchedFileSystem(memory);
  const directory = await openDirectory(fs);
  const log = directory.create("a-0", { nowMs: NOW_MS });
  append(log, ["a", "b"]);
  directory.highWatermarks.raise("a-0", 2);
  await directory.close();
  const order = fs.synced.filter((path) => path.endsWith(".log") || path.startsWith(FILE));
  assertEquals(order.map((path) => path.endsWith(".log")), [true, false]);
  await using again = await openDirectory(memory.clone({ unsynced: "lost" }));
  assertEquals(again.highWatermarks.get("a-0"), 2);
});

Deno.test("LogDirectory.dropStaleCheckpoints() removes the high watermark of an earlier log of a name", async () => {
  const fs = new MemoryFileSystem();
  const directory = await openDirectory(fs);
  append(directory.create("a-0", { nowMs: NOW_MS }), ["a"]);
  directory.highWatermarks.raise("a-0", 1);
  await directory.highWatermarks.write();
  directory.delete("a-0", NOW_MS);
  assertEquals(directory.hasStaleCheckpoints("a-0"), true);
  await directory.dropStaleCheckpoints();
  assertEquals(directory.hasStaleCheckpoints("a-0"), false);
  directory.create("a-0", { nowMs: NOW_MS });
  assertEquals(directory.highWatermarks.get("a-0"), 0);
  await using again = await openDirectory(fs.clone({ unsynced: "lost" }));
  assertEquals(again.highWatermarks.has("a-0"), false);
  await directory.close();
});

Deno.test("LogDirectory does not read or write high watermarks unless they are used", async () => {
  const fs = new WatchedFileSystem(new MemoryFileSystem());
  const directory = await openDirectory(fs);
  append(directory.create("a-0", { nowMs: NOW_MS }), ["a"]);
  await directory.checkpoint();
  await directory.dropStaleCheckpoints();
  await directory.close();
  await (await openDirectory(fs)).close();
  assertEquals(fs.opened.filter((path) => path.startsWith(FILE)), []);
});

Deno.test("LogDirectory.checkpoint() forgets the high watermarks of deleted logs, but not of missing ones", async () => {
  const fs = new MemoryFileSystem();
  const directory = await openDirectory(fs);
  for (const name of ["a-0", "b-0", "c-0"]) {
    append(directory.create(name, { nowMs: NOW_MS }), ["a"]);
    directory.highWatermarks.raise(name, 1);
  }
  await directory.checkpoint();
  await directory.highWatermarks.write();
  const killed = fs.clone({ unsynced: "lost" });
  await directory.close();
  for (const { name } of killed.readDirSync("/data/b-0")) killed.removeSync(`/data/b-0/${name}`);
  killed.removeSync("/data/b-0");
  await using again = await openDirectory(killed);
  again.highWatermarks.raise("a-0", 1);
  again.delete("a-0", NOW_MS);
  await again.checkpoint();
  const names = ["a-0", "b-0", "c-0"].filter((name) => again.highWatermarks.has(name));
  // What is missing may have been lost.
  assertEquals(names, ["b-0", "c-0"]);
});
