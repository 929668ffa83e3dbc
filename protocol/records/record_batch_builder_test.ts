import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { CompressionType } from "../compression/mod.ts";
import { goldenBatches, goldenRecords } from "./golden_batches.testing.ts";
import { RECORD_BATCH_OVERHEAD, RecordBatch } from "./record_batch.ts";
import { RecordBatchBuilder, type RecordHeaderInput } from "./record_batch_builder.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function bytesOf(text: string | null): Uint8Array | null {
  return text === null ? null : encoder.encode(text);
}

Deno.test("RecordBatchBuilder.build() writes the same bytes as librdkafka", () => {
  const builder = new RecordBatchBuilder({ partitionLeaderEpoch: 0 });
  for (const { timestamp, key, value, headers } of goldenRecords) {
    const headerBytes = headers.map((header) => ({ ...header, value: bytesOf(header.value) }));
    builder.append(timestamp, bytesOf(key), bytesOf(value), headerBytes);
  }
  assertEquals(builder.build(), goldenBatches.librdkafka.none);
});

Deno.test("RecordBatchBuilder.build() writes the same bytes as kafka-python, also from text", () => {
  const builder = new RecordBatchBuilder({
    isTransactional: true,
    producerId: 4711,
    producerEpoch: 3,
    baseSequence: 2147483646,
    partitionLeaderEpoch: 0,
  });
  for (const { timestamp, key, value, headers } of goldenRecords) {
    builder.append(timestamp, key, value, headers);
  }
  assertEquals(builder.build(), goldenBatches.kafkaPython.none);
});

Deno.test("RecordBatchBuilder.build() compresses records with every codec", async (t) => {
  for (const [name, compression] of Object.entries(CompressionType)) {
    await t.step(name, () => {
      const builder = new RecordBatchBuilder({ compression, baseOffset: 100 });
      for (let index = 0; index < 1000; index++) {
        builder.append(1000 + index, `key-${index}`, `some value, and again some value ${index}`);
      }
      const uncompressedSize = builder.estimatedSizeInBytes;
      const batch = new RecordBatch(builder.build());
      batch.ensureValid();
      assertEquals(batch.compression, compression);
      assertEquals(batch.recordCount, 1000);
      if (compression === CompressionType.none) assertEquals(batch.sizeInBytes, uncompressedSize);
      else assert(batch.sizeInBytes < uncompressedSize / 2);
      let index = 0;
      for (const record of batch.records()) {
        assertEquals(record.offset, 100 + index);
        assertEquals(record.timestamp, 1000 + index);
        assertEquals(decoder.decode(record.key!), `key-${index}`);
        assertEquals(decoder.decode(record.value!), `some value, and again some value ${index}`);
        index++;
      }
      assertEquals(index, 1000);
    });
  }
});

Deno.test("RecordBatchBuilder.build() fills in the header", () => {
  const builder = new RecordBatchBuilder({
    timestampType: 1,
    isControl: true,
    isTransactional: true,
    partitionLeaderEpoch: 5,
  });
  builder.append(2000, "k", "v");
  builder.append(1000, "k", "v");
  builder.append(3000, "k", "v");
  builder.append(-1, "k", "v");
  const batch = new RecordBatch(builder.build());
  assertEquals(batch.attributes, 0b11_1000);
  assertEquals(batch.partitionLeaderEpoch, 5);
  assertEquals(batch.baseTimestamp, 2000);
  assertEquals(batch.maxTimestamp, 3000);
  assertEquals(batch.lastOffsetDelta, 3);
  assertEquals(batch.baseOffset, 0);
  assertEquals([batch.producerId, batch.producerEpoch, batch.baseSequence], [-1, -1, -1]);
});

Deno.test("RecordBatchBuilder.append() accepts any timestamps, however far apart", () => {
  const timestamps = [
    1_700_000_000_000,
    0,
    -1,
    Number.MAX_SAFE_INTEGER,
    1.7e18,
    1_700_000_000_001,
    5,
  ];
  for (const first of timestamps) {
    const builder = new RecordBatchBuilder();
    for (const timestamp of [first, ...timestamps]) builder.append(timestamp, null, null);
    const records = Array.from(new RecordBatch(builder.build()).records());
    assertEquals(records.map((record) => record.timestamp), [first, ...timestamps]);
  }
});

Deno.test("RecordBatchBuilder.append() keeps timestamps given as bigint exact", () => {
  const nanoseconds = 1_700_000_000_000_000_123n;
  const orders: (number | bigint)[][] = [
    [nanoseconds, nanoseconds + 1n, nanoseconds - 1n],
    [1_700_000_000_000, nanoseconds, 2n ** 63n - 1n, -1],
    [2n ** 63n - 1n, 0, nanoseconds],
    [5n, 1.7e18, nanoseconds],
  ];
  for (const timestamps of orders) {
    const builder = new RecordBatchBuilder();
    for (const timestamp of timestamps) builder.append(timestamp, null, null);
    const batch = new RecordBatch(builder.build());
    const exact = Array.from(batch.records()).map((record) => record.exactTimestamp);
    assertEquals(exact, timestamps.map(BigInt));
    const { bytes } = batch;
    const latest = new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(35);
    assertEquals(latest, exact.reduce((a, b) => a > b ? a : b));
  }
  const builder = new RecordBatchBuilder();
  for (const timestamp of [-2n, 2n ** 63n]) {
    assertThrows(() => builder.append(timestamp, null, null), RangeError, `is ${timestamp}`);
  }
});

Deno.test("RecordBatchBuilder.append() writes text like its UTF-8 bytes, whatever its size", () => {
  const texts = ["", "a", "é", "日本", "😀", "\ud800", "\ufeffbom", "x".repeat(24) + "é"];
  for (
    const size of [20, 21, 31, 32, 40, 62, 63, 64, 65, 2730, 4090, 4096, 4097, 8190, 8192, 9000]
  ) {
    texts.push("a".repeat(size), "é".repeat(size), "日".repeat(size), "a".repeat(size - 1) + "é");
  }
  for (const text of texts) {
    const headers = [{ key: text, value: text }, { key: "", value: null }];
    const byText = new RecordBatchBuilder();
    const byBytes = new RecordBatchBuilder();
    for (const other of ["", "k", "日本", "y".repeat(100)]) {
      byText.append(7, text, other, headers);
      byText.append(7, other, text);
      byBytes.append(7, bytesOf(text), bytesOf(other), [
        { key: text, value: bytesOf(text) },
        headers[1]!,
      ]);
      byBytes.append(7, bytesOf(other), bytesOf(text));
    }
    const batch = byText.build();
    assertEquals(batch, byBytes.build(), `${text.length} units of ${text.slice(0, 3)}`);
    const [record] = new RecordBatch(batch).records();
    assertEquals(record!.key, bytesOf(text));
    assertEquals(record!.headers[0]!.key, decoder.decode(bytesOf(text)!));
  }
});

Deno.test("RecordBatchBuilder.build() returns a view of its buffer without compression", () => {
  const builder = new RecordBatchBuilder({ initialCapacity: 1000 });
  builder.append(0, null, new Uint8Array(500));
  const batch = builder.build();
  assertEquals(batch.buffer.byteLength, 1000);
  assertStrictEquals(builder.build(), batch);
});

Deno.test("RecordBatchBuilder throws for changes after build(), and for build() without records", () => {
  const builder = new RecordBatchBuilder();
  assertThrows(() => builder.build(), TypeError, "it has no records");
  builder.append(0, null, "v");
  builder.build();
  assertThrows(() => builder.append(0, null, "v"), TypeError, "it is built");
  assertThrows(() => builder.tryAppend(0, null, "v"), TypeError, "it is built");
  assertThrows(() => builder.setProducerState(1, 1, 1), TypeError, "it is built");
});

Deno.test("RecordBatchBuilder.append() rejects timestamps that are not integers from -1 up", () => {
  const builder = new RecordBatchBuilder();
  for (const timestamp of [-2, 1.5, NaN, Infinity, 2 ** 63]) {
    assertThrows(() => builder.append(timestamp, null, null), RangeError, `is ${timestamp}`);
  }
  assertEquals(builder.recordCount, 0);
  assertEquals(builder.estimatedSizeInBytes, RECORD_BATCH_OVERHEAD);
});

Deno.test("RecordBatchBuilder.append() changes nothing if it throws", () => {
  const builder = new RecordBatchBuilder();
  builder.append(1, "k", "v");
  const size = builder.estimatedSizeInBytes;
  const headers = [{ key: 5, value: null }] as unknown as RecordHeaderInput[];
  assertThrows(() => builder.append(2, "other", "value", headers));
  assertEquals(builder.recordCount, 1);
  assertEquals(builder.estimatedSizeInBytes, size);
  const records = Array.from(new RecordBatch(builder.build()).records());
  assertEquals(records.length, 1);
});

Deno.test("RecordBatchBuilder.tryAppend() keeps to the size limit, except for the first record", () => {
  const builder = new RecordBatchBuilder({ sizeLimit: 200 });
  assert(builder.tryAppend(0, null, "x".repeat(300)));
  assert(!builder.tryAppend(0, null, ""));
  assertEquals(builder.recordCount, 1);

  for (const value of ["v".repeat(50), encoder.encode("v".repeat(50)), "日".repeat(16) + "12"]) {
    const limited = new RecordBatchBuilder({ sizeLimit: 61 + 3 * 57 });
    let count = 0;
    while (limited.tryAppend(0, null, value)) count++;
    assertEquals(count, 3);
    assertEquals(limited.recordCount, 3);
    const batch = new RecordBatch(limited.build());
    assertEquals(batch.sizeInBytes, 61 + 3 * 57);
    assertEquals(Array.from(batch.records()).length, 3);
  }
});

Deno.test("RecordBatchBuilder.append() ignores the size limit", () => {
  const builder = new RecordBatchBuilder({ sizeLimit: 100 });
  for (let index = 0; index < 10; index++) builder.append(0, null, new Uint8Array(1000));
  assertEquals(Array.from(new RecordBatch(builder.build()).records()).length, 10);
});

Deno.test("RecordBatchBuilder.setProducerState() sets the producer before build()", () => {
  const builder = new RecordBatchBuilder();
  builder.append(0, null, "v");
  builder.setProducerState(2 ** 33, 4, 17);
  const batch = new RecordBatch(builder.build());
  assertEquals([batch.producerId, batch.producerEpoch, batch.baseSequence], [2 ** 33, 4, 17]);
  batch.ensureValid();
});

Deno.test("RecordBatchBuilder.sizeOfRecord() is never less than the actual size", () => {
  const values = [null, "", "v".repeat(63), "日".repeat(3000), new Uint8Array(70_000)];
  const headers = [{ key: "日", value: "日" }, { key: "", value: null }];
  for (const value of values) {
    for (const some of [[], headers]) {
      const builder = new RecordBatchBuilder();
      builder.append(2 ** 62, null, null);
      const before = builder.estimatedSizeInBytes;
      builder.append(0, value, value, some);
      const size = builder.estimatedSizeInBytes - before;
      assert(size <= RecordBatchBuilder.sizeOfRecord(value, value, some));
    }
  }
});

Deno.test("RecordBatchBuilder.build() applies the compression level, and rejects an unsupported one", () => {
  const build = (compressionLevel: number) => {
    const builder = new RecordBatchBuilder({ compression: CompressionType.gzip, compressionLevel });
    for (let index = 0; index < 200; index++) builder.append(index, `${index}`, `value ${index}`);
    return builder.build().length;
  };
  assert(build(0) > build(1));
  assert(build(1) >= build(9));
  assertThrows(() => build(10), RangeError, "levels are -1 to 9");
});

Deno.test("RecordBatchBuilder writes the same batch to reused memory", () => {
  const build = (memory?: Uint8Array<ArrayBuffer>) => {
    const builder = new RecordBatchBuilder({ memory });
    for (let i = 0; i < 100; i++) builder.append(i, `${i}`, new Uint8Array(i).fill(i));
    return builder;
  };
  const expected = build().build().slice();
  for (const size of [1, 61, 500, 100_000]) {
    const builder = build(new Uint8Array(size).fill(0xff));
    assertEquals(builder.build(), expected);
    const released = builder.release()!;
    assert(released.length >= expected.length);
    assertEquals(build(released).build(), expected);
    assertEquals(builder.release(), undefined, "only once");
  }
});

Deno.test("RecordBatchBuilder.tryAppend() fills a batch exactly to its limit", () => {
  const sizeLimit = 1000;
  const first = new Uint8Array(800);
  const partly = new RecordBatchBuilder({ sizeLimit });
  partly.append(1, null, first);
  // Length and size of the value take two bytes each, the five other fields one.
  const room = sizeLimit - partly.estimatedSizeInBytes - 9;
  for (const isText of [false, true]) {
    const value = (size: number) => isText ? "a".repeat(size) : new Uint8Array(size);
    const builder = new RecordBatchBuilder({ sizeLimit });
    builder.append(1, null, first);
    assert(!builder.tryAppend(1, null, value(room + 1)));
    assert(builder.tryAppend(1, null, value(room)));
    assertEquals(builder.build().length, sizeLimit);
  }
});
