import { assertEquals } from "@std/assert";
import { RECORD_COUNT_POSITION, RecordBatch } from "../../protocol/records/record_batch.ts";
import { RecordBatchBuilder } from "../../protocol/records/record_batch_builder.ts";
import { fetchedBatches } from "./fetched_batches.ts";
import type { Message } from "./message.ts";
import { PartitionReader } from "./partition_reader.ts";

const OPTIONS = { checkCrcs: false, onCorruptBatch: undefined };

/** A reader with a batch of `count` messages whose header claims `claimed`, and one more batch. */
function readerOf(count: number, claimed = count): PartitionReader {
  const bytes = [0, count].map((baseOffset) => {
    const builder = new RecordBatchBuilder({ baseOffset });
    for (let i = 0; i < count; i++) builder.append(1, null, `${baseOffset + i}`);
    return builder.build();
  });
  const fetched = new Uint8Array([...bytes[0]!, ...bytes[1]!]);
  new DataView(fetched.buffer).setInt32(RECORD_COUNT_POSITION, claimed);
  const reader = new PartitionReader("a", 0, OPTIONS, () => {});
  reader.seek(0);
  reader.accept(fetchedBatches(fetched, 0, null));
  assertEquals(reader.bufferedBytes, fetched.length);
  return reader;
}

function takeAll(reader: PartitionReader): Message[] {
  const messages: Message[] = [];
  while (reader.take(3, messages) > 0);
  return messages;
}

function nextAll(reader: PartitionReader): Message[] {
  const messages: Message[] = [];
  for (let next = reader.next(); next !== undefined; next = reader.next()) messages.push(next);
  return messages;
}

const WAYS = { "take()": takeAll, "next()": nextAll };

Deno.test("PartitionReader returns messages and advances its position", async (t) => {
  for (const [name, readAll] of Object.entries(WAYS)) {
    await t.step(name, () => {
      const reader = readerOf(5);
      assertEquals(readAll(reader).map(({ offset }) => offset), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      assertEquals([reader.position, reader.bufferedBytes, reader.hasMessages], [10, 0, false]);
      assertEquals(reader.takeError(), undefined);
    });
  }
});

Deno.test("PartitionReader starts within a batch", () => {
  const reader = readerOf(5);
  const first = new RecordBatchBuilder();
  for (let i = 0; i < 10; i++) first.append(1, null, `${i}`);
  reader.seek(7);
  reader.accept(fetchedBatches(new RecordBatch(first.build()).bytes, 7, null));
  assertEquals(takeAll(reader).map((message) => message.text()), ["7", "8", "9"]);
  assertEquals(reader.position, 10);
});

Deno.test("PartitionReader returns the messages before a corruption, then throws", async (t) => {
  for (const [name, readAll] of Object.entries(WAYS)) {
    await t.step(`${name}, a record too many`, () => {
      const reader = readerOf(5, 4);
      assertEquals(readAll(reader).map(({ offset }) => offset), [0, 1, 2, 3]);
      assertEquals(
        reader.takeError()?.message.replace(/near byte \d+: \d+/, "…"),
        `Cannot read "a-0" at offset 4: Cannot read record … bytes follow the last record`,
      );
      assertEquals([reader.position, reader.fetchOffset, reader.bufferedBytes], [4, 4, 0]);
    });
    await t.step(`${name}, a record too few`, () => {
      const reader = readerOf(5, 6);
      assertEquals(readAll(reader).map(({ offset }) => offset), [0, 1, 2, 3, 4]);
      assertEquals(
        reader.takeError()?.message.replace(/near byte \d+/, "…"),
        `Cannot read "a-0" at offset 5: Cannot read record …: a field runs past its end`,
      );
      assertEquals([reader.position, reader.fetchOffset, reader.bufferedBytes], [5, 5, 0]);
    });
  }
});
