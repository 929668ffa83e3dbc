import { assert, assertEquals, assertThrows } from "@std/assert";
import { Random } from "../random_testing.ts";
import { eachSeed } from "../seeds_testing.ts";
import { CompressionType } from "../compression/mod.ts";
import { crc32c } from "./crc32c.ts";
import { CorruptRecordError } from "./errors.ts";
import { goldenBatches } from "./golden_batches.testing.ts";
import {
  ATTRIBUTES_POSITION,
  BASE_TIMESTAMP_POSITION,
  CRC_POSITION,
  LAST_OFFSET_DELTA_POSITION,
  RECORD_BATCH_OVERHEAD,
  RECORD_COUNT_POSITION,
  RecordBatch,
} from "./record_batch.ts";
import { RecordBatchBuilder } from "./record_batch_builder.ts";

/** A batch with the given bytes as its records. */
function batchOf(recordCount: number, ...records: number[]): RecordBatch {
  const builder = new RecordBatchBuilder();
  builder.append(1000, null, null);
  const header = builder.build().subarray(0, RECORD_BATCH_OVERHEAD);
  const bytes = new Uint8Array([...header, ...records]);
  const view = new DataView(bytes.buffer);
  view.setInt32(8, bytes.length - 12);
  view.setInt32(LAST_OFFSET_DELTA_POSITION, recordCount - 1);
  view.setInt32(RECORD_COUNT_POSITION, recordCount);
  return new RecordBatch(bytes);
}

function readAll(batch: RecordBatch): void {
  for (const record of batch.records()) {
    assert(record.headers.length >= 0);
    assertEquals(record.key?.length ?? -1, record.keySize);
    assertEquals(record.value?.length ?? -1, record.valueSize);
  }
}

// deno-fmt-ignore
const FULL_RECORD = [
  34, // length: 17
  0, // attributes
  10, // timestamp delta: 5
  0, // offset delta
  4, 1, 2, // key of two bytes
  6, 3, 4, 5, // value of three bytes
  4, // two headers
  2, 97, 2, 9, // a: 09
  0, 1, // empty name: null
];

Deno.test("Record returns each of its fields", () => {
  const [record] = batchOf(1, ...FULL_RECORD).records();
  assert(record);
  assertEquals(record.offset, 0);
  assertEquals(record.timestamp, 1005);
  assertEquals(record.keySize, 2);
  assertEquals(record.key, new Uint8Array([1, 2]));
  assertEquals(record.valueSize, 3);
  assertEquals(record.value, new Uint8Array([3, 4, 5]));
  assertEquals(record.headers, [
    { key: "a", value: new Uint8Array([9]) },
    { key: "", value: null },
  ]);
});

Deno.test("Record distinguishes null from empty", () => {
  const [nulls] = batchOf(1, 12, 0, 0, 0, 1, 1, 0).records();
  assertEquals([nulls!.key, nulls!.value, nulls!.keySize, nulls!.valueSize], [null, null, -1, -1]);
  assertEquals(nulls!.headers, []);
  const [empties] = batchOf(1, 12, 0, 0, 0, 0, 0, 0).records();
  assertEquals([empties!.key?.length, empties!.value?.length], [0, 0]);
  assertEquals([empties!.keySize, empties!.valueSize], [0, 0]);
});

Deno.test("Record reads negative timestamp deltas, which kafkajs may write", () => {
  const [record] = batchOf(1, 12, 0, 9, 0, 1, 1, 0).records();
  assertEquals(record!.timestamp, 995);
});

Deno.test("Record reads header names that are long, not ASCII, or begin with a byte order mark", () => {
  const names = [
    "x".repeat(24),
    "x".repeat(25),
    "x".repeat(1000),
    "héä",
    "日本",
    "\ufeffmark",
    "a\u0000b",
  ];
  const builder = new RecordBatchBuilder();
  builder.append(0, null, null, names.map((key) => ({ key, value: null })));
  const [record] = new RecordBatch(builder.build()).records();
  assertEquals(record!.headers.map(({ key }) => key), names);
});

Deno.test("RecordBatch.records() can be iterated twice, and left early", () => {
  const records = new RecordBatch(goldenBatches.librdkafka.zstd).records();
  for (const record of records) {
    assertEquals(record.offset, 0);
    break;
  }
  assertEquals(Array.from(records).length, 4);
  assertEquals(Array.from(records).length, 4);
});

Deno.test("RecordBatch.records() of a batch emptied by compaction is empty", () => {
  assertEquals(Array.from(batchOf(0).records()), []);
});

Deno.test("RecordBatch.records() keeps offsets where compaction removed records", () => {
  const batch = batchOf(2, 12, 0, 0, 4, 1, 1, 0, 12, 0, 0, 14, 1, 1, 0);
  new DataView(batch.bytes.buffer).setInt32(LAST_OFFSET_DELTA_POSITION, 9);
  assertEquals(Array.from(batch.records(), (record) => record.offset), [2, 7]);
  assertEquals(batch.nextOffset, 10);
});

Deno.test("RecordBatch.records() rejects records truncated at any byte", () => {
  for (let size = 0; size < FULL_RECORD.length; size++) {
    assertThrows(() => readAll(batchOf(1, ...FULL_RECORD.slice(0, size))), CorruptRecordError);
  }
  const whole = goldenBatches.librdkafka.none;
  for (let size = RECORD_BATCH_OVERHEAD; size < whole.length; size++) {
    const bytes = whole.slice(0, size);
    new DataView(bytes.buffer).setInt32(8, size - 12);
    assertThrows(() => readAll(new RecordBatch(bytes)), CorruptRecordError);
  }
});

Deno.test("RecordBatch.records() rejects a record length that is too small", () => {
  // The length states less than the fields take, though the bytes are present.
  for (let length = 0; length < 17; length++) {
    const bytes = [2 * length, ...FULL_RECORD.slice(1), ...new Array<number>(20).fill(0)];
    assertThrows(() => readAll(batchOf(1, ...bytes)), CorruptRecordError);
  }
});

Deno.test("RecordBatch.records() rejects a wrong record count", () => {
  assertThrows(() => readAll(batchOf(2, ...FULL_RECORD)), CorruptRecordError);
  assertThrows(
    () => readAll(batchOf(0, ...FULL_RECORD)),
    CorruptRecordError,
    "18 bytes follow the last",
  );
  assertThrows(() => readAll(batchOf(-1)), CorruptRecordError, "record count is -1");
  assertThrows(() => readAll(batchOf(2 ** 31 - 1, ...FULL_RECORD)), CorruptRecordError);
});

Deno.test("RecordBatch.records() rejects invalid fields", async (t) => {
  const records: Record<string, number[]> = {
    "length below zero": [1, 0, 0, 0, 1, 1, 0],
    "length beyond the batch": [14, 0, 0, 0, 1, 1, 0],
    "length over 5 bytes": [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0],
    "key beyond the record": [12, 0, 0, 0, 8, 1, 0],
    "key of size -2": [12, 0, 0, 0, 3, 1, 0],
    "value beyond the record": [12, 0, 0, 0, 1, 8, 0],
    "value of size -2": [12, 0, 0, 0, 1, 3, 0],
    "a key of 2 GiB": [20, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0x0f, 1, 0],
    "header count below zero": [12, 0, 0, 0, 1, 1, 1],
    "header count beyond the record": [12, 0, 0, 0, 1, 1, 2],
    "2^31-1 headers": [20, 0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f],
    "bytes after the last field": [14, 0, 0, 0, 1, 1, 0, 0],
    "bytes after the last header": [18, 0, 0, 0, 1, 1, 2, 0, 0, 0],
    "header name of null": [16, 0, 0, 0, 1, 1, 2, 1, 1],
    "header name beyond the record": [16, 0, 0, 0, 1, 1, 2, 8, 1],
    "header value beyond the record": [16, 0, 0, 0, 1, 1, 2, 0, 8],
    "offset delta below zero": [12, 0, 0, 1, 1, 1, 0],
    "offset delta beyond the last": [12, 0, 0, 2, 1, 1, 0],
    "timestamp delta over 10 bytes": [34, 0, ...new Array<number>(11).fill(0x80), 0, 0, 1, 1, 0],
  };
  for (const [name, bytes] of Object.entries(records)) {
    await t.step(name, () => {
      assertThrows(() => readAll(batchOf(1, ...bytes)), CorruptRecordError, "Cannot read record");
    });
  }
});

Deno.test("Record.timestamp is base plus delta, rounded once above 2^53", () => {
  const nanoseconds = 1_700_000_000_000_000_127n;
  const cases: [base: bigint, delta: number[], timestamp: bigint][] = [
    [2n ** 53n - 1n, [2], 2n ** 53n],
    [nanoseconds, [2], nanoseconds + 1n],
    [nanoseconds, [1], nanoseconds - 1n],
    [2n ** 63n - 1n, [0], 2n ** 63n],
    [-(2n ** 63n), [0], -(2n ** 63n)],
    [0n, [0xfe, ...new Array<number>(8).fill(0xff), 1], 2n ** 63n],
    [0n, [0xff, ...new Array<number>(8).fill(0xff), 1], -(2n ** 63n)],
  ];
  for (const [base, delta, timestamp] of cases) {
    const batch = batchOf(1, 2 * (delta.length + 5), 0, ...delta, 0, 1, 1, 0);
    new DataView(batch.bytes.buffer).setBigInt64(BASE_TIMESTAMP_POSITION, base);
    const [record] = batch.records();
    assertEquals(record!.timestamp, Number(timestamp), `${base} and ${delta}`);
    assertEquals(record!.exactTimestamp, timestamp === 2n ** 63n ? timestamp - 1n : timestamp);
  }
});

Deno.test("RecordBatch.records() reports why records cannot be decompressed", () => {
  const bytes = goldenBatches.librdkafka.gzip.slice(0, -10);
  new DataView(bytes.buffer).setInt32(8, bytes.length - 12);
  const batch = new RecordBatch(bytes);
  const error = assertThrows(
    () => batch.records(),
    CorruptRecordError,
    "Cannot read records of record batch of 152 bytes at offset 0: Cannot decompress gzip",
  );
  assert(error.cause instanceof Error);
});

Deno.test("RecordBatch.records() rejects more than maxBytes of decompressed records", () => {
  const builder = new RecordBatchBuilder({ compression: CompressionType.zstd });
  builder.append(0, null, new Uint8Array(1_000_000));
  const batch = new RecordBatch(builder.build());
  assert(batch.sizeInBytes < 1000);
  assertThrows(() => batch.records(1_000_000), CorruptRecordError, "size is over 1000000 bytes");
  const [record] = batch.records(1_100_000);
  assertEquals(record!.valueSize, 1_000_000);
});

Deno.test("Record returns what was written, whatever number of bytes its sizes take", () => {
  const sizes = [0, 1, 62, 63, 64, 65, 8189, 8190, 8191, 8192, 8193, 1_048_576, 1_048_577];
  const base = 1e12;
  const written = sizes.flatMap((size) => [
    { time: base + size, key: null, value: new Uint8Array(size).fill(size) },
    { time: base - size, key: new Uint8Array(size).fill(size), value: null },
  ]);
  const builder = new RecordBatchBuilder();
  for (let i = 0; i < 9000; i++) builder.append(base, null, null);
  for (const { time, key, value } of written) builder.append(time, key, value);
  let place = 0;
  for (const record of new RecordBatch(builder.build()).records()) {
    assertEquals(record.offset, place++);
    if (place <= 9000) continue;
    const { time, key, value } = written[place - 9001]!;
    assertEquals(record.timestamp, time);
    assertEquals([record.key, record.value], [key, value]);
  }
  assertEquals(place, 9000 + written.length);
});

Deno.test("RecordBatch.records() treats corrupt records the same on the fast and the slow path", async (t) => {
  // With such a base every record takes the slow path, since its timestamp might be too large.
  const longWay = 2 ** 52;
  const outcome = (bytes: Uint8Array, baseTimestamp: number): unknown => {
    new DataView(bytes.buffer).setBigInt64(BASE_TIMESTAMP_POSITION, BigInt(baseTimestamp));
    const found: unknown[] = [];
    try {
      for (const { offset, timestamp, key, value, headers } of new RecordBatch(bytes).records()) {
        found.push([offset, timestamp - baseTimestamp, key, value, headers]);
      }
    } catch (error) {
      assert(error instanceof CorruptRecordError);
      found.push(error.message);
    }
    return found;
  };
  await eachSeed(t, 1, (seed) => {
    const random = new Random(seed);
    for (let round = 0; round < 2000; round++) {
      const builder = new RecordBatchBuilder();
      for (let count = random.below(4); count >= 0; count--) {
        const key = random.below(2) === 0 ? null : new Uint8Array(random.below(100));
        builder.append(1000 + random.below(200), key, new Uint8Array(random.below(300)));
      }
      const bytes = builder.build().slice();
      for (let count = random.below(4); count > 0; count--) {
        const span = Math.min(40, bytes.length - RECORD_BATCH_OVERHEAD);
        bytes[RECORD_BATCH_OVERHEAD + random.below(span)]! = random.below(256);
      }
      const expected = outcome(bytes, longWay);
      // Above the safe integers the two bases give different results.
      if (JSON.stringify(expected).includes("timestamp delta")) continue;
      assertEquals(outcome(bytes, 0), expected, `round ${round}`);
    }
  });
});

Deno.test("RecordBatch.records() returns other records or throws CorruptRecordError for corrupt bytes", async (t) => {
  const originals = Object.values(goldenBatches.librdkafka);
  await eachSeed(t, 1, (seed) => {
    const random = new Random(seed);
    for (let round = 0; round < 3000; round++) {
      const bytes = originals[random.below(originals.length)]!.slice();
      for (let count = random.below(5); count >= 0; count--) {
        bytes[ATTRIBUTES_POSITION + random.below(bytes.length - ATTRIBUTES_POSITION)]! = random
          .below(256);
      }
      new DataView(bytes.buffer).setUint32(CRC_POSITION, crc32c(bytes, ATTRIBUTES_POSITION));
      try {
        const batch = new RecordBatch(bytes);
        batch.ensureValid();
        readAll(batch);
      } catch (error) {
        assert(error instanceof CorruptRecordError, `round ${round}: ${error}`);
      }
    }
  });
});
