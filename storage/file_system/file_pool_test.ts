import { assert, assertEquals } from "@std/assert";
import { FilePool } from "./file_pool.ts";
import type { File, FileMode, OpenOptions } from "./file_system.ts";
import { bytesOf } from "./file_system_testing.ts";
import { MemoryFileSystem } from "./memory_file_system.ts";

/** Counts open files, and can delay reads and syncs. */
class CountingFileSystem extends MemoryFileSystem {
  open = 0;
  most = 0;
  gate: Promise<void> = Promise.resolve();

  override openSync(path: string, mode: FileMode, options?: OpenOptions): File {
    const file = super.openSync(path, mode, options);
    this.most = Math.max(this.most, ++this.open);
    return {
      appendSync: (bytes) => file.appendSync(bytes),
      writeSync: (bytes, position) => file.writeSync(bytes, position),
      readSync: (into, position) => file.readSync(into, position),
      truncateSync: (size) => file.truncateSync(size),
      read: async (into, position) => {
        await this.gate;
        return file.read(into, position);
      },
      syncData: async () => {
        await this.gate;
        await file.syncData();
      },
      close: () => {
        this.open--;
        file.close();
      },
    };
  }
}

Deno.test("FilePool limits the number of open files", () => {
  const fs = new CountingFileSystem();
  const pool = new FilePool(fs, { maxOpenFiles: 20 });
  const files = Array.from({ length: 100 }, (_, i) => pool.file(`/${i}`));
  for (const [i, file] of files.entries()) {
    file.createSync();
    file.appendSync(bytesOf(i, 10), 0);
  }
  for (const [i, file] of files.entries()) {
    const into = new Uint8Array(10);
    assertEquals(file.readSync(into, 0), 10);
    assertEquals(into, bytesOf(i, 10));
  }
  assertEquals(fs.most, 20);
  assertEquals(pool.openFiles, 20);
  for (const file of files) file.close();
  assertEquals(fs.open, 0);
  assertEquals(pool.openFiles, 0);
});

Deno.test("FilePool closes the least recently used file first", () => {
  const fs = new CountingFileSystem();
  const pool = new FilePool(fs, { maxOpenFiles: 3 });
  const [a, b, c, d] = ["/a", "/b", "/c", "/d"].map((path) => pool.file(path));
  for (const file of [a!, b!, c!]) file.createSync();
  a!.appendSync(bytesOf(1, 1), 0);
  d!.createSync();
  fs.removeSync("/b");
  a!.appendSync(bytesOf(1, 1), 1);
  c!.appendSync(bytesOf(1, 1), 0);
  assertEquals(fs.readFileSync("/a").length, 2);
  for (const file of [a!, b!, c!, d!]) file.close();
  assertEquals(fs.open, 0);
});

Deno.test("FilePool does not close a file during a sync, and makes other operations wait", async () => {
  const fs = new CountingFileSystem();
  const pool = new FilePool(fs, { maxOpenFiles: 12 });
  const files = Array.from({ length: 50 }, (_, i) => pool.file(`/${i}`));
  for (const file of files) file.createSync();
  const gate = Promise.withResolvers<void>();
  fs.gate = gate.promise;
  const syncs = files.map((file) => file.syncData());
  for (const file of files) file.appendSync(bytesOf(1, 1), 0);
  assert(fs.most <= 12, `${fs.most} files were open`);
  gate.resolve();
  await Promise.all(syncs);
  assert(fs.most <= 12, `${fs.most} files were open`);
  for (const file of files) file.close();
  assertEquals(fs.open, 0);
});

Deno.test("FilePool wakes waiting operations when one of them fails", async () => {
  const fs = new CountingFileSystem();
  const pool = new FilePool(fs, { maxOpenFiles: 9 });
  const files = Array.from({ length: 10 }, (_, i) => pool.file(`/${i}`));
  for (const file of files) {
    file.createSync();
    file.close();
  }
  const gate = Promise.withResolvers<void>();
  fs.gate = gate.promise;
  const syncs = files.map((file) => file.syncData());
  for (let i = 1; i < 9; i++) fs.removeSync(`/${i}`);
  gate.resolve();
  const results = await Promise.allSettled(syncs);
  assertEquals(results.map((result) => result.status), [
    "fulfilled",
    ...Array.from({ length: 8 }, () => "rejected"),
    "fulfilled",
  ]);
  for (const file of files) file.close();
  assertEquals(fs.open, 0);
});

Deno.test("PooledFile can be renamed and closed during a read", async () => {
  const fs = new CountingFileSystem();
  const pool = new FilePool(fs);
  const file = pool.file("/a");
  file.createSync();
  file.appendSync(bytesOf(1, 10), 0);
  const gate = Promise.withResolvers<void>();
  fs.gate = gate.promise;
  const into = new Uint8Array(10);
  const reading = file.read(into, 0);
  file.renameSync("/b");
  file.close();
  assertEquals(file.path, "/b");
  gate.resolve();
  assertEquals(await reading, 10);
  assertEquals(into, bytesOf(1, 10));
  assertEquals(fs.open, 0);
  file.appendSync(bytesOf(2, 10), 10);
  assertEquals(fs.readFileSync("/b").length, 20);
  file.close();
});
