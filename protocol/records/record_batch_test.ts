import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { CompressionType } from "../compression/mod.ts";
import { crc32c } from "./crc32c.ts";
import { CorruptRecordError, UnsupportedRecordFormatError } from "./errors.ts";
import { goldenBatches, goldenRecords } from "./golden_batches.testing.ts";
import {
  ATTRIBUTES_POSITION,
  BASE_OFFSET_POSITION,
  BASE_SEQUENCE_POSITION,
  BASE_TIMESTAMP_POSITION,
  BATCH_LENGTH_POSITION,
  CRC_POSITION,
  LAST_OFFSET_DELTA_POSITION,
  LOG_OVERHEAD,
  MAGIC_POSITION,
  MAX_TIMESTAMP_POSITION,
  PARTITION_LEADER_EPOCH_POSITION,
  PRODUCER_EPOCH_POSITION,
  PRODUCER_ID_POSITION,
  RECORD_BATCH_OVERHEAD,
  RECORD_COUNT_POSITION,
  RecordBatch,
  recordBatches,
  sizeOfBatchAt,
} from "./record_batch.ts";
import { RecordBatchBuilder } from "./record_batch_builder.ts";

const decoder = new TextDecoder();

function text(bytes: Uint8Array | null): string | null {
  return bytes && decoder.decode(bytes);
}

function decoded(batch: RecordBatch) {
  return Array.from(batch.records(), (record) => ({
    key: text(record.key),
    value: text(record.value),
    timestamp: record.timestamp,
    headers: record.headers.map(({ key, value }) => ({ key, value: text(value) })),
  }));
}

function newBatch(): RecordBatch {
  return new RecordBatch(goldenBatches.librdkafka.none.slice());
}

/** Recomputes the CRC after a test has changed the bytes. */
function sign(batch: RecordBatch): void {
  new DataView(batch.bytes.buffer, batch.bytes.byteOffset)
    .setUint32(CRC_POSITION, crc32c(batch.bytes, ATTRIBUTES_POSITION));
}

Deno.test("RecordBatch has the layout of Kafka's DefaultRecordBatch", () => {
  assertEquals({
    baseOffset: BASE_OFFSET_POSITION,
    batchLength: BATCH_LENGTH_POSITION,
    partitionLeaderEpoch: PARTITION_LEADER_EPOCH_POSITION,
    magic: MAGIC_POSITION,
    crc: CRC_POSITION,
    attributes: ATTRIBUTES_POSITION,
    lastOffsetDelta: LAST_OFFSET_DELTA_POSITION,
    baseTimestamp: BASE_TIMESTAMP_POSITION,
    maxTimestamp: MAX_TIMESTAMP_POSITION,
    producerId: PRODUCER_ID_POSITION,
    producerEpoch: PRODUCER_EPOCH_POSITION,
    baseSequence: BASE_SEQUENCE_POSITION,
    recordCount: RECORD_COUNT_POSITION,
    records: RECORD_BATCH_OVERHEAD,
    overhead: LOG_OVERHEAD,
  }, {
    baseOffset: 0,
    batchLength: 8,
    partitionLeaderEpoch: 12,
    magic: 16,
    crc: 17,
    attributes: 21,
    lastOffsetDelta: 23,
    baseTimestamp: 27,
    maxTimestamp: 35,
    producerId: 43,
    producerEpoch: 51,
    baseSequence: 53,
    recordCount: 57,
    records: 61,
    overhead: 12,
  });
});

Deno.test("RecordBatch reads the batches of other clients, with every codec", async (t) => {
  for (const [client, batches] of Object.entries(goldenBatches)) {
    for (const [codec, bytes] of Object.entries(batches)) {
      await t.step(`${client} ${codec}`, () => {
        const batch = new RecordBatch(bytes);
        batch.ensureValid();
        assertEquals(batch.sizeInBytes, bytes.length);
        assertEquals(batch.magic, 2);
        assertEquals(batch.compression, CompressionType[codec as keyof typeof CompressionType]);
        assertEquals(batch.timestampType, 0);
        assertEquals(batch.baseOffset, 0);
        assertEquals(batch.lastOffsetDelta, 3);
        assertEquals(batch.recordCount, 4);
        assertEquals(batch.baseTimestamp, 1_700_000_000_000);
        assertEquals(batch.maxTimestamp, 1_700_000_100_000);
        assertEquals(batch.isControl, false);
        assertEquals(batch.hasDeleteHorizon, false);
        const expected = structuredClone(goldenRecords);
        if (client === "kafkajs" || client === "platformatic") expected[0]!.headers[1]!.value = "";
        assertEquals(decoded(batch), expected);
        assertEquals(Array.from(batch.records(), (record) => record.offset), [0, 1, 2, 3]);
      });
    }
  }
});

Deno.test("RecordBatch reads producer state, and sequence numbers that wrap (KIP-98)", () => {
  const idempotent = new RecordBatch(goldenBatches.kafkaPython.none);
  assertEquals(idempotent.isTransactional, true);
  assertEquals(idempotent.hasProducerId, true);
  assertEquals(idempotent.producerId, 4711);
  assertEquals(idempotent.producerEpoch, 3);
  assertEquals(idempotent.baseSequence, 2147483646);
  assertEquals(idempotent.lastSequence, 1);

  const without = new RecordBatch(goldenBatches.librdkafka.none);
  assertEquals(without.isTransactional, false);
  assertEquals(without.hasProducerId, false);
  assertEquals(without.producerId, -1);
  assertEquals(without.producerEpoch, -1);
  assertEquals(without.baseSequence, -1);
  assertEquals(without.lastSequence, -1);

  assertEquals(new RecordBatch(goldenBatches.platformatic.none).hasProducerId, true);
});

Deno.test("RecordBatch.lastSequence follows 2147483647 with 0", () => {
  const batch = newBatch();
  const last = (baseSequence: number) => {
    batch.setProducerState(1, 0, baseSequence);
    return batch.lastSequence;
  };
  assertEquals(last(0), 3);
  assertEquals(last(2147483644), 2147483647);
  assertEquals(last(2147483645), 0);
  assertEquals(last(2147483647), 2);
});

Deno.test("RecordBatch sets base offset and leader epoch without changing bytes that the CRC covers", () => {
  const batch = newBatch();
  const before = batch.bytes.slice();
  for (const offset of [0, 1, 2 ** 31, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER, -1]) {
    batch.baseOffset = offset;
    assertEquals(batch.baseOffset, offset);
    assertEquals(new DataView(batch.bytes.buffer).getBigInt64(0), BigInt(offset));
  }
  batch.baseOffset = 2 ** 40;
  batch.partitionLeaderEpoch = 77;
  assertEquals(batch.partitionLeaderEpoch, 77);
  assertEquals(batch.lastOffset, 2 ** 40 + 3);
  assertEquals(batch.nextOffset, 2 ** 40 + 4);
  assertEquals(Array.from(batch.records()).at(-1)?.offset, 2 ** 40 + 3);
  assert(batch.isCrcValid());
  assertEquals(batch.bytes.subarray(16), before.subarray(16));
  assertEquals(batch.bytes.subarray(8, 12), before.subarray(8, 12));
  assertThrows(() => batch.baseOffset = NaN, RangeError, "Cannot write NaN as int64");
  assertThrows(() => batch.baseOffset = 1.5, RangeError);
});

Deno.test("RecordBatch.setLogAppendTime() sets the timestamp of every record", () => {
  const batch = newBatch();
  batch.setLogAppendTime(1_800_000_000_000);
  assertEquals(batch.timestampType, 1);
  assertEquals(batch.maxTimestamp, 1_800_000_000_000);
  assertEquals(batch.baseTimestamp, 1_700_000_000_000);
  batch.ensureValid();
  for (const record of batch.records()) assertEquals(record.timestamp, 1_800_000_000_000);
});

Deno.test("RecordBatch.setMaxTimestamp() changes the header only", () => {
  const batch = newBatch();
  batch.setMaxTimestamp(5);
  assertEquals(batch.maxTimestamp, 5);
  assertEquals(batch.timestampType, 0);
  batch.ensureValid();
  assertEquals(decoded(batch), goldenRecords);
});

Deno.test("RecordBatch.setProducerState() leaves a valid batch", () => {
  const batch = newBatch();
  batch.setProducerState(2 ** 40, 9, 12);
  assertEquals([batch.producerId, batch.producerEpoch, batch.baseSequence], [2 ** 40, 9, 12]);
  batch.ensureValid();
  assertEquals(decoded(batch), goldenRecords);
});

Deno.test("RecordBatch is a view that copies nothing and reads only its own bytes", () => {
  const golden = goldenBatches.librdkafka.none;
  const buffer = new Uint8Array(golden.length + 50).fill(0xee);
  buffer.set(golden, 20);
  const batch = new RecordBatch(buffer.subarray(7), 13);
  assertStrictEquals(batch.bytes.buffer, buffer.buffer);
  assertEquals(batch.bytes, golden);
  assertEquals(decoded(batch), goldenRecords);
  batch.baseOffset = 9;
  assertEquals(buffer[27], 9);
  const [record] = batch.records();
  assertStrictEquals(record!.value!.buffer, buffer.buffer);
  assertStrictEquals(new RecordBatch(golden).bytes, golden);
});

Deno.test("RecordBatch rejects a header or size that does not fit, at every length", () => {
  const golden = goldenBatches.librdkafka.none;
  for (let length = 0; length < golden.length; length++) {
    assertThrows(
      () => new RecordBatch(golden.subarray(0, length)),
      CorruptRecordError,
      "are there",
    );
  }
  for (
    const [batchLength, problem] of [[48, "header alone"], [-1, "is -1"], [
      476,
      "488 bytes",
    ]] as const
  ) {
    const bytes = golden.slice();
    new DataView(bytes.buffer).setInt32(BATCH_LENGTH_POSITION, batchLength);
    assertThrows(() => new RecordBatch(bytes), CorruptRecordError, problem);
  }
});

Deno.test("RecordBatch rejects message formats v0 and v1, like Kafka 4 (KIP-724)", () => {
  // A message set of v0: offset, size, CRC, magic, attributes, key, value.
  const messageSet = new Uint8Array(26);
  new DataView(messageSet.buffer).setInt32(8, 14);
  for (const magic of [0, 1]) {
    messageSet[16] = magic;
    const error = assertThrows(() => new RecordBatch(messageSet), UnsupportedRecordFormatError);
    assertEquals(error.magic, magic);
    assertThrows(() => [...recordBatches(messageSet)], UnsupportedRecordFormatError);
  }
  for (const magic of [3, 0x7f, 0x80, 0xff]) {
    messageSet[16] = magic;
    assertThrows(() => new RecordBatch(messageSet), CorruptRecordError, `magic is ${magic}`);
  }
});

Deno.test("RecordBatch.ensureValid() detects every flipped bit that the CRC covers", () => {
  const batch = newBatch();
  for (let position = CRC_POSITION; position < batch.sizeInBytes; position++) {
    for (let bit = 0; bit < 8; bit++) {
      batch.bytes[position]! ^= 1 << bit;
      assert(!batch.isCrcValid());
      batch.bytes[position]! ^= 1 << bit;
    }
  }
  batch.ensureValid();
  batch.bytes[100]! ^= 1;
  assertThrows(
    () => batch.ensureValid(),
    CorruptRecordError,
    "Cannot accept record batch of 487 bytes at offset 0: computed CRC is ",
  );
});

Deno.test("RecordBatch.ensureValid() accepts any int64, which reads as the nearest number", () => {
  const positions = {
    baseTimestamp: BASE_TIMESTAMP_POSITION,
    maxTimestamp: MAX_TIMESTAMP_POSITION,
    producerId: PRODUCER_ID_POSITION,
    baseOffset: BASE_OFFSET_POSITION,
  } as const;
  for (const [name, position] of Object.entries(positions)) {
    const batch = newBatch();
    const view = new DataView(batch.bytes.buffer);
    for (const value of [2n ** 53n - 1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      view.setBigInt64(position, value);
      sign(batch);
      batch.ensureValid();
      assertEquals(batch[name as keyof typeof positions], Number(value));
    }
  }
});

Deno.test("RecordBatch.compression rejects unknown codecs", () => {
  for (const type of [5, 6, 7]) {
    const batch = newBatch();
    batch.bytes[ATTRIBUTES_POSITION + 1] = type;
    assertThrows(() => batch.compression, CorruptRecordError, `compression type is ${type}`);
    assertThrows(() => batch.records(), CorruptRecordError);
  }
});

Deno.test("RecordBatch reads the flags of control batches and delete horizons", () => {
  const batch = newBatch();
  batch.bytes[ATTRIBUTES_POSITION + 1] = 0b111_0000;
  assert(batch.isTransactional && batch.isControl && batch.hasDeleteHorizon);
  assertEquals(batch.attributes, 0b111_0000);
});

Deno.test("recordBatches() yields whole batches and stops before a partial one", () => {
  const first = goldenBatches.librdkafka.none;
  const second = goldenBatches.kafkaPython.lz4;
  const both = new Uint8Array([...first, ...second]);
  for (let length = 0; length <= both.length; length++) {
    const sizes = Array.from(recordBatches(both.subarray(0, length)), (batch) => batch.sizeInBytes);
    const expected = [first.length, second.length];
    expected.length = length < first.length ? 0 : length < both.length ? 1 : 2;
    assertEquals(sizes, expected, `${length} bytes`);
  }
});

Deno.test("recordBatches() rejects an impossible size", () => {
  const bytes = goldenBatches.librdkafka.none.slice();
  new DataView(bytes.buffer).setInt32(BATCH_LENGTH_POSITION, 0);
  assertThrows(() => [...recordBatches(bytes)], CorruptRecordError, "batch length is 0");
});

Deno.test("sizeOfBatchAt() needs no more than the first 17 bytes", () => {
  const bytes = goldenBatches.librdkafka.none;
  assertEquals(sizeOfBatchAt(bytes.subarray(0, 16), 0), undefined);
  assertEquals(sizeOfBatchAt(bytes.subarray(0, 17), 0), bytes.length);
  assertEquals(sizeOfBatchAt(new Uint8Array([1, 2, 3, ...bytes]), 3), bytes.length);
});

Deno.test("RecordBatch.toString() gives size and offset", () => {
  const builder = new RecordBatchBuilder({ baseOffset: 41 });
  builder.append(0, null, null);
  assertEquals(`${new RecordBatch(builder.build())}`, "record batch of 68 bytes at offset 41");
});
