import { assert, assertEquals, assertThrows } from "@std/assert";
import { CorruptRecordError, UnsupportedRecordFormatError } from "../../protocol/records/mod.ts";
import { BatchScanner } from "./batch_scanner.ts";
import { FilePool, type PooledFile } from "../file_system/file_pool.ts";
import { batchOfSize } from "../log_testing.ts";
import { MemoryFileSystem } from "../file_system/memory_file_system.ts";

/** A file with batches of two records, with values of these sizes. */
function fileOf(sizes: readonly number[]): { file: PooledFile; size: number; bytes: Uint8Array } {
  const fs = new MemoryFileSystem();
  const file = new FilePool(fs).file("/log");
  file.createSync();
  let size = 0;
  for (const [i, valueSize] of sizes.entries()) {
    const batch = batchOfSize(2, valueSize);
    batch.baseOffset = i * 2;
    file.appendSync(batch.bytes, size);
    size += batch.sizeInBytes;
  }
  return { file, size, bytes: fs.readFileSync("/log") };
}

function scan(scanner: BatchScanner): number[] {
  const offsets = [];
  while (scanner.next()) offsets.push(scanner.header.baseOffset);
  return offsets;
}

const SIZES = [1, 100, 200_000, 10, 3_000_000, 1, 40_000, 50];

Deno.test("BatchScanner.next() iterates over batches of any size, whole or by header", () => {
  const { file, size } = fileOf(SIZES);
  for (const whole of [true, false]) {
    const scanner = new BatchScanner(file, 0, size, whole);
    assertEquals(scan(scanner), [0, 2, 4, 6, 8, 10, 12, 14]);
    assertEquals(scanner.position, size);
  }
});

Deno.test("BatchScanner.batch() returns a batch with its records", () => {
  const { file, size } = fileOf(SIZES);
  for (const whole of [true, false]) {
    const scanner = new BatchScanner(file, 0, size, whole);
    for (const valueSize of SIZES) {
      assertEquals(scanner.next(), true);
      const batch = scanner.batch();
      batch.ensureValid();
      assertEquals(Array.from(batch.records(), (record) => record.valueSize), [
        valueSize,
        valueSize,
      ]);
      assertEquals(scanner.header.sizeInBytes, batch.sizeInBytes);
      assertEquals(scanner.nextPosition - scanner.position, batch.sizeInBytes);
    }
    assertEquals(scanner.next(), false);
  }
});

Deno.test("BatchScanner.next() returns false at an incomplete batch", () => {
  const { file, size, bytes } = fileOf([10, 20, 30]);
  const start = size - batchOfSize(2, 30).sizeInBytes;
  for (let end = start; end < size; end++) {
    const scanner = new BatchScanner(file, 0, end, true);
    assertEquals(scan(scanner), [0, 2]);
    assertEquals(scanner.position, start);
  }
  // The file is shorter than the assumed size of the segment.
  file.truncateSync(size - 1);
  assertEquals(scan(new BatchScanner(file, 0, size, true)), [0, 2]);
  assertEquals(bytes.length, size);
});

Deno.test("BatchScanner.next() throws at bytes that cannot be a batch", () => {
  for (
    const [magic, errorClass] of [
      [0, UnsupportedRecordFormatError],
      [1, UnsupportedRecordFormatError],
      [3, CorruptRecordError],
    ] as const
  ) {
    const { file, size } = fileOf([10]);
    const bytes = batchOfSize(1, 10).bytes;
    bytes[16] = magic;
    file.appendSync(bytes, size);
    const scanner = new BatchScanner(file, 0, size + bytes.length, false);
    assertEquals(scanner.next(), true);
    assertThrows(() => scanner.next(), errorClass);
    assertEquals(scanner.position, size);
  }
});

Deno.test("BatchScanner.next() treats zeros before or after an edge as damage, not as an old format", () => {
  const { bytes } = batchOfSize(1, 10);
  const torn = Array.from({ length: bytes.length }, (_, edge) => [
    bytes.slice().fill(0, 0, edge),
    bytes.slice().fill(0, edge),
  ]).flat().filter((damaged) => damaged[16] === 0);
  assert(torn.length > 60);
  for (const damaged of torn) {
    const { file, size } = fileOf([10]);
    file.appendSync(damaged, size);
    const scanner = new BatchScanner(file, 0, size + damaged.length, false);
    assertEquals(scanner.next(), true);
    assertThrows(() => scanner.next(), CorruptRecordError, "zeros");
  }
});
