/**
 * Hostile batches of at most a megabyte, which expand to very much or have very many small parts.
 *
 * @module
 */

import { compress, compressionName, CompressionType } from "../../../protocol/compression/mod.ts";
import { produce } from "../../../protocol/messages/records/produce.ts";
import { crc32c } from "../../../protocol/records/mod.ts";
import { MAX_VARINT_SIZE, writeVarint } from "../../../protocol/records/varint.ts";
import {
  EMPTY,
  HOSTILE_TOPIC,
  type HostileCase,
  RECOMPRESSED_TOPIC,
  TIMEOUT_MS,
} from "./hostile_case.ts";
import { requestFrame } from "../load/load_connection.ts";

const OVERHEAD = 61;
const SIZE = 1_000_000;
/** The start of a zstd frame, before any content. */
const SKIPPABLE_MAGIC = 0x184d2a50;

/** Connections that send each batch at the same time. */
const CONNECTIONS = 8;

/** The cases. */
export const HOSTILE_BATCHES: readonly HostileCase[] = [
  bombs(
    "gzip of 900 MB",
    CompressionType.gzip,
    () => compress(CompressionType.gzip, new Uint8Array(900_000_000)),
  ),
  bombs(
    "gzip of one record of 90 MB",
    CompressionType.gzip,
    () => compress(CompressionType.gzip, largeRecord(90_000_000)),
  ),
  bombs(
    "gzip, 50,000 members",
    CompressionType.gzip,
    () => repeated(compress(CompressionType.gzip, EMPTY)),
  ),
  bombs("snappy of 22 MB", CompressionType.snappy, () => snappyZeros(SIZE)),
  bombs("snappy, 200,000 blocks", CompressionType.snappy, () => {
    const header = compress(CompressionType.snappy, EMPTY);
    const blocks = repeated(Uint8Array.of(0, 0, 0, 1, 0));
    const bytes = new Uint8Array(header.length + blocks.length);
    bytes.set(header);
    bytes.set(blocks, header.length);
    return bytes;
  }),
  bombs(
    "lz4 of 240 MB",
    CompressionType.lz4,
    () => compress(CompressionType.lz4, new Uint8Array(240_000_000)),
  ),
  bombs(
    "lz4, 70,000 frames",
    CompressionType.lz4,
    () => repeated(compress(CompressionType.lz4, EMPTY)),
  ),
  bombs("zstd of 30 GB", CompressionType.zstd, () => zstdZeros(SIZE / 4)),
  bombs("zstd of 130 MB in 4 KB", CompressionType.zstd, () => zstdZeros(1000)),
  bombs("zstd, 9 frames of 10 MB", CompressionType.zstd, () => {
    const frame = zstdZeros(80);
    const bytes = new Uint8Array(SIZE - 100);
    for (let i = 0; i < 9; i++) bytes.set(frame, i * frame.length);
    // Skippable frames make the batch larger, and so it may expand to more.
    const view = new DataView(bytes.buffer, 9 * frame.length);
    view.setUint32(0, SKIPPABLE_MAGIC, true);
    view.setUint32(4, view.byteLength - 8, true);
    return bytes;
  }),
  ...([CompressionType.gzip, CompressionType.lz4, CompressionType.zstd] as const).map((type) =>
    bombs(
      `${compressionName(type)} of 1,100 records of 9 KB, compressed again`,
      type,
      () => compress(type, manyRecords(1100, 9000)),
      1100,
      RECOMPRESSED_TOPIC,
    )
  ),
  bombs("zstd, 70,000 frames", CompressionType.zstd, () => repeated(zstdZeros(1))),
  bombs("one record of 300,000 headers", CompressionType.none, () => manyHeaders(300_000)),
  bombs("140,000 records that are none", CompressionType.none, () => new Uint8Array(SIZE), 140_000),
];

function bombs(
  name: string,
  compression: CompressionType,
  records: () => Uint8Array,
  recordCount = 1,
  topic = HOSTILE_TOPIC,
): HostileCase {
  return {
    name: `Produce, ${name}`,
    connections: CONNECTIONS,
    frame: () =>
      requestFrame(produce, 9, {
        acks: 1,
        timeoutMs: TIMEOUT_MS,
        topicData: [{
          name: topic,
          partitionData: [{ index: 0, records: batchOf(compression, records(), recordCount) }],
        }],
      }),
  };
}

function batchOf(
  compression: CompressionType,
  records: Uint8Array,
  recordCount: number,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(OVERHEAD + records.length);
  bytes.set(records, OVERHEAD);
  const view = new DataView(bytes.buffer);
  view.setInt32(8, bytes.length - 12);
  view.setInt8(16, 2);
  view.setInt16(21, compression);
  view.setInt32(23, recordCount - 1);
  for (const position of [27, 35]) view.setBigInt64(position, BigInt(Date.now()));
  view.setBigInt64(43, -1n);
  view.setInt32(57, recordCount);
  view.setUint32(17, crc32c(bytes, 21));
  return bytes;
}

function repeated(part: Uint8Array): Uint8Array {
  const count = Math.floor(SIZE / part.length);
  const bytes = new Uint8Array(count * part.length);
  for (let i = 0; i < count; i++) bytes.set(part, i * part.length);
  return bytes;
}

/** A raw block of copies, each of 64 bytes out of three. */
function snappyZeros(size: number): Uint8Array {
  const copies = Math.floor(size / 3) - 2;
  const bytes = new Uint8Array(6 + 3 * copies);
  let left = 1 + 64 * copies;
  for (let i = 0; i < 4; i++, left >>>= 7) bytes[i] = left & 0x7f | (i < 3 ? 0x80 : 0);
  for (let i = 0; i < copies; i++) bytes.set([0xfe, 1, 0], 6 + 3 * i);
  return bytes;
}

/** A frame of run-length blocks of 128 KiB, each of four bytes. */
function zstdZeros(blocks: number): Uint8Array {
  const bytes = new Uint8Array(6 + 4 * blocks);
  bytes.set([0x28, 0xb5, 0x2f, 0xfd, 0, 0x58]);
  for (let i = 0; i < blocks; i++) {
    const header = (128 * 1024) << 3 | 1 << 1 | (i === blocks - 1 ? 1 : 0);
    bytes.set([header & 0xff, header >>> 8 & 0xff, header >>> 16], 6 + 4 * i);
  }
  return bytes;
}

function varint(value: number): Uint8Array {
  const bytes = new Uint8Array(MAX_VARINT_SIZE);
  return bytes.subarray(0, writeVarint(bytes, 0, value));
}

/** A record whose fields up to the last are `head`, and then `tail`. */
function record(head: readonly number[], tail: Uint8Array): Uint8Array {
  const length = varint(head.length + tail.length);
  const bytes = new Uint8Array(length.length + head.length + tail.length);
  bytes.set(length);
  bytes.set(head, length.length);
  bytes.set(tail, length.length + head.length);
  return bytes;
}

function largeRecord(size: number): Uint8Array {
  return record([0, 0, 0, 1, ...varint(size)], new Uint8Array(size + 1));
}

function manyRecords(count: number, size: number): Uint8Array {
  const bytes = new Uint8Array(count * (size + 20));
  const tail = new Uint8Array(size + 1);
  let end = 0;
  for (let i = 0; i < count; i++) {
    crypto.getRandomValues(tail.subarray(0, size / 20));
    const next = record([0, 0, ...varint(i), 1, ...varint(size)], tail);
    bytes.set(next, end);
    end += next.length;
  }
  return bytes.subarray(0, end);
}

function manyHeaders(count: number): Uint8Array {
  const headers = new Uint8Array(3 * count);
  for (let i = 0; i < count; i++) headers.set([2, 65, 1], 3 * i);
  return record([0, 0, 0, 1, 1, ...varint(count)], headers);
}
