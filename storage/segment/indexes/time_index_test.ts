import { assertEquals, assertThrows } from "@std/assert";
import { CorruptFileError } from "../../errors.ts";
import { MemoryFileSystem } from "../../file_system/memory_file_system.ts";
import { TIME_INDEX_ENTRY_SIZE, TimeIndex } from "./time_index.ts";

const PATH = "/00000000000000001000.timeindex";

function indexOf(...entries: readonly [timestamp: number, offset: number][]): TimeIndex {
  const index = new TimeIndex(1000);
  for (const [timestamp, offset] of entries) index.maybeAppend(timestamp, offset);
  return index;
}

function entriesOf(index: TimeIndex): [number, number][] {
  return Array.from({ length: index.count }, (_, i) => [index.timestampAt(i), index.offsetAt(i)]);
}

Deno.test("TimeIndex has Kafka's twelve-byte entries: timestamp, relative offset", () => {
  assertEquals(TIME_INDEX_ENTRY_SIZE, 12);
  const fs = new MemoryFileSystem();
  indexOf([1_700_000_000_000, 1009], [1_700_000_000_001, 1029]).write(fs, PATH);
  assertEquals(
    fs.readFileSync(PATH).toHex(),
    "0000018bcfe56800" + "00000009" +
      "0000018bcfe56801" + "0000001d",
  );
});

Deno.test("TimeIndex.maybeAppend() adds entries that ascend in both fields", () => {
  const index = indexOf([100, 1009], [100, 1019], [99, 1029], [200, 1009], [200, 1039], [-1, 1049]);
  assertEquals(entriesOf(index), [[100, 1009], [200, 1039]]);
  assertEquals([index.lastTimestamp, index.lastOffset], [200, 1039]);
  assertEquals([indexOf().lastTimestamp, indexOf().lastOffset], [-1, 1000]);
});

Deno.test("TimeIndex.lookup() returns the offset of the last entry up to a timestamp", () => {
  const index = indexOf([100, 1009], [200, 1029], [300, 1039]);
  for (
    const [timestamp, offset] of [
      [-1, 1000],
      [99, 1000],
      [100, 1009],
      [199, 1009],
      [200, 1029],
      [1e15, 1039],
    ] as const
  ) assertEquals(index.lookup(timestamp), offset, `timestamp ${timestamp}`);
});

Deno.test("TimeIndex.truncateTo() removes entries of the offset and larger ones", () => {
  for (const [offset, count] of [[1009, 0], [1010, 1], [1029, 1], [1030, 2]] as const) {
    const index = indexOf([100, 1009], [200, 1029]);
    index.truncateTo(offset);
    assertEquals(index.count, count, `offset ${offset}`);
  }
});

Deno.test("TimeIndex.readLastEntry() reads only the last entry, and ignores an implausible one", () => {
  const fs = new MemoryFileSystem();
  const last = () => entriesOf(TimeIndex.readLastEntry(fs, PATH, 1000));
  assertEquals(last(), []);
  indexOf([100, 1009], [200, 1029]).write(fs, PATH);
  assertEquals(last(), [[200, 1029]]);
  fs.writeFileSync(PATH, fs.readFileSync(PATH).subarray(0, 23));
  assertEquals(last(), []);
  fs.writeFileSync(PATH, new Uint8Array(24).fill(255));
  assertEquals(last(), []);
  fs.writeFileSync(PATH, new Uint8Array(0));
  assertEquals(last(), []);
});

Deno.test("TimeIndex.check() rejects content left by a crash", () => {
  const fs = new MemoryFileSystem();
  indexOf([100, 1009], [200, 1029], [300, 1039]).write(fs, PATH);
  const bytes = fs.readFileSync(PATH);
  const check = (content: Uint8Array) => new TimeIndex(1000, content).check(PATH, content.length);
  check(bytes);
  check(new Uint8Array(0));
  const zeros = bytes.slice();
  zeros.fill(0, 12);
  for (const content of [bytes.subarray(0, 35), zeros, new Uint8Array(24).fill(255)]) {
    assertThrows(() => check(content), CorruptFileError, PATH);
  }
});
