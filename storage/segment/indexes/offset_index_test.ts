import { assertEquals, assertThrows } from "@std/assert";
import { CorruptFileError } from "../../errors.ts";
import { MemoryFileSystem } from "../../file_system/memory_file_system.ts";
import { OFFSET_INDEX_ENTRY_SIZE, OffsetIndex } from "./offset_index.ts";

const PATH = "/00000000000000001000.index";

function indexOf(...entries: readonly [offset: number, position: number][]): OffsetIndex {
  const index = new OffsetIndex(1000);
  for (const [offset, position] of entries) index.append(offset, position);
  return index;
}

function entriesOf(index: OffsetIndex): [number, number][] {
  return Array.from({ length: index.count }, (_, i) => [index.offsetAt(i), index.positionAt(i)]);
}

Deno.test("OffsetIndex has Kafka's eight-byte entries: relative offset, position", () => {
  assertEquals(OFFSET_INDEX_ENTRY_SIZE, 8);
  const fs = new MemoryFileSystem();
  indexOf([1019, 5000], [1029, 0x12345678]).write(fs, PATH);
  assertEquals(
    fs.readFileSync(PATH).toHex(),
    "00000013" + "00001388" + // 19, 5000
      "0000001d" + "12345678", // 29, 0x12345678
  );
});

Deno.test("OffsetIndex.lookup() returns a position at or before the batch that contains an offset", () => {
  const index = indexOf([1019, 5000], [1029, 9000], [1039, 13000]);
  for (
    const [offset, position] of [
      [1000, 0],
      [1018, 0],
      [1019, 5000],
      [1028, 5000],
      [1029, 9000],
      [1039, 13000],
      [5000, 13000],
    ] as const
  ) assertEquals(index.lookup(offset), position, `offset ${offset}`);
  assertEquals(new OffsetIndex(1000).lookup(1000), 0);
});

Deno.test("OffsetIndex.append() ignores offsets that do not ascend", () => {
  const index = indexOf([1019, 5000], [1019, 6000], [1010, 7000], [1020, 8000]);
  assertEquals(entriesOf(index), [[1019, 5000], [1020, 8000]]);
});

Deno.test("OffsetIndex.truncateTo() removes entries of the offset and larger ones", () => {
  for (const [offset, count] of [[1019, 0], [1020, 1], [1029, 1], [1030, 2], [900, 0]] as const) {
    const index = indexOf([1019, 5000], [1029, 9000]);
    index.truncateTo(offset);
    assertEquals(index.count, count, `offset ${offset}`);
  }
});

Deno.test("OffsetIndex.write() makes the file equal to memory, for any previous content", () => {
  const fs = new MemoryFileSystem();
  const index = new OffsetIndex(1000);
  let offset = 1000;
  const check = () => {
    index.write(fs, PATH);
    assertEquals(index.isDirty, false);
    assertEquals(entriesOf(new OffsetIndex(1000, fs.readFileSync(PATH))), entriesOf(index));
  };
  assertEquals(index.isDirty, true);
  check();
  for (let i = 0; i < 200; i++) {
    for (let j = i % 7; j >= 0; j--) index.append(offset++, offset);
    if (i % 5 === 0) {
      index.truncateTo(offset - i % 20);
      offset = index.lastOffset + 1;
    }
    if (i % 3 === 0) check();
  }
  check();
  index.truncateTo(0);
  check();
});

Deno.test("OffsetIndex.append() continues after entries that were read from a file", () => {
  const fs = new MemoryFileSystem();
  indexOf([1019, 5000], [1029, 9000]).write(fs, PATH);
  const index = new OffsetIndex(1000, fs.readFileSync(PATH));
  index.append(1039, 13000);
  index.write(fs, PATH);
  assertEquals(fs.readFileSync(PATH).length, 24);
  assertEquals(entriesOf(index), [[1019, 5000], [1029, 9000], [1039, 13000]]);
});

Deno.test("OffsetIndex.check() rejects content left by a crash", () => {
  const fs = new MemoryFileSystem();
  indexOf([1019, 5000], [1029, 9000], [1039, 13000]).write(fs, PATH);
  const bytes = fs.readFileSync(PATH);
  const check = (content: Uint8Array, logSize = 20_000) =>
    new OffsetIndex(1000, content).check(PATH, content.length, logSize);
  check(bytes);
  check(new Uint8Array(0), 0);
  const zeros = bytes.slice();
  zeros.fill(0, 8);
  const shuffled = bytes.slice();
  shuffled.copyWithin(0, 8, 16);
  for (
    const [content, logSize] of [
      [bytes.subarray(0, 23), 20_000], // torn within an entry
      [zeros, 20_000], // extended but not written
      [shuffled, 20_000], // the same entry twice
      [bytes, 13_000], // after the end of the segment
      [new Uint8Array(24).fill(255), 20_000], // garbage
    ] as const
  ) assertThrows(() => check(content, logSize), CorruptFileError, PATH);
});
