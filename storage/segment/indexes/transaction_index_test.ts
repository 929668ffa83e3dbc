import { assertEquals, assertThrows } from "@std/assert";
import { CorruptFileError } from "../../errors.ts";
import { MemoryFileSystem } from "../../file_system/memory_file_system.ts";
import { type AbortedTransaction, TransactionIndex } from "./transaction_index.ts";

// Written by Kafka 4.2 for three interleaved transactions of two producers.
const GOLDEN = "0000" + "0000000000000005" + "0000000000000002" + "0000000000000008" +
  "0000000000000000" +
  "0000" + "0000000000000004" + "0000000000000000" + "000000000000000b" + "0000000000000009" +
  "0000" + "0000000000000005" + "0000000000000009" + "000000000000000c" + "000000000000000d";

const ENTRIES = [
  { producerId: 5, firstOffset: 2, lastOffset: 8, lastStableOffset: 0 },
  { producerId: 4, firstOffset: 0, lastOffset: 11, lastStableOffset: 9 },
  { producerId: 5, firstOffset: 9, lastOffset: 12, lastStableOffset: 13 },
];

function indexOf(entries = ENTRIES, baseOffset = 0): TransactionIndex {
  const index = new TransactionIndex(baseOffset);
  for (const entry of entries) index.append(entry);
  return index;
}

function collected(index: TransactionIndex, fetchOffset: number, endOffset: number): string {
  const found: AbortedTransaction[] = [];
  const isEnd = index.collect(fetchOffset, endOffset, found);
  return found.map(({ producerId, firstOffset }) => `${producerId}@${firstOffset}`).join(" ") +
    (isEnd ? "" : " …");
}

Deno.test("TransactionIndex has Kafka's bytes", () => {
  const fs = new MemoryFileSystem();
  const index = indexOf();
  index.write(fs, "/a");
  assertEquals(fs.readFileSync("/a").toHex(), GOLDEN);
  const read = new TransactionIndex(0, Uint8Array.fromHex(GOLDEN));
  read.check("/a", GOLDEN.length / 2);
  assertEquals(ENTRIES.map((_, slot) => read.entryAt(slot)), ENTRIES);
});

Deno.test("TransactionIndex.collect() finds what may have records in a range, and where to stop", () => {
  const index = indexOf();
  assertEquals(collected(index, 0, 1), "4@0");
  assertEquals(collected(index, 0, 3), "5@2 4@0");
  assertEquals(collected(index, 0, 9), "5@2 4@0");
  assertEquals(collected(index, 0, 10), "5@2 4@0 5@9");
  assertEquals(collected(index, 9, 13), "4@0 5@9");
  assertEquals(collected(index, 12, 14), "5@9 …");
  assertEquals(collected(index, 13, 14), " …");
});

Deno.test("TransactionIndex.truncateTo() removes the entries of later markers", () => {
  for (const [offset, count] of [[13, 3], [12, 2], [11, 1], [9, 1], [8, 0], [0, 0]] as const) {
    const index = indexOf();
    index.truncateTo(offset);
    assertEquals(index.count, count, `${offset}`);
  }
});

Deno.test("TransactionIndex.find() finds the entry of a marker", () => {
  const index = indexOf();
  for (const entry of ENTRIES) assertEquals(index.find(entry.lastOffset), entry);
  for (const offset of [0, 2, 7, 9, 13]) assertEquals(index.find(offset), undefined);
});

Deno.test("TransactionIndex.check() rejects partial entries, other versions and impossible offsets", () => {
  const bytes = Uint8Array.fromHex(GOLDEN);
  const check = (content: Uint8Array, baseOffset = 0) =>
    new TransactionIndex(baseOffset, content).check("/a", content.length);
  check(bytes);
  // What a power failure may leave of a file.
  assertThrows(() => check(new Uint8Array(0)), CorruptFileError, "size is 0 bytes");
  for (let size = 1; size < 34; size++) {
    assertThrows(
      () => check(bytes.slice(0, 68 + size)),
      CorruptFileError,
      "not a positive multiple",
    );
  }
  assertThrows(() => check(bytes, 9), CorruptFileError, "after a marker at 8");
  assertThrows(() => check(new Uint8Array(68)), CorruptFileError);
  const other = bytes.slice();
  other[35] = 1;
  assertThrows(() => check(other), CorruptFileError, "version of entry 1 is 1");
  const swapped = indexOf([ENTRIES[1]!, ENTRIES[0]!]);
  assertThrows(() => swapped.check("/a", 68), CorruptFileError);
  const marker = [{ producerId: 0, firstOffset: 8, lastOffset: 8, lastStableOffset: 9 }];
  assertThrows(() => indexOf(marker).check("/a", 34), CorruptFileError);
});
