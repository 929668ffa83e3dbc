/**
 * The behavioural test suite for every `FileSystem`.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { appendFullySync, type FileSystem, FileSystemError, replaceFile } from "./file_system.ts";

/** A file system to test, in an empty folder of its own. */
export interface TestedFileSystem {
  readonly fs: FileSystem;
  /** Path of the empty folder. */
  readonly root: string;
}

/** Registers the tests; `run` creates a file system, passes it to the test and cleans up. */
export function testFileSystem(
  name: string,
  run: (test: (tested: TestedFileSystem) => Promise<void>) => Promise<void>,
): void {
  function test(sentence: string, body: (tested: TestedFileSystem) => void | Promise<void>): void {
    Deno.test(`${name} ${sentence}`, () => run(async (tested) => await body(tested)));
  }

  test("reads back appended bytes, from any position", ({ fs, root }) => {
    const file = fs.openSync(`${root}/a`, "append", { create: true });
    for (let i = 0; i < 300; i++) appendFullySync(file, bytesOf(i, i * 7 % 100));
    const whole = fs.readFileSync(`${root}/a`);
    let at = 0;
    for (let i = 0; i < 300; i++) {
      const into = new Uint8Array(i * 7 % 100);
      assertEquals(file.readSync(into, at), into.length);
      assertEquals(into, bytesOf(i, into.length));
      at += into.length;
    }
    assertEquals(whole.length, at);
    assertEquals(fs.statSync(`${root}/a`)?.size, at);
    file.close();
  });

  test("reads fewer bytes than requested only at the end of the file", async ({ fs, root }) => {
    fs.writeFileSync(`${root}/a`, bytesOf(1, 10));
    const file = fs.openSync(`${root}/a`, "read");
    const into = new Uint8Array(8);
    assertEquals(file.readSync(into, 6), 4);
    assertEquals(file.readSync(into, 10), 0);
    assertEquals(file.readSync(into, 99), 0);
    assertEquals(await file.read(into, 6), 4);
    assertEquals(into.subarray(0, 4), bytesOf(1, 10).subarray(6));
    assertEquals(await file.read(into, 10), 0);
    file.close();
  });

  test("returns the right bytes to concurrent reads", async ({ fs, root }) => {
    const content = new Uint8Array(1 << 20);
    for (let i = 0; i < content.length; i++) content[i] = i >>> 10;
    fs.writeFileSync(`${root}/a`, content);
    const file = fs.openSync(`${root}/a`, "read");
    await Promise.all(Array.from({ length: 64 }, async (_, i) => {
      const into = new Uint8Array(4096);
      assertEquals(await file.read(into, i * 8192), 4096);
      assertEquals(into, content.subarray(i * 8192, i * 8192 + 4096));
    }));
    file.close();
  });

  test("appends at the end, regardless of earlier reads and of the open file used", ({ fs, root }) => {
    const first = fs.openSync(`${root}/a`, "append", { create: true });
    const second = fs.openSync(`${root}/a`, "append");
    appendFullySync(first, bytesOf(1, 5));
    first.readSync(new Uint8Array(2), 0);
    appendFullySync(second, bytesOf(2, 5));
    appendFullySync(first, bytesOf(3, 5));
    assertEquals(
      fs.readFileSync(`${root}/a`),
      new Uint8Array([...bytesOf(1, 5), ...bytesOf(2, 5), ...bytesOf(3, 5)]),
    );
    first.close();
    second.close();
  });

  test("truncates a file and appends after that", ({ fs, root }) => {
    const file = fs.openSync(`${root}/a`, "append", { create: true });
    for (let i = 0; i < 50; i++) appendFullySync(file, bytesOf(i, 100));
    file.truncateSync(1234);
    assertEquals(fs.statSync(`${root}/a`)?.size, 1234);
    appendFullySync(file, bytesOf(7, 10));
    const content = fs.readFileSync(`${root}/a`);
    assertEquals(content.length, 1244);
    assertEquals(content.subarray(1200, 1234), bytesOf(12, 100).subarray(0, 34));
    assertEquals(content.subarray(1234), bytesOf(7, 10));
    file.truncateSync(0);
    assertEquals(fs.readFileSync(`${root}/a`).length, 0);
    file.close();
  });

  test("extends a file with zeros, which are overwritten in order", async ({ fs, root }) => {
    const created = fs.openSync(`${root}/a`, "append", { create: true });
    appendFullySync(created, bytesOf(1, 10));
    created.close();
    const file = fs.openSync(`${root}/a`, "write");
    file.truncateSync(3000);
    const expected = new Uint8Array(3000);
    expected.set(bytesOf(1, 10));
    assertEquals(fs.readFileSync(`${root}/a`), expected);
    for (let at = 10, i = 0; at < 2800; i++) {
      const bytes = bytesOf(i, i * 7 % 100);
      for (let done = 0; done < bytes.length;) {
        done += file.writeSync(bytes.subarray(done), at + done);
      }
      expected.set(bytes, at);
      at += bytes.length;
      const into = new Uint8Array(200).fill(1);
      const from = Math.max(0, at - 50);
      const count = Math.min(200, 3000 - from);
      assertEquals(file.readSync(into, from), count);
      assertEquals(into.subarray(0, count), expected.subarray(from, from + count));
      if (i % 20 === 0) await file.syncData();
    }
    assertEquals(fs.readFileSync(`${root}/a`), expected);
    assertEquals(fs.statSync(`${root}/a`)?.size, 3000);
    file.truncateSync(2000);
    assertEquals(fs.readFileSync(`${root}/a`), expected.subarray(0, 2000));
    file.truncateSync(2500);
    const appending = fs.openSync(`${root}/a`, "append");
    appendFullySync(appending, bytesOf(3, 5));
    assertEquals(
      fs.readFileSync(`${root}/a`).subarray(1999),
      new Uint8Array([
        expected[1999]!,
        ...new Uint8Array(500),
        ...bytesOf(3, 5),
      ]),
    );
    appending.close();
    file.close();
  });

  test("replaces the content of a file", ({ fs, root }) => {
    fs.writeFileSync(`${root}/a`, bytesOf(1, 100));
    fs.writeFileSync(`${root}/a`, bytesOf(2, 10));
    assertEquals(fs.readFileSync(`${root}/a`), bytesOf(2, 10));
  });

  test("reports what does not exist", async ({ fs, root }) => {
    for (
      const operation of [
        () => fs.openSync(`${root}/a`, "read"),
        () => fs.openSync(`${root}/a`, "append"),
        () => fs.openSync(`${root}/a`, "write"),
        () => fs.openSync(`${root}/none/a`, "append", { create: true }),
        () => fs.readFileSync(`${root}/a`),
        () => fs.readDirSync(`${root}/a`),
        () => fs.renameSync(`${root}/a`, `${root}/b`),
        () => fs.writeFileSync(`${root}/none/a`, bytesOf(0, 1)),
      ]
    ) {
      const error = assertThrows(operation, FileSystemError);
      assertEquals(error.code, "ENOENT");
    }
    assertEquals(
      (await assertRejects(() => fs.syncDir(`${root}/a`), FileSystemError)).code,
      "ENOENT",
    );
    assertEquals(fs.statSync(`${root}/a`), undefined);
    await fs.remove(`${root}/a`);
    await fs.remove(`${root}/none/a`);
    fs.removeSync(`${root}/a`);
  });

  test("does not write through a file that is open for reading", ({ fs, root }) => {
    fs.writeFileSync(`${root}/a`, bytesOf(1, 10));
    const file = fs.openSync(`${root}/a`, "read");
    assertThrows(() => file.appendSync(bytesOf(2, 1)), FileSystemError);
    file.close();
    assertEquals(fs.readFileSync(`${root}/a`), bytesOf(1, 10));
  });

  test("creates folders, lists them and removes them with their content", async ({ fs, root }) => {
    fs.mkdirSync(`${root}/x/y`);
    fs.mkdirSync(`${root}/x`);
    fs.writeFileSync(`${root}/x/a`, bytesOf(1, 3));
    fs.writeFileSync(`${root}/x/y/b`, bytesOf(1, 3));
    const entries = fs.readDirSync(`${root}/x`).toSorted((a, b) => a.name < b.name ? -1 : 1);
    assertEquals(
      entries.map(({ name, isFile, isDirectory }) => ({ name, isFile, isDirectory })),
      [
        { name: "a", isFile: true, isDirectory: false },
        { name: "y", isFile: false, isDirectory: true },
      ],
    );
    assertEquals(fs.statSync(`${root}/x`)?.isDirectory, true);
    await fs.remove(`${root}/x`);
    assertEquals(fs.readDirSync(root), []);
  });

  test("renames files and folders, replacing a file", ({ fs, root }) => {
    fs.writeFileSync(`${root}/a`, bytesOf(1, 3));
    fs.writeFileSync(`${root}/b`, bytesOf(2, 4));
    fs.renameSync(`${root}/a`, `${root}/b`);
    assertEquals(fs.readFileSync(`${root}/b`), bytesOf(1, 3));
    fs.mkdirSync(`${root}/x`);
    fs.renameSync(`${root}/b`, `${root}/x/b`);
    fs.renameSync(`${root}/x`, `${root}/y`);
    assertEquals(fs.readFileSync(`${root}/y/b`), bytesOf(1, 3));
    assertEquals(fs.readDirSync(root).map((entry) => entry.name), ["y"]);
  });

  test("keeps open files usable after rename and removal", async ({ fs, root }) => {
    const file = fs.openSync(`${root}/a`, "append", { create: true });
    appendFullySync(file, bytesOf(1, 10));
    fs.renameSync(`${root}/a`, `${root}/b`);
    appendFullySync(file, bytesOf(2, 10));
    assertEquals(fs.readFileSync(`${root}/b`).length, 20);
    await fs.remove(`${root}/b`);
    const into = new Uint8Array(10);
    assertEquals(file.readSync(into, 10), 10);
    assertEquals(into, bytesOf(2, 10));
    await file.syncData();
    file.close();
    file.close();
  });

  test("replaces a file through a temporary one", async ({ fs, root }) => {
    await replaceFile(fs, `${root}/a`, bytesOf(1, 10));
    await replaceFile(fs, `${root}/a`, bytesOf(2, 5));
    assertEquals(fs.readFileSync(`${root}/a`), bytesOf(2, 5));
    assertEquals(fs.readDirSync(root).map((entry) => entry.name), ["a"]);
  });

  test("grants a lock to one holder at a time, and reports the holder", async ({ fs, root }) => {
    const first = await fs.lock(`${root}/.lock`, "process 1");
    assert(typeof first === "object");
    assertEquals(await fs.lock(`${root}/.lock`, "process 2"), "process 1");
    first.release();
    first.release();
    const third = await fs.lock(`${root}/.lock`, "process 3");
    assert(typeof third === "object");
    third.release();
  });

  test("ignores a lock file left by a killed process", async ({ fs, root }) => {
    fs.writeFileSync(`${root}/.lock`, new TextEncoder().encode("process 1, killed"));
    const lock = await fs.lock(`${root}/.lock`, "process 2");
    assert(typeof lock === "object");
    lock.release();
  });
}

/** `size` bytes that differ from those of another seed. */
export function bytesOf(seed: number, size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = seed * 31 + i * 7;
  return bytes;
}
