/**
 * Benchmarks record batches and codecs against alternatives: `deno bench --allow-read --allow-env
 * bench/protocol/records_bench.ts`.
 *
 * Every function's result is checked before it is timed. A batch is 100 records of 1 KB, or 1,000 of
 * 100 bytes; the codecs get 100 KB of JSON lines.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
// deno-lint-ignore no-import-prefix
import { createRecordsBatch, Reader, readRecordsBatch } from "npm:@platformatic/kafka@2.12.1";
// deno-lint-ignore no-import-prefix
import * as wasm from "npm:@platformatic/wasm-utils@0.2.1/bundled";
// deno-lint-ignore no-import-prefix
import { decompress as expandWithFzstd } from "npm:fzstd@0.1.1";
import { Buffer } from "node:buffer";
import { compress, CompressionType, decompress } from "../../protocol/compression/mod.ts";
import { encodeZstd } from "../../protocol/compression/zstd/zstd_encoder.ts";
import { crc32c, RecordBatch, RecordBatchBuilder } from "../../protocol/records/mod.ts";

const { gzip, snappy, lz4, zstd } = CompressionType;
const encoder = new TextEncoder();

// CRC-32C

const byteTable = Int32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = (byte >>> 1) ^ (byte & 1 ? 0x82f63b78 : 0);
  return byte;
});

function crc32cByBytes(bytes: Uint8Array): number {
  let crc = -1;
  for (let index = 0; index < bytes.length; index++) {
    crc = (crc >>> 8) ^ byteTable[(crc ^ bytes[index]!) & 0xff]!;
  }
  return ~crc >>> 0;
}

for (const size of [100, 10_000, 1_000_000]) {
  const bytes = Uint8Array.from({ length: size }, (_, index) => (index * 167) >> 3);
  const group = `CRC-32C of ${size} bytes`;
  assertEquals(crc32cByBytes(bytes), crc32c(bytes));
  assertEquals(wasm.crc32c(bytes), crc32c(bytes));
  Deno.bench("ours", { group, baseline: true }, () => void crc32c(bytes));
  Deno.bench("a table per byte", { group }, () => void crc32cByBytes(bytes));
  Deno.bench("@platformatic/wasm-utils", { group }, () => void wasm.crc32c(bytes));
}

// Batches

function build(keys: readonly Uint8Array[], value: Uint8Array | string): Uint8Array<ArrayBuffer> {
  const builder = new RecordBatchBuilder({ initialCapacity: 128 * 1024 });
  for (let index = 0; index < keys.length; index++) {
    builder.append(1_700_000_000_000 + index, keys[index]!, value);
  }
  return builder.build();
}

function readAll(bytes: Uint8Array): number {
  let size = 0;
  for (const record of new RecordBatch(bytes).records()) {
    size += record.key!.length + record.value!.length;
  }
  return size;
}

for (const [count, size] of [[1000, 100], [100, 1000]] as const) {
  const keys = Array.from({ length: count }, (_, index) => encoder.encode(`key-${index}`));
  const keyBuffers = keys.map((key) => Buffer.from(key));
  const text = "v".repeat(size);
  const value = encoder.encode(text);
  const valueBuffer = Buffer.from(value);
  const batch = build(keys, value);
  const buffer = Buffer.from(batch);
  const total = keys.reduce((sum, key) => sum + key.length + size, 0);

  const buildOther = () =>
    createRecordsBatch(keyBuffers.map((key, index) => ({
      topic: "orders",
      key,
      value: valueBuffer,
      timestamp: 1_700_000_000_000n + BigInt(index),
    })));
  const readOther = () =>
    readRecordsBatch(Reader.from(buffer)).records
      .reduce((sum, { key, value }) => sum + key!.length + value!.length, 0);

  assertEquals(build(keys, text), batch);
  assertEquals(readAll(buildOther().buffer), total);
  assertEquals(readAll(batch), total);
  assertEquals(readOther(), total);
  const building = `build ${count} records of ${size} bytes`;
  Deno.bench(
    "RecordBatchBuilder",
    { group: building, baseline: true },
    () => void build(keys, value),
  );
  Deno.bench("RecordBatchBuilder, text", { group: building }, () => void build(keys, text));
  Deno.bench("@platformatic/kafka", { group: building }, () => void buildOther());
  const reading = `read ${count} records of ${size} bytes`;
  Deno.bench(
    "RecordBatch.records()",
    { group: reading, baseline: true },
    () => void readAll(batch),
  );
  Deno.bench("@platformatic/kafka", { group: reading }, () => void readOther());
  const group = `check a batch of ${count} records of ${size} bytes`;
  Deno.bench("RecordBatch.ensureValid()", { group }, () => new RecordBatch(batch).ensureValid());
}

// Codecs

const lines = Array.from({ length: 1000 }, (_, index) =>
  JSON.stringify({
    id: index,
    user: `user-${(index * 7919) % 997}`,
    timestamp: 1_700_000_000_000 + index * 37,
    event: ["click", "view", "buy"][(index * 31) % 3],
    path: `/shop/item/${(index * 104729) % 5003}`,
  }));
const json = encoder.encode(lines.join("\n"));
const jsonBuffer = Buffer.from(json);

interface Rival {
  name: string;
  compress: () => Uint8Array;
  expand: (compressed: Uint8Array) => Uint8Array;
}

function benchCodec(name: string, type: CompressionType, rivals: Rival[]): void {
  const ours: Rival = {
    name: "this project",
    compress: () => compress(type, json),
    expand: (compressed) => decompress(type, compressed),
  };
  for (const rival of [ours, ...rivals]) {
    const compressed = rival.compress();
    assertEquals(new Uint8Array(rival.expand(compressed)), json);
    const baseline = rival === ours;
    const ratio = (json.length / compressed.length).toFixed(1);
    Deno.bench(`${rival.name}, to 1/${ratio}`, { group: `compress by ${name}`, baseline }, () => {
      rival.compress();
    });
    Deno.bench(rival.name, { group: `expand by ${name}`, baseline }, () => {
      rival.expand(compressed);
    });
  }
}

benchCodec("gzip", gzip, []);
benchCodec("snappy", snappy, [{
  name: "@platformatic/wasm-utils",
  compress: () => wasm.snappyCompress(jsonBuffer),
  expand: (compressed) => wasm.snappyDecompress(compressed as Buffer),
}]);
benchCodec("lz4", lz4, [{
  name: "@platformatic/wasm-utils",
  compress: () => wasm.lz4Compress(jsonBuffer),
  expand: (compressed) => wasm.lz4Decompress(compressed as Buffer),
}]);
benchCodec("zstd", zstd, [{
  name: "without node:zlib's",
  compress: () => encodeZstd(json),
  expand: (compressed) => expandWithFzstd(compressed),
}]);
