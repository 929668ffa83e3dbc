/**
 * `validateBatch` and `validateBatchInSlices` with the records of every codec.
 *
 * @module
 */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { compress, CompressionType, decompress } from "../../protocol/compression/mod.ts";
import { Random } from "../../protocol/random_testing.ts";
import { RECORD_BATCH_OVERHEAD, RecordBatch } from "../../protocol/records/mod.ts";
import { ATTRIBUTES_POSITION, BATCH_LENGTH_POSITION } from "../../protocol/records/record_batch.ts";
import { InvalidRecordError, InvalidTimestampError, RecordTooLargeError } from "../errors.ts";
import type { LogConfig } from "../log/log_config.ts";
import { batchOf, configOf, NOW_MS, type TestRecord } from "../log_testing.ts";
import { type BatchWork, validateBatch, validateBatchInSlices } from "./validate_batch.ts";

/** Pauses whenever possible, and records the memory in use. */
class TestWork implements BatchWork {
  readonly isOver = true;
  pauses = 0;
  most = 0;

  pause(): Promise<void> {
    this.pauses++;
    return Promise.resolve();
  }

  hold(bytes: number): void {
    this.most = Math.max(this.most, bytes);
  }

  compress(
    type: CompressionType,
    bytes: Uint8Array,
    level: number | undefined,
  ): Promise<Uint8Array> {
    return Promise.resolve(compress(type, bytes, level));
  }
}

const CODECS = Object.entries(CompressionType);
const COMPRESSING = CODECS.filter(([, type]) => type !== CompressionType.none);

function repacked(
  type: CompressionType,
  packed: Uint8Array,
  change: (view: DataView) => void = () => {},
  records: readonly (string | TestRecord)[] = ["a", "b"],
): RecordBatch {
  const header = batchOf(records).bytes.subarray(0, RECORD_BATCH_OVERHEAD);
  const bytes = new Uint8Array(header.length + packed.length);
  bytes.set(header);
  bytes.set(packed, header.length);
  const view = new DataView(bytes.buffer);
  view.setInt32(BATCH_LENGTH_POSITION, bytes.length - 12);
  view.setInt16(ATTRIBUTES_POSITION, type);
  change(view);
  const batch = new RecordBatch(bytes);
  batch.setMaxTimestamp(batch.maxTimestamp);
  return batch;
}

function recordsOf(records: readonly (string | TestRecord)[]): Uint8Array {
  return batchOf(records).bytes.slice(RECORD_BATCH_OVERHEAD);
}

/** Validates immediately and in slices, and compares the results. */
async function validate(
  make: () => RecordBatch,
  settings: Partial<LogConfig> = {},
): Promise<RecordBatch> {
  const config = configOf(settings);
  const now = validateBatch("t-0", make(), config, NOW_MS)!;
  const later = await validateBatchInSlices("t-0", make(), config, NOW_MS, new TestWork());
  assertEquals(later.bytes, now.bytes);
  return now;
}

async function assertRefused(
  make: () => RecordBatch,
  errorClass: typeof InvalidRecordError | typeof RecordTooLargeError,
  name: string,
  settings: Partial<LogConfig> = {},
): Promise<void> {
  const config = configOf(settings);
  // The trailer of gzip may state a size that is too large to be expanded immediately.
  const now = async () => validateBatch("t-0", make(), config, NOW_MS) ?? await later();
  const later = () => validateBatchInSlices("t-0", make(), config, NOW_MS, new TestWork());
  for (const judge of [now, later]) {
    await assertRejects(judge, errorClass, 'Cannot append to "t-0"', name);
  }
}

Deno.test("validateBatch() corrects the maximum timestamp to that of the records", async () => {
  for (const [name, type] of CODECS) {
    // kafkajs: an old and a current timestamp, of which it states the old as the maximum.
    const mixed = [{ value: "a", timestamp: 5 }, { value: "b", timestamp: NOW_MS }];
    const old = () => {
      const batch = batchOf(mixed, { compression: type });
      batch.setMaxTimestamp(5);
      return batch;
    };
    const batch = await validate(old);
    assertEquals([batch.maxTimestamp, batch.isCrcValid()], [NOW_MS, true], name);
    const late = () => {
      const batch = batchOf(["a", "b"], { compression: type });
      batch.setMaxTimestamp(NOW_MS + 2 ** 50);
      return batch;
    };
    assertEquals((await validate(late)).maxTimestamp, NOW_MS, name);
    const none = () => batchOf([{ value: "a", timestamp: -1 }], { compression: type });
    assertEquals((await validate(none)).maxTimestamp, -1, name);
  }
});

Deno.test("validateBatch() rejects records that do not match the header", async () => {
  for (const [codec, type] of CODECS) {
    const pack = (bytes: Uint8Array) => compress(type, bytes);
    const cases: Record<string, () => RecordBatch> = {
      "a count of 2 with one record": () => repacked(type, pack(recordsOf(["a"]))),
      "a count of 2 with three records": () => repacked(type, pack(recordsOf(["a", "b", "c"]))),
      "garbage": () => repacked(type, pack(new Random(1).bytes(100))),
      "bytes after the last record": () =>
        repacked(type, pack(Uint8Array.of(...recordsOf(["a", "b"]), 0))),
      "no records": () => repacked(type, pack(new Uint8Array(0))),
      "a count of two thousand million": () =>
        repacked(type, pack(recordsOf(["a", "b"])), (view) => {
          view.setInt32(23, 0x7ffffffe);
          view.setInt32(57, 0x7fffffff);
        }),
    };
    for (const [name, make] of Object.entries(cases)) {
      await assertRefused(make, InvalidRecordError, `${name}, ${codec}`);
    }
  }
});

Deno.test("validateBatch() rejects records that the codec cannot expand", async () => {
  const random = new Random(1).bytes(5000);
  const value = Array.from(random, (byte) => String.fromCharCode(byte & 0x7f)).join("");
  for (const [codec, type] of COMPRESSING) {
    const records = recordsOf([value, "b"]);
    const packed = compress(type, records);
    const cases: Record<string, Uint8Array> = {
      "cut in half": packed.slice(0, packed.length >> 1),
      "without its last byte": packed.slice(0, -1),
      "not compressed": records,
      "empty": new Uint8Array(0),
      "followed by other bytes": Uint8Array.of(...packed, 1, 2, 3),
    };
    for (const [name, bytes] of Object.entries(cases)) {
      await assertRefused(() => repacked(type, bytes), InvalidRecordError, `${name}, ${codec}`);
    }
  }
});

/** A hundred megabytes and more in less than one. */
const BOMBS: Record<string, () => RecordBatch> = {
  gzip: () => repacked(1, compress(1, new Uint8Array(110_000_000))),
  snappy: () => repacked(2, new Uint8Array([0x80, 0x80, 0x80, 0x40, ...snappyZeros(128 << 20)])),
  lz4: () => repacked(3, compress(3, new Uint8Array(110_000_000))),
  zstd: () => repacked(4, compress(4, new Uint8Array(110_000_000))),
  "zstd without content size": () => repacked(4, zstdZeros(1000)),
  "several zstd frames": () =>
    repacked(4, new Uint8Array(Array.from({ length: 20 }, () => [...zstdZeros(10)]).flat())),
};

function snappyZeros(size: number): number[] {
  const bytes = [0, 0];
  for (let left = size - 1; left > 0; left -= 64) bytes.push(0xfe, 1, 0);
  return bytes;
}

/** A frame of run-length blocks of 128 KiB each. */
function zstdZeros(blocks: number): Uint8Array {
  const bytes = [0x28, 0xb5, 0x2f, 0xfd, 0, 0x58];
  for (let index = 0; index < blocks; index++) {
    const header = (128 * 1024) << 3 | 1 << 1 | (index === blocks - 1 ? 1 : 0);
    bytes.push(header & 0xff, header >>> 8 & 0xff, header >>> 16, 0);
  }
  return new Uint8Array(bytes);
}

Deno.test("validateBatch() rejects records that expand to too many bytes, without expanding them", async (t) => {
  for (const [name, make] of Object.entries(BOMBS)) {
    await t.step(name, async () => {
      const config = configOf({ maxMessageBytes: 100_000_000 });
      const batch = make();
      const work = new TestWork();
      const judge = async () =>
        validateBatch("t-0", batch, config, NOW_MS) ??
          await validateBatchInSlices("t-0", batch, config, NOW_MS, work);
      const message = name === "several zstd frames" ? "Cannot append" : "expands to more than";
      await assertRejects(judge, RecordTooLargeError, message);
    });
  }
});

Deno.test("validateBatch() leaves many small blocks to slices, and rejects many zstd frames", async () => {
  const empty = (type: CompressionType) => compress(type, new Uint8Array(0));
  const repeated = (bytes: Uint8Array, count: number) =>
    new Uint8Array(Array.from({ length: count }, () => [...bytes]).flat());
  const snappy = empty(CompressionType.snappy);
  const cases: [CompressionType, Uint8Array][] = [
    [
      CompressionType.snappy,
      Uint8Array.of(...snappy, ...repeated(Uint8Array.of(0, 0, 0, 1, 0), 5000)),
    ],
    [CompressionType.lz4, repeated(empty(CompressionType.lz4), 5000)],
    [CompressionType.zstd, repeated(empty(CompressionType.zstd), 5000)],
  ];
  for (const [type, packed] of cases) {
    const batch = () => repacked(type, packed);
    if (type !== CompressionType.zstd) {
      assertEquals(validateBatch("t-0", batch(), configOf(), NOW_MS), undefined);
    }
    await assertRefused(batch, InvalidRecordError, `${type}`);
  }
});

Deno.test("validateBatch() leaves a large compressed batch to slices, which pause", async () => {
  const records = [{ value: "x".repeat(3_000_000) }, { value: "y".repeat(3_000_000) }];
  for (const [name, type] of COMPRESSING) {
    const batch = batchOf(records, { compression: type });
    assertEquals(validateBatch("t-0", batch, configOf(), NOW_MS), undefined, name);
    const work = new TestWork();
    const valid = await validateBatchInSlices("t-0", batch, configOf(), NOW_MS, work);
    assertEquals(valid, batch, name);
    assertEquals([work.pauses > 5, work.most >= 6_000_000, work.most <= 20_000_000], [
      true,
      true,
      true,
    ], `${name}: ${work.pauses} pauses, ${work.most} bytes`);
  }
});

Deno.test("validateBatch() names every record without a key or with an invalid timestamp", async () => {
  const records: TestRecord[] = [
    { key: "k", value: "a" },
    { key: null, value: "b" },
    { key: "k", value: "c", timestamp: NOW_MS + 7_200_000 },
    { key: null, value: "d" },
    { key: "k", value: "e", timestamp: NOW_MS - 5000 },
  ];
  for (const [name, type] of CODECS) {
    const keys = assertThrows(
      () =>
        validateBatch(
          "t-0",
          batchOf(records.toSpliced(2, 1), { compression: type }),
          configOf({ cleanupPolicy: ["compact"] }),
          NOW_MS,
        ),
      InvalidRecordError,
    );
    assertEquals(keys.recordErrors.map(({ batchIndex }) => batchIndex), [1, 2], name);
    const make = () => batchOf(records, { compression: type });
    const settings = { messageTimestampBeforeMaxMs: 1000, cleanupPolicy: ["compact" as const] };
    const times = assertThrows(
      () => validateBatch("t-0", make(), configOf(settings), NOW_MS),
      InvalidTimestampError,
    );
    assertEquals(times.recordErrors.map(({ batchIndex }) => batchIndex), [1, 2, 3, 4], name);
    assertEquals(
      times.recordErrors[3]!.message,
      `Timestamp ${NOW_MS - 5000} of message with offset 4 is out of range. The timestamp should ` +
        `be within [${NOW_MS - 1000}, ${NOW_MS + 3_600_000}]`,
    );
    await assertRefused(make, InvalidTimestampError, name, settings);
  }
});

Deno.test("validateBatch() with record.validation=header checks only the header", () => {
  const config = configOf({ recordValidation: "header", cleanupPolicy: ["compact"] });
  for (const [, type] of CODECS) {
    const batch = repacked(type, new Uint8Array([1, 2, 3]));
    assertEquals(validateBatch("t-0", batch, config, NOW_MS), batch);
  }
  const late = batchOf(["a"]);
  late.setMaxTimestamp(NOW_MS + 7_200_000);
  assertThrows(() => validateBatch("t-0", late, config, NOW_MS), InvalidTimestampError);
});

Deno.test("validateBatch() compresses with compression.type, and keeps batches that have it already", async () => {
  const records = Array.from({ length: 20 }, (_, index) => ({
    key: `key-${index}`,
    value: "some text that repeats ".repeat(20),
    timestamp: NOW_MS - index,
  }));
  for (const [from, source] of CODECS) {
    for (const [to, target] of CODECS) {
      const make = () =>
        batchOf(records, {
          compression: source,
          producerId: 7,
          producerEpoch: 1,
          baseSequence: 5,
        });
      const name = `${from} to ${to}`;
      const given = make();
      const batch = await validate(make, { compression: target, recordValidation: "header" });
      if (source === target) assertEquals(batch.bytes, given.bytes, name);
      batch.ensureValid();
      assertEquals(batch.compression, target, name);
      const packed = batch.bytes.subarray(RECORD_BATCH_OVERHEAD);
      assertEquals(decompress(target, packed), batchOf(records).bytes.slice(RECORD_BATCH_OVERHEAD));
      assertEquals(
        [batch.producerId, batch.producerEpoch, batch.baseSequence, batch.recordCount],
        [7, 1, 5, 20],
      );
      assertEquals([batch.baseTimestamp, batch.maxTimestamp], [NOW_MS, NOW_MS]);
    }
  }
});

Deno.test("validateBatch() rejects a recompressed batch larger than max.message.bytes", async () => {
  const make = () => batchOf(["x".repeat(5000)], { compression: CompressionType.gzip });
  const settings = { compression: CompressionType.none, maxMessageBytes: 1000 };
  await assertRefused(make, RecordTooLargeError, "plain", settings);
});

Deno.test("validateBatch() sets the time of the append in a recompressed batch", async () => {
  const batch = await validate(() => batchOf([{ value: "a", timestamp: 5 }]), {
    compression: CompressionType.lz4,
    messageTimestampType: "LogAppendTime",
  });
  assertEquals([batch.timestampType, batch.maxTimestamp, batch.isCrcValid()], [1, NOW_MS, true]);
});
